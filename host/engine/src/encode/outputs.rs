//! Where packets go: one encode, several outputs. Files and standard output are written by the
//! thread that encodes; what is on the network has a thread of its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tracing::error;

use super::backlog::Bounds;
use super::connection::Address;
use super::playlist::Playlist;
use super::push::{Item, KeyWanted, Push, PushSummary, Watched};
use crate::job::{Output, Target};
use crate::pipeline::PipelineError;
use filmgate_av::{EncodedPacket, MediaError, Muxer, Stdout, StreamTemplate, header_options};
use filmgate_core::cancel::Cancel;
use filmgate_core::publish::Aside;

/// What became of an output.
#[derive(Clone, Debug, Default)]
pub struct OutputSummary {
    pub name: String,
    /// of a file, or of a playlist with its pieces
    pub bytes: Option<u64>,
    /// of an output on the network
    pub push: Option<PushSummary>,
}

/// How outputs are served.
#[derive(Clone, Debug)]
pub struct Service {
    /// whether a file that is there may be replaced
    pub replace: bool,
    /// what may wait for a server
    pub bounds: Bounds,
    /// what connecting to a server, and one write to it, may take
    pub patience: Duration,
}

impl Default for Service {
    fn default() -> Service {
        let (bounds, patience) = (Bounds::default(), Duration::from_secs(10));
        Service { replace: false, bounds, patience }
    }
}

struct Local {
    muxer: Muxer,
    streams: Vec<usize>,
    /// where a file is to appear
    aside: Option<Aside>,
    /// the files of a playlist
    playlist: Option<Playlist>,
}

enum Kind {
    Local(Box<Local>),
    Push(Push),
    /// with what went wrong
    Failed(PipelineError),
}

struct One {
    name: String,
    kind: Kind,
}

/// All outputs of a job.
pub(super) struct Outputs {
    all: Vec<One>,
    /// somebody who is connected anew waits for a key frame
    key: KeyWanted,
}

impl Outputs {
    /// Begins all of them.
    ///
    /// # Errors
    /// Whatever can be wrong before the first packet. A server that is not there is nothing wrong.
    pub(super) fn begin(
        outputs: &[Output],
        templates: Vec<StreamTemplate>,
        service: &Service,
        hard: &Cancel,
    ) -> Result<Outputs, PipelineError> {
        let templates = Arc::new(templates);
        let key = KeyWanted::default();
        let mut all = Vec::with_capacity(outputs.len());
        // Files first: no server is to hear of a job that cannot begin.
        let local = |o: &&Output| !matches!(o.target, Target::Url(_));
        for output in outputs.iter().filter(local) {
            let kind = Kind::Local(Box::new(Local::begin(output, &templates, service, hard)?));
            all.push(One { name: output.target.name(), kind });
        }
        for output in outputs {
            let (name, Target::Url(url)) = (output.target.name(), &output.target) else { continue };
            fits(output, &templates)?;
            let address = Address {
                url: url.clone(),
                format: output.format.clone(),
                patience: service.patience,
            };
            let push = Push::start(address, Arc::clone(&templates), service.bounds, &key, hard)
                .map_err(PipelineError::System)?;
            all.push(One { name, kind: Kind::Push(push) });
        }
        Ok(Outputs { all, key })
    }

    /// Whether somebody needs a key frame, once.
    pub(super) fn wants_key(&self) -> bool {
        self.key.swap(false, std::sync::atomic::Ordering::Relaxed)
    }

    /// One packet to all of them. An output that fails is given up; the others go on.
    ///
    /// # Errors
    /// The first one's, when none is left.
    pub(super) fn write(
        &mut self,
        stream: usize,
        packet: &EncodedPacket,
    ) -> Result<(), PipelineError> {
        let mut failed = Vec::new();
        for one in &mut self.all {
            let result = match &mut one.kind {
                Kind::Local(local) => local.write(stream, packet),
                Kind::Push(push) => packet
                    .share()
                    .map_err(Into::into)
                    .map(|packet| push.push(Item { packet, stream })),
                Kind::Failed(_) => Ok(()),
            };
            if let Err(e) = result {
                one.kind = Kind::Failed(e);
                failed.push(one.name.clone());
            }
        }
        if failed.is_empty() {
            return Ok(());
        }
        if self.all.iter().all(|one| matches!(one.kind, Kind::Failed(_))) {
            return Err(self.first_failure());
        }
        for name in failed {
            error!("{name}: given up; the other outputs go on");
        }
        Ok(())
    }

