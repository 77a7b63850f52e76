//! EXIF data without what describes samples that have changed: thumbnails and previews, sizes, and
//! what cannot be checked for either. Kept values are copied into a new structure, so that nothing
//! stays behind in bytes that no tag refers to (TIFF 6.0, section 2; Exif 2.32, 4.6).

/// Tags of the old samples, in any of the directories.
const OLD: [u16; 17] = [
    0x0100, // ImageWidth
    0x0101, // ImageLength
    0x0111, // StripOffsets
    0x0117, // StripByteCounts
    0x0144, // TileOffsets
    0x0145, // TileByteCounts
    0x014a, // SubIFDs, previews
    0x0201, // JPEGInterchangeFormat, the thumbnail
    0x0202, // JPEGInterchangeFormatLength
    0x02bc, // XMP, may hold thumbnails in Base64
    0x8649, // Photoshop's resources, may hold a thumbnail (number 1036)
    0x927c, // MakerNote, previews at offsets into the old structure
    0xa002, // PixelXDimension
    0xa003, // PixelYDimension
    0xa214, // SubjectLocation, in samples
    0x9214, // SubjectArea, in samples
    0xc634, // DNGPrivateData
];

/// Tags whose loss is worth a note; the others follow from the image itself.
const NOTED: [u16; 5] = [0x014a, 0x02bc, 0x8649, 0x927c, 0xc634];

/// Exif, GPS, and interoperability: directories of their own.
const DIRECTORIES: [u16; 3] = [0x8769, 0x8825, 0xa005];

/// The EXIF data without what describes the old samples, and whether there was more than sizes.
/// None where it is damaged.
pub(super) fn without_old_samples(exif: &[u8]) -> Option<(Vec<u8>, bool)> {
    let little = match exif.get(..4)? {
        b"II\x2a\0" => true,
        b"MM\0\x2a" => false,
        _ => return None,
    };
    let mut tiff = Tiff { bytes: exif, little, noted: false, copied: 0 };
    let first = tiff.number(4, 4)?;
    let (entries, next) = tiff.directory(first, 0)?;
    let mut out = exif[..4].to_vec();
    put(&mut out, 8, 4, little);
    write(&mut out, &entries, little)?;
    Some((out, tiff.noted || next != 0))
}

struct Entry {
    tag: u16,
    kind: u16,
    count: usize,
    value: Value,
}

enum Value {
    Bytes(Vec<u8>),
    Directory(Vec<Entry>),
}

struct Tiff<'a> {
    bytes: &'a [u8],
    little: bool,
    noted: bool,
    copied: usize,
}

impl Tiff<'_> {
    fn number(&self, at: usize, length: usize) -> Option<usize> {
        let bytes = self.bytes.get(at..at.checked_add(length)?)?;
        let add = |sum, byte: &u8| sum << 8 | usize::from(*byte);
        Some(if self.little { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) })
    }

    /// The entries that are kept of a directory, and where the next one is.
    fn directory(&mut self, at: usize, depth: usize) -> Option<(Vec<Entry>, usize)> {
        let count = self.number(at, 2)?;
        let mut entries = Vec::new();
        for place in (0..count).map(|n| at + 2 + 12 * n) {
            // Directories that refer to one another would make a small file a large one, as would
            // values that overlap.
            self.copied += 12;
            if self.copied > self.bytes.len() {
                return None;
            }
            let tag = u16::try_from(self.number(place, 2)?).ok()?;
            let kind = u16::try_from(self.number(place + 2, 2)?).ok()?;
            let count = self.number(place + 4, 4)?;
            if OLD.contains(&tag) {
                self.noted |= NOTED.contains(&tag);
                continue;
            }
            if DIRECTORIES.contains(&tag) {
                let below = self.number(place + 8, 4)?;
                if depth < 2
                    && let Some((below, _)) = self.directory(below, depth + 1)
                {
                    entries.push(Entry { tag, kind: 4, count: 1, value: Value::Directory(below) });
                }
                continue;
            }
            // What is damaged or of an unknown type is left out.
            let Some(bytes) = self.value(place, kind, count) else { continue };
            self.copied += bytes.len();
            entries.push(Entry { tag, kind, count, value: Value::Bytes(bytes) });
        }
        let next = self.number(at + 2 + 12 * count, 4).unwrap_or(0);
        Some((entries, next))
    }

    fn value(&self, place: usize, kind: u16, count: usize) -> Option<Vec<u8>> {
        let size = match kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 => 4,
            5 | 10 | 12 => 8,
            _ => return None,
        };
        let length = count.checked_mul(size)?;
        let at = if length <= 4 { place + 8 } else { self.number(place + 8, 4)? };
        self.bytes.get(at..at.checked_add(length)?).map(<[u8]>::to_vec)
    }
}

