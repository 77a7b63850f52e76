//! filmgate: a native media host whose logic is swapped out by sandboxed WebAssembly plugins.
//!
//! The rooms, from the top floor to the ground; arrows go down only:
//! `commands` → `pipeline` → `media`, `plugin`, `pictures` → `frame`, `publish`, `cancel`.
//! `media` and `plugin` do not know each other: `pipeline` introduces them, with a plain
//! [`frame::Frame`].

pub mod backoff;
pub mod cancel;
pub mod collide;
pub mod commands;
pub mod encode;
pub mod frame;
pub mod join;
pub mod media;
pub mod namer;
pub mod picture;
pub mod pipeline;
pub mod plugin;
mod pool;
pub mod publish;
pub mod split;
pub mod url;
pub mod watch;
