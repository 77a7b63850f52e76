//! A worker: converts one file from beginning to end. It is opened, checked for being complete,
//! read, taken through the plugins, written aside, entered in the journal, published, entered in the
//! receipt, and its original moved or deleted. In this order, so that a process that is killed at
//! any point leaves either the original and no output, or the whole output and its entry.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, atomic::AtomicU64};
use std::time::Instant;

use tracing::warn;

use super::convert::{Converted, ImageJob, Tools, VideoJob};
use super::ended::{Candidate, Done, Ended};
use super::failure::Failure;
use super::identity::{Fingerprint, Identity, NotNow, Opened, open};
use super::journal::{Journal, JournalError, State, Verdict};
use super::originals::{Originals, PutAwayError, move_below};
use super::output::Output;
use super::plugins::PluginChain;
use super::plugins::PluginSet;
use super::receipt::{FileRecord, Receipt, Record, now};
use super::remote::{Broken, Remote};
use super::{Options, Stats, video};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::PlanePool;
use filmgate_core::glob::is_video;
use filmgate_core::publish::Aside;
use filmgate_engine::default_workers;
use filmgate_engine::sink::Namer;
use filmgate_picture::{PICTURE_BYTES, PictureFormat};
use filmgate_plugin::{Item, Request, Value};

/// Files of one content that crashed worker processes, after which the next one is not tried.
const POISON: u64 = 3;

/// What all workers share.
pub(super) struct WorkerContext {
    pub(super) options: Options,
    pub(super) journal: Journal,
    pub(super) namer: Namer,
    pub(super) plugins: PluginSet,
    pub(super) stats: Arc<Stats>,
    pub(super) receipt: Option<Receipt>,
    pub(super) pool: PlanePool,
    /// worker processes, unless all is done in this one
    pub(super) remote: Option<Remote>,
    /// no further file is begun
    pub(super) stop: Cancel,
    /// pictures taken in hand, for plugins that count
    pub(super) frames: AtomicU64,
}

/// One thread's tools.
pub(super) struct Worker {
    context: Arc<WorkerContext>,
    plugins: Arc<PluginChain>,
    /// for work in this process
    tools: Tools,
}

impl Worker {
    pub(super) fn new(context: &Arc<WorkerContext>) -> Worker {
        let plugins = context.plugins.current();
        Worker {
            tools: Tools::new(&plugins.supervisors, &context.pool),
            plugins,
            context: Arc::clone(context),
        }
    }

    /// Works on one file.
    pub(super) fn work(&mut self, candidate: &Candidate) -> Ended {
        let path = self.context.options.folder.join(&candidate.path);
        let mut opened = match open(&path) {
            Ok(opened) => opened,
            Err(NotNow::Gone) => return Ended::Gone,
            Err(NotNow::Failed(e)) => return self.unreadable(candidate, &path, &e),
        };
        let mut content = None;
        let result = match self.admit(candidate, &path, &mut opened, &mut content) {
            Ok(Admitted::Ended(ended)) => return ended,
            Ok(Admitted::Bytes(bytes)) => self.picture(candidate, &path, &opened, bytes, &content),
            Ok(Admitted::Video) => match self.video(candidate, &path, &opened, &content) {
                // Demuxers say the same of a damaged file and of a disk that fails.
                Err(Failure::File(reason)) => Err(match opened.digest() {
                    Err(e) => Failure::of_reading("cannot be read", &e),
                    Ok(_) => Failure::File(reason),
                }),
                other => other,
            },
            Err(stop) => Err(stop),
        };
        self.conclude(candidate, &path, &opened, content.as_ref(), result)
    }

