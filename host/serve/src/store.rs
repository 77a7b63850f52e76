//! The segments: plain files below the root, `TASK/DEVICE/PATH`, and an index of them in SQLite.
//!
//! The files are the truth. The index answers what a folder cannot answer quickly: listings in pages,
//! sums for quotas, digests. At start, and after a job, it is brought into line with the files.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use serde::Serialize;
use utoipa::ToSchema;

use crate::beneath::Folder;
use crate::error::{Fault, ServeError};
use crate::key::{Device, Key};
use crate::settings::Live;

/// The server's own folder below the root: no task can have this name.
pub(crate) const OWN: &str = ".filmgate";
/// Begins the names of files that are being written.
const ASIDE: &str = ".filmgate-";

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS segments (
        task TEXT NOT NULL, device TEXT NOT NULL, path TEXT NOT NULL,
        size INTEGER NOT NULL, modified INTEGER NOT NULL, sha256 TEXT,
        PRIMARY KEY (task, device, path)
    ) STRICT, WITHOUT ROWID;
    -- kept by the triggers below, so that no quota has to add up a million rows
    CREATE TABLE IF NOT EXISTS usage (
        task TEXT NOT NULL, device TEXT NOT NULL, bytes INTEGER NOT NULL, segments INTEGER NOT NULL,
        PRIMARY KEY (task, device)
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER IF NOT EXISTS segment_added AFTER INSERT ON segments BEGIN
        INSERT INTO usage VALUES (NEW.task, NEW.device, NEW.size, 1)
        ON CONFLICT DO UPDATE SET bytes = bytes + NEW.size, segments = segments + 1;
    END;
    CREATE TRIGGER IF NOT EXISTS segment_removed AFTER DELETE ON segments BEGIN
        UPDATE usage SET bytes = bytes - OLD.size, segments = segments - 1
        WHERE task = OLD.task AND device = OLD.device;
        DELETE FROM usage WHERE task = OLD.task AND device = OLD.device AND segments = 0;
    END;
    CREATE TABLE IF NOT EXISTS uploads (
        id TEXT PRIMARY KEY,
        task TEXT NOT NULL, device TEXT NOT NULL, path TEXT NOT NULL,
        length INTEGER, digest TEXT, complete INTEGER NOT NULL DEFAULT 0,
        expires INTEGER NOT NULL,
        UNIQUE (task, device, path)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS jobs (
        id TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE,
        verb TEXT NOT NULL, spec TEXT NOT NULL, subject TEXT NOT NULL, priority INTEGER NOT NULL,
        state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
        created INTEGER NOT NULL, started INTEGER, finished INTEGER,
        exit INTEGER, error TEXT, summary TEXT, receipt TEXT,
        cancel INTEGER NOT NULL DEFAULT 0,
        idempotency TEXT UNIQUE, request TEXT
    ) STRICT;
    CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, priority, number);
    CREATE TABLE IF NOT EXISTS events (
        number INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, data TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS events_by_job ON events (job, number);
    CREATE TABLE IF NOT EXISTS deliveries (
        id TEXT PRIMARY KEY, url TEXT NOT NULL, body TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS deliveries_by_due ON deliveries (due);
    CREATE TABLE IF NOT EXISTS tokens (
        name TEXT PRIMARY KEY, hash TEXT NOT NULL, scopes TEXT NOT NULL, created INTEGER NOT NULL
    ) STRICT;
";

/// A stored segment.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Segment {
    /// below the device's folder
    #[schema(example = "video/0001.mp4")]
    pub(crate) path: String,
    /// in bytes
    pub(crate) size: u64,
    /// when it was written, in seconds since 1970
    pub(crate) modified: f64,
    /// in hexadecimal; none for files that did not come through the server
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
}

/// What a device has stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Usage {
    pub(crate) task: String,
    pub(crate) device: String,
    pub(crate) segments: u64,
    pub(crate) bytes: u64,
}

/// The store of one root, which it alone may write to.
pub(crate) struct Store {
    root: PathBuf,
    top: Folder,
    index: Mutex<Connection>,
    live: Live,
    /// per task: bytes and segments that are being published, so that they are not in the index yet
    reserved: Mutex<HashMap<String, (u64, u64)>>,
    _lock: Flock<File>,
}

/// The time, in seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn wrong(root: &Path, reason: impl ToString) -> ServeError {
    ServeError::Root { path: root.to_owned(), reason: reason.to_string() }
}

