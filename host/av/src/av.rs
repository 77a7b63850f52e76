//! libav's plain structures as owned Rust values, and small conversions.
//!
//! Everything here frees what it owns and nothing more; what the values mean is said by those who
//! use them.

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr::{self, NonNull};

use ffmpeg_next::ffi;
use filmgate_core::frame::Rational;
use filmgate_core::time;

/// filmgate's time base, as libav has it.
pub(crate) const NANOSECONDS: ffi::AVRational =
    ffi::AVRational { num: 1, den: time::NANOSECONDS.den };

/// libav's own unit for starts and durations of whole files.
pub(crate) const MICROSECONDS: ffi::AVRational = ffi::AVRational { num: 1, den: 1_000_000 };

/// libav's error code for one of the system's.
pub(crate) fn errno(number: c_int) -> c_int {
    ffi::AVERROR(number)
}

/// What `avcodec_receive_packet` and `avcodec_receive_frame` answer (libavcodec/avcodec.h): whether
/// there was one, or no more of them before the codec gets more; any other code is an error.
pub(crate) fn received(code: c_int) -> Result<bool, c_int> {
    match code {
        0.. => Ok(true),
        ffi::AVERROR_EOF => Ok(false),
        code if code == errno(nix::libc::EAGAIN) => Ok(false),
        code => Err(code),
    }
}

/// What an error code of libav means, in its words.
pub(crate) fn error_text(code: c_int) -> String {
    let mut buffer = [0 as c_char; 128];
    // SAFETY: the buffer's size is told; av_strerror always terminates it, even where it knows no
    // text.
    unsafe {
        ffi::av_strerror(code, buffer.as_mut_ptr(), buffer.len());
        text(buffer.as_ptr())
    }
}

/// A C string as text; empty for null.
///
/// # Safety
/// `string` is null or a terminated string that lives during the call.
pub(crate) unsafe fn text(string: *const c_char) -> String {
    if string.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned()
}

/// Text as a C string, cut at the first zero byte.
pub(crate) fn c_string(text: &str) -> CString {
    let bytes: Vec<u8> = text.bytes().take_while(|&b| b != 0).collect();
    CString::new(bytes).unwrap_or_default()
}

/// A fraction of libav's, where it means something.
pub(crate) fn positive(q: ffi::AVRational) -> Option<Rational> {
    (q.num > 0 && q.den > 0).then_some(Rational { num: q.num, den: q.den })
}

pub(crate) fn to_av(q: Rational) -> ffi::AVRational {
    ffi::AVRational { num: q.num, den: q.den.max(1) }
}

/// As [`time::rescale`], for libav's timestamps: missing stays missing, and what does not fit is
/// missing, as with `av_rescale_q`.
pub(crate) fn rescale(value: i64, from: ffi::AVRational, to: ffi::AVRational) -> i64 {
    let plain = |q: ffi::AVRational| Rational { num: q.num, den: q.den };
    let told = (value != ffi::AV_NOPTS_VALUE).then_some(value);
    told.and_then(|value| time::checked_rescale(value, plain(from), plain(to)))
        .unwrap_or(ffi::AV_NOPTS_VALUE)
}

/// A time of libav's in nanoseconds.
pub(crate) fn nanoseconds(value: i64, base: ffi::AVRational) -> Option<i64> {
    match rescale(value, base, NANOSECONDS) {
        ffi::AV_NOPTS_VALUE => None,
        ns => Some(ns),
    }
}

/// An owned AVFrame.
pub(crate) struct AvFrame(NonNull<ffi::AVFrame>);

// SAFETY: an AVFrame has no tie to a thread; its buffers are reference-counted atomically
// (libavutil/buffer.h) and freed by callbacks that libav requires to be thread-safe.
unsafe impl Send for AvFrame {}
// SAFETY: a shared AvFrame is only read (no method writes through `&self`), and making or dropping
// references to its buffers is atomic.
unsafe impl Sync for AvFrame {}

