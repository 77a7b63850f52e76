//! Uploads that may be interrupted and continued: one table for both protocols that clients speak,
//! tus 1.0 and the IETF's resumable uploads (draft-ietf-httpbis-resumable-upload-15).
//!
//! A segment has one upload at most, on the segment's own URL. What has arrived is in a file beside
//! the segment, whose length is the offset; the row in the index says whose it is. The segment
//! appears when the upload is complete.

use std::collections::HashSet;
use std::io::Seek;
use std::sync::{Arc, Mutex, PoisonError};

use filmgate_core::cancel::Cancel;
use filmgate_core::digest::{hexadecimal, of_reader};
use rusqlite::{OptionalExtension, params};

use crate::access::random_id;
use crate::error::Fault;
use crate::key::Key;
use crate::settings::Live;
use crate::store::{Segment, Store, Writing, now};

/// The uploads of a store.
pub(crate) struct Uploads {
    store: Arc<Store>,
    live: Live,
    /// those that a request is writing
    busy: Mutex<HashSet<String>>,
}

/// An upload, between its requests.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) id: String,
    /// of the whole, in bytes, where it is known
    pub(crate) length: Option<u64>,
    /// the SHA-256 of the whole that was announced
    pub(crate) digest: Option<String>,
    pub(crate) is_complete: bool,
    /// how many bytes have arrived
    pub(crate) offset: u64,
    /// in seconds since 1970
    pub(crate) expires: i64,
}

impl Uploads {
    pub(crate) fn new(store: Arc<Store>, live: Live) -> Uploads {
        Uploads { store, live, busy: Mutex::default() }
    }

    /// Whether there is an upload of this id that may be continued.
    pub(crate) fn is_alive(&self, id: &str) -> bool {
        let find = "SELECT EXISTS (SELECT 1 FROM uploads WHERE id = ?1 AND NOT complete)";
        self.store.index().query_row(find, [id], |row| row.get(0)).unwrap_or(false)
    }

