//! Journal: the state of each file, in an SQLite database that outlives the process.
//!
//! A file is known by its path and [`Identity`], and where those leave doubt by its content. For
//! each picture two things are noted: before its output appears, which file that will be
//! (`claimed`), and afterwards that it is there (`published`, `done`). A process that was killed in
//! between finds out by that file's inode which of the two it was.
//!
//! SQLite's write-ahead log is not synced for each picture: what was noted survives the death of
//! the process at any moment, and after a power cut the last notes may be missing.

mod read;
mod rows;

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::identity::{Fingerprint, Identity};

pub use read::{Entry, Report};
use rows::{COLUMNS, FileRow, at, count, elsewhere, known};

/// The journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("the journal {}: {source}", .path.display())]
    Database { path: PathBuf, source: rusqlite::Error },
    #[error("the journal {}: is of version {found}; this filmgate knows {VERSION}", .path.display())]
    Version { path: PathBuf, found: i64 },
}

/// Of the tables below.
const VERSION: i64 = 1;

/// How many files that are gone are remembered, for people who look.
const REMEMBERED: i64 = 10_000;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS files (
        path BLOB PRIMARY KEY,
        device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL,
        modified INTEGER NOT NULL, changed INTEGER NOT NULL,
        content BLOB,
        state TEXT NOT NULL,
        -- whether the original still lies there, as far as filmgate knows
        kept INTEGER NOT NULL DEFAULT 1,
        output BLOB, output_inode INTEGER, output_device INTEGER,
        -- the output of an older version whose place this one takes
        older_inode INTEGER, older_device INTEGER,
        reason TEXT,
        finished INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS by_inode ON files (inode, device);
    CREATE INDEX IF NOT EXISTS by_state ON files (state, kept, finished);
    CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
    -- contents that worker processes crashed on
    CREATE TABLE IF NOT EXISTS crashes (
        content BLOB PRIMARY KEY, times INTEGER NOT NULL, reason TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
";

/// Files that are there, and were finished before a time; those that are made new again have no
/// inode, and no longer count.
const OUTDATED: &str = "kept = 1 AND inode <> 0 AND finished < ?1 \
                        AND state IN ('done', 'bypassed', 'dropped', 'failed')";

/// What a file has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// its output is about to appear
    Claimed,
    /// its output is there; the original has yet to be moved or deleted
    Published,
    Done,
    /// its output is there, but frames passed a broken plugin unchanged; the original stays
    Bypassed,
    /// the plugins gave no picture for it
    Dropped,
    Failed,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            State::Claimed => "claimed",
            State::Published => "published",
            State::Done => "done",
            State::Bypassed => "bypassed",
            State::Dropped => "dropped",
            State::Failed => "failed",
        }
    }

    fn of(name: &str) -> State {
        use State::{Bypassed, Claimed, Done, Dropped, Published};
        let all = [Claimed, Published, Done, Bypassed, Dropped];
        all.into_iter().find(|s| s.name() == name).unwrap_or(State::Failed)
    }
}

/// What is noted of a file.
#[derive(Clone, Debug)]
pub struct Known {
    /// below the watched folder
    pub path: PathBuf,
    pub identity: Identity,
    pub content: Option<Fingerprint>,
    pub state: State,
    /// below the output folder
    pub output: Option<PathBuf>,
    /// device and inode of the output
    pub output_inode: Option<(u64, u64)>,
    /// why there is no output, or why it is not what was asked for
    pub reason: Option<String>,
    /// microseconds since 1970
    pub finished: i64,
}

/// What the journal says of a file that was found.
#[derive(Debug)]
pub enum Verdict {
    /// nothing: it is to be worked on
    New,
    /// it is known in this very state
    Known(State),
    /// one of these, if the content is the same
    Perhaps(Vec<Known>),
}

/// What is about to become of a file.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    pub output: &'a Path,
    /// device and inode of the output
    pub inode: (u64, u64),
    /// device and inode of the output that it replaces
    pub older: Option<(u64, u64)>,
    /// why it is not what was asked for, if it is not
    pub reason: Option<&'a str>,
}

/// The journal, open for writing. Shared by all threads.
pub struct Journal {
    path: PathBuf,
    database: Mutex<Connection>,
}

