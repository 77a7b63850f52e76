//! JPEG through libjpeg-turbo, as Pillow and nearly everybody else does: the same samples come out,
//! and it is the fastest that there is.

use turbojpeg::{Colorspace, Compressor, Decompressor, Image, PixelFormat as TurboFormat, Subsamp};

use super::pixels::{frame, plane_size};
use super::{PictureError, PictureErrorKind};
use filmgate_core::frame::{Frame, PixelFormat, PlanePool, check_size};

/// How many samples of colour there are to those of light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subsampling {
    /// one for four, 4:2:0
    #[default]
    Quarter,
    /// one for two side by side, 4:2:2
    Half,
    /// one for each, 4:4:4
    None,
}

/// Decodes a gray or RGB image; none for kinds that libjpeg-turbo does not turn into either (CMYK).
///
/// Each file gets a decompressor of its own. libjpeg keeps quantization and Huffman tables from one
/// image to the next (libjpeg.txt, "Abbreviated datastreams and multiple images"), so a file
/// without tables would be decoded with another file's; and libjpeg-turbo 2.1 leaves a decompressor
/// in the middle of a header that was damaged, so every later file would fail.
pub(super) fn read(bytes: &[u8], pool: &PlanePool) -> Result<Option<Frame>, PictureError> {
    let damaged = |e| fault(PictureErrorKind::Damaged, &e);
    let mut turbo = Decompressor::new().map_err(damaged)?;
    let header = match turbo.read_header(bytes) {
        Err(_) if has_unusual_sampling(bytes) => return Ok(None),
        other => other.map_err(damaged)?,
    };
    let (format, wanted) = match header.colorspace {
        Colorspace::Gray => (PixelFormat::Gray8, TurboFormat::GRAY),
        Colorspace::YCbCr | Colorspace::RGB => (PixelFormat::Rgb24, TurboFormat::RGB),
        _ => return Ok(None),
    };
    let too_large = |e| PictureError::new(PictureErrorKind::TooLarge, e);
    let side = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let size = (side(header.width), side(header.height));
    check_size(size.0, size.1).map_err(too_large)?;
    let mut buffer = pool.packed_buffer(plane_size(format, size).map_err(too_large)?);
    let pitch = buffer.stride();
    let image = Image {
        pixels: buffer.bytes_mut(),
        width: header.width,
        pitch,
        height: header.height,
        format: wanted,
    };
    // A warning counts as an error here: what is cut off or damaged is not passed off as whole.
    turbo.decompress(bytes, image).map_err(damaged)?;
    let plane = buffer.into_plane().map_err(too_large)?;
    Ok(Some(frame(format, size, plane)))
}

/// Encodes a gray or RGB image, with a compressor of its own, as [`read`] does. `quality` is from 1
/// to 100, as libjpeg has it.
pub(super) fn write(
    frame: &Frame,
    quality: u8,
    subsampling: Subsampling,
) -> Result<Vec<u8>, PictureError> {
    let unfit = || {
        let message = format!("{} is no format of JPEG", frame.format);
        PictureError::new(PictureErrorKind::Encode, message)
    };
    let failed = |e| fault(PictureErrorKind::Encode, &e);
    let plane = frame.planes.first().ok_or_else(unfit)?;
    let (format, subsampling) = match (frame.format, subsampling) {
        (PixelFormat::Gray8, _) => (TurboFormat::GRAY, Subsamp::Gray),
        (PixelFormat::Rgb24, Subsampling::Quarter) => (TurboFormat::RGB, Subsamp::Sub2x2),
        (PixelFormat::Rgb24, Subsampling::Half) => (TurboFormat::RGB, Subsamp::Sub2x1),
        (PixelFormat::Rgb24, Subsampling::None) => (TurboFormat::RGB, Subsamp::None),
        _ => return Err(unfit()),
    };
    let plane = plane.upright();
    let mut turbo = Compressor::new().map_err(failed)?;
    turbo.set_quality(i32::from(quality));
    turbo.set_subsamp(subsampling);
    let image = Image {
        pixels: &plane.storage().bytes()[plane.at(0)..],
        width: frame.width as usize,
        pitch: plane.stride().unsigned_abs(),
        height: frame.height as usize,
        format,
    };
    turbo.compress_to_vec(image).map_err(failed)
}

fn fault(kind: PictureErrorKind, error: &turbojpeg::Error) -> PictureError {
    let what = match kind {
        PictureErrorKind::Damaged => "a damaged or truncated picture: ",
        _ => "",
    };
    PictureError::new(kind, format!("{what}{error}"))
}

/// Whether the components of an image are sampled in a way that libjpeg-turbo's simple interface has
/// no name for (turbojpeg.h, `TJSAMP`), such as 2x4 or 3x1 or 1x1 for luma and 2x1 for chroma.
/// ITU-T T.81, B.2.2.
fn has_unusual_sampling(jpeg: &[u8]) -> bool {
    let mut at = 2;
    while let Some([0xff, marker, high, low]) = jpeg.get(at..at + 4) {
        match marker {
            // Start of frame, except for tables (DHT, JPG, DAC).
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let Some(count) = jpeg.get(at + 9) else { return false };
                let components = jpeg.get(at + 10..at + 10 + 3 * usize::from(*count));
                let sampling: Vec<u8> =
                    components.unwrap_or_default().chunks_exact(3).map(|c| c[1]).collect();
                let usual = [[0x11; 3], [0x21, 0x11, 0x11], [0x22, 0x11, 0x11]];
                let usual = usual.iter().any(|u| *u == sampling[..]);
                let is_valid = |s: &u8| (1..=4).contains(&(s >> 4)) && (1..=4).contains(&(s & 15));
                return sampling.len() == 3 && !usual && sampling.iter().all(is_valid);
            }
            0xda => return false,
            _ => at += 2 + usize::from(u16::from_be_bytes([*high, *low])),
        }
    }
    false
}

