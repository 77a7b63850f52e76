//! What is wrong is told at the beginning, and nothing is left behind.

use std::fs;

use filmgate_tests::counted::{BYTES, raw_film};
use filmgate_tests::shell::Shell;

fn refused(arguments: &str, code: i32, parts: &[&str]) {
    let shell = Shell::new();
    raw_film(&shell.path("film"), 2);
    let more = if arguments.contains("-o ") { "" } else { " -o out.flv" };
    shell.filmgate(&format!("encode {arguments}{more}")).refused(code, parts);
    assert_eq!(shell.names(), ["film"], "{arguments}");
}

#[test]
fn sizes_that_do_not_fit_the_bytes() {
    // Less than one picture: how many bytes one has, and how many came.
    let (came, whole) = ((2 * BYTES).to_string(), (1920 * 1080 * 3).to_string());
    refused("-i film --size 1920x1080", 22, &[&came, &whole, "1920x1080 bgr24", "size and format"]);
    // More than one, and a rest.
    let shell = Shell::new();
    raw_film(&shell.path("film"), 2);
    let said = shell.filmgate("encode -i film --size 320x160 -q -o out.flv");
    assert_eq!(said.code, Some(3), "{said:?}");
    let rest = (2 * BYTES - 2 * 320 * 160 * 3).to_string();
    assert!(said.stderr.contains(&rest) && said.stderr.contains("153600"), "{}", said.stderr);
}

#[test]
fn nothing_at_all() {
    let shell = Shell::new();
    shell.write("empty", "");
    shell.filmgate("encode -i empty --size 320x180 -o out.flv").refused(21, &["not one picture"]);
    assert_eq!(shell.names(), ["empty"]);
    refused("-i missing --size 320x180", 20, &["missing"]);
    refused("--image missing.png --duration 1", 20, &["missing.png"]);
}

#[test]
fn rates_sizes_and_formats_that_are_none() {
    for rate in ["0", "-1", "nan", "25/0", "1e9"] {
        refused(&format!("-i film --size 320x180 --rate={rate}"), 2, &["rate"]);
    }
    for size in ["0x0", "320", "320x", "99999x99999"] {
        refused(&format!("-i film --size {size}"), 2, &["size"]);
    }
    refused("-i film --size 320x180 --pix-fmt bgr42", 2, &["bgr42", "did you mean"]);
    refused("-i film --size 320x180 --pix-fmt vaapi", 2, &["vaapi"]);
    refused("-i film", 21, &["--size"]);
    refused("--size 320x180", 2, &["--fifo"]);
}

#[test]
fn odd_sizes_are_refused_or_padded() {
    refused("-i film --size 321x179", 2, &["even sizes", "--odd pad", "yuv444p"]);
    for (format, bytes) in
        [("bgr24", 3 * 33 * 17), ("yuv420p", 33 * 17 + 2 * 17 * 9), ("gray", 33 * 17)]
    {
        let shell = Shell::new();
        // A dark picture whose last row and column are bright.
        let mut picture = vec![40u8; bytes];
        let pixel = if format == "bgr24" { 3 } else { 1 };
        for i in 0..33 * 17 {
            if i % 33 == 32 || i / 33 == 16 {
                picture[i * pixel..(i + 1) * pixel].fill(220);
            }
        }
        if format == "yuv420p" {
            picture[33 * 17..].fill(128);
        }
        shell.write("film", picture.repeat(3));
        let line = format!(
            "encode -i film --size 33x17 --pix-fmt {format} --odd pad --crf 1 -q -o out.mp4"
        );
        shell.filmgate(&line).done();
        let path = shell.path("out.mp4");
        let facts = filmgate_tests::outside::ffprobe(&path, "-show_streams");
        let stream = &facts["streams"][0];
        assert_eq!((&stream["width"], &stream["height"]), (&34.into(), &18.into()), "{format}");
        let gray = filmgate_tests::outside::pictures(&path, "gray", 1);
        for at in [33, 32, 17 * 34 + 5, 17 * 34 + 33] {
            assert!(gray[at] > 180, "{format}: {at} is {}", gray[at]);
        }
        assert!(gray[5 * 34 + 5] < 80, "{format}");
        let line = format!(
            "encode -i film --size 33x17 --pix-fmt {format} --output-pix-fmt yuv444p -q -o odd.mkv"
        );
        shell.filmgate(&line).done();
        let facts = filmgate_tests::outside::ffprobe(&shell.path("odd.mkv"), "-show_streams");
        assert_eq!(facts["streams"][0]["width"], 33, "{format}");
    }
}

#[test]
fn folders_that_take_nothing() {
    refused("-i film --size 320x180 -o /proc/out.flv", 32, &["/proc"]);
    refused("-i film --size 320x180 -o none/out.flv", 32, &["none"]);
    refused("-i film --size 320x180 -o none/list/a.m3u8", 32, &["none"]);
    refused("-i film --size 320x180 -o out.flv --also /proc/out.mkv", 32, &["/proc"]);
}

#[test]
fn what_is_there_is_not_replaced_unasked() {
    let shell = Shell::new();
    raw_film(&shell.path("film"), 2);
    shell.write("out.flv", "precious");
    let line = "encode -i film --size 320x180 -q -o out.flv";
    shell.filmgate(line).refused(30, &["out.flv", "-y"]);
    assert_eq!(fs::read(shell.path("out.flv")).expect("there"), b"precious");
    shell.filmgate(&format!("{line} -y")).done();
    assert_eq!(filmgate_tests::counted::numbers(&shell.path("out.flv")), [0, 1]);
    shell.filmgate("encode -i film --size 320x180 -o a.mkv -o a.mkv").refused(2, &["twice"]);
}

#[test]
fn addresses_that_are_none() {
    let with = |address: &str| format!("-i film --size 320x180 -o {address}");
    refused(&with("rtmp://"), 2, &["no server"]);
    refused(&with("rtmp:///live/key"), 2, &["no server"]);
    refused(&with("rtmp://127.0.0.1"), 2, &["application"]);
    refused(&with("gopher://127.0.0.1/x"), 24, &["gopher"]);
    refused(&with("concat://a"), 24, &["concat"]);
}

#[test]
fn encoders_and_containers_that_do_not_fit() {
    // FLV holds VP9, HEVC and AV1 since FFmpeg 6.1.
    refused("-i film --size 320x180 --codec mpeg2video -o out.flv", 34, &["flv", "mpeg2video"]);
    refused("-i film --size 320x180 --codec x999 -o out.mkv", 34, &["x999"]);
    refused("-i film --size 320x180 --preset fats -o out.mkv", 2, &["fats", "fast"]);
    refused("-i film --size 320x180 -x nonsense=1 -o out.mkv", 34, &["nonsense"]);
    refused("-i film --size 320x180 --output-pix-fmt bgr42 -o out.mkv", 2, &["bgr42"]);
    refused("-i film --size 320x180 -o out.xyz", 34, &["xyz"]);
    refused("-i film --size 320x180 -p nosuchplugin", 10, &["nosuchplugin"]);
}

#[test]
fn grants_are_for_plugins_that_are_asked_for() {
    for (grant, part) in
        [("nosuch:clock", "no plugin"), ("emboss:files", "env=NAME"), ("emboss", "NAME:")]
    {
        refused(&format!("-i film --size 320x180 -p emboss --grant {grant}"), 2, &[part]);
    }
    let shell = Shell::new();
    raw_film(&shell.path("film"), 2);
    shell
        .filmgate("encode -i film --size 320x180 -p emboss --grant emboss:clock -q -o out.flv")
        .done();
}
