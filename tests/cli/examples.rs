//! The examples of help, README and documents work as they are.

use std::process::Command;

use filmgate_tests::hostile::{program, root};
use filmgate_tests::outside::{ffmpeg, made, succeed};
use filmgate_tests::shell::Shell;

const VERBS: [&str; 6] = ["run", "join", "frame", "split", "encode", "watch"];

/// What needs a network, a camera, a writer, a screen, or what another command of the same text
/// makes: parts of lines, and why.
const SKIPPED: [(&str, &str); 11] = [
    ("http://", "network"),
    ("rtsp://", "network"),
    ("/dev/video0", "camera"),
    ("filmgate serve ", "a server"),
    ("--fifo", "waits for a writer"),
    ("ffplay", "screen"),
    ("--preview", "terminal"),
    ("hello", "a plugin that the text makes: author.rs"),
    ("plugin doctor", "tools of the machine"),
    ("--config", "a file that the text shows"),
    ("film-720p.mp4", "a film of the benchmarks"),
];

/// Lines that begin with the program's name, with the lines that continue them.
fn commands(text: &str, wrapped: bool) -> Vec<String> {
    let (mut found, mut open) = (Vec::<String>::new(), false);
    for line in text.lines().map(str::trim) {
        let own = line.strip_prefix("$ ").unwrap_or(line);
        let begins = own.starts_with("filmgate ") || own.starts_with("cat in.mkv | filmgate ");
        match found.last_mut() {
            Some(last) if open && !begins && !line.is_empty() => {
                last.push(' ');
                last.push_str(own.trim_end_matches('\\'));
            }
            _ if begins => found.push(own.trim_end_matches('\\').to_owned()),
            _ => {}
        }
        open = !line.is_empty() && (begins || open) && (wrapped || line.ends_with('\\'));
    }
    found
}

fn all(shell: &Shell) -> Vec<String> {
    let mut found = Vec::new();
    for verb in VERBS {
        let help = shell.filmgate(&format!("{verb} --help")).done().stdout;
        let examples = help.split_once("Example").expect("each verb has examples").1;
        let examples = commands(examples, true);
        assert!(!examples.is_empty(), "{verb}");
        found.extend(examples);
    }
    let docs = std::fs::read_dir(root().join("docs")).expect("documents");
    let docs = docs.map(|entry| entry.expect("an entry").path());
    for page in docs.chain([root().join("README.md")]) {
        if page.extension().is_some_and(|e| e == "md") {
            let text = std::fs::read_to_string(&page).expect("it can be read");
            let mut code = false;
            // Blocks of code alone: sentences begin with the program's name, too.
            let lines = text.lines().filter(|line| {
                code ^= line.trim_start().starts_with("```");
                code
            });
            found.extend(commands(&lines.collect::<Vec<_>>().join("\n"), false));
        }
    }
    found
}

/// A folder with all that the examples name.
fn inputs(shell: &Shell) {
    let film = made(
        "examples.mp4",
        "-f lavfi -i testsrc2=size=640x360:rate=2:duration=100 -f lavfi -i sine=duration=100 \
         -f lavfi -i sine=duration=100 -map 0 -map 1 -map 2 -c:v libx264 -preset ultrafast -c:a aac",
    );
    let short = made(
        "examples-short.mp4",
        "-f lavfi -i testsrc2=size=640x360:rate=5:duration=2 -f lavfi -i sine=duration=2 \
         -f lavfi -i sine=duration=2 -map 0 -map 1 -map 2 -c:v libx264 -preset ultrafast -c:a aac",
    );
    for folder in ["recordings/cam1", "uploads/task7/dev1", "frames", "inbox", "films", "scans"] {
        std::fs::create_dir_all(shell.path(folder)).expect("a folder");
    }
    for name in ["holiday.mp4", "film.mp4", "in.mp4"] {
        shell.copy(&film, name);
    }
    for name in "part1 part2 monday tuesday bigbuckbunny seg1 seg2 seg10 recordings/cam1/seg1 \
                 recordings/cam1/seg2 uploads/task7/dev1/a uploads/task7/dev1/b inbox/a"
        .split_whitespace()
    {
        shell.copy(&short, &*format!("{name}.mp4"));
    }
    for name in ["logo.png", "slide.jpg", "frames/one.png", "scans/page.png"] {
        let mut command = ffmpeg("-f lavfi -i testsrc2=size=64x48 -frames:v 1 -update 1");
        succeed(command.arg(shell.path(name)));
    }
}

#[test]
fn examples_of_help_and_documents_work() {
    let path = std::env::var("PATH").unwrap_or_default();
    let folder = program();
    let folder = folder.parent().expect("it lies in a folder").display();
    let (mut unused, mut ran, mut wrong) = (SKIPPED.to_vec(), 0, Vec::new());
    for line in all(&Shell::new()) {
        let skipped = SKIPPED.iter().filter(|(part, _)| line.contains(part));
        let skipped: Vec<_> = skipped.collect();
        unused.retain(|own| !skipped.contains(&own));
        if !skipped.is_empty() {
            continue;
        }
        let shell = Shell::new();
        inputs(&shell);
        let line = line.split(" #").next().unwrap_or_default().trim().to_owned();
        // Some of them make what others read.
        if line.contains(" -o film.mp4") {
            std::fs::remove_file(shell.path("film.mp4")).expect("it was there");
        }
        if line.contains("--status") {
            shell.filmgate("watch inbox -o done -p emboss --once").done();
        }
        // A watch goes on for ever.
        let ends = !line.starts_with("filmgate watch") || line.contains("--status");
        let more = if ends || line.contains("--once") { "" } else { " --once" };
        let mut command = Command::new("timeout");
        command.args(["120", "bash", "-c"]).arg(format!("{line}{more}"));
        shell.settle(&mut command);
        command.env("PATH", format!("{folder}:{path}"));
        let said = shell.say(&mut command);
        ran += 1;
        if said.code != Some(0) {
            wrong.push(format!("{line}: {:?} {}", said.code, said.stderr));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(ran >= 15, "only {ran} examples were found");
    assert_eq!(unused, [], "nothing is skipped for these reasons any more");
}
