//! The same input and plugins give the same frames with any number of workers.

use std::path::Path;
use std::process::Command;

use filmgate::cancel::Cancel;
use filmgate::frame::Frame;
use filmgate::media::{DecodeOptions, Input, OpenOptions, VideoDecoder};
use filmgate_tests::hostile::{Module, built_in, clip, program};
use sha2::{Digest, Sha256};

/// Timestamp and SHA-256 of the samples of each frame of a file.
pub(super) fn frames(path: &Path) -> Vec<(i64, String)> {
    let mut input = Input::open(path, &OpenOptions::files(&Cancel::new())).expect("it opens");
    let video = input.best_video().expect("a video");
    let mut decoder =
        VideoDecoder::new(&input, video, &DecodeOptions { threads: 1, ..DecodeOptions::default() })
            .expect("a decoder");
    let mut sums = Vec::new();
    let mut take = |decoder: &mut VideoDecoder| {
        while let Some(frame) = decoder.receive().expect("it decodes") {
            sums.push((frame.timestamp, checksum(&frame)));
        }
    };
    while let Some(packet) = input.read().expect("it reads") {
        if packet.stream() == video {
            decoder.send(&packet).expect("it decodes");
            take(&mut decoder);
        }
    }
    decoder.end().expect("it decodes");
    take(&mut decoder);
    sums
}

fn checksum(frame: &Frame) -> String {
    let mut sum = Sha256::new();
    for plane in &frame.planes {
        plane.rows().for_each(|row| sum.update(row));
    }
    sum.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// A parallel plugin that gives no frame, one, or two: by the frame's number.
fn dropping_and_doubling() -> Vec<u8> {
    let module = Module {
        format: "yuv420p".to_owned(),
        ..Module::processing(
            "(call $info (local.get $frame) (i32.const 0x600))
             (local.set $i (i32.wrap_i64 (i64.rem_u (i64.load (i32.const 0x610)) (i64.const 5))))
             (if (i32.eqz (local.get $i)) (then
               (call $drop (local.get $frame)) (return (call $none))))
             (if (i32.gt_u (local.get $i) (i32.const 2)) (then
               (return (call $same (local.get $frame)))))
             (i32.store (i32.const 0x400) (local.get $frame))
             (i32.store (i32.const 0x404) (call $clone (local.get $frame)))
             (call $set-timestamp (i32.load (i32.const 0x404))
               (i64.add (i64.load (i32.const 0x618)) (i64.const 10000000)))
             (call $list (i32.const 2))",
        )
    };
    module.component()
}

/// Runs a clip through a chain, without loss, and answers its frames.
pub(super) fn through(input: &str, chain: &[&str], workers: &str) -> Vec<(i64, String)> {
    let folder = tempfile::tempdir().expect("a folder");
    let doubling = folder.path().join("doubling.wasm");
    std::fs::write(&doubling, dropping_and_doubling()).expect("written");
    let output = folder.path().join("out.mp4");
    let mut command = Command::new(program());
    command.arg("run").arg("-i").arg(clip(input)).arg("-o").arg(&output);
    command.args(["--crf", "0", "--preset", "ultrafast", "--quiet", "-j", workers]);
    command.args(["--deadline", "60000"]).env("FILMGATE_CACHE_DIR", "");
    for plugin in chain {
        let (name, parameters) = plugin.split_once(':').unwrap_or((plugin, ""));
        let path = if name == "doubling" { doubling.clone() } else { built_in(name) };
        command.arg("-p").arg(format!("{}:{parameters}", path.display()));
    }
    let ran = command.output().expect("the program runs");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(0), "{chain:?} with {workers}: {said}");
    frames(&output)
}

fn the_same_with_any_number_of_workers(input: &str, chain: &[&str], expected: usize) {
    let one = through(input, chain, "1");
    assert_eq!(one.len(), expected, "{chain:?}");
    assert!(one.windows(2).all(|pair| pair[0].0 < pair[1].0), "{chain:?}");
    for workers in ["2", "4"] {
        let more = through(input, chain, workers);
        assert!(one == more, "{chain:?} with {workers} workers");
    }
}

#[test]
fn one_parallel_plugin() {
    the_same_with_any_number_of_workers("bigbuckbunny.mp4", &["emboss"], 132);
}

#[test]
fn parallel_and_serial_plugins_in_one_chain() {
    let chain = ["emboss", "denoise", "grayscale"];
    the_same_with_any_number_of_workers("carphone_pristine.mp4", &chain, 120);
}

/// Each worker has pieces of the stream, and sees some frames before and behind them.
#[test]
fn serial_plugins_that_say_how_far_they_look() {
    for chain in [&["denoise:frames=5"][..], &["emboss", "denoise", "scene", "doubling"]] {
        let expected = if chain.len() == 1 { 120 } else { 144 };
        the_same_with_any_number_of_workers("carphone_pristine.mp4", chain, expected);
    }
}

#[test]
fn tags_are_the_same_with_any_number_of_workers() {
    let folder = tempfile::tempdir().expect("a folder");
    let tags = |workers: &str| {
        let (output, tags) = (folder.path().join("o.mp4"), folder.path().join("t.jsonl"));
        let mut command = Command::new(program());
        command.arg("run").arg("-i").arg(clip("bigbuckbunny.mp4")).arg("-o").arg(output);
        command.arg("--tags").arg(&tags).args(["--overwrite", "--quiet", "-j", workers]);
        command.args(["--preset", "ultrafast", "--deadline", "60000"]);
        for (name, parameters) in [("scene", ":scores=all"), ("motion", "")] {
            command.arg("-p").arg(format!("{}{parameters}", built_in(name).display()));
        }
        assert!(command.status().expect("the program runs").success());
        std::fs::read_to_string(tags).expect("written")
    };
    let one = tags("1");
    assert_eq!(one.matches("scene.score").count(), 132);
    assert!(one == tags("2") && one == tags("4"));
}

/// Where each worker gives another number of frames than it is given.
#[test]
fn a_parallel_plugin_that_drops_and_doubles() {
    // Of five frames one is dropped, and two come out twice.
    the_same_with_any_number_of_workers("carphone_pristine.mp4", &["doubling"], 144);
}

#[test]
fn dropping_and_doubling_before_and_behind_others() {
    let chain = ["emboss", "doubling", "denoise", "grayscale"];
    the_same_with_any_number_of_workers("carphone_pristine.mp4", &chain, 144);
    let chain = ["denoise", "doubling", "emboss"];
    the_same_with_any_number_of_workers("carphone_distorted.mp4", &chain, 144);
}

/// Otherwise the tests above would show nothing.
#[test]
fn the_chains_change_the_frames() {
    let plain = through("carphone_pristine.mp4", &[], "2");
    let changed = through("carphone_pristine.mp4", &["emboss"], "2");
    assert!(plain == frames(&clip("carphone_pristine.mp4")), "something was lost");
    assert!(plain.iter().zip(&changed).all(|(a, b)| a.0 == b.0 && a.1 != b.1));
}
