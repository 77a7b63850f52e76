//! What this machine's FFmpeg is and can do, by name, without opening anything.

use crate::av;
use ffmpeg_next::ffi;

/// One of libav's libraries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    pub name: &'static str,
    /// the version whose headers filmgate was built with
    pub built: String,
    /// the version that it runs with
    pub running: String,
    /// whether the two go together: libav promises it for the same major version and a minor one
    /// that is no older
    pub fits: bool,
}

/// libav's libraries, as built with and as found at run time.
pub fn libraries() -> Vec<Library> {
    // SAFETY: plain getters.
    let running = unsafe {
        [
            ffi::avformat_version(),
            ffi::avcodec_version(),
            ffi::avutil_version(),
            ffi::swscale_version(),
        ]
    };
    let built = [
        (
            "libavformat",
            ffi::LIBAVFORMAT_VERSION_MAJOR,
            ffi::LIBAVFORMAT_VERSION_MINOR,
            ffi::LIBAVFORMAT_VERSION_MICRO,
        ),
        (
            "libavcodec",
            ffi::LIBAVCODEC_VERSION_MAJOR,
            ffi::LIBAVCODEC_VERSION_MINOR,
            ffi::LIBAVCODEC_VERSION_MICRO,
        ),
        (
            "libavutil",
            ffi::LIBAVUTIL_VERSION_MAJOR,
            ffi::LIBAVUTIL_VERSION_MINOR,
            ffi::LIBAVUTIL_VERSION_MICRO,
        ),
        (
            "libswscale",
            ffi::LIBSWSCALE_VERSION_MAJOR,
            ffi::LIBSWSCALE_VERSION_MINOR,
            ffi::LIBSWSCALE_VERSION_MICRO,
        ),
    ];
    let parts = |v: u32| (v >> 16, v >> 8 & 0xff, v & 0xff);
    built
        .into_iter()
        .zip(running.map(parts))
        .map(|((name, major, minor, micro), now)| Library {
            name,
            built: format!("{major}.{minor}.{micro}"),
            running: format!("{}.{}.{}", now.0, now.1, now.2),
            fits: i64::from(now.0) == i64::from(major) && i64::from(now.1) >= i64::from(minor),
        })
        .collect()
}

/// Whether there is an encoder of this name: `libx264`.
pub fn has_encoder(name: &str) -> bool {
    // SAFETY: a look-up by name.
    unsafe { !ffi::avcodec_find_encoder_by_name(av::c_string(name).as_ptr()).is_null() }
}

/// Whether there is a decoder for the codec of this name: `h264`.
pub fn has_decoder(codec: &str) -> bool {
    // SAFETY: look-ups by name and by number; descriptions are static.
    unsafe {
        let description = ffi::avcodec_descriptor_get_by_name(av::c_string(codec).as_ptr());
        !description.is_null() && !ffi::avcodec_find_decoder((*description).id).is_null()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_libraries_fit_and_codecs_are_found() {
        let all = libraries();
        assert_eq!(all.len(), 4);
        assert!(all.iter().all(|l| l.fits), "{all:?}");
        assert!(has_encoder("mpeg4") && !has_encoder("mpeg44"));
        assert!(has_decoder("h264") && !has_decoder("h2640"));
    }
}
