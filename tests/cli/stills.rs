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

/// The JPEG of `shell` with EXIF data that holds nothing but an orientation (Exif 2.32, 4.6.4).
fn orient(shell: &Shell, from: &str, to: &str, orientation: u8) {
    let jpeg = std::fs::read(shell.path(from)).expect("there");
    let mut exif = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01".to_vec();
    exif.extend_from_slice(&[0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]);
    shell.write(to, [&jpeg[..2], &exif, &jpeg[2..]].concat());
}

/// Still images are upright in every verb, as they are in `watch`.
#[test]
fn images_are_turned_as_their_exif_data_says() {
    const TURNS: [(u8, &str); 4] =
        [(2, "hflip"), (3, "hflip,vflip"), (5, "transpose=0"), (6, "transpose=1")];
    let shell = Shell::new();
    for sampling in ["yuvj420p", "yuvj422p"] {
        let pattern = ["-f", "lavfi", "-i", "testsrc2=s=96x64", "-frames:v", "1", "-q:v", "2"];
        let mut command = std::process::Command::new("ffmpeg");
        command.args(["-v", "error", "-y"]).args(pattern).args(["-pix_fmt", sampling, "base.jpg"]);
        shell.settle(&mut command);
        shell.say(&mut command).done();
        for (orientation, filter) in TURNS {
            let when = format!("{sampling}, orientation {orientation}");
            orient(&shell, "base.jpg", "in.jpg", orientation);
            let wanted = raw(&shell, &["-i", "base.jpg", "-vf", filter]);
            let is_like = |file: &str| {
                let (_, size) = (0, if filter.starts_with('t') { "64x96" } else { "96x64" });
                let mut probe = std::process::Command::new("ffprobe");
                probe.args(["-v", "error", "-show_entries", "stream=width,height"]);
                probe.args(["-of", "csv=p=0:s=x", file]);
                shell.settle(&mut probe);
                assert_eq!(shell.say(&mut probe).done().stdout.trim(), size, "{when}, {file}");
                let ours = raw(&shell, &["-i", file, "-frames:v", "1"]);
                let sum: u64 =
                    ours.iter().zip(&wanted).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
                assert_eq!(ours.len(), wanted.len(), "{when}, {file}");
                let mean = sum / wanted.len() as u64;
                assert!(mean < 6, "{when}, {file}: differs by {mean} in the mean");
            };
            shell.filmgate("frame -i in.jpg --at 0 --overwrite -o frame.png").done();
            is_like("frame.png");
            shell.filmgate("run -i in.jpg --codec ffv1 --overwrite -o run.mkv -q").done();
            is_like("run.mkv");
            shell.filmgate("encode --image in.jpg --duration 0.2 --codec ffv1 --overwrite -o encode.mkv -q").done();
            is_like("encode.mkv");
            let _ = std::fs::remove_dir_all(shell.path("split"));
            shell.filmgate("split -i in.jpg -o split --format png -q").done();
            let entries = std::fs::read_dir(shell.path("split")).expect("made");
            let mut names = entries.map(|e| e.expect("read").file_name());
            let name = names.find(|n| n.to_string_lossy().ends_with(".png")).expect("an image");
            is_like(&format!("split/{}", name.to_string_lossy()));
        }
    }
}

/// libav fills what is missing of a JPEG with gray: it is damaged, and counted as such.
#[test]
fn jpegs_that_are_cut_off_are_not_passed_off_as_whole() {
    let shell = Shell::new();
    let mut command = std::process::Command::new("ffmpeg");
    command.args("-v error -f lavfi -i testsrc2=s=320x240 -frames:v 5 -q:v 2 %d.jpg".split(' '));
    shell.settle(&mut command);
    shell.say(&mut command).done();
    let read = |n: u32| std::fs::read(shell.path(format!("{n}.jpg"))).expect("there");
    let third = read(3);
    let mut film = [read(1), read(2), third[..third.len() / 2].to_vec(), read(4), read(5)].concat();
    shell.write("film.mjpeg", &film);
    let said = shell.filmgate("split -i film.mjpeg -o split --format png");
    assert_eq!(said.code, Some(3), "{said:?}");
    let images = std::fs::read_dir(shell.path("split")).expect("made").flatten();
    let images = images.filter(|e| e.file_name().to_string_lossy().ends_with(".png")).count();
    assert_eq!(images, 4);
    assert_eq!(shell.filmgate("run -i film.mjpeg -o run.mkv -q").code, Some(3));
    film.truncate(third.len() / 2);
    shell.write("cut.jpg", &film);
    for verb in [
        "run -i cut.jpg -o cut.mkv",
        "frame -i cut.jpg --at 0 -o cut.png",
        "split -i cut.jpg -o cut --format png",
        "encode --image cut.jpg --duration 1 -o cut2.mkv",
    ] {
        let said = shell.filmgate(verb);
        assert!(matches!(said.code, Some(21 | 22)), "{verb}: {said:?}");
    }
}
