//! What the C library loads at first use, by path: to be loaded before a process gives up its paths.

/// Loads the time zone, and the conversions of text that libav needs for names in MPEG-TS (iconv
/// reads `gconv-modules.cache` and a library for each encoding). Names of encodings are those of
/// ETSI EN 300 468, annex A.2. Errors are ignored: the name is then shown unconverted.
pub fn warm_libraries() {
    #[cfg(target_os = "linux")]
    {
        use nix::libc;
        /// Of DVB: most of Europe, Latin 9, Greek, Cyrillic, Chinese, Japanese, Korean.
        const ENCODINGS: [&std::ffi::CStr; 12] = [
            c"ISO6937",
            c"ISO-8859-1",
            c"ISO-8859-2",
            c"ISO-8859-5",
            c"ISO-8859-7",
            c"ISO-8859-9",
            c"ISO-8859-15",
            c"UCS-2BE",
            c"GB2312",
            c"BIG5",
            c"KSC_5601",
            c"UTF-16BE",
        ];
        // `localtime_r` alone would do it; the answer is not needed.
        super::utc_offset(std::time::SystemTime::now());
        for encoding in ENCODINGS {
            // SAFETY: two strings that end with zero, which the call does not keep. The descriptor
            // is not closed, so that its library stays loaded.
            unsafe { libc::iconv_open(c"UTF-8".as_ptr(), encoding.as_ptr()) };
        }
    }
}
