//! What has ended by its own word is not read again; what was only lost is.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use filmgate_tests::outside::{ffmpeg, succeed};
use filmgate_tests::shell::{Said, Shell};

use crate::help::{names, said, stream, transport};

/// What a request gets: a status, headers, and a body that the connection is closed behind.
struct Answer {
    status: &'static str,
    headers: String,
    body: Vec<u8>,
}

impl Answer {
    /// A body with its length.
    fn whole(body: Vec<u8>) -> Answer {
        let headers = format!("Content-Length: {}\r\n", body.len());
        Answer { status: "200 OK", headers, body }
    }

    fn missing() -> Answer {
        Answer { status: "404 Not Found", ..Answer::whole(Vec::new()) }
    }
}

type Rule = dyn Fn(&str, usize) -> Answer + Send + Sync;

/// A server on loopback whose answers a function gives, which is told the path and how often it
/// was asked for before. It lives as long as the test program.
struct Host {
    address: SocketAddr,
    asked: Arc<Mutex<HashMap<String, usize>>>,
}

impl Host {
    fn start(rule: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> Host {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (asked, rule): (_, Arc<Rule>) =
            (Arc::<Mutex<HashMap<_, _>>>::default(), Arc::new(rule));
        let count = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (count, rule) = (Arc::clone(&count), Arc::clone(&rule));
                thread::spawn(move || answer(stream, &count, &*rule));
            }
        });
        Host { address, asked }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    fn asked(&self, path: &str) -> usize {
        self.asked.lock().expect("sound").get(path).copied().unwrap_or(0)
    }
}

fn answer(stream: TcpStream, count: &Mutex<HashMap<String, usize>>, rule: &Rule) {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if line.trim().is_empty() {
            break;
        }
        lines.push(line);
    }
    let path = lines[0].split(' ').nth(1).unwrap_or("/").trim_start_matches('/').to_owned();
    let before = {
        let mut count = count.lock().expect("sound");
        let asked = count.entry(path.clone()).or_default();
        *asked += 1;
        *asked - 1
    };
    let Answer { status, headers, body } = rule(&path, before);
    let mut stream = reader.into_inner();
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n");
    // Who has enough goes away.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
    let _ = stream.shutdown(Shutdown::Write);
}

/// Six segments of a second each, 25 pictures in each.
fn segments() -> Vec<Vec<u8>> {
    let shell = Shell::new();
    let mut command = ffmpeg(
        "-f lavfi -i testsrc2=size=160x120:rate=25:duration=6 -pix_fmt yuv420p -c:v libx264 \
         -preset ultrafast -g 25 -f hls -hls_time 1 -hls_list_size 0 -hls_segment_filename \
         s%d.ts list.m3u8",
    );
    succeed(command.current_dir(shell.folder()));
    (0..6).map(|n| std::fs::read(shell.path(format!("s{n}.ts"))).expect("there")).collect()
}

/// More than there is, so that what is read again and again ends, too.
const MOST: &str = "--max-frames 400";

/// How a playlist behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// the last four segments
    Sliding,
    /// all segments, and it says so
    Event,
    /// all segments, and it does not say so
    Growing,
    /// complete from the beginning
    Vod,
}

/// A playlist that gains a segment with each second, and says with the last one that it is over. It
/// is not there in the seconds `gone`.
fn playlist(kind: Kind, gone: std::ops::Range<u64>) -> Host {
    let media = segments();
    let begun = Mutex::new(None::<Instant>);
    Host::start(move |path, _| {
        if let Some(number) = path.strip_prefix('s').and_then(|p| p.strip_suffix(".ts")) {
            return Answer::whole(media[number.parse::<usize>().expect("a number")].clone());
        }
        let begun = *begun.lock().expect("sound").get_or_insert_with(Instant::now);
        let seconds = begun.elapsed().as_secs();
        if gone.contains(&seconds) {
            return Answer::missing();
        }
        let count = match kind {
            Kind::Vod => 6,
            _ => (3 + seconds as usize).min(6),
        };
        let first = if kind == Kind::Sliding { count.saturating_sub(4) } else { 0 };
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{first}\n"
        );
        match kind {
            Kind::Event => text.push_str("#EXT-X-PLAYLIST-TYPE:EVENT\n"),
            Kind::Vod => text.push_str("#EXT-X-PLAYLIST-TYPE:VOD\n"),
            Kind::Sliding | Kind::Growing => {}
        }
        (first..count).for_each(|n| text.push_str(&format!("#EXTINF:1.0,\ns{n}.ts\n")));
        if count == 6 {
            text.push_str("#EXT-X-ENDLIST\n");
        }
        Answer::whole(text.into_bytes())
    })
}

/// Six seconds, from the first segment on, each picture once; and nothing was lost.
fn is_the_whole(shell: &Shell, said: &Said, what: &str) {
    let json = said.json();
    assert_eq!(said.code, Some(0), "{what}: {said:?}");
    assert_eq!(json["published"], 150, "{what}: {json}");
    assert_eq!(names(shell).len(), 150, "{what}");
    let source = &json["source"];
    for count in ["reopened", "losses", "lost", "stalls", "refused"] {
        assert_eq!(source[count], 0, "{what}: {source}");
    }
}

