//! What the host keeps for one instance of a plugin: its limits, its log, its frames, and an
//! empty WASI.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::bindings::{log as log_bindings, types};
use super::held::{HeldFrame, Make, Source};
use super::limits::{Limiter, Limits};
use super::log::{Level, PluginLog};
use super::wasi;
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::PlanePool;

/// A plugin broke a rule of the contract: the call traps with this, and the instance ends.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Misuse(pub(super) String);

/// The data of one wasmtime store.
pub(super) struct Guest {
    pub(super) frames: Frames,
    pub(super) limiter: Limiter,
    pub(super) log: PluginLog,
    /// how planes of frames that the plugin makes or sets come into being
    pub(super) make: Make,
    pub(super) cancel: Cancel,
    /// when the running call has to have returned
    deadline: Option<Instant>,
    wasi: WasiCtx,
    table: ResourceTable,
}

impl Guest {
    pub(super) fn new(plugin: &str, limits: &Limits, pool: &PlanePool, cancel: &Cancel) -> Guest {
        let log = PluginLog::new(plugin);
        Guest {
            frames: Frames::new(limits),
            limiter: Limiter::new(limits.memory),
            wasi: wasi::context(&log, &limits.grants),
            table: ResourceTable::new(),
            log,
            make: Make { pool: pool.clone(), full_range: false },
            cancel: cancel.clone(),
            deadline: None,
        }
    }

    pub(super) fn start_call(&mut self, limit: Duration) {
        self.deadline = Instant::now().checked_add(limit);
        // What was refused in a call before, and borne, does not explain a trap in this one.
        self.limiter.refused = false;
    }

    /// Whether the running call has to be stopped now.
    pub(super) fn is_over(&self) -> bool {
        self.cancel.is_cancelled() || self.deadline.is_some_and(|d| Instant::now() >= d)
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl types::Host for Guest {}

impl log_bindings::Host for Guest {
    fn write(&mut self, level: log_bindings::Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            log_bindings::Level::Debug => Level::Debug,
            log_bindings::Level::Info => Level::Info,
            log_bindings::Level::Warn => Level::Warn,
            log_bindings::Level::Error => Level::Error,
        };
        self.log.write(level, &message);
        Ok(())
    }
}

/// The frames of which an instance has handles. A handle's number is its place in here.
pub(super) struct Frames {
    slots: Vec<Option<HeldFrame>>,
    most: usize,
    most_bytes: usize,
}

impl Frames {
    fn new(limits: &Limits) -> Frames {
        Frames { slots: Vec::new(), most: limits.frames, most_bytes: limits.memory }
    }

    fn held(&self) -> impl Iterator<Item = &HeldFrame> {
        self.slots.iter().flatten()
    }

    /// Whether one more frame of `bytes` may be held.
    pub(super) fn check_room(&self, bytes: usize) -> Result<(), Misuse> {
        let count = self.held().count() + usize::from(bytes > 0);
        if count > self.most {
            return Err(Misuse(format!("holds more than {} frames", self.most)));
        }
        let total = self.held().map(HeldFrame::bytes).sum::<usize>().saturating_add(bytes);
        if total > self.most_bytes {
            return Err(Misuse(format!(
                "holds more than {} MiB of frames; --memory sets how much it may hold",
                self.most_bytes >> 20
            )));
        }
        Ok(())
    }

    pub(super) fn hold(&mut self, frame: HeldFrame) -> Result<Resource<HeldFrame>, Misuse> {
        self.check_room(frame.bytes())?;
        let slot = match self.slots.iter().position(Option::is_none) {
            Some(slot) => slot,
            None => {
                self.slots.push(None);
                self.slots.len() - 1
            }
        };
        self.slots[slot] = Some(frame);
        Ok(Resource::new_own(u32::try_from(slot).unwrap_or(u32::MAX)))
    }

    pub(super) fn get(&self, handle: &Resource<HeldFrame>) -> Result<&HeldFrame, Misuse> {
        self.slots.get(handle.rep() as usize).and_then(Option::as_ref).ok_or_else(unknown)
    }

    pub(super) fn get_mut(
        &mut self,
        handle: &Resource<HeldFrame>,
    ) -> Result<&mut HeldFrame, Misuse> {
        self.slots.get_mut(handle.rep() as usize).and_then(Option::as_mut).ok_or_else(unknown)
    }

    pub(super) fn take(&mut self, handle: &Resource<HeldFrame>) -> Result<HeldFrame, Misuse> {
        self.slots.get_mut(handle.rep() as usize).and_then(Option::take).ok_or_else(unknown)
    }

    /// The pictures of the host's that are still held, or clones of them, each once, in the
    /// order in which they were handed in.
    pub(super) fn sources(&self) -> Vec<Arc<Source>> {
        let mut all: Vec<Arc<Source>> =
            self.held().filter_map(|held| held.source().cloned()).collect();
        all.sort_by_key(|source| source.turn);
        all.dedup_by_key(|source| source.turn);
        all
    }

    /// Forgets everything that is still held.
    pub(super) fn clear(&mut self) {
        self.slots.clear();
    }
}

fn unknown() -> Misuse {
    Misuse("used a frame that it does not have".to_owned())
}
