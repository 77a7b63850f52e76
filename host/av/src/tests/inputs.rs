//! Opening and demuxing: what is refused and how, and where cut files are noticed.

use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use super::*;

const H264: &str = "-c:v libx264 -preset ultrafast -bf 2 -c:a aac";

fn refused(path: &Path) -> MediaError {
    match open(path) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error,
    }
}

fn written(name: &str, content: &[u8]) -> PathBuf {
    let path = folder().join(name);
    fs::write(&path, content).expect("writable");
    path
}

#[test]
fn what_is_no_media_file_is_told_apart() {
    assert_eq!(refused(&folder().join("missing.mp4")).kind, MediaErrorKind::NotFound);
    assert_eq!(refused(folder()).kind, MediaErrorKind::NotMedia);
    assert_eq!(refused(&written("empty.mp4", b"")).kind, MediaErrorKind::Empty);
    assert_eq!(
        refused(&written("text.mp4", b"Dear diary, today\n")).kind,
        MediaErrorKind::NotMedia
    );
    assert_eq!(
        refused(&written("text.jpg", b"Dear diary, today\n")).kind,
        MediaErrorKind::NotMedia
    );
    let pipe = folder().join("pipe.mp4");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let error = refused(&pipe);
    assert_eq!(error.kind, MediaErrorKind::NotMedia);
    assert!(error.message.contains("named pipe"), "{error}");
}

#[test]
fn playlists_and_patterns_open_nothing() {
    let film = film("playlist-target.ts", H264);
    let hls = format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{}\n#EXT-X-ENDLIST\n",
        film.display()
    );
    let error = refused(&written("hls.m3u8", hls.as_bytes()));
    assert_eq!(error.kind, MediaErrorKind::NotAllowed, "{error}");
    assert!(error.message.contains("hls"), "{error}");
    // By another name libav takes it for a playlist, or for no media since FFmpeg 7.1.1.
    let kind = refused(&written("hls.mp4", hls.as_bytes())).kind;
    assert!(matches!(kind, MediaErrorKind::NotAllowed | MediaErrorKind::NotMedia), "{kind:?}");
    let concat = format!("ffconcat version 1.0\nfile '{}'\n", film.display());
    assert_eq!(refused(&written("list.mp4", concat.as_bytes())).kind, MediaErrorKind::NotAllowed);
    let dash = b"<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"urn:mpeg:dash:profile:isoff-on-demand:2011\" type=\"static\"></MPD>";
    let kind = refused(&written("dash.mp4", dash)).kind;
    assert!(matches!(kind, MediaErrorKind::NotAllowed | MediaErrorKind::NotMedia), "{kind:?}");
}

#[test]
fn odd_names_work() {
    let film = film("odd.mp4", H264);
    for name in [&b"http:colon %d?*.mp4"[..], b"latin1-\xe4.mp4"] {
        let path = folder().join(std::ffi::OsStr::from_bytes(name));
        fs::copy(&film, &path).expect("copied");
        assert_eq!(drained(&path).1.map(|e| e.message), None);
    }
}

#[test]
fn pictures_open_by_content() {
    let png = made("picture.png", "-f lavfi -i testsrc2=size=64x48:duration=0.04 -frames:v 1");
    assert_eq!(decoded(&png, 1).0.len(), 1);
    let named = folder().join("picture-%d.jpg");
    fs::copy(&png, &named).expect("copied");
    assert_eq!(decoded(&named, 1).0.len(), 1);
}

#[test]
fn facts_are_read() {
    let path = made(
        "facts.mkv",
        &format!(
            "{PICTURES} {SOUND} -shortest {H264} -metadata title=Gate -metadata:s:a language=deu"
        ),
    );
    let input = opened(&path);
    let facts = input.facts();
    assert_eq!(facts.format, "matroska,webm");
    assert!(facts.duration_declared);
    assert!((2.9..3.2).contains(&(facts.duration.expect("known") as f64 / 1e9)));
    assert_eq!(facts.streams[0].frame_rate, Some(RATE));
    let video = facts.streams[0].video.as_ref().expect("video");
    assert_eq!((video.width, video.height), (320, 240));
    assert_eq!(
        facts.streams[1].audio.as_ref().map(|a| (a.sample_rate, a.channels)),
        Some((48_000, 1))
    );
    assert_eq!(facts.streams[1].language.as_deref(), Some("deu"));
    assert!(facts.metadata.iter().any(|(k, v)| k.eq_ignore_ascii_case("title") && v == "Gate"));
}

#[test]
fn sound_alone_has_no_video() {
    let path = made("sound.wav", SOUND);
    let error = opened(&path).best_video().expect_err("no video");
    assert_eq!(error.kind, MediaErrorKind::NoVideo);
    assert!(error.message.contains("audio (pcm_s16le)"), "{error}");
}

