//! File system events of a folder and its subfolders, by inotify.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};

use super::Print;
use super::identity::Heard;
use super::select::Selection;

/// What happened.
#[derive(Debug)]
pub(super) enum TreeEvent {
    /// a file that may be worked on; its path below the watched folder
    File(PathBuf, Heard),
    /// a folder that appeared, to be looked through
    Folder(PathBuf),
    /// a file whose permissions, owner or times changed
    Attributes(PathBuf),
    /// a name that is gone
    Gone(PathBuf),
    /// events were lost
    Overflow,
    /// the watched folder itself is gone
    Ended,
}

/// The folders that are listened to.
pub(super) struct Tree {
    inotify: Inotify,
    root: PathBuf,
    selection: Selection,
    mask: AddWatchFlags,
    /// path below the root of each
    folders: HashMap<WatchDescriptor, PathBuf>,
    /// prints every event
    events: Option<Print>,
    /// a file that was moved away, to where is not known yet
    moved: Option<(u32, PathBuf)>,
}

/// What has to be heard for the work.
fn needed() -> AddWatchFlags {
    AddWatchFlags::IN_CLOSE_WRITE
        | AddWatchFlags::IN_MOVED_TO
        | AddWatchFlags::IN_MOVED_FROM
        | AddWatchFlags::IN_ATTRIB
        | AddWatchFlags::IN_CREATE
        | AddWatchFlags::IN_DELETE
        | AddWatchFlags::IN_DELETE_SELF
        | AddWatchFlags::IN_MOVE_SELF
}

impl Tree {
    /// Listens to nothing yet; see [`Tree::watch`].
    pub(super) fn new(
        root: &Path,
        selection: &Selection,
        events: Option<Print>,
    ) -> io::Result<Tree> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let all = if events.is_some() { AddWatchFlags::IN_ALL_EVENTS } else { needed() };
        Ok(Tree {
            inotify,
            root: root.to_owned(),
            selection: selection.clone(),
            mask: all | AddWatchFlags::IN_ONLYDIR,
            folders: HashMap::new(),
            events,
            moved: None,
        })
    }

    /// Listens to one folder, before its files are looked at: what comes in between is heard.
    ///
    /// # Errors
    /// `StorageFull` when the user may have no more watches (`fs.inotify.max_user_watches`).
    pub(super) fn watch(&mut self, folder: &Path) -> io::Result<()> {
        let watch = self.inotify.add_watch(&whole(&self.root, folder), self.mask)?;
        self.folders.insert(watch, folder.to_owned());
        Ok(())
    }

    /// How many folders are listened to.
    pub(super) fn len(&self) -> usize {
        self.folders.len()
    }

    /// Waits until something happens, or for `timeout`, and gives all that has happened.
    pub(super) fn read(&mut self, timeout: Duration) -> io::Result<Vec<TreeEvent>> {
        let wait = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
        let mut descriptors = [PollFd::new(self.inotify.as_fd(), PollFlags::POLLIN)];
        match poll(&mut descriptors, wait) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(e) => return Err(e.into()),
        }
        let events = match self.inotify.read_events() {
            Ok(events) => events,
            // Both ends of a move come one behind the other, if both are heard.
            Err(Errno::EAGAIN | Errno::EINTR) => {
                return Ok(self
                    .moved
                    .take()
                    .map(|(_, path)| TreeEvent::Gone(path))
                    .into_iter()
                    .collect());
            }
            Err(e) => return Err(e.into()),
        };
        let mut notes = Vec::with_capacity(events.len());
        for event in events {
            let moved = self.moved.take().filter(|(cookie, _)| *cookie != event.cookie);
            notes.extend(moved.map(|(_, path)| TreeEvent::Gone(path)));
            notes.extend(self.note(event));
        }
        Ok(notes)
    }

    fn note(&mut self, event: InotifyEvent) -> Option<TreeEvent> {
        use AddWatchFlags as Flags;
        let mask = event.mask;
        if let Some(print) = &mut self.events {
            let folder = self.folders.get(&event.wd).map(|f| whole(&self.root, f));
            print(&super::events::line(&event, folder.as_deref()));
        }
        if mask.contains(Flags::IN_Q_OVERFLOW) {
            return Some(TreeEvent::Overflow);
        }
        let folder = self.folders.get(&event.wd)?.clone();
        if mask.contains(Flags::IN_IGNORED) {
            self.folders.remove(&event.wd);
            return folder.as_os_str().is_empty().then_some(TreeEvent::Ended);
        }
        let Some(name) = event.name else {
            let own = Flags::IN_DELETE_SELF | Flags::IN_MOVE_SELF | Flags::IN_UNMOUNT;
            return (mask.intersects(own) && folder.as_os_str().is_empty())
                .then_some(TreeEvent::Ended);
        };
        let path = folder.join(name);
        if mask.contains(Flags::IN_ISDIR) {
            self.note_folder(path, mask)
        } else {
            self.note_file(path, mask, event.cookie)
        }
    }

    fn note_folder(&mut self, path: PathBuf, mask: AddWatchFlags) -> Option<TreeEvent> {
        if mask.contains(AddWatchFlags::IN_MOVED_FROM) {
            // It may be anywhere now; where it is still below the root, it is heard of again.
            let gone: Vec<WatchDescriptor> = self
                .folders
                .iter()
                .filter(|(_, folder)| folder.starts_with(&path))
                .map(|(watch, _)| *watch)
                .collect();
            for watch in gone {
                // The kernel may have taken it away already.
                let _ = self.inotify.rm_watch(watch);
                self.folders.remove(&watch);
            }
            return None;
        }
        let appeared = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO;
        // An unreadable folder cannot be watched until its permissions change.
        let allowed = mask.contains(AddWatchFlags::IN_ATTRIB)
            && !self.folders.values().any(|folder| *folder == path);
        ((allowed || mask.intersects(appeared)) && self.selection.enters(&self.root.join(&path)))
            .then_some(TreeEvent::Folder(path))
    }

    fn note_file(&mut self, path: PathBuf, mask: AddWatchFlags, cookie: u32) -> Option<TreeEvent> {
        if !self.selection.takes(&path) {
            return None;
        }
        if mask.intersects(AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_MOVED_TO) {
            return Some(TreeEvent::File(path, Heard::Closed));
        }
        if mask.contains(AddWatchFlags::IN_MOVED_FROM) {
            self.moved = Some((cookie, path));
            return None;
        }
        if mask.contains(AddWatchFlags::IN_DELETE) {
            return Some(TreeEvent::Gone(path));
        }
        if mask.contains(AddWatchFlags::IN_ATTRIB) {
            return Some(TreeEvent::Attributes(path));
        }
        // A new name of a file that is whole already: a link. A fresh file is heard of again when
        // its writer closes it.
        let linked = mask.contains(AddWatchFlags::IN_CREATE)
            && fs::symlink_metadata(self.root.join(&path)).is_ok_and(|facts| {
                use std::os::unix::fs::MetadataExt;
                facts.is_symlink() || facts.nlink() > 1
            });
        linked.then_some(TreeEvent::File(path, Heard::Found))
    }
}

/// The root itself without the `/` that joining nothing to it would add.
fn whole(root: &Path, folder: &Path) -> PathBuf {
    if folder.as_os_str().is_empty() { root.to_owned() } else { root.join(folder) }
}
