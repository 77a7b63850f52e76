//! Pictures, each in a file of its own, published one by one.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::error::PipelineError;
use filmgate_av::{MediaError, MediaErrorKind};
use filmgate_core::publish::{self, Aside, PublishError};

/// Files that are named by their number, from 1.
pub(super) struct Sequence {
    pattern: PathBuf,
    /// none where the name has no place for one: then there can be only one picture
    place: Option<Place>,
    next: u64,
    replace: bool,
    bytes: u64,
    /// a picture that is alone, until it is known to be
    only: Option<Aside>,
}

/// Where the number stands in the name, and how many digits it has at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    from: usize,
    to: usize,
    digits: usize,
}

/// The name of picture `number` of a pattern such as `shot%03d.png`; none without a place for it.
pub(crate) fn numbered_name(pattern: &Path, number: u64) -> Option<PathBuf> {
    let bytes = pattern.as_os_str().as_bytes();
    let unescaped = |part: &[u8]| {
        let mut out = Vec::with_capacity(part.len());
        let mut rest = part.iter().peekable();
        while let Some(&byte) = rest.next() {
            out.push(byte);
            rest.next_if(|next| byte == b'%' && **next == b'%');
        }
        out
    };
    let place = place(bytes)?;
    let mut name = unescaped(&bytes[..place.from]);
    name.extend(format!("{number:0width$}", width = place.digits).into_bytes());
    name.extend(unescaped(&bytes[place.to..]));
    Some(PathBuf::from(OsString::from(OsStr::from_bytes(&name))))
}

impl Sequence {
    /// Checks that the pictures can be written. The folder is made, if its parent is
    /// there and this is no dry run.
    pub(super) fn begin(
        pattern: &Path,
        replace: bool,
        dry_run: bool,
    ) -> Result<Sequence, PipelineError> {
        let bytes = pattern.as_os_str().as_bytes();
        let sequence = Sequence {
            pattern: pattern.to_owned(),
            place: place(bytes),
            next: 1,
            replace,
            bytes: 0,
            only: None,
        };
        let first = sequence.name();
        if !dry_run {
            publish::make_folder_of(&first)?;
        }
        publish::check(&first, replace)?;
        Ok(sequence)
    }

    /// The name of the next picture.
    fn name(&self) -> PathBuf {
        numbered_name(&self.pattern, self.next).unwrap_or_else(|| self.pattern.clone())
    }

    /// Writes one picture, whole.
    pub(super) fn write(&mut self, picture: &[u8]) -> Result<(), PipelineError> {
        if self.place.is_none() && self.next > 1 {
            let name = self.pattern.display();
            let message = format!(
                "{name}: this is one image, and there are more frames; number them (out-%06d.png), or take one with --max-frames 1"
            );
            return Err(MediaError { kind: MediaErrorKind::Unsupported, message }.into());
        }
        let name = self.name();
        let failed = |source| PublishError::Write {
            path: name.clone(),
            doing: "the picture could not be written",
            source,
        };
        // Left-overs were looked for once; the folder may hold very many pictures by now.
        let aside = match self.next {
            1 => Aside::create(&name, self.replace),
            _ => Aside::create_next(&name, self.replace),
        }?;
        let mut file = aside.file().map_err(failed)?;
        file.write_all(picture).map_err(failed)?;
        match self.place {
            Some(_) => aside.publish()?,
            None => self.only = Some(aside),
        }
        self.bytes += picture.len() as u64;
        self.next += 1;
        Ok(())
    }

    /// Publishes what was held back; how many bytes all pictures have.
    pub(super) fn finish(self) -> Result<u64, PipelineError> {
        if let Some(aside) = self.only {
            aside.publish()?;
        }
        Ok(self.bytes)
    }
}

/// The first `%d` or `%06d` that is no `%%`.
fn place(name: &[u8]) -> Option<Place> {
    let mut from = 0;
    while from < name.len() {
        if name[from] != b'%' {
            from += 1;
            continue;
        }
        let digits = name[from + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        let number = std::str::from_utf8(&name[from + 1..from + 1 + digits]).ok()?;
        match name.get(from + 1 + digits) {
            Some(b'd') => {
                let digits = if number.is_empty() { 1 } else { number.parse().ok()? };
                let to = from + 2 + number.len();
                return (digits <= 20).then_some(Place { from, to, digits });
            }
            Some(b'%') if digits == 0 => from += 2,
            _ => from += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(pattern: &str, number: u64) -> String {
        let sequence = Sequence {
            pattern: pattern.into(),
            place: place(pattern.as_bytes()),
            next: number,
            replace: false,
            bytes: 0,
            only: None,
        };
        sequence.name().to_string_lossy().into_owned()
    }

    #[test]
    fn numbers_stand_where_they_should() {
        assert_eq!(named("f/%06d.png", 7), "f/000007.png");
        assert_eq!(named("%d.png", 12), "12.png");
        assert_eq!(named("100%%-%03d%%.png", 1234), "100%-1234%.png");
        assert_eq!(named("one.png", 1), "one.png");
    }

    #[test]
    fn a_single_name_takes_a_single_picture() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("one.png");
        let mut sequence = Sequence::begin(&path, false, false).expect("begun");
        sequence.write(b"picture").expect("written");
        assert!(!path.exists(), "there may be more");
        assert!(sequence.write(b"another").is_err());
        drop(sequence);
        assert!(!path.exists());
        let mut sequence = Sequence::begin(&path, false, false).expect("begun");
        sequence.write(b"picture").expect("written");
        sequence.finish().expect("published");
        assert_eq!(std::fs::read(&path).expect("there"), b"picture");
        assert!(Sequence::begin(&path, false, false).is_err());
    }
}
