//! Rows of the journal: insert, update, query.

use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Known, State, now};
use crate::identity::{Fingerprint, Identity};

/// A row as it is written.
pub(super) struct FileRow<'a> {
    pub(super) path: &'a Path,
    pub(super) identity: &'a Identity,
    pub(super) content: Option<&'a Fingerprint>,
    pub(super) state: State,
    pub(super) kept: bool,
    pub(super) output: Option<&'a [u8]>,
    pub(super) output_device: Option<u64>,
    pub(super) output_inode: Option<u64>,
    pub(super) reason: Option<&'a str>,
    pub(super) older: Option<(u64, u64)>,
}

impl FileRow<'_> {
    pub(super) fn write(&self, database: &Connection) -> rusqlite::Result<()> {
        let insert = "INSERT OR REPLACE INTO files (path, device, inode, size, modified, changed, \
                      content, state, kept, output, output_device, output_inode, reason, finished, \
                      older_device, older_inode) \
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
        database.prepare_cached(insert)?.execute(params![
            self.path.as_os_str().as_bytes(),
            self.identity.device.cast_signed(),
            self.identity.inode.cast_signed(),
            self.identity.size.cast_signed(),
            self.identity.modified,
            self.identity.changed,
            self.content.map(|c| c.as_slice()),
            self.state.name(),
            self.kept,
            self.output,
            self.output_device.map(u64::cast_signed),
            self.output_inode.map(u64::cast_signed),
            self.reason,
            now(),
            self.older.map(|o| o.0.cast_signed()),
            self.older.map(|o| o.1.cast_signed()),
        ])?;
        Ok(())
    }
}

pub(super) const COLUMNS: &str = "path, device, inode, size, modified, changed, content, state, output, \
                       output_device, output_inode, reason, finished";

pub(super) fn known(row: &Row<'_>) -> rusqlite::Result<Known> {
    let number = |index| row.get::<_, i64>(index).map(i64::cast_unsigned);
    let path = |bytes: Vec<u8>| PathBuf::from(std::ffi::OsString::from_vec(bytes));
    let inode = row.get::<_, Option<i64>>(9)?.zip(row.get::<_, Option<i64>>(10)?);
    Ok(Known {
        path: path(row.get(0)?),
        identity: Identity {
            device: number(1)?,
            inode: number(2)?,
            size: number(3)?,
            modified: row.get(4)?,
            changed: row.get(5)?,
        },
        content: row.get::<_, Option<Vec<u8>>>(6)?.and_then(|c| c.try_into().ok()),
        state: State::of(&row.get::<_, String>(7)?),
        output: row.get::<_, Option<Vec<u8>>>(8)?.map(path),
        output_inode: inode.map(|(d, i)| (d.cast_unsigned(), i.cast_unsigned())),
        reason: row.get(11)?,
        finished: row.get(12)?,
    })
}

pub(super) fn at(database: &Connection, path: &Path) -> rusqlite::Result<Option<Known>> {
    const QUERY: &str = "SELECT path, device, inode, size, modified, changed, content, state, \
                         output, output_device, output_inode, reason, finished FROM files \
                         WHERE path = ?1 AND kept = 1";
    let values = params![path.as_os_str().as_bytes()];
    database.prepare_cached(QUERY)?.query_row(values, known).optional()
}

/// The same file under other names: renamed, or linked to.
pub(super) fn elsewhere(
    database: &Connection,
    identity: &Identity,
) -> rusqlite::Result<Vec<Known>> {
    const QUERY: &str = "SELECT path, device, inode, size, modified, changed, content, state, \
                         output, output_device, output_inode, reason, finished FROM files \
                         WHERE inode = ?1 AND device = ?2 AND size = ?3 AND modified = ?4 \
                         AND kept = 1";
    let mut statement = database.prepare_cached(QUERY)?;
    let values = params![
        identity.inode.cast_signed(),
        identity.device.cast_signed(),
        identity.size.cast_signed(),
        identity.modified
    ];
    statement.query_map(values, known)?.collect()
}

/// Totals, which outlive the rows.
pub(super) fn count(database: &Connection, state: State) -> rusqlite::Result<()> {
    let add = "INSERT INTO numbers VALUES (?1, 1) \
               ON CONFLICT (name) DO UPDATE SET value = value + 1";
    let names: &[&str] = match state {
        State::Claimed | State::Published => &[],
        // Those are done, too.
        State::Bypassed => &["done", "bypassed"],
        State::Done => &["done"],
        State::Dropped => &["dropped"],
        State::Failed => &["failed"],
    };
    names.iter().try_for_each(|name| database.prepare_cached(add)?.execute([name]).map(drop))
}
