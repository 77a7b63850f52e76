//! Libraries that print to stderr by themselves, and take their log level from the environment.

/// Limits what SVT-AV1 prints to errors, or to nothing; a level that the user sets stays. libav has
/// no option for it (SVT-AV1 reads `SVT_LOG`: 0 fatal, 1 error, 3 info). To be called before any
/// other thread runs; later it does nothing, as another thread may read the environment then
/// (setenv(3)).
pub fn quiet_libraries(errors: bool) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let alone = status
        .lines()
        .any(|line| line.strip_prefix("Threads:").is_some_and(|threads| threads.trim() == "1"));
    if alone && std::env::var_os("SVT_LOG").is_none() {
        // SAFETY: this is the only thread.
        unsafe { std::env::set_var("SVT_LOG", if errors { "1" } else { "0" }) }
    }
}
