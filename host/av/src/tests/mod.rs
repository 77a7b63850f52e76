//! The whole room on small files that the ffmpeg program makes, judged by ffmpeg and ffprobe.

mod inputs;
mod pictures;
mod roundtrip;

use std::collections::HashMap;
use std::fs::{self, OpenOptions as FileOptions};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use super::*;
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::{Frame, Rational};

/// A folder for the test run; files in it are made once.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| tempfile::tempdir().expect("a temporary folder")).path()
}

/// A file made by the ffmpeg program with these arguments, once a name.
fn made(name: &str, arguments: &str) -> PathBuf {
    static MADE: OnceLock<Mutex<HashMap<String, ()>>> = OnceLock::new();
    let mut made = MADE.get_or_init(Mutex::default).lock().expect("not poisoned");
    let path = folder().join(name);
    if made.insert(name.to_string(), ()).is_none() {
        run_ffmpeg(&[arguments, path.to_str().expect("UTF-8")].join(" "));
    }
    path
}

/// ffmpeg's options in front of `-i FILE` and behind it which have a copied stream shown rotated by
/// a quarter turn: FFmpeg 6.0 brought an option for that, and 7.0 no longer heeds the tag.
fn rotating() -> (&'static str, &'static str) {
    let option = "-display_rotation 90";
    let mut command = Command::new("ffmpeg");
    command.args(format!("-nostdin {option} -f lavfi -i nullsrc=d=0.1 -f null -").split(' '));
    if command.output().is_ok_and(|out| out.status.success()) {
        (option, "")
    } else {
        ("", "-metadata:s:v rotate=90")
    }
}

fn run_ffmpeg(arguments: &str) -> String {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"]);
    let out = command.args(arguments.split_whitespace()).output().expect("ffmpeg runs");
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "ffmpeg {arguments}: {said}");
    assert_eq!(said, "", "ffmpeg {arguments}");
    String::from_utf8_lossy(&out.stdout).into_owned()
}

fn probe(path: &Path, arguments: &str) -> String {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "csv=p=0"]).args(arguments.split_whitespace());
    let out = command.arg(path).output().expect("ffprobe runs");
    assert!(out.status.success(), "ffprobe {arguments} {}", path.display());
    String::from_utf8_lossy(&out.stdout).trim().to_string()
}

const PICTURES: &str = "-f lavfi -i testsrc2=size=320x240:rate=25:duration=3";
const SOUND: &str = "-f lavfi -i sine=frequency=440:sample_rate=48000:duration=3";

/// Film with sound in any container.
fn film(name: &str, codecs: &str) -> PathBuf {
    made(name, &format!("{PICTURES} {SOUND} -shortest {codecs}"))
}

fn open(path: &Path) -> Result<Input, MediaError> {
    Input::open(path, &OpenOptions::files(&Cancel::new()))
}

fn opened(path: &Path) -> Input {
    open(path).unwrap_or_else(|e| panic!("{e}"))
}

/// Every frame of the best video stream, with the decoder's count of damage.
fn decoded(path: &Path, threads: usize) -> (Vec<Frame>, u64, Option<MediaError>) {
    let mut input = opened(path);
    let stream = input.best_video().expect("video");
    let mut decoder =
        VideoDecoder::new(&input, stream, &DecodeOptions { threads, ..DecodeOptions::default() })
            .expect("a decoder");
    let (mut frames, mut last) = (Vec::new(), None);
    loop {
        match input.read() {
            Ok(Some(packet)) if packet.stream() == stream => decoder.send(&packet).expect("sent"),
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => {
                assert!(last.is_none(), "two errors: {last:?}, {error}");
                last = Some(error);
            }
        }
        while let Some(frame) = decoder.receive().expect("decodes") {
            frames.push(frame);
        }
    }
    decoder.end().expect("ends");
    while let Some(frame) = decoder.receive().expect("decodes") {
        frames.push(frame);
    }
    (frames, decoder.damaged(), last)
}

