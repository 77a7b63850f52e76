//! Which pictures are taken, beside what ffmpeg takes.

use filmgate_tests::outside::made;
use filmgate_tests::shell::Shell;

use crate::help::{decoded, film, names, reference, said};

/// Checks that the pictures are the very ones that ffmpeg chooses.
fn same(arguments: &str, before: &str, filter: &str) -> usize {
    let shell = Shell::new();
    let said = said(&shell, film(), &format!("--format png {arguments}")).done();
    let wanted = reference(before, &film(), filter, "rgb24");
    let count = names(&shell).len();
    assert_eq!(count, wanted.len() / (320 * 180 * 3), "{arguments}");
    assert!(decoded(&shell, "rgb24") == wanted, "{arguments}: other pictures");
    assert_eq!(said.json()["published"], count);
    count
}

#[test]
fn all_pictures_are_those_of_ffmpeg() {
    assert_eq!(same("", "", ""), 75);
}

#[test]
fn one_of_so_many() {
    assert_eq!(same("--every 10", "", r"select=not(mod(n\,10))"), 8);
}

#[test]
fn so_many_a_second() {
    assert_eq!(same("--fps 5", "", r"select=not(mod(n\,5))"), 15);
    // More than there are: none is doubled.
    assert_eq!(same("--fps 60", "", ""), 75);
}

#[test]
fn key_frames_alone() {
    assert_eq!(same("--keyframes", "-skip_frame nokey", ""), 3);
}

#[test]
fn a_part() {
    assert_eq!(same("--start 1 --duration 0.4", "", r"select=between(n\,25\,34)"), 10);
    assert_eq!(
        same("--start 0:01 --max-frames 7 --every 2", "", r"select=between(n\,25\,38)*mod(n\,2)"),
        7
    );
}

#[test]
fn the_first_picture_of_each_scene() {
    let film = made(
        "scenes.mkv",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=1 \
         -f lavfi -i color=navy:size=320x180:rate=25:duration=1 \
         -f lavfi -i mandelbrot=size=320x180:rate=25 \
         -filter_complex [2]trim=duration=1,setpts=PTS-STARTPTS[m];[0][1][m]concat=n=3 \
         -pix_fmt yuv420p -c:v libx264 -preset ultrafast",
    );
    let shell = Shell::new();
    said(&shell, &film, "--scene --format png").done();
    let wanted = reference("", &film, r"select=eq(n\,0)+gt(scene\,0.3)", "rgb24");
    assert!(wanted.len() / (320 * 180 * 3) >= 2, "the film has scenes");
    assert!(decoded(&shell, "rgb24") == wanted);
}

#[test]
fn any_number_of_workers_gives_the_same_files() {
    let mut outcomes = Vec::new();
    for workers in ["1", "2", "4"] {
        let shell = Shell::new();
        said(&shell, film(), &format!("-p emboss -p denoise -j {workers}")).done();
        let names = names(&shell);
        assert_eq!(names.len(), 75);
        let read = |n: &String| std::fs::read(shell.path("out").join(n)).expect("read");
        outcomes.push(names.iter().map(read).collect::<Vec<_>>());
    }
    assert!(outcomes.iter().all(|o| *o == outcomes[0]));
}

#[test]
fn plugins_work_on_the_way_as_in_run() {
    let shell = Shell::new();
    said(&shell, film(), "-p emboss --format png").done();
    let mut run = shell.command();
    run.arg("run").arg("-i").arg(film()).args(["-o", "all.mkv", "-p", "emboss", "--codec", "ffv1"]);
    shell.say(&mut run).done();
    assert!(decoded(&shell, "rgb24") == reference("", &shell.path("all.mkv"), "", "rgb24"));
}
