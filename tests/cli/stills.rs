//! One picture out of a video.

use filmgate_tests::outside::small;
use filmgate_tests::shell::Shell;

/// The tenth frame of the clip, through filmgate and through ffmpeg, as raw rgb24.
fn raw(shell: &Shell, arguments: &[&str]) -> Vec<u8> {
    let mut command = std::process::Command::new("ffmpeg");
    command.args(["-v", "error", "-y"]).args(arguments);
    command.args(["-pix_fmt", "rgb24", "-f", "rawvideo", "out.raw"]);
    shell.settle(&mut command);
    shell.say(&mut command).done();
    std::fs::read(shell.path("out.raw")).expect("written")
}

#[test]
fn the_frame_is_the_one_that_stands_at_the_time() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.copy(&input, "in.mp4");
    // From the middle of the tenth frame on.
    shell.filmgate("frame -i in.mp4 --at 0.41 -o a.png").done();
    let ours = raw(&shell, &["-i", "a.png"]);
    let select = ["-i", "in.mp4", "-vf", "select=eq(n\\,10)", "-frames:v", "1"];
    let theirs = raw(&shell, &select);
    assert_eq!(ours.len(), 320 * 180 * 3);
    let furthest = ours.iter().zip(&theirs).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(furthest <= Some(2), "{furthest:?}");
    shell.filmgate("frame -i in.mp4 --at 9 -o b.png").refused(22, &["9.000 s"]);
    shell.filmgate("frame -i in.mp4 -o b.gif").refused(34, &["b.gif", ".png"]);
    shell.filmgate("frame -i in.mp4 -o a.png").refused(30, &["exists already"]);
    assert_eq!(shell.names(), ["a.png", "in.mp4", "out.raw"]);
}

#[test]
fn filters_over_time_show_what_they_show_in_a_whole_run() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.copy(&input, "in.mp4");
    shell.filmgate("frame -i in.mp4 --at 0.8 -p denoise:frames=5 -o a.png").done();
    shell.run(&input, "whole.mp4", "-p denoise:frames=5 --crf 0 -q").done();
    shell.filmgate("frame -i whole.mp4 --at 0.8 -o b.png").done();
    assert!(raw(&shell, &["-i", "a.png"]) == raw(&shell, &["-i", "b.png"]));
}

#[test]
fn before_stands_left_of_after() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.copy(&input, "in.mp4");
    shell.filmgate("frame -i in.mp4 --at 0.4 -p grayscale --compare -o both.png").done();
    let crop = |x: &str| format!("crop=320:180:{x}:0");
    let left = raw(&shell, &["-i", "both.png", "-vf", &crop("0")]);
    let right = raw(&shell, &["-i", "both.png", "-vf", &crop("320")]);
    let gray = |pixels: &[u8]| {
        pixels.chunks(3).all(|p| p[0].abs_diff(p[1]) < 3 && p[1].abs_diff(p[2]) < 3)
    };
    assert!(!gray(&left) && gray(&right));
    shell.filmgate("frame -i in.mp4 --at 0.4 -p emboss -o a.jpg").done();
    assert_eq!(raw(&shell, &["-i", "a.jpg"]).len(), 320 * 180 * 3);
}