/// Reads all packets: how many, and how it ended.
fn drained(path: &Path) -> (usize, Option<MediaError>) {
    let mut input = opened(path);
    let mut count = 0;
    loop {
        match input.read() {
            Ok(Some(_)) => count += 1,
            Ok(None) => return (count, None),
            Err(error) => {
                assert!(input.read().expect("then it ends").is_none());
                return (count, Some(error));
            }
        }
    }
}

fn x264(format: &str) -> EncodeOptions {
    EncodeOptions {
        codec: "libx264".into(),
        preset: Some("ultrafast".into()),
        crf: Some(18.0),
        global_header: Muxer::needs_global_header(format),
        ..EncodeOptions::default()
    }
}

fn created(path: &Path, format: &str) -> Result<Muxer, MediaError> {
    let file = FileOptions::new().read(true).write(true).create(true).truncate(true).open(path);
    Muxer::create(format, Box::new(file.expect("a file")), path)
}

/// Decodes, encodes with x264 and copies all else, into `to`.
fn transcoded(from: &Path, to: &Path, options: &[(&str, &str)]) -> Result<(), MediaError> {
    let format = Muxer::format_for(to, None)?;
    let mut muxer = created(to, &format)?;
    transcode_into(from, &format, &mut muxer, options)?;
    muxer.finish().map(drop)
}

fn transcode_into(
    from: &Path,
    format: &str,
    muxer: &mut Muxer,
    options: &[(&str, &str)],
) -> Result<(), MediaError> {
    let mut input = open(from)?;
    let video = input.best_video()?;
    let mut decoder = VideoDecoder::new(&input, video, &DecodeOptions::default())?;
    let time_base = input.facts().streams[video].time_base;
    let mut encoder = VideoEncoder::new(&decoder.output(), time_base, &x264(format))?;
    let mut targets = HashMap::new();
    for stream in 0..input.facts().streams.len() {
        let target = if stream == video {
            muxer.add_encoded(&encoder, Some((&input, stream)))?
        } else {
            muxer.add_copy(&input, stream)?
        };
        targets.insert(stream, target);
    }
    muxer.set_metadata(&input)?;
    let owned: Vec<_> = options.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    muxer.write_header(&owned)?;
    let drain = |decoder: &mut VideoDecoder, encoder: &mut VideoEncoder, muxer: &mut Muxer| {
        while let Some(frame) = decoder.receive()? {
            encoder.send(&frame)?;
            while let Some(packet) = encoder.receive()? {
                muxer.write_encoded(targets[&video], packet)?;
            }
        }
        Ok::<(), MediaError>(())
    };
    while let Some(packet) = input.read()? {
        if packet.stream() == video {
            decoder.send(&packet)?;
            drain(&mut decoder, &mut encoder, muxer)?;
        } else {
            let target = targets[&packet.stream()];
            muxer.write_copied(target, packet)?;
        }
    }
    decoder.end()?;
    drain(&mut decoder, &mut encoder, muxer)?;
    encoder.finish()?;
    while let Some(packet) = encoder.receive()? {
        muxer.write_encoded(targets[&video], packet)?;
    }
    assert_eq!((encoder.nudged(), decoder.damaged()), (0, 0));
    Ok(())
}

/// A copy of the first part of a file.
fn cut(from: &Path, to: &str, percent: usize) -> PathBuf {
    let bytes = fs::read(from).expect("readable");
    let path = folder().join(to);
    fs::write(&path, &bytes[..bytes.len() * percent / 100]).expect("writable");
    path
}

/// libav's name of the picture after the ffmpeg program's conversion, packed.
fn by_ffmpeg(path: &Path, arguments: &str) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-i"]).arg(path);
    let out = command.args(arguments.split_whitespace()).arg("-").output().expect("ffmpeg runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

fn packed(frame: &Frame) -> Vec<u8> {
    frame.planes.iter().flat_map(|p| p.to_packed()).collect()
}

const RATE: Rational = Rational { num: 25, den: 1 };
