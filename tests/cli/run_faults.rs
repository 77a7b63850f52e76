//! Faults that `run` had once, and what people tripped over.

use std::path::Path;
use std::process::Command;

use filmgate_tests::hostile::program;
use filmgate_tests::outside::{
    complaints, ffmpeg, ffprobe, made, pictures, rotated, small, succeed,
};
use filmgate_tests::shell::{Said, Shell};

/// Two seconds with a key frame every second, in a container without an index.
fn groups(name: &str) -> std::path::PathBuf {
    made(
        name,
        "-f lavfi -i testsrc2=size=160x90:rate=25:duration=3 -c:v libx264 -preset ultrafast -g 25 \
         -bf 2",
    )
}

#[test]
fn a_part_of_a_stream_without_index_begins_where_it_should() {
    let shell = Shell::new();
    let size = 160 * 90 * 3 / 2;
    for name in ["groups3.ts", "groups3.mpg", "groups3.mkv"] {
        let input = if name.ends_with("mpg") {
            made(name, "-f lavfi -i testsrc2=size=160x90:rate=25:duration=3 -g 25 -bf 2")
        } else {
            groups(name)
        };
        let all = pictures(&input, "yuv420p", 100);
        for (start, first, count) in [("0.04", 1, 5), ("0.52", 13, 5), ("1.2", 30, 25)] {
            let more = format!("-y --codec ffv1 --start {start} --max-frames {count} -q");
            let mut command = shell.command();
            command.arg("run").arg("-i").arg(&input).args(["-o", "part.mkv"]);
            shell.say(command.args(more.split(' '))).done();
            let part = pictures(&shell.path("part.mkv"), "yuv420p", 100);
            assert!(part == all[first * size..(first + count) * size], "{name} from {start}");
        }
    }
}

#[test]
fn an_encoder_that_was_given_nothing_lets_the_program_end() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    for (more, code) in [("--dry-run -o a.mkv", 0), ("--no-audio -o a.ts", 34)] {
        let mut command = Command::new("timeout");
        command.arg("60").arg(program()).arg("run").arg("-i").arg(&input);
        command.args(["--codec", "av1", "-q"]).args(more.split(' '));
        shell.settle(&mut command);
        assert_eq!(shell.say(&mut command).code, Some(code), "{more}: 124 is a hang");
    }
}

#[test]
fn what_turns_out_not_to_be_one_picture_replaces_none() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.write("p.png", "precious");
    let run = |more: &str| {
        let mut command = shell.command();
        command.arg("run").arg("-i").arg(&input).args(["-y", "-o", "p.png", "--no-audio"]);
        shell.say(command.args(more.split_whitespace()))
    };
    run("").refused(34, &["p.png", "one image", "%06d"]);
    run("--max-frames 2").refused(2, &["p.png", "one image"]);
    assert_eq!(std::fs::read(shell.path("p.png")).expect("it is there"), b"precious");
    assert_eq!(shell.names(), ["p.png"]);
    run("--max-frames 1").done();
    assert!(std::fs::read(shell.path("p.png")).expect("it is there").starts_with(b"\x89PNG"));
}

#[test]
fn texts_that_are_shown_across_a_cut_are_kept_and_cut() {
    let shell = Shell::new();
    let texts =
        "1\n00:00:00,400 --> 00:00:01,600\nHello\n\n2\n00:00:02,000 --> 00:00:02,900\nYou\n";
    let texts = shell.write("texts.srt", texts);
    let input = shell.path("texts.mkv");
    let mut command = ffmpeg("");
    command.arg("-i").arg(groups("groups3.mkv")).arg("-i").arg(&texts);
    succeed(command.args(["-c", "copy", "-c:s", "srt"]).arg(&input));
    shell.run(&input, "part.mkv", "--start 1 --duration 1.5").done();
    let list = ffprobe(
        &shell.path("part.mkv"),
        "-select_streams s -show_entries packet=pts_time,duration_time",
    );
    let number = |p: &serde_json::Value, key: &str| -> f64 {
        p[key].as_str().and_then(|t| t.parse().ok()).unwrap_or(-1.0)
    };
    let packets = list["packets"].as_array().expect("packets");
    let times: Vec<(f64, f64)> =
        packets.iter().map(|p| (number(p, "pts_time"), number(p, "duration_time"))).collect();
    let near =
        |(a, b): (f64, f64), (c, d): (f64, f64)| (a - c).abs() < 0.05 && (b - d).abs() < 0.05;
    assert_eq!(times.len(), 2, "{times:?}");
    assert!(near(times[0], (0.0, 0.6)) && near(times[1], (1.0, 0.5)), "{times:?}");
}

#[test]
fn what_of_later_inputs_does_not_fit_is_told() {
    let (shell, sound) = (Shell::new(), small("plain.mp4", "-bf 2"));
    let silent = groups("groups3.mkv");
    let run = |first: &Path, second: &Path| {
        let mut command = shell.command();
        command.arg("run").arg("-i").arg(first).arg("-i").arg(second);
        shell.say(command.args(["-y", "-o", "out.mkv", "--json", "--preset", "ultrafast"]))
    };
    let missing = |said: &Said| said.json()["missing"].to_string();
    let said = run(&silent, &sound);
    assert!(said.code == Some(3) && missing(&said).contains("its audio is left out"), "{said:?}");
    let turned = shell.path("turned.mp4");
    rotated(&sound, &turned);
    let said = run(&sound, &turned);
    assert!(said.code == Some(3) && missing(&said).contains("rotation"), "{said:?}");
    assert_eq!(run(&sound, &sound).code, Some(0));
}

