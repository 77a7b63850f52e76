//! The cache of compiled plugins: native code in a folder that only the user can reach.
//!
//! Whoever can write an entry can run code as the user. So the folder, everything above it and
//! each entry are checked for owner and mode before one is used, and a checksum keeps out what a
//! power cut or a failing disk left behind.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
use tracing::{debug, warn};
use xxhash_rust::xxh3::xxh3_128;

/// The folder within the cache folder. Its own, so that its mode is 0700 whatever the other's is.
const FOLDER: &str = "code";
/// What an entry begins with: what it is, and the version of its form. A checksum follows.
const MAGIC: [u8; 8] = *b"fgcode\x00\x01";
const HEADER: usize = MAGIC.len() + size_of::<u128>();
/// The largest entry; Python's has 35 MB.
pub(in super::super) const ENTRY_BYTES: u64 = 512 << 20;
/// What all entries may take; the ones that were not used for the longest time make room.
const TOTAL_BYTES: u64 = 1 << 30;
/// How often the time of use is noted, so that a start does not write to the disk.
const NOTED: Duration = Duration::from_hours(12);

/// Where compiled code is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeCache {
    /// `FILMGATE_CACHE_DIR`, or `filmgate` in `$XDG_CACHE_HOME` or `~/.cache`
    ForUser,
    In(PathBuf),
    Off,
}

impl CodeCache {
    /// The folder, or none: switched off, or nowhere to put it. A relative one is taken from the
    /// working folder.
    pub fn folder(&self) -> Option<PathBuf> {
        let set = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let folder = match self {
            CodeCache::Off => None,
            CodeCache::In(folder) => Some(folder.clone()),
            CodeCache::ForUser => match set("FILMGATE_CACHE_DIR") {
                Some(folder) if folder.as_os_str().is_empty() => None,
                Some(folder) => Some(folder),
                None => set("XDG_CACHE_HOME")
                    .filter(|p| p.is_absolute())
                    .or_else(|| {
                        set("HOME").filter(|p| p.is_absolute()).map(|home| home.join(".cache"))
                    })
                    .map(|cache| cache.join("filmgate")),
            },
        };
        folder.map(|f| std::path::absolute(&f).unwrap_or(f))
    }

    /// Whether entries can be read and written; makes the folder if it is not there. One that is
    /// switched off can.
    ///
    /// # Errors
    /// The reason, to follow the folder's name.
    pub fn check(&self) -> Result<(), String> {
        let Some(folder) = self.folder() else { return Ok(()) };
        let private = private_folder(&folder)?;
        nix::unistd::access(&private, nix::unistd::AccessFlags::W_OK)
            .map_err(|e| format!("cannot be written to: {}", e.desc()))?;
        let entries = fs::read_dir(&private).map_err(|e| format!("cannot be read: {e}"))?;
        for entry in entries.flatten() {
            let facts = entry.metadata().map_err(|e| format!("cannot be read: {e}"))?;
            if let Err(reason) = private_entry(&facts) {
                let name = entry.file_name();
                return Err(format!("holds an entry that {reason}: {}", name.to_string_lossy()));
            }
        }
        Ok(())
    }
}

/// The open cache of an engine.
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// None, with a warning, where it cannot be used.
    pub(crate) fn open(folder: &Path) -> Option<Cache> {
        match private_folder(folder) {
            Ok(folder) => Some(Cache { folder }),
            Err(reason) => {
                warn!(
                    "plugins are compiled anew each time: the cache folder {} {reason}",
                    folder.display()
                );
                None
            }
        }
    }

    /// The code of that key, if it is there, ours and whole.
    pub(super) fn get(&self, key: &str) -> Option<Vec<u8>> {
        let path = self.folder.join(key);
        match read(&path) {
            Ok(code) => Some(code),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => {
                warn!("compiled code in {} is not used: {e}", path.display());
                None
            }
        }
    }

    /// Keeps the code; when that fails it is compiled again the next time.
    pub(super) fn put(&self, key: &str, code: &[u8]) {
        let path = self.folder.join(key);
        match write(&self.folder, &path, code) {
            Ok(()) => make_room(&self.folder, &path),
            Err(e) => warn!("compiled code cannot be kept in {}: {e}", path.display()),
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let bad = |reason: &str| io::Error::new(io::ErrorKind::InvalidData, reason.to_owned());
    // A pipe in an entry's place is not waited for, a link not followed (open(2)).
    let file = OpenOptions::new().read(true).custom_flags(O_NONBLOCK | O_NOFOLLOW).open(path)?;
    let facts = file.metadata()?;
    private_entry(&facts).map_err(|reason| bad(&format!("it {reason}")))?;
    let mut bytes = Vec::with_capacity(usize::try_from(facts.len().min(ENTRY_BYTES)).unwrap_or(0));
    (&file).take(ENTRY_BYTES).read_to_end(&mut bytes)?;
    let code = bytes.get(HEADER..).ok_or_else(|| bad("it is cut off"))?;
    if bytes[..HEADER] != header(code) {
        return Err(bad("it is damaged"));
    }
    note_use(&file, &facts);
    bytes.drain(..HEADER);
    Ok(bytes)
}

fn header(code: &[u8]) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..MAGIC.len()].copy_from_slice(&MAGIC);
    header[MAGIC.len()..].copy_from_slice(&xxh3_128(code).to_le_bytes());
    header
}

