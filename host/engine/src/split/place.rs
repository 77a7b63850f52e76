//! Where pictures go: a name by the policy, the file whole under it, and the folder kept to its
//! bound.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::libc;
use tracing::warn;

use super::Options;
use super::keep::Keep;
use super::start::first_index;
use crate::namer::{NameError, Namer};
use crate::pipeline::{Meter, PipelineError};
use filmgate_core::publish::{self, Aside, PublishError};
use filmgate_plugin::{Item, Request};
use filmgate_sys::utc_offset;

/// How often another name is asked for when somebody else takes it in the last moment.
const ATTEMPTS: usize = 100;

/// How many of its oldest pictures one picture may push out of a full disk.
const PUSHED_OUT: usize = 16;

/// The output folder.
pub(super) struct Place {
    namer: Namer,
    extension: &'static str,
    item: Option<Item>,
    /// nanoseconds into the source that times are counted from
    start: i64,
    index: u64,
    keep: Keep,
    sync: bool,
    pub(super) meter: Meter,
}

/// A picture that is in the folder.
pub(super) struct Written {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

impl Place {
    /// Clears what killed runs left behind, and finds out where the numbers go on.
    ///
    /// # Errors
    /// What the policy says; `Publish` where the folder cannot be written to.
    pub(super) fn new(options: &Options, namer: Namer) -> Result<Place, PipelineError> {
        publish::check_folder(&options.folder.join("picture"))?;
        publish::sweep(&options.folder);
        let keep = Keep::open(&options.folder, options.bound)?;
        let mut place = Place {
            namer,
            extension: options.format.ending(),
            item: options.item.clone(),
            start: options.window.start,
            index: 0,
            keep,
            sync: options.sync,
            meter: Meter::default(),
        };
        place.index = first_index(&place.namer, &place.request(0))?;
        Ok(place)
    }

    /// Writes one picture. On a full disk, pictures that the folder's bound would remove later go
    /// now.
    ///
    /// # Errors
    /// `Publish`, `Plugin`.
    pub(super) fn publish(
        &mut self,
        picture: &[u8],
        timestamp: i64,
    ) -> Result<Written, PipelineError> {
        let begun = std::time::Instant::now();
        self.keep.make_place(SystemTime::now());
        let (mut taken, mut pushed_out) = (0, 0);
        let written = loop {
            match self.write(picture, timestamp) {
                Err(PipelineError::Publish(PublishError::Exists(_))) if taken < ATTEMPTS => {
                    taken += 1;
                }
                Err(PipelineError::Publish(e))
                    if is_full(&e) && pushed_out < PUSHED_OUT && self.keep.push_out() =>
                {
                    if pushed_out == 0 {
                        warn!("{e}; the oldest picture made room");
                    }
                    pushed_out += 1;
                }
                other => break other?,
            }
        };
        self.index += 1;
        self.meter.add(begun.elapsed(), 1);
        Ok(written)
    }

    /// Removes pictures whose time is over.
    pub(super) fn hold_bound(&mut self, now: SystemTime) {
        self.keep.hold(now);
    }

    /// How many pictures went to hold the bound, and how many of them before their time.
    pub(super) fn removed(&self) -> (u64, u64) {
        self.keep.removed()
    }

    pub(super) fn finish(&mut self) {
        self.keep.finish();
    }

    fn write(&mut self, picture: &[u8], timestamp: i64) -> Result<Written, PipelineError> {
        let reserved = self.namer.reserve(self.request(timestamp), &|_| false).map_err(unnamed)?;
        let path = reserved.path();
        let failed = |source| PublishError::Write {
            path: path.to_owned(),
            doing: "the picture could not be written",
            source,
        };
        let aside = Aside::create_next(path, false)?;
        let mut file = aside.file().map_err(failed)?;
        file.write_all(picture).map_err(failed)?;
        if self.keep.is_bound() {
            let facts = file.metadata().map_err(failed)?;
            self.keep.note(Path::new(reserved.name()), &facts, SystemTime::now())?;
        }
        let published = match self.sync {
            true => aside.publish(),
            false => aside.publish_unsynced(),
        };
        if let Err(e) = published {
            self.keep.forget_last();
            return Err(e.into());
        }
        Ok(Written { path: path.to_owned(), bytes: picture.len() as u64 })
    }

    fn request(&self, timestamp: i64) -> Request {
        let now = SystemTime::now();
        let micros = now.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros());
        Request {
            sources: self.item.iter().cloned().collect(),
            index: self.index,
            position: Some(timestamp.saturating_add(self.start)),
            // Of a recording nobody knows; its file's times stand in.
            taken: i64::try_from(micros).ok().filter(|_| self.item.is_none()),
            extension: self.extension.to_owned(),
            folders: true,
            utc_offset: Some(utc_offset(now)),
            ..Request::default()
        }
    }
}

fn unnamed(error: NameError) -> PipelineError {
    match error {
        NameError::Plugin(e) => e.into(),
        NameError::Publish(e) => e.into(),
        NameError::Taken { path, policy } => PublishError::Write {
            path,
            doing: "has no name of its own",
            source: io::Error::other(format!("the naming policy `{policy}` gives no other")),
        }
        .into(),
    }
}

/// Whether it failed because there is no room.
fn is_full(error: &PublishError) -> bool {
    let source = match error {
        PublishError::Write { source, .. } | PublishError::Folder { source, .. } => source,
        _ => return false,
    };
    matches!(source.raw_os_error(), Some(libc::ENOSPC | libc::EDQUOT))
}
