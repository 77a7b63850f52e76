//! Natural order of names: numbers in them count as numbers, so that `img2` comes before `img10`.

use std::cmp::Ordering;

/// Compares two names. Runs of digits compare by their value, everything else byte by byte; where
/// that leaves no difference (`a1`, `a01`), the bytes decide.
pub fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (mut left, mut right) = (a, b);
    while let (Some(x), Some(y)) = (left.first(), right.first()) {
        let order = if x.is_ascii_digit() && y.is_ascii_digit() {
            let (one, other) = (number(&mut left), number(&mut right));
            one.len().cmp(&other.len()).then_with(|| one.cmp(other))
        } else {
            (left, right) = (&left[1..], &right[1..]);
            x.cmp(y)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// Takes the digits at the front, and gives them without leading zeros.
fn number<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (number, rest) = text.split_at(digits);
    *text = rest;
    let zeros = number.iter().take_while(|b| **b == b'0').count();
    &number[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_as_numbers() {
        let mut names = ["b1", "a10", "a2", "a", "a02", "a2b", "10", "9", "a99999999999999999999"];
        names.sort_by(|a, b| compare(a.as_bytes(), b.as_bytes()));
        let wanted = ["9", "10", "a", "a02", "a2", "a2b", "a10", "a99999999999999999999", "b1"];
        assert_eq!(names, wanted);
        assert_eq!(compare(b"a1", b"a1"), Ordering::Equal);
    }
}
