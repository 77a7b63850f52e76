//! Decode, encode, mux: what comes out is judged by the ffmpeg program.

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};

use super::*;

const B_FRAMES: &str = "-c:v libx264 -preset ultrafast -bf 2 -g 50 -c:a aac";

/// md5 of each sound packet, without times.
fn sound_packets(path: &Path) -> Vec<String> {
    let command = format!("-i {} -map 0:a -c copy -f framemd5 -", path.display());
    let out = run_ffmpeg(&command);
    let lines = out.lines().filter(|l| !l.starts_with('#'));
    lines.filter_map(|l| l.split(',').nth(5).map(|m| m.trim().to_string())).collect()
}

fn start(path: &Path, kind: char) -> f64 {
    let arguments = format!("-select_streams {kind} -show_entries stream=start_time");
    probe(path, &arguments)
        .lines()
        .next()
        .unwrap_or("")
        .trim_end_matches(',')
        .parse()
        .expect("a start")
}

fn check(from: &Path, to: &Path, options: &[(&str, &str)]) {
    transcoded(from, to, options)
        .unwrap_or_else(|e| panic!("{} to {}: {e}", from.display(), to.display()));
    // Any complaint of the decoder's fails this.
    run_ffmpeg(&format!("-i {} -f null -", to.display()));
    let frames = |p: &Path| {
        let arguments = "-count_frames -select_streams v:0 -show_entries stream=nb_read_frames";
        probe(p, arguments).lines().next().map(str::to_string)
    };
    assert_eq!(frames(to), frames(from), "{}", to.display());
    assert_eq!(sound_packets(to), sound_packets(from), "{} to {}", from.display(), to.display());
    same_start(from, to);
}

fn same_start(from: &Path, to: &Path) {
    let offset = |p: &Path| start(p, 'v') - start(p, 'a');
    let moved = (offset(to) - offset(from)).abs();
    assert!(moved < 1024.0 / 48_000.0 + 0.003, "{} to {}: {moved} s", from.display(), to.display());
}

#[test]
fn every_input_goes_to_mp4_and_mkv() {
    for (name, codecs) in [
        ("in.mp4", B_FRAMES),
        ("in.mkv", B_FRAMES),
        ("in-mp2.ts", "-c:v libx264 -preset ultrafast -bf 2 -g 50 -c:a mp2"),
        ("in.flv", B_FRAMES),
        ("in.avi", "-c:v mpeg4 -bf 0 -c:a libmp3lame"),
    ] {
        let from = film(name, codecs);
        check(&from, &folder().join(format!("out-{name}.mkv")), &[]);
        check(&from, &folder().join(format!("out-{name}.mp4")), &[("movflags", "+faststart")]);
    }
}

#[test]
fn mp4_goes_to_every_output() {
    let from = film("in.mp4", B_FRAMES);
    for ending in ["mov", "flv", "nut"] {
        check(&from, &folder().join(format!("to.{ending}")), &[]);
    }
}

#[test]
fn transport_streams_keep_sync_both_ways() {
    let from = film("in.ts", B_FRAMES);
    let to = folder().join("ts.mp4");
    transcoded(&from, &to, &[("movflags", "+faststart")]).expect("mp4 from ts");
    same_start(&from, &to);
    // AAC loses its framing on the way, so it is compared with what the ffmpeg program makes of it.
    let theirs = made("in-ts-copied.mp4", &format!("-i {} -c copy", from.display()));
    assert_eq!(sound_packets(&to), sound_packets(&theirs));
    let back = folder().join("back.ts");
    transcoded(&to, &back, &[]).expect("ts from mp4");
    run_ffmpeg(&format!("-i {} -f null -", back.display()));
    same_start(&to, &back);
}

#[test]
fn faststart_puts_the_index_first() {
    let from = film("in.mp4", B_FRAMES);
    let to = folder().join("fast.mp4");
    transcoded(&from, &to, &[("movflags", "+faststart")]).expect("written");
    let bytes = fs::read(&to).expect("readable");
    let at = |name: &[u8]| bytes.windows(4).position(|w| w == name);
    assert!(at(b"moov") < at(b"mdat"));
    // In memory too: nothing is reopened by name.
    let mut muxer =
        Muxer::create("mp4", Box::new(Cursor::new(Vec::new())), Path::new("none")).expect("made");
    transcode_into(&from, "mp4", &mut muxer, &[("movflags", "+faststart")]).expect("written");
    let mut sink = muxer.finish().expect("finished");
    let mut again = Vec::new();
    sink.seek(SeekFrom::Start(0)).and_then(|_| sink.read_to_end(&mut again)).expect("readable");
    assert_eq!(again.len(), bytes.len());
}

