//! Numbers in sentences for people.

/// A number of things that are named in the singular: `1 frame`, `25 frames`.
pub fn counted(number: impl Into<u64>, noun: &str) -> String {
    match number.into() {
        1 => format!("1 {noun}"),
        number => format!("{number} {noun}s"),
    }
}

/// A number of bytes in the unit of three digits that fits it: `312 bytes`, `4.1 kB`, `2.0 GB`.
pub fn bytes(number: u64) -> String {
    let value = number as f64;
    match value {
        ..999.5 => counted(number, "byte"),
        ..999_950.0 => format!("{:.1} kB", value / 1e3),
        ..999_950_000.0 => format!("{:.1} MB", value / 1e6),
        _ => format!("{:.1} GB", value / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular() {
        let said = [0u64, 1, 2].map(|n| counted(n, "frame"));
        assert_eq!(said, ["0 frames", "1 frame", "2 frames"]);
    }

    #[test]
    fn sizes_have_a_unit_that_fits() {
        let said = [0, 1, 999, 1000, 45_230, 999_949, 999_950, 1_500_000, 999_960_000].map(bytes);
        let wanted = [
            "0 bytes",
            "1 byte",
            "999 bytes",
            "1.0 kB",
            "45.2 kB",
            "999.9 kB",
            "1.0 MB",
            "1.5 MB",
            "1.0 GB",
        ];
        assert_eq!(said, wanted);
    }
}
