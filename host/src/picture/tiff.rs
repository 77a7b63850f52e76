//! Whether a TIFF has more than one page, which the crate `image` would pass over in silence.

/// Whether there is a second directory behind the first (TIFF 6.0, section 2; BigTIFF).
pub(super) fn has_several_pages(bytes: &[u8]) -> bool {
    next_directory(bytes).is_some_and(|offset| offset != 0)
}

fn next_directory(bytes: &[u8]) -> Option<u64> {
    let little = match bytes.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let number = |at: u64, length: u64| -> Option<u64> {
        let from = usize::try_from(at).ok()?;
        let part = bytes.get(from..from.checked_add(usize::try_from(length).ok()?)?)?;
        let fold = |n: u64, b: &u8| n << 8 | u64::from(*b);
        Some(if little { part.iter().rev().fold(0, fold) } else { part.iter().fold(0, fold) })
    };
    let (first, counter, entry, offset) = match number(2, 2)? {
        42 => (number(4, 4)?, 2, 12, 4),
        43 => (number(8, 8)?, 8, 20, 8),
        _ => return None,
    };
    let entries = number(first, counter)?;
    let behind = first.checked_add(counter)?.checked_add(entries.checked_mul(entry)?)?;
    number(behind, offset)
}
