//! FFmpeg's counterparts, on the same pictures.

use std::io::Write;
use std::process::Stdio;

use filmgate::frame::PixelFormat;
use filmgate_tests::outside::ffmpeg;
use filmgate_tests::running::Running;

use super::{PICTURES, Size, ffmpeg_name, film, filtered, load};

const SIZES: [Size; 2] = [(320, 180), (132, 78)];

/// The same pictures through FFmpeg's filter; `out` is FFmpeg's name of the format to come out.
pub(super) fn theirs(filter: &str, format: PixelFormat, size: Size, out: &str) -> Vec<u8> {
    let (width, height) = size;
    let input = format!("-f rawvideo -pix_fmt {} -s {width}x{height} -i -", ffmpeg_name(format));
    // `-nostdin` is about keys that people press; the pictures come from there.
    let mut ffmpeg = ffmpeg(&input);
    ffmpeg
        .args(["-vf", filter, "-f", "rawvideo", "-pix_fmt", out, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = Running::start(&mut ffmpeg);
    let mut stdin = child.stdin.take().expect("it was asked for");
    let pictures = film(format, size);
    let writer = std::thread::spawn(move || stdin.write_all(&pictures));
    let answer = child.wait_with_output().expect("ffmpeg runs to its end");
    writer.join().expect("no panic").expect("ffmpeg takes everything");
    assert!(answer.status.success(), "{filter}");
    answer.stdout
}

/// The greatest differences, downwards and upwards, of the first planes, `border` samples left out.
fn differences(
    ours: &[u8],
    theirs: &[u8],
    size: Size,
    channels: usize,
    border: usize,
) -> (i32, i32) {
    let (row, height) = (size.0 as usize * channels, size.1 as usize);
    let border_bytes = border * channels;
    let planes = ours.chunks(ours.len() / PICTURES).zip(theirs.chunks(theirs.len() / PICTURES));
    let rows = planes.flat_map(|(ours, theirs)| {
        let rows = ours.chunks_exact(row).zip(theirs.chunks_exact(row)).take(height - border);
        rows.skip(border)
    });
    let inner = border_bytes..row - border_bytes;
    let samples =
        rows.flat_map(|(ours, theirs)| ours[inner.clone()].iter().zip(&theirs[inner.clone()]));
    let differences = samples.map(|(ours, theirs)| i32::from(*ours) - i32::from(*theirs));
    differences.fold((0, 0), |(least, most), d| (least.min(d), most.max(d)))
}

/// Both on the same pictures, with one name of the format on either side.
fn compared(
    plugin: &str,
    parameters: &str,
    filter: &str,
    format: PixelFormat,
    border: usize,
) -> (i32, i32) {
    let plugin = load(plugin);
    let all = SIZES.map(|size| {
        let ours = filtered(&plugin, parameters, format, size);
        let theirs = theirs(filter, format, size, ffmpeg_name(format));
        let channels = if format == PixelFormat::Rgb24 { 3 } else { 1 };
        differences(&ours, &theirs, size, channels, border)
    });
    all.into_iter().fold((0, 0), |(least, most), (l, m)| (least.min(l), most.max(m)))
}

#[test]
fn edges_are_sobel_and_prewitt_but_for_the_border() {
    for operator in ["sobel", "prewitt"] {
        for (gain, format) in [("1", PixelFormat::Gray8), ("0.7", PixelFormat::Yuv420p)] {
            let parameters = format!("operator={operator},gain={gain}");
            let filter = format!("{operator}=planes=1:scale={gain}");
            assert_eq!(compared("edges", &parameters, &filter, format, 1), (0, 0), "{filter}");
        }
    }
}

/// FFmpeg cuts the fractions of means off, filmgate rounds to the nearest.
#[test]
fn means_are_avgblur_and_pixelize_or_one_more() {
    for radius in [1, 5, 30] {
        let (parameters, filter) =
            (format!("kind=box,radius={radius}"), format!("avgblur={radius}"));
        let found = compared("blur", &parameters, &filter, PixelFormat::Gray8, 0);
        assert_eq!(found, (0, 1), "{filter}");
    }
    for block in [2, 7, 16] {
        let (parameters, filter) = (format!("block={block}"), format!("pixelize={block}:{block}"));
        let found = compared("pixelate", &parameters, &filter, PixelFormat::Yuv444p, 0);
        assert_eq!(found, (0, 1), "{filter}");
    }
}

/// FFmpeg's middle is half a sample further on, and it cuts fractions off.
#[test]
fn vignette_is_ffmpegs_within_2() {
    for strength in [20.0, 57.2, 90.0_f64] {
        let angle = (1.0 - strength / 100.0).powf(0.25).acos();
        let filter = format!("vignette=angle={angle}:dither=0");
        let parameters = format!("strength={strength}");
        for format in [PixelFormat::Gray8, PixelFormat::Rgb24] {
            let plugin = load("vignette");
            let size = SIZES[0];
            let ours = filtered(&plugin, &parameters, format, size);
            let theirs = theirs(&filter, format, size, ffmpeg_name(format));
            let channels = if format == PixelFormat::Rgb24 { 3 } else { 1 };
            let (least, most) = differences(&ours, &theirs, size, channels, 0);
            assert!(least >= -2 && most <= 2, "{filter} {format}: {least} … {most}");
        }
    }
}

/// FFmpeg makes the alpha, which is blended with black here. Outside of the picture, it takes the
/// key for granted.
#[test]
fn chromakey_is_ffmpegs_within_2() {
    let plugin = load("chromakey");
    // #80a040 in BT.601 and limited range.
    let key = "0x885b79";
    for format in [PixelFormat::Yuv420p, PixelFormat::Yuv444p] {
        let with_alpha = format.name().replace("yuv", "yuva");
        for (similarity, blend) in [("0.08", "0.2"), ("0.05", "0.05"), ("0.1", "0.3")] {
            let parameters = format!("color=#80a040,similarity={similarity},blend={blend}");
            let filter = format!("format={with_alpha},chromakey={key}:{similarity}:{blend}:yuv=1");
            let size = SIZES[0];
            let ours = filtered(&plugin, &parameters, format, size);
            let keyed = theirs(&filter, format, size, &with_alpha);
            let count = (size.0 * size.1) as usize;
            let frames = keyed.chunks_exact(keyed.len() / PICTURES);
            let blended = frames.flat_map(|frame| {
                let alpha = &frame[frame.len() - count..];
                frame[..count].iter().zip(alpha).map(|(light, alpha)| {
                    (16.0 + (f64::from(*light) - 16.0) * f64::from(*alpha) / 255.0).round() as u8
                })
            });
            let (least, most) = differences(&ours, &blended.collect::<Vec<_>>(), size, 1, 1);
            assert!(least >= -2 && most <= 2, "{filter}: {least} … {most}");
        }
    }
}

#[test]
fn pad_is_ffmpegs() {
    let plugin = load("pad");
    let parameters = "width=400,height=202,color=#4060a0";
    for (format, color) in [
        (PixelFormat::Yuv420p, "0x4060a0"),
        (PixelFormat::Yuv422p, "0x4060a0"),
        (PixelFormat::Rgb24, "0x4060a0"),
        // FFmpeg writes gray in limited range, black as 16; this is 94 there, as the other here.
        (PixelFormat::Gray8, "0x5b5b5b"),
    ] {
        for size in SIZES {
            let ours = filtered(&plugin, parameters, format, size);
            let filter = format!("pad=400:202:-1:-1:color={color}");
            let theirs = theirs(&filter, format, size, ffmpeg_name(format));
            assert!(ours == theirs, "{format} {size:?}");
        }
    }
}

/// The second picture is a third of the way. FFmpeg counts frames, so the duration is three of them.
#[test]
fn fade_is_ffmpegs_within_1() {
    for (parameters, filter, format) in [
        ("duration=0.12", "fade=in:st=0:d=0.12", PixelFormat::Yuv420p),
        ("type=out,duration=0.12", "fade=out:st=0:d=0.12", PixelFormat::Yuv420p),
        ("duration=0.12,color=#4060a0", "fade=in:st=0:d=0.12:c=0x4060a0", PixelFormat::Rgb24),
    ] {
        let plugin = load("fade");
        let size = SIZES[0];
        let ours = filtered(&plugin, parameters, format, size);
        let theirs = theirs(filter, format, size, ffmpeg_name(format));
        assert_eq!(ours.len(), theirs.len());
        let most = ours.iter().zip(&theirs).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(most <= Some(1), "{filter}: {most:?}");
        let plain = film(format, size);
        assert!(ours.iter().zip(&*plain).any(|(a, b)| a.abs_diff(*b) > 40), "{filter}");
    }
}
