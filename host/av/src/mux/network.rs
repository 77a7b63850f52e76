//! The network and devices, which libav opens itself: inputs by URL or by a named format, and
//! outputs that are pushed to a URL.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

use crate::av;
use crate::demux::open::{Context, Opening};
use crate::demux::source::{
    LOCAL_PROTOCOLS, SCHEMES, check_input_format, find_demuxer, network_formats, protocols, scheme,
};
use crate::error::{MediaError, MediaErrorKind as Kind};
use crate::interrupt::Interrupt;
use crate::io::sink::Sink;
use ffmpeg_next::ffi;
use filmgate_core::cancel::Cancel;
use filmgate_core::url::Url;

/// The protocols of a URL.
fn protocols_of(url: &str, doing: &str) -> Result<&'static str, MediaError> {
    let scheme = scheme(url).unwrap_or_default();
    protocols(&scheme).ok_or_else(|| {
        let message =
            format!("{doing}: \"{scheme}\" is no protocol that filmgate opens ({SCHEMES})");
        MediaError::new(Kind::NotAllowed, message)
    })
}

/// Whether a URL may be pushed to, without asking the server.
///
/// # Errors
/// NotAllowed for a protocol that is not on the list.
pub fn check_push(url: &Url) -> Result<(), MediaError> {
    protocols_of(url.secret(), &format!("write {url}")).map(drop)
}

impl Opening<'_> {
    /// Opens a URL. What it leads on to (playlists, redirections) must be of its own protocols,
    /// and of formats that may come over the network.
    pub(crate) fn connect(&mut self, url: &Url) -> Result<Context, MediaError> {
        let url = url.secret();
        let allowed = protocols_of(url, &self.doing)?;
        let mut options = av::Dictionary::new();
        options.set("protocol_whitelist", allowed);
        if scheme(url).is_some_and(|s| s.starts_with("rtmp")) {
            // A live stream never says that it has no sound; libav would wait for it for 90 s.
            options.set("analyzeduration", "2000000");
        }
        let format = match &self.options.format {
            Some(format) => {
                check_input_format(format)?;
                options.set("format_whitelist", &format!("{},{format}", network_formats()));
                find_demuxer(format)
            }
            None => {
                options.set("format_whitelist", &network_formats());
                ptr::null()
            }
        };
        self.open_input(url, format, options)
    }

    /// Opens what a format reads by itself: a device, numbered pictures, a local playlist.
    pub(crate) fn open_named(&mut self, format: &str, name: &str) -> Result<Context, MediaError> {
        check_input_format(format)?;
        let found = find_demuxer(format);
        // SAFETY: descriptions are static.
        let flags = unsafe { (*found).flags };
        let mut options = av::Dictionary::new();
        options.set("protocol_whitelist", LOCAL_PROTOCOLS);
        let file = flags & ffi::AVFMT_NOFILE == 0;
        let local = match (file, scheme(name)) {
            (true, Some(scheme)) if scheme != "file" => return self.connect(&Url::new(name)),
            (true, None) => format!("file:{name}"),
            _ => name.to_owned(),
        };
        self.open_input(&local, found, options)
    }
}

/// What saying good-bye to a server may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// Options of protocols for packets that are to leave at once.
fn push_options(url: &str) -> &'static [(&'static str, &'static str)] {
    match scheme(url).as_deref() {
        Some("rtmp") => &[("tcp_nodelay", "1")],
        _ => &[],
    }
}

/// A URL that is written to, as the sink of a [`crate::Muxer`]. It only goes forward.
pub struct Push {
    context: NonNull<ffi::AVIOContext>,
    /// behind the context, which asks it
    interrupt: Arc<Interrupt>,
    position: u64,
    /// what one write may take
    limit: Option<Duration>,
    closed: bool,
}

// SAFETY: the context is used through `&mut self` only, and has no tie to a thread.
unsafe impl Send for Push {}

impl Push {
    /// Connects to a URL.
    ///
    /// # Errors
    /// NotAllowed for a protocol that is not on the list; Write where the connection fails.
    pub fn open(url: &Url, cancel: &Cancel) -> Result<Push, MediaError> {
        Push::open_within(url, cancel, None)
    }

