//! What of the system a join needs to reach.

use std::path::{Path, PathBuf};

use super::find::{self, Found};
use super::spec::JoinSpec;
use filmgate_engine::Reach;
use filmgate_engine::spec::{PluginSpec, SpecError};

/// The files that a join was given, found but not opened.
pub struct Inputs(pub(super) Vec<Found>);

impl Inputs {
    /// Finds them. A list on standard input is read here.
    ///
    /// # Errors
    /// Spec.
    pub fn find(spec: &JoinSpec) -> Result<Inputs, SpecError> {
        Ok(Inputs(find::candidates(spec)?))
    }

    /// What joining them takes.
    pub fn reach(&self, spec: &JoinSpec) -> Reach {
        let mut reach = Reach {
            reads: self.0.iter().map(|found| found.candidate.path.clone()).collect(),
            plugins: plugins(spec),
            ..Reach::default()
        };
        match (&spec.output, &spec.into, &spec.dest_name) {
            (Some(output), ..) => reach.makes.push((output.clone(), spec.overwrite)),
            (None, Some(folder), Some(name)) => {
                reach.folders.push(folder.clone());
                reach.makes.push((folder.join(name), spec.overwrite));
            }
            (None, Some(folder), None) => {
                reach.folders.push(folder.clone());
                reach.fills.push(folder.clone());
            }
            (None, None, _) => {}
        }
        reach.makes.extend(spec.receipt.iter().map(|path| (path.clone(), spec.overwrite)));
        if spec.delete_sources {
            let folders = reach.reads.iter().map(|path| folder_of(path));
            reach.clears = folders.collect();
            reach.clears.sort();
            reach.clears.dedup();
        }
        reach
    }
}

fn plugins(spec: &JoinSpec) -> Vec<PluginSpec> {
    let mut all = spec.plugin.clone();
    match &spec.order_plugin {
        Some(policy) => all.push(policy.plugin.clone()),
        None => all.extend(spec.order.unwrap_or_default().plugin().parse()),
    }
    all.extend(spec.name_plugin.iter().map(|policy| policy.plugin.clone()));
    all
}

fn folder_of(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).to_owned()
}
