//! `timecode` and `watermark`.

use std::path::Path;
use std::process::Command;

use filmgate::frame::{PixelFormat, StreamInfo};
use filmgate_tests::outside::{ffmpeg, python, succeed};

use super::{Cases, ffmpeg_name, film, frames, packed, run, stream};

/// Even ones, odd ones, and one that hardly anything fits.
const SIZES: [(u32, u32); 3] = [(320, 180), (161, 91), (7, 5)];

const MATRICES: [(Option<&str>, Option<&str>); 4] = [
    (None, None),
    (Some("bt709"), Some("tv")),
    (Some("smpte170m"), Some("pc")),
    (Some("bt2020nc"), None),
];

/// Streams of every format and size, with one of the matrices each.
fn streams() -> impl Iterator<Item = StreamInfo> {
    let all =
        SIZES.into_iter().flat_map(|size| PixelFormat::ALL.map(|format| stream(format, size)));
    all.zip(MATRICES.into_iter().cycle()).map(|(mut info, (space, range))| {
        info.color.space = space.map(str::to_owned);
        info.color.range = range.map(str::to_owned);
        info
    })
}

/// A PNG of that size with every opacity and many colours, in one of Pillow's modes.
fn logo(path: &Path, mode: &str, (width, height): (u32, u32)) {
    let program = "
import sys, numpy as np
from PIL import Image
path, mode, width, height = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
y, x = np.mgrid[:height, :width]
noise = np.random.default_rng(7).integers(0, 256, (height, width))
disc = np.hypot(x - width / 2, y - height / 2) / max(width, height)
rgba = np.stack([x * 255 // width, y * 255 // height, noise, 255 - 510 * disc], -1)
image = Image.fromarray(rgba.clip(0, 255).astype('uint8'), 'RGBA')
image.convert(mode).save(path)
";
    let (width, height) = (width.to_string(), height.to_string());
    let mut command = Command::new(python());
    command.args(["-W", "ignore", "-c", program]).arg(path).args([mode, &width, &height]);
    succeed(&mut command);
}

#[test]
fn watermarks_are_those_of_pillow_and_numpy() {
    let mut cases = Cases::new();
    let paths = [("RGBA", (61, 33)), ("LA", (40, 40)), ("P", (33, 20)), ("RGB", (300, 10))];
    let paths = paths.map(|(mode, size)| {
        let path = cases.path(&format!("{mode}.png"));
        logo(&path, mode, size);
        path.to_str().expect("a path in UTF-8").to_owned()
    });
    for info in streams() {
        let bytes = film("bigbuckbunny.mp4", &info, 2, "");
        let [rgba, la, p, rgb] = paths.each_ref().map(String::as_str);
        for given in [
            &[("picture", rgba)][..],
            &[("picture", rgba), ("position", "center"), ("opacity", "55")],
            &[("picture", la), ("position", "top-left"), ("x", "-7"), ("y", "3")],
            &[("picture", p), ("position", "bottom"), ("y", "-5"), ("scale", "170")],
            &[("picture", rgb), ("position", "right"), ("x", "0"), ("scale", "33.3")],
        ] {
            cases.add("watermark", given, &info, &bytes);
        }
    }
    cases.judge();
}

#[test]
fn frames_with_opacity_are_composited_as_pillow_does() {
    let mut cases = Cases::new();
    let path = cases.path("logo.png");
    logo(&path, "RGBA", (90, 60));
    let info = stream(PixelFormat::Rgba, (101, 57));
    let mut bytes = film("bigbuckbunny.mp4", &info, 3, "");
    // The rows of the upper half have every opacity, those of the lower one are opaque.
    for (i, pixel) in bytes.chunks_exact_mut(4).enumerate() {
        pixel[3] = if i % (101 * 57) < 101 * 28 { (i * 7) as u8 } else { 255 };
    }
    let path = path.to_str().expect("a path in UTF-8");
    cases.add("watermark", &[("picture", path), ("position", "center")], &info, &bytes);
    cases.judge();
}

#[test]
fn watermarks_are_nearly_those_of_ffmpeg() {
    // FFmpeg brings the picture to YUV and halves its chroma with swscale, in other roundings.
    let folder = tempfile::tempdir().expect("a folder for pictures");
    let path = folder.path().join("logo.png");
    let program = "
import sys, numpy as np
from PIL import Image
y, x = np.mgrid[:64, :96]
rgba = np.stack([x * 2, y * 3, 255 - x, 255 - 4 * abs(32 - y)], -1).clip(0, 255)
Image.fromarray(rgba.astype('uint8'), 'RGBA').save(sys.argv[1])
";
    succeed(Command::new(python()).args(["-W", "ignore", "-c", program]).arg(&path));
    for (format, named, worst, mean) in [
        (PixelFormat::Yuv420p, "yuv420", 2, 0.4),
        (PixelFormat::Yuv422p, "yuv422", 2, 0.4),
        (PixelFormat::Yuv444p, "yuv444", 2, 0.4),
    ] {
        let info = stream(format, (320, 180));
        let before = film("bigbuckbunny.mp4", &info, 4, "");
        let raw = folder.path().join("before");
        std::fs::write(&raw, &before).expect("pictures can be stored");
        let mut command = ffmpeg("-f rawvideo -video_size 320x180 -framerate 25");
        command.args(["-pix_fmt", ffmpeg_name(format), "-i"]).arg(&raw).arg("-i").arg(&path);
        let filters = format!("overlay=200:90:format={named}");
        command.args(["-filter_complex", &filters, "-pix_fmt", ffmpeg_name(format)]);
        let expected = succeed(command.args(["-f", "rawvideo", "-"]));
        let given = [("picture", path.to_str().expect("UTF-8")), ("x", "24"), ("y", "26")];
        let after = packed(&run("watermark", &given, &info, frames(&info, &before)));
        let differences = after.iter().zip(&expected).map(|(ours, theirs)| ours.abs_diff(*theirs));
        let most = differences.clone().max().unwrap_or(0);
        let changed = before.iter().zip(&after).filter(|(before, after)| before != after).count();
        let sum: f64 = differences.map(f64::from).sum();
        assert_eq!(after.len(), expected.len());
        assert!(changed > 4 * 90 * 60, "{changed} samples changed");
        println!("{format}: {most} at most, {:.3} on average", sum / changed as f64);
        assert!(most <= worst && sum / changed as f64 <= mean, "{format}: {most}, {sum}");
    }
}

#[test]
fn letters_stand_as_numpy_draws_them() {
    let mut cases = Cases::new();
    for info in streams() {
        let bytes = film("bigbuckbunny.mp4", &info, 27, "");
        for given in [
            &[][..],
            &[
                ("text", "{timecode} #{frame:5}"),
                ("size", "1"),
                ("position", "bottom-right"),
                ("x", "3"),
            ],
            &[
                ("text", "ÄÖ~é\u{4e00}"),
                ("position", "center"),
                ("color", "#ff8000c0"),
                ("background", "#2040ff80"),
            ],
            &[
                ("text", "{frame}"),
                ("size", "5"),
                ("x", "-9"),
                ("y", "-11"),
                ("background", "#00000000"),
            ],
            &[
                ("text", "{time}"),
                ("offset", "3599500"),
                ("position", "top"),
                ("y", "0"),
                ("size", "3"),
            ],
        ] {
            cases.add("timecode", given, &info, &bytes);
        }
    }
    cases.judge();
}
