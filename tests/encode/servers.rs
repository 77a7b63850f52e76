//! The other ways to a server: SRT, RTSP and UDP, with ffmpeg on the other side.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use filmgate_tests::counted::{numbers, write};
use filmgate_tests::ports::{free_port, wait_until_bound};
use filmgate_tests::running::Running;
use filmgate_tests::shell::Shell;

use crate::start::{end, start};

const LIVE: Duration = Duration::from_millis(40);

/// ffmpeg, listening, and writing down what comes.
fn listener(shell: &Shell, options: &[&str], url: &str) -> Running {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y"]).args(options).args(["-i", url, "-c", "copy"]);
    command.arg(shell.path("got.mkv")).stdin(Stdio::null()).stderr(Stdio::null());
    Running::start(&mut command)
}

/// Pushes 100 pictures to a listener; those that arrived.
fn pushed(shell: &Shell, options: &[&str], listening: &str, url: &str, port: u16) -> Vec<usize> {
    let mut listener = listener(shell, options, listening);
    wait_until_bound(port);
    let job = start(shell, &format!("-o {url} --keyframe-interval 0.4"));
    write(&shell.path("pipe"), 0..100, LIVE).join().expect("written");
    let said = end(job);
    assert!(matches!(said.code, Some(0 | 3)), "{said:?}");
    // It ends by itself when the push does; one that waits for more packets is told to.
    for _ in 0..50 {
        if listener.try_wait().expect("it can be asked").is_some() {
            break;
        }
        sleep(Duration::from_millis(100));
    }
    if listener.try_wait().expect("it can be asked").is_none() {
        crate::start::signal(&listener, "INT");
    }
    listener.wait().expect("it ends");
    numbers(&shell.path("got.mkv"))
}

fn in_order(seen: &[usize], least: usize) {
    assert!(seen.len() >= least, "{seen:?}");
    assert!(seen.windows(2).all(|w| w[1] == w[0] + 1), "{seen:?}");
}

#[test]
fn srt_takes_a_push() {
    let shell = Shell::new();
    let port = free_port();
    let listening = format!("srt://127.0.0.1:{port}?mode=listener");
    let seen = pushed(&shell, &[], &listening, &format!("srt://127.0.0.1:{port}"), port);
    in_order(&seen, 80);
}

#[test]
fn rtsp_takes_a_push() {
    let shell = Shell::new();
    let port = free_port();
    let url = format!("rtsp://127.0.0.1:{port}/film");
    let seen = pushed(&shell, &["-rtsp_flags", "listen"], &url, &url, port);
    in_order(&seen, 80);
}

#[test]
fn udp_takes_a_push() {
    let shell = Shell::new();
    let port = free_port();
    let url = format!("udp://127.0.0.1:{port}");
    let listening = format!("{url}?timeout=2000000");
    let seen = pushed(&shell, &["-f", "mpegts"], &listening, &format!("{url}?pkt_size=1316"), port);
    in_order(&seen, 60);
}
