//! libav's log: to `tracing` under the target `libav`, nothing to stderr, and the last complaints
//! of this thread kept so that errors can say why.
//!
//! Lines of libav's own threads (frame and slice threads of codecs) reach `tracing` only: they
//! cannot be told apart by job.

use std::cell::RefCell;
use std::ffi::{c_char, c_int, c_void};
use std::panic::catch_unwind;
use std::sync::Once;

use ffmpeg_next::ffi;
use filmgate_core::url;

/// C's `va_list` as a parameter. In every calling convention of the 64-bit systems that libav runs
/// on it is one pointer: to the list (System V, AArch64) or to the arguments (Apple, Windows). The
/// bindings' type for it differs from system to system; this one does not.
type VaList = *mut c_void;

type Callback = unsafe extern "C" fn(*mut c_void, c_int, *const c_char, VaList);

#[allow(clashing_extern_declarations, reason = "only VaList differs, and that is one pointer")]
unsafe extern "C" {
    fn av_log_set_callback(callback: Option<Callback>);
    fn av_log_format_line2(
        context: *mut c_void,
        level: c_int,
        format: *const c_char,
        arguments: VaList,
        line: *mut c_char,
        line_size: c_int,
        print_prefix: *mut c_int,
    ) -> c_int;
}

/// How many complaints a thread remembers.
const REMEMBERED: usize = 4;

/// Longer lines are cut.
const LINE: usize = 1024;

#[derive(Default)]
struct Said {
    /// what has come of a line that libav says in pieces
    pending: String,
    /// the newest last
    complaints: Vec<String>,
}

thread_local! {
    static SAID: RefCell<Said> = RefCell::default();
}

/// Takes over libav's log; once per process, later calls do nothing.
pub(crate) fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: both are plain setters of libav's globals; `heard` stays valid for ever and may
        // be called from any thread.
        unsafe {
            ffi::av_log_set_level(ffi::AV_LOG_INFO);
            av_log_set_callback(Some(heard));
        }
    });
}

/// Forgets what this thread's libav calls have said: call before the one whose failure is to be
/// explained.
pub(crate) fn forget() {
    let _ = SAID.try_with(|said| {
        if let Ok(mut said) = said.try_borrow_mut() {
            said.complaints.clear();
        }
    });
}

/// What libav said on this thread since [`forget`], the last complaints in one line.
pub(crate) fn reason() -> Option<String> {
    let complaints = SAID.try_with(|said| said.try_borrow().map(|s| s.complaints.clone()));
    let mut complaints = complaints.ok()?.ok()?;
    complaints.dedup();
    (!complaints.is_empty()).then(|| complaints.join("; "))
}

unsafe extern "C" fn heard(
    context: *mut c_void,
    level: c_int,
    format: *const c_char,
    arguments: VaList,
) {
    // The upper bits carry a colour.
    let level = level & 0xff;
    if level > ffi::AV_LOG_INFO || format.is_null() {
        return;
    }
    let mut line = [0u8; LINE];
    let mut prefix: c_int = 1;
    // SAFETY: context, format and arguments are libav's own and valid during this call; the line
    // is written with its size known and is always terminated.
    let length = unsafe {
        av_log_format_line2(
            context,
            level,
            format,
            arguments,
            line.as_mut_ptr().cast(),
            LINE as c_int,
            &raw mut prefix,
        )
    };
    if length < 0 {
        return;
    }
    let end = line.iter().position(|&b| b == 0).unwrap_or(LINE);
    let text = String::from_utf8_lossy(&line[..end]).into_owned();
    // A panic in a subscriber must not cross into C.
    let _ = catch_unwind(|| tell(level, &text));
}

fn tell(level: c_int, text: &str) {
    let (source, text) = split_prefix(text);
    let whole = SAID.try_with(|said| match said.try_borrow_mut() {
        Ok(mut said) => said.take(level, text),
        Err(_) => None,
    });
    let Ok(Some(line)) = whole else { return };
    // libav calls much an error that the decoder then gets over; what does stop a job is told by
    // the error that carries it.
    match level {
        l if l <= ffi::AV_LOG_ERROR => tracing::warn!(target: "libav", from = source, "{line}"),
        l if l <= ffi::AV_LOG_WARNING => tracing::info!(target: "libav", from = source, "{line}"),
        _ => tracing::debug!(target: "libav", from = source, "{line}"),
    }
}

impl Said {
    /// Adds a piece; gives the line back once it is whole.
    fn take(&mut self, level: c_int, text: &str) -> Option<String> {
        self.pending.push_str(text);
        if !self.pending.ends_with('\n') && self.pending.len() < LINE {
            return None;
        }
        // libav quotes addresses, and parts of them.
        let line = url::redact_words(std::mem::take(&mut self.pending).trim());
        if line.is_empty() {
            return None;
        }
        // libx264 lists the presets it knows as information, after the error.
        if level <= ffi::AV_LOG_ERROR || line.starts_with("Possible ") {
            if self.complaints.len() == REMEMBERED {
                self.complaints.remove(0);
            }
            self.complaints.push(line.trim_end_matches('.').to_string());
        }
        Some(line)
    }
}

/// `[mov,mp4 @ 0x55d0] moov atom not found` as its two parts, without the address.
fn split_prefix(text: &str) -> (&str, &str) {
    let mut source = "";
    let mut rest = text;
    while let Some(inner) = rest.strip_prefix('[') {
        let Some((head, tail)) = inner.split_once("] ") else { break };
        let Some((name, address)) = head.split_once(" @ ") else { break };
        if !address.starts_with("0x") {
            break;
        }
        source = name;
        rest = tail;
    }
    (source, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_come_off() {
        assert_eq!(split_prefix("[mov,mp4 @ 0x55d0] moov"), ("mov,mp4", "moov"));
        assert_eq!(split_prefix("[a @ 0x1] [b @ 0x2] x"), ("b", "x"));
        assert_eq!(split_prefix("[not a prefix] x"), ("", "[not a prefix] x"));
    }

    #[test]
    fn pieces_make_lines() {
        let mut said = Said::default();
        assert_eq!(said.take(ffi::AV_LOG_ERROR, "half "), None);
        assert_eq!(said.take(ffi::AV_LOG_ERROR, "whole.\n"), Some("half whole.".into()));
        assert_eq!(said.complaints, ["half whole"]);
    }
}
