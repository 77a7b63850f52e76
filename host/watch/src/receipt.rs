//! The receipt of a watch: which output was made from which input by which plugins, as JSON Lines
//! with SHA-256 digests. The line of an output is written before its original is moved or deleted,
//! so that a kill at any moment leaves the original, or the line that accounts for it.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::Stats;
use super::error::WatchError;
use super::identity::sha256;
use filmgate_core::digest::hexadecimal;
use filmgate_core::publish::{Aside, PublishError};
use filmgate_core::url;
use filmgate_plugin::PluginRecord;

/// One line.
#[derive(Serialize)]
#[serde(tag = "record", rename_all = "lowercase")]
pub(super) enum Record<'a> {
    /// the first line
    Start {
        filmgate: &'static str,
        libav: String,
        /// seconds since 1970-01-01 UTC
        started: u64,
        command: &'a [String],
        folder: String,
        output: String,
        originals: String,
        names: PluginRecord,
        plugins: &'a [PluginRecord],
    },
    Output {
        input: FileRecord,
        output: FileRecord,
        /// none where a run that was killed made the output
        plugins: Option<&'a [PluginRecord]>,
        /// frames that a failed plugin passed unchanged
        bypassed: Option<u64>,
        /// seconds since 1970-01-01 UTC
        finished: u64,
    },
    /// the last line
    Summary(super::stats::Summary),
}

/// A file that was read or written.
#[derive(Serialize)]
pub(super) struct FileRecord {
    pub(super) path: String,
    /// none where the file cannot be read any more
    pub(super) size: Option<u64>,
    pub(super) sha256: Option<String>,
}

impl FileRecord {
    pub(super) fn new(path: &Path, size: u64, digest: &[u8]) -> FileRecord {
        let sha256 = Some(hexadecimal(digest));
        FileRecord { path: path.to_string_lossy().into_owned(), size: Some(size), sha256 }
    }

    /// Reads the file.
    pub(super) fn of(path: &Path) -> FileRecord {
        let found = File::open(path).and_then(|file| sha256(&file));
        match found {
            Ok((size, digest)) => FileRecord::new(path, size, &digest),
            Err(_) => {
                FileRecord { path: path.to_string_lossy().into_owned(), size: None, sha256: None }
            }
        }
    }
}

pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

/// The receipt of a watch that runs. It has its name from the beginning.
pub(super) struct Receipt {
    /// with its length up to the last whole line
    file: Mutex<(File, u64)>,
    /// whether lines have to be on the disk before originals go away
    sync: bool,
}

impl Receipt {
    /// Writes the first line aside and gives the file its name.
    pub(super) fn create(
        path: &Path,
        replace: bool,
        sync: bool,
        start: &Record<'_>,
    ) -> Result<Receipt, WatchError> {
        let aside = Aside::create(path, replace)?;
        let fail = |source| PublishError::Write {
            path: aside.target().to_owned(),
            doing: "the receipt could not be written",
            source,
        };
        let receipt = Receipt { file: Mutex::new((aside.file().map_err(fail)?, 0)), sync };
        receipt.add(start).map_err(fail)?;
        aside.publish()?;
        Ok(receipt)
    }

    /// Adds a line, with one call to the system. One that does not fit is taken back, so that the
    /// next one begins a line.
    pub(super) fn add(&self, record: &Record<'_>) -> io::Result<()> {
        let line = url::redact_known(&serde_json::to_string(record)?) + "\n";
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, length) = &mut *file;
        let written = file.write_all(line.as_bytes());
        if let Err(e) = written {
            file.set_len(*length).and_then(|()| file.seek(SeekFrom::Start(*length)))?;
            return Err(e);
        }
        *length += line.len() as u64;
        if self.sync { file.sync_data() } else { Ok(()) }
    }
}

impl From<&Stats> for Record<'_> {
    fn from(stats: &Stats) -> Self {
        Record::Summary(stats.summary())
    }
}
