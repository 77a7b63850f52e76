//! Passwords and stream keys stand in no message, no log, no JSON and no receipt.

use std::net::UdpSocket;
use std::thread;

use filmgate_tests::outside::small;
use filmgate_tests::shell::{Said, Shell};

const PASSWORD: &str = "hunter2pass";
const KEY: &str = "k3yOfStream";
const TOKEN: &str = "t0kenValue";

/// Fails where a secret stands in what was said, or in a file that was written.
fn kept(shell: &Shell, line: &str, said: &Said) {
    let mut texts = vec![said.stdout.clone(), said.stderr.clone()];
    for name in shell.names().iter().filter(|n| n.ends_with(".json") || n.ends_with(".jsonl")) {
        texts.push(std::fs::read_to_string(shell.path(name)).expect("it can be read"));
    }
    for text in texts {
        for secret in [PASSWORD, KEY, TOKEN] {
            assert!(!text.contains(secret), "{line}: {secret} is told: {text}");
        }
    }
}

/// Runs a command in every way of telling, all at once.
fn told_in_all_ways(shell: &Shell, line: &str, ways: &[&str]) -> Vec<Said> {
    let ways = ways.iter().chain(&["--log-format json"]);
    let ways = ways.flat_map(|way| ["", "debug"].map(|level| (format!("{line} {way}"), level)));
    let say = |(line, level): (String, &str)| {
        let mut command = shell.command();
        if !level.is_empty() {
            command.env("RUST_LOG", level);
        }
        let said = shell.say(command.args(line.split_whitespace()));
        kept(shell, &line, &said);
        said
    };
    thread::scope(|scope| {
        let runs: Vec<_> = ways.map(|way| scope.spawn(move || say(way))).collect();
        runs.into_iter().map(|run| run.join().expect("nothing is told")).collect()
    })
}

fn with_film() -> Shell {
    let shell = Shell::new();
    shell.copy(&small("plain.mp4", "-bf 2"), "a.mp4");
    shell
}

#[test]
fn pushes_do_not_tell_their_keys() {
    let ways = ["", "--json", "--progress-json", "-q", "-o e.mp4 -y --json"];
    let addresses = [
        (
            format!("rtmp://user:{PASSWORD}@127.0.0.1:1/live/{KEY}"),
            "rtmp://user:***@127.0.0.1:1/live/***",
        ),
        (
            format!("rtmp://127.0.0.1:1/live/{KEY}?auth={TOKEN}"),
            "rtmp://127.0.0.1:1/live/***?auth=***",
        ),
        (
            format!("srt://127.0.0.1:1?passphrase={PASSWORD}&streamid={KEY}&timeout=200000"),
            "srt://127.0.0.1:1?passphrase=***&streamid=***",
        ),
        (
            format!("rtsp://user:{PASSWORD}@127.0.0.1:1/cam/{KEY}"),
            "rtsp://user:***@127.0.0.1:1/cam/***",
        ),
        (format!("http://{TOKEN}@127.0.0.1:1/up?key={KEY}"), "http://***@127.0.0.1:1/up?key=***"),
    ];
    let tell = |(address, shown): &(String, &str)| {
        let shell = with_film();
        let line = format!("encode -i a.mp4 --patience 0.5 -o {address}");
        let said = told_in_all_ways(&shell, &line, &ways);
        let told = said.iter().any(|s| s.stderr.contains(shown) || s.stdout.contains(shown));
        assert!(told, "{shown}: the rest of the address is told: {said:?}");
        let line = format!("run -i a.mp4 -o {address}");
        let ways = ["", "--json", "--progress-json", "--receipt r.json -y", "--dry-run --json"];
        told_in_all_ways(&shell, &line, &ways);
    };
    // A push that fails takes ten seconds, most of them waiting.
    thread::scope(|scope| {
        let runs: Vec<_> = addresses.iter().map(|a| scope.spawn(|| tell(a))).collect();
        runs.into_iter().for_each(|run| run.join().expect("nothing is told"));
    });
}

#[test]
fn inputs_do_not_tell_their_passwords() {
    let shell = with_film();
    let address = format!("http://user:{PASSWORD}@127.0.0.1:1/a.mp4?token={TOKEN}");
    for address in [address, format!("rtmp://user:{PASSWORD}@127.0.0.1:1/live/{KEY}")] {
        for (line, ways) in [
            (
                "run -o o.mp4 -i",
                &["", "--json", "--progress-json", "--receipt r.json", "--dry-run"][..],
            ),
            ("split -o out --once -i", &["", "--json", "--progress-json"]),
            ("frame -o o.png -i", &[""]),
            ("probe", &["", "--json"]),
            ("encode -o o.mp4 -i", &["", "--json"]),
            ("encode -i a.mp4 -o o.mp4 --audio", &["", "--json"]),
            ("join -o o.mp4", &["", "--json"]),
        ] {
            told_in_all_ways(&shell, &format!("{line} {address}"), ways);
        }
    }
}

#[test]
fn wrong_usage_does_not_tell_either() {
    let shell = with_film();
    let address = format!("rtmp://user:{PASSWORD}@/live/{KEY}");
    for line in [
        format!("encode -i a.mp4 -o {address}"),
        format!("encode -i a.mp4 -o gopher://user:{PASSWORD}@x/{KEY}?t={TOKEN}")
            .replace(&format!("/{KEY}"), ""),
        format!("run {address} o.mp4"),
        format!("run -i a.mp4 -o o.mp4 --crf {address}"),
        format!("run -i a.mp4 --output={address} --nonsense"),
        format!("encode --fifo {address} --size 2x2 -o o.mp4"),
    ] {
        let said = told_in_all_ways(&shell, &line, &[""]);
        assert!(said.iter().all(|s| s.code != Some(0)), "{line}: {said:?}");
    }
    shell.write("p.toml", format!("input = '{address}'\noutput = 'o.mp4'\ncrf = '{address}'"));
    told_in_all_ways(&shell, "run --config p.toml", &["--json"]);
    shell.write("p.toml", format!("input = '{address}'\noutput = 'o.mp4'"));
    told_in_all_ways(&shell, "run --config p.toml", &["--json"]);
}

#[test]
fn a_receipt_of_a_push_holds_redacted_arguments() {
    let shell = with_film();
    let listening = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = listening.local_addr().expect("an address").port();
    let line =
        format!("run -i a.mp4 -q --receipt r.json --json -o udp://127.0.0.1:{port}?key={TOKEN}");
    let said = shell.filmgate(&line).done();
    kept(&shell, &line, &said);
    let receipt = std::fs::read_to_string(shell.path("r.json")).expect("a receipt");
    let receipt: serde_json::Value = serde_json::from_str(&receipt).expect("JSON");
    let shown = format!("udp://127.0.0.1:{port}?key=***");
    assert_eq!(receipt["output"]["path"], shown.as_str());
    let command = receipt["command"].as_array().expect("a list");
    assert_eq!(command.last(), Some(&shown.as_str().into()), "{receipt}");
    assert_eq!(said.json()["output"], shown.as_str());
}
