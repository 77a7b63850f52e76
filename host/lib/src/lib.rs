//! filmgate: a native media host whose logic is swapped out by sandboxed WebAssembly plugins.
//!
//! This crate is the public library; it re-exports the crates `filmgate-core`, `-sys`, `-av`,
//! `-plugin`, `-picture`, `-engine`, `-join`, `-watch`, `-serve`, and `-cli`.
//!
//! # Jobs: run, encode, split, frame
//!
//! A [`JobSpec`] says everything about a job; [`prepare`] checks it and connects its parts, of
//! which nothing has run yet. Each verb is a description of its own:
//!
//! ```no_run
//! use filmgate::cancel::Cancel;
//! use filmgate::engine::Surroundings;
//! use filmgate::engine::graph::Progress;
//! use filmgate::{JobSpec, Outcome, Verb, prepare};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let of = |verb, input: &str, output: &str| JobSpec {
//!     verb,
//!     input: vec![input.into()],
//!     output: vec![output.into()],
//!     plugin: vec!["emboss".parse().expect("a name")],
//!     ..JobSpec::default()
//! };
//! let run = JobSpec { crf: Some("20".parse()?), ..of(Verb::Run, "holiday.mp4", "embossed.mkv") };
//! let split = JobSpec { fps: Some("2".parse()?), ..of(Verb::Split, "rtsp://camera/1", "frames") };
//! let frame = JobSpec { at: Some("1:02.5".parse()?), ..of(Verb::Frame, "holiday.mp4", "one.png") };
//! let encode = of(Verb::Encode, "in.y4m", "rtmp://server/live/key");
//! for spec in [run, split, frame, encode] {
//!     let job = prepare(&spec, &Surroundings::default(), &Cancel::new())?;
//!     let done = job.run(&Progress::default());
//!     if let Some(error) = done.error {
//!         return Err(error.into());
//!     }
//!     assert_ne!(done.report.outcome(), Outcome::Lost);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Join
//!
//! ```no_run
//! use filmgate::cancel::Cancel;
//! use filmgate::collide::Files;
//! use filmgate::engine::graph::Progress;
//! use filmgate::join::{JoinSpec, prepare};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let spec = JoinSpec {
//!     input: vec!["1.mp4".into(), "2.mp4".into()],
//!     output: Some("joined.mp4".into()),
//!     ..JoinSpec::default()
//! };
//! let cancel = Cancel::new();
//! let prepared = prepare(&spec, Files::default(), &cancel)?;
//! prepared.begin()?;
//! let joined = prepared.run(&Progress::default())?;
//! assert!(!joined.finish()?.is_partial());
//! # Ok(())
//! # }
//! ```
//!
//! # Watch
//!
//! ```no_run
//! use filmgate::cancel::Cancel;
//! use filmgate::collide::Files;
//! use filmgate::watch::{Hooks, WatchSpec, prepare};
//!
//! # fn watched(reporter: &dyn filmgate::watch::Reporter) -> Result<(), Box<dyn std::error::Error>> {
//! let spec = WatchSpec {
//!     folder: Some("incoming".into()),
//!     output: Some("done".into()),
//!     once: true,
//!     ..WatchSpec::default()
//! };
//! let (cancel, stop) = (Cancel::new(), Cancel::new());
//! let prepared = prepare(&spec, Files::default(), &cancel)?;
//! let hooks = Hooks {
//!     reporter,
//!     events: None,
//!     reload: Default::default(),
//!     command: Vec::new(),
//! };
//! prepared.run(hooks, &stop)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Frames in memory
//!
//! Encode frames that a program has in memory, to files and streaming servers:
//!
//! ```no_run
//! use filmgate::frame::Rational;
//! use filmgate::{Encoder, file};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let rate = Rational { num: 25, den: 1 };
//! let mut encoder = Encoder::start((1280, 720), "bgr24", rate, vec![file("out.mp4")?])?;
//! let mut frame = vec![0; encoder.frame_bytes()];
//! for number in 0..100u8 {
//!     frame.fill(number);
//!     encoder.write(&frame)?;
//! }
//! encoder.finish()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Plugins
//!
//! Run a plugin on frames of one's own, without libav:
//!
//! ```no_run
//! use std::path::Path;
//!
//! use filmgate::cancel::Cancel;
//! use filmgate::frame::{Color, Frame, PixelFormat, Plane, PlanePool, Rational, StreamInfo};
//! use filmgate::plugin::{CodeCache, Engine, Filter, Limits, Plugin};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pool = PlanePool::new();
//! let engine = Engine::new(&CodeCache::ForUser, &pool, &Cancel::new())?;
//! let plugin = Plugin::load(&engine, Path::new("emboss.wasm"), &Limits::default())?;
//! let format = PixelFormat::Gray8;
//! let stream = StreamInfo {
//!     format,
//!     width: 64,
//!     height: 48,
//!     frame_rate: Some(Rational { num: 25, den: 1 }),
//!     sample_aspect: Rational { num: 1, den: 1 },
//!     color: Color::default(),
//! };
//! let mut filter = Filter::start(&plugin, &stream, &[])?;
//! let size = format.plane_size(0, 64, 48).ok_or("one plane")?;
//! let frame = Frame {
//!     format,
//!     width: 64,
//!     height: 48,
//!     planes: vec![Plane::packed(vec![128; size.bytes()], size)?],
//!     index: 0,
//!     timestamp: 0,
//!     duration: None,
//!     tags: None,
//!     baggage: None,
//! };
//! for changed in filter.process(frame)? {
//!     println!("{changed:?}");
//! }
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

pub use filmgate_av as media;
pub use filmgate_cli as commands;
pub use filmgate_core::{backoff, cancel, clock, collide, digest, frame, publish, time, url};
pub use filmgate_engine as engine;
pub use filmgate_engine::spec::{JobSpec, Verb};
pub use filmgate_engine::{Encoder, Outcome, Report, file, prepare};
pub use filmgate_join as join;
pub use filmgate_picture as picture;
pub use filmgate_plugin as plugin;
pub use filmgate_serve as serve;
pub use filmgate_sys as sys;
pub use filmgate_watch as watch;
pub use filmgate_worker as worker;
