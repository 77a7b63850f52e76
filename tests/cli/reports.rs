//! What a run tells beside its output: the plan, events, tags, receipts, before and after.

use filmgate_tests::hostile::Module;
use filmgate_tests::outside::{ffmpeg, small, succeed};
use filmgate_tests::shell::Shell;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The lines of a text, each as JSON.
fn lines(text: &str) -> Vec<Value> {
    let line = |l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"));
    text.lines().map(line).collect()
}

/// A plugin that tags every frame: `hostile` is `1.0.0`.
fn tagging() -> Vec<u8> {
    Module::processing(
        "(call $set-tag (local.get $frame) (i32.const 0x100) (i32.const 7) \
           (i32.const 0x107) (i32.const 5)) \
         (call $same (local.get $frame))",
    )
    .component()
}

#[test]
fn a_dry_run_says_everything_and_writes_nothing() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.write("gray.wasm", Module::default().component());
    let said = shell.run(&input, "a.mp4", "-p denoise:frames=3 -p ./gray.wasm -j 3 --dry-run");
    let text = said.done().stdout;
    for part in [
        "video (h264)  decoded: yuv420p 320x180 at 25 fps",
        "audio (aac)  copied",
        "3 threads, which share out pieces of the stream",
        "3 threads, which share out the frames",
        "frames = 3",
        "convert yuv420p to gray8: hostile takes gray8",
        "encoder   libx264",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let said = shell.run(&input, "a.mp4", "-p emboss --dry-run --json --tags t --receipt r");
    let plan = said.done().json();
    assert_eq!(plan["streams"][1]["fate"], "copied");
    assert_eq!(plan["plugins"][0]["parameters"]["planes"], "luma");
    assert_eq!(plan["stages"][0]["links"][0]["plugin"]["number"], 0);
    assert_eq!(shell.names(), ["gray.wasm"]);
    shell.run(&input, "a.mp4", "-p emboss:planes=some --dry-run").refused(11, &["planes"]);
    shell.run(&input, "none/a.mp4", "--dry-run").refused(32, &["none"]);
    shell.run(&input, "a.nonsense", "--dry-run").refused(34, &["nonsense"]);
}

#[test]
fn streams_that_a_container_does_not_take_are_left_out_with_the_reason() {
    let (shell, film) = (Shell::new(), small("plain.mp4", "-bf 2"));
    let texts = shell.write("texts.srt", "1\n00:00:00,100 --> 00:00:00,900\nHello\n");
    let input = shell.path("subtitled.mkv");
    let mut command = ffmpeg("");
    command.arg("-i").arg(&film).arg("-i").arg(&texts);
    succeed(command.args(["-map", "0", "-map", "1", "-c", "copy", "-c:s", "srt"]).arg(&input));
    let plan = shell.run(&input, "a.flv", "--dry-run --json").done().json();
    let streams = &plan["streams"];
    assert_eq!((&streams[1]["fate"], &streams[2]["fate"]), (&"copied".into(), &"left-out".into()));
    assert!(streams[2]["reason"].as_str().is_some_and(|r| r.contains("subrip")), "{plan}");
    // What is asked for and cannot be is no plan.
    shell.run(&input, "a.flv", "--dry-run --map v --map s").refused(34, &["subrip", "--map"]);
    let pictures =
        shell.filmgate("run -i subtitled.mkv -o %03d.png --dry-run --json --map v --map a");
    let pictures = pictures.done().json();
    let reason =
        |i: usize| pictures["streams"][i]["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason(1).contains("pictures alone") && reason(2).contains("not asked for"));
    assert_eq!(shell.names(), ["subtitled.mkv", "texts.srt"]);
}

#[test]
fn events_begin_and_end_and_hold_the_summary() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    let said = shell.run(&input, "a.mp4", "-p emboss --progress-json -q").done();
    let events = lines(&said.stdout);
    let names: Vec<_> = events.iter().map(|e| e["event"].as_str().unwrap_or_default()).collect();
    assert_eq!((names[0], names[names.len() - 1]), ("start", "result"));
    assert!(names[1..names.len() - 1].iter().all(|n| *n == "progress"), "{names:?}");
    let result = &events[events.len() - 1];
    assert_eq!((&result["status"], &result["exit"]), (&"done".into(), &0.into()));
    assert_eq!(result["frames_out"], 25);
    let said = shell.run(&input, "a.mp4", "--progress-json");
    assert_eq!(said.code, Some(30));
    let events = lines(&said.stdout);
    assert_eq!((events.len(), &events[0]["event"]), (1, &"result".into()));
    assert_eq!((&events[0]["status"], &events[0]["exit"]), (&"failed".into(), &30.into()));
    assert!(events[0]["error"].as_str().is_some_and(|e| e.contains("exists already")));
}

