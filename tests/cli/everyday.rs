//! What newcomers try: FFmpeg's habits, nothing as an output, and a stop that takes long.

use std::process::Command;

use filmgate_tests::counted::wait_for;
use filmgate_tests::hostile::program;
use filmgate_tests::outside::{ffprobe, small};
use filmgate_tests::running::Running;
use filmgate_tests::shell::Shell;

#[test]
fn a_chain_is_timed_without_an_output() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.copy(&input, "in.mp4");
    let counted = ffprobe(&input, "-count_frames -select_streams v -show_streams");
    for output in
        ["-o /dev/null", "--format null", "--format null -o -", "-o /dev/null -o /dev/null"]
    {
        let line = format!("run -i in.mp4 -p emboss {output} --json");
        if output.matches("-o").count() == 2 {
            shell.filmgate(&line).refused(2, &["given twice"]);
            continue;
        }
        let json = shell.filmgate(&line).done().json();
        let frames = json["frames_out"].as_u64().expect("a number").to_string();
        assert_eq!(counted["streams"][0]["nb_read_frames"], frames, "{output}");
        assert_eq!(json["stages"]["encode"]["frames"], 0, "{output}");
        assert_eq!(json["plugins"][0]["frames"], 25, "{output}");
    }
    let encoded = shell.filmgate("run -i in.mp4 -o /dev/null --codec mpeg4 --json").done().json();
    assert_eq!(encoded["stages"]["encode"]["frames"], 25);
    shell.filmgate("run -i in.mp4 --format null --dry-run").done();
    shell.filmgate("run -i in.mp4 --format null -o a.mp4").refused(2, &["a.mp4", "/dev/null"]);
    shell.write("job.toml", "input = 'in.mp4'\nformat = 'null'\n");
    shell.filmgate("run --config job.toml --receipt r.json").done();
    assert_eq!(shell.names(), ["in.mp4", "job.toml", "r.json"]);
}

#[test]
fn pipes_have_the_names_of_ffmpeg_too() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.copy(&input, "in.mp4");
    let line = format!(
        "{0} run -q -i pipe:0 -o pipe:1 --format matroska < in.mp4 | ffprobe -v error -count_frames \
         -select_streams v -show_entries stream=nb_read_frames -of csv=p=0 -",
        program().display()
    );
    let mut command = Command::new("sh");
    shell.settle(command.args(["-c", &line]));
    assert_eq!(shell.say(&mut command).done().stdout.trim(), "25");
    shell.filmgate("run -i in.mp4 -o pipe:1 --json").refused(2, &["standard output"]);
    assert_eq!(shell.names(), ["in.mp4"]);
}

#[test]
fn a_file_without_an_option_is_told_what_to_type() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.copy(&input, "in.mp4");
    for line in ["in.mp4 -p emboss out.mp4", "run in.mp4 -p emboss out.mp4"] {
        let said = shell.filmgate(line);
        let told = said.stderr.lines().find_map(|l| l.split_once(": filmgate ")).map(|(_, t)| t);
        let told = told.expect("a command").to_owned();
        said.refused(2, &["tip: "]);
        shell.filmgate(&told).done();
        assert_eq!(shell.names(), ["in.mp4", "out.mp4"]);
        std::fs::remove_file(shell.path("out.mp4")).expect("removed");
    }
    shell.filmgate("run -i in.mp4 -vf hflip -o a.mp4").refused(2, &["-p NAME:key=value"]);
    shell.filmgate("run -i in.mp4 -p blur=5 -o a.mp4").refused(10, &["blur:KEY=5", "inspect blur"]);
    let version = shell.filmgate("version").done().stdout;
    assert_eq!(version, shell.filmgate("--version").done().stdout);
}

/// The encoder works for minutes on one frame and cannot be interrupted.
#[test]
fn a_stop_that_takes_long_says_what_it_waits_for() {
    let shell = Shell::new();
    let mut command = Command::new(program());
    shell.settle(&mut command);
    command.args(["run", "--input-format", "lavfi", "-i", "testsrc2=size=3840x2160"]);
    command.args(["--codec", "libaom-av1", "-x", "cpu-used=0", "-x", "lag-in-frames=0"]);
    command.args(["-o", "out.mkv", "--progress-json"]);
    command.stdout(std::fs::File::create(shell.path("events")).expect("a file"));
    command.stderr(std::fs::File::create(shell.path("said")).expect("a file"));
    let mut child = Running::start(&mut command);
    let read = |name: &str| std::fs::read_to_string(shell.path(name)).expect("text");
    wait_for("a frame in the encoder", || read("events").contains("\"frames\":1"));
    child.signal("INT");
    wait_for("a word", || {
        read("said").contains("stopping; waiting for the encoder to finish a frame")
    });
    child.signal("INT");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(!shell.path("out.mkv").exists());
}
