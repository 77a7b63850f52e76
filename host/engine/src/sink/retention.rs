//! A folder that is kept to a bound: the oldest of our own pictures go. A file is our own if it is
//! the very one that was published, by name, inode, size and time, by this run or by one before it (`record`);
//! whatever else lies there stays.

use std::collections::VecDeque;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tracing::{debug, warn};

use super::record::{Entry, Record};
use filmgate_core::publish::PublishError;

/// How many pictures stay, and for how long; both, where both are said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    pub pictures: Option<u64>,
    pub age: Option<Duration>,
}

/// The pictures that are ours, the oldest first.
pub(super) struct Retention {
    bound: Bound,
    folder: PathBuf,
    kept: VecDeque<Kept>,
    /// none where there is no bound
    record: Option<Record>,
    removed: u64,
    removed_early: u64,
    told: bool,
}

struct Kept {
    entry: Entry,
    since: SystemTime,
}

impl Retention {
    /// For a folder that has no bound.
    pub(super) fn none(folder: &Path) -> Retention {
        Retention {
            bound: Bound::default(),
            folder: folder.to_owned(),
            kept: VecDeque::new(),
            record: None,
            removed: 0,
            removed_early: 0,
            told: false,
        }
    }

    /// Takes over what runs before this one have left of theirs.
    ///
    /// # Errors
    /// `Folder`, where another process keeps the same folder; `Write`.
    pub(super) fn open(folder: &Path, bound: Bound) -> Result<Retention, PublishError> {
        let mut keep = Retention { bound, ..Retention::none(folder) };
        if keep.is_bound() {
            let (record, entries) = Record::open(folder)?;
            let ours = |entry: Entry| {
                let path = folder.join(&entry.name);
                let since = fs::metadata(&path).and_then(|facts| facts.modified());
                let since = since.unwrap_or_else(|_| SystemTime::now());
                entry.is(&path).then_some(Kept { entry, since })
            };
            keep.kept = entries.into_iter().filter_map(ours).collect();
            keep.record = Some(record);
        }
        Ok(keep)
    }

    pub(super) fn is_bound(&self) -> bool {
        self.bound != Bound::default()
    }

    /// Notes a picture that is about to get its name.
    ///
    /// # Errors
    /// `Write`.
    pub(super) fn note(
        &mut self,
        name: &Path,
        facts: &Metadata,
        now: SystemTime,
    ) -> Result<(), PublishError> {
        let entry = Entry::new(name, facts);
        let Some(record) = &mut self.record else { return Ok(()) };
        record.append(&entry)?;
        self.kept.push_back(Kept { entry, since: now });
        if record.is_long(self.kept.len()) {
            self.finish();
        }
        Ok(())
    }

    /// The picture that was noted last did not get its name.
    pub(super) fn forget_last(&mut self) {
        self.kept.pop_back();
    }

    /// Makes place for one more.
    pub(super) fn make_place(&mut self, now: SystemTime) {
        let most = self.bound.pictures.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        while most.is_some_and(|most| self.kept.len() >= most) && self.remove_oldest() {}
        self.hold(now);
    }

    /// Removes what is too old.
    pub(super) fn hold(&mut self, now: SystemTime) {
        let Some(age) = self.bound.age else { return };
        let old = |kept: &Kept| now.duration_since(kept.since).is_ok_and(|time| time > age);
        while self.kept.front().is_some_and(old) && self.remove_oldest() {}
    }

    /// Removes the oldest picture before its time; false where there is none.
    pub(super) fn push_out(&mut self) -> bool {
        let removed = self.remove_oldest();
        self.removed_early += u64::from(removed);
        removed
    }

    pub(super) fn removed(&self) -> (u64, u64) {
        (self.removed, self.removed_early)
    }

    /// Clears the record of what has gone. Where that fails, it is only longer than it need be.
    pub(super) fn finish(&mut self) {
        if let Some(record) = &mut self.record
            && let Err(e) = record.rewrite(self.kept.iter().map(|k| &k.entry))
        {
            debug!("{e}");
        }
    }

    /// False where there is nothing to remove.
    fn remove_oldest(&mut self) -> bool {
        let Some(Kept { entry, .. }) = self.kept.pop_front() else { return false };
        let path = self.folder.join(&entry.name);
        // Somebody may have taken it away, and put another file in its place.
        if !entry.is(&path) {
            return true;
        }
        match fs::remove_file(&path) {
            Ok(()) => self.removed += 1,
            Err(e) if !self.told => {
                self.told = true;
                warn!("{}: cannot be removed, and stays: {e}", path.display());
            }
            Err(_) => {}
        }
        self.remove_empty_folders(&path);
        true
    }

