//! The lock of a journal, and recovery after a process that was killed.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;

use nix::fcntl::{Flock, FlockArg};
use tracing::{info, warn};

use super::journal::{Known, State};
use super::output::has_inode;
use super::receipt::{FileRecord, Record, now};
use super::work::{WorkerContext, finish};
use filmgate_core::publish;

/// Held as long as the folder is watched, so that nobody else does it with the same journal.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held for its drop")] Flock<File>);

impl Lock {
    /// # Errors
    /// `WouldBlock` when somebody else holds it.
    pub(super) fn take(path: &Path) -> io::Result<Lock> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        Flock::lock(file, FlockArg::LockExclusiveNonblock)
            .map(Lock)
            .map_err(|(_, errno)| io::Error::from(errno))
    }
}

/// Whether a folder lies on a file system that other machines write to, of which inotify hears
/// nothing (statfs(2)).
#[cfg(target_os = "linux")]
pub(super) fn on_network(folder: &Path) -> bool {
    use nix::sys::statfs::{FUSE_SUPER_MAGIC, NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, statfs};
    /// Not in nix's list (linux/magic.h, statfs(2)): CIFS, SMB2, 9p, Ceph, vboxsf, Lustre, AFS twice,
    /// Coda, GPFS. virtiofs has the number of FUSE.
    const OTHERS: [i64; 10] = [
        0xff53_4d42,
        0xfe53_4d42,
        0x0102_1997,
        0x00c3_6400,
        0x786f_4256,
        0x0bd0_0bd0,
        0x5346_414f,
        0x6b41_4653,
        0x7375_7245,
        0x4750_4653,
    ];
    statfs(folder).is_ok_and(|facts| {
        let kind = facts.filesystem_type();
        [FUSE_SUPER_MAGIC, NFS_SUPER_MAGIC, SMB_SUPER_MAGIC].contains(&kind)
            || OTHERS.contains(&kind.0)
    })
}

#[cfg(not(target_os = "linux"))]
pub(super) fn on_network(_: &Path) -> bool {
    false
}

/// Adds an output to the receipt that a killed process published, and may have recorded in a
/// receipt of its own.
fn record(context: &WorkerContext, path: &Path, known: &Known) -> Result<(), String> {
    let (Some(receipt), Some(output)) = (&context.receipt, &known.output) else { return Ok(()) };
    let record = Record::Output {
        input: FileRecord::of(path),
        output: FileRecord::of(&context.namer.folder().join(output)),
        plugins: None,
        bypassed: None,
        finished: now(),
    };
    receipt.add(&record).map_err(|e| format!("the receipt cannot be written: {e}"))
}

/// Brings journal and disk to one mind after a process that was killed.
pub(super) fn reconcile(context: &Arc<WorkerContext>) -> Result<(), String> {
    let text = |e: super::JournalError| e.to_string();
    for known in context.journal.unfinished(State::Claimed).map_err(text)? {
        let there = known.output.as_ref().map(|o| context.namer.folder().join(o));
        let published =
            there.zip(known.output_inode).is_some_and(|(p, inode)| has_inode(&p, inode));
        if !published {
            context.journal.unclaim(&known.path).map_err(text)?;
            continue;
        }
        // The process may have been killed before the name was on the disk.
        if let Some(folder) = known.output.as_ref().and_then(|o| o.parent()) {
            let folder = context.namer.folder().join(folder);
            publish::sync_folder(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        }
        context.journal.advance(&known.path, State::Published, true).map_err(text)?;
    }
    for known in context.journal.unfinished(State::Published).map_err(text)? {
        let path = context.options.folder.join(&known.path);
        let bypassed = known.reason.is_some();
        record(context, &path, &known)?;
        if let Some(note) =
            finish(context, &path, &known.path, &known.identity, bypassed).map_err(text)?
        {
            warn!("{}: {note}", path.display());
        }
    }
    let folder = context.namer.folder().to_owned();
    // Very many files may lie there, and nothing waits for this.
    std::thread::spawn(move || {
        let cleared = publish::sweep(&folder);
        if cleared > 0 {
            info!("removed {cleared} left-overs of runs that were killed");
        }
    });
    fs::metadata(&context.options.folder)
        .map(drop)
        .map_err(|e| format!("{}: cannot be watched: {e}", context.options.folder.display()))
}