impl AvFrame {
    pub(crate) fn new() -> Option<AvFrame> {
        // SAFETY: allocates or gives null.
        NonNull::new(unsafe { ffi::av_frame_alloc() }).map(AvFrame)
    }

    pub(crate) fn as_ptr(&self) -> *const ffi::AVFrame {
        self.0.as_ptr()
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut ffi::AVFrame {
        self.0.as_ptr()
    }

    pub(crate) fn get(&self) -> &ffi::AVFrame {
        // SAFETY: the pointer is valid for as long as self, and nobody writes during a `&self`.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn get_mut(&mut self) -> &mut ffi::AVFrame {
        // SAFETY: valid as above, and `&mut self` makes the access exclusive.
        unsafe { self.0.as_mut() }
    }

    /// A frame with everything of this one but its pictures.
    pub(crate) fn properties(&self) -> Option<AvFrame> {
        let mut copy = AvFrame::new()?;
        // SAFETY: both are valid frames; side data is referenced or copied.
        let code = unsafe { ffi::av_frame_copy_props(copy.as_mut_ptr(), self.as_ptr()) };
        (code >= 0).then_some(copy)
    }
}

impl Drop for AvFrame {
    fn drop(&mut self) {
        let mut frame = self.0.as_ptr();
        // SAFETY: ours alone, freed once.
        unsafe { ffi::av_frame_free(&raw mut frame) }
    }
}

/// An owned AVPacket.
pub(crate) struct AvPacket(NonNull<ffi::AVPacket>);

// SAFETY: as for AvFrame: reference-counted data, no tie to a thread.
unsafe impl Send for AvPacket {}

impl AvPacket {
    pub(crate) fn new() -> Option<AvPacket> {
        // SAFETY: allocates or gives null.
        NonNull::new(unsafe { ffi::av_packet_alloc() }).map(AvPacket)
    }

    pub(crate) fn as_ptr(&self) -> *const ffi::AVPacket {
        self.0.as_ptr()
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut ffi::AVPacket {
        self.0.as_ptr()
    }

    pub(crate) fn get(&self) -> &ffi::AVPacket {
        // SAFETY: valid for as long as self; nobody writes during a `&self`.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn get_mut(&mut self) -> &mut ffi::AVPacket {
        // SAFETY: valid, and exclusive through `&mut self`.
        unsafe { self.0.as_mut() }
    }
}

impl AvPacket {
    pub(crate) fn data(&self) -> &[u8] {
        let packet = self.get();
        match usize::try_from(packet.size) {
            // SAFETY: libav's data are `size` bytes for as long as the packet.
            Ok(size) if size > 0 && !packet.data.is_null() => unsafe {
                std::slice::from_raw_parts(packet.data, size)
            },
            _ => &[],
        }
    }
}

impl Drop for AvPacket {
    fn drop(&mut self) {
        let mut packet = self.0.as_ptr();
        // SAFETY: ours alone, freed once.
        unsafe { ffi::av_packet_free(&raw mut packet) }
    }
}

/// An owned AVCodecContext.
pub(crate) struct Codec(NonNull<ffi::AVCodecContext>);

// SAFETY: a codec context may be used from any thread, one at a time, which `&mut self` ensures;
// it manages its own threads.
unsafe impl Send for Codec {}

impl Codec {
    /// # Safety
    /// `codec` is one of libavcodec's static descriptions.
    pub(crate) unsafe fn new(codec: *const ffi::AVCodec) -> Option<Codec> {
        // SAFETY: the caller's promise; allocates or gives null.
        NonNull::new(unsafe { ffi::avcodec_alloc_context3(codec) }).map(Codec)
    }

