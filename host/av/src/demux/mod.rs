//! Demuxing: containers opened and probed, their packets read.

pub(crate) mod display;
pub(crate) mod ending;
pub(crate) mod facts;
pub(crate) mod images;
pub(crate) mod jumps;
pub(crate) mod open;
pub(crate) mod packet;
pub(crate) mod quick;
pub(crate) mod seek;
pub(crate) mod shape;
pub(crate) mod source;
pub(crate) mod tail;
