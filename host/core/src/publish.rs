//! The only way a file comes into being: written aside, synced, renamed, its folder synced.
//!
//! 1. `.NAME.PID-N.partial` is made in the folder of the output, and locked.
//! 2. Whoever has the [`Aside`] writes to it.
//! 3. [`Aside::publish`]: fsync of the file; a failed one is final (fsync(2): a second one may
//!    report success for pages that were lost).
//! 4. rename(2) over the output's name, or renameat2(2) with RENAME_NOREPLACE where nothing may
//!    be replaced.
//! 5. fsync of the folder, so that the name survives a power cut.
//!
//! Killed at any point, the output is either whole or not there. What stays behind is a
//! `.partial` that nobody holds a lock on; the next run for the same output removes it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use nix::fcntl::{Flock, FlockArg};
use nix::unistd::{AccessFlags, access};

pub mod ahead;
mod leftovers;

use leftovers::clear_leftovers;
pub use leftovers::sweep;

/// Why a file could not be published. The texts name the file and the way out.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("{}: exists already; -y replaces it", .0.display())]
    Exists(PathBuf),
    #[error("{}: {reason}", .path.display())]
    NotAFile { path: PathBuf, reason: &'static str },
    #[error("{}: nothing can be written to the folder {}: {source}", .path.display(), .folder.display())]
    Folder { path: PathBuf, folder: PathBuf, source: io::Error },
    #[error("{}: {doing}: {source}", .path.display())]
    Write { path: PathBuf, doing: &'static str, source: io::Error },
}

/// A file that is being written aside. Dropped without [`Aside::publish`], it is removed.
#[derive(Debug)]
pub struct Aside {
    /// none once published
    file: Option<Flock<File>>,
    partial: PathBuf,
    target: PathBuf,
    replace: bool,
    /// its number among the files that were begun ahead
    ahead: Option<usize>,
}

const SUFFIX: &str = ".partial";

/// The longest name of a file, in bytes (NAME_MAX in limits.h).
const NAME_BYTES: usize = 255;

static SERIAL: AtomicU64 = AtomicU64::new(0);

impl Aside {
    /// Starts a file that will be called `target`. `replace` allows there to be one already.
    ///
    /// # Errors
    /// `Exists`, `NotAFile` (a folder, a device, a pipe), `Folder` when nothing can be made there.
    pub fn create(target: &Path, replace: bool) -> Result<Aside, PublishError> {
        let target = check(target, replace)?;
        if let Some(aside) = Aside::begun_ahead(&target, replace)? {
            return Ok(aside);
        }
        clear_leftovers(&folder_of(&target), target.file_name().unwrap_or_default());
        Aside::begin(target, replace)
    }

    /// As [`Aside::create`], without looking for left-overs: for the next one of very many files
    /// of a folder.
    ///
    /// # Errors
    /// As [`Aside::create`].
    pub fn create_next(target: &Path, replace: bool) -> Result<Aside, PublishError> {
        Aside::begin(check(target, replace)?, replace)
    }

    fn begin(target: PathBuf, replace: bool) -> Result<Aside, PublishError> {
        let name = target.file_name().unwrap_or_default();
        let folder = folder_of(&target);
        let fail =
            |source| PublishError::Folder { path: target.clone(), folder: folder.clone(), source };
        let (file, partial) = create_locked(&folder, name).map_err(fail)?;
        keep_mode(&target, &file).map_err(fail)?;
        Ok(Aside { file: Some(file), partial, target, replace, ahead: None })
    }

    /// The file that was begun ahead for this target, if one was.
    fn begun_ahead(target: &Path, replace: bool) -> Result<Option<Aside>, PublishError> {
        let (path, folder) = (target.to_owned(), folder_of(target));
        let taken = ahead::take(target);
        let taken = taken.map_err(|source| PublishError::Folder { path, folder, source })?;
        Ok(taken.map(|taken| Aside {
            file: Some(taken.file),
            partial: taken.partial,
            target: target.to_owned(),
            replace,
            ahead: Some(taken.number),
        }))
    }

    /// The file, for writing and reading; all handles share one position.
    pub fn file(&self) -> io::Result<File> {
        self.file.as_ref().ok_or(io::ErrorKind::NotFound)?.try_clone()
    }

    /// Where it is written.
    pub fn path(&self) -> &Path {
        &self.partial
    }

    /// What it will be called.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Gives the finished file its name.
    ///
    /// # Errors
    /// `Exists`, when somebody else made the output meanwhile; `Write`. The output is then as it
    /// was before, and what was written aside is gone.
    pub fn publish(mut self) -> Result<(), PublishError> {
        let fail = |doing, source| PublishError::Write { path: self.target.clone(), doing, source };
        let Some(file) = &self.file else { return Ok(()) };
        file.sync_all().map_err(|e| fail("the file could not be synced to the disk", e))?;
        if let Some(number) = self.ahead {
            return self.publish_ahead(number, true);
        }
        let target = self.target.clone();
        self.publish_unsynced()?;
        sync_folder(&folder_of(&target)).map_err(|source| PublishError::Write {
            path: target,
            doing: "is complete, but its folder could not be synced to the disk",
            source,
        })
    }

    /// As [`Aside::publish`], without waiting for the disk: whoever looks sees the file whole or
    /// not at all, as ever, but a power cut within the next seconds may leave it empty or take it
    /// away. For files of which the next one comes in a moment.
    ///
    /// # Errors
    /// As [`Aside::publish`].
    pub fn publish_unsynced(mut self) -> Result<(), PublishError> {
        if let Some(number) = self.ahead {
            return self.publish_ahead(number, false);
        }
        let fail = |doing, source| PublishError::Write { path: self.target.clone(), doing, source };
        if self.replace {
            fs::rename(&self.partial, &self.target)
        } else {
            rename_new(&self.partial, &self.target)
        }
        .map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => PublishError::Exists(self.target.clone()),
            _ => fail("the finished file could not be given its name", e),
        })?;
        self.file = None;
        Ok(())
    }

    fn publish_ahead(&mut self, number: usize, sync: bool) -> Result<(), PublishError> {
        let named = ahead::publish(number, sync).map_err(|e| e.explained(&self.target));
        if !matches!(named, Err(PublishError::Exists(_))) {
            self.file = None;
        }
        named
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        let Some(file) = self.file.take() else { return };
        match self.ahead {
            Some(number) => ahead::give_back(number, file),
            None => {
                // Nothing better can be done about a failure; the next run tries again.
                let _ = fs::remove_file(&self.partial);
            }
        }
    }
}

