//! Files that are begun before a process gives up its paths (a sandbox), and the helper that gives
//! them their names then.
//!
//! 1. [`begin`]: the files are made aside, in the folders where they are to be.
//! 2. A child process is forked, which calls [`give_names`] with one end of a socket.
//! 3. [`hand_over`] with the other end; now paths may be given up.
//! 4. [`Aside::create`](super::Aside::create) for such a target takes the file that is there, and the
//!    helper renames or removes it when it is told to.
//!
//! The helper knows the names from the beginning and takes none from the socket. So whoever takes
//! over the process decides what these files hold, and nothing about any other.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::fcntl::Flock;

use super::{
    PublishError, check, clear_leftovers, create_locked, folder_of, keep_mode, rename_new,
    sync_folder,
};

/// A file that was begun.
struct Begun {
    target: PathBuf,
    partial: PathBuf,
    replace: bool,
    /// none while it is in use, and once it has its name
    file: Option<Flock<File>>,
}

/// What was made for the job, by its number.
enum Made {
    File(Begun),
    /// a file could not be begun there, for the system's reason
    Refused {
        target: PathBuf,
        errno: i32,
    },
    /// a named pipe; it goes at the end
    Pipe(PathBuf),
    /// a folder; it goes at the end if nothing is in it
    Folder(PathBuf),
}

impl Made {
    /// The partial of a file that was begun, or the pipe.
    fn partial(&self) -> Option<&Path> {
        match self {
            Made::File(begun) => Some(&begun.partial),
            Made::Pipe(path) => Some(path),
            Made::Refused { .. } | Made::Folder(_) => None,
        }
    }
}

struct State {
    made: Vec<Made>,
    helper: Option<UnixStream>,
}

static STATE: Mutex<State> = Mutex::new(State { made: Vec::new(), helper: None });

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins the file that will be called `target`. What hinders it is told by
/// [`Aside::create`](super::Aside::create).
pub fn begin(target: &Path, replace: bool) {
    let Ok(target) = check(target, replace) else { return };
    let (folder, name) = (folder_of(&target), target.file_name().unwrap_or_default());
    clear_leftovers(&folder, name);
    let made = create_locked(&folder, name).and_then(|(file, partial)| {
        keep_mode(&target, &file)?;
        Ok((file, partial))
    });
    state().made.push(match made {
        Ok((file, partial)) => Made::File(Begun { target, partial, replace, file: Some(file) }),
        Err(e) => Made::Refused { target, errno: e.raw_os_error().unwrap_or(nix::libc::EIO) },
    });
}

/// Makes a folder that files are to be written into, if the one above it is there. It goes again if
/// nothing comes into it.
pub fn begin_folder(folder: &Path) {
    if fs::create_dir(folder).is_ok() {
        state().made.push(Made::Folder(folder.to_owned()));
    }
}

/// As [`begin_folder`], with the folders above it.
pub fn begin_folders(folder: &Path) {
    let missing: Vec<&Path> = folder.ancestors().take_while(|f| !f.exists()).collect();
    missing.iter().rev().for_each(|folder| begin_folder(folder));
}

/// Makes a named pipe for its owner alone, if there is nothing of that name. It goes at the end.
pub fn begin_pipe(path: &Path) {
    use nix::sys::stat::Mode;
    if nix::unistd::mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR).is_ok() {
        state().made.push(Made::Pipe(path.to_owned()));
    }
}

/// The files and pipes that were begun, where they are now: what has to stay within reach.
pub fn begun() -> Vec<PathBuf> {
    state().made.iter().filter_map(|made| made.partial().map(Path::to_owned)).collect()
}

/// From now on the helper at the other end gives files their names and removes them.
pub fn hand_over(helper: UnixStream) {
    state().helper = Some(helper);
}

/// Removes what was begun and not used, at the end of a job; the helper ends.
pub fn end() {
    let count = state().made.len();
    for number in (0..count).rev() {
        // Nothing better can be done about a failure.
        let _ = remove(number);
    }
    state().helper = None;
}

/// A file that was begun, taken for use.
pub(super) struct Taken {
    pub(super) number: usize,
    pub(super) file: Flock<File>,
    pub(super) partial: PathBuf,
}

