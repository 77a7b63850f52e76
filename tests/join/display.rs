//! Films whose containers tell only when packets are decoded: AVI and elementary streams. Their
//! pictures come in the order that ffmpeg decodes them in, at even times, or are refused.

use std::path::{Path, PathBuf};

use filmgate_tests::outside::{ffmpeg, ffprobe, made, succeed};
use filmgate_tests::shell::Shell;

use super::cases::{bursts, complaints, pictures, times};

/// Two seconds with a burst of 1 kHz at 1 s.
fn clip(name: &str, codecs: &str) -> PathBuf {
    made(
        name,
        &format!(
            "-f lavfi -i testsrc2=s=192x108:r=25:d=2 \
             -f lavfi -i aevalsrc='if(between(t,1,1.05),0.8*sin(2*PI*1000*t),0)':s=48000:d=2 \
             -pix_fmt yuv420p -g 25 {codecs}"
        ),
    )
}

/// Joins the clip with itself, and finds every picture in its place in the output.
fn joined(source: &Path, output: &str, heard: bool) {
    let even: Vec<f64> = (0..50).map(|n| f64::from(n) / 25.0).collect();
    joined_as(source, output, heard, &even);
}

/// `wanted`: when each picture of the clip is shown.
fn joined_as(source: &Path, output: &str, heard: bool, wanted: &[f64]) {
    let shell = Shell::new();
    let ending = source.extension().and_then(|e| e.to_str()).expect("an ending");
    shell.copy(source, format!("1.{ending}"));
    shell.copy(source, format!("2.{ending}"));
    let said = shell.filmgate(&format!("join 1.{ending} 2.{ending} -o {output} --delete-sources"));
    said.done();
    assert_eq!(shell.names(), [output]);
    let (out, once) = (shell.path(output), pictures(source));
    assert_eq!(pictures(&out), [once.clone(), once].concat(), "{source:?}");
    let shown = times(&out, "v:0");
    assert_eq!(shown.len(), 100);
    let (first, length) = (wanted[0], wanted[49] + 0.04 - wanted[0]);
    let twice = wanted.iter().copied().chain(wanted.iter().map(|t| t + length));
    for (number, (time, wanted)) in shown.iter().zip(twice).enumerate() {
        let off = (time - shown[0]) - (wanted - first);
        assert!(off.abs() < 0.002, "{source:?}: {number} at {time}");
    }
    assert_eq!(complaints(&out), "", "{source:?}");
    if heard {
        let own = bursts(source)[0];
        let found = bursts(&out);
        // The first picture is where the file begins, and so is the audio.
        assert_eq!(found.len(), 2, "{found:?}");
        assert!((found[1] - found[0] - length).abs() < 0.03, "{found:?}");
        assert!((found[0] - own).abs() < 0.03, "{found:?} {own}");
    }
}

#[test]
fn mpeg_4_with_b_pictures_out_of_avi_is_shown_in_its_order() {
    let source = clip("p4.avi", "-c:v mpeg4 -bf 2 -c:a libmp3lame");
    for output in ["o.mp4", "o.mov", "o.mkv"] {
        joined(&source, output, true);
    }
}

#[test]
fn mpeg_2_with_b_pictures_out_of_avi_is_shown_in_its_order() {
    let source = clip("p2.avi", "-c:v mpeg2video -bf 2 -c:a mp2");
    for output in ["o.mp4", "o.mkv", "o.ts"] {
        joined(&source, output, true);
    }
}

#[test]
fn a_vob_is_shown_in_its_order() {
    joined(&clip("p2.vob", "-c:v mpeg2video -bf 2 -c:a mp2"), "o.mkv", true);
}

#[test]
fn elementary_streams_of_mpeg_are_shown_in_their_order() {
    for (name, codec) in [
        ("p.m2v", "mpeg2video -bf 2"),
        ("p.m1v", "mpeg1video -bf 2"),
        ("p.m4v", "mpeg4 -bf 1 -f m4v"),
    ] {
        joined(&clip(name, &format!("-map 0:v -c:v {codec}")), "o.mkv", false);
    }
}

