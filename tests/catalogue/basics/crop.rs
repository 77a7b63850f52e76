//! `crop` against FFmpeg's `crop` and Pillow's `Image.crop`.

use filmgate::frame::PixelFormat::{self, *};

use super::bench::{answer, assert_same, filtered, picture, through_ffmpeg, through_python};

const SIZE: (u32, u32) = (131, 77);

fn cropped(format: PixelFormat, [width, height, x, y]: [u32; 4]) {
    let before = picture(format, SIZE);
    let filter = format!("crop={width}:{height}:{x}:{y}:exact=1");
    let expected = through_ffmpeg(&before, &filter, (width, height));
    let [width, height, x, y] = [width, height, x, y].map(|number| number.to_string());
    let given = [("width", &*width), ("height", &*height), ("x", &*x), ("y", &*y)];
    assert_same(&answer("crop", &given, "", &before), &expected, &filter);
}

#[test]
fn it_is_ffmpeg_crop() {
    for format in PixelFormat::ALL {
        for window in [[64, 32, 2, 4], [129, 75, 2, 2], [131, 10, 0, 66], [1, 1, 130, 76]] {
            cropped(format, window);
        }
        if format.chroma_shift() == (0, 0) {
            cropped(format, [50, 21, 7, 33]);
        }
    }
}

#[test]
fn the_middle_is_ffmpegs() {
    for format in [Yuv420p, Yuv422p10, Rgb24] {
        // 37 and 19 columns and rows off the edge; 36 and 18 where they share chroma samples.
        let before = picture(format, (132, 78));
        let expected = through_ffmpeg(&before, "crop=58:40", (58, 40));
        let found = answer("crop", &[("width", "58"), ("height", "40")], "", &before);
        assert_same(&found, &expected, "crop=58:40");
    }
}

#[test]
fn margins_are_pillow_crop() {
    let before = picture(Rgb24, SIZE);
    let program = "picture = Image.fromarray(samples.reshape(height, width, 3), 'RGB')\n\
                   out = np.asarray(picture.crop((11, 3, width - 20, height - 1)))";
    let given = [("left", "11"), ("top", "3"), ("right", "20"), ("bottom", "1")];
    let found = answer("crop", &given, "", &before);
    assert_eq!((found.width, found.height), (100, 73));
    assert!(found.samples == through_python(&before, program));
}

#[test]
fn half_a_chroma_sample_is_refused() {
    let error = filtered("crop", &[("left", "3")], "", &picture(Yuv420p, SIZE));
    let text = error.err().expect("3 is odd").to_string();
    assert!(text.contains("left: is 3") && text.contains("take 2 or 4"), "{text}");
}
