//! What the crate `image` passes over in a TIFF in silence: further pages, and the colour profile.

/// Whether there is a second directory behind the first (TIFF 6.0, section 2; BigTIFF).
pub(super) fn has_several_pages(bytes: &[u8]) -> bool {
    Directory::first(bytes).and_then(|d| d.next()).is_some_and(|offset| offset != 0)
}

/// The ICC profile of the first page. It is of type UNDEFINED (ICC.1:2022, annex B.6), which the
/// crate does not take for bytes.
pub(super) fn profile(bytes: &[u8]) -> Option<Vec<u8>> {
    const ICC_PROFILE: u64 = 34_675;
    const BYTE: u64 = 1;
    const UNDEFINED: u64 = 7;
    let directory = Directory::first(bytes)?;
    let (kind, count, value) = directory.entry(ICC_PROFILE)?;
    // What fits stands in the entry itself; no profile is so short.
    let from = directory.number(value, directory.offset)?;
    let known = matches!(kind, BYTE | UNDEFINED) && count > directory.offset;
    directory.part(from, count).filter(|_| known).map(<[u8]>::to_vec)
}

/// The first directory of a TIFF.
struct Directory<'a> {
    bytes: &'a [u8],
    little: bool,
    /// where its entries begin, and how many there are
    entries: (u64, u64),
    /// bytes of an entry, and of an offset
    entry: u64,
    offset: u64,
}

impl<'a> Directory<'a> {
    fn first(bytes: &'a [u8]) -> Option<Directory<'a>> {
        let little = match bytes.get(..2)? {
            b"II" => true,
            b"MM" => false,
            _ => return None,
        };
        let mut found = Directory { bytes, little, entries: (0, 0), entry: 12, offset: 4 };
        let (first, counter) = match found.number(2, 2)? {
            42 => (found.number(4, 4)?, 2),
            43 => {
                (found.entry, found.offset) = (20, 8);
                (found.number(8, 8)?, 8)
            }
            _ => return None,
        };
        found.entries = (first.checked_add(counter)?, found.number(first, counter)?);
        Some(found)
    }

    /// Where the directory behind it is; 0 where there is none.
    fn next(&self) -> Option<u64> {
        let (first, count) = self.entries;
        self.number(first.checked_add(count.checked_mul(self.entry)?)?, self.offset)
    }

    /// Type and count of the values of a tag, and where they or their offset stand.
    fn entry(&self, tag: u64) -> Option<(u64, u64, u64)> {
        let (first, count) = self.entries;
        for number in 0..count {
            let at = first.checked_add(number.checked_mul(self.entry)?)?;
            if self.number(at, 2)? == tag {
                let value = at + 4 + self.offset;
                return Some((self.number(at + 2, 2)?, self.number(at + 4, self.offset)?, value));
            }
        }
        None
    }

    fn part(&self, at: u64, length: u64) -> Option<&'a [u8]> {
        let from = usize::try_from(at).ok()?;
        self.bytes.get(from..from.checked_add(usize::try_from(length).ok()?)?)
    }

    fn number(&self, at: u64, length: u64) -> Option<u64> {
        let part = self.part(at, length)?;
        let fold = |n: u64, b: &u8| n << 8 | u64::from(*b);
        Some(if self.little { part.iter().rev().fold(0, fold) } else { part.iter().fold(0, fold) })
    }
}
