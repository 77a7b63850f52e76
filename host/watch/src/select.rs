//! File selection: globs, or the extensions of images and videos.

use std::path::{Path, PathBuf};

use filmgate_core::glob::{Globs, is_hidden, is_video};
use filmgate_picture::is_picture;

/// What is taken and what is left alone. Hidden files never are taken: programs write aside under
/// such names.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    /// none: whatever has the ending of a picture or a video
    include: Option<Globs>,
    exclude: Globs,
    recursive: bool,
    /// folders that are not entered: where outputs, originals and failures go
    outside: Vec<PathBuf>,
}

impl Selection {
    /// Globs without a `/` are for the file's name, others for its path below the folder.
    ///
    /// # Errors
    /// A glob that is none, for people.
    pub(super) fn new(
        include: &[String],
        exclude: &[String],
        recursive: bool,
        outside: Vec<PathBuf>,
    ) -> Result<Selection, String> {
        let include = if include.is_empty() { None } else { Some(Globs::new(include)?) };
        Ok(Selection { include, exclude: Globs::new(exclude)?, recursive, outside })
    }

    /// Whether a file is meant; `path` is below the watched folder.
    pub(super) fn takes(&self, path: &Path) -> bool {
        if path.file_name().is_none() || is_hidden(path) || self.exclude.is_match(path) {
            return false;
        }
        match &self.include {
            Some(include) => include.is_match(path),
            None => is_picture(path) || is_video(path),
        }
    }

    /// Whether a sub-folder is entered; `path` is the whole path of it.
    pub(super) fn enters(&self, path: &Path) -> bool {
        self.recursive && !is_hidden(path) && !self.outside.iter().any(|o| o == path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(include: &[&str], exclude: &[&str]) -> Selection {
        let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        Selection::new(&own(include), &own(exclude), true, vec![PathBuf::from("/in/out")])
            .expect("good globs")
    }

    #[test]
    fn pictures_and_videos_are_meant_and_what_is_written_aside_is_not() {
        let all = selection(&[], &[]);
        for name in ["a.jpg", "sub/B.JPEG", "x y.png", "film.MKV"] {
            assert!(all.takes(Path::new(name)), "{name}");
        }
        for name in ["frame.jpg.X4bQ1z", ".a.jpg.Xk2p", "sub/.a.jpg", "a.jpg~", "a.txt", "jpg"] {
            assert!(!all.takes(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn globs_choose() {
        let some = selection(&["cam*/*.jpg", "*.dat"], &["*-small.*"]);
        for (name, taken) in [
            ("cam1/a.jpg", true),
            ("cam1/deep/a.jpg", false),
            ("a.jpg", false),
            ("deep/er/a.dat", true),
            ("cam1/a-small.jpg", false),
        ] {
            assert_eq!(some.takes(Path::new(name)), taken, "{name}");
        }
        assert!(Selection::new(&["[".to_owned()], &[], true, Vec::new()).is_err());
    }

    #[test]
    fn the_output_is_not_entered() {
        let all = selection(&[], &[]);
        assert!(all.enters(Path::new("/in/sub")));
        assert!(!all.enters(Path::new("/in/out")) && !all.enters(Path::new("/in/.git")));
    }
}