/// Takes the file that was begun for `target`; none if there is none.
///
/// # Errors
/// Why it could not be begun.
pub(super) fn take(target: &Path) -> io::Result<Option<Taken>> {
    let mut state = state();
    for (number, made) in state.made.iter_mut().enumerate() {
        match made {
            Made::Refused { target: refused, errno } if refused == target => {
                return Err(io::Error::from_raw_os_error(*errno));
            }
            Made::File(begun) if begun.target == target => {
                if let Some(file) = begun.file.take() {
                    return Ok(Some(Taken { number, file, partial: begun.partial.clone() }));
                }
            }
            _ => {}
        }
    }
    Ok(None)
}

/// Takes a file back, empty, for the next one of the same name: a job may begin again.
pub(super) fn give_back(number: usize, mut file: Flock<File>) {
    let emptied = file.set_len(0).and_then(|()| file.rewind());
    if let (Ok(()), Some(Made::File(begun))) = (emptied, state().made.get_mut(number)) {
        begun.file = Some(file);
    }
}

/// What went wrong when a file was to be published.
pub(super) enum Unnamed {
    Rename(io::Error),
    Sync(io::Error),
}

/// Gives a file its name; with `sync` its folder is synced.
pub(super) fn publish(number: usize, sync: bool) -> Result<(), Unnamed> {
    let ask = if sync { Ask::Publish } else { Ask::PublishUnsynced };
    match carry_out(ask, number).map_err(Unnamed::Rename)? {
        (Step::Done, _) => Ok(()),
        (Step::Rename, errno) => Err(Unnamed::Rename(io::Error::from_raw_os_error(errno))),
        (Step::Sync, errno) => Err(Unnamed::Sync(io::Error::from_raw_os_error(errno))),
    }
}

/// Removes a named pipe that was made ahead; whether it was.
pub fn end_pipe(path: &Path) -> bool {
    let is_it = |made: &Made| matches!(made, Made::Pipe(pipe) if pipe == path);
    let number = state().made.iter().position(is_it);
    number.is_some_and(|number| remove(number).is_ok())
}

fn remove(number: usize) -> io::Result<()> {
    carry_out(Ask::Remove, number).map(drop)
}

/// What the helper is asked for.
#[derive(Clone, Copy)]
enum Ask {
    Publish = 1,
    PublishUnsynced,
    Remove,
}

/// How far it came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Done = 0,
    Rename,
    Sync,
}

/// Bytes of a question: what, and the number of the file.
const QUESTION: usize = 5;
/// Bytes of an answer: how far, and the system's error.
const ANSWER: usize = 5;

fn carry_out(ask: Ask, number: usize) -> io::Result<(Step, i32)> {
    let mut state = state();
    let Some(helper) = &mut state.helper else {
        return Ok(state.made.get_mut(number).map_or((Step::Done, 0), |made| done(ask, made)));
    };
    let mut question = [ask as u8, 0, 0, 0, 0];
    question[1..].copy_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
    let mut answer = [0; ANSWER];
    let answered = helper.write_all(&question).and_then(|()| helper.read_exact(&mut answer));
    answered.map_err(|_| io::Error::other("the process that gives files their names has ended"))?;
    let step = match answer[0] {
        0 => Step::Done,
        1 => Step::Rename,
        _ => Step::Sync,
    };
    let [_, errno @ ..] = answer;
    Ok((step, i32::from_le_bytes(errno)))
}

/// The helper's part: does what the process at the other end asks for, until that ends; then removes
/// what is left.
pub fn give_names(mut asked: UnixStream) {
    let mut made = std::mem::take(&mut state().made);
    let mut question = [0; QUESTION];
    while asked.read_exact(&mut question).is_ok() {
        let [ask, number @ ..] = question;
        let ask = match ask {
            1 => Ask::Publish,
            2 => Ask::PublishUnsynced,
            3 => Ask::Remove,
            _ => break,
        };
        let made = usize::try_from(u32::from_le_bytes(number)).ok().and_then(|n| made.get_mut(n));
        let (step, errno) = made.map_or((Step::Rename, nix::libc::EINVAL), |made| done(ask, made));
        let mut answer = [step as u8, 0, 0, 0, 0];
        answer[1..].copy_from_slice(&errno.to_le_bytes());
        if asked.write_all(&answer).is_err() {
            break;
        }
    }
    for made in made.iter_mut().rev() {
        done(Ask::Remove, made);
    }
}

