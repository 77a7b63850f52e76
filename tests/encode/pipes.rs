//! Named pipes and standard input: made, taken, refused, left, and never written to.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use filmgate_tests::counted::{BYTES, numbers, open_pipe, picture, raw_film, wait_for, write};
use filmgate_tests::outside::{complaints, succeed};
use filmgate_tests::running::Running;
use filmgate_tests::shell::Shell;

use crate::start::{NOW, counted, end, signal, spawn, start, wait_for_pipe, wait_for_read};

/// How much later than promised a machine that is busy with other things may be once.
const ALLOWANCE: Duration = Duration::from_secs(20);

#[test]
fn pictures_arrive_whole_and_in_order() {
    let shell = Shell::new();
    let job = start(&shell, "-o out.flv");
    wait_for_pipe(&shell);
    let metadata = fs::metadata(shell.path("pipe")).expect("there");
    assert!(metadata.file_type().is_fifo());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    write(&shell.path("pipe"), 0..120, NOW).join().expect("written");
    let result = end(job).done().json();
    assert_eq!(result["frames_out"], 120);
    assert_eq!(numbers(&shell.path("out.flv")), (0..120).collect::<Vec<_>>());
    assert_eq!(shell.names(), ["out.flv"], "the pipe goes with who made it");
}

#[test]
fn a_pipe_that_was_there_stays() {
    let shell = Shell::new();
    succeed(Command::new("mkfifo").arg(shell.path("pipe")));
    let job = start(&shell, "-o out.mkv");
    write(&shell.path("pipe"), 0..10, NOW).join().expect("written");
    end(job).done();
    assert_eq!(numbers(&shell.path("out.mkv")).len(), 10);
    assert_eq!(shell.names(), ["out.mkv", "pipe"]);
}

#[test]
fn what_is_no_pipe_is_refused_and_left_alone() {
    let shell = Shell::new();
    shell.write("pipe", "precious");
    end(start(&shell, "-o out.flv")).refused(20, &["pipe", "no pipe"]);
    assert_eq!(fs::read(shell.path("pipe")).expect("there"), b"precious");
    assert_eq!(shell.names(), ["pipe"]);
    let missing = "encode --fifo none/pipe --size 320x180 -o out.flv";
    shell.filmgate(missing).refused(20, &["none/pipe"]);
}

#[test]
fn writers_come_and_go_a_hundred_times() {
    let shell = Shell::new();
    let job = start(&shell, "--stay -o out.mkv");
    for round in 0..100 {
        write(&shell.path("pipe"), 2 * round..2 * round + 2, NOW).join().expect("written");
    }
    // The last pictures are out of the pipe when one more writer finds it empty.
    let last = shell.path("pipe");
    write(&last, 200..201, NOW).join().expect("written");
    wait_for_read(&job, 201);
    sleep(Duration::from_millis(500));
    signal(&job, "TERM");
    let result = end(job).done().json();
    assert_eq!(result["frames_out"], 201);
    assert_eq!(numbers(&shell.path("out.mkv")), (0..201).collect::<Vec<_>>());
}

#[test]
fn a_writer_that_dies_in_the_middle_of_a_picture_is_told_of() {
    let shell = Shell::new();
    raw_film(&shell.path("film"), 4);
    let job = start(&shell, "-o out.mp4");
    wait_for_pipe(&shell);
    // It holds the pipe open with a part of a picture in it, until it is killed.
    let line = format!("exec 3>pipe; head -c {} film >&3; exec sleep 60", 3 * BYTES + 1_000);
    let mut writer = Command::new("sh");
    let mut writer = Running::start(writer.args(["-c", &line]).current_dir(shell.folder()));
    sleep(Duration::from_millis(800));
    writer.kill().expect("killed");
    writer.wait().expect("it ends");
    let said = end(job);
    assert_eq!(said.code, Some(3), "{said:?}");
    let whole = BYTES.to_string();
    for part in ["1000 bytes", &whole, "320x180", "bgr24"] {
        assert!(said.stderr.contains(part), "{part}: {}", said.stderr);
    }
    let result = said.json();
    assert_eq!((&result["partial_pictures"], &result["partial_bytes"]), (&1.into(), &1000.into()));
    assert_eq!(numbers(&shell.path("out.mp4")), [0, 1, 2]);
}

#[test]
fn with_stay_a_partial_picture_ends_with_its_writer() {
    let shell = Shell::new();
    let mut job = start(&shell, "--stay -o out.mkv");
    let mut stderr = BufReader::new(job.stderr.take().expect("piped"));
    let path = shell.path("pipe");
    write(&path, 0..3, NOW).join().expect("written");
    let mut half = open_pipe(&path);
    half.write_all(&picture(3)[..BYTES / 2]).expect("written");
    drop(half);
    // Another writer before it has seen the end of this one would go on with the picture.
    let mut said = String::new();
    while !said.contains("bytes came where") {
        assert_ne!(stderr.read_line(&mut said).expect("readable"), 0, "it ended: {said}");
    }
    write(&path, 3..6, NOW).join().expect("written");
    wait_for_read(&job, 6);
    sleep(Duration::from_millis(500));
    signal(&job, "TERM");
    let said = end(job);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(numbers(&shell.path("out.mkv")), (0..6).collect::<Vec<_>>());
}

#[test]
fn nobody_ever_writes_and_sigterm_ends_it_within_a_second() {
    let mut took = Vec::new();
    for round in 0..9 {
        let shell = Shell::new();
        let more = if round % 2 == 0 { "-o out.flv" } else { "--stay -o out.flv -o out.mp4" };
        let job = start(&shell, more);
        wait_for_pipe(&shell);
        sleep(Duration::from_millis(100));
        let since = Instant::now();
        signal(&job, "TERM");
        let said = end(job);
        assert!(since.elapsed() < ALLOWANCE);
        took.push(since.elapsed());
        assert_eq!(said.code, Some(130), "{said:?}");
        assert_eq!(shell.names(), [""; 0]);
    }
    took.sort();
    assert!(took[took.len() / 2] < Duration::from_secs(1), "{took:?}");
}

