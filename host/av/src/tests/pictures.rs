//! Decoded and converted pictures, compared with the ffmpeg program's.

use super::*;
use filmgate_core::frame::{Color, PixelFormat, PlanePool, StreamInfo};

fn x264_file(name: &str, size: &str, more: &str) -> PathBuf {
    let input = format!("-f lavfi -i testsrc2=size={size}:rate=25:duration=0.4");
    made(name, &format!("{input} -c:v libx264 -preset ultrafast {more}"))
}

fn same_as_ffmpeg(path: &Path, format: &str) -> Vec<Frame> {
    let (frames, damaged, error) = decoded(path, 0);
    assert_eq!((damaged, error.map(|e| e.message)), (0, None));
    let ours: Vec<u8> = frames.iter().flat_map(packed).collect();
    let theirs = by_ffmpeg(path, &format!("-f rawvideo -fps_mode passthrough -pix_fmt {format}"));
    assert_eq!(ours.len(), theirs.len(), "{}", path.display());
    assert!(ours == theirs, "{}: pictures differ", path.display());
    frames
}

#[test]
fn frames_are_lent_and_exact() {
    let frames = same_as_ffmpeg(&x264_file("hd.mp4", "1280x720", "-pix_fmt yuv420p"), "yuv420p");
    assert_eq!(frames.len(), 10);
    for (i, frame) in frames.iter().enumerate() {
        assert_eq!((frame.index, frame.timestamp), (i as u64, i as i64 * 40_000_000));
        assert_eq!(frame.duration, Some(40_000_000));
        assert!(frame.baggage.is_some());
        assert!(frame.planes.iter().all(|p| p.as_packed().is_some()), "not packed");
    }
    same_as_ffmpeg(&x264_file("odd.mkv", "333x187", "-pix_fmt yuv444p"), "yuv444p");
    same_as_ffmpeg(&x264_file("odd-cropped.mkv", "338x190", "-pix_fmt yuv420p"), "yuv420p");
    same_as_ffmpeg(&x264_file("ten.mkv", "640x360", "-pix_fmt yuv420p10le"), "yuv420p10le");
    let gray = "-f lavfi -i testsrc2=size=64x48:duration=0.2 -c:v ffv1 -pix_fmt gray";
    let frames = same_as_ffmpeg(&made("gray.mkv", gray), "gray");
    assert_eq!(frames[0].format, PixelFormat::Gray8);
}

#[test]
fn threads_give_the_same_frames() {
    let path = x264_file("hd.mp4", "1280x720", "-pix_fmt yuv420p");
    let one = decoded(&path, 1).0;
    for threads in [0, 2, 4] {
        let many = decoded(&path, threads).0;
        assert!(one.iter().map(packed).eq(many.iter().map(packed)), "{threads} threads");
    }
    // A frame outlives its decoder, and may be dropped elsewhere.
    let last = one.into_iter().next_back().expect("a frame");
    std::thread::spawn(move || drop(last)).join().expect("dropped");
}

#[test]
fn other_formats_become_the_nearest() {
    for (name, format, ours, theirs) in [
        ("nv.nut", "-c:v rawvideo -pix_fmt nv12", PixelFormat::Yuv420p, "yuv420p"),
        ("gbr.mkv", "-c:v ffv1 -pix_fmt gbrp -strict -2", PixelFormat::Rgb24, "rgb24"),
        ("bgr.nut", "-c:v rawvideo -pix_fmt bgr24", PixelFormat::Rgb24, "rgb24"),
        ("pal.gif", "", PixelFormat::Rgba, "rgba"),
        ("uyvy.nut", "-c:v rawvideo -pix_fmt uyvy422", PixelFormat::Yuv422p, "yuv422p"),
        (
            "deep.mkv",
            "-c:v ffv1 -pix_fmt yuv422p12le -strict -2",
            PixelFormat::Yuv422p10,
            "yuv422p10le",
        ),
        ("rgba.png", "-pix_fmt rgba -frames:v 1", PixelFormat::Rgba, "rgba"),
    ] {
        let input = "-f lavfi -i testsrc2=size=320x240:rate=25:duration=0.2";
        let path = made(name, &format!("{input} {format}"));
        let frames = same_as_ffmpeg(&path, theirs);
        assert_eq!(frames[0].format, ours, "{name}");
    }
    // Rows from the bottom up.
    let bmp = made("up.bmp", "-f lavfi -i testsrc2=size=63x47:duration=0.04 -frames:v 1");
    same_as_ffmpeg(&bmp, "rgb24");
}

#[test]
fn full_range_stays_full() {
    let path = x264_file("full.mkv", "320x240", "-pix_fmt yuvj420p");
    let input = opened(&path);
    let output = VideoDecoder::new(&input, 0, &DecodeOptions::default()).expect("decoder").output();
    assert_eq!(output.color.range.as_deref(), Some("pc"));
    same_as_ffmpeg(&path, "yuvj420p");
    let to = folder().join("full-out.mkv");
    transcoded(&path, &to, &[]).expect("written");
    assert!(probe(&to, "-show_entries stream=color_range").contains("pc"));
}

