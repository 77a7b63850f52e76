//! What of the system `--dry-run` needs to reach. A watch that works does so in workers, which are
//! passed what they need.

use std::ffi::OsString;
use std::path::PathBuf;

use super::plugins::specs;
use super::prepare::OWN_FOLDER;
use super::scan::files;
use super::spec::WatchSpec;
use filmgate_engine::Reach;

impl WatchSpec {
    /// What finding out what would be done takes. What is wrong is told when it is.
    pub fn reach(&self) -> Reach {
        let mut reach = Reach::default();
        let folders = [&self.folder, &self.output, &self.plugin_list];
        reach.reads.extend(folders.into_iter().flatten().cloned());
        if let (Some(folder), Ok(selection)) = (&self.folder, self.selection(Vec::new())) {
            let all = files(folder, &selection).map(|file| folder.join(file));
            let links = all.filter(|file| file.is_symlink());
            reach.reads.extend(links.filter_map(|link| link.canonicalize().ok()));
        }
        let own = self.folder.as_ref().map(|f| f.join(OWN_FOLDER).join("journal.db"));
        if let Some(journal) = self.journal.clone().or(own) {
            // SQLite's own files beside a database that somebody writes to (wal.html).
            let beside = |ending: &str| {
                let mut name = OsString::from(&journal);
                name.push(ending);
                PathBuf::from(name)
            };
            reach.changes = ["", "-wal", "-shm"].map(beside).into();
        }
        reach.plugins = specs(self).unwrap_or_default();
        reach.plugins.extend(self.policy());
        reach
    }
}
