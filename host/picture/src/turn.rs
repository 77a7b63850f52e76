//! Rotation of frames by quarter turns, and EXIF orientations: the one rotation of filmgate.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{ImageDecoder, ImageReader};

use filmgate_core::frame::{Frame, PixelFormat, Plane, PlanePool, PlaneSize, Rational, StreamInfo};

/// How the frames of a still image are turned upright, as its EXIF data asks for (Exif 2.32, 4.6.4,
/// Orientation).
#[derive(Clone, Copy, Debug)]
pub struct Upright(Orientation);

impl Upright {
    /// By the header of an image file; none where it is upright, or is no image file.
    pub fn of(bytes: &[u8]) -> Option<Upright> {
        let format = image::guess_format(bytes).ok()?;
        let reader = ImageReader::with_format(Cursor::new(bytes), format);
        let turn = reader.into_decoder().ok()?.orientation().ok()?;
        (turn != Orientation::NoTransforms).then_some(Upright(turn))
    }

    /// Whether width and height change places.
    pub fn is_sideways(self) -> bool {
        is_sideways(self.0)
    }

    /// What frames like `info` are like once they are upright.
    pub fn info(self, info: StreamInfo) -> StreamInfo {
        if !self.is_sideways() {
            return info;
        }
        let format = match info.format {
            PixelFormat::Yuv422p => PixelFormat::Yuv444p,
            other => other,
        };
        let aspect = info.sample_aspect;
        let sample_aspect = match aspect.num {
            0 => aspect,
            _ => Rational { num: aspect.den, den: aspect.num },
        };
        StreamInfo { format, width: info.height, height: info.width, sample_aspect, ..info }
    }

    /// The frame upright. Of 4:2:2 on its side, each sample of chroma becomes two.
    ///
    /// # Errors
    /// As [`turned`], for formats other than yuv422p.
    pub fn frame(self, frame: Frame, pool: &PlanePool) -> Result<Frame, String> {
        let frame = match frame.format {
            PixelFormat::Yuv422p if self.is_sideways() => widened(frame)?,
            _ => frame,
        };
        let turned = oriented(&frame, self.0, pool)?;
        // Its side data tells of the same turn.
        Ok(Frame { baggage: None, ..turned })
    }
}

/// A frame of yuv422p as yuv444p.
fn widened(frame: Frame) -> Result<Frame, String> {
    let width = frame.width as usize;
    let planes = frame.planes.iter().enumerate().map(|(index, plane)| {
        if index == 0 {
            return Ok(plane.clone());
        }
        let rows = plane.rows().flat_map(|row| (0..width).map(move |x| row[x / 2]));
        Plane::packed(rows.collect(), PlaneSize { row_bytes: width, rows: plane.size().rows })
    });
    let planes = planes.collect::<Result<_, _>>()?;
    Ok(Frame { format: PixelFormat::Yuv444p, planes, ..frame })
}

fn is_sideways(turn: Orientation) -> bool {
    !matches!(
        turn,
        Orientation::NoTransforms
            | Orientation::Rotate180
            | Orientation::FlipHorizontal
            | Orientation::FlipVertical
    )
}

/// The frame rotated by `rotation` degrees clockwise, to the nearest quarter turn.
///
/// # Errors
/// For chroma that is subsampled in one direction alone (4:2:2), which has no place for it when
/// turned on its side.
pub fn turned(frame: Frame, rotation: i32, pool: &PlanePool) -> Result<Frame, String> {
    let turn = match (rotation.rem_euclid(360) + 45) / 90 % 4 {
        0 => return Ok(frame),
        1 => Orientation::Rotate90,
        2 => Orientation::Rotate180,
        _ => Orientation::Rotate270,
    };
    oriented(&frame, turn, pool)
}

