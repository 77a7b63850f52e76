//! `lut3d` against FFmpeg's `lut3d` and `lut1d`.

use std::fmt::Write as _;
use std::path::Path;

use filmgate::frame::PixelFormat::*;

use super::bench::{SIZES, answer, difference, filtered, picture, through_ffmpeg};

/// A table in which colours turn, bend and go beyond black and white.
fn cube_3d(size: usize) -> String {
    let mut text = format!("# a test\nTITLE \"turned\"\nLUT_3D_SIZE {size}\n");
    let light = |i: usize| i as f64 / (size - 1) as f64;
    for i in 0..size.pow(3) {
        let [r, g, b] = [i % size, i / size % size, i / size / size].map(light);
        let red = 0.8 * r.powf(0.7) + 0.3 * g * b;
        let green = g * 1.1 - 0.05 + 0.1 * (9.0 * r).sin();
        let blue = (1.0 - r) * 0.2 + 0.8 * b * b;
        writeln!(text, "{red:.6} {green:.6} {blue:.6}").expect("memory");
    }
    text
}

fn cube_1d(size: usize) -> String {
    let mut text = format!("LUT_1D_SIZE {size}\n");
    for i in 0..size {
        let light = i as f64 / (size - 1) as f64;
        writeln!(text, "{:.6} {:.6} {:.6}", light.sqrt(), light * light, 1.1 - light)
            .expect("memory");
    }
    text
}

fn written(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a temporary file");
    path.to_str().expect("UTF-8").to_owned()
}

/// FFmpeg cuts what is behind the point, the plugin rounds.
#[test]
fn three_dimensions_are_ffmpegs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for entries in [2, 17, 33, 64] {
        let path = written(folder.path(), &format!("{entries}.cube"), &cube_3d(entries));
        for interpolation in ["tetrahedral", "trilinear"] {
            for format in [Rgb24, Rgba, Rgb48] {
                for size in SIZES {
                    let before = picture(format, size);
                    let filter = format!("lut3d=file={path}:interp={interpolation}");
                    let expected = through_ffmpeg(&before, &filter, size);
                    let given = [("file", &*path), ("interpolation", interpolation)];
                    let most = difference(&answer("lut3d", &given, "", &before), &expected);
                    assert!(most <= 1, "{entries} {interpolation} {format}: differs by {most}");
                }
            }
        }
    }
}

#[test]
fn one_dimension_is_ffmpegs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for entries in [2, 256, 1000] {
        let path = written(folder.path(), &format!("{entries}.cube"), &cube_1d(entries));
        for format in [Rgb24, Rgba, Rgb48] {
            let before = picture(format, SIZES[0]);
            let filter = format!("lut1d=file={path}:interp=linear");
            let expected = through_ffmpeg(&before, &filter, SIZES[0]);
            let most = difference(&answer("lut3d", &[("file", &path)], "", &before), &expected);
            assert!(most <= 1, "{entries} {format}: differs by {most}");
        }
    }
}

/// The inner loop and its twin for tables with a domain give the same.
#[test]
fn a_domain_that_says_nothing_changes_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (plain, text) = (cube_3d(20), cube_3d(20));
    let wider = text.replace("LUT_3D_SIZE", "DOMAIN_MIN 0 0 0\nDOMAIN_MAX 2 2 2\nLUT_3D_SIZE");
    let narrow = text.replace("LUT_3D_SIZE", "LUT_3D_INPUT_RANGE 0 1\nLUT_3D_SIZE");
    let before = picture(Rgb24, SIZES[0]);
    let looked_up = |name, text: &str| {
        let path = written(folder.path(), name, text);
        answer("lut3d", &[("file", &path)], "", &before)
    };
    let plain = looked_up("plain.cube", &plain);
    assert_eq!(difference(&plain, &looked_up("narrow.cube", &narrow)), 0);
    assert!(difference(&plain, &looked_up("wider.cube", &wider)) > 20);
}

#[test]
fn errors_name_the_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broken = cube_3d(2).replacen("\n0.", "\n0,", 1);
    let path = written(folder.path(), "broken.cube", &broken);
    let error = filtered("lut3d", &[("file", &path)], "", &picture(Rgb24, SIZES[3]));
    let text = error.err().expect("no number").to_string();
    assert!(text.contains("file: line ") && text.contains("is not a number"), "{text}");
}