    /// Begins an upload. One of the same segment that was interrupted is given up.
    ///
    /// # Errors
    /// `Locked`, `Quota`, `TooLarge`, `Full`, `Conflict`, `System`.
    pub(crate) fn start(
        &self,
        key: &Key,
        length: Option<u64>,
        digest: Option<String>,
    ) -> Result<Append<'_>, Fault> {
        self.expire()?;
        self.supersede(key)?;
        let id = random_id();
        let mut writing = self.store.create(key, &id, length)?;
        let expires = self.expires();
        // One whose file somebody has removed still has its row.
        let insert = "INSERT OR REPLACE INTO uploads (id, task, device, path, length, digest, expires) \
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let device = &key.device;
        let values = params![id, device.task, device.device, key.path, length, digest, expires];
        self.store.index().execute(insert, values)?;
        writing.keep();
        let upload = Upload { id, length, digest, is_complete: false, offset: 0, expires };
        self.lock(key, upload, Some(writing))
    }

    fn expires(&self) -> i64 {
        let expiry = self.live.get().limits.upload_expiry;
        now().saturating_add(i64::try_from(expiry).unwrap_or(i64::MAX))
    }

    /// The upload of a segment.
    ///
    /// # Errors
    /// `Index`, `System`.
    pub(crate) fn find(&self, key: &Key) -> Result<Option<Upload>, Fault> {
        let find = "SELECT id, length, digest, complete, expires FROM uploads \
                    WHERE task = ?1 AND device = ?2 AND path = ?3 AND expires > ?4";
        let values = params![key.device.task, key.device.device, key.path, now()];
        let found = self.store.index().query_row(find, values, |row| {
            Ok(Upload {
                id: row.get(0)?,
                length: row.get(1)?,
                digest: row.get(2)?,
                is_complete: row.get(3)?,
                offset: 0,
                expires: row.get(4)?,
            })
        });
        let Some(upload) = found.optional()? else { return Ok(None) };
        if upload.is_complete {
            return Ok(Some(Upload { offset: upload.length.unwrap_or_default(), ..upload }));
        }
        match self.store.reopen(key, &upload.id) {
            Ok(writing) => Ok(Some(Upload { offset: writing.size(), ..upload })),
            // Somebody cleared the folder: the upload begins anew.
            Err(Fault::NotFound(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Continues an upload at `offset`.
    ///
    /// # Errors
    /// `NotFound`, `Complete`, `Offset`, `Locked`, `System`.
    pub(crate) fn append(&self, key: &Key, offset: u64) -> Result<Append<'_>, Fault> {
        let none = || Fault::NotFound(format!("upload of {key}"));
        let upload = self.find(key)?.ok_or_else(none)?;
        if upload.is_complete {
            return Err(Fault::Complete);
        }
        let append = self.lock(key, upload, None)?;
        match append.writing.size() {
            expected if expected != offset => Err(Fault::Offset { expected, given: offset }),
            _ => Ok(append),
        }
    }

    fn lock(
        &self,
        key: &Key,
        upload: Upload,
        writing: Option<Writing>,
    ) -> Result<Append<'_>, Fault> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if !busy.insert(upload.id.clone()) {
            return Err(Fault::Locked(format!("another request is uploading {key}")));
        }
        drop(busy);
        let lock = Lock { busy: &self.busy, id: upload.id.clone() };
        let writing = match writing {
            Some(writing) => writing,
            None => self.store.reopen(key, &upload.id)?,
        };
        Ok(Append { uploads: self, writing, upload, _lock: lock })
    }

    /// Gives an upload up.
    ///
    /// # Errors
    /// `NotFound`, `Locked`, `System`.
    pub(crate) fn remove(&self, key: &Key) -> Result<(), Fault> {
        let none = || Fault::NotFound(format!("upload of {key}"));
        let upload = self.find(key)?.ok_or_else(none)?;
        if !upload.is_complete {
            let append = self.lock(key, upload.clone(), None)?;
            append.writing.discard();
        }
        self.store.index().execute("DELETE FROM uploads WHERE id = ?1", [&upload.id])?;
        Ok(())
    }

    /// Gives up what there may be of a segment that comes anew.
    ///
    /// # Errors
    /// `Locked`, `System`.
    pub(crate) fn supersede(&self, key: &Key) -> Result<(), Fault> {
        match self.remove(key) {
            Err(Fault::NotFound(_)) => Ok(()),
            other => other,
        }
    }

    /// Gives up what has expired.
    ///
    /// # Errors
    /// `Index`.
    pub(crate) fn expire(&self) -> Result<(), Fault> {
        let expired: Vec<(String, String, String, String)> = {
            let index = self.store.index();
            let mut select =
                index.prepare("SELECT id, task, device, path FROM uploads WHERE expires <= ?1")?;
            let rows = select.query_map([now()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?;
            rows.collect::<Result<_, _>>()?
        };
        for (id, task, device, path) in expired {
            if self.busy.lock().unwrap_or_else(PoisonError::into_inner).contains(&id) {
                continue;
            }
            let key = crate::key::Device::new(&task, &device).and_then(|d| Key::new(d, &path));
            if let Ok(writing) = key.and_then(|key| self.store.reopen(&key, &id)) {
                writing.discard();
            }
            self.store.index().execute("DELETE FROM uploads WHERE id = ?1", [&id])?;
        }
        Ok(())
    }
}

/// Ends the exclusive use of an upload.
struct Lock<'a> {
    busy: &'a Mutex<HashSet<String>>,
    id: String,
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// An upload while a request writes to it. Dropped, it can be continued from where it stands.
pub(crate) struct Append<'a> {
    uploads: &'a Uploads,
    writing: Writing,
    upload: Upload,
    _lock: Lock<'a>,
}

impl Append<'_> {
    /// # Errors
    /// `Request` beyond the announced length; `Quota`, `TooLarge`, `Full`, `System`.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let more = self.writing.size() + bytes.len() as u64;
        if let Some(length) = self.upload.length.filter(|length| more > *length) {
            return Err(Fault::Request(format!("the upload has more than its {length} bytes")));
        }
        self.writing.write(&self.uploads.store, bytes)
    }

    /// Takes back what came behind `offset`: its digest was wrong.
    ///
    /// # Errors
    /// `System`.
    pub(crate) fn take_back(&mut self, offset: u64) -> Result<(), Fault> {
        self.writing.file().set_len(offset).map_err(|e| Fault::system("upload", e))
    }

    /// Announces the length, where it was not known before.
    ///
    /// # Errors
    /// `Request`: another length was announced.
    pub(crate) fn set_length(&mut self, length: u64) -> Result<(), Fault> {
        match self.upload.length {
            Some(known) if known != length => {
                Err(Fault::Request(format!("the upload has {known} bytes, not {length}")))
            }
            Some(_) => Ok(()),
            None => {
                let update = "UPDATE uploads SET length = ?2 WHERE id = ?1";
                self.uploads.store.index().execute(update, params![self.upload.id, length])?;
                self.upload.length = Some(length);
                Ok(())
            }
        }
    }

    /// Makes what has arrived last; gives the upload as it stands then.
    ///
    /// # Errors
    /// `Full`, `System`.
    pub(crate) fn pause(self) -> Result<Upload, Fault> {
        self.writing.sync()?;
        let expires = self.uploads.expires();
        let update = "UPDATE uploads SET expires = ?2 WHERE id = ?1";
        self.uploads.store.index().execute(update, params![self.upload.id, expires])?;
        Ok(Upload { offset: self.writing.size(), expires, ..self.upload })
    }

    /// Whether all that was announced has arrived.
    pub(crate) fn is_whole(&self) -> bool {
        self.upload.length == Some(self.writing.size())
    }

    /// Publishes the segment.
    ///
    /// # Errors
    /// `Digest`: it is given up then; `Quota`, `Full`, `Conflict`, `System`.
    pub(crate) fn complete(self) -> Result<(Upload, Segment), Fault> {
        let found = self.digest()?;
        let Append { uploads, writing, upload, _lock } = self;
        let index = || uploads.store.index();
        if let Some(expected) = upload.digest.clone().filter(|expected| *expected != found) {
            writing.discard();
            index().execute("DELETE FROM uploads WHERE id = ?1", [&upload.id])?;
            return Err(Fault::Digest { expected, found });
        }
        let segment = writing.publish(&uploads.store, &found)?;
        let done = "UPDATE uploads SET complete = 1, length = ?2 WHERE id = ?1";
        index().execute(done, params![upload.id, segment.size])?;
        let (length, offset) = (Some(segment.size), segment.size);
        Ok((Upload { length, offset, is_complete: true, ..upload }, segment))
    }

    /// The SHA-256 of what has arrived.
    fn digest(&self) -> Result<String, Fault> {
        // Writing is by offset, so that the position is free for this.
        let mut file = self.writing.file();
        let read = file.rewind().and_then(|()| of_reader(file, &Cancel::new()));
        Ok(hexadecimal(&read.map_err(|e| Fault::system("upload", e))?.1))
    }
}