/// The frame rotated or mirrored, as a camera says that it is to be shown.
///
/// # Errors
/// As [`turned`].
pub(super) fn oriented(
    frame: &Frame,
    turn: Orientation,
    pool: &PlanePool,
) -> Result<Frame, String> {
    let sideways = is_sideways(turn);
    let (across, down) = frame.format.chroma_shift();
    if sideways && across != down {
        return Err(format!("{} cannot be rotated by a quarter turn", frame.format));
    }
    let (width, height) =
        if sideways { (frame.height, frame.width) } else { (frame.width, frame.height) };
    let planes = frame.planes.iter().enumerate().map(|(index, plane)| {
        let size = frame.format.plane_size(index, width, height).ok_or("a plane too many")?;
        let sample = frame.format.plane_size(index, 1, 1).map_or(1, |one| one.row_bytes);
        turn_plane(plane, size, sample, turn, pool)
    });
    let planes = planes.collect::<Result<_, _>>()?;
    Ok(Frame { width, height, planes, ..frame.clone() })
}

fn turn_plane(
    from: &Plane,
    size: PlaneSize,
    sample: usize,
    turn: Orientation,
    pool: &PlanePool,
) -> Result<Plane, String> {
    let (width, height) = (size.row_bytes / sample, size.rows);
    let mut buffer = pool.packed_buffer(size);
    for (y, row) in buffer.rows_mut().enumerate() {
        for (x, to) in row.chunks_exact_mut(sample).enumerate() {
            let (left, up) = (width - 1 - x, height - 1 - y);
            let (column, line) = match turn {
                Orientation::NoTransforms => (x, y),
                Orientation::Rotate90 => (y, left),
                Orientation::Rotate180 => (left, up),
                Orientation::Rotate270 => (up, x),
                Orientation::FlipHorizontal => (left, y),
                Orientation::FlipVertical => (x, up),
                // Rotated first, then mirrored.
                Orientation::Rotate90FlipH => (y, x),
                Orientation::Rotate270FlipH => (up, left),
            };
            to.copy_from_slice(&from.row(line)[column * sample..][..sample]);
        }
    }
    buffer.into_plane()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::DynamicImage;

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

    #[test]
    fn orientations_are_those_of_the_crate_image() {
        let format = PixelFormat::Gray8;
        let plane = Plane::packed((0..6).collect(), PlaneSize { row_bytes: 3, rows: 2 });
        let frame = crate::pixels::frame(format, (3, 2), plane.expect("fits"));
        for exif in 1..=8 {
            let turn = Orientation::from_exif(exif).expect("one of EXIF's");
            let ours = oriented(&frame, turn, &PlanePool::new()).expect("turned");
            let theirs = image::GrayImage::from_raw(3, 2, (0..6).collect()).expect("fits");
            let mut theirs = DynamicImage::from(theirs);
            theirs.apply_orientation(turn);
            assert_eq!((ours.width, ours.height), (theirs.width(), theirs.height()), "{turn:?}");
            assert_eq!(ours.planes[0].to_packed(), theirs.into_bytes(), "{turn:?}");
        }
    }

    #[test]
    fn chroma_turns_along_where_it_can() {
        let frame = |format: PixelFormat| {
            let fill = |size: PlaneSize| Plane::packed((0..size.bytes() as u8).collect(), size);
            let planes = format.plane_sizes(4, 2).map(|size| fill(size).expect("fits"));
            let first = planes.collect::<Vec<_>>();
            Frame {
                planes: first.clone(),
                ..crate::pixels::frame(format, (4, 2), first[0].clone())
            }
        };
        let out = turned(frame(PixelFormat::Yuv420p), 90, &PlanePool::new()).expect("turned");
        assert_eq!((out.width, out.height), (2, 4));
        assert_eq!(out.planes[0].to_packed(), [4, 0, 5, 1, 6, 2, 7, 3]);
        assert_eq!(out.planes[1].size(), PlaneSize { row_bytes: 1, rows: 2 });
        assert!(turned(frame(PixelFormat::Yuv422p), 90, &PlanePool::new()).is_err());
        assert!(turned(frame(PixelFormat::Yuv422p), 180, &PlanePool::new()).is_ok());
    }
}