    /// A folder of a day that is over goes with its last picture.
    fn remove_empty_folders(&self, path: &Path) {
        for folder in path.ancestors().skip(1) {
            if folder == self.folder || fs::remove_dir(folder).is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(keep: &mut Retention, name: &str, now: SystemTime) {
        keep.make_place(now);
        let path = keep.folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, name).expect("written");
        let facts = fs::metadata(&path).expect("there");
        keep.note(Path::new(name), &facts, now).expect("noted");
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("readable")
            .map(|e| e.expect("readable").file_name().to_string_lossy().into_owned())
            .filter(|n| !n.starts_with('.'))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_foreign_file_under_a_name_of_ours_stays() {
        let dir = tempfile::tempdir().expect("a folder");
        let now = SystemTime::now();
        let bound = Bound { pictures: Some(2), age: None };
        let mut keep = Retention::open(dir.path(), bound).expect("opened");
        publish(&mut keep, "a.jpg", now);
        publish(&mut keep, "b.jpg", now);
        // Somebody puts a file of the same size in the place of one of ours, in the same run.
        fs::write(dir.path().join("other"), "A.JPG").expect("written");
        fs::rename(dir.path().join("other"), dir.path().join("a.jpg")).expect("renamed");
        publish(&mut keep, "c.jpg", now);
        assert_eq!(names(dir.path()), ["a.jpg", "b.jpg", "c.jpg"]);
        assert_eq!(fs::read(dir.path().join("a.jpg")).expect("there"), b"A.JPG");
        assert_eq!(keep.removed(), (0, 0));
        // It is no picture of ours from then on, and the others still go.
        publish(&mut keep, "d.jpg", now);
        assert_eq!(names(dir.path()), ["a.jpg", "c.jpg", "d.jpg"]);
        assert_eq!(keep.removed(), (1, 0));
    }

    #[test]
    fn the_oldest_of_our_own_go_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("foreign.jpg"), "").expect("written");
        let bound = Bound { pictures: Some(2), age: None };
        let now = SystemTime::now();
        let mut keep = Retention::open(dir.path(), bound).expect("opened");
        for name in ["1", "2", "3"] {
            publish(&mut keep, name, now);
        }
        assert_eq!(names(dir.path()), ["2", "3", "foreign.jpg"]);
        assert!(Retention::open(dir.path(), bound).is_err(), "somebody has it");
        drop(keep);
        // Another file under a name of ours.
        fs::remove_file(dir.path().join("2")).expect("removed");
        fs::write(dir.path().join("other"), "").expect("written");
        fs::rename(dir.path().join("other"), dir.path().join("2")).expect("renamed");
        let mut keep = Retention::open(dir.path(), bound).expect("opened again");
        for name in ["4", "5"] {
            publish(&mut keep, name, now);
        }
        assert_eq!(names(dir.path()), ["2", "4", "5", "foreign.jpg"]);
        assert_eq!(keep.removed(), (1, 0));
        assert!(keep.push_out());
        assert_eq!(keep.removed(), (2, 1));
    }

    #[test]
    fn what_is_too_old_goes_with_its_folder() {
        let dir = tempfile::tempdir().expect("a folder");
        let bound = Bound { pictures: None, age: Some(Duration::from_secs(60)) };
        let begin = SystemTime::now();
        let mut keep = Retention::open(dir.path(), bound).expect("opened");
        publish(&mut keep, "monday/1", begin);
        publish(&mut keep, "tuesday/2", begin + Duration::from_secs(50));
        keep.hold(begin + Duration::from_secs(61));
        assert_eq!(names(dir.path()), ["tuesday"]);
        publish(&mut keep, "tuesday/3", begin + Duration::from_secs(200));
        assert_eq!(names(&dir.path().join("tuesday")), ["3"]);
    }

    #[test]
    fn the_record_does_not_grow_for_ever() {
        let dir = tempfile::tempdir().expect("a folder");
        let bound = Bound { pictures: Some(3), age: None };
        let mut keep = Retention::open(dir.path(), bound).expect("opened");
        for number in 0..5_000 {
            publish(&mut keep, &number.to_string(), SystemTime::now());
        }
        let record = fs::read_to_string(dir.path().join(super::super::record::NAME)).expect("read");
        assert!(record.lines().count() < 2_000);
        drop(keep);
        let keep = Retention::open(dir.path(), bound).expect("opened again");
        assert_eq!(keep.kept.len(), 3);
    }
}
