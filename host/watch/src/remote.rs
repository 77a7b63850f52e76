//! Conversion in worker processes: what the watch asks of them, and what they do.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::process::ExitCode;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::warn;

use super::convert::{Converted, ImageJob, Tools, VideoJob};
use super::failure::Failure;
use super::plugins::PluginChain;
use super::stats::Stats;
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::PlanePool;
use filmgate_picture::PICTURE_BYTES;
use filmgate_plugin::{CodeCache, Engine, take_over};
use filmgate_worker::{Answer, Cause, Crash, Handler, Job, Parent, Pool, RunError, unnamed_file};

/// How long an image may take where nothing else is said.
const IMAGE_TIME: Duration = Duration::from_mins(10);

/// A job, with its files: the plugins, what is read, what is written.
#[derive(Serialize, Deserialize)]
struct Request {
    /// of the plugins, which are read again when it changes
    generation: u64,
    what: What,
}

#[derive(Serialize, Deserialize)]
enum What {
    Image(ImageJob),
    Video(VideoJob),
}

#[derive(Serialize, Deserialize)]
enum Reply {
    Converted(Converted),
    /// the plugins returned nothing
    Dropped,
    /// it could not be written, for this error of the system
    Unwritten(Converted, i32),
    Failed(Failure),
}

/// Why a file was not converted by a worker.
pub(super) enum Broken {
    Failed(Failure),
    /// the worker's end, twice unless it took too long
    Crashed(Crash),
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Broken {
        Broken::Failed(failure)
    }
}

/// The parent's side.
pub(super) struct Remote {
    pool: Pool,
    timeout: Option<Duration>,
}

/// An image that was converted, in a file, or why it could not be written there.
pub(super) type Written = (Converted, io::Result<File>);

impl Remote {
    pub(super) fn new(pool: Pool, timeout: Option<Duration>) -> Remote {
        Remote { pool, timeout }
    }

    pub(super) fn image(
        &self,
        plugins: &PluginChain,
        job: ImageJob,
        input: &File,
        number: &mut dyn FnMut() -> u64,
        stats: &Stats,
    ) -> Result<Option<Written>, Broken> {
        let request = Request { generation: plugins.generation, what: What::Image(job) };
        let deadline = Some(self.timeout.unwrap_or(IMAGE_TIME));
        let run = |fresh| {
            let output = unnamed_file().map_err(system)?;
            let reply = self.run(plugins, &request, (input, &output), deadline, fresh, number);
            reply.map(|reply| (reply, output))
        };
        match twice(run, stats)? {
            (Reply::Converted(converted), output) => Ok(Some((converted, Ok(output)))),
            (Reply::Unwritten(converted, code), _) => {
                Ok(Some((converted, Err(io::Error::from_raw_os_error(code)))))
            }
            (Reply::Dropped, _) => Ok(None),
            (Reply::Failed(failure), _) => Err(failure.into()),
        }
    }

    pub(super) fn video(
        &self,
        plugins: &PluginChain,
        job: VideoJob,
        (input, output): (&File, &File),
        stats: &Stats,
    ) -> Result<Converted, Broken> {
        let request = Request { generation: plugins.generation, what: What::Video(job) };
        let run = |fresh| {
            output.set_len(0).map_err(system)?;
            let number = &mut || 0;
            self.run(plugins, &request, (input, output), self.timeout, fresh, number)
        };
        match twice(run, stats)? {
            Reply::Converted(converted) => Ok(converted),
            Reply::Failed(failure) => Err(failure.into()),
            Reply::Dropped | Reply::Unwritten(..) => {
                Err(Failure::System("a worker process answered another question".to_owned()).into())
            }
        }
    }

    fn run(
        &self,
        plugins: &PluginChain,
        request: &Request,
        (input, output): (&File, &File),
        deadline: Option<Duration>,
        fresh: bool,
        number: &mut dyn FnMut() -> u64,
    ) -> Result<Reply, RunError> {
        let handed = plugins.handed().map_err(|e| RunError::System(e.to_string()))?;
        let files = [handed.as_fd(), input.as_fd(), output.as_fd()];
        let what = serde_json::to_value(request).map_err(|e| RunError::System(e.to_string()))?;
        let job = Job { what, files: &files, deadline, fresh };
        let mut on_ask = |_| Answer { value: json!(number()), files: Vec::new() };
        // The user's stop ends the watch between two files.
        self.pool.run(&job, &mut on_ask, &Cancel::new())
    }
}

fn system(error: io::Error) -> RunError {
    RunError::System(error.to_string())
}

