//! The offset of local time from UTC. The call of the C library has no safe wrapper.

use std::mem::MaybeUninit;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::libc;

/// Minutes east of UTC where this machine is, at that time; 0 where the system does not know.
pub fn utc_offset(at: SystemTime) -> i64 {
    let seconds = at.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let Ok(time) = libc::time_t::try_from(seconds) else { return 0 };
    let mut out = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: a valid time in and room for the answer, of which all zeros are a valid value too;
    // the call keeps neither. It reads the time zone under a lock of its own.
    let parts = unsafe {
        libc::localtime_r(&raw const time, out.as_mut_ptr());
        out.assume_init()
    };
    parts.tm_gmtoff as i64 / 60
}
