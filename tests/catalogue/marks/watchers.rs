//! `dedupe`, `motion` and `scene`.

use filmgate::frame::PixelFormat;
use filmgate_tests::outside::{ffmpeg, output};

use super::{Cases, STEP, ffmpeg_name, film, frames, run, stream, tag};

/// Sizes with whole blocks, and with blocks cut off at both edges.
const SIZES: [(u32, u32); 3] = [(320, 176), (101, 67), (5, 3)];

/// Every second picture twice, every seventh three times more, some noise on all.
const REPEATS: &str = "loop=loop=1:size=1:start=2,loop=loop=3:size=1:start=9,";

#[test]
fn motion_is_where_numpy_finds_it() {
    let mut cases = Cases::new();
    for format in PixelFormat::ALL {
        for size in SIZES {
            let info = stream(format, size);
            let bytes = film("bigbuckbunny.mp4", &info, 12, "select='not(mod(n,5))',");
            for given in [
                &[][..],
                &[("threshold", "0"), ("cell", "32")],
                &[("threshold", "1"), ("cell", "64")],
            ] {
                cases.add("motion", given, &info, &bytes);
            }
        }
    }
    cases.judge();
}

#[test]
fn motion_is_found_nowhere_else() {
    // A square of 20 x 20 that moves by 16 px a frame on something still.
    let info = stream(PixelFormat::Yuv420p, (320, 176));
    let mut bytes = vec![40; info.format.frame_bytes(320, 176) * 5];
    for (picture, at) in bytes.chunks_mut(320 * 176 * 3 / 2).zip([32, 48, 64, 64, 80]) {
        for row in picture.chunks_mut(320).skip(64).take(20) {
            row[at..at + 20].fill(200);
        }
    }
    let out = run("motion", &[], &info, frames(&info, &bytes));
    let boxes: Vec<_> = out.iter().map(|frame| tag(frame, "motion.box")).collect();
    let moved = [Some("32,64,48,32"), Some("48,64,48,32"), None, Some("64,64,48,32")];
    assert_eq!(boxes, [&[None], &moved[..]].concat());
    assert_eq!(super::packed(&out), bytes);
}

#[test]
fn scenes_are_scored_as_numpy_does() {
    let mut cases = Cases::new();
    for format in PixelFormat::ALL {
        for size in SIZES {
            let info = stream(format, size);
            let bytes = film("bikes.mp4", &info, 40, "select='not(mod(n,6))',");
            cases.add("scene", &[("scores", "all"), ("threshold", "0.15")], &info, &bytes);
            cases.add("scene", &[], &info, &bytes);
        }
    }
    cases.judge();
}

/// The numbers of the frames that FFmpeg's `select` lets through, with their scores.
fn scenes_of_ffmpeg(format: PixelFormat, size: (u32, u32), threshold: &str) -> Vec<(u64, String)> {
    let mut command = ffmpeg("");
    command.arg("-i").arg(filmgate_tests::hostile::clip("bikes.mp4"));
    let filters = format!(
        "scale={}:{}:flags=area,format={},settb=1/1000000000,setpts=N*{STEP},\
         select='gt(scene,{threshold})',metadata=print:file=-",
        size.0,
        size.1,
        ffmpeg_name(format)
    );
    command.args(["-map", "0:v:0", "-vf", &filters, "-fps_mode", "passthrough", "-f", "null", "-"]);
    let said = String::from_utf8(output(&mut command).stdout).expect("it prints ASCII");
    let values = |key: &str| -> Vec<String> {
        let fields = said.split_whitespace().filter_map(|word| word.strip_prefix(key));
        fields.map(str::to_owned).collect()
    };
    let numbers = values("pts:").into_iter().map(|pts| pts.parse::<u64>().expect("a number"));
    numbers.map(|pts| pts / STEP as u64).zip(values("lavfi.scene_score=")).collect()
}

