//! The media work on one file: decoded, through the plugins, encoded. It runs in a worker process, or
//! in this one where there is none (`remote.rs` decides), and touches no path: it reads from an open
//! file and gives bytes, or writes to an open file.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ended::Bypassed;
use super::failure::Failure;
use filmgate_av::{
    EncodeOptions, Input, InputSource, MediaError, MediaErrorKind, OpenOptions, OpenedFile,
};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::PlanePool;
use filmgate_engine::graph::{Progress, StillChain};
use filmgate_engine::sink::{Encoded, Output, Selection, Service, Target};
use filmgate_engine::source::{Files, FilesOptions};
use filmgate_engine::{self as engine, Options, PipelineError, Session};
use filmgate_picture::{
    Picture, PictureFormat, PictureReader, PictureWriter, Subsampling, WriteOptions,
};
use filmgate_plugin::Supervisor;

/// An image to be converted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ImageJob {
    /// for messages; its ending is a hint at the format
    pub(super) name: OsString,
    /// the ending of the output's format
    format: String,
    quality: u8,
    /// 420, 422 or 444
    subsampling: u16,
}

impl ImageJob {
    pub(super) fn new(path: &Path, format: PictureFormat, options: WriteOptions) -> ImageJob {
        let subsampling = match options.subsampling {
            Subsampling::Quarter => 420,
            Subsampling::Half => 422,
            Subsampling::None => 444,
        };
        let (name, format) = (path.as_os_str().to_owned(), format.ending().to_owned());
        ImageJob { name, format, quality: options.quality, subsampling }
    }

    fn format(&self) -> Result<PictureFormat, Failure> {
        let unknown = || Failure::System(format!("no format is called {}", self.format));
        PictureFormat::from_ending(&self.format).ok_or_else(unknown)
    }

    fn options(&self) -> WriteOptions {
        let subsampling = match self.subsampling {
            422 => Subsampling::Half,
            444 => Subsampling::None,
            _ => Subsampling::Quarter,
        };
        WriteOptions { quality: self.quality, subsampling }
    }
}

/// A video to be converted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct VideoJob {
    /// for messages
    pub(super) name: OsString,
    /// of the output, for messages
    pub(super) output: OsString,
    /// libav's name of the container
    pub(super) format: String,
    /// libav's name of the encoder
    pub(super) codec: String,
    /// threads of parallel plugins
    pub(super) workers: usize,
}

/// What became of a file. An image's bytes come beside it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Converted {
    /// width and height of the output
    pub(super) size: (u32, u32),
    /// what is not in the output, for people
    pub(super) notes: Vec<String>,
    pub(super) bypassed: Bypassed,
}

/// What conversion needs from file to file.
pub(super) struct Tools {
    pool: PlanePool,
    reader: PictureReader,
    plugins: Vec<Arc<Supervisor>>,
    chain: StillChain,
}

/// Says what is about to happen.
pub(super) type Stage<'a> = dyn FnMut(&str) + 'a;

impl Tools {
    pub(super) fn new(plugins: &[Arc<Supervisor>], pool: &PlanePool) -> Tools {
        Tools {
            pool: pool.clone(),
            reader: PictureReader::new(pool),
            plugins: plugins.to_vec(),
            chain: StillChain::new(plugins, pool),
        }
    }

    /// Instances that broke are not used again.
    pub(super) fn renew(&mut self) {
        self.chain = StillChain::new(&self.plugins, &self.pool);
    }

    /// An image in `bytes`; none where the plugins drop it. `number` gives its number, for plugins
    /// that count.
    pub(super) fn image(
        &mut self,
        job: &ImageJob,
        bytes: &[u8],
        number: &mut dyn FnMut() -> u64,
        stage: &mut Stage<'_>,
    ) -> Result<Option<(Converted, Vec<u8>)>, Failure> {
        let (path, format) = (Path::new(&job.name), job.format()?);
        stage("the image decoder");
        let mut picture = self.reader.read(bytes, path)?;
        let size = (picture.frame.width, picture.frame.height);
        picture.frame.index = number();
        stage("the plugins");
        let frames = self.chain.process(picture.frame.clone(), format.pixel_formats())?;
        let bypassed = Bypassed::by(self.chain.plugins());
        let mut frames = frames.into_iter();
        let (frame, more) = (frames.next(), frames.count());
        let Some(frame) = frame else { return Ok(None) };
        if more > 0 {
            let message = format!("the plugins returned {} frames for one image", more + 1);
            return Err(Failure::File(message));
        }
        picture.frame = frame;
        if !self.chain.plugins().is_empty() {
            picture.forget_old_samples();
        }
        check_alpha(&picture, size)?;
        stage("the image encoder");
        let writer = PictureWriter::new(job.options());
        let (encoded, mut notes) = writer.write(&picture, format)?;
        notes.splice(0..0, std::mem::take(&mut picture.notes));
        if self.chain.lost_alpha() {
            notes.push(format!("transparency is not kept as {}", picture.frame.format));
        }
        let size = (picture.frame.width, picture.frame.height);
        Ok(Some((Converted { size, notes, bypassed }, encoded)))
    }

