//! What the kernel offers.

use crate::paths;
use crate::profile::Profile;

/// Version of Landlock's interface, 0 without. A thread is locked in for it and ends: the kernel's
/// answer is worth more than its version number, as a container may refuse the call.
pub(super) fn landlock() -> u32 {
    let tried = std::thread::spawn(|| paths::restrict(&Profile::worker()));
    tried.join().ok().and_then(Result::ok).unwrap_or(0)
}

pub(super) fn seccomp() -> bool {
    let actions = std::fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail");
    actions.is_ok_and(|actions| actions.split_whitespace().any(|a| a == "kill_process"))
}
