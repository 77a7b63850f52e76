//! The pixels: every raw format, colours, and what is lost on the way.

use filmgate_tests::outside::{ffmpeg, ffprobe, made, succeed};
use filmgate_tests::shell::Shell;

/// Colours that move, as raw pictures of a format.
fn raw(shell: &Shell, format: &str, size: &str) {
    let film = made(
        "colours.mkv",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=0.4 -c:v ffv1 -pix_fmt gbrp",
    );
    let mut command = ffmpeg("-i");
    command.arg(film).args([
        "-vf",
        &format!("scale={size}:flags=bicubic+accurate_rnd+full_chroma_int:out_color_matrix=bt601"),
    ]);
    command.args(["-pix_fmt", format, "-f", "rawvideo"]);
    succeed(command.arg(shell.path("film")));
}

/// The signal to noise ratio of an output beside the raw film, both made RGB by ffmpeg: dB.
fn psnr(shell: &Shell, format: &str, size: &str) -> f64 {
    let mut command = std::process::Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-i"]).arg(shell.path("out.mkv"));
    command.args(["-f", "rawvideo", "-pix_fmt", format, "-s", size, "-r", "25", "-i"]);
    command.arg(shell.path("film"));
    let same = "scale=flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp:in_color_matrix=bt601,format=gbrp";
    command.args([
        "-lavfi",
        &format!("[0:v]{same}[a];[1:v]{same}[b];[a][b]psnr"),
        "-f",
        "null",
        "-",
    ]);
    let out = filmgate_tests::outside::output(&mut command);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    let (_, behind) = said.split_once("average:").unwrap_or_else(|| panic!("{said}"));
    let number = behind.split_whitespace().next().expect("a number");
    if number == "inf" { 100.0 } else { number.parse().expect("a number") }
}

#[test]
fn every_raw_format_keeps_its_colours() {
    // What is lost by halving the colours of a test card is much; by 4:4:4 next to nothing.
    let formats = [
        "bgr24",
        "rgb24",
        "bgra",
        "rgba",
        "bgr0",
        "argb",
        "gbrp",
        "rgb565le",
        "rgb48le",
        "yuv420p",
        "yuv422p",
        "yuv444p",
        "nv12",
        "yuyv422",
        "uyvy422",
        "yuv420p10le",
        "p010le",
    ];
    for format in formats {
        let shell = Shell::new();
        raw(&shell, format, "320x180");
        for (output, least) in [("yuv420p", 24.0), ("yuv444p", 33.0)] {
            let line = format!(
                "encode -i film --size 320x180 --pix-fmt {format} --output-pix-fmt {output} --crf 1 -q -y -o out.mkv"
            );
            shell.filmgate(&line).done();
            let near = psnr(&shell, format, "320x180");
            assert!(near > least, "{format} to {output}: {near} dB");
        }
    }
}

#[test]
fn gray_stays_gray() {
    for format in ["gray", "gray10le"] {
        let shell = Shell::new();
        raw(&shell, format, "320x180");
        let line =
            format!("encode -i film --size 320x180 --pix-fmt {format} --crf 1 -q -o out.mkv");
        shell.filmgate(&line).done();
        let yuv = filmgate_tests::outside::pictures(&shell.path("out.mkv"), "yuv420p", 1);
        let colour = &yuv[320 * 180..];
        assert!(colour.iter().all(|c| c.abs_diff(128) <= 1), "{format}");
        let near = psnr(&shell, format, "320x180");
        assert!(near > 30.0, "{format}: {near} dB");
    }
}

#[test]
fn our_own_conversion_is_as_good_as_ffmpeg_s_best() {
    let shell = Shell::new();
    raw(&shell, "bgr24", "320x180");
    shell.filmgate("encode -i film --size 320x180 --pix-fmt bgr24 --crf 1 -q -o out.mkv").done();
    let ours = psnr(&shell, "bgr24", "320x180");
    let mut theirs = ffmpeg("-f rawvideo -pix_fmt bgr24 -s 320x180 -r 25 -i");
    theirs.arg(shell.path("film")).args([
        "-vf",
        "scale=flags=accurate_rnd+full_chroma_inp:out_color_matrix=bt601",
        "-pix_fmt",
        "yuv420p",
    ]);
    theirs.args("-c:v libx264 -preset ultrafast -tune zerolatency -crf 1".split(' '));
    succeed(theirs.arg(shell.path("out.mkv")));
    let theirs = psnr(&shell, "bgr24", "320x180");
    assert!(ours > theirs - 0.7, "{ours} dB and {theirs} dB");
}

#[test]
fn the_output_is_marked_with_the_matrix_that_was_used() {
    let marks = [
        ("320x180", "", "smpte170m"),
        ("1280x720", "", "bt709"),
        ("320x180", "--matrix bt709", "bt709"),
        ("1280x720", "--matrix bt601", "smpte170m"),
    ];
    for (size, more, space) in marks {
        let shell = Shell::new();
        let colour = ffmpeg("-f lavfi -i")
            .arg(format!("color=0xC82814:size={size}:duration=0.2"))
            .args(["-pix_fmt", "bgr24", "-f", "rawvideo"])
            .arg(shell.path("film"))
            .status();
        assert!(colour.is_ok_and(|s| s.success()));
        let line = format!("encode -i film --size {size} {more} --crf 1 -q -o out.mp4");
        shell.filmgate(&line).done();
        let path = shell.path("out.mp4");
        let facts = ffprobe(&path, "-show_streams");
        assert_eq!(facts["streams"][0]["color_space"], space, "{size} {more}");
        // Whoever believes the mark gets the colour back.
        let mut command = ffmpeg("-i");
        command.arg(&path).args([
            "-vf",
            &format!("scale=in_color_matrix={}", if space == "bt709" { "bt709" } else { "bt601" }),
        ]);
        command.args(["-frames:v", "1", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"]);
        let rgb = succeed(&mut command);
        for (got, wanted) in rgb[3000..3003].iter().zip([0xC8u8, 0x28, 0x14]) {
            assert!(got.abs_diff(wanted) <= 4, "{size} {more}: {:?}", &rgb[3000..3003]);
        }
    }
}

#[test]
fn ten_bits_are_ten_bits() {
    let shell = Shell::new();
    raw(&shell, "yuv420p10le", "320x180");
    let line = "encode -i film --size 320x180 --pix-fmt yuv420p10le --output-pix-fmt yuv420p10 -x qp=0 -q -o out.mkv";
    shell.filmgate(line).done();
    let facts = ffprobe(&shell.path("out.mkv"), "-show_streams");
    assert_eq!(facts["streams"][0]["pix_fmt"], "yuv420p10le");
    let there = filmgate_tests::outside::pictures(&shell.path("out.mkv"), "yuv420p10le", 1000);
    assert!(there == std::fs::read(shell.path("film")).expect("there"), "without loss");
}