#[test]
fn tags_rotation_and_chapters_go_along() {
    let chapters = folder().join("chapters.txt");
    let text = ";FFMETADATA1\ntitle=Gate\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=one\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=3000\ntitle=two\n";
    fs::write(&chapters, text).expect("writable");
    let plain = film("in.mp4", B_FRAMES);
    let (before, behind) = rotating();
    let arguments = format!(
        "{before} -i {} -i {} -map 0 -map_metadata 1 -c copy {behind} -metadata:s:a language=deu",
        plain.display(),
        chapters.display()
    );
    let from = made("tagged.mp4", &arguments);
    // ffprobe's rotation is counter-clockwise.
    let theirs = probe(&from, "-show_entries stream_side_data=rotation");
    let theirs: i32 =
        theirs.trim_matches(|c: char| !c.is_ascii_digit() && c != '-').parse().expect("degrees");
    let rotation = opened(&from).facts().streams[0].video.as_ref().map(|v| v.rotation);
    assert_eq!(rotation, Some((-theirs).rem_euclid(360)));
    for name in ["tagged-out.mp4", "tagged-out.mkv"] {
        // What ffmpeg's own copy keeps: in Matroska the rotation only with newer versions.
        let copy =
            made(&format!("copy-{name}"), &format!("-i {} -map 0:v -c copy", from.display()));
        let kept = opened(&copy).facts().streams[0].video.as_ref().map(|v| v.rotation);
        let to = folder().join(name);
        // The chapters' own text track cannot be taken over; the chapters are.
        transcode_av(&from, &to);
        let input = opened(&to);
        let facts = input.facts();
        assert_eq!(facts.chapters.len(), 2, "{name}");
        assert!(facts.metadata.contains(&("title".into(), "Gate".into())), "{name}");
        assert_eq!(facts.streams[0].video.as_ref().map(|v| v.rotation), kept, "{name}");
        assert!(kept == rotation || name.ends_with("mkv"), "{name}: {kept:?}");
        let format = Muxer::format_for(&to, None).expect("known");
        assert_eq!(holds_rotation(&format), kept == rotation, "{name}");
        assert_eq!(facts.streams[1].language.as_deref(), Some("deu"), "{name}");
    }
}

/// As `transcoded`, with the first sound stream only.
fn transcode_av(from: &Path, to: &Path) {
    let mut input = opened(from);
    let video = input.best_video().expect("video");
    let mut decoder = VideoDecoder::new(&input, video, &DecodeOptions::default()).expect("decoder");
    let base = input.facts().streams[video].time_base;
    let mut encoder = VideoEncoder::new(&decoder.output(), base, &x264("mp4")).expect("encoder");
    let format = Muxer::format_for(to, None).expect("known");
    let mut muxer = created(to, &format).expect("muxer");
    let v = muxer.add_encoded(&encoder, Some((&input, video))).expect("added");
    let a = muxer.add_copy(&input, 1).expect("added");
    muxer.set_metadata(&input).expect("tags");
    muxer.write_header(&[]).expect("header");
    while let Some(packet) = input.read().expect("reads") {
        match packet.stream() {
            s if s == video => decoder.send(&packet).expect("sent"),
            1 => muxer.write_copied(a, packet).expect("written"),
            _ => {}
        }
    }
    decoder.end().expect("ends");
    while let Some(frame) = decoder.receive().expect("decodes") {
        encoder.send(&frame).expect("encodes");
    }
    encoder.finish().expect("ends");
    while let Some(packet) = encoder.receive().expect("encodes") {
        muxer.write_encoded(v, packet).expect("written");
    }
    muxer.finish().expect("finished");
}

/// A sink that is full after so many bytes.
struct Small {
    inner: Cursor<Vec<u8>>,
    room: u64,
}

impl Write for Small {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.inner.position() + bytes.len() as u64 > self.room {
            return Err(io::Error::from_raw_os_error(nix::libc::ENOSPC));
        }
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Small {}

impl Read for Small {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }
}

