//! Transparency of the input: kept where frames and encoder have it, reported with exit code 3 where not.

use std::path::{Path, PathBuf};

use filmgate_tests::outside::{ffmpeg, ffprobe, made, succeed};
use filmgate_tests::shell::{Said, Shell};

/// Half a second whose alpha is a ramp, or opaque, with a codec.
fn film(name: &str, alpha: &str, codec: &str) -> PathBuf {
    made(
        name,
        &format!(
            "-f lavfi -i testsrc2=d=0.5:s=96x64:r=10,format=rgba,\
             geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='{alpha}' {codec}"
        ),
    )
}

fn run(shell: &Shell, input: &Path, output: &str, more: &str) -> Said {
    let mut command = shell.command();
    shell.say(command.arg("run").arg("-i").arg(input).args(["-o", output, more]))
}

const RAMP: &str = "mod(X*4,256)";

#[test]
fn transparency_that_the_encoder_cannot_keep_is_reported() {
    for (name, codec) in [
        ("clear-qtrle.mov", "-c:v qtrle"),
        ("clear-png.mov", "-c:v png"),
        ("clear-ffv1.mkv", "-c:v ffv1 -pix_fmt bgra"),
        ("clear-4444.mov", "-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le"),
        ("clear-vp9.webm", "-c:v libvpx-vp9 -pix_fmt yuva420p -auto-alt-ref 0"),
        ("clear-vp8.webm", "-c:v libvpx -pix_fmt yuva420p -auto-alt-ref 0"),
    ] {
        let (shell, input) = (Shell::new(), film(name, RAMP, codec));
        for output in ["o.mp4", "o.webm"] {
            let said = run(&shell, &input, output, "--json");
            assert_eq!(said.code, Some(3), "{name} {output}: {said:?}");
            assert!(said.stderr.contains("transparency (alpha)"), "{name} {output}: {said:?}");
            let missing = said.json()["missing"].to_string();
            assert!(missing.contains("alpha"), "{name} {output}: {missing}");
            let tags = ffprobe(&shell.path(output), "-show_entries stream_tags").to_string();
            assert!(!tags.to_lowercase().contains("alpha_mode"), "{name} {output}: {tags}");
        }
    }
}

#[test]
fn transparency_is_kept_or_not_there() {
    let (shell, input) = (Shell::new(), film("clear-png.mov", RAMP, "-c:v png"));
    run(&shell, &input, "o%d.png", "-q").done();
    let format = ffprobe(&shell.path("o1.png"), "-show_entries stream=pix_fmt");
    assert_eq!(format["streams"][0]["pix_fmt"], "rgba");
    for (name, codec) in [
        ("solid-png.mov", "-c:v png"),
        ("solid-4444.mov", "-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le"),
    ] {
        run(&shell, &film(name, "255", codec), &format!("{name}.mp4"), "-q").done();
    }
}

/// A verb at work in a folder with a transparent image, an opaque one, and raw frames of both.
fn told(arguments: &str) -> Said {
    let shell = Shell::new();
    for (name, alpha) in [("clear", RAMP), ("solid", "255")] {
        let film = film(&format!("{name}-png.mov"), alpha, "-c:v png");
        succeed(
            ffmpeg("-i").arg(&film).args(["-frames:v", "1"]).arg(shell.path(format!("{name}.png"))),
        );
        let raw = shell.path(format!("{name}.raw"));
        succeed(ffmpeg("-i").arg(&film).args(["-f", "rawvideo", "-pix_fmt", "bgra"]).arg(raw));
        std::fs::copy(&film, shell.path(format!("{name}.mov"))).expect("copied");
    }
    let mut command = shell.command();
    shell.say(command.args(arguments.split_whitespace()))
}

#[test]
fn every_verb_reports_lost_transparency() {
    for arguments in [
        "encode -i clear.raw --size 96x64 --pix-fmt bgra -o o.mp4",
        "encode -i clear.raw --size 96x64 --pix-fmt bgra --codec vp9 -o o.webm",
        "encode --image solid.png --image clear.png --duration 0.2 -o o.mp4",
        "encode --image clear.png --duration 0.2 -o o.mp4",
        "run -i solid.mov -i clear.mov -o o.mp4",
        "run -i clear.mov -p grayscale -o o.mp4",
        "split -i clear.mov -o o%d.jpg",
        "frame -i clear.mov -o o.jpg",
    ] {
        let said = told(arguments);
        assert_eq!(said.code, Some(3), "{arguments}: {said:?}");
        assert!(said.stderr.contains("transparency (alpha)"), "{arguments}: {said:?}");
        let opaque = arguments.replace("clear", "solid");
        let said = told(&opaque);
        assert_eq!(said.code, Some(0), "{opaque}: {said:?}");
    }
}

#[test]
fn alpha_is_nothing_where_the_output_has_it_or_the_format_says_there_is_none() {
    for arguments in [
        "encode -i clear.raw --size 96x64 --pix-fmt bgr0 -o o.mp4",
        "split -i clear.mov -o o%d.png",
        "frame -i clear.mov -o o.png",
    ] {
        told(arguments).done();
    }
}
