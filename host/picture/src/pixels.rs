//! Between the pictures of the crate `image` and plain frames.

use image::{DynamicImage, ExtendedColorType};

use super::{PictureError, PictureErrorKind};
use filmgate_core::frame::{Frame, PixelFormat, Plane, PlaneSize, check_size};

/// A frame of one packed plane.
pub(super) fn frame(format: PixelFormat, size: (u32, u32), plane: Plane) -> Frame {
    Frame {
        format,
        width: size.0,
        height: size.1,
        planes: vec![plane],
        index: 0,
        timestamp: 0,
        duration: None,
        tags: None,
        baggage: None,
    }
}

/// Frame and, where the frame's format has no room for it, transparency.
pub(super) fn from_image(image: DynamicImage) -> Result<(Frame, Option<Plane>), PictureError> {
    let size = (image.width(), image.height());
    check_size(size.0, size.1).map_err(|e| PictureError::new(PictureErrorKind::TooLarge, e))?;
    let (format, bytes, alpha) = match image {
        DynamicImage::ImageLuma8(b) => (PixelFormat::Gray8, b.into_raw(), None),
        DynamicImage::ImageRgb8(b) => (PixelFormat::Rgb24, b.into_raw(), None),
        DynamicImage::ImageRgba8(b) => (PixelFormat::Rgba, b.into_raw(), None),
        DynamicImage::ImageLumaA8(_) => (PixelFormat::Rgba, image.into_rgba8().into_raw(), None),
        DynamicImage::ImageLuma16(b) => (PixelFormat::Gray16, little(&b.into_raw()), None),
        DynamicImage::ImageRgb16(b) => (PixelFormat::Rgb48, little(&b.into_raw()), None),
        DynamicImage::ImageLumaA16(b) => {
            let (gray, alpha) = split(&b.into_raw(), 2);
            (PixelFormat::Gray16, little(&gray), Some(little(&alpha)))
        }
        DynamicImage::ImageRgba16(b) => {
            let (rgb, alpha) = split(&b.into_raw(), 4);
            (PixelFormat::Rgb48, little(&rgb), Some(little(&alpha)))
        }
        _ => {
            let message = "samples in floating point are not taken; 8 and 16 bits are";
            return Err(PictureError::new(PictureErrorKind::Unsupported, message));
        }
    };
    let plane = plane(format, size, bytes)?;
    let alpha = alpha.map(|bytes| self::plane(PixelFormat::Gray16, size, bytes)).transpose()?;
    Ok((frame(format, size, plane), alpha))
}

fn plane(format: PixelFormat, size: (u32, u32), bytes: Vec<u8>) -> Result<Plane, PictureError> {
    let broken = |e| PictureError::new(PictureErrorKind::Damaged, e);
    let size = plane_size(format, size).map_err(broken)?;
    Plane::packed(bytes, size).map_err(broken)
}

/// The size of the only plane.
pub(super) fn plane_size(format: PixelFormat, size: (u32, u32)) -> Result<PlaneSize, String> {
    format.plane_size(0, size.0, size.1).ok_or_else(|| format!("{format} has no plane"))
}

/// The last of every `channels` samples apart from the others.
fn split(samples: &[u16], channels: usize) -> (Vec<u16>, Vec<u16>) {
    let pixels = samples.len() / channels;
    let (mut colours, mut alpha) =
        (Vec::with_capacity(samples.len() - pixels), Vec::with_capacity(pixels));
    for pixel in samples.chunks_exact(channels) {
        colours.extend_from_slice(&pixel[..channels - 1]);
        alpha.push(pixel[channels - 1]);
    }
    (colours, alpha)
}

fn little(samples: &[u16]) -> Vec<u8> {
    samples.iter().flat_map(|s| s.to_le_bytes()).collect()
}

/// Bytes and colour type for an encoder of `image`, which takes samples of two bytes in the
/// machine's own order.
pub(super) fn to_image(
    frame: &Frame,
    alpha: Option<&Plane>,
) -> Result<(Vec<u8>, ExtendedColorType), PictureError> {
    let Some(plane) = frame.planes.first() else {
        return Err(PictureError::new(PictureErrorKind::Encode, "a picture without samples"));
    };
    let kind = match (frame.format, alpha) {
        (PixelFormat::Gray8, _) => return Ok((plane.to_packed(), ExtendedColorType::L8)),
        (PixelFormat::Rgb24, _) => return Ok((plane.to_packed(), ExtendedColorType::Rgb8)),
        (PixelFormat::Rgba, _) => return Ok((plane.to_packed(), ExtendedColorType::Rgba8)),
        (PixelFormat::Gray16, None) => ExtendedColorType::L16,
        (PixelFormat::Gray16, Some(_)) => ExtendedColorType::La16,
        (PixelFormat::Rgb48, None) => ExtendedColorType::Rgb16,
        (PixelFormat::Rgb48, Some(_)) => ExtendedColorType::Rgba16,
        (other, _) => {
            let message = format!("{other} is no format of picture files");
            return Err(PictureError::new(PictureErrorKind::Encode, message));
        }
    };
    let colours = plane.to_packed();
    let joined = match alpha {
        None => colours,
        Some(alpha) => {
            let channels = if frame.format == PixelFormat::Gray16 { 2 } else { 6 };
            colours.chunks_exact(channels).zip(alpha.to_packed().chunks_exact(2)).fold(
                Vec::with_capacity(colours.len() + alpha.size().bytes()),
                |mut out, (pixel, alpha)| {
                    out.extend_from_slice(pixel);
                    out.extend_from_slice(alpha);
                    out
                },
            )
        }
    };
    let native = joined
        .chunks_exact(2)
        .flat_map(|b| u16::from_le_bytes([b[0], b[1]]).to_ne_bytes())
        .collect();
    Ok((native, kind))
}
