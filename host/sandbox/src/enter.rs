//! Locking in, layer by layer.

use crate::profile::{Entered, Error, Limits, Mode, Profile, Support};

/// Locks this process in: limits, `no_new_privs`, Landlock, seccomp. To be called after [`crate::warm`],
/// before other threads run (Landlock governs the calling thread and those that it starts), and
/// before the first byte of media is parsed.
///
/// Without paths (as in [`Profile::worker`]) calls that take a path fail with `EACCES`. With paths
/// Landlock decides, and does not hide that a file exists. In both, starting a program or a process,
/// tracing, mounting and the like kill the process by SIGSYS; signals to others fail with `EPERM`.
///
/// # Errors
/// In `Auto` and `Require` if a limit cannot be set or the kernel refuses what it claims to support;
/// in `Require` also if a layer is missing or threads run already. The process is then locked in
/// partly, and should end.
pub fn enter(profile: &Profile, mode: Mode) -> Result<Entered, Error> {
    if mode == Mode::Off {
        return Ok(Entered::default());
    }
    platform::enter(profile, mode)
}

/// What this kernel offers. Costs a thread.
#[must_use]
pub fn support() -> Support {
    platform::support()
}

#[cfg(target_os = "linux")]
mod platform {
    use super::{Entered, Error, Limits, Mode, Profile, Support};
    use crate::{filter, paths, support as found};
    use nix::sys::resource::{Resource, getrlimit, setrlimit};

    pub(super) fn enter(profile: &Profile, mode: Mode) -> Result<Entered, Error> {
        if mode == Mode::Require {
            let kernel = support();
            let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
            match (kernel.is_whole(), threads) {
                (false, _) => return Err(Error::Missing(kernel)),
                (true, 2..) => return Err(Error::Threads(threads)),
                _ => {}
            }
        }
        limit(&profile.limits)?;
        // Read before Landlock hides it.
        let seccomp = found::seccomp();
        let landlock = paths::restrict(profile)?;
        if seccomp {
            filter::install(profile)?;
        }
        Ok(Entered { landlock, seccomp })
    }

    pub(super) fn support() -> Support {
        Support { landlock: found::landlock(), seccomp: found::seccomp() }
    }

    /// Both limits of each, so that none can be raised again; what is lower already stays.
    fn limit(limits: &Limits) -> Result<(), Error> {
        let all = [
            (Resource::RLIMIT_CORE, Some(0)),
            (Resource::RLIMIT_CPU, limits.cpu),
            (Resource::RLIMIT_FSIZE, limits.file_size),
            (Resource::RLIMIT_NOFILE, limits.files),
            (Resource::RLIMIT_AS, limits.address_space),
        ];
        for (resource, wanted) in all {
            let Some(wanted) = wanted else { continue };
            let failed = |e: nix::Error| Error::Limit(e.into());
            let (soft, hard) = getrlimit(resource).map_err(failed)?;
            setrlimit(resource, soft.min(wanted), hard.min(wanted)).map_err(failed)?;
        }
        Ok(())
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use super::{Entered, Error, Mode, Profile, Support};

    pub(super) fn enter(_: &Profile, mode: Mode) -> Result<Entered, Error> {
        match mode {
            Mode::Require => Err(Error::Missing(Support::default())),
            _ => Ok(Entered::default()),
        }
    }

    pub(super) fn support() -> Support {
        Support::default()
    }
}
