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

/// The sheet that Pillow makes of ffmpeg's frames: how far the furthest sample is from it.
const SHEET: &str = "
import sys
from PIL import Image, ImageChops
columns, width, ours, *frames = sys.argv[1:]
columns, width = int(columns), int(width)
cells = [Image.open(f).convert('RGB') for f in frames]
height = round(width * cells[0].height / cells[0].width)
rows = len(cells) // columns
sheet = Image.new('RGB', (columns * width, rows * height))
for n, cell in enumerate(cells):
    # In floating point: with 8 bits Pillow clips between the two directions.
    bands = [b.convert('F').resize((width, height), Image.Resampling.LANCZOS) for b in cell.split()]
    small = Image.merge('RGB', [b.point(lambda v: v * 1 + 0.5).convert('L') for b in bands])
    sheet.paste(small, (n % columns * width, n // columns * height))
ours = Image.open(ours)
assert ours.size == sheet.size, (ours.size, sheet.size)
print(max(high for low, high in ImageChops.difference(ours, sheet).getextrema()))
";

#[test]
fn a_contact_sheet_is_what_pillow_and_ffmpeg_make() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.copy(&input, "in.mp4");
    shell.filmgate("frame -i in.mp4 --grid 4x3 --cell-width 100 -o sheet.png").done();
    // The middles of twelve parts of one second, at 25 frames a second.
    let picks: Vec<usize> = (0..12).map(|n| (2 * n + 1) * 25 / 24).collect();
    let select: Vec<String> = picks.iter().map(|n| format!("eq(n\\,{n})")).collect();
    let select = format!("select={}", select.join("+"));
    let mut ffmpeg = std::process::Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i", "in.mp4", "-vf", &select, "-vsync", "0", "f%02d.png"]);
    shell.settle(&mut ffmpeg);
    shell.say(&mut ffmpeg).done();
    let mut python = std::process::Command::new(filmgate_tests::outside::python());
    python.args(["-c", SHEET, "4", "100", "sheet.png"]);
    python.args((1..=12).map(|n| format!("f{n:02}.png")));
    shell.settle(&mut python);
    let furthest: u32 = shell.say(&mut python).done().stdout.trim().parse().expect("a number");
    assert!(furthest <= 4, "{furthest}");
    // ffmpeg's own sheet, of cells that nothing scales.
    shell.filmgate("frame -i in.mp4 --grid 2x2 --at 0.04 --every 0.2s -o own.png").done();
    let theirs = raw(
        &shell,
        &["-i", "in.mp4", "-vf", "select=not(mod(n-1\\,5)),tile=2x2", "-frames:v", "1"],
    );
    let ours = raw(&shell, &["-i", "own.png"]);
    assert_eq!(ours.len(), theirs.len());
    let furthest = ours.iter().zip(&theirs).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(furthest <= Some(2), "{furthest:?}");
}

#[test]
fn times_are_parts_of_the_duration_and_steps() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.copy(&input, "in.mp4");
    let same = |a: &str, b: &str| {
        assert!(raw(&shell, &["-i", a]) == raw(&shell, &["-i", b]), "{a} {b}");
    };
    shell.filmgate("frame -i in.mp4 --at 50% -o half.png").done();
    shell.filmgate("frame -i in.mp4 --at 0.5 -o time.png").done();
    same("half.png", "time.png");
    shell.filmgate("frame -i in.mp4 --at 100% -o last.png").done();
    shell.filmgate("frame -i in.mp4 --at 0.96 -o time.png -y").done();
    same("last.png", "time.png");
    let line =
        "frame -i in.mp4 --every 0.3s -p denoise:frames=3 -o n%d.png --json --receipt r.json";
    let json = shell.filmgate(line).done().json();
    assert_eq!(json["frames_out"], 4);
    let receipt = std::fs::read_to_string(shell.path("r.json")).expect("a receipt");
    assert!(receipt.contains("n4.png") && !receipt.contains("n5.png"), "{receipt}");
    for (number, at) in [("1", "0"), ("3", "0.6"), ("4", "0.9")] {
        shell
            .filmgate(&format!("frame -i in.mp4 --at {at} -p denoise:frames=3 -o at.png -y"))
            .done();
        same(&format!("n{number}.png"), "at.png");
    }
    shell.filmgate("frame -i in.mp4 --every 0.3s -o n%d.png").refused(30, &["n1.png"]);
    shell.filmgate("frame -i in.mp4 --every 0.3s -o n.png").refused(2, &["shot%03d.png", "--grid"]);
    shell.filmgate("frame -i in.mp4 --every 3 -o m%d.png").refused(2, &["--every 3s"]);
    shell.filmgate("frame -i in.mp4 --every 0s -o m%d.png").refused(2, &["10s"]);
    shell.filmgate("frame -i in.mp4 --cell-width 99 -o m.png").refused(2, &["--grid"]);
    shell.filmgate("frame -i in.mp4 --grid 99x9 --cell-width 999 -o m.png").refused(2, &["--grid"]);
    shell.filmgate("frame -i in.mp4 --grid 2x2 -o in.mp4 --format png -y").refused(31, &["in.mp4"]);
    assert!(!shell.names().iter().any(|name| name.starts_with('m') || name.contains("partial")));
}

#[test]
fn an_image_goes_to_standard_output() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.copy(&input, "in.mp4");
    shell.filmgate("frame -i in.mp4 --at 0.4 -o file.png").done();
    let line = |more: &str| {
        format!(
            "{} frame -i in.mp4 --at 0.4 -o - {more}",
            filmgate_tests::hostile::program().display()
        )
    };
    let mut command = std::process::Command::new("sh");
    shell.settle(command.args(["-c", &format!("{} > out.png", line(""))]));
    shell.say(&mut command).done();
    let read = |name: &str| std::fs::read(shell.path(name)).expect("written");
    assert!(read("file.png") == read("out.png"));
    let mut command = std::process::Command::new("sh");
    shell.settle(command.args(["-c", &format!("{} > out.jpg", line("--format jpg"))]));
    shell.say(&mut command).done();
    assert!(read("out.jpg").starts_with(&[0xff, 0xd8]));
    shell.filmgate("frame -i in.mp4 -o - --json").refused(2, &["standard output"]);
    shell.filmgate("frame -i in.mp4 -o - --every 1s").refused(2, &["one image"]);
    shell.filmgate("frame -i in.mp4 -o - --format gif").refused(2, &["png"]);
}
