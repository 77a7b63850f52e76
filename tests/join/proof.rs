//! The proof of a join, one check at a time: an output that is wrong in one respect alone is shown to
//! it. And an output that was written wrong: exit code 41, whatever a demuxer makes of it.

use std::path::{Path, PathBuf};

use filmgate::cancel::Cancel;
use filmgate::engine::graph::Progress;
use filmgate::join::{
    Candidate, Done, Gap, Handling, Job, JoinError, Plan, Settings, Written, gather, plan, proof,
};
use filmgate_tests::outside::{ffmpeg, succeed};
use filmgate_tests::shell::Shell;
use filmgate_tests::trace;

use super::cases::{all_pictures, pictures, segments};

/// A join that was done and stood its proof.
struct Joined {
    shell: Shell,
    plan: Plan,
    written: Written,
    output: PathBuf,
}

impl Joined {
    /// Joins the three good segments.
    fn new(format: &str, ending: &str) -> Joined {
        Joined::of(Shell::new(), segments("good"), format, ending)
    }

    fn of(shell: Shell, paths: Vec<PathBuf>, format: &str, ending: &str) -> Joined {
        let cancel = Cancel::new();
        let candidate =
            |path: PathBuf| Candidate { name: path.file_name().expect("a name").into(), path };
        let candidates: Vec<Candidate> = paths.into_iter().map(candidate).collect();
        let found = gather(&candidates, &cancel).expect("they can be looked at");
        let found = found.into_iter().map(|f| f.expect("a segment")).collect();
        let plan =
            plan::plan(found, Vec::new(), format, Handling::default(), &cancel).expect("a plan");
        let output = shell.path(format!("out.{ending}"));
        let settings = Settings { gap: Gap::Close, chapters: false, faststart: false, proof: true };
        let job = Job {
            plan: &plan,
            settings: &settings,
            output: &output,
            replace: false,
            transcode: None,
            progress: &Progress::default(),
        };
        let Ok(Done { written, .. }) = job.run(&cancel) else { panic!("it can be joined") };
        let joined = Joined { shell, plan, written, output };
        assert_eq!(joined.judge(&joined.output), "", "what was joined stands the proof");
        joined
    }

    /// What the proof has against a file; empty where it has nothing.
    fn judge(&self, output: &Path) -> String {
        self.judge_by(output, &self.written)
    }

    fn judge_by(&self, output: &Path, written: &Written) -> String {
        match proof::prove(output, &self.plan, written, &Cancel::new()) {
            Ok(_) => String::new(),
            Err(JoinError::Proof(why)) => why,
            Err(other) => panic!("another error: {other}"),
        }
    }

    /// The output written once more by ffmpeg, with a filter of packets.
    fn filtered(&self, filter: &str) -> PathBuf {
        let ending = self.output.extension().and_then(|e| e.to_str()).expect("an ending");
        let other = self.shell.path(format!("other.{ending}"));
        let mut command = ffmpeg("");
        command.arg("-i").arg(&self.output).args(["-map", "0", "-c", "copy", "-bsf:v", filter]);
        succeed(command.arg(&other));
        other
    }

    /// The output with some bytes changed.
    fn patched(&self, patch: impl FnOnce(&mut [u8])) -> PathBuf {
        let mut bytes = std::fs::read(&self.output).expect("readable");
        patch(&mut bytes);
        let ending = self.output.extension().and_then(|e| e.to_str()).expect("an ending");
        self.shell.write(format!("patched.{ending}"), bytes)
    }
}

fn has(why: &str, parts: &[&str]) {
    for part in parts {
        assert!(why.contains(part), "{part:?} is not said: {why:?}");
    }
}

#[test]
fn a_packet_that_is_missing_at_the_end_is_noticed() {
    let joined = Joined::new("matroska", "mkv");
    assert_eq!(joined.judge(&joined.filtered("null")), "", "ffmpeg changes nothing by itself");
    let why = joined.judge(&joined.filtered("noise=amount=0:drop=eq(n\\,149)"));
    has(&why, &["video", "149 packets of 150"]);
}

#[test]
fn a_segment_that_begins_without_a_key_frame_is_noticed() {
    let joined = Joined::new("mp4", "mp4");
    // libav takes the packets of key frames for such whatever the container says, so that an output
    // with another one has to have its seam elsewhere: a packet later.
    let mut written = joined.written.clone();
    let first = written.seams[1].first[0].as_mut().expect("a picture at the seam");
    assert_eq!(first.0, 50);
    first.0 = 51;
    let why = joined.judge_by(&joined.output, &written);
    has(&why, &["video", "packet 51", "segment 2", "key frame"]);
}

#[test]
fn a_time_that_is_wrong_is_noticed() {
    let joined = Joined::new("matroska", "mkv");
    // Half a picture's length, behind those that are decoded to see their order.
    let moved = joined.filtered("setts=pts=if(eq(N\\,120)\\,PTS+20\\,PTS)");
    has(&joined.judge(&moved), &["video", "packet 120", "20.000 ms"]);
}

#[test]
fn an_end_that_is_too_late_is_noticed() {
    for (ending, format) in [("mp4", "mp4"), ("ts", "mpegts")] {
        let joined = Joined::new(format, ending);
        for track in [0, 1] {
            let mut written = joined.written.clone();
            // Of two lengths the output has one and the sources the other.
            let span = written.tracks[track].span.as_mut().expect("it has packets");
            span.1 -= 200_000_000;
            let why = joined.judge_by(&joined.output, &written);
            has(&why, &["behind the first", "and not 5.8"]);
        }
    }
}