#[test]
fn a_cover_picture_is_no_film() {
    let cover = made("cover.png", "-f lavfi -i testsrc2=size=64x48:duration=0.04 -frames:v 1");
    let path = made(
        "covered.m4a",
        &format!(
            "{SOUND} -i {} -map 0 -map 1 -c:a aac -c:v copy -disposition:v attached_pic",
            cover.display()
        ),
    );
    let error = opened(&path).best_video().expect_err("no film");
    assert_eq!(error.kind, MediaErrorKind::NoVideo);
    assert!(error.message.contains("cover picture (png)"), "{error}");
}

/// Every container that whole files come in.
fn good_files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = [
        ("good.mp4", H264),
        ("good-faststart.mp4", "-c:v libx264 -preset ultrafast -c:a aac -movflags +faststart"),
        ("good-fragmented.mp4", "-c:v libx264 -preset ultrafast -c:a aac -g 25 -movflags +frag_keyframe+empty_moov"),
        ("good-dash.mp4", "-c:v libx264 -preset ultrafast -c:a aac -g 25 -movflags +frag_keyframe+empty_moov+default_base_moof+global_sidx"),
        ("good-mp3.mp4", "-c:v libx264 -preset ultrafast -c:a libmp3lame"),
        ("good.mov", "-c:v mjpeg -pix_fmt yuvj420p -c:a pcm_s16le"),
        ("good.mkv", H264),
        ("good-opus.webm", "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus"),
        ("good-live.mkv", "-c:v libx264 -preset ultrafast -c:a aac -live 1"),
        ("good.ts", H264),
        ("good.flv", H264),
        ("good-live.flv", "-c:v libx264 -preset ultrafast -c:a aac -flvflags no_duration_filesize"),
        ("good.avi", "-c:v mpeg4 -bf 0 -c:a libmp3lame"),
        ("good-mjpeg.avi", "-c:v mjpeg -pix_fmt yuvj420p -c:a pcm_s16le"),
        ("good.ogv", "-c:v libtheora -c:a libvorbis"),
        ("good.mpg", "-c:v mpeg2video -c:a mp2"),
        ("good.nut", "-c:v mpeg4 -c:a mp2"),
        ("good.mxf", "-c:v mpeg2video -c:a pcm_s16le"),
        ("good.wmv", "-c:v wmv2 -c:a wmav2"),
    ].iter().map(|(name, codecs)| film(name, codecs)).collect();
    for name in ["good.h264", "good.y4m", "good.gif", "good.mjpeg"] {
        files.push(made(
            name,
            &format!(
                "{PICTURES} {}",
                match name {
                    "good.h264" => "-c:v libx264 -preset ultrafast",
                    "good.mjpeg" => "-pix_fmt yuvj420p",
                    _ => "",
                }
            ),
        ));
    }
    files.push(made(
        "good-slow.mkv",
        "-f lavfi -i testsrc2=size=64x48:rate=1/2:duration=12 -c:v libx264",
    ));
    files.push(made("good.wav", SOUND));
    files.push(made("good.mp3", &format!("{SOUND} -c:a libmp3lame")));
    // The end is told by sound alone, and by pictures alone.
    let short = "-f lavfi -i testsrc2=size=64x48:rate=25:duration=1";
    files.push(made("good-long-sound.mp4", &format!("{short} {SOUND} {H264}")));
    files.push(made("good-long-sound.mkv", &format!("{short} {SOUND} {H264}")));
    // A recording that begins late.
    files.push(made(
        "good-late.flv",
        &format!("{PICTURES} {SOUND} -shortest {H264} -output_ts_offset 1000"),
    ));
    files.push(made(
        "good-late.mkv",
        &format!("{PICTURES} {SOUND} -shortest {H264} -output_ts_offset 100"),
    ));
    files
}

#[test]
fn whole_files_are_not_called_cut() {
    for path in good_files() {
        let (count, error) = drained(&path);
        assert_eq!(error.map(|e| e.message), None, "{}", path.display());
        let packets = probe(&path, "-show_entries packet=stream_index");
        let expected = packets.lines().filter(|l| !l.is_empty()).count();
        assert_eq!(count, expected, "{}", path.display());
    }
}

