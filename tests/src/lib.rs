//! What the end-to-end tests share: where the program, the plugins, the media and the outside
//! references are.

pub mod counted;
pub mod damaged;
pub mod hostile;
pub mod kills;
pub mod outside;
pub mod ports;
pub mod rtmp;
pub mod running;
pub mod shell;
pub mod tools;
pub mod trace;