    /// Finds out whether the file is whole and new, and reads it.
    fn admit(
        &mut self,
        candidate: &Candidate,
        path: &Path,
        opened: &mut Opened,
        content: &mut Option<Fingerprint>,
    ) -> Result<Admitted, Failure> {
        let context = &self.context;
        let verdict = context.journal.look(&candidate.path, &opened.identity)?;
        if let Verdict::Known(state) = verdict {
            return Ok(Admitted::Ended(Ended::Known(state)));
        }
        if !opened.is_settled(candidate.heard, context.options.settle) {
            return Err(Failure::Busy);
        }
        if opened.identity.size == 0 {
            return Ok(Admitted::Ended(Ended::Empty));
        }
        let unreadable = |e: io::Error| match e.kind() {
            io::ErrorKind::FileTooLarge => {
                Failure::File(format!("larger than the {PICTURE_BYTES} bytes that are read"))
            }
            _ => Failure::of_reading("cannot be read", &e),
        };
        let is_video = is_video(path);
        let (bytes, print) = if is_video {
            (Vec::new(), opened.sample().map_err(unreadable)?)
        } else {
            opened.read(PICTURE_BYTES).map_err(unreadable)?
        };
        if !opened.is_unchanged(path) {
            return Err(Failure::Busy);
        }
        *content = Some(print);
        if let Verdict::Perhaps(list) = verdict
            && let Some(known) = list.into_iter().find(|k| k.content == Some(print))
        {
            context.journal.adopt(&known, &candidate.path, &opened.identity)?;
            let renamed = known.path != candidate.path;
            if renamed && !context.options.folder.join(&known.path).exists() {
                context.journal.gone(&known.path)?;
            }
            return Ok(Admitted::Ended(Ended::Known(known.state)));
        }
        let (crashes, reason) = context.journal.crashes(&print)?;
        if crashes >= POISON {
            return Err(Failure::File(format!(
                "files of this content were given up {crashes} times: {reason}"
            )));
        }
        Ok(if is_video { Admitted::Video } else { Admitted::Bytes(bytes) })
    }

    /// An image: converted, published. None if the plugins dropped it.
    fn picture(
        &mut self,
        candidate: &Candidate,
        path: &Path,
        opened: &Opened,
        bytes: Vec<u8>,
        content: &Option<Fingerprint>,
    ) -> Result<Option<Done>, Failure> {
        let begun = Instant::now();
        self.take_new_plugins();
        let options = &self.context.options;
        let format = options.format.unwrap_or_else(|| PictureFormat::for_source(path));
        let job = ImageJob::new(path, format, options.write);
        let Some((converted, mut encoded)) = self.image(job, opened, bytes, content)? else {
            return Ok(None);
        };
        let output = Output {
            candidate,
            path,
            opened,
            content: content.unwrap_or_default(),
            request: self.request(candidate, opened, &format.ending_for(path), converted.size)?,
        };
        let mut published = output.publish(&self.context, &mut |aside| {
            let written = |e: io::Error| {
                Failure::System(format!("{}: cannot be written: {e}", aside.target().display()))
            };
            aside.file().and_then(|mut file| encoded.write_to(&mut file)).map_err(written)?;
            Ok(converted.bypassed.clone())
        })?;
        published.notes.extend(converted.notes);
        Ok(Some(Done { size: converted.size, took: begun.elapsed(), ..published }))
    }

    /// Converts an image in a worker process, or in this one.
    fn image(
        &mut self,
        job: ImageJob,
        opened: &Opened,
        bytes: Vec<u8>,
        content: &Option<Fingerprint>,
    ) -> Result<Option<(Converted, EncodedImage)>, Failure> {
        let context = Arc::clone(&self.context);
        let mut number = || context.frames.fetch_add(1, Ordering::Relaxed);
        let Some(remote) = &context.remote else {
            let converted = self.tools.image(&job, &bytes, &mut number, &mut |_| ())?;
            return Ok(converted.map(|(facts, bytes)| (facts, EncodedImage::Bytes(bytes))));
        };
        drop(bytes);
        let stats = &context.stats;
        let written = remote.image(&self.plugins, job, opened.file(), &mut number, stats);
        let written = written.map_err(|broken| self.blame(broken, content))?;
        Ok(written.map(|(facts, file)| (facts, EncodedImage::File(file))))
    }

    /// Notes a crash for the content, should it come again.
    fn blame(&self, broken: Broken, content: &Option<Fingerprint>) -> Failure {
        let crash = match broken {
            Broken::Failed(failure) => return failure,
            Broken::Crashed(crash) => crash,
        };
        let reason = crash.to_string();
        if crash.cause.may_be_the_content()
            && let Some(content) = content
            && let Err(e) = self.context.journal.crashed(content, &reason)
        {
            warn!("{e}");
        }
        Failure::File(reason)
    }

