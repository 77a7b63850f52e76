//! JPEGs of several images, of which the first one is read.

/// Whether a JPEG holds further images, a camera's second eye or preview, which a segment APP2 before
/// the image data says (CIPA DC-007, Multi-Picture Format).
pub(super) fn holds_more(jpeg: &[u8]) -> bool {
    let mut rest = jpeg.get(2..).unwrap_or_default();
    while let [0xff, marker, high, low, behind @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if *marker == 0xe2 && behind.starts_with(b"MPF\0") {
            return true;
        }
        if *marker == 0xda || length < 2 {
            return false;
        }
        rest = behind.get(length - 2..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_image_is_seen() {
        let jpeg =
            |name: &[u8]| [&[0xff, 0xd8, 0xff, 0xe0, 0, 3, 1, 0xff, 0xe2, 0, 8], name].concat();
        assert!(holds_more(&jpeg(b"MPF\0\0\0")));
        assert!(!holds_more(&jpeg(b"ICC_\0\0")));
        assert!(!holds_more(b""));
    }
}
