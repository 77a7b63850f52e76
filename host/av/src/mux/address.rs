//! Muxers that open what they write themselves: RTSP sessions.

use std::io::Cursor;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use crate::av;
use crate::demux::source::{protocols, scheme};
use crate::error::{MediaError, MediaErrorKind as Kind};
use crate::interrupt::Interrupt;
use crate::io::sink::Output;
use crate::mux::muxer::{Context, Muxer};
use crate::mux::targets::find_muxer;
use ffmpeg_next::ffi;
use filmgate_core::cancel::Cancel;
use filmgate_core::url::Url;

/// What stops the calls of such a muxer.
pub(crate) struct Patience {
    interrupt: Arc<Interrupt>,
    limit: Option<Duration>,
}

impl Patience {
    /// Begins to count anew.
    pub(crate) fn renew(&self) {
        self.interrupt.set_deadline(self.limit);
    }

    pub(crate) fn check(&self, doing: &str) -> Result<(), MediaError> {
        self.interrupt.check(doing)
    }
}

impl Muxer {
    /// Whether a format opens what it writes itself, so that [`Muxer::address`] is for it.
    pub fn opens_itself(format: &str) -> bool {
        let muxer = find_muxer(format);
        // SAFETY: muxers are static.
        !muxer.is_null() && unsafe { (*muxer).flags } & ffi::AVFMT_NOFILE != 0
    }

    /// A muxer that opens `url` itself, a URL of the network. `limit`: what each call may take.
    ///
    /// # Errors
    /// NotAllowed for a protocol that is not on the list; Unsupported for an unknown format;
    /// OutOfMemory.
    pub fn address(
        format: &str,
        url: &Url,
        cancel: &Cancel,
        limit: Option<Duration>,
    ) -> Result<Muxer, MediaError> {
        crate::log::init();
        let (doing, name) = (format!("write {url}"), url.secret());
        let scheme = scheme(name).unwrap_or_default();
        let allowed = protocols(&scheme).ok_or_else(|| {
            let message = format!("{doing}: \"{scheme}\" is no protocol that filmgate opens");
            MediaError::new(Kind::NotAllowed, message)
        })?;
        let muxer = find_muxer(format);
        if muxer.is_null() {
            let message = format!("{doing}: this FFmpeg cannot write \"{format}\"");
            return Err(MediaError::new(Kind::Unsupported, message));
        }
        let memory = || MediaError::memory(&doing);
        // Nothing is ever written to it.
        let output = Output::new(Box::new(Cursor::new(Vec::new())), true).ok_or_else(memory)?;
        let (mut raw, url) = (ptr::null_mut(), av::c_string(name));
        // SAFETY: out-pointer, static muxer, terminated name.
        let code = unsafe {
            ffi::avformat_alloc_output_context2(&raw mut raw, muxer, ptr::null(), url.as_ptr())
        };
        if code < 0 || raw.is_null() {
            return Err(memory());
        }
        let context = Context(raw);
        let interrupt = Arc::new(Interrupt::new(cancel));
        let allowed = av::c_string(allowed);
        // SAFETY: the context is ours; libav copies the text; the interrupt outlives the context
        // (see the order of the Muxer's fields).
        unsafe {
            (*raw).interrupt_callback = interrupt.callback();
            (*raw).flags |= ffi::AVFMT_FLAG_FLUSH_PACKETS;
            ffi::av_opt_set(raw.cast(), c"protocol_whitelist".as_ptr(), allowed.as_ptr(), 0);
        }
        Ok(Muxer::assemble(context, output, doing, format, Some(Patience { interrupt, limit })))
    }
}