    fn video(
        &mut self,
        candidate: &Candidate,
        path: &Path,
        opened: &Opened,
        content: &Option<Fingerprint>,
    ) -> Result<Option<Done>, Failure> {
        let begun = Instant::now();
        self.take_new_plugins();
        let (extension, settings) = video::plan(path)?;
        let output = Output {
            candidate,
            path,
            opened,
            content: content.unwrap_or_default(),
            request: self.request(candidate, opened, &extension, (0, 0))?,
        };
        let mut converted = None;
        let mut published = output.publish(&self.context, &mut |aside| {
            let job = VideoJob {
                name: path.as_os_str().to_owned(),
                output: aside.path().as_os_str().to_owned(),
                format: settings.format.clone(),
                codec: settings.codec.clone(),
                workers: default_workers(),
            };
            let done = self.convert_video(job, opened, aside, content)?;
            let bypassed = done.bypassed.clone();
            converted = Some(done);
            Ok(bypassed)
        })?;
        let converted = converted.unwrap_or_default();
        published.notes.extend(converted.notes);
        Ok(Some(Done { size: converted.size, took: begun.elapsed(), ..published }))
    }

    /// Converts a video in a worker process, or in this one.
    fn convert_video(
        &self,
        job: VideoJob,
        opened: &Opened,
        aside: &Aside,
        content: &Option<Fingerprint>,
    ) -> Result<Converted, Failure> {
        let system = |e: io::Error| Failure::System(format!("{}: {e}", aside.path().display()));
        let output = aside.file().map_err(system)?;
        if let Some(remote) = &self.context.remote {
            let files = (opened.file(), &output);
            let converted = remote.video(&self.plugins, job, files, &self.context.stats);
            return converted.map_err(|broken| self.blame(broken, content));
        }
        let input = opened.file().try_clone().map_err(system)?;
        self.tools.video(&job, input, output, &mut |_| ())
    }

    fn take_new_plugins(&mut self) {
        let current = self.context.plugins.current();
        if current.generation != self.plugins.generation {
            self.tools = Tools::new(&current.supervisors, &self.context.pool);
            self.plugins = current;
        }
    }

    fn request(
        &self,
        candidate: &Candidate,
        opened: &Opened,
        extension: &str,
        size: (u32, u32),
    ) -> Result<Request, Failure> {
        let index = self.context.journal.next_number()?;
        Ok(name_request(&candidate.path, &opened.identity, index, extension, size))
    }

    /// Notes how a file ended that was taken in hand.
    fn conclude(
        &mut self,
        candidate: &Candidate,
        path: &Path,
        opened: &Opened,
        content: Option<&Fingerprint>,
        result: Result<Option<Done>, Failure>,
    ) -> Ended {
        let context = &self.context;
        let reason = match result {
            Ok(Some(done)) => return self.put_away(candidate, path, opened, done),
            Ok(None) => {
                let (state, identity) = (State::Dropped, &opened.identity);
                let noted =
                    context.journal.end(&candidate.path, identity, content, state, None, true);
                return noted.map_or_else(|e| Ended::Retry(e.to_string()), |()| Ended::Dropped);
            }
            Err(Failure::Busy) => return Ended::Busy,
            Err(Failure::System(reason)) => return Ended::Retry(reason),
            Err(Failure::Unreadable(reason)) => return Ended::Unreadable(reason),
            Err(Failure::NameTaken) => {
                "its name was taken by other programs again and again".to_owned()
            }
            Err(Failure::File(reason)) => reason,
        };
        // Instances that broke are not used again.
        self.tools.renew();
        self.fail(candidate, path, &opened.identity, content, reason)
    }

    fn fail(
        &self,
        candidate: &Candidate,
        path: &Path,
        identity: &Identity,
        content: Option<&Fingerprint>,
        reason: String,
    ) -> Ended {
        let context = &self.context;
        let quarantined = context.options.quarantine.as_ref().and_then(|folder| {
            match move_below(path, folder, &candidate.path) {
                Ok(moved) => Some(moved),
                Err(e) => {
                    warn!("{}: cannot be put into quarantine: {e}", path.display());
                    None
                }
            }
        });
        let (state, kept) = (State::Failed, quarantined.is_none());
        let why = Some(reason.as_str());
        match context.journal.end(&candidate.path, identity, content, state, why, kept) {
            Ok(()) => Ended::Failed { reason, quarantined },
            Err(e) => Ended::Retry(e.to_string()),
        }
    }