/// The time of change tells when an entry was used last.
fn note_use(file: &File, facts: &Metadata) {
    let now = SystemTime::now();
    let stale = |noted| now.duration_since(noted).is_ok_and(|age| age > NOTED);
    if facts.modified().is_ok_and(stale)
        && let Err(e) = file.set_modified(now)
    {
        debug!("the use of compiled code cannot be noted: {e}");
    }
}

/// Aside and renamed, so that a reader never meets a part. Not synced: what a power cut leaves
/// is known by its checksum, and compiled again.
fn write(folder: &Path, path: &Path, code: &[u8]) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let aside = folder.join(format!(".{}-{number}.partial", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&aside)
        .and_then(|mut file| {
            file.write_all(&header(code))?;
            file.write_all(code)
        })
        .and_then(|()| fs::rename(&aside, path));
    if written.is_err() {
        let _ = fs::remove_file(&aside);
    }
    written
}

/// Removes what was not used for the longest time until the rest fits; never `fresh`.
fn make_room(folder: &Path, fresh: &Path) {
    let mut entries: Vec<(SystemTime, u64, PathBuf)> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let facts = entry.metadata().ok()?;
            Some((facts.modified().ok()?, facts.len(), entry.path()))
        })
        .collect();
    let mut total: u64 = entries.iter().map(|(_, bytes, _)| bytes).sum();
    entries.sort();
    for (_, bytes, path) in entries {
        if total <= TOTAL_BYTES {
            break;
        }
        if path != fresh && fs::remove_file(&path).is_ok() {
            total -= bytes;
        }
    }
}

/// Makes the folder and the one for the code in it, and sees to it that others can neither
/// change them nor put something else in their place. Gives the latter's path.
fn private_folder(folder: &Path) -> Result<PathBuf, String> {
    let folder = std::path::absolute(folder).map_err(|e| format!("cannot be found: {e}"))?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .map_err(|e| format!("cannot be made: {e}"))?;
    let folder = folder.canonicalize().map_err(|e| format!("cannot be read: {e}"))?;
    for above in folder.ancestors().skip(1) {
        guarded(above).map_err(|reason| format!("is not safe: {} {reason}", above.display()))?;
    }
    private(&folder)?;
    let code = folder.join(FOLDER);
    match DirBuilder::new().mode(0o700).create(&code) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
            return Err(format!("cannot be written to: {e}"));
        }
        _ => {}
    }
    private(&code).map_err(|reason| format!("is not safe: {} {reason}", code.display()))?;
    Ok(code)
}

/// A folder above: others who can write to it could rename what is below. With the sticky bit
/// they cannot (`/tmp`; see chmod(1)).
fn guarded(folder: &Path) -> Result<(), String> {
    let facts = fs::symlink_metadata(folder).map_err(|e| format!("cannot be read: {e}"))?;
    let me = nix::unistd::geteuid().as_raw();
    if facts.uid() != me && facts.uid() != 0 {
        return Err(format!("belongs to user {}", facts.uid()));
    }
    if facts.mode() & 0o022 != 0 && facts.mode() & 0o1000 == 0 {
        return Err("can be written to by others; `chmod go-w` it".to_owned());
    }
    Ok(())
}

fn private(folder: &Path) -> Result<(), String> {
    let facts = fs::symlink_metadata(folder).map_err(|e| format!("cannot be read: {e}"))?;
    if !facts.is_dir() {
        return Err("is no folder".to_owned());
    }
    owned(&facts)
}

fn private_entry(facts: &Metadata) -> Result<(), String> {
    if !facts.is_file() {
        return Err("is no plain file".to_owned());
    }
    owned(facts)
}

fn owned(facts: &Metadata) -> Result<(), String> {
    let me = nix::unistd::geteuid().as_raw();
    if facts.uid() != me {
        return Err(format!("belongs to user {}, not to {me}", facts.uid()));
    }
    if facts.mode() & 0o022 != 0 {
        return Err("can be written to by others; remove it, or `chmod go-w` it".to_owned());
    }
    Ok(())
}
