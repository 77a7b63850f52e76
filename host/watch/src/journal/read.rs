//! Summary of the journal for `--status`.

use std::path::Path;
use std::time::Duration;

use rusqlite::OptionalExtension;
use serde::Serialize;

use super::{JournalError, VERSION, check_version, open_to_read};

/// One file, for people and JSON. Times are microseconds since 1970-01-01 UTC; bytes of paths that
/// are not UTF-8 stand as U+FFFD.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    pub path: String,
    pub state: String,
    pub output: Option<String>,
    pub reason: Option<String>,
    pub finished: i64,
    /// whether the original still lies there
    pub kept: bool,
}

/// The whole journal in short.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// of all time, as are the next three
    pub done: i64,
    pub dropped: i64,
    /// counted each time
    pub failures: i64,
    /// counted each time; they are among those done
    pub bypasses: i64,
    /// files whose outputs passed a broken plugin unchanged
    pub bypassed: Vec<Entry>,
    /// files that stand as failed now
    pub failed: Vec<Entry>,
    /// whose output was about to appear, or whose original waits to be moved or deleted
    pub in_hand: Vec<Entry>,
    /// the last ones that were finished, the newest first
    pub recent: Vec<Entry>,
    #[serde(skip)]
    pub settings: Vec<(String, String)>,
}

/// How many finished files are shown.
const RECENT: i64 = 20;

impl Report {
    /// # Errors
    /// `Database`, `Version`.
    pub fn read(path: &Path) -> Result<Report, JournalError> {
        let fail = |source| JournalError::Database { path: path.to_owned(), source };
        let database = open_to_read(path).map_err(fail)?;
        database.busy_timeout(Duration::from_secs(5)).map_err(fail)?;
        check_version(&database, path)?;
        debug_assert_eq!(VERSION, 1);
        let number = |name: &str| {
            database
                .query_row("SELECT value FROM numbers WHERE name = ?1", [name], |r| r.get(0))
                .optional()
                .map(|n| n.unwrap_or(0))
                .map_err(fail)
        };
        let list = |condition: &str| {
            let query = format!(
                "SELECT path, state, output, reason, finished, kept FROM files WHERE {condition}"
            );
            entries(&database, &query).map_err(fail)
        };
        let settings = database
            .prepare("SELECT name, value FROM settings")
            .and_then(|mut s| s.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect())
            .map_err(fail)?;
        Ok(Report {
            done: number("done")?,
            dropped: number("dropped")?,
            failures: number("failed")?,
            bypasses: number("bypassed")?,
            bypassed: list("state = 'bypassed' ORDER BY finished")?,
            failed: list("state = 'failed' ORDER BY finished")?,
            in_hand: list("state IN ('claimed', 'published') ORDER BY finished")?,
            recent: list(&format!(
                "state IN ('done', 'bypassed', 'dropped') ORDER BY finished DESC LIMIT {RECENT}"
            ))?,
            settings,
        })
    }

    /// A setting that the watch remembered.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

fn entries(database: &rusqlite::Connection, query: &str) -> rusqlite::Result<Vec<Entry>> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let mut statement = database.prepare(query)?;
    let rows = statement.query_map([], |row| {
        Ok(Entry {
            path: text(row.get(0)?),
            state: row.get(1)?,
            output: row.get::<_, Option<Vec<u8>>>(2)?.map(text),
            reason: row.get(3)?,
            finished: row.get(4)?,
            kept: row.get(5)?,
        })
    })?;
    rows.collect()
}