impl Journal {
    /// Opens or makes it. `shared` tells of a network file system, on which SQLite cannot map
    /// memory between processes.
    ///
    /// # Errors
    /// `Database`, `Version`.
    pub fn open(path: &Path, shared: bool) -> Result<Journal, JournalError> {
        let fail = |source| JournalError::Database { path: path.to_owned(), source };
        let database = Connection::open(path).map_err(fail)?;
        database.busy_timeout(Duration::from_secs(10)).map_err(fail)?;
        let mode = if shared { "TRUNCATE" } else { "WAL" };
        database.pragma_update(None, "journal_mode", mode).map_err(fail)?;
        database.pragma_update(None, "synchronous", "NORMAL").map_err(fail)?;
        check_version(&database, path)?;
        database.execute_batch(TABLES).map_err(fail)?;
        database.pragma_update(None, "user_version", VERSION).map_err(fail)?;
        database.set_prepared_statement_cache_capacity(32);
        Ok(Journal { path: path.to_owned(), database: Mutex::new(database) })
    }

    /// Opens one that is there, to look at it.
    ///
    /// # Errors
    /// `Database`, `Version`.
    pub fn to_read(path: &Path) -> Result<Journal, JournalError> {
        let fail = |source| JournalError::Database { path: path.to_owned(), source };
        let database = open_to_read(path).map_err(fail)?;
        database.busy_timeout(Duration::from_secs(5)).map_err(fail)?;
        check_version(&database, path)?;
        Ok(Journal { path: path.to_owned(), database: Mutex::new(database) })
    }

    /// Opens one that is there, and changes none of its files, not even by bringing the database
    /// up to date with its write-ahead log.
    ///
    /// # Errors
    /// `Database`, `Version`.
    pub fn to_look_at(path: &Path) -> Result<Journal, JournalError> {
        let fail = |source| JournalError::Database { path: path.to_owned(), source };
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        if Path::new(&log).exists() {
            let journal = Journal::to_read(path)?;
            let keep = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
            journal.database().set_db_config(keep, true).map_err(fail)?;
            return Ok(journal);
        }
        // Without a log nobody writes, and SQLite is told not to make one (uri.html, "immutable").
        let encoded: String =
            path.as_os_str().as_bytes().iter().map(|byte| format!("%{byte:02x}")).collect();
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let uri = format!("file:{encoded}?immutable=1");
        let database = Connection::open_with_flags(uri, flags).map_err(fail)?;
        check_version(&database, path)?;
        Ok(Journal { path: path.to_owned(), database: Mutex::new(database) })
    }

