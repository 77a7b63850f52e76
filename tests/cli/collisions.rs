//! No verb overwrites a file that it reads, whatever kind of file that is and whatever its name.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use filmgate_tests::hostile::built_in;
use filmgate_tests::outside::{ffmpeg, small, succeed};
use filmgate_tests::shell::Shell;

/// A folder with one file of each kind that is read.
fn shop() -> Shell {
    let shell = Shell::new();
    let film = small("plain.mp4", "-bf 2");
    for name in ["a.mp4", "b.mp4", "x0.ts"] {
        shell.copy(&film, name);
    }
    fs::hard_link(shell.path("a.mp4"), shell.path("hard.mp4")).expect("a link");
    symlink("a.mp4", shell.path("soft.mp4")).expect("a link");
    fs::create_dir(shell.path("sub")).expect("a folder");
    let picture =
        ffmpeg("-f lavfi -i color=red:size=64x64 -frames:v 1").arg(shell.path("w.png")).output();
    assert!(picture.expect("ffmpeg runs").status.success());
    for name in ["f1.png", "f2.png"] {
        shell.copy(&shell.path("w.png"), name);
    }
    shell.copy(&built_in("emboss"), "e.wasm");
    shell.copy(&built_in("natural"), "o.wasm");
    shell.copy(&built_in("template"), "n.wasm");
    shell.write("list.txt", "a.mp4\nb.mp4\n");
    shell.write("plugins.txt", "emboss\n");
    shell.write("all.ffconcat", "file 'a.mp4'\nfile 'b.mp4'\n");
    shell.write("p.toml", "input = 'a.mp4'\nformat = 'matroska'\n");
    shell
}

/// Everything in the folder but the empty ones below it, by name.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("readable").map(|e| e.expect("an entry").path());
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    entries.filter(|p| p.is_file()).map(|p| (name(&p), fs::read(&p).expect("read"))).collect()
}

/// What is typed behind `filmgate`, and the file that must not be touched.
const CASES: &[(&str, &str)] = &[
    ("run -i a.mp4 -o a.mp4", "a.mp4"),
    ("run -i a.mp4 -o ./sub/../a.mp4", "a.mp4"),
    ("run -i a.mp4 -o file:a.mp4", "a.mp4"),
    ("run -i a.mp4 -o hard.mp4", "hard.mp4"),
    ("run -i a.mp4 -o soft.mp4", "soft.mp4"),
    ("run -i soft.mp4 -o hard.mp4", "hard.mp4"),
    ("run -i b.mp4 -i a.mp4 -o a.mp4", "a.mp4"),
    ("run -i w.png -o w.png", "w.png"),
    ("run -i f%d.png -o f%d.png", "f1.png"),
    ("run -i f%d.png --max-frames 1 -o f2.png", "f2.png"),
    ("run -i f2.png -o f%d.png", "f2.png"),
    ("run -i all.ffconcat --input-format concat -o b.mp4", "b.mp4"),
    ("run -i all.ffconcat --input-format concat -o all.ffconcat --format mp4", "all.ffconcat"),
    ("run -i a.mp4 -p ./e.wasm -o e.wasm --format mp4", "e.wasm"),
    ("run -i a.mp4 -p watermark:picture=w.png -o w.png --max-frames 1", "w.png"),
    ("run -i a.mp4 -p watermark:picture=w.png -o o.mp4 --tags w.png", "w.png"),
    ("run -i a.mp4 -o o.mp4 --tags a.mp4", "a.mp4"),
    ("run -i a.mp4 -o o.mp4 --receipt hard.mp4", "hard.mp4"),
    ("run --config p.toml -o p.toml", "p.toml"),
    ("run --config p.toml -o o.mkv --receipt p.toml", "p.toml"),
    ("frame -i w.png -o w.png", "w.png"),
    ("frame -i a.mp4 -p watermark:picture=w.png -o w.png", "w.png"),
    ("encode -i a.mp4 -o a.mp4", "a.mp4"),
    ("encode -i a.mp4 -o hard.mp4", "hard.mp4"),
    ("encode -i a.mp4 -o o.mkv --also a.mp4", "a.mp4"),
    ("encode -i a.mp4 --audio b.mp4 -o b.mp4", "b.mp4"),
    ("encode -i a.mp4 --audio b.mp4 -o o.mkv --also b.mp4", "b.mp4"),
    ("encode -i x0.ts -o x.m3u8", "x0.ts"),
    ("encode -i f%d.png -o f1.png", "f1.png"),
    ("encode --image w.png --duration 1 -o w.png --format mp4", "w.png"),
    ("encode -i a.mp4 -p watermark:picture=w.png -o w.png --format mp4", "w.png"),
    ("encode -i a.mp4 -p ./e.wasm -o o.mkv --also e.wasm --format mp4", "e.wasm"),
    ("join a.mp4 b.mp4 -o b.mp4", "b.mp4"),
    ("join a.mp4 b.mp4 -o soft.mp4", "soft.mp4"),
    ("join a.mp4 b.mp4 -o o.mp4 --receipt a.mp4", "a.mp4"),
    ("join --list list.txt -o list.txt --format mp4", "list.txt"),
    ("join --list list.txt -o o.mp4 --receipt list.txt", "list.txt"),
    ("join a.mp4 b.mp4 --order-plugin ./o.wasm -o o.wasm --format mp4", "o.wasm"),
    ("join a.mp4 b.mp4 -p watermark:picture=w.png -o w.png --format mp4", "w.png"),
    ("join a.mp4 b.mp4 --into sub --name-plugin ./n.wasm --receipt n.wasm", "n.wasm"),
    ("plugin pack e.wasm -o e.wasm", "e.wasm"),
    ("plugin pack a.mp4 --adapter x=b.mp4 -o b.mp4", "b.mp4"),
    ("watch sub -o out --once --plugin-list plugins.txt --journal plugins.txt", "plugins.txt"),
    ("watch sub -o out --once -p ./e.wasm --journal e.wasm", "e.wasm"),
    ("watch sub -o out --once -p ./e.wasm --receipt e.wasm", "e.wasm"),
    ("watch sub -o out --once -p watermark:picture=w.png --receipt w.png", "w.png"),
];

