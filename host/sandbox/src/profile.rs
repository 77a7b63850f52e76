//! What a process may still reach, and what the kernel can keep from it.

use std::path::PathBuf;

/// What a process may still reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// files and folders that may be read
    pub read: Vec<PathBuf>,
    /// files and folders that may be read, written, and changed
    pub write: Vec<PathBuf>,
    /// folders that may be listed, and whose files may be removed
    pub clear: Vec<PathBuf>,
    pub network: Network,
    /// hardware codecs: requests to devices stay possible. The devices themselves are named in
    /// `write` (`/dev/dri`) or passed as descriptors.
    pub devices: bool,
    pub limits: Limits,
}

/// What a process may reach of the network. Sockets that it was passed stay usable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// no new socket
    #[default]
    None,
    /// TCP connections to these ports, none listening. Landlock does not govern UDP, which resolving
    /// names needs: it stays possible.
    Connect(Vec<u16>),
    /// any use of IPv4 and IPv6
    Any,
}

/// Limits of the whole process; `None` leaves what is inherited. Core dumps are always off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// seconds of processor time; past them the kernel sends SIGXCPU
    pub cpu: Option<u64>,
    /// bytes of the longest file written
    pub file_size: Option<u64>,
    /// descriptors
    pub files: Option<u64>,
    /// bytes of address space; wasmtime reserves some 4 GiB for each memory of a plugin
    pub address_space: Option<u64>,
}

impl Profile {
    /// For a worker that is passed its descriptors: no path and no network at all.
    #[must_use]
    pub fn worker() -> Profile {
        Profile::default()
    }

    /// Whether no path is allowed, so that seccomp can refuse every call that takes one.
    pub(crate) fn is_without_paths(&self) -> bool {
        self.read.is_empty() && self.write.is_empty() && self.clear.is_empty()
    }
}

/// What happens where the kernel cannot lock a process in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// nothing is locked
    Off,
    /// as much as the kernel can
    #[default]
    Auto,
    /// all of it, or an error
    Require,
}

/// What the kernel offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Support {
    /// version of Landlock's interface (landlock(7)), 0 where there is none. Files from 1, TCP from 4,
    /// signals and abstract sockets from 6.
    pub landlock: u32,
    pub seccomp: bool,
}

impl Support {
    /// Whether every layer holds: Landlock with TCP, and seccomp.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.landlock >= WHOLE && self.seccomp
    }
}

/// The version of Landlock that [`Mode::Require`] asks for: the first that governs TCP (Linux 6.7).
const WHOLE: u32 = 4;

/// Which layers hold.
pub type Entered = Support;

/// Why the process could not be locked in.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "this kernel cannot lock the process in: Landlock is {}, seccomp is {}; use Linux 6.7 or newer with both, or --sandbox auto",
        landlock(*.0), if .0.seccomp { "there" } else { "missing" }
    )]
    Missing(Support),
    #[error("the sandbox must be entered before other threads start; there are {0}")]
    Threads(usize),
    #[error("the sandbox cannot set a limit of the process: {0}")]
    Limit(std::io::Error),
    #[error("the sandbox cannot be entered: {0}")]
    Kernel(String),
}

fn landlock(support: Support) -> String {
    match support.landlock {
        0 => "missing".to_owned(),
        version => format!("version {version}"),
    }
}