/// Finds out, without writing anything, whether a file could be called `target`: what would only
/// come out at the very end, after hours of work, is told at the beginning. Gives the path with
/// links followed.
///
/// # Errors
/// `Exists`, `NotAFile`, `Folder`.
pub fn check(target: &Path, replace: bool) -> Result<PathBuf, PublishError> {
    let given = target;
    let target = resolve(given)?;
    let refuse = |reason| PublishError::NotAFile { path: target.clone(), reason };
    let name = target.file_name().ok_or_else(|| refuse("does not name a file"))?;
    // `Path` takes `new.mp4/` for `new.mp4`; the system does not.
    if !target.as_os_str().as_bytes().ends_with(name.as_bytes()) {
        return Err(refuse("names a folder, not a file"));
    }
    if name.len() > NAME_BYTES {
        return Err(refuse("is a longer name than a file can have (255 bytes)"));
    }
    match fs::symlink_metadata(&target) {
        Ok(_) if !replace => Err(PublishError::Exists(target)),
        // A link to nothing is there, too.
        Err(_) if !replace && given.is_symlink() => Err(PublishError::Exists(given.to_owned())),
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(PublishError::Folder { folder: folder_of(&target), path: target, source })
        }
        _ => Ok(target),
    }
}

/// Finds out, without writing anything, whether a file could be made where `target` is to be. Only
/// the making itself is sure to tell; a folder that is not there, or not to be written to, is told.
///
/// # Errors
/// `Folder`.
pub fn check_folder(target: &Path) -> Result<(), PublishError> {
    let path = resolve(target)?;
    let folder = folder_of(&path);
    access(&folder, AccessFlags::W_OK | AccessFlags::X_OK).map_err(|errno| PublishError::Folder {
        path,
        folder,
        source: errno.into(),
    })
}

