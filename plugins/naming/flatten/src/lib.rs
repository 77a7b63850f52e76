//! One name of a path: `cam/door/0007.jpg` becomes `cam-door-0007.jpg`.

use filmgate_plugin::{Description, Error, Naming, Parameter, Parameters, Request, export_naming};

/// The longest name, in bytes: the limit of the contract and of most file systems.
const LONGEST: usize = 255;
/// What stands for the name of a source that is no file.
const LIVE: &str = "live";

struct Flatten {
    separator: String,
}

impl Naming for Flatten {
    fn describe() -> Description {
        Description::new(
            "flatten",
            env!("CARGO_PKG_VERSION"),
            "makes one name of a path, without sub-folders",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .parameter(
            Parameter::text("separator", "what stands for the / between folders")
                .length(1..=16)
                .default("-"),
        )
    }

    fn configure(parameters: &Parameters) -> Result<Self, Error> {
        let separator = parameters.text("separator")?.to_owned();
        match separator.contains(['/', '\0']) {
            true => Err(Error::parameter("separator", "a name holds neither / nor NUL")),
            false => Ok(Flatten { separator }),
        }
    }

    fn name(&mut self, what: &Request) -> Result<String, Error> {
        let path = what.sources.first().map_or(LIVE, |item| item.path.as_str());
        let stem = without_extension(path).replace('/', &self.separator);
        let attempt = match what.attempt {
            0 => String::new(),
            attempt => format!("-{attempt}"),
        };
        let ending = match what.extension.as_str() {
            "" => attempt,
            extension => format!("{attempt}.{extension}"),
        };
        let room = LONGEST.saturating_sub(ending.len());
        Ok(format!("{}{ending}", &stem[..stem.floor_char_boundary(room)]))
    }
}

export_naming!(Flatten);

/// A dot in front makes a hidden file, not an extension.
fn without_extension(path: &str) -> &str {
    let name = path.rfind('/').map_or(0, |at| at + 1);
    match path[name..].rfind('.') {
        Some(dot) if dot > 0 => &path[..name + dot],
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use filmgate_plugin::Item;

    fn named(separator: &str, path: &str, attempt: u32) -> String {
        let parameters = Parameters::new([("separator", separator.into())]);
        let mut flatten = Flatten::configure(&parameters).expect("a good separator");
        let item = Item { path: path.into(), size: 1, modified: 0, properties: Vec::new() };
        let request = Request {
            sources: vec![item],
            index: 0,
            attempt,
            position: None,
            taken: None,
            extension: "jpg".into(),
            folders: true,
            more: Vec::new(),
        };
        flatten.name(&request).expect("it always works")
    }

    #[test]
    fn folders_become_part_of_the_name() {
        assert_eq!(named("-", "cam/door/0007.png", 0), "cam-door-0007.jpg");
        assert_eq!(named("__", "cam/0007.jpg", 0), "cam__0007.jpg");
        assert_eq!(named("-", "0007.jpg", 0), "0007.jpg");
        assert_eq!(named("-", "a.b/.hidden", 0), "a.b-.hidden.jpg");
    }

    #[test]
    fn taken_names_are_counted_on() {
        assert_eq!(named("-", "a/b-c.jpg", 1), "a-b-c-1.jpg");
    }

    #[test]
    fn names_stay_within_their_limit() {
        let name = named("-", &format!("{}/a.jpg", "ä/".repeat(150)), 12);
        assert!(name.len() <= LONGEST && name.ends_with("-12.jpg"), "{name}");
    }

    #[test]
    fn a_separator_makes_no_folders() {
        let parameters = Parameters::new([("separator", "/".into())]);
        assert!(Flatten::configure(&parameters).is_err());
    }
}