    /// As [`Push::open`], where connecting, and every write after it, may take `limit` at most: a
    /// server that takes nothing any more is as good as gone.
    ///
    /// # Errors
    /// As [`Push::open`], and TimedOut.
    pub fn open_within(
        url: &Url,
        cancel: &Cancel,
        limit: Option<Duration>,
    ) -> Result<Push, MediaError> {
        crate::log::init();
        let (doing, url) = (format!("write {url}"), url.secret());
        let allowed = protocols_of(url, &doing)?;
        let interrupt = Arc::new(Interrupt::new(cancel));
        interrupt.set_deadline(limit);
        let mut options = av::Dictionary::new();
        options.set("protocol_whitelist", allowed);
        for (key, value) in push_options(url) {
            options.set(key, value);
        }
        let (name, callback) = (av::c_string(url), interrupt.callback());
        let mut raw = ptr::null_mut();
        crate::log::forget();
        // SAFETY: an out-pointer; the callback's interrupt lives as long as the context.
        let code = unsafe {
            let flags = ffi::AVIO_FLAG_WRITE;
            let options = options.as_mut_ptr();
            ffi::avio_open2(&raw mut raw, name.as_ptr(), flags, &raw const callback, options)
        };
        match NonNull::new(raw).filter(|_| code >= 0) {
            Some(context) => Ok(Push { context, interrupt, position: 0, limit, closed: false }),
            None => {
                interrupt.check(&doing)?;
                Err(MediaError::av(Kind::Write(ErrorKind::NotConnected), doing, code))
            }
        }
    }

    fn error(&self) -> io::Result<()> {
        // SAFETY: the context is ours and valid.
        let code = unsafe { self.context.as_ref() }.error;
        if code >= 0 {
            return Ok(());
        }
        match (code, self.limit) {
            (ffi::AVERROR_EXIT, Some(limit)) => {
                let text = format!("the server took nothing for {} s", limit.as_secs_f64());
                Err(io::Error::new(ErrorKind::TimedOut, text))
            }
            (ffi::AVERROR_EXIT, None) => Err(ErrorKind::TimedOut.into()),
            _ => Err(io::Error::other(av::error_text(code))),
        }
    }
}

impl Write for Push {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check_open()?;
        let chunk = &bytes[..bytes.len().min(1 << 20)];
        self.interrupt.set_deadline(self.limit);
        // SAFETY: as many valid bytes as told, which are only read.
        unsafe {
            ffi::avio_write(self.context.as_ptr(), chunk.as_ptr(), chunk.len() as i32);
            ffi::avio_flush(self.context.as_ptr());
        }
        self.error()?;
        self.position += chunk.len() as u64;
        Ok(chunk.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.check_open()?;
        self.interrupt.set_deadline(self.limit);
        // SAFETY: ours.
        unsafe { ffi::avio_flush(self.context.as_ptr()) };
        self.error()
    }
}

impl Read for Push {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::Unsupported.into())
    }
}

impl Seek for Push {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match to {
            SeekFrom::Start(position) if position == self.position => Ok(position),
            SeekFrom::Current(0) | SeekFrom::End(0) => Ok(self.position),
            _ => Err(ErrorKind::NotSeekable.into()),
        }
    }
}

impl Sink for Push {
    fn close(&mut self) -> io::Result<()> {
        match self.farewell() {
            // A server that closes first has all of it; where time is short, none is waited for.
            0.. | ffi::AVERROR_EOF => Ok(()),
            ffi::AVERROR_EXIT if self.limit.is_some() => Ok(()),
            code => Err(io::Error::other(av::error_text(code))),
        }
    }
}

impl Push {
    /// Closes the connection, once; the code of libav's.
    fn farewell(&mut self) -> i32 {
        if std::mem::replace(&mut self.closed, true) {
            return 0;
        }
        // It is worth waiting for only where the other side still listens.
        // SAFETY: ours, and not closed yet.
        let broken = unsafe { self.context.as_ref() }.error < 0;
        if self.limit.is_some() {
            self.interrupt.set_deadline(Some(if broken { Duration::ZERO } else { FAREWELL }));
        }
        // SAFETY: ours; nothing uses it once `closed` is set.
        unsafe { ffi::avio_close(self.context.as_ptr()) }
    }

    fn check_open(&self) -> io::Result<()> {
        if self.closed { Err(ErrorKind::NotConnected.into()) } else { Ok(()) }
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        self.farewell();
    }
}
