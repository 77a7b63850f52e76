//! Names of segments: task, device and path, from a URL or a request, before anything is opened.

use std::fmt;

use crate::error::Fault;

/// The longest name of a file, in bytes (NAME_MAX in limits.h).
const LONGEST_NAME: usize = 255;
/// The longest path below a device, in bytes.
const LONGEST_PATH: usize = 1024;
/// The deepest path below a device.
const DEEPEST: usize = 16;

/// A device of a task: a folder below the root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Device {
    pub(crate) task: String,
    pub(crate) device: String,
}

/// A segment: a file below a device's folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) device: Device,
    /// components separated by `/`
    pub(crate) path: String,
}

impl Device {
    /// # Errors
    /// `Name`, with the reason.
    pub(crate) fn new(task: &str, device: &str) -> Result<Device, Fault> {
        check_name("task", task)?;
        check_name("device", device)?;
        Ok(Device { task: task.to_owned(), device: device.to_owned() })
    }

    /// The components of its folder below the root.
    pub(crate) fn folder(&self) -> Vec<&str> {
        vec![&self.task, &self.device]
    }
}

impl Key {
    /// # Errors
    /// `Name`, with the reason.
    pub(crate) fn new(device: Device, path: &str) -> Result<Key, Fault> {
        check_path("path", path)?;
        Ok(Key { device, path: path.to_owned() })
    }

    /// The components of its folder below the root.
    pub(crate) fn folder(&self) -> Vec<&str> {
        let mut parts = self.device.folder();
        parts.extend(self.path.split('/'));
        parts.pop();
        parts
    }

    /// The name of its file.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.device.task, self.device.device, self.path)
    }
}

/// Checks a path of one or more components.
///
/// # Errors
/// `Name`, with the reason.
pub(crate) fn check_path(what: &str, path: &str) -> Result<(), Fault> {
    if path.starts_with('/') {
        let reason = "it is absolute; paths are relative to the device's folder";
        return Err(Fault::name(what, path, reason));
    }
    if path.len() > LONGEST_PATH {
        return Err(Fault::name(what, path, format!("it is longer than {LONGEST_PATH} bytes")));
    }
    if path.split('/').count() > DEEPEST {
        return Err(Fault::name(what, path, format!("it is deeper than {DEEPEST} folders")));
    }
    path.split('/').try_for_each(|name| check_name(what, name))
}

/// Checks one component: it must be a plain name that cannot lead anywhere else, and not one that
/// the server uses itself.
fn check_name(what: &str, name: &str) -> Result<(), Fault> {
    let reason = if name.is_empty() {
        "a name is empty"
    } else if name == "." || name == ".." {
        "`.` and `..` are no names"
    } else if name.starts_with('.') {
        "names that begin with a dot are the server's own"
    } else if name.ends_with(".partial") {
        "names that end in .partial are files that are being written"
    } else if name.len() > LONGEST_NAME {
        "a name is longer than 255 bytes"
    } else if name.chars().any(char::is_control) {
        "a name contains a control character"
    } else if name.contains(['/', '\\']) {
        "a name contains a slash or a backslash"
    } else if is_encoded(name) {
        "a name is percent-encoded twice"
    } else {
        return Ok(());
    };
    Err(Fault::name(what, name, reason))
}

/// Whether a name that was decoded already still contains percent-encoding.
fn is_encoded(name: &str) -> bool {
    let is_hex = |c: Option<char>| c.is_some_and(|c| c.is_ascii_hexdigit());
    name.match_indices('%').any(|(at, _)| {
        let mut rest = name[at + 1..].chars();
        is_hex(rest.next()) && is_hex(rest.next())
    })
}

/// Decodes a part of a URL (RFC 3986, section 2.1).
///
/// # Errors
/// `Name`: an escape that is none, or text that is not UTF-8.
pub(crate) fn decode(part: &str) -> Result<String, Fault> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, more @ ..] = rest {
        rest = more;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = more.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.ok_or_else(|| Fault::name("path", part, "a `%` is not an escape"))?);
        rest = &more[2..];
    }
    String::from_utf8(bytes).map_err(|_| Fault::name("path", part, "it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &str) -> bool {
        let device = Device::new("t", "d").expect("a device");
        decode(path).and_then(|path| Key::new(device, &path)).is_err()
    }

    #[test]
    fn plain_names_are_taken() {
        for path in ["a.mp4", "video/a b.ts", "ä/ö", "100%25.mp4", "a%20b.mp4"] {
            assert!(!refused(path), "{path}");
        }
    }

    #[test]
    fn nothing_leads_elsewhere() {
        let long = "x".repeat(256);
        let deep = "a/".repeat(16) + "b";
        for path in [
            "..",
            "...",
            "../x",
            "a/../b",
            "a/./b",
            "%2e%2e",
            "%252e%252e/x",
            "/etc/passwd",
            "a//b",
            "",
            "a%00b",
            "%ff",
            "%zz",
            "100%.mp4",
            "a%5c..%5cb",
            ".filmgate",
            "x.partial",
            "a%0ab",
            &long,
            &deep,
        ] {
            assert!(refused(path), "{path}");
        }
        assert!(Device::new("..", "d").is_err() && Device::new("t", "a/b").is_err());
    }
}
