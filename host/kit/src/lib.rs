//! The plugin author's kit: folders to begin with, builds in several languages, and packages in
//! registries. It runs compilers that the author installed, and needs no libav.
#![forbid(unsafe_code)]

pub mod build;
pub mod doctor;
mod error;
mod language;
mod manifest;
mod new;
pub mod registry;
pub mod testing;
mod text;
mod tools;

pub use error::KitError;
pub use language::{Kind, Language};
pub use manifest::Manifest;
pub use new::{New, create};