    pub(crate) fn as_ptr(&self) -> *const ffi::AVCodecContext {
        self.0.as_ptr()
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut ffi::AVCodecContext {
        self.0.as_ptr()
    }

    pub(crate) fn get(&self) -> &ffi::AVCodecContext {
        // SAFETY: valid for as long as self; not written to during a `&self`.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn get_mut(&mut self) -> &mut ffi::AVCodecContext {
        // SAFETY: valid and exclusive.
        unsafe { self.0.as_mut() }
    }
}

impl Drop for Codec {
    fn drop(&mut self) {
        let mut context = self.0.as_ptr();
        // SAFETY: ours, freed once; waits for the codec's threads.
        unsafe { ffi::avcodec_free_context(&raw mut context) }
    }
}

/// An owned AVDictionary; null is the empty one.
pub(crate) struct Dictionary(*mut ffi::AVDictionary);

impl Dictionary {
    pub(crate) fn new() -> Dictionary {
        Dictionary(ptr::null_mut())
    }

    /// Sets a key; running out of memory leaves it unset.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        let (key, value) = (c_string(key), c_string(value));
        // SAFETY: libav copies both strings.
        unsafe { ffi::av_dict_set(&raw mut self.0, key.as_ptr(), value.as_ptr(), 0) };
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut *mut ffi::AVDictionary {
        &raw mut self.0
    }
}

impl Drop for Dictionary {
    fn drop(&mut self) {
        // SAFETY: ours alone; freeing null does nothing.
        unsafe { ffi::av_dict_free(&raw mut self.0) }
    }
}

/// The entries of a dictionary, in order.
///
/// # Safety
/// `dictionary` is null or valid during the call.
pub(crate) unsafe fn pairs(dictionary: *const ffi::AVDictionary) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut entry: *const ffi::AVDictionaryEntry = ptr::null();
    loop {
        // SAFETY: an empty key with IGNORE_SUFFIX walks all entries (libavutil/dict.h); the entry
        // stays valid as nobody changes the dictionary meanwhile.
        unsafe {
            let flags = ffi::AV_DICT_IGNORE_SUFFIX;
            entry = ffi::av_dict_get(dictionary, c"".as_ptr(), entry, flags);
            if entry.is_null() {
                return out;
            }
            out.push((text((*entry).key), text((*entry).value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_codes_mean_that_there_is_no_more() {
        assert_eq!((received(0), received(1)), (Ok(true), Ok(true)));
        for code in [ffi::AVERROR_EOF, errno(nix::libc::EAGAIN)] {
            assert_eq!(received(code), Ok(false), "{code}");
        }
        for code in [
            errno(nix::libc::ENOMEM),
            errno(nix::libc::EINVAL),
            errno(nix::libc::EIO),
            ffi::AVERROR_INVALIDDATA,
            ffi::AVERROR_EXTERNAL,
            ffi::AVERROR_BUG,
        ] {
            assert_eq!(received(code), Err(code), "{code}");
        }
    }

    #[test]
    fn times_rescale_and_missing_stays_missing() {
        let base = ffi::AVRational { num: 1, den: 90_000 };
        assert_eq!(nanoseconds(126_000, base), Some(1_400_000_000));
        assert_eq!(nanoseconds(ffi::AV_NOPTS_VALUE, base), None);
        assert_eq!(nanoseconds(5, ffi::AVRational { num: 0, den: 1 }), None);
    }

    #[test]
    fn dictionaries_keep_pairs() {
        let mut dictionary = Dictionary::new();
        dictionary.set("a", "1");
        dictionary.set("b", "x\0y");
        // SAFETY: the dictionary is valid.
        let pairs = unsafe { pairs(*dictionary.as_mut_ptr()) };
        assert_eq!(pairs, [("a".into(), "1".into()), ("b".into(), "x".into())]);
    }

    #[test]
    fn codes_have_words() {
        assert_eq!(
            error_text(ffi::AVERROR_INVALIDDATA),
            "Invalid data found when processing input"
        );
        assert_eq!(error_text(errno(nix::libc::ENOSPC)), "No space left on device");
    }
}
