//! What the end-to-end tests share: where the program, the plugins, the media and the outside
//! references are.

pub mod counted;
pub mod hostile;
pub mod outside;
pub mod rtmp;
pub mod shell;
pub mod trace;
