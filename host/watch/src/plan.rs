//! `--dry-run`: what a watch would do with the files that exist. Nothing is written: no folder, no
//! journal, no output.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::WatchError;
use super::failure::Failure;
use super::identity::{Heard, Identity, NotNow, Opened, open};
use super::journal::{Journal, State, Verdict};
use super::output::is_output;
use super::prepare::Prepared;
use super::scan::files;
use super::video;
use super::work::name_request;
use filmgate_core::glob::is_video;
use filmgate_engine::sink::Reserved;
use filmgate_picture::{PICTURE_BYTES, PictureFormat, PictureReader};

/// What would be done with one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Planned {
    /// it would be converted, unless a plugin fails
    Convert {
        source: PathBuf,
        /// below the output folder
        output: String,
        /// of the source
        width: u32,
        height: u32,
        /// whether the output replaces an existing file
        replaces: bool,
    },
    /// it would fail
    Refuse { source: PathBuf, reason: String },
    /// it would be left alone: it is empty, or being written
    Leave { source: PathBuf, reason: String },
    /// the journal has it already
    Known { source: PathBuf, state: &'static str },
}

impl Prepared {
    /// Gives `tell` what would be done with each file that exists, until that is `false`. Files are
    /// read and decoded; plugins are loaded, but no frame goes through them.
    ///
    /// # Errors
    /// Journal.
    pub fn plan(&self, tell: &mut dyn FnMut(Planned) -> bool) -> Result<(), WatchError> {
        let journal = self.journal.is_file().then(|| Journal::to_look_at(&self.journal));
        let journal = journal.transpose()?;
        let mut planner = Planner {
            prepared: self,
            number: journal.as_ref().map_or(Ok(0), Journal::numbers)?,
            journal,
            reader: PictureReader::new(&self.pool),
            names: Vec::new(),
        };
        for path in files(&self.options.folder, &self.options.selection) {
            let planned = match planner.plan(&path) {
                Ok(None) => continue,
                Ok(Some(planned)) => planned,
                Err(Failure::Busy) => {
                    Planned::Leave { source: path, reason: "is being written".to_owned() }
                }
                Err(
                    Failure::File(reason) | Failure::System(reason) | Failure::Unreadable(reason),
                ) => Planned::Refuse { source: path, reason },
                Err(Failure::NameTaken) => {
                    Planned::Refuse { source: path, reason: "its name is taken".to_owned() }
                }
            };
            if !tell(planned) {
                break;
            }
        }
        Ok(())
    }
}

struct Planner<'a> {
    prepared: &'a Prepared,
    journal: Option<Journal>,
    /// of the next output
    number: u64,
    reader: PictureReader,
    /// held, so that each output gets a name of its own
    names: Vec<Reserved<'a>>,
}

impl<'a> Planner<'a> {
    /// Whether `--redo` processes a file again that the journal knows.
    fn is_outdated(&self, source: &Path) -> Result<bool, Failure> {
        let Some(journal) = self.journal.as_ref().filter(|_| self.prepared.spec.redo) else {
            return Ok(false);
        };
        let since = journal.settings_since(&self.prepared.settings())?;
        Ok(journal.kept(source)?.is_some_and(|known| known.finished < since))
    }

    /// None for a file that is gone.
    fn plan(&mut self, source: &Path) -> Result<Option<Planned>, Failure> {
        let options = &self.prepared.options;
        let path = options.folder.join(source);
        let mut opened = match open(&path) {
            Ok(opened) => opened,
            Err(NotNow::Gone) => return Ok(None),
            Err(NotNow::Failed(e)) => {
                return Err(Failure::of_reading("cannot be opened", &e));
            }
        };
        let verdict = match &self.journal {
            Some(journal) => journal.look(source, &opened.identity)?,
            None => Verdict::New,
        };
        let known = |state: &'static str| Planned::Known { source: source.to_owned(), state };
        let is_outdated = self.is_outdated(source)?;
        let is_retried = |state| {
            let failed = matches!(state, State::Failed | State::Bypassed);
            is_outdated || self.prepared.spec.retry_failed && failed
        };
        if let Verdict::Known(state) = verdict
            && !is_retried(state)
        {
            return Ok(Some(known(state.name())));
        }
        let leave = |reason: &str| {
            let (source, reason) = (source.to_owned(), reason.to_owned());
            Ok(Some(Planned::Leave { source, reason }))
        };
        if !opened.is_settled(Heard::Found, options.settle) {
            return leave("is being written");
        }
        if opened.identity.size == 0 {
            return leave("is empty");
        }
        let unreadable = |e| Failure::of_reading("cannot be read", &e);
        let (extension, size, content) = if is_video(&path) {
            let (extension, _) = video::plan(&path)?;
            (extension, video::size(&path)?, opened.sample().map_err(unreadable)?)
        } else {
            let (bytes, content) = opened.read(PICTURE_BYTES).map_err(unreadable)?;
            let frame = self.reader.read(&bytes, &path)?.frame;
            let format = options.format.unwrap_or_else(|| PictureFormat::for_source(&path));
            (format.ending_for(&path), (frame.width, frame.height), content)
        };
        if let Verdict::Perhaps(list) = &verdict
            && let Some(same) = list.iter().find(|k| k.content == Some(content))
            && !is_retried(same.state)
        {
            return Ok(Some(known(same.state.name())));
        }
        let reserved = self.name(source, &opened, &extension, size)?;
        let planned = Planned::Convert {
            source: source.to_owned(),
            output: reserved.name().to_owned(),
            width: size.0,
            height: size.1,
            replaces: reserved.replaces(),
        };
        self.names.push(reserved);
        Ok(Some(planned))
    }

    fn name(
        &mut self,
        source: &Path,
        opened: &Opened,
        extension: &str,
        size: (u32, u32),
    ) -> Result<Reserved<'a>, Failure> {
        let options = &self.prepared.options;
        let older = match &self.journal {
            Some(journal) => journal.kept(source)?,
            None => None,
        };
        let may_replace = |there: &Path| {
            let is_ours = older.as_ref().is_some_and(|known| is_output(known, there));
            (options.replace || is_ours) && !options.protected.holds(there)
        };
        // The job asks for videos without their size.
        let size = if is_video(source) { (0, 0) } else { size };
        let identity: &Identity = &opened.identity;
        let request = name_request(source, identity, self.number, extension, size);
        self.number += 1;
        Ok(self.prepared.namer.plan(request, &may_replace)?)
    }
}