    fn first_failure(&mut self) -> PipelineError {
        let first = self.all.drain(..).find_map(|one| match one.kind {
            Kind::Failed(e) => Some(e),
            _ => None,
        });
        first.unwrap_or_else(|| PipelineError::System("there is no output".to_owned()))
    }

    /// The outputs on the network, for whoever watches them.
    pub(super) fn pushes(&self) -> Vec<Watched> {
        let one = |one: &One| match &one.kind {
            Kind::Push(push) => Some(push.watch(&one.name)),
            _ => None,
        };
        self.all.iter().filter_map(one).collect()
    }

    /// Ends all of them: files get their names, servers what still waits for them, within
    /// `patience`. The first failure beside the summaries.
    pub(super) fn finish(self, patience: Duration) -> (Vec<OutputSummary>, Option<PipelineError>) {
        for one in &self.all {
            if let Kind::Push(push) = &one.kind {
                push.end(patience);
            }
        }
        let (mut summaries, mut failure) = (Vec::new(), None);
        for One { name, kind } in self.all {
            let mut summary = OutputSummary { name, ..OutputSummary::default() };
            match kind {
                Kind::Local(local) => match local.finish() {
                    Ok(bytes) => summary.bytes = bytes,
                    Err(e) => failure = failure.or(Some(e)),
                },
                Kind::Push(push) => summary.push = Some(push.join()),
                Kind::Failed(e) => failure = failure.or(Some(e)),
            }
            summaries.push(summary);
        }
        (summaries, failure)
    }
}

/// Finds out before anybody is connected to whether the container holds the streams.
fn fits(output: &Output, templates: &[StreamTemplate]) -> Result<(), PipelineError> {
    if Muxer::opens_itself(&output.format) {
        return Ok(());
    }
    let nowhere = Box::new(std::io::Cursor::new(Vec::new()));
    let mut muxer = Muxer::stream(&output.format, nowhere, Path::new(&output.target.name()))?;
    templates.iter().try_for_each(|t| muxer.add_stream(t).map(drop))?;
    Ok(())
}

/// An error of a muxer, with the file that it is about where it writes several.
fn explained(playlist: Option<&Playlist>, error: MediaError) -> PipelineError {
    match playlist {
        Some(playlist) => playlist.explain(error),
        None => error.into(),
    }
}

impl Local {
    fn begin(
        output: &Output,
        templates: &[StreamTemplate],
        service: &Service,
        hard: &Cancel,
    ) -> Result<Local, PipelineError> {
        let format = &*output.format;
        let name = output.target.name();
        let unusable = |e| PipelineError::System(format!("{name}: cannot be opened: {e}"));
        let mut playlist = None;
        let (mut muxer, aside) = match &output.target {
            Target::File(path) | Target::Images(path) => {
                let aside = Aside::create(path, service.replace)?;
                let file = aside.file().map_err(unusable)?;
                (Muxer::create(format, Box::new(file), aside.target())?, Some(aside))
            }
            Target::Playlist(path) => {
                let (files, muxer) = Playlist::begin(path, service.replace)?;
                playlist = Some(files);
                (muxer, None)
            }
            Target::Stdout | Target::Url(_) => {
                let stdout = Stdout::new(hard).map_err(unusable)?;
                (Muxer::stream(format, Box::new(stdout), Path::new(&name))?, None)
            }
        };
        let streams = templates.iter().map(|t| muxer.add_stream(t)).collect::<Result<_, _>>()?;
        let mut options = header_options(format, aside.is_some());
        options.retain(|(key, _)| !output.options.iter().any(|(own, _)| own == key));
        options.extend(output.options.iter().cloned());
        muxer.write_header(&options).map_err(|e| explained(playlist.as_ref(), e))?;
        Ok(Local { muxer, streams, aside, playlist })
    }

    fn write(&mut self, stream: usize, packet: &EncodedPacket) -> Result<(), PipelineError> {
        match self.streams.get(stream) {
            Some(stream) => {
                let written = self.muxer.write_encoded(*stream, packet.share()?);
                written.map_err(|e| explained(self.playlist.as_ref(), e))
            }
            None => Ok(()),
        }
    }

    /// How many bytes it has, where it is a file or a playlist with its pieces.
    fn finish(self) -> Result<Option<u64>, PipelineError> {
        let playlist = self.playlist.as_ref();
        let mut sink = self.muxer.finish().map_err(|e| explained(playlist, e))?;
        if let Some(playlist) = playlist {
            return Ok(Some(playlist.sync()?));
        }
        let Some(aside) = self.aside else { return Ok(None) };
        let bytes = sink.seek(std::io::SeekFrom::End(0)).unwrap_or(0);
        drop(sink);
        aside.publish()?;
        Ok(Some(bytes))
    }
}
