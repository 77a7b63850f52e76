//! The program around a server: what it tells, and what it is told.

use std::net::SocketAddr;

use crate::error::ServeError;
use crate::settings::Settings;

/// Where a server stands.
#[derive(Clone, Copy, Debug)]
pub enum Stage {
    /// Requests are answered at this address. Told again after every reload.
    Ready(SocketAddr),
    /// Nothing more is accepted; requests in progress are finished.
    Stopping,
}

/// The program around a server.
pub trait Surroundings {
    /// Is told where the server stands.
    fn stage(&mut self, stage: Stage);

    /// Gives new settings when they are to be taken over; asked many times a second. Those that are
    /// wrong change nothing, and the log has the reason.
    fn reload(&mut self) -> Option<Result<Settings, ServeError>>;
}