/// Does one thing. What is done is forgotten, so that nothing is done to a name twice.
fn done(ask: Ask, made: &mut Made) -> (Step, i32) {
    let nothing = Made::Refused { target: PathBuf::new(), errno: 0 };
    match (ask, std::mem::replace(made, nothing)) {
        (Ask::Remove, Made::File(Begun { partial: path, .. }) | Made::Pipe(path)) => {
            answer(Step::Rename, fs::remove_file(path))
        }
        (Ask::Remove, Made::Folder(folder)) => {
            // What has come into it stays.
            let _ = fs::remove_dir(folder);
            (Step::Done, 0)
        }
        (Ask::Publish | Ask::PublishUnsynced, Made::File(begun)) => {
            let named = if begun.replace {
                fs::rename(&begun.partial, &begun.target)
            } else {
                rename_new(&begun.partial, &begun.target)
            };
            let folder = folder_of(&begun.target);
            match named {
                Err(e) => {
                    *made = Made::File(begun);
                    answer(Step::Rename, Err(e))
                }
                Ok(()) if matches!(ask, Ask::Publish) => answer(Step::Sync, sync_folder(&folder)),
                Ok(()) => (Step::Done, 0),
            }
        }
        (_, other) => {
            *made = other;
            (Step::Done, 0)
        }
    }
}

fn answer(step: Step, result: io::Result<()>) -> (Step, i32) {
    match result {
        Ok(()) => (Step::Done, 0),
        Err(e) => (step, e.raw_os_error().unwrap_or(Errno::EIO as i32)),
    }
}

impl Unnamed {
    /// As the caller of the job is told.
    pub(super) fn explained(self, target: &Path) -> PublishError {
        let path = target.to_owned();
        match self {
            Unnamed::Rename(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                PublishError::Exists(path)
            }
            Unnamed::Rename(source) => PublishError::Write {
                path,
                doing: "the finished file could not be given its name",
                source,
            },
            Unnamed::Sync(source) => PublishError::Write {
                path,
                doing: "is complete, but its folder could not be synced to the disk",
                source,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Aside;
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("readable").flatten();
        let mut names: Vec<String> =
            entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// All in one, since a process has these files once. Without a helper it does by itself what a
    /// helper would.
    #[test]
    fn what_is_begun_is_named_or_removed() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |name: &str| dir.path().join(name);
        fs::write(path("old"), "old").expect("written");
        fs::write(path("kept"), "kept").expect("written");
        let replaced = [("new", false), ("unused", false), ("late", false), ("old", true)];
        replaced.iter().for_each(|(name, replace)| begin(&path(name), *replace));
        // Refused in the same words as ever.
        begin(&path("kept"), false);
        begin_folders(&path("deep/er"));
        begin_pipe(&path("pipe"));
        assert_eq!(begun().len(), 5);
        assert!(matches!(Aside::create(&path("kept"), false), Err(PublishError::Exists(_))));

        let write = |name: &str, replace: bool, text: &str| {
            let aside = Aside::create(&path(name), replace).expect("taken");
            assert!(begun().contains(&aside.path().to_owned()));
            aside.file().expect("a handle").write_all(text.as_bytes()).expect("written");
            aside
        };
        // A job that begins again finds nothing of what it wrote before.
        drop(write("new", false, "the first attempt, which fails"));
        write("new", false, "whole").publish().expect("named");
        write("old", true, "replaced").publish_unsynced().expect("named");
        let late = write("late", false, "late");
        fs::write(path("late"), "somebody else's").expect("written");
        assert!(matches!(late.publish(), Err(PublishError::Exists(_))));
        assert!(end_pipe(&path("pipe")) && !end_pipe(&path("new")));
        end();
        assert_eq!(names(dir.path()), ["kept", "late", "new", "old"]);
        let content = |name: &str| fs::read_to_string(path(name)).expect("there");
        let all = ["kept", "late", "new", "old"].map(content);
        assert_eq!(all, ["kept", "somebody else's", "whole", "replaced"]);
    }
}