    fn unreadable(&self, candidate: &Candidate, path: &Path, error: &io::Error) -> Ended {
        let identity = std::fs::metadata(path).map(|facts| Identity::of(&facts));
        if let Ok(identity) = &identity
            && let Ok(Verdict::Known(state)) = self.context.journal.look(&candidate.path, identity)
        {
            return Ended::Known(state);
        }
        match (Failure::of_reading("cannot be opened", error), identity) {
            (Failure::System(reason), _) => Ended::Retry(reason),
            (Failure::File(reason), Ok(identity)) => {
                self.fail(candidate, path, &identity, None, reason)
            }
            (Failure::File(reason) | Failure::Unreadable(reason), _) => Ended::Unreadable(reason),
            (Failure::Busy | Failure::NameTaken, _) => Ended::Busy,
        }
    }

    fn put_away(
        &self,
        candidate: &Candidate,
        path: &Path,
        opened: &Opened,
        mut done: Done,
    ) -> Ended {
        if let Err(e) = self.record(path, opened, &done) {
            return Ended::Retry(format!("the receipt cannot be written: {e}"));
        }
        let bypassed = done.bypassed > 0;
        match finish(&self.context, path, &candidate.path, &opened.identity, bypassed) {
            Ok(None) => {}
            Ok(Some(note)) => done.notes.push(note),
            Err(e) => return Ended::Retry(e.to_string()),
        }
        Ended::Done(done)
    }

    /// Adds the output to the receipt, before its original is moved or deleted.
    fn record(&self, path: &Path, opened: &Opened, done: &Done) -> io::Result<()> {
        let Some(receipt) = &self.context.receipt else { return Ok(()) };
        let (size, digest) = opened.digest()?;
        receipt.add(&Record::Output {
            input: FileRecord::new(path, size, &digest),
            output: FileRecord::of(&self.context.namer.folder().join(&done.output)),
            plugins: Some(&self.plugins.records),
            bypassed: Some(done.bypassed),
            finished: now(),
        })
    }
}

/// Puts an original away whose output is published, and notes that the file is done. Gives a note
/// for people where it stays although it should not; the next watch tries again then. Where frames
/// were `bypassed`, the output is not what was asked for, and the original is all that there is.
pub(super) fn finish(
    context: &WorkerContext,
    path: &Path,
    relative: &Path,
    processed: &Identity,
    bypassed: bool,
) -> Result<Option<String>, JournalError> {
    if bypassed {
        context.journal.advance(relative, State::Bypassed, true)?;
        let stays = context.options.originals != Originals::Keep;
        return Ok(stays.then(|| "the original stays where it is".to_owned()));
    }
    let put_away = context.options.originals.put_away(path, relative, processed);
    let (gone, note) = match put_away {
        Ok(gone) => (gone, None),
        Err(PutAwayError::Replaced) => (false, Some(PutAwayError::Replaced.to_string())),
        Err(e) => return Ok(Some(format!("the original {e}"))),
    };
    context.journal.advance(relative, State::Done, !gone)?;
    Ok(note)
}

/// What the naming policy is asked; a `size` of 0 is not known.
pub(super) fn name_request(
    path: &Path,
    identity: &Identity,
    index: u64,
    extension: &str,
    size: (u32, u32),
) -> Request {
    let mut properties = Vec::new();
    if size.0 > 0 {
        properties.push(("width".to_owned(), Value::Integer(i64::from(size.0))));
        properties.push(("height".to_owned(), Value::Integer(i64::from(size.1))));
    }
    let item = Item {
        path: path.to_string_lossy().into_owned(),
        size: identity.size,
        modified: identity.modified / 1000,
        properties,
    };
    Request {
        sources: vec![item],
        index,
        extension: extension.to_owned(),
        folders: true,
        ..Request::default()
    }
}

/// What was found out of a file.
enum Admitted {
    Ended(Ended),
    Bytes(Vec<u8>),
    Video,
}

/// An image that was encoded.
enum EncodedImage {
    Bytes(Vec<u8>),
    /// by a worker process, or why it could not write it
    File(io::Result<File>),
}

impl EncodedImage {
    fn write_to(&mut self, to: &mut File) -> io::Result<()> {
        match self {
            EncodedImage::Bytes(bytes) => to.write_all(bytes),
            EncodedImage::File(Ok(file)) => {
                file.rewind()?;
                io::copy(file, to).map(drop)
            }
            EncodedImage::File(Err(e)) => Err(match e.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => e.kind().into(),
            }),
        }
    }
}
