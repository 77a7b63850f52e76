//! The wasmtime engine that all plugins of a process share: how code is compiled and cached, the
//! clock behind the deadlines, and what is linked to a plugin.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tracing::{debug, warn};
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Cache, CacheConfig, Config, Store, UpdateDeadline};

use super::bindings::filter::FilterPlugin;
use super::frames;
use super::guest::Guest;
use super::limits::{HANDLES, HOSTCALL_BYTES, Limits};
use super::wasi;
use crate::cancel::Cancel;
use crate::frame::PlanePool;

/// How often running plugins are looked at. A deadline is kept to within two of these.
pub const TICK: Duration = Duration::from_millis(10);

/// Stack that a plugin's code may use; deeper recursion is a trap. Well below what any thread of
/// the host has.
const WASM_STACK: usize = 512 << 10;

/// Where compiled code is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeCache {
    /// `FILMGATE_CACHE_DIR`, or `filmgate` in `$XDG_CACHE_HOME` or `~/.cache`
    ForUser,
    In(PathBuf),
    Off,
}

impl CodeCache {
    /// Whether it can be used; makes the folder if it is not there. One that is switched off can.
    ///
    /// # Errors
    /// The reason, to follow the folder's name.
    pub fn check(&self) -> Result<(), String> {
        self.folder().map_or(Ok(()), |folder| private_folder(&folder))
    }

    /// The folder, or none: switched off, or nowhere to put it.
    pub fn folder(&self) -> Option<PathBuf> {
        let set = |name: &str| std::env::var_os(name).map(PathBuf::from);
        match self {
            CodeCache::Off => None,
            CodeCache::In(folder) => Some(folder.clone()),
            CodeCache::ForUser => match set("FILMGATE_CACHE_DIR") {
                Some(folder) if folder.as_os_str().is_empty() => None,
                Some(folder) => Some(folder),
                None => set("XDG_CACHE_HOME")
                    .filter(|p| p.is_absolute())
                    .or_else(|| {
                        set("HOME").filter(|p| p.is_absolute()).map(|home| home.join(".cache"))
                    })
                    .map(|cache| cache.join("filmgate")),
            },
        }
    }
}

/// Cheap to clone; the clones share everything.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    engine: wasmtime::Engine,
    linker: Linker<Guest>,
    pool: PlanePool,
    cancel: Cancel,
    /// dropped with the engine, which ends the ticker's thread
    _ticker: Mutex<Sender<()>>,
}

/// The engine could not be set up: a fault of the machine or of filmgate, not of a plugin.
#[derive(Debug, thiserror::Error)]
#[error("the plugin engine cannot be set up: {0}")]
pub struct EngineError(String);

impl Engine {
    /// `cancel` interrupts whatever plugin is running.
    pub fn new(cache: &CodeCache, cancel: &Cancel) -> Result<Engine, EngineError> {
        Engine::set_up(cache, cancel).map_err(|e| EngineError(format!("{e:#}")))
    }

    fn set_up(cache: &CodeCache, cancel: &Cancel) -> wasmtime::Result<Engine> {
        let mut config = Config::new();
        config
            .wasm_component_model(true)
            .concurrency_support(false)
            .epoch_interruption(true)
            .max_wasm_stack(WASM_STACK)
            .cache(cache.folder().and_then(|folder| open_cache(&folder)));
        let engine = wasmtime::Engine::new(&config)?;
        let mut linker = Linker::new(&engine);
        wasi::link(&mut linker)?;
        FilterPlugin::add_to_linker::<Guest, HasSelf<Guest>>(&mut linker, |guest| guest)?;
        frames::link_samples(&mut linker)?;
        let ticker = start_ticker(&engine)?;
        Ok(Engine(Arc::new(Inner {
            engine,
            linker,
            pool: PlanePool::new(),
            cancel: cancel.clone(),
            _ticker: Mutex::new(ticker),
        })))
    }

    /// The buffers that plugins' planes are taken from.
    pub fn pool(&self) -> &PlanePool {
        &self.0.pool
    }

    pub(super) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.engine
    }

    pub(super) fn linker(&self) -> &Linker<Guest> {
        &self.0.linker
    }

    /// A store for one instance of a plugin, with all limits in force.
    pub(super) fn store(&self, plugin: &str, limits: &Limits) -> Store<Guest> {
        let guest = Guest::new(plugin, limits, &self.0.pool, &self.0.cancel);
        let mut store = Store::new(&self.0.engine, guest);
        store.limiter(|guest| &mut guest.limiter);
        store.set_hostcall_fuel(HOSTCALL_BYTES);
        store.set_max_component_handles(HANDLES);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|store| {
            Ok(match store.data().is_over() {
                true => UpdateDeadline::Interrupt,
                false => UpdateDeadline::Continue(1),
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

/// Opens wasmtime's own cache of compiled code in a folder that nobody else can write to: what
/// lies in there is run as native code.
fn open_cache(folder: &Path) -> Option<Cache> {
    if let Err(reason) = private_folder(folder) {
        warn!(
            "plugins are compiled anew each time: the cache folder {} {reason}",
            folder.display()
        );
        return None;
    }
    let mut config = CacheConfig::new();
    config.with_directory(folder);
    match Cache::new(config) {
        Ok(cache) => Some(cache),
        Err(e) => {
            debug!("no cache of compiled plugins: {e:#}");
            None
        }
    }
}

fn private_folder(folder: &Path) -> Result<(), String> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|e| format!("cannot be made: {e}"))?;
    let facts = fs::metadata(folder).map_err(|e| format!("cannot be read: {e}"))?;
    let me = nix::unistd::geteuid().as_raw();
    if facts.uid() != me {
        return Err(format!("belongs to user {}, not to {me}", facts.uid()));
    }
    if facts.mode() & 0o022 != 0 {
        return Err("can be written to by others".to_owned());
    }
    Ok(())
}
