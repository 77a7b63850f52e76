//! Frames rotated and scaled into another size, with black bars if their aspect ratio differs.

use filmgate_av::{Converter, MediaError, MediaErrorKind};
use filmgate_core::frame::{Frame, PixelFormat, Plane, PlanePool, PlaneSize, StreamInfo};

/// Makes pictures of one stream fit another.
pub(super) struct Fitter {
    /// degrees clockwise
    turn: u32,
    scaler: Converter,
    /// where the scaled picture goes, in samples, and the size of the whole
    offset: (u32, u32),
    size: (u32, u32),
    pool: PlanePool,
}

impl Fitter {
    /// From pictures like `from`, which are to be turned by `turn` degrees clockwise, to the size of
    /// `like`.
    ///
    /// # Errors
    /// Unsupported for turns that are none of a quarter, and for 4:2:2, which cannot be turned.
    pub(super) fn new(
        from: &StreamInfo,
        turn: i32,
        like: &StreamInfo,
    ) -> Result<Fitter, MediaError> {
        let turn = turn.rem_euclid(360).unsigned_abs();
        let sideways = turn == 90 || turn == 270;
        let shift = from.format.chroma_shift();
        if !turn.is_multiple_of(90) || sideways && shift.0 != shift.1 {
            let message = format!("frames of {} cannot be rotated by {turn} degrees", from.format);
            return Err(MediaError { kind: MediaErrorKind::Unsupported, message });
        }
        let (width, height) =
            if sideways { (from.height, from.width) } else { (from.width, from.height) };
        let inner = fit((width, height), (like.width, like.height));
        let turned = StreamInfo { width, height, ..from.clone() };
        let even = |room: u32| room / 2 / 2 * 2;
        Ok(Fitter {
            turn,
            scaler: Converter::new(&turned, like.format, inner.0, inner.1)?,
            offset: (even(like.width - inner.0), even(like.height - inner.1)),
            size: (like.width, like.height),
            pool: PlanePool::new(),
        })
    }

    /// Whether a frame was transparent somewhere, and what came of it is not.
    pub(super) fn lost_alpha(&self) -> bool {
        self.scaler.lost_alpha()
    }

    pub(super) fn fit(&mut self, frame: &Frame) -> Result<Frame, MediaError> {
        let wrong = |message: String| MediaError { kind: MediaErrorKind::Encode, message };
        let turned = turn(frame, self.turn).map_err(wrong)?;
        let scaled = self.scaler.convert(&turned, &self.pool)?;
        if (scaled.width, scaled.height) == self.size {
            return Ok(scaled);
        }
        pad(&scaled, self.offset, self.size).map_err(wrong)
    }
}

/// The largest size of the same shape within another, of even sides. What is a hundredth off is
/// the same shape.
fn fit((width, height): (u32, u32), (room, high): (u32, u32)) -> (u32, u32) {
    let (across, down) =
        (f64::from(room) / f64::from(width.max(1)), f64::from(high) / f64::from(height.max(1)));
    if (across / down - 1.0).abs() < 0.01 {
        return (room, high);
    }
    let even = |side: f64, most: u32| ((side / 2.0).round() as u32 * 2).clamp(2, most.max(2));
    if across < down {
        (room, even(f64::from(height) * across, high))
    } else {
        (even(f64::from(width) * down, room), high)
    }
}

fn turn(frame: &Frame, degrees: u32) -> Result<Frame, String> {
    if degrees == 0 {
        return Ok(frame.clone());
    }
    let sideways = degrees != 180;
    let (width, height) =
        if sideways { (frame.height, frame.width) } else { (frame.width, frame.height) };
    let sizes = frame.format.plane_sizes(width, height);
    let sample = sample_bytes(frame.format);
    let planes = frame.planes.iter().zip(sizes);
    let planes = planes.map(|(plane, size)| turn_plane(plane, size, sample, degrees));
    let planes = planes.collect::<Result<Vec<_>, _>>()?;
    Ok(Frame { width, height, planes, baggage: None, ..frame.clone() })
}

