//! The same name in the same sub-folder, with the ending that the output has.

use filmgate_plugin::{Description, Error, Naming, Parameters, Request, export_naming};

/// The longest component, in bytes: the limit of the contract and of most file systems.
const LONGEST: usize = 255;
/// What stands for the name of a source that is no file.
const LIVE: &str = "live";

struct Mirror;

impl Naming for Mirror {
    fn describe() -> Description {
        Description::new(
            "mirror",
            env!("CARGO_PKG_VERSION"),
            "keeps names and sub-folders as they are",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
    }

    fn configure(_: &Parameters) -> Result<Self, Error> {
        Ok(Mirror)
    }

    fn name(&mut self, what: &Request) -> Result<String, Error> {
        let path = what.sources.first().map_or(LIVE, |item| item.path.as_str());
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if !folder.is_empty() && !what.folders {
            let message = "sub-folders cannot be kept where none may be made; use `flatten`";
            return Err(Error::unsupported(message));
        }
        let stem = match name.rsplit_once('.') {
            Some((stem, _)) if !stem.is_empty() => stem,
            _ => name,
        };
        let attempt = match what.attempt {
            0 => String::new(),
            attempt => format!("-{attempt}"),
        };
        let ending = match what.extension.as_str() {
            "" => attempt,
            extension => format!("{attempt}.{extension}"),
        };
        let room = LONGEST.saturating_sub(ending.len());
        let name = format!("{}{ending}", &stem[..stem.floor_char_boundary(room)]);
        Ok(if folder.is_empty() { name } else { format!("{folder}/{name}") })
    }
}

export_naming!(Mirror);

#[cfg(test)]
mod tests {
    use super::*;
    use filmgate_plugin::Item;

    fn named(path: &str, attempt: u32, folders: bool) -> Result<String, Error> {
        let item = Item { path: path.into(), size: 1, modified: 0, properties: Vec::new() };
        Mirror.name(&Request {
            sources: vec![item],
            index: 0,
            attempt,
            position: None,
            taken: None,
            extension: "png".into(),
            folders,
            more: Vec::new(),
        })
    }

    #[test]
    fn folders_stay_and_endings_change() {
        assert_eq!(named("cam/door/0007.jpg", 0, true), Ok("cam/door/0007.png".into()));
        assert_eq!(named("0007.jpg", 0, true), Ok("0007.png".into()));
        assert_eq!(named("0007.jpg", 3, true), Ok("0007-3.png".into()));
        assert_eq!(named("0007.jpg", 0, false), Ok("0007.png".into()));
    }

    #[test]
    fn where_no_folders_may_be_none_are_lost() {
        assert!(named("cam/0007.jpg", 0, false).is_err());
    }

    #[test]
    fn names_stay_within_their_limit() {
        let name = named(&format!("cam/{}.jpg", "ä".repeat(150)), 12, true);
        let name = name.expect("it works");
        let (_, name) = name.split_once('/').expect("a folder");
        assert!(name.len() <= LONGEST && name.ends_with("-12.png"), "{name}");
    }
}
