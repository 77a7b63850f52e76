//! libav's options by name: which there are, and what to say of one that there is not.

use std::ffi::{c_int, c_void};
use std::ptr;

use crate::av;
use crate::error::{MediaError, MediaErrorKind as Kind, near_matches};
use ffmpeg_next::ffi;

/// Checks that an object of libav's, or its private part, has an option of this name.
///
/// # Errors
/// Unsupported, with the names nearest to it.
///
/// # Safety
/// `object` is a valid structure of libav's that begins with its AVClass.
pub(crate) unsafe fn check(
    object: *mut c_void,
    whose: &str,
    option: &str,
) -> Result<(), MediaError> {
    let name = av::c_string(option);
    let children = ffi::AV_OPT_SEARCH_CHILDREN as c_int;
    // SAFETY: the caller's promise.
    let found = unsafe { ffi::av_opt_find(object, name.as_ptr(), ptr::null(), 0, children) };
    if !found.is_null() {
        return Ok(());
    }
    // SAFETY: the caller's promise.
    let near = near_matches(option, unsafe { names(object) });
    let message = format!("{whose} has no option \"{option}\"{near}");
    Err(MediaError::new(Kind::Unsupported, message))
}

/// All option names of an object and of its private part.
///
/// # Safety
/// As for [`check`].
unsafe fn names(object: *mut c_void) -> Vec<String> {
    let mut out = Vec::new();
    // SAFETY: the iterators of libavutil/opt.h on a valid object, started from null.
    unsafe {
        let mut child = ptr::null_mut();
        let mut current = object;
        loop {
            let mut option = ptr::null();
            loop {
                option = ffi::av_opt_next(current, option);
                if option.is_null() {
                    break;
                }
                // Constants, the values of other options, have no place of their own.
                if (*option).offset != 0 {
                    out.push(av::text((*option).name));
                }
            }
            child = ffi::av_opt_child_next(object, child);
            if child.is_null() {
                return out;
            }
            current = child;
        }
    }
}