/// Whether two paths lead to one file.
pub fn same_file(a: &Path, b: &Path) -> bool {
    match (fs::metadata(a), fs::metadata(b)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

/// Follows a symbolic link, so that the file behind it is replaced and not the link.
fn resolve(target: &Path) -> Result<PathBuf, PublishError> {
    let Ok(facts) = fs::metadata(target) else { return Ok(pointed_at(target)) };
    let refuse = |reason| Err(PublishError::NotAFile { path: target.to_owned(), reason });
    if facts.is_dir() {
        return refuse("is a folder; name a file in it");
    }
    if !facts.is_file() {
        return refuse("is not a plain file, so that it cannot be replaced as a whole");
    }
    if target.is_symlink() {
        fs::canonicalize(target).map_err(|source| PublishError::Write {
            path: target.to_owned(),
            doing: "the link could not be followed",
            source,
        })
    } else {
        Ok(target.to_owned())
    }
}

/// Where links lead that end at a file which is not there yet; the path itself where they lead in a
/// circle, or it is none.
fn pointed_at(target: &Path) -> PathBuf {
    /// As many as the system follows (path_resolution(7)).
    const LINKS: usize = 40;
    let mut path = target.to_owned();
    for _ in 0..LINKS {
        let Ok(next) = fs::read_link(&path) else { return path };
        path = path.parent().unwrap_or(Path::new("")).join(next);
    }
    target.to_owned()
}

fn folder_of(target: &Path) -> PathBuf {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// `.NAME.` with as much of the name as leaves room for the rest.
fn prefix(name: &OsStr) -> OsString {
    let room = NAME_BYTES - 64;
    let bytes = name.as_bytes();
    let mut prefix = OsString::from(".");
    prefix.push(OsStr::from_bytes(&bytes[..bytes.len().min(room)]));
    prefix.push(".");
    prefix
}

/// What is replaced may be nobody else's business; what replaces it is then not, either.
fn keep_mode(target: &Path, file: &File) -> io::Result<()> {
    match fs::metadata(target) {
        Ok(old) => file.set_permissions(old.permissions()),
        Err(_) => Ok(()),
    }
}

fn create_locked(folder: &Path, name: &OsStr) -> io::Result<(Flock<File>, PathBuf)> {
    loop {
        let mut partial = prefix(name);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        partial.push(format!("{}-{serial}{SUFFIX}", std::process::id()));
        let path = folder.join(partial);
        let file = match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
            other => other?,
        };
        let locked = Flock::lock(file, FlockArg::LockExclusiveNonblock);
        match locked {
            // Between the two calls somebody may have taken it for a left-over.
            Ok(file) if file.metadata()?.nlink() > 0 => return Ok((file, path)),
            Ok(_) => continue,
            Err((file, errno)) => {
                drop(file);
                fs::remove_file(&path)?;
                return Err(errno.into());
            }
        }
    }
}

/// Moves a whole file to another name that nobody has yet, and syncs the folder that it comes into:
/// on one file system by renaming it, across two by a copy that is synced before the file goes.
///
/// # Errors
/// `Exists`, `NotAFile`, `Folder`, `Write`; the file is then where it was.
pub fn move_file(from: &Path, to: &Path) -> Result<(), PublishError> {
    let target = check(to, false)?;
    let fail = |doing, source| PublishError::Write { path: target.clone(), doing, source };
    match rename_new(from, &target) {
        Ok(()) => sync_folder(&folder_of(&target))
            .map_err(|e| fail("was moved, but its folder could not be synced to the disk", e)),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(PublishError::Exists(target)),
        Err(e) if e.kind() == io::ErrorKind::CrossesDevices => {
            let aside = Aside::create(&target, false)?;
            File::open(from)
                .and_then(|mut source| io::copy(&mut source, &mut aside.file()?))
                .map_err(|e| fail("could not be copied there", e))?;
            aside.publish()?;
            fs::remove_file(from).map_err(|e| fail("was copied, but the original stays", e))
        }
        Err(e) => Err(fail("could not be moved there", e)),
    }
}

/// Makes the folder that a file is to be written into, if the folder above it is there.
///
/// # Errors
/// `Folder`.
pub fn make_folder_of(file: &Path) -> Result<(), PublishError> {
    let folder = folder_of(file);
    if folder.exists() {
        return Ok(());
    }
    fs::create_dir(&folder).map_err(|source| PublishError::Folder {
        path: file.to_owned(),
        folder,
        source,
    })
}

/// Makes a folder, with those above it, that last through a power cut: what is synced into a folder
/// whose own name is not on the disk would go with it.
///
/// # Errors
/// The system's.
pub fn make_folders(folder: &Path) -> io::Result<()> {
    // Who finds a folder made by another thread finds it synced.
    static MAKING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let missing: Vec<&Path> = folder.ancestors().take_while(|f| !f.exists()).collect();
    fs::create_dir_all(folder)?;
    missing.iter().rev().try_for_each(|made| sync_parent(made))
}

/// Makes the name of a file or folder last through a power cut, where the folder that it stands in
/// may be opened at all: one may be made in a folder that may only be written to.
///
/// # Errors
/// The system's.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    match sync_folder(&folder_of(path)) {
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        other => other,
    }
}

