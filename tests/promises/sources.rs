//! What an input may make the program open, and what it may make it take.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

use filmgate_tests::hostile::program;
use filmgate_tests::outside::small;
use filmgate_tests::shell::Shell;
use filmgate_tests::trace::{possible, seen};

/// Texts that libav would follow to other files, and to the network, were it let.
const DISGUISES: [(&str, &str); 6] = [
    ("hls", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.ts\n#EXT-X-ENDLIST\n"),
    ("hls-net", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/secret.ts\n"),
    ("concat", "ffconcat version 1.0\nfile secret.ts\n"),
    (
        "dash",
        "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" \
         mediaPresentationDuration=\"PT1S\" profiles=\"urn:mpeg:dash:profile:isoff-main:2011\">\
         <Period><AdaptationSet mimeType=\"video/mp4\"><Representation id=\"1\" bandwidth=\"1\">\
         <BaseURL>secret.ts</BaseURL></Representation></AdaptationSet></Period></MPD>",
    ),
    (
        "sdp",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
    ),
    ("rtsp", "rtsptext\nrtsp://127.0.0.1:9/secret\n"),
];

#[test]
fn a_playlist_in_disguise_opens_nothing() {
    if !possible() {
        return;
    }
    let shell = Shell::new();
    shell.copy(&small("in.ts", "-bf 2"), "secret.ts");
    for (kind, text) in DISGUISES {
        for ending in ["mp4", "mkv", "ts", "m3u8", "sdp"] {
            let name = format!("{kind}.{ending}");
            shell.write(&name, text);
            for verb in ["probe", "run -o out.mp4 -i", "frame -o out.png -i"] {
                let mut command = Command::new(program());
                command.args(verb.split(' ')).arg(&name);
                let (said, calls) = seen(&shell, "openat,open,socket,connect", &command);
                assert!(matches!(said.code, Some(20..=24)), "{verb} {name}: {said:?}");
                let opened = calls.iter().filter(|c| c.contains(&name)).count();
                assert!(opened > 0, "{verb} {name}: the trace shows nothing: {calls:?}");
                let wrong = |c: &&String| {
                    c.contains("secret") || c.contains("AF_INET") || c.contains("sin_port")
                };
                assert_eq!(calls.iter().find(wrong), None, "{verb} {name}");
            }
            std::fs::remove_file(shell.path(&name)).expect("removed");
        }
    }
    assert_eq!(shell.names(), ["secret.ts"]);
}

/// Checksum of a PNG's chunk (ISO/IEC 15948, annex D).
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8)
            .fold(crc ^ u32::from(*byte), |c, _| (c >> 1) ^ (0xedb8_8320 & (c & 1).wrapping_neg()))
    };
    !bytes.iter().fold(!0, step)
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let mut out = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    out.extend(&header);
    out.extend(crc(&header).to_be_bytes());
    out.extend(b"\0\0\0\x04IDAT\0\0\0\0\0\0\0\0");
    out
}

#[test]
fn absurd_sizes_are_refused_at_once_with_bounded_memory() {
    let shell = Shell::new();
    for (width, height) in [(100_000, 100_000), (65_536, 65_536), (1_000_000_000, 2)] {
        let y4m = format!("YUV4MPEG2 W{width} H{height} F25:1 C420\nFRAME\nabc");
        shell.write("a.mp4", y4m);
        shell.write("b.png", png(width, height));
        let mut bmp = b"BM\0\x10\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
        bmp.extend(width.to_le_bytes());
        bmp.extend(height.to_le_bytes());
        bmp.extend([1, 0, 24, 0]);
        bmp.resize(4096, 0);
        shell.write("c.bmp", bmp);
        for name in ["a.mp4", "b.png", "c.bmp"] {
            // The engine wants address space; looking inside does not.
            let mut command = Command::new("bash");
            command.args(["-c", "ulimit -v 1048576; exec \"$@\"", "bash"]).arg(program());
            command.arg("probe").arg(name);
            shell.settle(&mut command);
            let said = shell.say(&mut command);
            assert!(matches!(said.code, Some(0 | 20..=24)), "{name} {width}x{height}: {said:?}");
            let said = shell.filmgate(&format!("run -i {name} -o out.mp4"));
            assert!(matches!(said.code, Some(21 | 24)), "{name} {width}x{height}: {said:?}");
            assert!(said.stderr.contains(name), "{said:?}");
        }
    }
    assert_eq!(shell.names(), ["a.mp4", "b.png", "c.bmp"]);
}

/// Says yes to a request, and then a byte now and then.
fn trickle(mut stream: TcpStream) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request);
    let _ = stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n");
    while stream.write_all(b"G").is_ok() {
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_server_that_trickles_or_is_silent_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            match number {
                0 => drop(thread::spawn(move || trickle(stream))),
                // Held, and never answered.
                _ => std::mem::forget(stream),
            }
        }
    });
    let shell = Shell::new();
    for what in ["trickles", "is silent"] {
        let url = format!("http://127.0.0.1:{port}/x.ts");
        let said = shell.filmgate(&format!("run -i {url} -o out.mp4 --open-timeout 1"));
        assert!(matches!(said.code, Some(20..=24)), "{what}: {said:?}");
        assert!(said.stderr.contains(&url) && said.stderr.contains("1 s"), "{what}: {said:?}");
    }
    assert_eq!(shell.names(), [""; 0]);
}
