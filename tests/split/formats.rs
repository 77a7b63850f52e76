//! What pictures are written as, judged by those who read them.

use std::path::PathBuf;

use filmgate_tests::outside::{ffprobe, made, pictures, python, succeed};
use filmgate_tests::shell::Shell;

use crate::help::{decoded, film, names, reference, said};

#[test]
fn formats_without_loss_hold_every_sample() {
    let wanted = reference("", &film(), r"select=lt(n\,3)", "rgb24");
    for (format, codec) in [("png", "png"), ("bmp", "bmp"), ("tiff", "tiff"), ("webp", "webp")] {
        let shell = Shell::new();
        said(&shell, film(), &format!("--format {format} --max-frames 3")).done();
        let names = names(&shell);
        assert_eq!(names[0], format!("frame000001.{format}"));
        let probe = ffprobe(&shell.path("out").join(&names[0]), "-show_streams");
        assert_eq!(probe["streams"][0]["codec_name"], codec);
        if format == "webp" {
            // ffmpeg decodes lossless WebP to ARGB; Pillow says what the samples are.
            let code = "import sys; from PIL import Image\n\
                        for n in sys.argv[1:]: sys.stdout.buffer.write(Image.open(n).convert('RGB').tobytes())";
            let paths = names.iter().map(|n| shell.path("out").join(n));
            let mut command = std::process::Command::new(python());
            command.args(["-c", code]).args(paths);
            assert!(succeed(&mut command) == wanted, "{format}");
        } else {
            assert!(decoded(&shell, "rgb24") == wanted, "{format}");
        }
    }
}

#[test]
fn samples_of_ten_bits_stay_in_sixteen() {
    let film = made(
        "ten.mkv",
        "-f lavfi -i testsrc2=size=64x48:rate=25:duration=0.2 -pix_fmt yuv420p10le -c:v ffv1",
    );
    let shell = Shell::new();
    said(&shell, &film, "--format png --max-frames 1").done();
    let path = shell.path("out/frame000001.png");
    assert_eq!(ffprobe(&path, "-show_streams")["streams"][0]["pix_fmt"], "rgb48be");
}

/// Bars of even colours, which subsampling does not touch, in the matrix and range given.
fn bars(matrix: &str, range: &str) -> PathBuf {
    made(
        &format!("bars-{matrix}-{range}.mkv"),
        &format!(
            "-f lavfi -i rgbtestsrc=size=256x128:rate=25:duration=0.2 \
             -vf scale=out_color_matrix={matrix}:out_range={range},format=yuv420p \
             -colorspace {matrix} -color_range {range} -c:v ffv1"
        ),
    )
}

fn far(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let sum: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.len() as f64
}

#[test]
fn jpegs_have_the_colours_of_the_film_whatever_its_matrix_and_range() {
    for (matrix, range) in
        [("bt709", "tv"), ("bt709", "pc"), ("smpte170m", "tv"), ("smpte170m", "pc")]
    {
        let film = bars(matrix, range);
        for subsampling in ["420", "422", "444"] {
            let shell = Shell::new();
            let arguments = format!("--quality 100 --max-frames 1 --subsampling {subsampling}");
            said(&shell, &film, &arguments).done();
            let path = shell.path("out/frame000001.jpg");
            let probe = ffprobe(&path, "-show_streams");
            let format = probe["streams"][0]["pix_fmt"].as_str().expect("a format").to_owned();
            assert_eq!(format, format!("yuvj{subsampling}p"));
            let wanted = reference("", &film, r"select=eq(n\,0)", "rgb24");
            let distance = far(&pictures(&path, "rgb24", 1), &wanted);
            assert!(distance < 2.0, "{matrix} {range} {subsampling}: {distance} steps off");
        }
    }
    // What the wrong matrix would look like is far from that.
    let right = reference("", &bars("bt709", "tv"), r"select=eq(n\,0)", "rgb24");
    let wrong = reference("", &bars("bt709", "tv"), "setparams=colorspace=smpte170m", "rgb24");
    assert!(far(&right, &wrong[..right.len()]) > 4.0);
}

#[test]
fn quality_makes_files_larger_and_nearer() {
    let mut before = (0, f64::MAX);
    for quality in [20, 60, 95] {
        let shell = Shell::new();
        said(&shell, film(), &format!("--quality {quality} --max-frames 1")).done();
        let path = shell.path("out/frame000001.jpg");
        let size = std::fs::metadata(&path).expect("there").len();
        let wanted = reference("", &film(), r"select=eq(n\,0)", "rgb24");
        let distance = far(&pictures(&path, "rgb24", 1), &wanted);
        assert!(size > before.0 && distance < before.1, "{quality}: {size}, {distance}");
        before = (size, distance);
    }
}

#[test]
fn films_of_odd_size_and_of_gray_are_whole() {
    for (size, format, jpeg) in [("321x179", "yuv444p", "yuvj420p"), ("320x180", "gray", "gray")] {
        let film = made(
            &format!("odd-{size}-{format}.mkv"),
            &format!(
                "-f lavfi -i testsrc2=size=640x360:rate=25:duration=0.2 -vf scale={} -pix_fmt {format} \
                 -c:v ffv1",
                size.replace('x', ":")
            ),
        );
        let shell = Shell::new();
        said(&shell, &film, "--quality 95 --max-frames 2").done();
        let path = shell.path("out").join(&names(&shell)[1]);
        let probe = ffprobe(&path, "-show_streams");
        let stream = &probe["streams"][0];
        assert_eq!(format!("{}x{}", stream["width"], stream["height"]), size);
        assert_eq!(stream["pix_fmt"], jpeg);
    }
}
