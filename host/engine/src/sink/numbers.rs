//! Where numbers go on in a folder that holds pictures already.
//!
//! A policy may put the number anywhere in its names, or nowhere. So it is asked for the name of a
//! picture with a number that stands out; what is before and behind it there is looked for in the
//! folder, with other numbers in between.

use std::fs;
use std::path::Path;

use super::namer::Namer;
use crate::error::PipelineError;
use filmgate_plugin::Request;

/// No folder holds so many pictures, and no other part of a name is likely to look like it.
const STRIKING: u64 = 7_305_918_264;

/// The index of the next picture: behind the highest one that is there; 0 where names are made
/// without numbers.
///
/// # Errors
/// What the policy says or does.
pub(super) fn first_index(namer: &Namer, like: &Request) -> Result<u64, PipelineError> {
    let name = namer.propose(&Request { index: STRIKING, ..like.clone() })?;
    let (folder, name) = name.rsplit_once('/').unwrap_or(("", &name));
    // Policies count from 0, or show people numbers from 1.
    for (shown, from) in [(STRIKING + 1, 1), (STRIKING, 0)] {
        if let Some((before, behind)) = name.split_once(&shown.to_string()) {
            let highest = highest(&namer.folder().join(folder), before, behind);
            return Ok(highest.map_or(0, |number| (number + 1).saturating_sub(from)));
        }
    }
    Ok(0)
}

/// The highest number between the two texts in the names of a folder.
fn highest(folder: &Path, before: &str, behind: &str) -> Option<u64> {
    let entries = fs::read_dir(folder).ok()?;
    let number = |name: &str| {
        let digits = name.strip_prefix(before)?.strip_suffix(behind)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let names = entries.flatten().map(|e| e.file_name());
    names.filter_map(|n| number(n.to_str()?)).filter(|n| *n < u64::MAX).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_number_counts_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(highest(dir.path(), "frame", ".jpg"), None);
        for name in [
            "frame000007.jpg",
            "frame12.jpg",
            "frame.jpg",
            "frame99.png",
            "frame50-1.jpg",
            ".frame000099.jpg.1-0.partial",
            "frame99999999999999999999999.jpg",
        ] {
            fs::write(dir.path().join(name), "").expect("written");
        }
        assert_eq!(highest(dir.path(), "frame", ".jpg"), Some(12));
        assert_eq!(highest(&dir.path().join("none"), "frame", ".jpg"), None);
    }
}
