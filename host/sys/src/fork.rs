//! A helper process that shares with this one what it had when it was forked, and nothing after.

use std::io;

use nix::libc;

/// A child process that has to end by itself; waited for when dropped.
#[derive(Debug)]
pub struct Helper(nix::unistd::Pid);

impl Drop for Helper {
    fn drop(&mut self) {
        // Somebody else may have waited for it.
        let _ = nix::sys::wait::waitpid(self.0, None);
    }
}

/// Runs `work` in a child process, which then ends; this process goes on. The child keeps its
/// descriptors, except that standard input, output and error lead nowhere, and ignores the signals
/// that a terminal or the end of its session sends.
///
/// # Errors
/// The system's; where other threads run, since of those the child would only have what they hold
/// locked (fork(2)).
pub fn fork_helper(work: impl FnOnce()) -> io::Result<Helper> {
    let threads = std::fs::read_dir("/proc/self/task")?.count();
    if threads != 1 {
        return Err(io::Error::other(format!("{threads} threads run already")));
    }
    let nowhere = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    // SAFETY: this is the only thread, so that the child finds no lock held and may do all that
    // this process may.
    match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Parent { child } => Ok(Helper(child)),
        nix::unistd::ForkResult::Child => {
            use std::os::fd::AsRawFd;
            for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT, libc::SIGPIPE]
            {
                // SAFETY: to ignore a signal runs no code of ours.
                unsafe { libc::signal(signal, libc::SIG_IGN) };
            }
            for standard in 0..3 {
                // SAFETY: both are descriptors; what was open under the number is closed.
                unsafe { libc::dup2(nowhere.as_raw_fd(), standard) };
            }
            let _ = nix::sys::prctl::set_name(c"filmgate-names");
            // A panic is not to go on in what only the parent has to do.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            // SAFETY: ends the process, without the parent's handlers for its own end (atexit(3)).
            unsafe { libc::_exit(0) }
        }
    }
}