/// Makes what was renamed or removed in a folder last through a power cut.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Renames, unless there is something of that name.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use nix::errno::Errno;
        use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
        match renameat2(AT_FDCWD, from, AT_FDCWD, to, RenameFlags::RENAME_NOREPLACE) {
            // Some file systems do not know the flag.
            Err(Errno::EINVAL | Errno::ENOSYS) => {}
            other => return other.map_err(io::Error::from),
        }
    }
    fs::hard_link(from, to)?;
    fs::remove_file(from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("readable")
            .map(|e| e.expect("readable").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn whole_or_not_at_all() {
        let dir = tempfile::tempdir().expect("a folder");
        let target = dir.path().join("out.mp4");
        let aside = Aside::create(&target, false).expect("created");
        aside.file().expect("a handle").write_all(b"half").expect("written");
        assert!(!target.exists());
        drop(aside);
        assert!(names(dir.path()).is_empty());
        let aside = Aside::create(&target, false).expect("created");
        aside.file().expect("a handle").write_all(b"whole").expect("written");
        aside.publish().expect("published");
        assert_eq!(fs::read(&target).expect("there"), b"whole");
        assert_eq!(names(dir.path()), ["out.mp4"]);
    }

    #[test]
    fn what_exists_is_not_replaced_unasked() {
        let dir = tempfile::tempdir().expect("a folder");
        let target = dir.path().join("out.mp4");
        fs::write(&target, "old").expect("written");
        assert!(matches!(Aside::create(&target, false), Err(PublishError::Exists(_))));
        let late = dir.path().join("late.mp4");
        let aside = Aside::create(&late, false).expect("created");
        fs::write(&late, "first").expect("written");
        assert!(matches!(aside.publish(), Err(PublishError::Exists(_))));
        assert_eq!(fs::read(&late).expect("there"), b"first");
        assert_eq!(names(dir.path()), ["late.mp4", "out.mp4"]);
        Aside::create(&target, true).expect("created").publish().expect("published");
        assert_eq!(fs::read(&target).expect("there"), b"");
    }

    #[test]
    fn left_overs_of_the_dead_are_cleared_and_those_of_the_living_kept() {
        let dir = tempfile::tempdir().expect("a folder");
        let target = dir.path().join("out.mp4");
        fs::write(dir.path().join(".out.mp4.4242-0.partial"), "dead").expect("written");
        fs::write(dir.path().join(".out.mp4.mine.partial"), "foreign").expect("written");
        let living = Aside::create(&target, true).expect("created");
        let second = Aside::create(&target, true).expect("created");
        assert!(living.path().exists() && second.path().exists());
        drop((living, second));
        assert_eq!(names(dir.path()), [".out.mp4.mine.partial"]);
    }

    #[test]
    fn links_are_followed_and_odd_targets_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let (real, link) = (dir.path().join("real.mp4"), dir.path().join("link.mp4"));
        fs::write(&real, "old").expect("written");
        std::os::unix::fs::symlink(&real, &link).expect("linked");
        let aside = Aside::create(&link, true).expect("created");
        aside.file().expect("a handle").write_all(b"new").expect("written");
        aside.publish().expect("published");
        assert_eq!(fs::read(&real).expect("there"), b"new");
        assert!(link.is_symlink() && same_file(&real, &link));
        // A link may stand there before its file does, and its folder has to be there.
        let (later, early) = (dir.path().join("later"), dir.path().join("early"));
        std::os::unix::fs::symlink("later", &early).expect("linked");
        assert!(matches!(Aside::create(&early, false), Err(PublishError::Exists(_))));
        let made = Aside::create(&early, true).expect("nothing is in its place");
        made.publish().expect("published");
        assert!(early.is_symlink() && later.is_file());
        std::os::unix::fs::symlink("none/file", dir.path().join("lost")).expect("linked");
        let refused = Aside::create(&dir.path().join("lost"), true);
        assert!(matches!(refused, Err(PublishError::Folder { .. })), "{refused:?}");
        assert!(matches!(Aside::create(dir.path(), true), Err(PublishError::NotAFile { .. })));
        assert!(matches!(
            Aside::create(Path::new("/dev/null"), true),
            Err(PublishError::NotAFile { .. })
        ));
        let missing = dir.path().join("none/out.mp4");
        assert!(matches!(Aside::create(&missing, false), Err(PublishError::Folder { .. })));
    }

    #[test]
    fn names_that_cannot_be_are_refused_at_the_beginning() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("plain"), "").expect("written");
        for name in ["new.mp4/", "new.mp4/.", &"n".repeat(256), "plain/new.mp4"] {
            let error = check(&dir.path().join(name), true).expect_err(name);
            assert!(
                matches!(error, PublishError::NotAFile { .. } | PublishError::Folder { .. }),
                "{error}"
            );
        }
    }

    #[test]
    fn what_was_private_stays_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a folder");
        let target = dir.path().join("out.mp4");
        fs::write(&target, "old").expect("written");
        fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).expect("set");
        Aside::create(&target, true).expect("created").publish().expect("published");
        assert_eq!(fs::metadata(&target).expect("there").mode() & 0o777, 0o600);
    }

    #[test]
    fn long_names_fit() {
        let dir = tempfile::tempdir().expect("a folder");
        let target = dir.path().join(format!("{}.mp4", "n".repeat(250)));
        Aside::create(&target, false).expect("created").publish().expect("published");
    }
}