/// Runs a job, and after a crash once more, in a worker that had no job before.
fn twice<T>(mut run: impl FnMut(bool) -> Result<T, RunError>, stats: &Stats) -> Result<T, Broken> {
    let mut fresh = false;
    loop {
        match run(fresh) {
            Ok(done) => return Ok(done),
            Err(RunError::Crashed(crash)) => {
                stats.crashed(&crash.cause.label());
                if fresh || matches!(crash.cause, Cause::Deadline(_)) {
                    return Err(Broken::Crashed(crash));
                }
                warn!("{crash}; the file is tried once more");
                fresh = true;
            }
            Err(e) => return Err(Failure::System(e.to_string()).into()),
        }
    }
}

/// The worker's side.
struct Converter {
    pool: PlanePool,
    cancel: Cancel,
    engine: Option<Engine>,
    /// with the generation of its plugins
    tools: Option<(u64, Tools)>,
}

/// Serves a watch in another process, whose id is `parent`; `lock_in` closes this process off before
/// anything of a file is read.
pub fn serve_parent(
    parent: Option<&str>,
    lock_in: impl FnOnce() -> Result<(), String>,
) -> ExitCode {
    let (pool, cancel) = (PlanePool::new(), Cancel::new());
    let mut converter = Converter { pool, cancel, engine: None, tools: None };
    filmgate_worker::serve(parent, lock_in, &mut converter)
}

impl Handler for Converter {
    fn work(&mut self, job: Value, files: Vec<OwnedFd>, parent: &mut Parent) -> Value {
        let reply = self.convert(job, files, parent).unwrap_or_else(Reply::Failed);
        serde_json::to_value(reply).unwrap_or_default()
    }
}

impl Converter {
    fn convert(
        &mut self,
        job: Value,
        files: Vec<OwnedFd>,
        parent: &mut Parent,
    ) -> Result<Reply, Failure> {
        let wrong = |what: &dyn std::fmt::Display| Failure::System(format!("a wrong job: {what}"));
        let request: Request = serde_json::from_value(job).map_err(|e| wrong(&e))?;
        let files: [OwnedFd; 3] = files.try_into().map_err(|_| wrong(&"its files"))?;
        let [handed, input, output] = files.map(File::from);
        let tools = self.tools(request.generation, &handed)?;
        match request.what {
            What::Image(job) => image(tools, &job, &input, &output, parent),
            What::Video(job) => {
                let stage = &mut |text: &str| parent.stage(text);
                tools.video(&job, input, output, stage).map(Reply::Converted)
            }
        }
    }

    /// The tools with the plugins of this generation.
    fn tools(&mut self, generation: u64, handed: &File) -> Result<&mut Tools, Failure> {
        if self.tools.as_ref().is_none_or(|(known, _)| *known != generation) {
            self.tools = None;
            let failed = |e: &dyn std::fmt::Display| Failure::System(e.to_string());
            let engine = match &self.engine {
                Some(engine) => engine,
                None => {
                    let engine = Engine::new(&CodeCache::Off, &self.pool, &self.cancel);
                    self.engine.insert(engine.map_err(|e| failed(&e))?)
                }
            };
            let mut from = FromStart { file: handed, at: 0 };
            let plugins = take_over(engine, &mut from, &self.cancel).map_err(|e| failed(&e))?;
            self.tools = Some((generation, Tools::new(&plugins, &self.pool)));
        }
        let missing = || Failure::System("no plugins".to_owned());
        self.tools.as_mut().map(|(_, tools)| tools).ok_or_else(missing)
    }
}

fn image(
    tools: &mut Tools,
    job: &ImageJob,
    input: &File,
    mut output: &File,
    parent: &mut Parent,
) -> Result<Reply, Failure> {
    let mut bytes = Vec::new();
    let from = FromStart { file: input, at: 0 };
    from.take(PICTURE_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|e| Failure::of_reading("cannot be read", &e))?;
    // Both speak to the parent, one after the other.
    let parent = std::cell::RefCell::new(parent);
    let mut number = || {
        let answer = parent.borrow_mut().ask(Value::Null);
        answer.ok().and_then(|(value, _)| value.as_u64()).unwrap_or(0)
    };
    let done = tools.image(job, &bytes, &mut number, &mut |text| parent.borrow_mut().stage(text));
    let converted = match done {
        Ok(converted) => converted,
        Err(failure) => {
            tools.renew();
            return Err(failure);
        }
    };
    let Some((converted, encoded)) = converted else { return Ok(Reply::Dropped) };
    Ok(match output.write_all(&encoded) {
        Ok(()) => Reply::Converted(converted),
        Err(e) => Reply::Unwritten(converted, e.raw_os_error().unwrap_or(nix::libc::EIO)),
    })
}

/// Reads a file from its start, whatever its position is and whoever else moves it.
struct FromStart<'a> {
    file: &'a File,
    at: u64,
}

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}