#[test]
fn films_without_b_pictures_go_out_of_avi_as_ever() {
    for (name, codec) in [
        ("n4.avi", "mpeg4 -bf 0"),
        ("n2.avi", "mpeg2video -bf 0"),
        ("nh.avi", "libx264 -bf 0 -preset veryfast"),
        ("nj.avi", "mjpeg"),
    ] {
        let source = clip(name, &format!("-c:v {codec} -c:a libmp3lame"));
        // Each packet is shown when it is decoded; ffmpeg's AVI has a hole behind the first.
        let found = ffprobe(&source, "-select_streams v -show_entries packet=dts_time");
        let time = |p: &serde_json::Value| p["dts_time"].as_str()?.parse().ok();
        let own: Vec<f64> =
            found["packets"].as_array().expect("packets").iter().filter_map(time).collect();
        joined_as(&source, "o.mkv", true, &own);
    }
}

#[test]
fn a_film_whose_display_times_nobody_knows_is_refused_or_re_encoded_in_its_order() {
    for (name, audio) in [("r.avi", "-c:a libmp3lame"), ("r.h264", "-map 0:v")] {
        let source = clip(name, &format!("-c:v libx264 -bf 3 -preset veryfast {audio}"));
        let shell = Shell::new();
        let ending = &name[2..];
        let (one, two) = (format!("1.{ending}"), format!("2.{ending}"));
        shell.copy(&source, &one);
        shell.copy(&source, &two);
        let refused = shell.filmgate(&format!("join {one} {two} -o o.mp4 --delete-sources"));
        refused.refused(40, &[&one, "display times", "--reencode-odd", "--skip-bad"]);
        assert_eq!(shell.names(), [one.as_str(), &two]);

        shell.filmgate(&format!("join {one} {two} -o o.mp4 --reencode-odd")).done();
        let out = shell.path("o.mp4");
        let shown = times(&out, "v:0");
        assert_eq!(shown.len(), 100, "{shown:?}");
        let even = shown.windows(2).all(|w| (w[1] - w[0] - 0.04).abs() < 0.002);
        assert!(even, "{shown:?}");
        assert!(alike(&source, &out) > 30.0);
        if ending == "avi" {
            let (found, own) = (bursts(&out), bursts(&source)[0]);
            assert!(
                found.iter().zip([own, own + 2.0]).all(|(f, o)| (f - o).abs() < 0.05),
                "{found:?}"
            );
        }
        // Beside one whose times are known it is left out.
        let good = clip("good.mp4", "-c:v libx264 -bf 3 -preset veryfast -c:a aac");
        shell.copy(&good, "0.mp4");
        let said = shell.filmgate(&format!("join 0.mp4 {one} -o p.mp4 --skip-bad"));
        assert_eq!(said.code, Some(3), "{said:?}");
        assert_eq!(pictures(&shell.path("p.mp4")), pictures(&good));
    }
}

/// The least likeness (PSNR) of the first fifty pictures, in decibels.
fn alike(source: &Path, out: &Path) -> f64 {
    let raw = |path: &Path| {
        let mut command = ffmpeg("");
        command.arg("-i").arg(path).args(["-map", "0:v", "-fps_mode", "passthrough"]);
        succeed(command.args(["-frames:v", "50", "-f", "rawvideo", "-pix_fmt", "gray", "-"]))
    };
    let (a, b) = (raw(source), raw(out));
    assert_eq!(a.len(), b.len());
    let frames = a.chunks(192 * 108).zip(b.chunks(192 * 108));
    let psnr = frames.map(|(a, b)| {
        let error: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
        10.0 * (255.0 * 255.0 * a.len() as f64 / error.max(1.0)).log10()
    });
    psnr.fold(f64::MAX, f64::min)
}

