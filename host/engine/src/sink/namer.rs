//! Where an output gets its name: a naming policy is asked until it gives one that nobody has, and
//! that name is reserved until the output is published.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use filmgate_core::publish::{self, PublishError};
use filmgate_plugin::{Naming, Plugin, PluginError, Request, Value};

/// How often a policy is asked for another name before the output is refused.
const ATTEMPTS: u32 = 1000;

/// Why an output has no name.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    #[error(transparent)]
    Plugin(#[from] PluginError),
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// the policy knows no other name
    #[error("the name {} is taken, and the naming policy `{policy}` gives no other", .path.display())]
    Taken { path: PathBuf, policy: String },
}

/// Names outputs below one folder. Shared by all threads of a job.
pub struct Namer {
    plugin: Plugin,
    parameters: Vec<(String, Value)>,
    folder: PathBuf,
    /// none after it broke, until it is asked the next time
    naming: Mutex<Option<Naming>>,
    reserved: Mutex<HashSet<PathBuf>>,
}

impl Namer {
    /// # Errors
    /// What the policy says to its configuration.
    pub fn new(
        plugin: Plugin,
        parameters: Vec<(String, Value)>,
        folder: &Path,
    ) -> Result<Namer, PluginError> {
        let naming = Naming::start(&plugin, &parameters)?;
        Ok(Namer {
            plugin,
            parameters,
            folder: folder.to_owned(),
            naming: Mutex::new(Some(naming)),
            reserved: Mutex::default(),
        })
    }

    /// The folder that all names lead into.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reserves a name, and makes the sub-folders in it. `may_replace` is asked of a file that is
    /// there whether the output may take its place.
    ///
    /// # Errors
    /// `Taken`, `Plugin`, `Publish` when a sub-folder cannot be made.
    pub fn reserve(
        &self,
        request: Request,
        may_replace: &dyn Fn(&Path) -> bool,
    ) -> Result<Reserved<'_>, NameError> {
        let reserved = self.plan(request, may_replace)?;
        reserved.make_folders()?;
        Ok(reserved)
    }

    /// As [`Namer::reserve`], but writes nothing.
    ///
    /// # Errors
    /// `Taken`, `Plugin`.
    pub fn plan(
        &self,
        mut request: Request,
        may_replace: &dyn Fn(&Path) -> bool,
    ) -> Result<Reserved<'_>, NameError> {
        let mut last = None;
        for attempt in 0..ATTEMPTS {
            request.attempt = attempt;
            let name = self.ask(&request)?;
            let path = self.folder.join(&name);
            let replace = match fs::symlink_metadata(&path) {
                Ok(_) => may_replace(&path).then_some(true),
                Err(_) => Some(false),
            };
            if let Some(replace) = replace
                && self.reserved().insert(path.clone())
            {
                return Ok(Reserved { namer: self, path, name, replace });
            }
            if last.as_ref() == Some(&path) {
                break;
            }
            last = Some(path);
        }
        let policy = self.plugin.name().to_owned();
        Err(NameError::Taken { path: last.unwrap_or_default(), policy })
    }

    /// What the policy would answer to begin with, whether that is taken or not: asked of an
    /// instance of its own, so that one which counts is none ahead.
    ///
    /// # Errors
    /// What the policy says or does.
    pub fn propose(&self, request: &Request) -> Result<String, PluginError> {
        Naming::start(&self.plugin, &self.parameters)?.name(request)
    }

    fn ask(&self, request: &Request) -> Result<String, PluginError> {
        let mut naming = self.naming.lock().unwrap_or_else(PoisonError::into_inner);
        let mut instance = match naming.take() {
            Some(instance) => instance,
            None => Naming::start(&self.plugin, &self.parameters)?,
        };
        let answer = instance.name(request);
        // One that broke is not asked again; a refusal leaves it at work.
        if matches!(answer, Ok(_) | Err(PluginError::Refused { .. })) {
            *naming = Some(instance);
        }
        answer
    }

    fn reserved(&self) -> std::sync::MutexGuard<'_, HashSet<PathBuf>> {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name that nobody else is given. Dropped, it is free again.
pub struct Reserved<'a> {
    namer: &'a Namer,
    path: PathBuf,
    name: String,
    replace: bool,
}

impl Reserved<'_> {
    /// Where the output goes.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Below the output folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it takes the place of a file that is there.
    pub fn replaces(&self) -> bool {
        self.replace
    }

    fn make_folders(&self) -> Result<(), PublishError> {
        let Some(folder) = self.path.parent() else { return Ok(()) };
        publish::make_folders(folder).map_err(|source| PublishError::Folder {
            path: self.path.clone(),
            folder: folder.to_owned(),
            source,
        })
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.namer.reserved().remove(&self.path);
    }
}
