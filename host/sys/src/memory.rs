//! What fresh memory holds.

/// Has the allocator of the C library (glibc) hand out memory that is filled with zeros.
///
/// x264 (core 164) decides by bytes that it has never written: in a process that encodes several
/// videos, one after the other, an encoder gets memory that others have used, and its rate control
/// comes out differently from run to run. `M_PERTURB` fills fresh memory with the complement of a
/// byte, and freed memory with that byte (mallopt(3)); large blocks, which the kernel has zeroed, are
/// filled once more. Other C libraries have nothing like it, and nothing is done there.
///
/// To be called before the first thread is started.
pub fn zero_fresh_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: sets a number that later calls of malloc read.
    unsafe {
        nix::libc::mallopt(nix::libc::M_PERTURB, 0xff);
    }
}