/// An AVI of MPEG-4 whose chunks are these, at 25 a second.
fn avi(chunks: &[Vec<u8>]) -> Vec<u8> {
    let chunk = |name: &[u8; 4], data: &[u8]| {
        let mut out = name.to_vec();
        out.extend(u32::try_from(data.len()).expect("small").to_le_bytes());
        out.extend(data);
        out.extend(vec![0; data.len() % 2]);
        out
    };
    let list =
        |name: &[u8; 4], kind: &[u8; 4], data: &[u8]| chunk(name, &[&kind[..], data].concat());
    let words = |words: &[u32]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    let count = u32::try_from(chunks.len()).expect("small");
    let avih = words(&[40_000, 0, 0, 0x10, count, 0, 1, 0, 192, 108, 0, 0, 0, 0]);
    let mut strh = b"vidsXVID".to_vec();
    strh.extend(words(&[0, 0, 0, 1, 25, 0, count, 0, u32::MAX, 0, 0, 0]));
    let mut strf = words(&[40, 192, 108, 1 | 24 << 16]);
    strf.extend(b"XVID");
    strf.extend(words(&[192 * 108 * 3, 0, 0, 0, 0]));
    let strl = list(b"LIST", b"strl", &[chunk(b"strh", &strh), chunk(b"strf", &strf)].concat());
    let hdrl = list(b"LIST", b"hdrl", &[chunk(b"avih", &avih), strl].concat());
    let frames: Vec<u8> = chunks.iter().flat_map(|c| chunk(b"00dc", c)).collect();
    let (mut index, mut at) = (Vec::new(), 4u32);
    for data in chunks {
        let size = u32::try_from(data.len()).expect("small");
        index.extend(b"00dc");
        let key = if data.starts_with(&[0, 0, 1, 0xb0]) { 0x10 } else { 0 };
        index.extend(words(&[key, at, size]));
        at += 8 + size + size % 2;
    }
    let movi = list(b"LIST", b"movi", &frames);
    list(b"RIFF", b"AVI ", &[hdrl, movi, chunk(b"idx1", &index)].concat())
}

#[test]
fn two_pictures_packed_into_one_packet_are_refused_by_name() {
    let source = clip("k.m4v", "-map 0:v -c:v mpeg4 -bf 1 -sc_threshold 1000000000 -f m4v");
    let bytes = std::fs::read(&source).expect("readable");
    // The pictures with what stands before each.
    let mut cuts: Vec<usize> = Vec::new();
    for (at, code) in bytes.windows(4).enumerate() {
        let fresh = cuts
            .last()
            .is_none_or(|last| bytes[*last..at].windows(4).any(|w| w == [0, 0, 1, 0xb6]));
        if fresh && code[..3] == [0, 0, 1] && matches!(code[3], 0xb0 | 0xb3 | 0xb6) {
            cuts.push(at);
        }
    }
    cuts.push(bytes.len());
    let frames: Vec<&[u8]> = cuts.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
    let is_b = |frame: &[u8]| {
        let at = frame.windows(4).position(|w| w == [0, 0, 1, 0xb6]).expect("a picture");
        frame[at + 4] >> 6 == 2
    };
    // As DivX did: a B picture goes into the packet of the one before it, and where it was stands a
    // picture that is not coded.
    let mut chunks: Vec<Vec<u8>> = Vec::new();
    for frame in frames {
        match chunks.last_mut() {
            Some(last) if is_b(frame) => {
                last.extend(frame);
                chunks.push(vec![0, 0, 1, 0xb6, 0x50, 0x7f]);
            }
            _ => chunks.push(frame.to_vec()),
        }
    }
    let shell = Shell::new();
    shell.write("1.avi", avi(&chunks));
    let found = ffprobe(&shell.path("1.avi"), "-show_entries stream=codec_name");
    assert_eq!(found["streams"][0]["codec_name"], "mpeg4");
    let said = shell.filmgate("join 1.avi 1.avi -o o.mp4");
    said.refused(40, &["1.avi", "packed", "--reencode-odd"]);
    // What does not pack is told by its order.
    let frames: Vec<Vec<u8>> = cuts.windows(2).map(|w| bytes[w[0]..w[1]].to_vec()).collect();
    shell.write("2.avi", avi(&frames));
    shell.filmgate("join 2.avi 2.avi -o p.mkv").done();
    let once = pictures(&shell.path("2.avi"));
    assert_eq!(pictures(&shell.path("p.mkv")), [once.clone(), once].concat());
}

#[test]
fn display_times_that_a_container_has_wrong_do_not_stand_the_proof() {
    let shell = Shell::new();
    let good = clip("good.mp4", "-c:v libx264 -bf 3 -preset veryfast -c:a aac");
    let mut command = ffmpeg("");
    command.arg("-i").arg(&good).args(["-c", "copy", "-bsf:v", "setts=pts=DTS"]);
    command.args(["-avoid_negative_ts", "make_zero", "-use_editlist", "0"]);
    succeed(command.arg(shell.path("1.mp4")));
    shell.copy(&shell.path("1.mp4"), "2.mp4");
    let said = shell.filmgate("join 1.mp4 2.mp4 -o o.mp4 --delete-sources");
    said.refused(41, &["1.mp4", "another order"]);
    assert_eq!(shell.names(), ["1.mp4", "2.mp4"]);
    shell.filmgate("join 1.mp4 2.mp4 -o o.mp4 --no-proof").done();
}
