//! `flip` against FFmpeg's `hflip`, `vflip` and `transpose` and Pillow's `Image.transpose`.

use filmgate::frame::PixelFormat::{self, *};

use super::bench::{Picture, SIZES, answer, assert_same, picture, through_ffmpeg, through_python};

/// The mode, FFmpeg's filters and Pillow's method for it, and whether the sides change places.
const MODES: [(&str, &str, &str, bool); 6] = [
    ("horizontal", "hflip", "FLIP_LEFT_RIGHT", false),
    ("vertical", "vflip", "FLIP_TOP_BOTTOM", false),
    ("both", "hflip,vflip", "ROTATE_180", false),
    ("left", "transpose=cclock", "ROTATE_90", true),
    ("right", "transpose=clock", "ROTATE_270", true),
    ("transpose", "transpose=cclock_flip", "TRANSPOSE", true),
];

fn turned(size: (u32, u32), turns: bool) -> (u32, u32) {
    if turns { (size.1, size.0) } else { size }
}

fn is_422(format: PixelFormat) -> bool {
    format.chroma_shift() == (1, 0)
}

#[test]
fn it_is_ffmpegs() {
    for format in PixelFormat::ALL {
        for size in SIZES {
            for (mode, filters, _, turns) in MODES {
                if turns && is_422(format) {
                    continue;
                }
                let before = picture(format, size);
                let expected = through_ffmpeg(&before, filters, turned(size, turns));
                assert_same(&answer("flip", &[("mode", mode)], "", &before), &expected, mode);
            }
        }
    }
}

#[test]
fn it_is_pillows() {
    for size in SIZES {
        for (mode, _, method, turns) in MODES {
            let before = picture(Rgb24, size);
            let program = format!(
                "picture = Image.fromarray(samples.reshape(height, width, 3), 'RGB')\n\
                 out = np.asarray(picture.transpose(Image.Transpose.{method}))"
            );
            let found = answer("flip", &[("mode", mode)], "", &before);
            assert_eq!((found.width, found.height), turned(size, turns));
            assert!(found.samples == through_python(&before, &program), "{mode} {size:?}");
        }
    }
}

/// A quarter turn of 4:2:2 has a chroma sample for each pixel, and each is one of the picture's.
#[test]
fn chroma_of_422_stands_twice() {
    for (format, whole, gray) in [(Yuv422p, Yuv444p, Gray8), (Yuv422p10, Yuv444p10, Gray16)] {
        for size in SIZES {
            for (mode, filters, _, _) in MODES.into_iter().filter(|mode| mode.3) {
                let before = picture(format, size);
                let found = answer("flip", &[("mode", mode)], "", &before);
                assert_eq!((found.format, found.width, found.height), (whole, size.1, size.0));
                // Each plane as a gray picture, the colours enlarged to whole pairs and cut.
                let across = size.0.div_ceil(2);
                for (index, samples) in before.planes().into_iter().enumerate() {
                    let width = if index == 0 { size.0 } else { across };
                    let plane = Picture { format: gray, width, height: size.1, samples };
                    let double = format!("scale=2*iw:ih:flags=neighbor,crop={}:ih:0:0", size.0);
                    let wide = match index {
                        0 => filters.to_owned(),
                        _ => format!("{double},{filters}"),
                    };
                    let expected = through_ffmpeg(&plane, &wide, (size.1, size.0));
                    assert!(found.planes()[index] == expected.samples, "{mode} {format} {size:?}");
                }
            }
        }
    }
}
