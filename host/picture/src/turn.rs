//! Pictures turned by quarters, as cameras say that theirs are to be shown.

use filmgate_core::frame::{Frame, PlanePool};

/// The picture turned by `rotation` degrees clockwise, to the nearest quarter. It has to be in one
/// plane; one of several comes back as it is.
///
/// # Errors
/// Never for a picture whose plane is as its format says.
pub fn turned(frame: Frame, rotation: i32, pool: &PlanePool) -> Result<Frame, String> {
    let quarters = (rotation.rem_euclid(360) + 45) / 90 % 4;
    let (1, Some(from)) = (frame.planes.len(), frame.planes.first()) else { return Ok(frame) };
    if quarters == 0 || frame.width == 0 {
        return Ok(frame);
    }
    let (width, height) = match quarters {
        2 => (frame.width, frame.height),
        _ => (frame.height, frame.width),
    };
    let size = frame.format.plane_size(0, width, height).ok_or("a picture without a plane")?;
    let bytes = from.size().row_bytes / frame.width as usize;
    let mut buffer = pool.packed_buffer(size);
    for (y, row) in buffer.rows_mut().enumerate() {
        for (x, sample) in row.chunks_exact_mut(bytes).enumerate() {
            let (column, line) = source((x, y), (width as usize, height as usize), quarters);
            sample.copy_from_slice(&from.row(line)[column * bytes..][..bytes]);
        }
    }
    Ok(Frame { width, height, planes: vec![buffer.into_plane()?], ..frame })
}

/// Where a sample of the turned picture comes from: column and row.
fn source(
    (x, y): (usize, usize),
    (width, height): (usize, usize),
    quarters: i32,
) -> (usize, usize) {
    match quarters {
        1 => (y, width - 1 - x),
        2 => (width - 1 - x, height - 1 - y),
        _ => (height - 1 - y, x),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use filmgate_core::frame::{PixelFormat, Plane};

    #[test]
    fn quarters_are_clockwise() {
        let format = PixelFormat::Rgb24;
        let size = format.plane_size(0, 3, 2).expect("a plane");
        let samples = (0..6).flat_map(|i| [i, i, i]).collect();
        let frame = Frame {
            format,
            width: 3,
            height: 2,
            planes: vec![Plane::packed(samples, size).expect("fits")],
            index: 0,
            timestamp: 0,
            duration: None,
            tags: None,
            baggage: None,
        };
        for (rotation, size, wanted) in [
            (0, (3, 2), [0, 1, 2, 3, 4, 5]),
            (90, (2, 3), [3, 0, 4, 1, 5, 2]),
            (180, (3, 2), [5, 4, 3, 2, 1, 0]),
            (-90, (2, 3), [2, 5, 1, 4, 0, 3]),
        ] {
            let out = turned(frame.clone(), rotation, &PlanePool::new()).expect("turned");
            assert_eq!((out.width, out.height), size, "{rotation}");
            let first: Vec<u8> = out.planes[0].to_packed().into_iter().step_by(3).collect();
            assert_eq!(first, wanted, "{rotation}");
        }
    }
}
