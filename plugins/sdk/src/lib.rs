//! Write [filmgate](https://github.com/filmgate/filmgate) plugins in Rust.
//!
//! A plugin is one type that implements one trait, and one line that exports it:
//!
//! | kind | trait | exported by | it decides |
//! |---|---|---|---|
//! | filter | [`Filter`] | [`export_filter!`] | what becomes of each picture |
//! | naming | [`Naming`] | [`export_naming!`] | how an output is called |
//! | ordering | [`Ordering`] | [`export_ordering!`] | in which order files are joined |
//!
//! A whole filter:
//!
//! ```
//! use filmgate_plugin::{
//!     Description, Error, Filter, FilterDescription, Frame, Parameter, Parameters, PixelFormat,
//!     StreamInfo,
//! };
//!
//! /// Every picture as its negative.
//! struct Negative {
//!     strength: u8,
//! }
//!
//! impl Filter for Negative {
//!     fn describe() -> FilterDescription {
//!         let about = Description::new("negative", env!("CARGO_PKG_VERSION"), "turns light to dark")
//!             .parameter(
//!                 Parameter::integer("strength", "how much of it is turned")
//!                     .range(0..=100)
//!                     .unit("%")
//!                     .default(100),
//!             );
//!         FilterDescription::parallel(about, [PixelFormat::Rgb24, PixelFormat::Gray8])
//!     }
//!
//!     fn configure(_input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
//!         Ok(Negative { strength: parameters.integer("strength")? as u8 })
//!     }
//!
//!     fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
//!         let strength = u32::from(self.strength);
//!         frame.edit_plane(0, |samples| {
//!             for sample in samples {
//!                 let light = u32::from(*sample);
//!                 *sample = ((light * (100 - strength) + (255 - light) * strength) / 100) as u8;
//!             }
//!         });
//!         Ok(frame.into())
//!     }
//! }
//!
//! filmgate_plugin::export_filter!(Negative);
//!
//! // Frames also exist outside WebAssembly, in plain memory, so a filter is tested like anything
//! // else:
//! let stream = StreamInfo::new(2, 1, PixelFormat::Gray8);
//! let parameters = Parameters::new([("strength", 100.into())]);
//! let mut filter = Negative::configure(&stream, &parameters)?;
//! let mut frame = Frame::new(&stream.frame(0, 0));
//! frame.set_plane(0, &[0, 200]);
//! assert_eq!(filter.process(frame)?[0].plane(0), [255, 55]);
//! # Ok::<(), Error>(())
//! ```
//!
//! The crate is a `cdylib`, compiled for `wasm32-unknown-unknown`; `filmgate plugin pack` makes a
//! component of what comes out:
//!
//! ```text
//! cargo build --release --target wasm32-unknown-unknown
//! filmgate plugin pack target/wasm32-unknown-unknown/release/negative.wasm -o negative.wasm
//! ```
//!
//! Three things make a filter fast. Ask only for the planes that are needed: each one is copied
//! into the plugin and out again, and a frame answered without having been asked costs nothing.
//! Say `parallel` where a frame's answer does not depend on other frames. And let hot loops do at
//! least 128 bytes a turn, because the host's deadline is checked at every turn (`simd` has what
//! is needed to do so by hand).
//!
//! A panic ends the plugin's instance. Its message goes to the host's log, at level `error`.

mod bindings;
mod description;
mod error;
mod filter;
mod format;
mod frame;
pub mod log;
mod naming;
mod ordering;
mod parameter;
mod parameters;
pub mod rows;
#[cfg(target_arch = "wasm32")]
pub mod simd;
mod slot;
mod stream;
mod tables;

pub use bindings::filter::filmgate::plugin::frames::{FrameInfo, Rational, StreamInfo};
pub use bindings::filter::filmgate::plugin::types::{Error, Property, Rgba as Color, Value};
pub use bindings::naming::exports::filmgate::plugin::naming::Request;
pub use bindings::naming::filmgate::plugin::media::Item;
pub use bindings::ordering::exports::filmgate::plugin::ordering::Placement;
pub use description::{Description, FilterDescription};
pub use filter::{Filter, Live};
pub use format::{Layout, PixelFormat, PlaneLayout};
pub use frame::{Band, Frame};
pub use naming::Naming;
pub use ordering::Ordering;
pub use parameter::{Kind, Parameter, kind};
pub use parameters::{FromValue, Parameters};
pub use tables::ColorTables;

/// The README's example compiles too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// What the export macros need to reach; no part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::bindings::{filter, live, naming, ordering};
    #[cfg(target_arch = "wasm32")]
    pub use crate::filter::glue as filter_glue;
    pub use crate::naming::glue as naming_glue;
    pub use crate::ordering::glue as ordering_glue;
    pub use crate::slot::Slot;
}