/// Opens the index of a root. Several threads and processes may have it open at once.
///
/// `is_synced`: each change is on the disk before it is told, as jobs and tokens are to be. Segments
/// need not be: after a power cut the index is made anew from the files.
///
/// # Errors
/// `Root`.
pub(crate) fn open_index(root: &Path, is_synced: bool) -> Result<Connection, ServeError> {
    let own = root.join(OWN);
    filmgate_core::publish::make_folders(&own).map_err(|e| wrong(root, e))?;
    let open = || -> rusqlite::Result<Connection> {
        let index = Connection::open(own.join("index.sqlite"))?;
        index.busy_timeout(Duration::from_secs(10))?;
        index.pragma_update(None, "journal_mode", "wal")?;
        index.pragma_update(None, "synchronous", if is_synced { "full" } else { "normal" })?;
        index.execute_batch(TABLES)?;
        Ok(index)
    };
    open().map_err(|e| wrong(root, format!("the index cannot be opened: {e}")))
}

impl Store {
    /// Opens the store below `root`, which is made if it is missing.
    ///
    /// # Errors
    /// `Root`: it cannot be used, or another server uses it.
    pub(crate) fn open(root: &Path, live: Live) -> Result<Store, ServeError> {
        filmgate_core::publish::make_folders(root).map_err(|e| wrong(root, e))?;
        let root = root.canonicalize().map_err(|e| wrong(root, e))?;
        let index = open_index(&root, false)?;
        let lock = File::create(root.join(OWN).join("lock")).map_err(|e| wrong(&root, e))?;
        let lock = Flock::lock(lock, FlockArg::LockExclusiveNonblock)
            .map_err(|_| wrong(&root, "another filmgate serve uses it; stop that one first"))?;
        let top = Folder::root(&root).map_err(|e| wrong(&root, e))?;
        Ok(Store {
            root,
            top,
            index: Mutex::new(index),
            live,
            reserved: Mutex::default(),
            _lock: lock,
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn index(&self) -> MutexGuard<'_, Connection> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder of a segment.
    ///
    /// # Errors
    /// `Conflict` where a file or a link is in the way; `NotFound` unless it is to be made.
    pub(crate) fn folder_of(&self, parts: &[&str], make: bool) -> Result<Folder, Fault> {
        let found = if make { self.top.make_below(parts) } else { self.top.below(parts) };
        let path = parts.join("/");
        found.map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => Fault::NotFound(format!("folder {path}")),
            _ if [Errno::ELOOP, Errno::ENOTDIR].contains(&errno(&e)) => {
                Fault::Conflict(format!("{path}: a file or a symbolic link is in the way"))
            }
            _ => Fault::system(path, e),
        })
    }

    /// Starts a file that will be the segment `key`. `length` is what was announced.
    ///
    /// # Errors
    /// `Quota`, `Full`, `Conflict`, `System`.
    pub(crate) fn create(
        &self,
        key: &Key,
        id: &str,
        length: Option<u64>,
    ) -> Result<Writing, Fault> {
        self.check_room(key, length.unwrap_or(0))?;
        let folder = self.folder_of(&key.folder(), true)?;
        let name = format!("{ASIDE}{id}.partial");
        let file = folder.create(&name).map_err(|e| Fault::system(key, e))?;
        Ok(Writing { key: key.clone(), folder, name, file, size: 0, checked: 0, keep: false })
    }

    /// Continues a file that was kept.
    ///
    /// # Errors
    /// `NotFound`, `System`.
    pub(crate) fn reopen(&self, key: &Key, id: &str) -> Result<Writing, Fault> {
        let folder = self.folder_of(&key.folder(), false)?;
        let name = format!("{ASIDE}{id}.partial");
        let gone = |_| Fault::NotFound(format!("upload of {key}"));
        let file = folder.reopen(&name).map_err(gone)?;
        let size = file.metadata().map_err(|e| Fault::system(key, e))?.len();
        let checked = size;
        Ok(Writing { key: key.clone(), folder, name, file, size, checked, keep: true })
    }

    /// Whether a segment of `more` bytes may be stored.
    fn check_room(&self, key: &Key, more: u64) -> Result<(), Fault> {
        self.reserve(key, more).map(drop)
    }

    fn reserved(&self) -> MutexGuard<'_, HashMap<String, (u64, u64)>> {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets room aside for a segment of `more` bytes: what others publish at the same time finds it
    /// taken.
    fn reserve(&self, key: &Key, more: u64) -> Result<Room<'_>, Fault> {
        let quota = self.live.get().quota;
        if more > quota.max_segment {
            let limit = quota.max_segment;
            return Err(Fault::TooLarge(format!("a segment may have {limit} bytes at most")));
        }
        let space = nix::sys::statvfs::statvfs(&self.root).map_err(|e| Fault::system("root", e))?;
        let free = space.blocks_available() * space.fragment_size();
        if free.saturating_sub(more) < quota.min_free {
            return Err(Fault::Full);
        }
        let mut reserved = self.reserved();
        let others = reserved.entry(key.device.task.clone()).or_default();
        let (bytes, segments) = self.usage_of_task(&key.device.task)?;
        // What is replaced does not count.
        let old = self.known(key)?;
        let old_bytes = old.as_ref().map_or(0, |old| old.0);
        let bytes = bytes - old_bytes + others.0;
        let segments = segments - u64::from(old.is_some()) + others.1;
        if bytes.saturating_add(more) > quota.task_bytes {
            let limit = quota.task_bytes;
            return Err(Fault::Quota(format!("the task may store {limit} bytes")));
        }
        if segments >= quota.task_segments {
            let limit = quota.task_segments;
            return Err(Fault::Quota(format!("the task may store {limit} segments")));
        }
        let (bytes, segments) = (more.saturating_sub(old_bytes), u64::from(old.is_none()));
        *others = (others.0 + bytes, others.1 + segments);
        Ok(Room { store: self, task: key.device.task.clone(), bytes, segments })
    }