    fn database(&self) -> MutexGuard<'_, Connection> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_path<T>(&self, result: rusqlite::Result<T>) -> Result<T, JournalError> {
        result.map_err(|source| JournalError::Database { path: self.path.clone(), source })
    }

    /// What is known of a file that lies at `path` below the watched folder.
    ///
    /// # Errors
    /// `Database`.
    pub fn look(&self, path: &Path, identity: &Identity) -> Result<Verdict, JournalError> {
        let database = self.database();
        let here = self.with_path(at(&database, path))?;
        if let Some(known) = &here
            && known.identity == *identity
        {
            return Ok(Verdict::Known(known.state));
        }
        let mut perhaps: Vec<Known> = self.with_path(elsewhere(&database, identity))?;
        perhaps.retain(|k| k.path != path);
        // The same path with other times: touched, or written anew.
        perhaps.extend(here);
        perhaps.retain(|k| k.content.is_some());
        Ok(if perhaps.is_empty() { Verdict::New } else { Verdict::Perhaps(perhaps) })
    }

    /// Notes that a known file now has this path and identity.
    ///
    /// # Errors
    /// `Database`.
    pub fn adopt(&self, known: &Known, path: &Path, now: &Identity) -> Result<(), JournalError> {
        let (output_device, output_inode) = known.output_inode.unzip();
        let output = known.output.as_ref().map(|o| o.as_os_str().as_bytes());
        let row = FileRow {
            older: None,
            path,
            identity: now,
            content: known.content.as_ref(),
            state: known.state,
            kept: true,
            output,
            output_device,
            output_inode,
            reason: known.reason.as_deref(),
        };
        self.with_path(row.write(&self.database()))
    }

    /// Notes which file is about to become the output, and why it is not what was asked for, if it
    /// is not: whoever comes after a kill has to leave the original then.
    ///
    /// # Errors
    /// `Database`.
    pub fn claim(
        &self,
        path: &Path,
        identity: &Identity,
        content: &Fingerprint,
        claim: &Claim<'_>,
    ) -> Result<(), JournalError> {
        let row = FileRow {
            older: claim.older,
            path,
            identity,
            content: Some(content),
            state: State::Claimed,
            kept: true,
            output: Some(claim.output.as_os_str().as_bytes()),
            output_device: Some(claim.inode.0),
            output_inode: Some(claim.inode.1),
            reason: claim.reason,
        };
        self.with_path(row.write(&self.database()))
    }

    /// Notes that a claimed output is in place, or is not needed any more.
    ///
    /// # Errors
    /// `Database`.
    pub fn advance(&self, path: &Path, state: State, kept: bool) -> Result<(), JournalError> {
        let database = self.database();
        let update = "UPDATE files SET state = ?2, kept = ?3, finished = ?4 WHERE path = ?1";
        let values = params![path.as_os_str().as_bytes(), state.name(), kept, now()];
        self.with_path(database.prepare_cached(update).and_then(|mut s| s.execute(values)))?;
        self.with_path(count(&database, state))
    }

    /// Notes that a file came to an end without an output.
    ///
    /// # Errors
    /// `Database`.
    pub fn end(
        &self,
        path: &Path,
        identity: &Identity,
        content: Option<&Fingerprint>,
        state: State,
        reason: Option<&str>,
        kept: bool,
    ) -> Result<(), JournalError> {
        let row = FileRow {
            older: None,
            path,
            identity,
            content,
            state,
            kept,
            output: None,
            output_device: None,
            output_inode: None,
            reason,
        };
        let database = self.database();
        self.with_path(row.write(&database))?;
        self.with_path(count(&database, state))
    }

    /// Takes a claim back, since its output did not appear: the file is a new one again. Where
    /// the output was to take the place of an older one, that one stays known.
    ///
    /// # Errors
    /// `Database`.
    pub fn unclaim(&self, path: &Path) -> Result<(), JournalError> {
        // No file has an inode 0.
        let older = "UPDATE files SET state = 'done', inode = 0, changed = 0, content = NULL, \
                     reason = NULL, output_inode = older_inode, output_device = older_device \
                     WHERE path = ?1 AND older_inode IS NOT NULL";
        let delete = "DELETE FROM files WHERE path = ?1 AND older_inode IS NULL";
        let database = self.database();
        for change in [older, delete] {
            let values = params![path.as_os_str().as_bytes()];
            self.with_path(database.prepare_cached(change).and_then(|mut s| s.execute(values)))?;
        }
        Ok(())
    }

    /// Notes that an original is gone: whatever comes by that name is a new file.
    ///
    /// # Errors
    /// `Database`.
    pub fn gone(&self, path: &Path) -> Result<(), JournalError> {
        let update =
            "UPDATE files SET kept = 0 WHERE path = ?1 AND state NOT IN ('claimed', 'published')";
        let database = self.database();
        let values = params![path.as_os_str().as_bytes()];
        self.with_path(database.prepare_cached(update).and_then(|mut s| s.execute(values)))?;
        Ok(())
    }

    /// What was noted of a path whose original still lies there.
    ///
    /// # Errors
    /// `Database`.
    pub fn kept(&self, path: &Path) -> Result<Option<Known>, JournalError> {
        self.with_path(at(&self.database(), path))
    }

    /// Files that a process which was killed left behind in this state.
    ///
    /// # Errors
    /// `Database`.
    pub fn unfinished(&self, state: State) -> Result<Vec<Known>, JournalError> {
        let database = self.database();
        let query = format!("SELECT {COLUMNS} FROM files WHERE state = ?1");
        self.with_path(database.prepare(&query).and_then(|mut statement| {
            let rows = statement.query_map([state.name()], known)?;
            rows.collect()
        }))
    }

    /// Makes files that failed or were bypassed new ones again; how many. The outputs of those that
    /// were bypassed stay known, to be replaced.
    ///
    /// # Errors
    /// `Database`.
    pub fn retry_failed(&self) -> Result<usize, JournalError> {
        // No file has an inode 0.
        let bypassed = "UPDATE files SET inode = 0, changed = 0, content = NULL \
                        WHERE state = 'bypassed' AND kept = 1";
        let database = self.database();
        self.with_path(database.execute("DELETE FROM crashes", []))?;
        let failed = database.execute("DELETE FROM files WHERE state = 'failed'", []);
        Ok(self.with_path(failed)? + self.with_path(database.execute(bypassed, []))?)
    }

    /// Since when the folder is watched with these settings, microseconds since 1970: what was
    /// finished before may have been made with others. 0 where the journal does not know.
    ///
    /// # Errors
    /// `Database`.
    pub fn settings_since(&self, settings: &str) -> Result<i64, JournalError> {
        let database = self.database();
        let value = |name: &str| {
            let query = "SELECT value FROM settings WHERE name = ?1";
            database.query_row(query, [name], |r| r.get::<_, String>(0)).optional()
        };
        let (own, since) = (self.with_path(value("made-with"))?, self.with_path(value("since"))?);
        Ok(match own {
            None => 0,
            Some(own) if own == settings => since.and_then(|s| s.parse().ok()).unwrap_or(0),
            Some(_) => now(),
        })
    }

    /// As [`Journal::settings_since`], and from now on the folder is watched with these.
    ///
    /// # Errors
    /// `Database`.
    pub fn use_settings(&self, settings: &str) -> Result<i64, JournalError> {
        let since = self.settings_since(settings)?;
        self.remember("made-with", settings)?;
        self.remember("since", &since.to_string())?;
        Ok(since)
    }

    /// How many files that are still there were finished before.
    ///
    /// # Errors
    /// `Database`.
    pub fn finished_before(&self, time: i64) -> Result<usize, JournalError> {
        let query = format!("SELECT count(*) FROM files WHERE {OUTDATED}");
        let count = self.database().query_row(&query, [time], |r| r.get::<_, i64>(0));
        Ok(usize::try_from(self.with_path(count)?).unwrap_or(0))
    }

    /// Makes files new again that were finished before; how many. Their outputs stay known, to be
    /// replaced.
    ///
    /// # Errors
    /// `Database`.
    pub fn redo(&self, time: i64) -> Result<usize, JournalError> {
        // No file has an inode 0.
        let update =
            format!("UPDATE files SET inode = 0, changed = 0, content = NULL WHERE {OUTDATED}");
        self.with_path(self.database().execute(&update, [time]))
    }

    /// How many numbers [`Journal::next_number`] has given.
    ///
    /// # Errors
    /// `Database`.
    pub fn numbers(&self) -> Result<u64, JournalError> {
        let query = "SELECT coalesce(max(value), 0) FROM numbers WHERE name = 'named'";
        let number: i64 = self.with_path(self.database().query_row(query, [], |r| r.get(0)))?;
        Ok(u64::try_from(number).unwrap_or(0))
    }

    /// The number of the next output, from 0. Numbers of outputs that came to nothing are lost.
    ///
    /// # Errors
    /// `Database`.
    pub fn next_number(&self) -> Result<u64, JournalError> {
        let next = "INSERT INTO numbers VALUES ('named', 1) \
                    ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value";
        let database = self.database();
        let number: i64 = self.with_path(
            database.prepare_cached(next).and_then(|mut s| s.query_row([], |r| r.get(0))),
        )?;
        Ok(u64::try_from(number - 1).unwrap_or(0))
    }

    /// Notes that a worker process crashed on this content.
    ///
    /// # Errors
    /// `Database`.
    pub fn crashed(&self, content: &Fingerprint, reason: &str) -> Result<(), JournalError> {
        let add = "INSERT INTO crashes VALUES (?1, 1, ?2) \
                   ON CONFLICT (content) DO UPDATE SET times = times + 1, reason = ?2";
        self.with_path(self.database().execute(add, params![content, reason]))?;
        Ok(())
    }

    /// How often worker processes crashed on this content, and on what the last time.
    ///
    /// # Errors
    /// `Database`.
    pub fn crashes(&self, content: &Fingerprint) -> Result<(u64, String), JournalError> {
        let query = "SELECT times, reason FROM crashes WHERE content = ?1";
        let database = self.database();
        let found = database.prepare_cached(query).and_then(|mut statement| {
            statement.query_row([content], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))
        });
        let (times, reason) = self.with_path(found.optional())?.unwrap_or_default();
        Ok((u64::try_from(times).unwrap_or(0), reason))
    }

    /// Forgets the oldest files that are gone, all but the last ten thousand.
    ///
    /// # Errors
    /// `Database`.
    pub fn prune(&self) -> Result<(), JournalError> {
        let delete = "DELETE FROM files WHERE kept = 0 AND state NOT IN ('claimed', 'published') \
                      AND finished < (SELECT finished FROM files WHERE kept = 0 \
                      ORDER BY finished DESC LIMIT 1 OFFSET ?1)";
        self.with_path(self.database().execute(delete, [REMEMBERED]))?;
        Ok(())
    }

    /// Remembers how the folder is watched, for whoever looks at the journal.
    ///
    /// # Errors
    /// `Database`.
    pub fn remember(&self, name: &str, value: &str) -> Result<(), JournalError> {
        let insert = "INSERT OR REPLACE INTO settings VALUES (?1, ?2)";
        self.with_path(self.database().execute(insert, [name, value]))?;
        Ok(())
    }
}

fn check_version(database: &Connection, path: &Path) -> Result<(), JournalError> {
    let found: i64 = database
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|source| JournalError::Database { path: path.to_owned(), source })?;
    match found {
        0 | VERSION => Ok(()),
        found => Err(JournalError::Version { path: path.to_owned(), found }),
    }
}

/// Opens a journal for looking only.
fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // A write-ahead log wants its index, which a reader without leave to write cannot make.
    Connection::open_with_flags(path, flags).or_else(|_| {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(path, flags)
    })
}

/// Microseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