#[test]
fn tags_are_a_line_a_frame_in_order() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.write("tag.wasm", tagging());
    shell.run(&input, "a.mp4", "-p ./tag.wasm -j 4 --tags tags.jsonl -q").done();
    let text = std::fs::read_to_string(shell.path("tags.jsonl")).expect("published");
    let all = lines(&text);
    assert_eq!(all.len(), 25);
    for (number, line) in all.iter().enumerate() {
        assert_eq!(line["index"], number);
        let wanted = number as f64 * 0.04;
        assert!(line["timestamp"].as_f64().is_some_and(|t| (t - wanted).abs() < 1e-9), "{line}");
        assert_eq!(line["tags"]["hostile"], "1.0.0");
    }
    let said = shell.run(&input, "b.mp4", "-p emboss --tags tags.jsonl");
    said.refused(30, &["tags.jsonl", "exists already"]);
    shell.run(&input, "b.mp4", "--tags b.mp4").refused(2, &["--tags"]);
    assert_eq!(shell.names(), ["a.mp4", "tag.wasm", "tags.jsonl"]);
}

#[test]
fn no_report_appears_of_a_job_that_failed() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.write("trap.wasm", Module::processing("(unreachable)").component());
    let said = shell.run(&input, "a.mp4", "-p ./trap.wasm --tags t --receipt r --progress-json");
    assert_eq!(said.code, Some(14), "{said:?}");
    let events = lines(&said.stdout);
    assert_eq!(events[events.len() - 1]["exit"], 14);
    assert_eq!(shell.names(), ["trap.wasm"]);
}

#[test]
fn a_receipt_holds_the_digests_of_what_there_is() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.run(&input, "a.mp4", "-p emboss:planes=all --receipt r.json -q").done();
    let text = std::fs::read_to_string(shell.path("r.json")).expect("published");
    let receipt: Value = serde_json::from_str(&text).expect("JSON");
    let digest = |path: &std::path::Path| {
        let bytes = std::fs::read(path).expect("readable");
        Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect::<String>()
    };
    assert_eq!(receipt["inputs"][0]["sha256"], digest(&input).as_str());
    assert_eq!(receipt["output"]["sha256"], digest(&shell.path("a.mp4")).as_str());
    let plugin = &receipt["plugins"][0];
    let path = plugin["path"].as_str().expect("a path");
    assert_eq!(plugin["sha256"], digest(std::path::Path::new(path)).as_str());
    assert_eq!(plugin["parameters"]["planes"], "all");
    assert_eq!(receipt["summary"]["frames_out"], 25);
    assert!(receipt["command"].as_array().is_some_and(|c| c.contains(&"emboss:planes=all".into())));
}

#[test]
fn before_and_after_stand_side_by_side() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    let json = shell.run(&input, "a.mp4", "-p grayscale --compare --json").done().json();
    assert_eq!((&json["encoded"]["width"], &json["encoded"]["height"]), (&640.into(), &180.into()));
    assert_eq!(json["frames_out"], 25);
    let probe = shell.filmgate("probe a.mp4 --json").done().json();
    assert_eq!(probe["streams"][0]["video"]["width"], 640);
}

#[test]
fn the_log_can_be_json() {
    let shell = Shell::new();
    let said = shell.filmgate("run -i none.mp4 -o a.mp4 --log-format json");
    assert_eq!(said.code, Some(20));
    let log = lines(&said.stderr);
    assert_eq!((&log[0]["level"], &log[0]["exit"]), (&"ERROR".into(), &20.into()));
}