#[test]
fn cut_files_are_noticed_once() {
    let faststart = "-c:v libx264 -preset ultrafast -g 25 -c:a aac -movflags +faststart";
    for (name, codecs) in [
        ("whole.mp4", faststart),
        (
            "whole-sidx.mp4",
            "-c:v libx264 -preset ultrafast -c:a aac -g 25 -movflags +frag_keyframe+empty_moov+default_base_moof+global_sidx",
        ),
        ("whole.mkv", H264),
        ("whole.webm", "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus"),
        ("whole-live.mkv", "-c:v libx264 -preset ultrafast -c:a aac -live 1"),
        (
            "whole-fragmented.mp4",
            "-c:v libx264 -preset ultrafast -c:a aac -g 25 -movflags +frag_keyframe+empty_moov",
        ),
        ("whole.mxf", "-c:v mpeg2video -c:a pcm_s16le"),
        ("whole.flv", H264),
        ("whole.avi", "-c:v mpeg4 -c:a libmp3lame"),
    ] {
        let whole = film(name, codecs);
        for percent in [30, 60, 80] {
            let path = cut(&whole, &format!("cut-{percent}-{name}"), percent);
            let (count, error) = drained(&path);
            let error = error.unwrap_or_else(|| panic!("{percent} % of {name} passed as whole"));
            assert_eq!(error.kind, MediaErrorKind::Truncated, "{percent} % of {name}: {error}");
            assert!(error.message.contains("cut off"), "{error}");
            assert!(count > 10, "{percent} % of {name}: {count} packets");
        }
    }
    let path = cut(&film("whole.mp4", faststart), "cut-again.mp4", 60);
    let (frames, _, error) = decoded(&path, 0);
    let error = error.expect("noticed");
    assert!(error.message.contains(" s of 3.0 s"), "{error}");
    assert!((30..60).contains(&frames.len()), "{} frames", frames.len());
}

#[test]
fn a_file_without_its_index_says_so() {
    let path = cut(&film("index-last.mp4", H264), "no-moov.mp4", 60);
    let error = refused(&path);
    assert!(error.message.contains("moov atom not found"), "{error}");
}

#[test]
fn absurd_sizes_are_refused_at_once() {
    let path = film("size.mkv", H264);
    let mut bytes = fs::read(&path).expect("readable");
    // PixelWidth (0xB0) and PixelHeight (0xBA) of two bytes each, 320 and 240 (one byte).
    let at = bytes.windows(4).position(|w| w == [0xb0, 0x82, 0x01, 0x40]).expect("PixelWidth");
    bytes[at + 2..at + 4].copy_from_slice(&[0xff, 0xff]);
    let error = refused(&written("huge.mkv", &bytes));
    assert_eq!(error.kind, MediaErrorKind::TooLarge, "{error}");
    let header = b"YUV4MPEG2 W100000 H100000 F25:1 Ip A1:1 C420\nFRAME\n";
    let error = refused(&written("huge.y4m", header));
    assert_eq!(error.kind, MediaErrorKind::TooLarge, "{error}");
}

#[test]
fn cancelling_and_deadlines_stop_opening_and_reading() {
    let path = film("stopped.mp4", H264);
    let cancel = Cancel::new();
    let mut input = Input::open(&path, &OpenOptions::files(&cancel)).expect("opens");
    assert!(input.read().expect("reads").is_some());
    cancel.cancel();
    let error = (0..1000).find_map(|_| input.read().err()).expect("stops");
    assert_eq!(error.kind, MediaErrorKind::Cancelled);
    let error = Input::open(&path, &OpenOptions::files(&cancel)).err().expect("does not open");
    assert_eq!(error.kind, MediaErrorKind::Cancelled);
    let options = OpenOptions { deadline: Duration::ZERO, ..OpenOptions::files(&Cancel::new()) };
    let error = Input::open(&path, &options).err().expect("too late");
    assert_eq!(error.kind, MediaErrorKind::TimedOut);
}

#[test]
fn damaged_files_never_crash() {
    // A small generator of our own, so that a failure can be repeated.
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for (name, codecs) in [
        ("fuzz.mp4", H264),
        ("fuzz.mkv", H264),
        ("fuzz.ts", H264),
        ("fuzz.flv", H264),
        ("fuzz.avi", "-c:v mpeg4 -c:a libmp3lame"),
    ] {
        let whole = fs::read(film(name, codecs)).expect("readable");
        for round in 0..12 {
            let mut bytes = whole.clone();
            // The first rounds hit the header, the others anything.
            let reach = if round < 6 { 2000 } else { bytes.len() };
            for _ in 0..20 {
                let at = next() % reach;
                bytes[at] = next() as u8;
            }
            let path = written(&format!("{round}-{name}"), &bytes);
            let Ok(mut input) = open(&path) else { continue };
            let Ok(video) = input.best_video() else { continue };
            let Ok(mut decoder) = VideoDecoder::new(
                &input,
                video,
                &DecodeOptions { threads: 2, ..DecodeOptions::default() },
            ) else {
                continue;
            };
            let size = decoder.output();
            while let Ok(Some(packet)) = input.read() {
                if packet.stream() == video {
                    decoder.send(&packet).expect("damage is counted");
                    while let Ok(Some(frame)) = decoder.receive() {
                        assert_eq!((frame.width, frame.height), (size.width, size.height));
                    }
                }
            }
        }
    }
}
