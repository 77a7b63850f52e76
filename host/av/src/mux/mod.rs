//! Muxing: containers and streaming servers written, packets remuxed.

pub(crate) mod address;
pub(crate) mod holds;
pub(crate) mod mux_io;
pub(crate) mod muxer;
pub(crate) mod network;
pub(crate) mod pieces;
pub(crate) mod remux;
pub(crate) mod targets;
pub(crate) mod template;
