//! Sound beside the pictures: out of a file, out of a pipe, or silence.

use std::fs::OpenOptions;
use std::io::Write;
use std::process::Command;

use filmgate_tests::counted::{numbers, wait_for, write};
use filmgate_tests::outside::{complaints, ffmpeg, ffprobe, small, succeed};
use filmgate_tests::shell::Shell;

use crate::start::{NOW, end, start};

fn seconds(facts: &serde_json::Value, stream: usize) -> f64 {
    let text = facts["streams"][stream]["duration"].as_str().expect("a duration");
    text.parse().expect("a number")
}

/// How loud a file is, in dB below the loudest that there is; very low for silence.
fn loudness(path: &std::path::Path) -> f64 {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-i"]).arg(path).args(["-af", "volumedetect", "-f", "null", "-"]);
    let said =
        String::from_utf8_lossy(&filmgate_tests::outside::output(&mut command).stderr).into_owned();
    let (_, behind) = said.split_once("mean_volume: ").expect("it is measured");
    behind.split(' ').next().and_then(|n| n.parse().ok()).expect("a number")
}

#[test]
fn silence_is_as_long_as_the_pictures() {
    let shell = Shell::new();
    let job = start(&shell, "--audio silence -o out.mp4 -o out.flv");
    write(&shell.path("pipe"), 0..75, NOW).join().expect("written");
    end(job).done();
    for name in ["out.mp4", "out.flv"] {
        let path = shell.path(name);
        let facts = ffprobe(&path, "-show_streams");
        assert_eq!(facts["streams"][1]["codec_name"], "aac", "{name}");
        assert_eq!(facts["streams"][1]["sample_rate"], "48000", "{name}");
        assert_eq!(complaints(&path), "", "{name}");
        assert_eq!(numbers(&path).len(), 75);
        assert!(loudness(&path) < -80.0);
    }
    let length = seconds(&ffprobe(&shell.path("out.mp4"), "-show_streams"), 1);
    assert!((length - 3.0).abs() < 0.06, "{length}");
}

#[test]
fn sound_of_a_file_is_copied_and_cut_to_the_pictures() {
    let shell = Shell::new();
    let file = small("sound.mp4", "");
    let job = start(&shell, &format!("--audio {} -o out.mp4", file.display()));
    write(&shell.path("pipe"), 0..15, NOW).join().expect("written");
    end(job).done();
    let path = shell.path("out.mp4");
    let facts = ffprobe(&path, "-show_streams");
    assert_eq!(facts["streams"][1]["sample_rate"], "44100");
    let length = seconds(&facts, 1);
    assert!((length - 0.6).abs() < 0.06, "{length}");
    assert!(loudness(&path) > -40.0);
    assert_eq!(complaints(&path), "");
}

#[test]
fn sound_of_a_pipe_is_encoded() {
    let shell = Shell::new();
    let mut tone =
        ffmpeg("-f lavfi -i sine=frequency=440:sample_rate=44100:duration=3 -ac 2 -f s16le");
    succeed(tone.arg(shell.path("tone.raw")));
    let job = start(&shell, "--audio-fifo sound --audio-rate 44100 -o out.mp4");
    let sound = shell.path("sound");
    wait_for("the pipe for sound", || sound.exists());
    let tone = std::fs::read(shell.path("tone.raw")).expect("there");
    let singer = std::thread::spawn(move || {
        let mut pipe = OpenOptions::new().write(true).open(sound).expect("opened");
        // It is more than the pictures are long.
        let _ = pipe.write_all(&tone);
    });
    write(&shell.path("pipe"), 0..50, std::time::Duration::from_millis(15))
        .join()
        .expect("written");
    end(job).done();
    singer.join().expect("sung");
    let path = shell.path("out.mp4");
    let length = seconds(&ffprobe(&path, "-show_streams"), 1);
    assert!((length - 2.0).abs() < 0.1, "{length}");
    assert!(loudness(&path) > -40.0);
    assert_eq!(shell.names(), ["out.mp4", "tone.raw"]);
}

#[test]
fn pictures_do_not_wait_for_sound_that_never_comes() {
    let shell = Shell::new();
    let job = start(&shell, "--audio-fifo sound -o out.mp4");
    write(&shell.path("pipe"), 0..50, NOW).join().expect("written");
    end(job).done();
    assert_eq!(numbers(&shell.path("out.mp4")).len(), 50);
    assert!(loudness(&shell.path("out.mp4")) < -80.0);
}

#[test]
fn sound_that_does_not_fit_is_told_of() {
    let shell = Shell::new();
    filmgate_tests::counted::raw_film(&shell.path("film"), 2);
    let mut wave = ffmpeg("-f lavfi -i sine=duration=1");
    succeed(wave.arg(shell.path("tone.opus")));
    let line = "encode -i film --size 320x180 -o out.flv --audio";
    shell.filmgate(&format!("{line} tone.opus")).refused(34, &["opus", "flv"]);
    shell.filmgate(&format!("{line} film")).refused(21, &["film"]);
    shell.filmgate(&format!("{line} none.mp3")).refused(20, &["none.mp3"]);
    assert_eq!(shell.names(), ["film", "tone.opus"]);
}
