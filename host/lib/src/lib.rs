//! filmgate: a native media host whose logic is swapped out by sandboxed WebAssembly plugins.
//!
//! This crate is the public library; it re-exports the crates `filmgate-core`, `-sys`, `-av`,
//! `-plugin`, `-picture`, `-engine`, `-join`, `-watch`, and `-cli`.
//!
//! # Encode
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
pub use filmgate_engine::encode::{Encoder, file};
pub use filmgate_engine::{encode, namer, pipeline, split};
pub use filmgate_join as join;
pub use filmgate_picture as picture;
pub use filmgate_plugin as plugin;
pub use filmgate_sys as sys;
pub use filmgate_watch as watch;
