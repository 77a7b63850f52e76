//! docs/exit-codes.md and the program's own list say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use filmgate::commands::Exit;
use filmgate_tests::hostile::{program, root};
use filmgate_tests::outside::{ffmpeg, small, succeed};
use filmgate_tests::shell::Shell;

/// Code and name of each row.
fn documented() -> BTreeMap<u8, String> {
    let page = root().join("docs/exit-codes.md");
    let text = std::fs::read_to_string(&page).expect("docs/exit-codes.md can be read");
    let mut rows = BTreeMap::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, code, name, when, advice, _] = cells[..] else { continue };
        let Ok(code) = code.parse::<u8>() else { continue };
        assert!(!when.is_empty() && !advice.is_empty(), "row {code} is not filled in");
        let name = name.trim_matches('`').to_owned();
        assert!(rows.insert(code, name).is_none(), "two rows for {code}");
    }
    rows
}

/// Code and name of each variant, as the source has them.
fn declared() -> BTreeMap<u8, String> {
    let source = root().join("host/cli/src/exit.rs");
    let text = std::fs::read_to_string(source).expect("the source can be read");
    let start = text.find("pub enum Exit {").expect("the list");
    let list = &text[start..start + text[start..].find("\n}").expect("its end")];
    let variant = |line: &str| {
        let (name, code) = line.trim().strip_suffix(',')?.split_once(" = ")?;
        Some((code.parse().ok()?, name.to_owned()))
    };
    list.lines().filter_map(variant).collect()
}

/// `PluginUnknown` as `plugin-unknown`.
fn hyphened(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.extend(c.to_lowercase());
    }
    out
}

#[test]
fn the_page_and_the_program_agree() {
    let declared: BTreeMap<u8, String> =
        declared().into_iter().map(|(code, name)| (code, hyphened(&name))).collect();
    assert!(declared.len() >= 20);
    assert_eq!(documented(), declared);
    assert_eq!(documented()[&(Exit::Interrupted as u8)], "interrupted");
}

/// Code, and command lines that end with it: each verb that can.
const PROVOKED: [(u8, &[&str]); 21] = [
    (
        0,
        &[
            "run -i film.mp4 -o o.mkv",
            "frame -i film.mp4 -o o.png",
            "split -i film.mp4 -o o",
            "join film.mp4 -o o.mp4",
            "encode --image one.png --duration 1 -o o.mp4",
            "watch inbox -o o --once",
            "probe film.mp4",
            "plugin inspect emboss",
        ],
    ),
    (1, &["probe film.mp4 >/dev/full", "plugin list >/dev/full"]),
    (
        2,
        &[
            "run --nonsense",
            "frame --nonsense",
            "split --nonsense",
            "join --nonsense",
            "encode --nonsense",
            "watch --nonsense",
            "probe --nonsense",
            "plugin --nonsense",
        ],
    ),
    (3, &["run -i cut.mkv -o o.mkv --accept-truncated"]),
    (
        10,
        &[
            "run -i film.mp4 -o o.mkv -p nosuch",
            "frame -i film.mp4 -o o.png -p nosuch",
            "split -i film.mp4 -o o -p nosuch",
            "join film.mp4 -o o.mp4 -p nosuch",
            "watch inbox -o o --once -p nosuch",
            "plugin inspect nosuch",
        ],
    ),
    (
        11,
        &[
            "run -i film.mp4 -o o.mkv -p emboss:nosuch=1",
            "frame -i film.mp4 -o o.png -p emboss:nosuch=1",
            "split -i film.mp4 -o o -p emboss:nosuch=1",
            "join film.mp4 -o o.mp4 -p emboss:nosuch=1",
            "watch inbox -o o --once -p emboss:nosuch=1",
        ],
    ),
    (
        12,
        &[
            "run -i film.mp4 -o o.mkv -p ./text",
            "frame -i film.mp4 -o o.png -p ./text",
            "split -i film.mp4 -o o -p ./text",
            "join film.mp4 -o o.mp4 -p ./text",
            "watch inbox -o o --once -p ./text",
            "plugin inspect ./text",
        ],
    ),
    (
        13,
        &[
            "run -i film.mp4 -o o.mkv -p natural",
            "frame -i film.mp4 -o o.png -p natural",
            "split -i film.mp4 -o o -p natural",
            "join film.mp4 -o o.mp4 -p natural",
            "watch inbox -o o --once -p natural",
        ],
    ),
    (
        20,
        &[
            "run -i none -o o.mkv",
            "frame -i none -o o.png",
            "split -i none -o o",
            "join none -o o.mp4",
            "encode --image none.png --duration 1 -o o.mp4",
            "watch none -o o --once",
            "probe none",
        ],
    ),
    (21, &["run -i text -o o.mkv", "frame -i text -o o.png", "split -i text -o o", "probe text"]),
    (22, &["run -i cut.mkv -o o.mkv"]),
    (23, &["run -i sound.mka -o o.mkv", "frame -i sound.mka -o o.png", "split -i sound.mka -o o"]),
    (
        24,
        &[
            "run -i list.m3u8 -o o.mkv",
            "frame -i list.m3u8 -o o.png",
            "split -i list.m3u8 -o o",
            "probe list.m3u8",
        ],
    ),
    (
        30,
        &[
            "run -i film.mp4 -o there.mkv",
            "frame -i film.mp4 -o one.png",
            "join film.mp4 -o there.mkv",
            "encode --image one.png --duration 1 -o there.mkv",
        ],
    ),
    (
        31,
        &[
            "run -i film.mp4 -o film.mp4 -y",
            "frame -i one.png -o one.png -y",
            "join film.mp4 -o film.mp4 -y",
            "encode --image one.png --duration 1 --audio sound.mka -o sound.mka -y",
            "watch inbox -o inbox --once",
        ],
    ),
    (
        32,
        &[
            "run -i film.mp4 -o none/o.mkv",
            "frame -i film.mp4 -o none/o.png",
            "join film.mp4 -o none/o.mp4",
            "encode --image one.png --duration 1 -o text/o.mp4",
        ],
    ),
    (
        33,
        &[
            "run -i film.mp4 -o o.mkv --codec ffv1 --full",
            "encode --image one.png --duration 9 --codec ffv1 -o o.mkv --full",
        ],
    ),
    (
        34,
        &[
            "run -i film.mp4 -o o.nosuch",
            "frame -i film.mp4 -o o.nosuch",
            "join film.mp4 -o o.nosuch",
            "encode --image one.png --duration 1 -o o.nosuch",
        ],
    ),
    (35, &["encode --image one.png --duration 1 -o rtmp://127.0.0.1:9/live/x"]),
    (40, &["join film.mp4 other.mp4 -o o.mp4"]),
    (43, &["join empty -o o.mp4 --require"]),
];