#[test]
fn hls_that_ends_by_its_own_word_has_ended() {
    for kind in [Kind::Sliding, Kind::Event, Kind::Growing, Kind::Vod] {
        for more in [MOST, "--max-frames 400 --live -j 4"] {
            let host = playlist(kind, 0..0);
            let shell = Shell::new();
            let said = said(&shell, host.url("live.m3u8"), more);
            match more {
                MOST => is_the_whole(&shell, &said, &format!("{kind:?}")),
                // What comes too late is dropped; nothing is taken twice.
                _ => {
                    let json = said.json();
                    assert_eq!(json["decoded"], 150, "{kind:?}: {json}");
                    assert_eq!(json["source"]["reopened"], 0, "{kind:?}: {json}");
                }
            }
        }
    }
}

/// The server takes the playlist away as soon as it is over.
#[test]
fn hls_that_has_ended_and_is_gone_has_ended() {
    let over = AtomicBool::new(false);
    let inner = playlist(Kind::Sliding, 0..0);
    let address = inner.address;
    let host = Host::start(move |path, _| {
        let fetched = fetch(address, path);
        if path.ends_with(".m3u8") && over.load(Ordering::Relaxed) {
            return Answer::missing();
        }
        if path.ends_with(".m3u8") && String::from_utf8_lossy(&fetched).contains("ENDLIST") {
            over.store(true, Ordering::Relaxed);
        }
        Answer::whole(fetched)
    });
    let shell = Shell::new();
    let said = said(&shell, host.url("live.m3u8"), MOST);
    is_the_whole(&shell, &said, "gone behind its end");
}

/// What another host answers, without its head.
fn fetch(host: SocketAddr, path: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(host).expect("it answers");
    stream.write_all(format!("GET /{path} HTTP/1.0\r\n\r\n").as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let head = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("a head") + 4;
    answer.split_off(head)
}

/// Lost in between and found again: that is no end, whatever kind of playlist it is; and when it is
/// over by then, what was seen already is not taken again.
#[test]
fn hls_that_is_lost_is_opened_again_and_nothing_is_taken_twice() {
    for kind in [Kind::Sliding, Kind::Event] {
        let host = playlist(kind, 1..4);
        let shell = Shell::new();
        let said = said(&shell, host.url("live.m3u8"), MOST);
        let json = said.json();
        assert!(matches!(said.code, Some(0 | 3)), "{kind:?}: {said:?}");
        assert_eq!(json["source"]["reopened"], 1, "{kind:?}: {json}");
        assert_eq!(json["published"], 150, "{kind:?}: {json}");
    }
}

fn body(rule: impl Fn(usize, &[u8]) -> Answer + Send + Sync + 'static) -> Host {
    let media = transport();
    Host::start(move |_, before| rule(before, &media))
}

#[test]
fn a_whole_body_with_its_length_has_ended() {
    for (name, coded) in [
        ("h.ts", "-c:v libx264 -preset ultrafast -bf 0 -f mpegts"),
        ("p.mpg", "-c:v mpeg1video -b:v 2M -f mpeg"),
        ("k.mkv", "-c:v libx264 -preset ultrafast -live 1 -f matroska"),
        ("f.flv", "-c:v libx264 -preset ultrafast -flvflags no_duration_filesize -f flv"),
        ("m.mjpeg", "-c:v mjpeg -q:v 3 -f mjpeg"),
    ] {
        let media = std::fs::read(stream(name, coded)).expect("read");
        let host = Host::start(move |_, _| Answer::whole(media.clone()));
        let shell = Shell::new();
        let json = said(&shell, host.url(name), MOST).done().json();
        let count = json["published"].as_u64().expect("a number");
        assert!((72..=76).contains(&count), "{name}: {json}");
        assert_eq!(json["source"]["reopened"], 0, "{name}: {json}");
        assert_eq!(host.asked(name), 1, "{name}");
    }
}

/// The length was not reached: it broke.
#[test]
fn a_body_that_is_cut_is_opened_again_until_it_is_whole() {
    let host = body(|before, media| match before {
        0 | 1 => {
            Answer { body: media[..media.len() / 2].to_vec(), ..Answer::whole(media.to_vec()) }
        }
        _ => Answer::whole(media.to_vec()),
    });
    let shell = Shell::new();
    let said = said(&shell, host.url("cut.ts"), MOST);
    let json = said.json();
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!((&json["source"]["reopened"], &json["source"]["losses"]), (&2.into(), &2.into()));
    assert_eq!(host.asked("cut.ts"), 3);
}

/// Neither a body in chunks nor one without any length says how long the stream is.
#[test]
fn a_body_without_a_length_is_opened_again() {
    for chunked in [true, false] {
        let host = body(move |_, media| {
            if !chunked {
                return Answer { headers: String::new(), ..Answer::whole(media.to_vec()) };
            }
            let mut coded = Vec::new();
            for part in media.chunks(10_000) {
                coded.extend(format!("{:x}\r\n", part.len()).into_bytes());
                coded.extend(part);
                coded.extend(b"\r\n");
            }
            coded.extend(b"0\r\n\r\n");
            let headers = "Transfer-Encoding: chunked\r\n".to_owned();
            Answer { status: "200 OK", headers, body: coded }
        });
        let shell = Shell::new();
        let said = said(&shell, host.url("live.ts"), "--max-frames 100");
        assert_eq!(names(&shell).len(), 100, "{said:?}");
        assert_eq!(said.json()["source"]["reopened"], 1, "{said:?}");
        assert!(host.asked("live.ts") >= 2);
    }
}
