//! Whether somebody is writing to a file. The one system call that knows has no safe wrapper.

use std::fs::File;

/// What the system says of a file's writers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// nobody has it open for writing
    No,
    Yes,
    /// the file system, or somebody else's file, does not let us know
    Unknown,
}

/// Whether anybody, in this process or another one, has the file open for writing.
///
/// A lease for reading is granted only where nobody has (fcntl(2), F_SETLEASE; the caller must own
/// the file or have CAP_LEASE). It is given back at once. Who opens the file for writing in
/// between waits for that, and the system sends us SIGIO, which the process has to ignore.
#[cfg(target_os = "linux")]
pub fn being_written(file: &File) -> Written {
    use std::os::fd::AsRawFd;

    use nix::errno::Errno;
    use nix::libc;

    // SAFETY: the descriptor is open as long as `file` is borrowed; F_SETLEASE takes a plain
    // number and touches no memory of ours.
    let taken = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_RDLCK) };
    match Errno::result(taken) {
        Ok(_) => {
            // SAFETY: as above.
            unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_UNLCK) };
            Written::No
        }
        Err(Errno::EAGAIN) => Written::Yes,
        Err(_) => Written::Unknown,
    }
}

/// Only Linux has leases.
#[cfg(not(target_os = "linux"))]
pub fn being_written(_: &File) -> Written {
    Written::Unknown
}