impl Seek for Small {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

#[test]
fn a_full_disk_is_never_missed() {
    let from = film("in.mp4", B_FRAMES);
    for (format, room) in [
        ("mp4", 0),
        ("mp4", 40_000),
        ("matroska", 1),
        ("matroska", 60_000),
        ("mpegts", 10),
        ("flv", 30_000),
    ] {
        let sink = Small { inner: Cursor::new(Vec::new()), room };
        let mut muxer = Muxer::create(format, Box::new(sink), Path::new("full")).expect("made");
        let done = transcode_into(&from, format, &mut muxer, &[]);
        let done = done.and_then(|()| muxer.finish().map(drop));
        let error = done.expect_err("the disk is full");
        assert_eq!(
            error.kind,
            MediaErrorKind::Write(io::ErrorKind::StorageFull),
            "{format} {room}: {error}"
        );
    }
}

#[test]
fn what_does_not_fit_is_told() {
    let from = film("in.mp4", B_FRAMES);
    let input = opened(&from);
    let mut muxer = created(&folder().join("no.webm"), "webm").expect("made");
    let error = muxer.add_copy(&input, 1).expect_err("AAC in WebM");
    assert!(error.message.contains("cannot hold aac"), "{error}");
    let info = VideoDecoder::new(&input, 0, &DecodeOptions::default()).expect("decoder").output();
    let attempt = |options: EncodeOptions| {
        VideoEncoder::new(&info, RATE_BASE, &options).err().expect("refused").message
    };
    let said = attempt(EncodeOptions { codec: "libx26".into(), ..x264("mp4") });
    assert!(said.contains("did you mean libx26"), "{said}");
    let said = attempt(EncodeOptions { codec: "h264".into(), ..x264("mp4") });
    assert!(said.contains("libx264"), "{said}");
    let said =
        attempt(EncodeOptions { options: vec![("tunee".into(), "film".into())], ..x264("mp4") });
    assert!(said.contains("did you mean tune"), "{said}");
    let said = attempt(EncodeOptions { preset: Some("ultrafats".into()), ..x264("mp4") });
    assert!(said.contains("did you mean ultrafast"), "{said}");
    let error = Muxer::format_for(Path::new("a.xyz"), None).expect_err("unknown");
    assert!(error.message.contains("mkv"), "{error}");
    assert_eq!(Muxer::format_for(Path::new("a.MKV"), None).expect("known"), "matroska");
    assert_eq!(Muxer::format_for(Path::new("a"), Some("mkv")).expect("known"), "matroska");
    let mut muxer = created(&folder().join("options.mp4"), "mp4").expect("made");
    muxer.add_copy(&input, 0).expect("added");
    let error = muxer.write_header(&[("movflag".into(), "x".into())]).expect_err("unknown");
    assert!(error.message.contains("movflags"), "{error}");
}

const RATE_BASE: Rational = Rational { num: 1, den: 25 };

#[test]
fn falling_timestamps_are_nudged() {
    let (frames, _, _) = decoded(&film("in.mp4", B_FRAMES), 1);
    let input = opened(&film("in.mp4", B_FRAMES));
    let info = VideoDecoder::new(&input, 0, &DecodeOptions::default()).expect("decoder").output();
    let mut encoder = VideoEncoder::new(&info, RATE_BASE, &x264("mkv")).expect("encoder");
    for (i, frame) in frames.into_iter().take(10).enumerate() {
        let timestamp = if i == 5 { 0 } else { frame.timestamp };
        encoder.send(&Frame { timestamp, ..frame }).expect("encodes");
    }
    assert_eq!(encoder.nudged(), 1);
}

#[test]
fn other_encoders_work() {
    let from = film("in.mp4", B_FRAMES);
    for (codec, name) in [
        ("mpeg4", "other.avi"),
        ("mjpeg", "other.mkv"),
        ("ffv1", "ffv1.mkv"),
        ("libvpx", "other.webm"),
        ("mpeg2video", "other.ts"),
    ] {
        let input = opened(&from);
        let (frames, _, _) = decoded(&from, 0);
        let info =
            VideoDecoder::new(&input, 0, &DecodeOptions::default()).expect("decoder").output();
        let formats = encoder_formats(codec).expect("known");
        assert!(formats.contains(&info.format), "{codec}: {formats:?}");
        let options = EncodeOptions { codec: codec.into(), ..EncodeOptions::default() };
        let base = input.facts().streams[0].time_base;
        let mut encoder =
            VideoEncoder::new(&info, base, &options).unwrap_or_else(|e| panic!("{e}"));
        let to = folder().join(name);
        let format = Muxer::format_for(&to, None).expect("known");
        let mut muxer = created(&to, &format).expect("muxer");
        let stream = muxer.add_encoded(&encoder, None).expect("added");
        muxer.write_header(&[]).expect("header");
        for frame in &frames {
            encoder.send(frame).expect("encodes");
            while let Some(packet) = encoder.receive().expect("encodes") {
                muxer.write_encoded(stream, packet).expect("written");
            }
        }
        encoder.finish().expect("ends");
        while let Some(packet) = encoder.receive().expect("encodes") {
            muxer.write_encoded(stream, packet).expect("written");
        }
        muxer.finish().expect("finished");
        run_ffmpeg(&format!("-i {} -f null -", to.display()));
        let count = probe(&to, "-count_frames -show_entries stream=nb_read_frames");
        assert_eq!(count.lines().next().map(|n| n.trim_end_matches(',')), Some("75"), "{codec}");
    }
}
