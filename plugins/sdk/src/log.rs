//! Messages for whoever runs or writes the plugin.
//!
//! The host cuts a message at 4 KiB and drops messages that come faster than it allows. Outside
//! WebAssembly they go to stderr.

use std::sync::Once;

pub use crate::bindings::filter::filmgate::plugin::log::Level;

/// What helps to find a mistake in the plugin; seen only by those who ask for it.
pub fn debug(message: impl AsRef<str>) {
    write(Level::Debug, message.as_ref());
}

/// What a user may want to know.
pub fn info(message: impl AsRef<str>) {
    write(Level::Info, message.as_ref());
}

/// Something is odd, but the plugin goes on.
pub fn warn(message: impl AsRef<str>) {
    write(Level::Warn, message.as_ref());
}

/// Something went wrong. Prefer to return an [`Error`](crate::Error) where that is possible.
pub fn error(message: impl AsRef<str>) {
    write(Level::Error, message.as_ref());
}

/// A message at a level chosen while running.
pub fn write(level: Level, message: &str) {
    #[cfg(target_arch = "wasm32")]
    crate::bindings::filter::filmgate::plugin::log::write(level, message);
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("{level:?}: {message}");
}

/// Sends the message of a panic to the log, since `wasm32-unknown-unknown` has no stderr and the
/// trap alone tells nobody what went wrong. The exported functions call it first.
pub(crate) fn report_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            let message = panic.payload_as_str().unwrap_or("for a reason that is no text");
            match panic.location() {
                Some(place) => error(format!("panicked at {place}: {message}")),
                None => error(format!("panicked: {message}")),
            }
        }));
    });
}