#[test]
fn colours_are_written() {
    let tags = "-pix_fmt yuv420p -colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv";
    let path = x264_file("tagged.mkv", "320x240", &format!("{tags} -aspect 16:9"));
    let to = folder().join("tagged-colours.mp4");
    transcoded(&path, &to, &[]).expect("written");
    let entries = "-show_entries stream=color_space,color_primaries,color_transfer,color_range,sample_aspect_ratio";
    assert_eq!(probe(&to, entries), probe(&path, entries));
}

#[test]
fn a_change_of_size_is_scaled_to_the_first() {
    let first = x264_file("first.ts", "320x240", "-pix_fmt yuv420p");
    let second = x264_file("second.ts", "640x360", "-pix_fmt yuv422p");
    let path = folder().join("changing.ts");
    let both = [fs::read(first).expect("readable"), fs::read(second).expect("readable")].concat();
    fs::write(&path, both).expect("writable");
    let (frames, _, _) = decoded(&path, 0);
    assert_eq!(frames.len(), 20);
    assert!(
        frames.iter().all(|f| (f.width, f.height, f.format) == (320, 240, PixelFormat::Yuv420p))
    );
}

#[test]
fn conversions_agree_with_ffmpeg() {
    for (name, tags) in [
        ("unknown.mkv", ""),
        ("bt709.mkv", "-colorspace bt709 -color_primaries bt709 -color_trc bt709"),
        ("pc.mkv", "-color_range pc -colorspace smpte170m"),
    ] {
        let path =
            x264_file(&format!("convert-{name}"), "320x240", &format!("-pix_fmt yuv420p {tags}"));
        let input = opened(&path);
        let info =
            VideoDecoder::new(&input, 0, &DecodeOptions::default()).expect("decoder").output();
        let frame = decoded(&path, 1).0.into_iter().next().expect("a frame");
        for (format, theirs) in [
            (PixelFormat::Rgb24, "rgb24"),
            (PixelFormat::Gray8, "gray"),
            (PixelFormat::Rgba, "rgba"),
            (PixelFormat::Yuv444p, "yuv444p"),
            (PixelFormat::Rgb48, "rgb48le"),
        ] {
            let mut converter = Converter::new(&info, format, 320, 240).expect("a converter");
            let ours = packed(&converter.convert(&frame, &PlanePool::new()).expect("converts"));
            let theirs = by_ffmpeg(&path, &format!("-frames:v 1 -f rawvideo -pix_fmt {theirs}"));
            let apart = ours.iter().zip(&theirs).map(|(a, b)| a.abs_diff(*b)).max();
            let exact = format != PixelFormat::Yuv444p || !name.starts_with("pc");
            assert!(
                ours.len() == theirs.len() && (!exact || apart == Some(0)),
                "{name} {format}: {apart:?}"
            );
        }
    }
}

#[test]
fn round_trips_keep_colours_and_baggage() {
    for range in [None, Some("pc".to_string())] {
        let path = x264_file("trip.mkv", "322x182", "-pix_fmt yuv420p");
        let frame = decoded(&path, 1).0.into_iter().next().expect("a frame");
        let color = Color { range, space: Some("bt709".into()), ..Color::default() };
        let info = StreamInfo {
            format: PixelFormat::Yuv420p,
            width: 322,
            height: 182,
            frame_rate: None,
            sample_aspect: Rational { num: 1, den: 1 },
            color,
        };
        let pool = PlanePool::new();
        let mut there = Converter::new(&info, PixelFormat::Gray8, 322, 182).expect("a converter");
        let gray = StreamInfo { format: PixelFormat::Gray8, ..info.clone() };
        let mut back = Converter::new(&gray, PixelFormat::Yuv420p, 322, 182).expect("a converter");
        let middle = there.convert(&frame, &pool).expect("converts");
        assert!(middle.baggage.is_some() && middle.timestamp == frame.timestamp);
        let again = back.convert(&middle, &pool).expect("converts");
        let apart = frame.planes[0]
            .to_packed()
            .iter()
            .zip(again.planes[0].to_packed())
            .map(|(a, b)| a.abs_diff(b))
            .max();
        assert!(apart.is_some_and(|a| a <= 2), "{apart:?}");
    }
}

#[test]
fn damage_is_counted_and_survived() {
    let path = x264_file("damage.ts", "320x240", "-pix_fmt yuv420p -g 5");
    let mut bytes = fs::read(&path).expect("readable");
    let middle = bytes.len() / 2;
    for byte in bytes[middle..middle + 2000].iter_mut().step_by(7) {
        *byte ^= 0x5a;
    }
    let path = folder().join("damaged.ts");
    fs::write(&path, bytes).expect("writable");
    let (frames, damaged, _) = decoded(&path, 0);
    assert!(frames.len() >= 5 && damaged > 0, "{} frames, {damaged} damaged", frames.len());
}
