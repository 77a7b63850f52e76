//! Pictures with opacity, laid over frames of any format.
//!
//! A [`Picture`] becomes a [`Layer`] once, when a filter is configured: its colours in the stream's
//! own format, weighted by their opacity. What is left to do for each frame is one multiplication
//! and one addition a sample, in the rows that the picture covers. Nothing here scales, or knows
//! file formats.

mod anchor;
mod color;
mod layer;
mod patch;
mod picture;

pub use anchor::Anchor;
pub use color::Colors;
pub use layer::Layer;
pub use picture::Picture;
