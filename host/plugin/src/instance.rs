//! A live instance: a store of its own, entered only through [`Instance::call`], which keeps the
//! deadline and puts a name to whatever goes wrong.

use tracing::debug;
use wasmtime::{Store, Trap};
use wasmtime_wasi::I32Exit;

use super::engine::Engine;
use super::error::{Failure, PluginError};
use super::guest::{Guest, Misuse};
use super::limits::{HOSTCALL_BYTES, Limits};
use super::log::harmless;
use filmgate_core::frame::PixelFormat;

/// The longest text of a guest that goes into an error message, in bytes.
const TEXT_BYTES: usize = 1000;

pub(super) struct Instance {
    store: Store<Guest>,
    plugin: String,
    limits: Limits,
    /// whether it broke; it is not entered again then
    over: bool,
}

impl Instance {
    pub(super) fn new(engine: &Engine, plugin: &str, limits: &Limits) -> Instance {
        Instance {
            store: engine.store(plugin, limits),
            plugin: plugin.to_owned(),
            limits: limits.clone(),
            over: false,
        }
    }

    pub(super) fn guest(&mut self) -> &mut Guest {
        self.store.data_mut()
    }

    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Lets it hand over one plane, of any format, of a picture of this size.
    pub(super) fn expect_pictures(&mut self, width: u32, height: u32) {
        // The largest plane that there is: three samples of two bytes interleaved.
        let plane = PixelFormat::Rgb48.frame_bytes(width, height).min(self.limits.memory);
        self.store.set_hostcall_fuel(plane.max(HOSTCALL_BYTES));
    }

    /// Bytes that its memories and tables take now.
    pub(super) fn memory(&self) -> usize {
        self.store.data().limiter.used()
    }

    /// Runs `call` within the deadline. `doing` says what the plugin was asked to do, for the
    /// error message. After an error, and after [`Instance::misuse`], nothing is run any more.
    pub(super) fn call<R>(
        &mut self,
        doing: impl FnOnce() -> String,
        call: impl FnOnce(&mut Store<Guest>) -> wasmtime::Result<R>,
    ) -> Result<R, PluginError> {
        if self.over {
            let plugin = self.plugin.clone();
            return Err(PluginError::Failed { plugin, doing: doing(), failure: Failure::Over });
        }
        let limit = self.limits.deadline;
        self.store.data_mut().start_call(limit);
        let result = call(&mut self.store);
        self.over = result.is_err();
        result.map_err(|e| self.explain(doing(), &e))
    }

    /// An error that the guest answered with, by the contract.
    pub(super) fn refusal(
        &self,
        doing: String,
        error: super::bindings::types::Error,
    ) -> PluginError {
        use super::bindings::types::Error;
        let plugin = self.plugin.clone();
        match error {
            Error::InvalidParameter(m) => {
                PluginError::Parameter { plugin, reason: harmless(&m, TEXT_BYTES) }
            }
            Error::Unsupported(m) | Error::Failed(m) => {
                PluginError::Refused { plugin, doing, message: harmless(&m, TEXT_BYTES) }
            }
        }
    }

    /// The guest's answer broke a rule, which ends the instance.
    pub(super) fn misuse(&mut self, doing: String, reason: String) -> PluginError {
        self.over = true;
        PluginError::Failed { plugin: self.plugin.clone(), doing, failure: Failure::Misuse(reason) }
    }

    fn explain(&self, doing: String, error: &wasmtime::Error) -> PluginError {
        debug!(target: "plugin", "{}: {error:?}", self.plugin);
        let guest = self.store.data();
        let plugin = self.plugin.clone();
        let said =
            guest.log.take_complaint().map(|c| format!(" (it said: {c})")).unwrap_or_default();
        let cause = format!("{}{said}", harmless(&error.root_cause().to_string(), TEXT_BYTES));
        let failure = match (error.downcast_ref::<Trap>(), error.downcast_ref::<Misuse>()) {
            (Some(Trap::Interrupt), _) if guest.cancel.is_cancelled() => {
                return PluginError::Cancelled { plugin };
            }
            (Some(Trap::Interrupt), _) => Failure::Deadline(self.limits.deadline),
            (_, Some(misuse)) => Failure::Misuse(format!("{misuse}{said}")),
            _ if guest.limiter.refused => Failure::Memory(self.limits.memory),
            (Some(_), _) => Failure::Trap(cause),
            _ => match error.downcast_ref::<I32Exit>() {
                Some(exit) => Failure::Trap(format!("ended itself with status {}{said}", exit.0)),
                // What wasmtime asks of the system by itself; guests cannot cause such errors.
                None if cause.contains("(os error ") => {
                    return PluginError::Machine { plugin, doing, reason: cause };
                }
                None => Failure::Misuse(cause),
            },
        };
        PluginError::Failed { plugin, doing, failure }
    }
}
