//! What a path is compared by.
//!
//! A path is cut into parts: runs of digits, which count as numbers of any length, runs of
//! anything else, and the marks between folders and before the extension. Keys compare part by
//! part, so `clip2/b` stands before `clip10/a`. A path that ends, at its end or at one of the
//! marks, stands before one that goes on there: `seg10.mp4` before `seg10-1.mp4` and `seg10a.mp4`,
//! and the file `a.mp4` before what is in the folder `a`.

/// The order of the derives is the order of paths.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    parts: Vec<Part>,
    /// Leading zeros of each number: `seg1` before `seg01`, where nothing else tells them apart.
    zeros: Vec<usize>,
    /// The path as it was: the capital letters that were folded away.
    path: String,
}

/// A part that is less stands first: marks, then numbers, then text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// before the extension of the last component
    Extension,
    /// between two components
    Folder,
    /// ASCII digits without leading zeros; a longer number is greater
    Number { length: usize, digits: String },
    /// anything that is no digit, by code point
    Text(String),
}

impl Key {
    pub(crate) fn new(path: &str, fold_case: bool) -> Key {
        let folded = if fold_case { path.to_lowercase() } else { path.to_owned() };
        let mut key = Key { parts: Vec::new(), zeros: Vec::new(), path: path.to_owned() };
        let (folders, name) = match folded.rsplit_once('/') {
            Some((folders, name)) => (Some(folders), name),
            None => (None, folded.as_str()),
        };
        for folder in folders.into_iter().flat_map(|folders| folders.split('/')) {
            key.push_runs(folder);
            key.parts.push(Part::Folder);
        }
        // A dot in front makes a hidden file, not an extension.
        match name.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => {
                key.push_runs(stem);
                key.parts.push(Part::Extension);
                key.push_runs(extension);
            }
            _ => key.push_runs(name),
        }
        key
    }

    fn push_runs(&mut self, mut text: &str) {
        while !text.is_empty() {
            let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            if digits == 0 {
                let end = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
                self.parts.push(Part::Text(text[..end].to_owned()));
                text = &text[end..];
            } else {
                self.push_number(&text[..digits]);
                text = &text[digits..];
            }
        }
    }

    fn push_number(&mut self, digits: &str) {
        // The last digit counts even where it is zero.
        let zeros = digits.bytes().take(digits.len() - 1).take_while(|&d| d == b'0').count();
        let digits = digits[zeros..].to_owned();
        self.parts.push(Part::Number { length: digits.len(), digits });
        self.zeros.push(zeros);
    }

    /// The number or text by which this path stands where it does beside `other`; the whole path
    /// where only leading zeros or capital letters tell them apart.
    pub(crate) fn difference(&self, other: &Key) -> &str {
        let same = self.parts.iter().zip(&other.parts).take_while(|(a, b)| a == b).count();
        if same == self.parts.len() && same == other.parts.len() {
            return &self.path;
        }
        // Where this path ends or comes to a mark, the part before that is what people see last.
        let upto = &self.parts[..self.parts.len().min(same + 1)];
        upto.iter().rev().find_map(Part::text).unwrap_or("")
    }
}

impl Part {
    fn text(&self) -> Option<&str> {
        match self {
            Part::Extension | Part::Folder => None,
            Part::Number { digits, .. } => Some(digits),
            Part::Text(text) => Some(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asserts that these paths are in order, any two of them.
    fn ordered(paths: &[&str], fold_case: bool) {
        for (i, first) in paths.iter().enumerate() {
            for second in &paths[i + 1..] {
                let (a, b) = (Key::new(first, fold_case), Key::new(second, fold_case));
                assert!(a < b, "{first} before {second}");
            }
        }
    }

    #[test]
    fn numbers_count_by_their_value() {
        ordered(&["seg2.mp4", "seg10.mp4", "seg10a.mp4", "seg11.mp4"], true);
        ordered(&["seg2", "seg10", "seg10a"], true);
        ordered(&["0.mp4", "1.mp4", "9.mp4", "10.mp4", "010a.mp4"], true);
        ordered(&["a-2-9.ts", "a-2-10.ts", "a-10-1.ts"], true);
    }

    #[test]
    fn numbers_have_any_length() {
        ordered(
            &["9", "18446744073709551615", "18446744073709551616", "99999999999999999999999"],
            true,
        );
    }

    #[test]
    fn folders_compare_one_by_one() {
        ordered(&["a.mp4", "a/1.mp4", "a/b/1.mp4", "a2/0.mp4", "a10/0.mp4", "b.mp4"], true);
        ordered(&["day2/cam10.ts", "day10/cam1.ts"], true);
    }

    #[test]
    fn what_ends_stands_first() {
        ordered(&["seg10.mp4", "seg10 (1).mp4", "seg10-1.mp4", "seg10a.mp4"], true);
        ordered(&["part.2", "part.10"], true);
        ordered(&["clip", "clip.mp4"], true);
    }

    #[test]
    fn zeros_and_capitals_decide_last() {
        ordered(&["seg1.mp4", "seg01.mp4", "seg001.mp4", "seg2.mp4"], true);
        ordered(&["A.mp4", "a.mp4", "B.mp4"], true);
        ordered(&["A.mp4", "B.mp4", "a.mp4"], false);
        ordered(&["Ärger1", "ärger2", "ÄRGER10"], true);
    }

    #[test]
    fn the_difference_is_the_part_that_decides() {
        let difference =
            |a: &str, b: &str| Key::new(a, true).difference(&Key::new(b, true)).to_owned();
        assert_eq!(difference("seg10.mp4", "seg2.mp4"), "10");
        assert_eq!(difference("seg007.mp4", "seg2.mp4"), "7");
        assert_eq!(difference("seg10a.mp4", "seg10.mp4"), "a");
        assert_eq!(difference("seg10.mp4", "seg10a.mp4"), "10");
        assert_eq!(difference("b/1.mp4", "a/1.mp4"), "b");
        assert_eq!(difference("seg01.mp4", "seg1.mp4"), "seg01.mp4");
        assert_eq!(difference("", "a"), "");
    }
}