#[test]
fn what_is_read_is_never_written() {
    let shell = shop();
    let before = contents(shell.folder());
    for (line, file) in CASES {
        let yes = ["run", "frame", "encode", "join"].iter().any(|verb| line.starts_with(verb));
        let said = shell.filmgate(&format!("{line}{}", if yes { " -y" } else { "" }));
        assert_eq!(said.code, Some(31), "{line}: {said:?}");
        said.refused(31, &[file, "another name"]);
        let after = contents(shell.folder());
        let changed = |(name, bytes): (&String, &Vec<u8>)| before.get(name) != Some(bytes);
        let changed = after.iter().find(|entry| changed(*entry)).map(|(name, _)| name);
        assert_eq!((changed, after.len()), (None, before.len()), "{line}");
    }
}

#[test]
fn outputs_are_not_written_over_each_other() {
    let shell = shop();
    for line in [
        "run -i a.mp4 -o o.mp4 --tags o.mp4",
        "run -i a.mp4 -o o.mp4 --receipt ./sub/../o.mp4",
        "run -i a.mp4 -o o.mp4 --tags t --receipt t",
        "encode -i a.mp4 -o o.mp4 --also o.mp4",
        "encode -i a.mp4 -o o.m3u8 -o o.m3u8",
        "join a.mp4 b.mp4 -o o.mp4 --receipt o.mp4",
    ] {
        let said = shell.filmgate(&format!("{line} -y"));
        assert_eq!(said.code, Some(2), "{line}: {said:?}");
        assert!(said.stderr.contains("twice"), "{line}: {said:?}");
    }
}

#[test]
fn a_watch_counts_on_where_an_output_would_replace_what_it_reads() {
    let shell = shop();
    shell.copy(&shell.path("f1.png"), "sub/w.png");
    let mut still = ffmpeg("-f lavfi -i color=blue:size=64x64 -frames:v 1");
    succeed(still.arg(shell.path("sub/w.png")));
    let before = fs::read(shell.path("w.png")).expect("there");
    let line = "watch sub -o . -p watermark:picture=w.png --once -y -q --flat";
    let said = shell.filmgate(line).done();
    assert!(fs::read(shell.path("w.png")).expect("there") == before, "{said:?}");
    assert!(
        shell.names().iter().any(|n| n.starts_with("w") && n != "w.png"),
        "{:?}",
        shell.names()
    );
}