/// Bytes from one sample of a row to the next.
fn sample_bytes(format: PixelFormat) -> usize {
    format.plane_size(0, 1, 1).map_or(1, |size| size.row_bytes)
}

fn turn_plane(plane: &Plane, to: PlaneSize, sample: usize, degrees: u32) -> Result<Plane, String> {
    let from: Vec<&[u8]> = plane.rows().collect();
    let (rows, columns) = (from.len(), plane.size().row_bytes / sample.max(1));
    let mut bytes = Vec::with_capacity(to.bytes());
    let (new_rows, new_columns) = if degrees == 180 { (rows, columns) } else { (columns, rows) };
    for y in 0..new_rows {
        for x in 0..new_columns {
            let (row, column) = match degrees {
                90 => (rows - 1 - x, y),
                270 => (x, columns - 1 - y),
                _ => (rows - 1 - y, columns - 1 - x),
            };
            bytes.extend_from_slice(&from[row][column * sample..(column + 1) * sample]);
        }
    }
    Plane::packed(bytes, to)
}

/// The picture on a black one.
fn pad(frame: &Frame, offset: (u32, u32), size: (u32, u32)) -> Result<Frame, String> {
    let format = frame.format;
    let (across, down) = format.chroma_shift();
    let mut planes = Vec::with_capacity(frame.planes.len());
    for (number, (plane, size)) in
        frame.planes.iter().zip(format.plane_sizes(size.0, size.1)).enumerate()
    {
        let chroma = format.is_yuv() && (number == 1 || number == 2);
        let (x, y) = if chroma { (offset.0 >> across, offset.1 >> down) } else { offset };
        let black = black(format, chroma);
        let mut bytes: Vec<u8> = black.iter().copied().cycle().take(size.bytes()).collect();
        let begin = x as usize * sample_bytes_of(format, number);
        for (line, row) in plane.rows().enumerate() {
            let at = (y as usize + line) * size.row_bytes + begin;
            if let Some(place) = bytes.get_mut(at..at + row.len()) {
                place.copy_from_slice(row);
            }
        }
        planes.push(Plane::packed(bytes, size)?);
    }
    Ok(Frame { width: size.0, height: size.1, planes, baggage: None, ..frame.clone() })
}

fn sample_bytes_of(format: PixelFormat, plane: usize) -> usize {
    match plane {
        0 => sample_bytes(format),
        _ => format.sample_bytes(),
    }
}

/// One sample of black, of the usual range.
fn black(format: PixelFormat, chroma: bool) -> Vec<u8> {
    let bits = format.bits();
    let value: u16 = match (format.is_yuv(), chroma) {
        (true, true) => 1 << (bits - 1),
        (true, false) => 16 << (bits - 8),
        (false, _) => 0,
    };
    match format.sample_bytes() {
        1 => vec![value as u8],
        _ => value.to_le_bytes().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_kept() {
        assert_eq!(fit((1280, 720), (640, 360)), (640, 360));
        assert_eq!(fit((360, 640), (640, 360)), (202, 360));
        assert_eq!(fit((640, 480), (640, 360)), (480, 360));
        assert_eq!(fit((64, 64), (192, 108)), (108, 108));
    }

    #[test]
    fn quarter_turns_go_round() {
        let size = PixelFormat::Gray8.plane_size(0, 3, 2).expect("a plane");
        let plane = Plane::packed(vec![1, 2, 3, 4, 5, 6], size).expect("it fits");
        let turned = |degrees| {
            let (w, h) = if degrees == 180 { (3, 2) } else { (2, 3) };
            let to = PixelFormat::Gray8.plane_size(0, w, h).expect("a plane");
            turn_plane(&plane, to, 1, degrees).expect("turned").to_packed()
        };
        assert_eq!(turned(90), [4, 1, 5, 2, 6, 3]);
        assert_eq!(turned(270), [3, 6, 2, 5, 1, 4]);
        assert_eq!(turned(180), [6, 5, 4, 3, 2, 1]);
    }
}
