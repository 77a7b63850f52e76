//! Formats inotify events as pyinotify does, for `--events`.

use std::fmt::Write as _;
use std::path::Path;

use nix::sys::inotify::{AddWatchFlags, InotifyEvent};

/// pyinotify's names (`EventsCodes.ALL_FLAGS`), in the order of their bits.
const NAMES: [(AddWatchFlags, &str); 16] = [
    (AddWatchFlags::IN_ACCESS, "IN_ACCESS"),
    (AddWatchFlags::IN_MODIFY, "IN_MODIFY"),
    (AddWatchFlags::IN_ATTRIB, "IN_ATTRIB"),
    (AddWatchFlags::IN_CLOSE_WRITE, "IN_CLOSE_WRITE"),
    (AddWatchFlags::IN_CLOSE_NOWRITE, "IN_CLOSE_NOWRITE"),
    (AddWatchFlags::IN_OPEN, "IN_OPEN"),
    (AddWatchFlags::IN_MOVED_FROM, "IN_MOVED_FROM"),
    (AddWatchFlags::IN_MOVED_TO, "IN_MOVED_TO"),
    (AddWatchFlags::IN_CREATE, "IN_CREATE"),
    (AddWatchFlags::IN_DELETE, "IN_DELETE"),
    (AddWatchFlags::IN_DELETE_SELF, "IN_DELETE_SELF"),
    (AddWatchFlags::IN_MOVE_SELF, "IN_MOVE_SELF"),
    (AddWatchFlags::IN_UNMOUNT, "IN_UNMOUNT"),
    (AddWatchFlags::IN_Q_OVERFLOW, "IN_Q_OVERFLOW"),
    (AddWatchFlags::IN_IGNORED, "IN_IGNORED"),
    (AddWatchFlags::IN_ISDIR, "IN_ISDIR"),
];

/// One line without its end. `folder` is the whole path of the folder that it happened in.
pub(super) fn line(event: &InotifyEvent, folder: Option<&Path>) -> String {
    let names: Vec<&str> =
        NAMES.iter().filter(|(flag, _)| event.mask.contains(*flag)).map(|(_, n)| *n).collect();
    let is_folder = event.mask.contains(AddWatchFlags::IN_ISDIR);
    let mut out = String::from("<Event ");
    if event.cookie != 0 {
        let _ = write!(out, "cookie={} ", event.cookie);
    }
    let directory = if is_folder { "True" } else { "False" };
    let _ = write!(out, "dir={directory} mask={:#x} ", event.mask.bits());
    let _ = write!(out, "maskname={} ", names.join("|"));
    let name = event.name.as_deref().map(|n| n.to_string_lossy()).unwrap_or_default();
    let _ = write!(out, "name={} ", if name.is_empty() { "''" } else { &name });
    if let Some(folder) = folder {
        let whole = event.name.as_ref().map_or_else(|| folder.to_owned(), |n| folder.join(n));
        let _ = write!(out, "path={} pathname={} ", folder.display(), whole.display());
    }
    let _ = write!(out, "wd={} >", event.wd.as_raw());
    // A name may hold anything; a line is a line.
    out.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