/// Codes that take a broken plugin, a file that changes, or a signal; and where they are provoked.
const ELSEWHERE: [(u8, &str); 9] = [
    (14, "tests/promises/supervision.rs"),
    (15, "tests/cli/policies.rs"),
    (16, "tests/promises/answers.rs"),
    (17, "tests/cli/run_outputs.rs"),
    (18, "tests/cli/packages.rs"),
    (19, "tests/cli/packages.rs"),
    (41, "tests/join/proof.rs"),
    (42, "tests/join/proof.rs"),
    (130, "tests/cli/interrupts.rs"),
];

#[test]
fn each_code_is_given_by_each_verb_that_can() {
    let film = small("plain.mp4", "-bf 2");
    let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
    seen.extend(ELSEWHERE.map(|(code, _)| code));
    for (code, lines) in PROVOKED {
        seen.insert(code);
        for line in lines {
            let shell = Shell::new();
            shell.copy(&film, "film.mp4");
            shell.write("text", "no media at all\n");
            shell.write("there.mkv", "as it was");
            shell.write(
                "list.m3u8",
                "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfilm.mp4\n#EXT-X-ENDLIST\n",
            );
            for folder in ["inbox", "empty"] {
                std::fs::create_dir(shell.path(folder)).expect("a folder");
            }
            for (arguments, name) in [
                ("-i film.mp4 -frames:v 1 -update 1", "one.png"),
                ("-i film.mp4 -vn", "sound.mka"),
                ("-i film.mp4 -c copy", "cut.mkv"),
                ("-f lavfi -i testsrc2=size=64x48:duration=1", "other.mp4"),
            ] {
                let mut command = ffmpeg(arguments);
                succeed(command.arg(name).current_dir(shell.folder()));
            }
            shell.copy(&shell.path("one.png"), "inbox/one.png");
            let cut = std::fs::read(shell.path("cut.mkv")).expect("it is there");
            shell.write("cut.mkv", &cut[..cut.len() * 2 / 3]);
            let full = if line.contains("--full") { "trap '' XFSZ; ulimit -f 4; " } else { "" };
            let line = line.replace(" --full", "");
            let mut command = Command::new("timeout");
            command.args(["60", "bash", "-c"]).arg(format!("{full}\"$0\" {line}")).arg(program());
            shell.settle(&mut command);
            let said = shell.say(&mut command);
            if said.code != Some(i32::from(code)) {
                wrong.push(format!("{code}: {line}: {:?} {}", said.code, said.stderr));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(seen, declared().into_keys().collect(), "each code has its place here");
    assert!(ELSEWHERE.iter().all(|(_, file)| root().join(file).is_file()));
}