#[test]
fn a_decoding_time_that_goes_back_is_noticed() {
    let joined = Joined::new("mpegts", "ts");
    let patched = joined.patched(|bytes| {
        // PES packets of video with a time of decoding (ISO/IEC 13818-1, 2.4.3.6).
        let starts: Vec<usize> = (0..bytes.len() - 20)
            .filter(|&i| bytes[i..i + 4] == [0, 0, 1, 0xe0] && bytes[i + 7] >> 6 == 3)
            .collect();
        let dts = |i: usize| i + 14..i + 19;
        // As early as the one three before it.
        let early = bytes[dts(starts[57])].to_vec();
        bytes[dts(starts[60])].copy_from_slice(&early);
    });
    has(&joined.judge(&patched), &["video", "goes back in time"]);
}

#[test]
fn audio_that_lies_elsewhere_beside_the_picture_than_in_its_source_is_noticed() {
    let joined = Joined::new("mp4", "mp4");
    for by in [60_000_000, -60_000_000] {
        let mut written = joined.written.clone();
        // The source has it elsewhere than where it was put.
        let first = written.seams[1].first[1].as_mut().expect("audio at the seam");
        first.1 += by;
        let why = joined.judge_by(&joined.output, &written);
        has(&why, &["2.mp4", "further apart than in the source"]);
    }
}

#[test]
fn an_attached_file_that_is_missing_or_another_is_noticed() {
    let shell = Shell::new();
    let font = shell.write("a.ttf", [7; 3000]);
    let (source, segment) = (segments("mkv")[0].clone(), shell.path("1.mkv"));
    let mut command = ffmpeg("");
    command.arg("-i").arg(&source).args(["-map", "0", "-c", "copy", "-attach"]).arg(&font);
    command.args(["-metadata:s:t", "mimetype=application/x-truetype-font"]);
    succeed(command.arg(&segment));
    let joined = Joined::of(shell, vec![segment], "matroska", "mkv");
    let patched = joined.patched(|bytes| {
        let at = bytes.windows(3000).position(|w| w == [7; 3000]).expect("it is there");
        bytes[at + 1000] = 8;
    });
    has(&joined.judge(&patched), &["attachment (ttf)"]);
    let without = joined.shell.path("without.mkv");
    let mut command = ffmpeg("");
    command.arg("-i").arg(&joined.output).args(["-map", "0:V", "-map", "0:a", "-c", "copy"]);
    succeed(command.arg(&without));
    has(&joined.judge(&without), &["attachment (ttf)"]);
}

#[test]
fn a_payload_that_is_another_and_one_too_many_are_noticed() {
    let joined = Joined::new("mpegts", "ts");
    let patched = joined.patched(|bytes| {
        let middle = bytes.len() / 2 / 188 * 188;
        bytes[middle + 100..middle + 140].fill(0xaa);
    });
    has(&joined.judge(&patched), &["the source's"]);
    let mut written = joined.written.clone();
    written.tracks[0].total += 1;
    has(&joined.judge_by(&joined.output, &written), &["bytes of"]);
}

/// The writes of the file aside, by their number among the writes, and their sizes.
fn writes(shell: &Shell, output: &str) -> Vec<(usize, String)> {
    let mut command = shell.command();
    command.args(["join", "1.mp4", "2.mp4", "3.mp4", "-y", "-o", output]);
    // Plugins may have to be compiled and put aside first.
    shell.say(&mut command).done();
    let calls = trace::calls(shell, "write", &command);
    std::fs::remove_file(shell.path(output)).expect("it was joined");
    let size = |call: &String| call.rsplit("= ").next().unwrap_or_default().trim().to_owned();
    let numbered = calls.iter().enumerate().filter(|(_, c)| c.contains(".partial"));
    numbered.map(|(number, call)| (number + 1, size(call))).collect()
}

/// The program under strace, with one of its writes said to be done and not done.
fn losing(
    shell: &Shell,
    output: &str,
    (number, size): &(usize, String),
) -> filmgate_tests::shell::Said {
    let mut command = std::process::Command::new("strace");
    let inject = format!("inject=write:retval={size}:when={number}");
    command.args(["-qq", "-o", "/dev/null", "-e", "trace=write", "-e", &inject, "--"]);
    command.arg(filmgate_tests::hostile::program());
    shell.settle(&mut command);
    command.args(["join", "1.mp4", "2.mp4", "3.mp4", "-o", output, "--delete-sources"]);
    shell.say(&mut command)
}

const NAMES: [&str; 3] = ["1.mp4", "2.mp4", "3.mp4"];

#[test]
fn a_write_that_is_lost_ends_the_join_with_its_own_exit_code() {
    for (output, harmless) in [("out.ts", false), ("out.mkv", true), ("out.flv", true)] {
        let shell = Shell::new();
        let fill = || {
            NAMES.iter().zip(segments("good")).for_each(|(n, s)| {
                shell.copy(&s, n);
            })
        };
        fill();
        let all = writes(&shell, output);
        assert!(!all.is_empty());
        let mut noticed = 0;
        for one in &all {
            let said = losing(&shell, output, one);
            if said.code == Some(0) && harmless {
                // An index or a length was lost, and no packet.
                assert_eq!(
                    pictures(&shell.path(output)),
                    all_pictures(&segments("good")),
                    "{one:?}"
                );
                std::fs::remove_file(shell.path(output)).expect("removable");
                fill();
                continue;
            }
            noticed += 1;
            said.refused(41, &["failed verification"]);
            assert!(!said.stderr.contains(".partial"), "{output}, {one:?}: {said:?}");
            assert_eq!(shell.names(), NAMES, "{output}, {one:?}: no source was touched");
        }
        assert!(noticed > 0, "{output}: {all:?}");
    }
}
