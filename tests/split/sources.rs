//! Kinds of sources, each from a program that is not ours.

use std::io::Write;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use filmgate_tests::counted::wait_for;
use filmgate_tests::outside::{ffmpeg, succeed};
use filmgate_tests::ports::free_port;
use filmgate_tests::running::Running;
use filmgate_tests::shell::Shell;

use crate::help::{MOVING, film, names, said, split, stream};
use crate::server::{Act, Server};

/// ffmpeg at work, killed when dropped.
fn sender(shell: &Shell, arguments: &str) -> Running {
    let mut command = ffmpeg(arguments);
    command.current_dir(shell.folder()).stdin(Stdio::null()).stderr(Stdio::null());
    Running::start(&mut command)
}

#[test]
fn http_with_every_kind_of_stream() {
    for (name, kind, coded) in [
        ("h.ts", "video/mp2t", "-c:v libx264 -preset ultrafast -bf 0 -f mpegts"),
        ("b.ts", "video/mp2t", "-c:v libx264 -preset veryfast -bf 2 -f mpegts"),
        ("p.mpg", "video/mpeg", "-c:v mpeg1video -b:v 2M -f mpeg"),
        ("q.vob", "video/mpeg", "-c:v mpeg2video -b:v 2M -f vob"),
        ("m.mjpeg", "multipart/x-mixed-replace;boundary=ffmpeg", "-c:v mjpeg -q:v 3 -f mpjpeg"),
        (
            "f.flv",
            "video/x-flv",
            "-c:v libx264 -preset ultrafast -flvflags no_duration_filesize -f flv",
        ),
        ("k.mkv", "video/x-matroska", "-c:v libx264 -preset ultrafast -live 1 -f matroska"),
    ] {
        let shell = Shell::new();
        let media = std::fs::read(stream(name, coded)).expect("read");
        let server = Server::start(media, kind, &[Act::End]);
        let said = said(&shell, server.url(), "--once");
        let count = names(&shell).len();
        assert!((72..=76).contains(&count), "{name}: {count} pictures: {said:?}");
        // The same one again and again is a live source.
        let shell = Shell::new();
        let said = crate::help::said(&shell, server.url(), "--max-frames 100");
        assert_eq!(names(&shell).len(), 100, "{name}: {said:?}");
        assert_eq!(said.json()["source"]["reopened"], 1, "{name}: {said:?}");
    }
}

#[test]
fn a_recording_is_read_once_wherever_it_lies() {
    let shell = Shell::new();
    let json = said(&shell, film(), "").done().json();
    assert_eq!((&json["published"], &json["source"]["endless"]), (&75.into(), &false.into()));
    let file = stream("film.mp4", "-c:v libx264 -preset ultrafast -movflags +faststart");
    let server = Server::start(std::fs::read(file).expect("read"), "video/mp4", &[Act::End]);
    let shell = Shell::new();
    let json = said(&shell, server.url(), "").done().json();
    assert_eq!((&json["published"], &json["source"]["endless"]), (&75.into(), &false.into()));
}

#[test]
fn standard_input_and_named_pipes() {
    let shell = Shell::new();
    let file = stream("live.ts", "-c:v libx264 -preset ultrafast -g 25 -bf 0 -f mpegts");
    let mut command = split(&shell, "-", "");
    command.stdin(std::fs::File::open(&file).expect("opened"));
    let out = command.output().expect("run");
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    assert_eq!(names(&shell).len(), 75);
    // A writer that leaves and comes back is served.
    let shell = Shell::new();
    succeed(Command::new("mkfifo").arg(shell.path("pipe")));
    let child = Running::start(split(&shell, "pipe", "--max-frames 150").stdout(Stdio::piped()));
    let bytes = std::fs::read(&file).expect("read");
    for _ in 0..3 {
        // Opening waits for the reader; the last time, writing fails when it has enough.
        let pipe = std::fs::OpenOptions::new().write(true).open(shell.path("pipe"));
        let _ = pipe.expect("opened").write_all(&bytes);
    }
    let out = child.wait_with_output().expect("ended");
    assert_eq!(names(&shell).len(), 150, "{out:?}");
}

#[test]
fn hls_from_ffmpeg() {
    let shell = Shell::new();
    std::fs::create_dir(shell.path("www")).expect("made");
    let live = "-f lavfi -re -i testsrc2=size=320x180:rate=25 -pix_fmt yuv420p -c:v libx264 \
                -preset ultrafast -g 25 -f hls -hls_time 1 -hls_list_size 4 www/live.m3u8";
    let _sender = sender(&shell, live);
    let port = free_port();
    let mut server = Command::new("python3");
    server.args(["-m", "http.server", &port.to_string(), "--bind", "127.0.0.1", "-d", "www"]);
    server.current_dir(shell.folder()).stderr(Stdio::null()).stdout(Stdio::null());
    let _server = Running::start(&mut server);
    wait_for("a playlist", || shell.path("www/live.m3u8").exists());
    wait_for("the server", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    let url = format!("http://127.0.0.1:{port}/live.m3u8");
    said(&shell, url, "--max-frames 60 --wait").done();
    assert_eq!(names(&shell).len(), 60);
}

#[test]
fn rtmp_from_ffmpeg() {
    let shell = Shell::new();
    let url = format!("rtmp://127.0.0.1:{}/live/cam", free_port());
    let live = format!("-re {MOVING} -c:v libx264 -preset ultrafast -g 25 -f flv -listen 1 {url}");
    let _sender = sender(&shell, &live);
    let said = said(&shell, url, "--max-frames 40 --wait");
    assert_eq!(names(&shell).len(), 40, "{said:?}");
}

#[test]
fn udp_from_ffmpeg() {
    let shell = Shell::new();
    let port = free_port();
    let live = format!(
        "-re -f lavfi -i testsrc2=size=320x180:rate=25 -pix_fmt yuv420p -c:v libx264 -preset ultrafast \
         -tune zerolatency -g 12 -f mpegts udp://127.0.0.1:{port}?pkt_size=1316"
    );
    let _sender = sender(&shell, &live);
    let said = said(&shell, format!("udp://127.0.0.1:{port}"), "--max-frames 40");
    // It begins in the middle of a group of pictures, which is damage.
    assert!(matches!(said.code, Some(0 | 3)), "{said:?}");
    assert_eq!(names(&shell).len(), 40, "{said:?}");
}

#[test]
fn rtsp_from_ffmpeg() {
    let shell = Shell::new();
    let url = format!("rtsp://127.0.0.1:{}/live", free_port());
    // There is no RTSP server at hand; the sender announces its stream to the receiver instead.
    let arguments = "--max-frames 40 --input-option rtsp_flags=listen";
    let mut child = Running::start(split(&shell, &url, arguments).stdout(Stdio::null()));
    let live = format!(
        "-re -f lavfi -i testsrc2=size=320x180:rate=25 -pix_fmt yuv420p -c:v libx264 -preset ultrafast \
         -g 12 -f rtsp -rtsp_transport tcp {url}"
    );
    while child.try_wait().expect("asked").is_none() {
        // Refused until somebody listens.
        let mut sending = sender(&shell, &live);
        while child.try_wait().expect("asked").is_none()
            && sending.try_wait().expect("asked").is_none()
        {
            thread::sleep(Duration::from_millis(50));
        }
    }
    assert_eq!(names(&shell).len(), 40);
}
