//! `curves` against FFmpeg's `curves`.

use filmgate::frame::PixelFormat::*;

use super::bench::{Picture, SIZES, answer, difference, filtered, picture, through_ffmpeg};

/// FFmpeg's values and those of the plugin are cut to whole numbers behind different roundings of
/// floating point: where a value is nearly whole they may differ by one.
fn nearly(before: &Picture, parameters: &[(&str, &str)]) {
    let options: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}='{value}'")).collect();
    let filter = format!("curves={}", options.join(":"));
    let expected = through_ffmpeg(before, &filter, (before.width, before.height));
    let most = difference(&answer("curves", parameters, "", before), &expected);
    assert!(most <= 1, "{filter} {}: differs by {most}", before.format);
}

#[test]
fn presets_are_ffmpegs() {
    for preset in [
        "none",
        "color_negative",
        "cross_process",
        "darker",
        "increase_contrast",
        "lighter",
        "linear_contrast",
        "medium_contrast",
        "negative",
        "strong_contrast",
        "vintage",
    ] {
        for format in [Rgb24, Rgba, Rgb48] {
            nearly(&picture(format, SIZES[0]), &[("preset", preset)]);
        }
    }
}

#[test]
fn points_are_ffmpegs() {
    let one = [("red", "0/0 0.5/0.6 1/1")];
    let all = [
        ("red", "0.1/0.3 0.2/0.1 0.7/0.9"),
        ("green", "0/1 0.33/0.2 0.5/0.8 1/0"),
        ("blue", "0.4/0.7"),
        ("master", "0/0.05 0.6/0.5 1/0.97"),
    ];
    let over = [("preset", "vintage"), ("blue", "0/0 1/1"), ("master", "0/0 0.3/0.5 1/1")];
    for format in [Rgb24, Rgba, Rgb48] {
        for size in SIZES {
            let before = picture(format, size);
            nearly(&before, &one);
            nearly(&before, &all);
            nearly(&before, &over);
        }
    }
}

#[test]
fn errors_say_which_point() {
    let error = filtered("curves", &[("blue", "0/0 0.5/2")], "", &picture(Rgb24, SIZES[3]));
    let text = error.err().expect("2 is too much").to_string();
    assert!(text.contains("blue: point 2"), "{text}");
}