    /// The video in `input`, into `output`, which is open for reading and writing. Nothing that the
    /// plugins do to it is held against the next file.
    pub(super) fn video(
        &self,
        job: &VideoJob,
        input: File,
        output: File,
        stage: &mut Stage<'_>,
    ) -> Result<Converted, Failure> {
        // A job that fails cancels what it was given, so that all of its threads end: the next video
        // must not share it. Nothing else breaks a video off.
        let cancel = Cancel::new();
        stage("the demuxer");
        let source = InputSource::Opened(opened(input, &job.name));
        let input = Input::open_source(&source, &OpenOptions::files(&cancel)).map_err(refused)?;
        stage(&what_works(&input, &job.codec));
        let plugins: Vec<_> = self.plugins.iter().map(|p| p.for_next_job()).collect();
        let cancel_source = FilesOptions { cancel: cancel.clone(), ..FilesOptions::default() };
        let target = Target::Opened(opened(output, &job.output));
        let sink = Encoded {
            encode: EncodeOptions { codec: job.codec.clone(), ..EncodeOptions::default() },
            outputs: vec![Output::new(target, &*job.format)],
            service: Service { replace: true, ..Service::default() },
            selection: Selection::default(),
            audio: None,
        };
        let session = Session {
            source: Box::new(Files::new(input, Vec::new(), cancel_source)?),
            plugins: plugins.clone(),
            sink: Box::new(sink),
            options: Options { workers: job.workers, ..Options::default() },
        };
        let stop = engine::Stop::at_once(&cancel);
        let prepared = session.prepare(&stop, &self.pool)?;
        let (report, error) = prepared.run(&self.pool, &stop, &Progress::default());
        if let Some(error) = error {
            return Err(error.into());
        }
        let encoded = report.encoded.as_ref();
        let size = encoded.map_or((0, 0), |e| (e.width, e.height));
        let mut notes = report.left_out;
        notes.extend(report.missing);
        if report.damaged_packets > 0 {
            notes.push(format!("{} packets could not be decoded", report.damaged_packets));
        }
        Ok(Converted { size, notes, bypassed: Bypassed::by(&plugins) })
    }
}

fn opened(file: File, name: &OsString) -> OpenedFile {
    OpenedFile { file: Arc::new(file), name: PathBuf::from(name) }
}

/// What of libav works on a video.
fn what_works(input: &Input, encoder: &str) -> String {
    let facts = input.facts();
    let video = input.best_video().ok();
    let codec = facts.streams.iter().find(|s| Some(s.index) == video).map(|s| s.codec.as_str());
    format!("the {} demuxer, the {} decoder, or {encoder}", facts.format, codec.unwrap_or("video"))
}

pub(super) fn refused(error: MediaError) -> Failure {
    match error.kind {
        MediaErrorKind::Cancelled | MediaErrorKind::OutOfMemory => Failure::System(error.message),
        MediaErrorKind::Denied => Failure::Unreadable(error.message),
        _ => Failure::File(error.message),
    }
}

/// Transparency of sixteen bits goes beside the frame, past the plugins.
fn check_alpha(picture: &Picture, before: (u32, u32)) -> Result<(), Failure> {
    let after = (picture.frame.width, picture.frame.height);
    match picture.alpha {
        Some(_) if after != before => Err(Failure::File(
            "transparency of 16 bits cannot follow a change of size; convert it to 8 bits first"
                .to_owned(),
        )),
        _ => Ok(()),
    }
}

/// The encoder for a container.
pub(super) fn encoder(format: &str) -> Result<String, Failure> {
    let codec = filmgate_av::default_encoder(format);
    Ok(filmgate_av::encoder_named(codec).map_err(PipelineError::from)?)
}
