//! From a PNG file to pixels. Gamma, colour profiles and animation are ignored.

use std::io::Cursor;

use filmgate_overlay::Picture;
use filmgate_plugin::Error;
use png::{ColorType, Decoder, Limits, Transformations};

/// The most pixels of a picture, decoded or scaled: one of 3840 x 2160 is just within.
pub(crate) const PIXELS: usize = 1 << 23;

/// The first bytes of every PNG file.
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The picture in a PNG file: of any colour type and depth, interlaced or not.
///
/// # Errors
/// [`Error::InvalidParameter`] where it is damaged, too large, or no PNG file.
pub(crate) fn png(bytes: &[u8]) -> Result<Picture, Error> {
    let refuse = |why: String| Error::parameter("picture", why);
    if !bytes.starts_with(SIGNATURE) {
        return Err(refuse("is no PNG file; convert it to one".to_owned()));
    }
    let damaged = |error: png::DecodingError| refuse(format!("is a damaged PNG file: {error}"));
    let limits = Limits { bytes: 8 * PIXELS };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
    // Palettes are looked up, and every sample becomes one of 8 bits.
    decoder.set_transformations(Transformations::normalize_to_color8() | Transformations::ALPHA);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let (width, height) = reader.info().size();
    if width as usize * height as usize > PIXELS {
        return Err(refuse(format!("is {width}x{height}; at most {PIXELS} pixels are taken")));
    }
    let size = reader.output_buffer_size().ok_or_else(|| refuse("is too large".to_owned()))?;
    let mut samples = vec![0; size];
    let frame = reader.next_frame(&mut samples).map_err(damaged)?;
    samples.truncate(frame.buffer_size());
    let pixels = match frame.color_type {
        ColorType::Rgba => samples.as_chunks::<4>().0.to_vec(),
        ColorType::GrayscaleAlpha => {
            samples.as_chunks::<2>().0.iter().map(|[y, a]| [*y, *y, *y, *a]).collect()
        }
        other => return Err(refuse(format!("has samples of an unexpected kind, {other:?}"))),
    };
    Ok(Picture::new(width as usize, pixels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use png::{BitDepth, Encoder};

    fn encoded(color: ColorType, depth: BitDepth, data: &[u8], palette: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 2, 1);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if palette {
            encoder.set_palette(vec![1, 2, 3, 4, 5, 6]);
            encoder.set_trns(vec![7]);
        }
        let mut writer = encoder.write_header().expect("a sound header");
        writer.write_image_data(data).expect("all of it");
        writer.finish().expect("all of it");
        bytes
    }

    #[test]
    fn every_kind_becomes_rgba() {
        let decode = |color, depth, data: &[u8]| -> Vec<[u8; 4]> {
            let bytes = encoded(color, depth, data, color == ColorType::Indexed);
            let picture = png(&bytes).expect("a sound picture");
            picture.rows().flatten().copied().collect()
        };
        use BitDepth::{Eight, One, Sixteen};
        let rgb = [1, 2, 3, 4, 5, 6];
        assert_eq!(decode(ColorType::Rgb, Eight, &rgb), [[1, 2, 3, 255], [4, 5, 6, 255]]);
        assert_eq!(decode(ColorType::Indexed, One, &[0b0100_0000]), [[1, 2, 3, 7], [4, 5, 6, 255]]);
        assert_eq!(decode(ColorType::Grayscale, One, &[0b0100_0000]), [[0, 0, 0, 255], [255; 4]]);
        let gray = [9, 0, 8, 0, 7, 0, 6, 0];
        assert_eq!(decode(ColorType::GrayscaleAlpha, Sixteen, &gray), [[9, 9, 9, 8], [7, 7, 7, 6]]);
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_unpacked() {
        let mut bytes = encoded(ColorType::Rgb, BitDepth::Eight, &[0; 6], false);
        // A width of 2^30; the checksum of the header does not fit then, which comes first.
        bytes[16..20].copy_from_slice(&(1_u32 << 30).to_be_bytes());
        assert!(png(&bytes).is_err());
    }
}