#[test]
fn after_some_seconds_it_is_said_that_nobody_writes() {
    let shell = Shell::new();
    let mut job = start(&shell, "-o out.flv");
    wait_for_pipe(&shell);
    let mut said = String::new();
    let mut stderr = BufReader::new(job.stderr.take().expect("piped"));
    stderr.read_line(&mut said).expect("a line");
    assert!(said.contains("nobody has written anything yet"), "{said}");
    signal(&job, "TERM");
    assert_eq!(job.wait().expect("it ends").code(), Some(130));
}

#[test]
fn sigterm_ends_the_outputs_well() {
    let mut took = Vec::new();
    for _ in 0..5 {
        let shell = Shell::new();
        let job = start(&shell, "-o out.mp4 -o out.flv");
        let writer = write(&shell.path("pipe"), 0..10_000, Duration::from_millis(10));
        wait_for_read(&job, 10);
        sleep(Duration::from_millis(500));
        let since = Instant::now();
        signal(&job, "TERM");
        let said = end(job);
        assert!(since.elapsed() < ALLOWANCE);
        took.push(since.elapsed());
        let count = said.done().json()["frames_out"].as_u64().expect("a number") as usize;
        assert!(writer.join().expect("written") >= count && count > 5);
        for name in ["out.mp4", "out.flv"] {
            assert_eq!(numbers(&shell.path(name)), (0..count).collect::<Vec<_>>());
            assert_eq!(complaints(&shell.path(name)), "");
        }
    }
    took.sort();
    assert!(took[took.len() / 2] < Duration::from_secs(1), "{took:?}");
}

#[test]
fn standard_input_and_files_hold_raw_pictures_too() {
    let shell = Shell::new();
    raw_film(&shell.path("film.raw"), 30);
    let options = "--size 320x180 --pix-fmt bgr24 -q";
    shell.filmgate(&format!("encode -i film.raw {options} -o a.mp4")).done();
    let line = format!("cat film.raw | \"$0\" encode -i - {options} -o - > b.nut");
    let mut command = Command::new("sh");
    shell.settle(&mut command);
    command.args(["-c", &line]).arg(filmgate_tests::hostile::program());
    shell.say(&mut command).done();
    for name in ["a.mp4", "b.nut"] {
        assert_eq!(numbers(&shell.path(name)), (0..30).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn y4m_describes_itself() {
    let shell = Shell::new();
    raw_film(&shell.path("film.raw"), 20);
    let line = "ffmpeg -v error -f rawvideo -pix_fmt bgr24 -s 320x180 -r 30000/1001 -i film.raw \
                -pix_fmt yuv420p -f yuv4mpegpipe - | \"$0\" encode -i - -q -o out.mp4";
    let mut command = Command::new("sh");
    shell.settle(&mut command);
    shell.say(command.args(["-c", line]).arg(filmgate_tests::hostile::program())).done();
    assert_eq!(numbers(&shell.path("out.mp4")), (0..20).collect::<Vec<_>>());
    let facts = filmgate_tests::outside::ffprobe(&shell.path("out.mp4"), "-show_streams");
    assert_eq!(facts["streams"][0]["r_frame_rate"], "30000/1001");
}

#[test]
fn y4m_comes_through_a_named_pipe_too() {
    let shell = Shell::new();
    raw_film(&shell.path("film.raw"), 20);
    let mut command = shell.command();
    command.args(["encode", "--fifo", "pipe", "-q", "-o", "out.mp4"]);
    let job = spawn(&mut command);
    wait_for_pipe(&shell);
    let mut writer = filmgate_tests::outside::ffmpeg("-f rawvideo -pix_fmt bgr24 -s 320x180 -i");
    writer.arg(shell.path("film.raw")).args("-pix_fmt yuv420p -f yuv4mpegpipe".split(' '));
    succeed(writer.arg(shell.path("pipe")));
    end(job).done();
    assert_eq!(numbers(&shell.path("out.mp4")), (0..20).collect::<Vec<_>>());
    assert!(!shell.path("pipe").exists());
}

#[test]
fn realtime_keeps_to_the_clock() {
    let shell = Shell::new();
    raw_film(&shell.path("film.raw"), 30);
    let since = Instant::now();
    shell.filmgate("encode -i film.raw --size 320x180 -q --realtime -o out.mp4").done();
    // The thirtieth picture is due after 29 of 25 a second.
    assert!(since.elapsed() >= Duration::from_millis(1_160), "{:?}", since.elapsed());
    assert_eq!(numbers(&shell.path("out.mp4")).len(), 30);
}

#[test]
fn a_reader_of_standard_output_that_has_enough_is_no_fault_of_the_pipe() {
    let shell = Shell::new();
    let mut command = shell.command();
    command.args(counted().replace("--json", "-q").split_whitespace()).args(["-o", "-"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut job = Running::start(&mut command);
    let writer = write(&shell.path("pipe"), 0..5_000, NOW);
    let mut stdout = job.stdout.take().expect("a pipe");
    stdout.read_exact(&mut [0; 1_000]).expect("a stream that has begun");
    drop(stdout);
    assert_eq!(job.wait().expect("it ends").code(), Some(0));
    assert!(writer.join().expect("written") < 5_000, "it did not go on for nobody");
    wait_for("the pipe to go", || !shell.path("pipe").exists());
}
