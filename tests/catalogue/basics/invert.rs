//! `invert` against FFmpeg's `negate` and `lutyuv` and Pillow's `ImageOps.invert`.

use filmgate::frame::PixelFormat::{self, *};

use super::bench::{SIZES, answer, assert_same, picture, through_ffmpeg, through_python};

#[test]
fn gray_and_rgb_are_ffmpeg_negate() {
    for format in [Gray8, Gray16, Rgb24, Rgba, Rgb48] {
        for size in SIZES {
            let before = picture(format, size);
            let expected = through_ffmpeg(&before, "negate", size);
            assert_same(&answer("invert", &[], "", &before), &expected, "negate");
        }
    }
}

#[test]
fn rgb_is_pillow_invert() {
    for size in SIZES {
        let before = picture(Rgb24, size);
        let program = "out = np.asarray(ImageOps.invert(Image.fromarray(\
                       samples.reshape(height, width, 3), 'RGB')))";
        let found = answer("invert", &[], "", &before);
        assert!(found.samples == through_python(&before, program), "{size:?}");
    }
}

/// The definition as FFmpeg's `lutyuv`, which reckons with every sample by itself, takes it.
fn expressions(format: PixelFormat, range: &str) -> String {
    let more = format.bits() - 8;
    let (most, middle) = ((1 << format.bits()) - 1, 1 << format.bits());
    let top = if range == "pc" { most } else { (16 + 235) << more };
    let chroma = format!("min({middle}-val,{most})");
    format!("lutyuv=y='max({top}-val,0)':u='{chroma}':v='{chroma}'")
}

#[test]
fn yuv_stays_in_its_range() {
    for format in [Yuv420p, Yuv422p, Yuv444p, Yuv420p10, Yuv422p10, Yuv444p10] {
        for size in SIZES {
            for range in ["tv", "pc", ""] {
                let before = picture(format, size);
                let expected = through_ffmpeg(&before, &expressions(format, range), size);
                assert_same(&answer("invert", &[], range, &before), &expected, range);
            }
        }
    }
}

#[test]
fn luma_alone_keeps_the_colours() {
    let before = picture(Yuv420p, SIZES[1]);
    let found = answer("invert", &[("planes", "luma")], "tv", &before).planes();
    assert!(found[0] != before.planes()[0]);
    assert!(found[1..] == before.planes()[1..]);
}
