//! The wasmtime engine that all plugins of a process share: the clock behind the deadlines, and what
//! is linked to a plugin. How code is compiled: [`super::code`].

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Store, UpdateDeadline};

use super::bindings::filter::FilterPlugin;
use super::code::cache::{Cache, CodeCache};
use super::code::{Compiler, wasmtime_engine};
use super::frames;
use super::guest::Guest;
use super::limits::{HANDLES, HOSTCALL_BYTES, Limits};
use super::wasi;
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::PlanePool;

/// How often running plugins are looked at. A deadline is kept to within two of these.
pub const TICK: Duration = Duration::from_millis(10);

/// Cheap to clone; the clones share everything.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    compiler: Compiler,
    linker: Linker<Guest>,
    pool: PlanePool,
    /// dropped with the engine, which ends the ticker's thread
    _ticker: Mutex<Sender<()>>,
}

/// The engine could not be set up: a fault of the machine or of filmgate, not of a plugin.
#[derive(Debug, thiserror::Error)]
#[error("the plugin engine cannot be set up: {0}")]
pub struct EngineError(String);

impl Engine {
    /// Planes that plugins write stand in buffers of `pool`, which the caller shares with whoever
    /// else makes frames. `cancel` interrupts whatever plugin is running.
    pub fn new(
        cache: &CodeCache,
        pool: &PlanePool,
        cancel: &Cancel,
    ) -> Result<Engine, EngineError> {
        Engine::set_up(cache, pool, cancel).map_err(|e| EngineError(format!("{e:#}")))
    }

    fn set_up(cache: &CodeCache, pool: &PlanePool, cancel: &Cancel) -> wasmtime::Result<Engine> {
        let engine = wasmtime_engine()?;
        let mut linker = Linker::new(&engine);
        wasi::link(&mut linker)?;
        FilterPlugin::add_to_linker::<Guest, HasSelf<Guest>>(&mut linker, |guest| guest)?;
        frames::link_samples(&mut linker)?;
        let ticker = start_ticker(&engine)?;
        Ok(Engine(Arc::new(Inner {
            compiler: Compiler {
                engine,
                cache: cache.folder().and_then(|folder| Cache::open(&folder)),
                cancel: cancel.clone(),
            },
            linker,
            pool: pool.clone(),
            _ticker: Mutex::new(ticker),
        })))
    }

    pub(super) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.compiler.engine
    }

    pub(super) fn compiler(&self) -> &Compiler {
        &self.0.compiler
    }

    pub(super) fn linker(&self) -> &Linker<Guest> {
        &self.0.linker
    }

    /// A store for one instance of a plugin, with all limits in force.
    pub(super) fn store(&self, plugin: &str, limits: &Limits) -> Store<Guest> {
        let guest = Guest::new(plugin, limits, &self.0.pool, &self.0.compiler.cancel);
        let mut store = Store::new(&self.0.compiler.engine, guest);
        store.limiter(|guest| &mut guest.limiter);
        store.set_hostcall_fuel(HOSTCALL_BYTES);
        store.set_max_component_handles(HANDLES);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|store| {
            Ok(if store.data().is_over() {
                UpdateDeadline::Interrupt
            } else {
                UpdateDeadline::Continue(1)
            })
        });
        store
    }
}

/// A thread that moves the engine's epoch on, every [`TICK`], until the sender is dropped.
fn start_ticker(engine: &wasmtime::Engine) -> std::io::Result<Sender<()>> {
    let (sender, receiver) = channel::<()>();
    let engine = engine.weak();
    thread::Builder::new().name("plugin clock".to_owned()).spawn(move || {
        while let Err(RecvTimeoutError::Timeout) = receiver.recv_timeout(TICK) {
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => break,
            }
        }
    })?;
    Ok(sender)
}
