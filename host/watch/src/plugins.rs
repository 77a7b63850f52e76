//! The plugins of a watch, which may change while it runs: a file that changes on disk is loaded
//! anew, and one that does not load leaves the old in place.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tracing::{info, warn};

use super::identity::Identity;
use filmgate_plugin::Supervisor;

/// Loads the plugins as the user named them.
pub type Loader = Box<dyn Fn() -> Result<Vec<Arc<Supervisor>>, String> + Send + Sync>;

/// A set of plugins that pictures go through.
pub struct Plugins {
    /// rises with every new set
    pub generation: u64,
    pub chain: Vec<Arc<Supervisor>>,
}

/// The current set, and the way to the next one.
pub struct PluginSet {
    load: Loader,
    current: RwLock<Arc<Plugins>>,
    /// the files as they were when the last set was tried
    files: Mutex<Vec<(PathBuf, Option<Identity>)>>,
}

impl PluginSet {
    /// `first` was loaded already; `load` makes the sets after it.
    pub fn new(first: Vec<Arc<Supervisor>>, load: Loader) -> PluginSet {
        let files = Mutex::new(files(&first));
        let current = RwLock::new(Arc::new(Plugins { generation: 0, chain: first }));
        PluginSet { load, current, files }
    }

    /// What the next picture goes through.
    pub fn current(&self) -> Arc<Plugins> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Loads the set anew if a file of it has changed, or in any case. Work goes on meanwhile.
    pub fn refresh(&self, in_any_case: bool) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let now: Vec<_> = files.iter().map(|(p, _)| (p.clone(), identity(p))).collect();
        if !in_any_case && now == *files {
            return;
        }
        // Tried once for each change: a bad file is complained of once.
        *files = now;
        match (self.load)() {
            Ok(chain) => {
                *files = self::files(&chain);
                let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
                let generation = current.generation + 1;
                *current = Arc::new(Plugins { generation, chain });
                info!("the plugins were loaded anew");
            }
            Err(e) => warn!("the plugins stay as they are, since the new ones do not load: {e}"),
        }
    }
}

fn files(chain: &[Arc<Supervisor>]) -> Vec<(PathBuf, Option<Identity>)> {
    chain.iter().map(|s| (s.plugin().path.clone(), identity(&s.plugin().path))).collect()
}

fn identity(path: &PathBuf) -> Option<Identity> {
    fs::metadata(path).ok().map(|facts| Identity::of(&facts))
}