/// Runs filmgate with a file coming through a pipe.
fn piped(shell: &Shell, file: &Path, arguments: &str) -> Said {
    let mut command = Command::new("bash");
    command.args(["-c", "cat \"$0\" | \"$@\""]).arg(file).arg(program());
    command.args(arguments.split(' '));
    shell.settle(&mut command);
    shell.say(&mut command)
}

#[test]
fn an_index_behind_the_pictures_needs_a_source_that_can_be_rewound() {
    let (shell, film) = (Shell::new(), small("plain.mp4", "-bf 2"));
    let said = piped(&shell, &film, "run -i - -o out.mp4");
    said.refused(21, &["index", "rewound", "faststart"]);
}

#[test]
fn other_verbs_read_what_run_reads() {
    let (shell, film) = (Shell::new(), small("plain.mkv", "-bf 2"));
    for arguments in ["probe -", "frame -i - -o p.png"] {
        piped(&shell, &film, arguments).done();
    }
    shell.filmgate("run --input-format rawvideo -i x.raw -o o.mp4").refused(2, &["video_size"]);
    shell.filmgate("run -i x.mkv -o o.mp4 --duration 0").refused(2, &["more than 0"]);
    shell.copy(&film, "x.mkv");
    shell.filmgate("run -i x.mkv -o o.mp4 --map=-v").refused(2, &["--map"]);
    shell.filmgate("run -i x.mkv -o o.mp4 --map=-a:9").refused(2, &["a:9"]);
    let url = "run -i http://127.0.0.1:9/x.ts -o o.mp4";
    shell.filmgate(url).refused(20, &["refused"]);
}

/// Two seconds of H.264 and AAC in MPEG-TS, and where its ADTS headers are (ISO/IEC 13818-7, 6.2:
/// twelve ones, then MPEG-2, no CRC, profile LC).
fn adts() -> (Vec<u8>, Vec<usize>) {
    let film = made(
        "adts.ts",
        "-f lavfi -i testsrc2=size=160x90:rate=25:duration=2 -f lavfi -i sine=duration=2 \
         -c:v libx264 -preset ultrafast -c:a aac",
    );
    let data = std::fs::read(film).expect("it is there");
    let header = |at: &usize| data[*at..].starts_with(&[0xff, 0xf1]) && data[at + 2] >> 6 == 1;
    let headers = (0..data.len() - 2).filter(header).collect();
    (data, headers)
}

#[test]
fn packets_that_the_container_refuses_are_dropped_and_counted() {
    let shell = Shell::new();
    let (whole, headers) = adts();
    let middle = headers.len() / 2;
    // A sampling rate that does not exist; a sync word that is none.
    for (place, ones, zeros) in [(2, 0x3c, 0), (0, 0, 0x80)] {
        let mut data = whole.clone();
        for header in &headers[middle..middle + 3] {
            let byte = &mut data[header + place];
            *byte = (*byte | ones) & !zeros;
        }
        let input = shell.write("damaged.ts", data);
        for output in ["out.mkv", "out.mp4"] {
            let said = shell.run(&input, output, "-y --json");
            assert_eq!(said.code, Some(3), "{said:?}");
            let dropped = said.json()["damaged_packets"].as_u64().expect("a count");
            assert!((1..8).contains(&dropped), "{said:?}");
            assert_eq!(complaints(&shell.path(output)), "");
            let packets = |file: &Path, name: &str| -> u64 {
                let count = "-count_packets -show_entries stream=codec_name,nb_read_packets";
                let found = ffprobe(file, count);
                let list = found["streams"].as_array().expect("streams");
                let one = list.iter().find(|s| s["codec_name"] == name).expect("a stream");
                one["nb_read_packets"].as_str().and_then(|n| n.parse().ok()).expect("a number")
            };
            assert_eq!(packets(&shell.path(output), "h264"), 50, "{output}");
            // How many packets lie behind the damage depends on the FFmpeg: 7.1 does not find the
            // headers again within the same PES packet.
            let all = packets(&input, "aac");
            assert_eq!(packets(&shell.path(output), "aac") + dropped, all, "{output}");
        }
    }
}

#[test]
fn a_damaged_header_is_the_fault_of_the_input() {
    let (shell, film) = (Shell::new(), small("plain.mp4", "-bf 2"));
    let mut data = std::fs::read(film).expect("it is there");
    // The number of entries of the table of samples (ISO/IEC 14496-12, 8.7.3.2) becomes absurd.
    let table = data.windows(4).position(|four| four == b"stsz").expect("a table");
    data[table + 12] = 0x0f;
    let input = shell.write("absurd.mp4", data);
    let said = shell.run(&input, "out.mkv", "");
    assert!(matches!(said.code, Some(21 | 22)), "{said:?}");
    assert_eq!(shell.names(), ["absurd.mp4"]);
}

#[test]
fn encoders_print_nothing_by_themselves() {
    let shell = Shell::new();
    shell.copy(&small("plain.mp4", "-bf 2"), "film.mp4");
    for codec in
        ["libsvtav1", "libx265", "libx265 -x x265-params=keyint=5", "libx264", "libvpx-vp9"]
    {
        for log in ["-q", "-q --log-format json"] {
            let rest =
                format!("run -y -i film.mp4 -o out.mkv --max-frames 3 {log} --codec {codec}");
            let said = shell.filmgate(&rest);
            assert_eq!((said.code, &*said.stderr), (Some(0), ""), "{codec} {log}");
        }
    }
}
