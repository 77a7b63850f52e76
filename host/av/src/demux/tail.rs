//! The end of a file whose format says where it ends, though libav does not look: GIF, Ogg and
//! YUV4MPEG2. What is cut off there reads like a whole file that is shorter.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// The longest page of Ogg: a header of 27 bytes, 255 lengths, and as many segments of 255 bytes
/// (RFC 3533, 6).
const OGG_PAGE: u64 = 27 + 255 + 255 * 255;

/// Why a file is cut off, if it is. `read`: where the last packet ends, as far as that is known.
pub(crate) fn missing(file: &File, format: &str, read: i64) -> Option<&'static str> {
    let size = file.metadata().ok()?.len();
    match format {
        "gif" => ends_without_trailer(file, size).ok()?.then_some("its trailer is missing"),
        "ogg" => ends_inside_page(file, size).ok()?.then_some("its last page is incomplete"),
        // Frames of one size follow each other; libav leaves out one that is incomplete.
        "yuv4mpegpipe" => {
            let read = u64::try_from(read).ok().filter(|read| *read > 0)?;
            (size > read).then_some("its last frame is incomplete")
        }
        _ => None,
    }
}

/// A GIF ends with 0x3B (GIF89a, 27); some programs pad it with zeros or a line feed.
fn ends_without_trailer(file: &File, size: u64) -> io::Result<bool> {
    let tail = last(file, size, 4096)?;
    let end = tail.iter().rev().find(|b| ![0, b'\n', b'\r'].contains(*b));
    Ok(end.is_some_and(|b| *b != 0x3b))
}

/// Whether the last page is longer than what is left of the file.
fn ends_inside_page(file: &File, size: u64) -> io::Result<bool> {
    let tail = last(file, size, OGG_PAGE)?;
    let Some(start) = tail.windows(4).rposition(|w| w == b"OggS") else { return Ok(false) };
    let page = &tail[start..];
    let Some(count) = page.get(26).map(|n| usize::from(*n)) else { return Ok(true) };
    let Some(lengths) = page.get(27..27 + count) else { return Ok(true) };
    let body: usize = lengths.iter().map(|n| usize::from(*n)).sum();
    Ok(page.len() < 27 + count + body)
}

/// The last bytes of a file, at most so many.
fn last(file: &File, size: u64, most: u64) -> io::Result<Vec<u8>> {
    let count = size.min(most);
    let mut bytes = vec![0; usize::try_from(count).unwrap_or(0)];
    file.read_exact_at(&mut bytes, size - count)?;
    Ok(bytes)
}