fn put(out: &mut Vec<u8>, number: usize, length: usize, little: bool) {
    let bytes = (number as u64).to_le_bytes();
    let bytes = bytes[..length].iter().copied();
    if little { out.extend(bytes) } else { out.extend(bytes.rev()) }
}

/// Appends a directory and behind it what its entries refer to.
fn write(out: &mut Vec<u8>, entries: &[Entry], little: bool) -> Option<()> {
    put(out, u16::try_from(entries.len()).ok()?.into(), 2, little);
    // Values begin behind the entries and the offset of the next directory, of which there is none.
    let begin = out.len() + 12 * entries.len() + 4;
    let mut data = Vec::new();
    for entry in entries {
        put(out, entry.tag.into(), 2, little);
        put(out, entry.kind.into(), 2, little);
        put(out, entry.count, 4, little);
        match &entry.value {
            Value::Bytes(bytes) if bytes.len() <= 4 => {
                out.extend_from_slice(bytes);
                out.resize(out.len() + 4 - bytes.len(), 0);
            }
            value => {
                put(out, begin + data.len(), 4, little);
                match value {
                    Value::Bytes(bytes) => data.extend_from_slice(bytes),
                    Value::Directory(below) => {
                        // Its offsets count from the start of the structure.
                        let mut whole = vec![0; begin + data.len()];
                        write(&mut whole, below, little)?;
                        data.extend_from_slice(&whole[begin + data.len()..]);
                    }
                }
                // Values begin at even offsets (TIFF 6.0, section 2).
                data.resize(data.len().next_multiple_of(2), 0);
            }
        }
    }
    put(out, 0, 4, little);
    out.extend_from_slice(&data);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// IFD0 with a make and an Exif directory (a size, a date, a maker note), and IFD1 with a
    /// thumbnail.
    fn sample(little: bool) -> Vec<u8> {
        let mut out = if little { b"II\x2a\0".to_vec() } else { b"MM\0\x2a".to_vec() };
        let entry = |out: &mut Vec<u8>, numbers: [usize; 4]| {
            for (number, length) in numbers.into_iter().zip([2, 2, 4, 4]) {
                put(out, number, length, little);
            }
        };
        put(&mut out, 8, 4, little);
        put(&mut out, 2, 2, little);
        entry(&mut out, [0x010f, 2, 9, 38]);
        entry(&mut out, [0x8769, 4, 1, 48]);
        put(&mut out, 120, 4, little);
        out.extend_from_slice(b"filmgate\0\0");
        put(&mut out, 3, 2, little);
        entry(&mut out, [0x9003, 2, 6, 90]);
        entry(&mut out, [0x927c, 7, 9, 96]);
        entry(&mut out, [0xa002, 4, 1, 4000]);
        put(&mut out, 0, 4, little);
        out.extend_from_slice(b"2026:\0MAKERNOTE");
        out.resize(120, 0);
        put(&mut out, 2, 2, little);
        entry(&mut out, [0x0201, 4, 1, 150]);
        entry(&mut out, [0x0202, 4, 1, 9]);
        put(&mut out, 0, 4, little);
        out.extend_from_slice(b"THUMBNAIL");
        out
    }

    #[test]
    fn what_describes_old_samples_is_gone_and_the_rest_is_there() {
        for little in [true, false] {
            let (out, noted) = without_old_samples(&sample(little)).expect("sound");
            assert!(noted);
            let has = |text: &[u8]| out.windows(text.len()).any(|w| w == text);
            assert!(has(b"filmgate\0") && has(b"2026:\0"), "{out:?}");
            assert!(!has(b"THUMB") && !has(b"MAKER"), "{out:?}");
            let mut tiff = Tiff { bytes: &out, little, noted: false, copied: 0 };
            let (entries, next) = tiff.directory(8, 0).expect("sound");
            assert_eq!((entries.len(), next), (2, 0));
            let Value::Directory(below) = &entries[1].value else { panic!("no directory") };
            assert_eq!(below.iter().map(|e| e.tag).collect::<Vec<_>>(), [0x9003]);
            let (again, noted) = without_old_samples(&out).expect("sound");
            assert_eq!((again, noted), (out, false));
        }
    }

    #[test]
    fn damaged_data_is_none_and_never_a_panic() {
        let whole = sample(true);
        for length in 0..whole.len() {
            let _ = without_old_samples(&whole[..length]);
        }
        for place in 0..whole.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bytes = whole.clone();
                bytes[place] = value;
                let _ = without_old_samples(&bytes);
            }
        }
        assert!(without_old_samples(b"no").is_none());
    }
}