/// The JPEG without stray bytes between its segments or in front of its end, and with the marker of its
/// end (EOI), which some cameras and scanners leave out. None where there is nothing to mend. Whether
/// the image is whole is for the decoder to say: missing samples are missing in this, too.
pub(super) fn mended(jpeg: &[u8]) -> Option<Vec<u8>> {
    const EOI: [u8; 2] = [0xff, 0xd9];
    let mut out = jpeg.get(..2)?.to_vec();
    let mut at = 2;
    let mut is_baseline = false;
    let mut components = 0;
    loop {
        // A marker, perhaps behind fill bytes (ITU-T T.81, B.1.1.2).
        while !is_segment(jpeg.get(at..at + 2)?) {
            at += 1;
        }
        let marker = jpeg[at + 1];
        let length = u16::from_be_bytes([*jpeg.get(at + 2)?, *jpeg.get(at + 3)?]);
        let segment = jpeg.get(at..at + 2 + usize::from(length))?;
        out.extend_from_slice(segment);
        at += segment.len();
        match marker {
            0xc0 | 0xc1 => (is_baseline, components) = (true, *segment.get(9)?),
            0xda => {
                // All components in one scan: it is the last.
                is_baseline &= segment.get(4) == Some(&components);
                break;
            }
            _ => {}
        }
    }
    let samples = jpeg.get(at..)?;
    match samples.windows(2).position(|w| w == EOI) {
        Some(end) => {
            // Padding; of a progressive JPEG the decoder reads it (jerror.h, JWRN_EXTRANEOUS_DATA).
            let padded = samples[..end].iter().rev().take_while(|b| matches!(b, 0 | 0xff));
            out.extend_from_slice(&samples[..end - padded.count()]);
        }
        // Of several scans, whole ones may be missing.
        None if !is_baseline => return None,
        None => out.extend_from_slice(samples.strip_suffix(&[0xff]).unwrap_or(samples)),
    }
    out.extend_from_slice(&EOI);
    (out != jpeg).then_some(out)
}

/// Whether a marker begins a segment that has a length.
fn is_segment(marker: &[u8]) -> bool {
    marker[0] == 0xff && matches!(marker[1], 0xc0..=0xcf | 0xda..=0xef | 0xfe)
}

/// Whether there may be EXIF or a colour profile in front of the samples: a segment APP1 or APP2
/// (ITU-T T.81, B.1.1). What cannot be told counts as yes.
pub(super) fn carries_metadata(jpeg: &[u8]) -> bool {
    let mut at = 2;
    while let Some([0xff, marker, high, low]) = jpeg.get(at..at + 4) {
        match marker {
            0xe1 | 0xe2 => return true,
            // Start of scan: the samples.
            0xda => return false,
            _ => at += 2 + usize::from(u16::from_be_bytes([*high, *low])),
        }
    }
    true
}

/// Marker segments that carry EXIF and a colour profile, put behind the start of the picture
/// (Exif 2.32, 4.7.2; ICC.1:2022, annex B.4). What is too long for its segment is left out and
/// named.
pub(super) fn with_metadata(
    jpeg: Vec<u8>,
    exif: Option<&[u8]>,
    icc: Option<&[u8]>,
    notes: &mut Vec<String>,
) -> Vec<u8> {
    /// Bytes that one segment holds behind its length.
    const SEGMENT: usize = 65_533;
    const EXIF: &[u8] = b"Exif\0\0";
    const ICC: &[u8] = b"ICC_PROFILE\0";
    if exif.is_none() && icc.is_none() || jpeg.len() < 2 {
        return jpeg;
    }
    let mut head = jpeg[..2].to_vec();
    let mut segment = |marker: u8, parts: [&[u8]; 3]| {
        let length = 2 + parts.iter().map(|p| p.len()).sum::<usize>();
        head.extend_from_slice(&[0xff, marker]);
        // The callers keep to what a segment holds.
        head.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        parts.iter().for_each(|p| head.extend_from_slice(p));
    };
    match exif {
        Some(exif) if exif.len() > SEGMENT - EXIF.len() => {
            notes.push("the EXIF data is longer than a JPEG holds and was left out".to_owned());
        }
        Some(exif) => segment(0xe1, [EXIF, exif, &[]]),
        None => {}
    }
    let chunks: Vec<&[u8]> = icc.unwrap_or_default().chunks(SEGMENT - ICC.len() - 2).collect();
    match u8::try_from(chunks.len()) {
        Ok(count) => {
            for (number, chunk) in (1..=count).zip(chunks) {
                segment(0xe2, [ICC, &[number, count], chunk]);
            }
        }
        Err(_) => {
            notes
                .push("the colour profile is longer than a JPEG holds and was left out".to_owned());
        }
    }
    // JFIF's own segment, where libjpeg-turbo wrote one, has to come first (JFIF 1.02).
    let jfif = match jpeg.get(2..6) {
        Some([0xff, 0xe0, high, low]) => 2 + usize::from(u16::from_be_bytes([*high, *low])),
        _ => 0,
    };
    let segments = head.split_off(2);
    let body = (2 + jfif).min(jpeg.len());
    head.extend_from_slice(&jpeg[2..body]);
    head.extend_from_slice(&segments);
    head.extend_from_slice(&jpeg[body..]);
    head
}
