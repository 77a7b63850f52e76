//! File system events of a folder and its subfolders, on systems without inotify: `notify`, which
//! has kqueue, FSEvents and others behind it. None of them says when a writer closes a file, so
//! that a file has to stay unchanged for a while before it counts as complete.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use notify::event::{ModifyKind, RenameMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::Print;
use super::identity::Heard;
use super::select::Selection;

/// Events that wait to be read; when there are more, the folder is scanned.
const WAITING: usize = 16_384;

/// What happened.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TreeEvent {
    /// a file that may be processed; its path below the watched folder
    File(PathBuf, Heard),
    /// a folder that appeared
    Folder(PathBuf),
    /// a name that is gone
    Gone(PathBuf),
    /// events were lost
    Overflow,
    /// the watched folder itself is gone
    Ended,
}

/// Folders that are watched.
pub(super) struct Tree {
    watcher: RecommendedWatcher,
    events: Receiver<notify::Result<Event>>,
    root: PathBuf,
    selection: Selection,
    print: Option<Print>,
    folders: usize,
}

impl Tree {
    /// Watches nothing yet; see [`Tree::watch`].
    pub(super) fn new(
        root: &Path,
        selection: &Selection,
        print: Option<Print>,
    ) -> io::Result<Tree> {
        let (sent, events) = bounded(WAITING);
        let lost = events.clone();
        let send = move |event| {
            if let Err(full) = sent.try_send(event) {
                // Any one of those that wait makes room for the report that some were lost.
                let _ = lost.try_recv();
                drop(full);
                let overflow = Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan);
                let _ = sent.try_send(Ok(overflow));
            }
        };
        Ok(Tree {
            watcher: notify::recommended_watcher(send).map_err(io::Error::other)?,
            events,
            root: root.to_owned(),
            selection: selection.clone(),
            print,
            folders: 0,
        })
    }

    /// Watches one folder, before its files are looked at, so that nothing is missed in between.
    pub(super) fn watch(&mut self, folder: &Path) -> io::Result<()> {
        let path =
            if folder.as_os_str().is_empty() { self.root.clone() } else { self.root.join(folder) };
        self.watcher.watch(&path, RecursiveMode::NonRecursive).map_err(|e| match e.kind {
            notify::ErrorKind::Io(e) => e,
            notify::ErrorKind::PathNotFound => io::ErrorKind::NotFound.into(),
            notify::ErrorKind::MaxFilesWatch => io::ErrorKind::StorageFull.into(),
            _ => io::Error::other(e),
        })?;
        self.folders += 1;
        Ok(())
    }

    /// How many folders are watched.
    pub(super) fn len(&self) -> usize {
        self.folders
    }

    /// Waits until something happens, or for `timeout`, and gives all that has happened.
    pub(super) fn read(&mut self, timeout: Duration) -> io::Result<Vec<TreeEvent>> {
        let mut notes = Vec::new();
        let first = self.events.recv_timeout(timeout).ok();
        let rest: Vec<_> = self.events.try_iter().collect();
        for event in first.into_iter().chain(rest) {
            match event {
                Ok(event) => self.note(&event, &mut notes),
                // Which event it would have been is not known.
                Err(_) => notes.push(TreeEvent::Overflow),
            }
        }
        Ok(notes)
    }

    fn note(&mut self, event: &Event, notes: &mut Vec<TreeEvent>) {
        if let Some(print) = &mut self.print {
            print(&format!("{event:?}"));
        }
        if event.need_rescan() {
            notes.push(TreeEvent::Overflow);
        }
        if matches!(event.kind, EventKind::Access(_)) {
            return;
        }
        for (number, path) in event.paths.iter().enumerate() {
            let Ok(below) = path.strip_prefix(&self.root) else { continue };
            let is_old_name = match event.kind {
                EventKind::Remove(_) => true,
                EventKind::Modify(ModifyKind::Name(RenameMode::From)) => true,
                EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => number == 0,
                _ => false,
            };
            notes.extend(self.note_path(path, below, is_old_name));
        }
    }

    /// The system says that something happened there; the file system says what is there now.
    fn note_path(&self, path: &Path, below: &Path, is_old_name: bool) -> Option<TreeEvent> {
        let facts = fs::symlink_metadata(path);
        if below.as_os_str().is_empty() {
            return facts.is_err().then_some(TreeEvent::Ended);
        }
        match facts {
            Ok(facts) if facts.is_dir() => {
                self.selection.enters(path).then(|| TreeEvent::Folder(below.to_owned()))
            }
            _ if !self.selection.takes(below) => None,
            Ok(_) if !is_old_name => Some(TreeEvent::File(below.to_owned(), Heard::Found)),
            _ => Some(TreeEvent::Gone(below.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    /// Reads events until one fits.
    fn wait_for(tree: &mut Tree, wanted: &TreeEvent) {
        let end = Instant::now() + Duration::from_secs(30);
        let mut all = Vec::new();
        while !all.contains(wanted) {
            assert!(Instant::now() < end, "no {wanted:?} in {all:?}");
            all.extend(tree.read(Duration::from_millis(50)).expect("events"));
        }
    }

    #[test]
    fn files_and_folders_that_come_and_go_are_reported() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("it exists");
        let selection = Selection::new(&[], &[], true, Vec::new()).expect("no globs");
        let mut tree = Tree::new(&root, &selection, None).expect("a watcher");
        tree.watch(Path::new("")).expect("watched");
        assert_eq!(tree.len(), 1);
        let file = |name: &str| TreeEvent::File(name.into(), Heard::Found);
        fs::write(root.join("a.txt"), "not taken").expect("written");
        fs::write(root.join("a.png"), "x").expect("written");
        wait_for(&mut tree, &file("a.png"));
        fs::rename(root.join("a.png"), root.join("b.png")).expect("renamed");
        wait_for(&mut tree, &file("b.png"));
        fs::create_dir(root.join("sub")).expect("made");
        wait_for(&mut tree, &TreeEvent::Folder("sub".into()));
        tree.watch(Path::new("sub")).expect("watched");
        fs::write(root.join("sub/c.png"), "x").expect("written");
        wait_for(&mut tree, &file("sub/c.png"));
        fs::remove_file(root.join("b.png")).expect("removed");
        wait_for(&mut tree, &TreeEvent::Gone("b.png".into()));
        assert!(tree.watch(Path::new("none")).is_err());
    }
}