#[test]
fn cuts_and_scores_are_those_of_ffmpeg() {
    for (format, size) in [
        (PixelFormat::Yuv420p, (640, 272)),
        (PixelFormat::Yuv420p10, (322, 135)),
        (PixelFormat::Rgb24, (320, 136)),
        (PixelFormat::Gray8, (33, 17)),
    ] {
        let info = stream(format, size);
        let bytes = film("bikes.mp4", &info, 1000, "");
        for threshold in ["0.3", "0.05", "0"] {
            let out = run("scene", &[("threshold", threshold)], &info, frames(&info, &bytes));
            let found: Vec<(u64, String)> = out
                .iter()
                .filter(|frame| tag(frame, "scene.cut") == Some("true"))
                .map(|frame| (frame.index, tag(frame, "scene.score").unwrap_or("none").to_owned()))
                .collect();
            let expected = scenes_of_ffmpeg(format, size, threshold);
            assert!(expected.len() >= 3, "{} cuts are too few to tell", expected.len());
            assert_eq!(found, expected, "{format} {size:?} above {threshold}");
        }
    }
}

#[test]
fn repeats_are_those_that_numpy_finds() {
    let mut cases = Cases::new();
    for format in PixelFormat::ALL {
        for size in SIZES {
            let info = stream(format, size);
            let bytes = film("bigbuckbunny.mp4", &info, 30, REPEATS);
            for given in [
                &[][..],
                &[("block", "0"), ("mean", "0")],
                &[("block", "2.5"), ("mean", "0.75"), ("planes", "luma")],
                &[("block", "255"), ("mean", "255"), ("keep-every", "4")],
                &[("block", "30"), ("mean", "2"), ("keep-every", "3")],
            ] {
                cases.add("dedupe", given, &info, &bytes);
            }
        }
    }
    cases.judge();
}

/// The numbers of the frames that `mpdecimate` keeps of packed pictures.
fn kept_by_mpdecimate(path: &std::path::Path, size: (u32, u32)) -> Vec<u64> {
    let mut command = ffmpeg("-f rawvideo -pix_fmt yuv420p -framerate 25");
    command.args(["-video_size", &format!("{}x{}", size.0, size.1)]).arg("-i").arg(path);
    command.args(["-vf", "mpdecimate,showinfo", "-f", "null", "-loglevel", "info", "-"]);
    let said = String::from_utf8(output(&mut command).stderr).expect("it prints ASCII");
    let times = said.lines().filter(|line| line.contains("showinfo") && line.contains(" n:"));
    times
        .map(|line| {
            let pts = line.split("pts:").nth(1).and_then(|rest| rest.split_whitespace().next());
            pts.and_then(|pts| pts.parse().ok()).expect("a time in frames")
        })
        .collect()
}

#[test]
fn known_repeats_are_dropped_as_mpdecimate_does() {
    // The film at 12.5 frames a second shown at 50: every picture four times.
    let size = (640, 360);
    let info = stream(PixelFormat::Yuv420p, size);
    let once = film("bikes.mp4", &info, 24, "select='not(mod(n,2))',");
    let picture = info.format.frame_bytes(size.0, size.1);
    let bytes: Vec<u8> = once.chunks(picture).flat_map(|one| one.repeat(4)).collect();
    let folder = tempfile::tempdir().expect("a folder for pictures");
    let path = folder.path().join("repeats.yuv");
    std::fs::write(&path, &bytes).expect("pictures can be stored");

    let out = run("dedupe", &[], &info, frames(&info, &bytes));
    let kept: Vec<u64> = out.iter().map(|frame| frame.index).collect();
    assert_eq!(kept, (0..24).map(|picture| 4 * picture).collect::<Vec<u64>>());
    assert_eq!(kept, kept_by_mpdecimate(&path, size));
    assert!(out.iter().all(|frame| frame.duration == Some(4 * STEP)));
    assert_eq!(super::packed(&out), once);
}

/// `crop` and turns answer new pictures; `emboss` the same ones.
#[test]
fn tags_outlive_filters_that_make_new_pictures() {
    let info = stream(PixelFormat::Yuv420p, (32, 18));
    for (plugin, parameters) in [
        ("crop", &[("width", "16")][..]),
        ("flip", &[("mode", "right")]),
        ("flip", &[("mode", "vertical")]),
        ("emboss", &[]),
    ] {
        let mut pictures = frames(&info, &vec![40; info.format.frame_bytes(32, 18) * 2]);
        let tags = [("scene.cut".to_owned(), "true".to_owned())];
        pictures[1].tags = Some(Box::new(tags.into_iter().collect()));
        let out = run(plugin, parameters, &info, pictures);
        let found: Vec<_> = out.iter().map(|frame| tag(frame, "scene.cut")).collect();
        assert_eq!(found, [None, Some("true")], "{plugin} {parameters:?}");
    }
}