    fn usage_of_task(&self, task: &str) -> Result<(u64, u64), Fault> {
        let sum =
            "SELECT coalesce(sum(bytes), 0), coalesce(sum(segments), 0) FROM usage WHERE task = ?1";
        Ok(self.index().query_row(sum, [task], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    /// A segment, opened, with what the index knows of it.
    ///
    /// # Errors
    /// `NotFound`, `Conflict`, `System`.
    pub(crate) fn open_segment(&self, key: &Key) -> Result<(Segment, File), Fault> {
        let missing = || Fault::NotFound(format!("segment {key}"));
        let folder = self.folder_of(&key.folder(), false).map_err(|fault| match fault {
            Fault::NotFound(_) => missing(),
            other => other,
        })?;
        let file = match folder.read(key.name()) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(missing()),
            other => other.map_err(|e| Fault::system(key, e))?,
        };
        let facts = file.metadata().map_err(|e| Fault::system(key, e))?;
        let known = self.known(key)?.filter(|k| k.0 == facts.len() && k.1 == modified(&facts));
        let sha256 = known.and_then(|k| k.2);
        Ok((segment(key.path.clone(), facts.len(), modified(&facts), sha256), file))
    }

    fn known(&self, key: &Key) -> Result<Option<(u64, i64, Option<String>)>, Fault> {
        let find = "SELECT size, modified, sha256 FROM segments \
                    WHERE task = ?1 AND device = ?2 AND path = ?3";
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let Device { task, device } = &key.device;
        Ok(self.index().query_row(find, [task, device, &key.path], row).optional()?)
    }

    /// Removes a segment.
    ///
    /// # Errors
    /// `NotFound`, `Conflict`, `System`.
    pub(crate) fn remove(&self, key: &Key) -> Result<(), Fault> {
        let (_, file) = self.open_segment(key)?;
        drop(file);
        let folder = self.folder_of(&key.folder(), false)?;
        folder.remove(key.name()).map_err(|e| Fault::system(key, e))?;
        self.change(|index| forget(index, &key.device, &key.path))
    }

    fn change(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), Fault> {
        let mut index = self.index();
        let transaction = index.transaction_with_behavior(TransactionBehavior::Immediate)?;
        change(&transaction)?;
        Ok(transaction.commit()?)
    }

    /// A page of the segments of a device, by path: those that begin with `prefix` and come behind
    /// `after`.
    ///
    /// # Errors
    /// `Index`.
    pub(crate) fn list(
        &self,
        device: &Device,
        prefix: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Segment>, Fault> {
        // U+10FFFF stands behind every text that begins with the prefix.
        let end = format!("{prefix}\u{10FFFF}");
        let index = self.index();
        let mut select = index.prepare_cached(
            "SELECT path, size, modified, sha256 FROM segments \
             WHERE task = ?1 AND device = ?2 AND path >= ?3 AND path > ?4 AND path < ?5 \
             ORDER BY path LIMIT ?6",
        )?;
        let values = params![device.task, device.device, prefix, after, end, limit];
        let rows = select.query_map(values, |row| {
            Ok(segment(row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What the devices of a task have stored, or those of all tasks.
    ///
    /// # Errors
    /// `Index`.
    pub(crate) fn usage(&self, task: Option<&str>) -> Result<Vec<Usage>, Fault> {
        let index = self.index();
        let mut select = index.prepare_cached(
            "SELECT task, device, segments, bytes FROM usage \
             WHERE task = coalesce(?1, task) ORDER BY task, device",
        )?;
        let rows = select.query_map([task], |row| {
            let (task, device) = (row.get(0)?, row.get(1)?);
            Ok(Usage { task, device, segments: row.get(2)?, bytes: row.get(3)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Brings the index of all devices into line with the files, and removes what a killed server
    /// left half written. `is_alive` tells for the id of an upload whether it may yet be continued.
    ///
    /// # Errors
    /// `System`, `Index`.
    pub(crate) fn reconcile(&self, is_alive: &dyn Fn(&str) -> bool) -> Result<(), Fault> {
        let mut devices: Vec<Device> = Vec::new();
        for task in names(&self.root)? {
            for device in names(&self.root.join(&task))? {
                devices.extend(Device::new(&task, &device));
            }
        }
        let gone = self.usage(None)?.into_iter().map(|u| Device { task: u.task, device: u.device });
        devices.extend(gone);
        devices.sort();
        devices.dedup();
        devices.iter().try_for_each(|device| self.rescan(device, is_alive))
    }

    /// Brings the index of one device into line with its files.
    ///
    /// # Errors
    /// `System`, `Index`.
    pub(crate) fn rescan(
        &self,
        device: &Device,
        is_alive: &dyn Fn(&str) -> bool,
    ) -> Result<(), Fault> {
        let folder = self.root.join(&device.task).join(&device.device);
        let mut found = Vec::new();
        if folder.is_dir() && !folder.is_symlink() {
            walk(&folder, "", is_alive, &mut found)?;
        }
        let mut known: HashMap<String, (u64, i64)> = {
            let index = self.index();
            let mut select = index.prepare(
                "SELECT path, size, modified FROM segments WHERE task = ?1 AND device = ?2",
            )?;
            let row = |row: &Row<'_>| Ok((row.get(0)?, (row.get(1)?, row.get(2)?)));
            select.query_map([&device.task, &device.device], row)?.collect::<Result<_, _>>()?
        };
        self.change(|index| {
            for file in found {
                if known.remove(&file.path) != Some((file.size, file.modified)) {
                    note(index, device, &file, None)?;
                }
            }
            known.keys().try_for_each(|path| forget(index, device, path))
        })
    }
}

/// Room that is set aside until this is dropped.
struct Room<'a> {
    store: &'a Store,
    task: String,
    bytes: u64,
    segments: u64,
}

impl Room<'_> {
    /// Takes what was set aside into the index: nobody sees both, or neither.
    fn take(
        mut self,
        note: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), Fault> {
        let mut reserved = self.store.reserved();
        self.give_back(&mut reserved);
        self.store.change(note)
    }

    fn give_back(&mut self, reserved: &mut HashMap<String, (u64, u64)>) {
        if let Some(others) = reserved.get_mut(&self.task) {
            *others = (others.0 - self.bytes, others.1 - self.segments);
            if *others == (0, 0) {
                reserved.remove(&self.task);
            }
        }
        (self.bytes, self.segments) = (0, 0);
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        if (self.bytes, self.segments) != (0, 0) {
            let mut reserved = self.store.reserved();
            self.give_back(&mut reserved);
        }
    }
}

/// A file below a device's folder.
struct Found {
    path: String,
    size: u64,
    modified: i64,
}

fn forget(index: &Connection, device: &Device, path: &str) -> rusqlite::Result<()> {
    let remove = "DELETE FROM segments WHERE task = ?1 AND device = ?2 AND path = ?3";
    index.prepare_cached(remove)?.execute([&device.task, &device.device, path])?;
    Ok(())
}

fn note(
    index: &Connection,
    device: &Device,
    found: &Found,
    sha256: Option<&str>,
) -> rusqlite::Result<()> {
    forget(index, device, &found.path)?;
    let insert = "INSERT INTO segments VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let Device { task, device } = device;
    let values = params![task, device, found.path, found.size, found.modified, sha256];
    index.prepare_cached(insert)?.execute(values)?;
    Ok(())
}

fn segment(path: String, size: u64, modified: i64, sha256: Option<String>) -> Segment {
    Segment { path, size, modified: modified as f64 / 1e9, sha256 }
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or_default())
}

/// In nanoseconds since 1970.
fn modified(facts: &fs::Metadata) -> i64 {
    facts.mtime() * 1_000_000_000 + facts.mtime_nsec()
}

/// The names of the folders in a folder that could be tasks or devices.
fn names(folder: &Path) -> Result<Vec<String>, Fault> {
    let entries = fs::read_dir(folder).map_err(|e| Fault::system(folder.display(), e))?;
    let folders = entries.flatten().filter(|e| e.file_type().is_ok_and(|t| t.is_dir()));
    Ok(folders.filter_map(|e| e.file_name().into_string().ok()).collect())
}

/// All plain files below a folder that can be segments; links are not followed.
fn walk(
    folder: &Path,
    prefix: &str,
    is_alive: &dyn Fn(&str) -> bool,
    found: &mut Vec<Found>,
) -> Result<(), Fault> {
    let entries = fs::read_dir(folder).map_err(|e| Fault::system(folder.display(), e))?;
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let aside = name.strip_prefix(ASIDE).and_then(|name| name.strip_suffix(".partial"));
        if aside.is_some_and(|id| !is_alive(id)) {
            let _ = fs::remove_file(entry.path());
        }
        let path = format!("{prefix}{name}");
        if crate::key::check_path("path", &path).is_err() {
            continue;
        }
        // It may have gone since: then it is none.
        let Ok(facts) = entry.metadata() else { continue };
        if facts.is_dir() {
            walk(&entry.path(), &format!("{path}/"), is_alive, found)?;
        } else if facts.is_file() {
            found.push(Found { path, size: facts.len(), modified: modified(&facts) });
        }
    }
    Ok(())
}

/// A segment that is being written aside. Dropped before it is whole, it is removed, unless it is
/// kept to be continued.
pub(crate) struct Writing {
    key: Key,
    folder: Folder,
    name: String,
    file: File,
    size: u64,
    /// up to where the quota was looked at
    checked: u64,
    keep: bool,
}

/// How many bytes are written between two looks at the quota.
const STEP: u64 = 16 << 20;

impl Writing {
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// From now on it stays when it is dropped.
    pub(crate) fn keep(&mut self) {
        self.keep = true;
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// `Quota`, `TooLarge`, `Full`, `System`.
    pub(crate) fn write(&mut self, store: &Store, bytes: &[u8]) -> Result<(), Fault> {
        use std::os::unix::fs::FileExt;
        self.file.write_all_at(bytes, self.size).map_err(|e| Fault::system(&self.key, e))?;
        self.size += bytes.len() as u64;
        if self.size > store.live.get().quota.max_segment || self.size - self.checked >= STEP {
            self.checked = self.size;
            store.check_room(&self.key, self.size)?;
        }
        Ok(())
    }

    /// Makes what was written last.
    ///
    /// # Errors
    /// `Full`, `System`.
    pub(crate) fn sync(&self) -> Result<(), Fault> {
        self.file.sync_data().map_err(|e| Fault::system(&self.key, e))
    }

    /// Gives the whole segment its name, in place of an older one.
    ///
    /// # Errors
    /// `Quota`, `Full`, `Conflict`, `System`; the older one is then as it was.
    pub(crate) fn publish(mut self, store: &Store, sha256: &str) -> Result<Segment, Fault> {
        let key = self.key.clone();
        let room = store.reserve(&key, self.size).inspect_err(|_| self.keep = false)?;
        let system = |e: io::Error| Fault::system(&key, e);
        self.file.sync_all().map_err(system)?;
        let facts = self.file.metadata().map_err(system)?;
        self.folder.rename(&self.name, key.name()).map_err(|e| match e.kind() {
            io::ErrorKind::IsADirectory => Fault::Conflict(format!("{key}: it is a folder")),
            _ => system(e),
        })?;
        self.keep = true;
        let modified = modified(&facts);
        let found = Found { path: key.path.clone(), size: self.size, modified };
        room.take(|index| note(index, &key.device, &found, Some(sha256)))?;
        Ok(segment(key.path.clone(), self.size, modified, Some(sha256.to_owned())))
    }

    /// Removes it.
    pub(crate) fn discard(mut self) {
        self.keep = false;
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.keep {
            let _ = self.folder.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn store(root: &Path) -> Store {
        let mut settings = Settings::default();
        settings.quota.min_free = 0;
        Store::open(root, Live::new(settings)).expect("a store")
    }

    fn key(path: &str) -> Key {
        Key::new(Device::new("t", "d").expect("a device"), path).expect("a key")
    }

    fn put(store: &Store, path: &str, content: &[u8]) -> Segment {
        let mut writing = store.create(&key(path), "1", None).expect("started");
        writing.write(store, content).expect("written");
        writing.publish(store, "00").expect("published")
    }

    #[test]
    fn the_index_follows_the_files() {
        let root = tempfile::tempdir().expect("a folder");
        let store = store(root.path());
        put(&store, "v/2", b"two");
        put(&store, "v/1", b"one!");
        put(&store, "v/1", b"one");
        let device = key("x").device;
        let paths = |store: &Store| -> Vec<String> {
            store.list(&device, "", "", 10).expect("a list").into_iter().map(|s| s.path).collect()
        };
        assert_eq!(paths(&store), ["v/1", "v/2"]);
        assert_eq!(store.usage(None).expect("usage")[0].bytes, 6);
        fs::remove_file(root.path().join("t/d/v/2")).expect("removed");
        fs::write(root.path().join("t/d/new"), "x").expect("written");
        fs::write(root.path().join("t/d/.filmgate-9.partial"), "x").expect("written");
        std::os::unix::fs::symlink("/etc/passwd", root.path().join("t/d/link")).expect("a link");
        store.reconcile(&|_| false).expect("in line");
        assert_eq!(paths(&store), ["new", "v/1"]);
        assert!(!root.path().join("t/d/.filmgate-9.partial").exists());
        assert!(matches!(store.open_segment(&key("link")), Err(Fault::NotFound(_))));
        assert!(
            Store::open(root.path(), Live::new(Settings::default())).is_err(),
            "a second server"
        );
    }

    #[test]
    fn links_lead_nowhere() {
        let root = tempfile::tempdir().expect("a folder");
        let elsewhere = tempfile::tempdir().expect("a folder");
        let store = store(root.path());
        put(&store, "a", b"x");
        std::os::unix::fs::symlink(elsewhere.path(), root.path().join("t/d/out")).expect("a link");
        let started = store.create(&key("out/x"), "2", None);
        assert!(matches!(started, Err(Fault::Conflict(_))));
        assert_eq!(fs::read_dir(elsewhere.path()).expect("read").count(), 0);
    }
}
