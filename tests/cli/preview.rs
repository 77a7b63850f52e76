//! Pictures in the terminal.

use std::path::Path;
use std::process::Command;

use filmgate_tests::hostile::program;
use filmgate_tests::outside::{made, python};
use filmgate_tests::shell::{Said, Shell};

/// Runs a line on a terminal of its own, and keeps what it was sent as `sent`.
fn on_a_terminal(shell: &Shell, line: &str, variables: &[(&str, &str)]) -> Said {
    let line = format!("{} {line}", program().canonicalize().expect("it is there").display());
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm-256color");
    command.env("COLORTERM", "truecolor");
    for name in ["TMUX", "KITTY_WINDOW_ID", "TERM_PROGRAM", "FILMGATE_PREVIEW"] {
        command.env_remove(name);
    }
    shell.settle(command.envs(variables.iter().copied()));
    let said = shell.say(&mut command);
    shell.write("sent", &said.stdout);
    said
}

/// RGB, so that the frame of the file and the one that is shown are the same.
fn film() -> std::path::PathBuf {
    made(
        "preview.mkv",
        "-f lavfi -i testsrc2=size=320x180:rate=5:duration=2 -c:v ffv1 -pix_fmt bgr0",
    )
}

#[test]
fn a_frame_is_shown_in_each_way_that_terminals_have() {
    let shell = Shell::new();
    shell.copy(&film(), "in.mkv");
    shell.filmgate("frame -i in.mkv --at 50% -o half.png").done();
    // Without a size of its own, a terminal has 80 columns and 24 rows; colors of sixels are of a
    // cube of 6 x 6 x 6.
    for (kind, size, most) in [
        ("blocks", "80 46", 2),
        ("kitty", "640 368", 2),
        ("iterm", "640 368", 2),
        ("sixel", "640 368", 27),
    ] {
        let before = shell.names();
        let line = "frame -i in.mkv --at 50% --preview";
        on_a_terminal(&shell, line, &[("FILMGATE_PREVIEW", kind)]).done();
        if before.contains(&"sent".to_owned()) {
            assert_eq!(shell.names(), before, "nothing is written");
        }
        let mut command = Command::new(python());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("cli/shown.py");
        shell.settle(command.arg(script).args([kind, "sent", "half.png"]));
        let found = shell.say(&mut command).done().stdout;
        let (shown, furthest) = found.trim().rsplit_once(' ').expect("three numbers");
        let furthest: u32 = furthest.parse().expect("a number");
        assert!(shown == size && furthest <= most, "{kind}: {found}");
    }
}

#[test]
fn a_run_is_shown_while_it_goes_on() {
    let shell = Shell::new();
    shell.copy(&film(), "in.mkv");
    let said = on_a_terminal(&shell, "run -i in.mkv -p invert -o out.mkv --preview", &[]).done();
    assert!(said.stdout.contains('\u{2580}') && said.stdout.contains("out.mkv: 10 frames"));
    assert!(shell.path("out.mkv").exists());
    // Each picture stands where the one before stood.
    let said =
        on_a_terminal(&shell, "run -i in.mkv --realtime --format null --preview", &[]).done();
    let pictures = said.stdout.matches("\u{1b}[0m\r\n").count() / 23;
    assert_eq!(said.stdout.matches("\u{1b}[23A\r").count(), pictures - 1);
    assert!(pictures > 1, "{pictures}");
}

#[test]
fn what_shows_nothing_is_told_with_the_way_out() {
    let shell = Shell::new();
    shell.copy(&film(), "in.mkv");
    shell.filmgate("frame -i in.mkv --preview").refused(2, &["not a terminal", "-o FILE"]);
    shell.filmgate("run -i in.mkv -o a.mkv --preview").refused(2, &["not a terminal"]);
    shell.filmgate("frame -i in.mkv --preview --json").refused(2, &["--preview", "--json"]);
    shell.filmgate("frame -i in.mkv --preview -o -").refused(2, &["--preview", "-o -"]);
    let said = on_a_terminal(&shell, "frame -i in.mkv --preview", &[("TERM", "dumb")]);
    assert!(said.code == Some(2) && said.stdout.contains("shows colors"), "{said:?}");
    let said = on_a_terminal(&shell, "frame -i in.mkv --preview", &[("FILMGATE_PREVIEW", "oil")]);
    assert!(said.code == Some(2) && said.stdout.contains("kitty, iterm, sixel"), "{said:?}");
    assert!(!shell.path("a.mkv").exists());
}
