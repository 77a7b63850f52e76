//! Publishing one output: named, written aside, claimed in the journal, renamed into place.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::ended::{Bypassed, Candidate, Done};
use super::failure::Failure;
use super::identity::{Fingerprint, Opened};
use super::journal::{Claim, Known, State};
use super::work::WorkerContext;
use filmgate_core::publish::Aside;
use filmgate_engine::sink::Reserved;
use filmgate_plugin::Request;

/// Fills the file aside; what passed broken plugins unchanged on the way.
pub(super) type Write<'a> = dyn FnMut(&Aside) -> Result<Bypassed, Failure> + 'a;

/// An output on its way.
pub(super) struct Output<'a> {
    pub(super) candidate: &'a Candidate,
    pub(super) path: &'a Path,
    pub(super) opened: &'a Opened,
    pub(super) content: Fingerprint,
    pub(super) request: Request,
}

impl Output<'_> {
    /// Finds a name, lets `write` fill the file aside, notes it and publishes it. A name that
    /// somebody else took in the last moment is left to them.
    pub(super) fn publish(
        &self,
        context: &WorkerContext,
        write: &mut Write<'_>,
    ) -> Result<Done, Failure> {
        let older = context.journal.kept(&self.candidate.path)?;
        for _ in 0..100 {
            let may_replace = |there: &Path| {
                let ours = older.as_ref().is_some_and(|known| is_output(known, there));
                (context.options.replace || ours) && !context.options.protected.holds(there)
            };
            let reserved = context.namer.reserve(self.request.clone(), &may_replace)?;
            match self.publish_as(context, &reserved, older.as_ref(), write) {
                Err(Failure::NameTaken) => {}
                other => return other,
            }
        }
        Err(Failure::NameTaken)
    }

    fn publish_as(
        &self,
        context: &WorkerContext,
        reserved: &Reserved<'_>,
        older: Option<&Known>,
        write: &mut Write<'_>,
    ) -> Result<Done, Failure> {
        let aside = Aside::create_next(reserved.path(), reserved.replaces())?;
        let bypassed = write(&aside)?;
        // What is published is made from what lies there now, or it is not published.
        if !self.opened.is_unchanged(self.path) {
            return Err(Failure::Busy);
        }
        let unknown = |e: io::Error| Failure::System(format!("{}: {e}", aside.path().display()));
        let facts = File::open(aside.path()).and_then(|f| f.metadata()).map_err(unknown)?;
        let inode = (facts.dev(), facts.ino());
        let (relative, identity) = (&self.candidate.path, &self.opened.identity);
        let name = Path::new(reserved.name());
        let older = older.and_then(|k| k.output_inode).filter(|i| has_inode(reserved.path(), *i));
        let reason = bypassed.reason.as_deref();
        let claim = Claim { output: name, inode, older, reason };
        context.journal.claim(relative, identity, &self.content, &claim)?;
        if let Err(e) = aside.publish() {
            if has_inode(reserved.path(), inode) {
                // Only the folder could not be synced. To sync it again might say that all is well
                // when it is not; the output stays, and so does the original.
                return Err(Failure::File(e.to_string()));
            }
            context.journal.unclaim(relative)?;
            return Err(e.into());
        }
        context.journal.advance(relative, State::Published, true)?;
        Ok(Done {
            output: reserved.name().to_owned(),
            bytes: facts.len(),
            latency: self.candidate.since.elapsed(),
            replaced: reserved.replaces(),
            bypassed: bypassed.frames,
            notes: bypassed.reason.into_iter().collect(),
            ..Done::default()
        })
    }
}

/// Whether the file that lies at `there` is the output that was made from an older version.
pub(super) fn is_output(known: &Known, there: &Path) -> bool {
    known.output_inode.is_some_and(|inode| has_inode(there, inode))
}

/// Whether what lies there is that file.
pub(super) fn has_inode(path: &Path, (device, inode): (u64, u64)) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|f| (f.dev(), f.ino()) == (device, inode))
}
