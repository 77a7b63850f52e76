//! What is known of files, of the installation and of the program: probe, doctor, completions, man.

use std::process::Command;

use filmgate_tests::hostile::program;
use filmgate_tests::outside::small;
use filmgate_tests::shell::Shell;
use filmgate_tests::trace;

#[test]
fn probe_tells_what_a_file_holds() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.copy(&input, "in.mp4");
    let facts = shell.filmgate("probe in.mp4 --json").done().json();
    assert_eq!((&facts["video"], &facts["duration_declared"]), (&0.into(), &true.into()));
    let video = &facts["streams"][0];
    assert_eq!((&video["codec"], &video["frame_rate"]), (&"h264".into(), &"25/1".into()));
    assert_eq!((&video["video"]["width"], &video["video"]["height"]), (&320.into(), &180.into()));
    assert_eq!(facts["streams"][1]["codec"], "aac");
    let text = shell.filmgate("probe in.mp4").done().stdout;
    assert!(text.contains("yuv420p 320x180") && text.contains("audio, aac"), "{text}");
    shell.filmgate("probe none.mp4").refused(20, &["none.mp4"]);
}

#[test]
fn probe_is_locked_in_before_it_reads_the_file() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    shell.copy(&input, "in.mp4");
    let open = shell.filmgate("probe in.mp4 --json --sandbox off").done().stdout;
    let sandbox = &shell.filmgate("doctor --json").done().json()["sandbox"];
    if sandbox["whole"] != true {
        shell.filmgate("probe in.mp4 --sandbox require").refused(1, &["kernel", "--sandbox auto"]);
        return;
    }
    let locked = shell.filmgate("probe in.mp4 --json --sandbox require").done().stdout;
    assert_eq!(locked, open);
    if !trace::possible() {
        return;
    }
    let mut command = shell.command();
    command.args(["probe", "in.mp4"]);
    let set = "landlock_restrict_self,seccomp,read,pread64";
    let (said, calls) = trace::seen(&shell, set, &command);
    said.done();
    let place = |what: &str| calls.iter().position(|call| call.contains(what));
    let read = place("in.mp4>").expect("the file is read");
    assert!(place("landlock_restrict_self(").is_some_and(|layer| layer < read), "{calls:?}");
    assert!(place("seccomp(SECCOMP_SET_MODE_FILTER").is_some_and(|layer| layer < read));
}

#[test]
fn doctor_finds_what_is_broken() {
    let shell = Shell::new();
    let sound = shell.filmgate("doctor --json").done().json();
    assert_eq!((&sound["ok"], &sound["problems"]), (&true.into(), &serde_json::json!([])));
    assert!(sound["encoders"].as_array().is_some_and(|e| e.contains(&"libx264".into())));
    // Compiled once, plugins come out of the cache: by the second time nothing is compiled.
    let mut command = shell.command();
    command.arg("doctor");
    let (said, calls) = trace::seen(&shell, "execve", &command);
    assert!(said.done().stdout.contains("cache"), "it says where they come from");
    assert!(!calls.iter().any(|call| call.contains("compile-plugin")), "{calls:?}");
    shell.write("broken.wasm", "no component");
    let said = shell.say(shell.command().arg("doctor").env("FILMGATE_PLUGIN_PATH", shell.folder()));
    assert_eq!(said.code, Some(1));
    assert!(said.stdout.contains("What is broken") && said.stdout.contains("broken.wasm"));
    let said = shell.say(
        shell.command().args(["doctor", "--json"]).env("FILMGATE_PLUGIN_PATH", shell.path("none")),
    );
    assert_eq!((said.code, &said.json()["ok"]), (Some(1), &false.into()));
}

#[test]
fn the_shell_and_the_manual_read_what_is_made_for_them() {
    let shell = Shell::new();
    for name in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = shell.filmgate(&format!("completions {name}")).done().stdout;
        assert!(script.contains("filmgate"), "{name}");
        shell.write(name, &script);
    }
    let mut bash = Command::new("bash");
    let script = "source ./bash; COMP_WORDS=(filmgate pro); COMP_CWORD=1; \
                  COMP_LINE='filmgate pro' COMP_POINT=12; _filmgate \"$FILMGATE\" pro filmgate; echo \"${COMPREPLY[@]}\"";
    shell.settle(bash.args(["-c", script]).env("FILMGATE", program()));
    assert_eq!(shell.say(&mut bash).done().stdout.trim(), "probe");
    shell.filmgate("man pages").done();
    for page in ["filmgate.1", "filmgate-run.1", "filmgate-plugin-check.1"] {
        let text = std::fs::read_to_string(shell.path("pages").join(page)).expect(page);
        assert!(text.contains(".SH OPTIONS"), "{page}");
    }
}

#[test]
fn the_version_names_what_is_below() {
    let shell = Shell::new();
    let long = shell.filmgate("--version").done().stdout;
    for part in ["libavcodec ", "wasmtime 48.", "rustc 1."] {
        assert!(long.contains(part), "{part}: {long}");
    }
    assert_eq!(shell.filmgate("-V").done().stdout.lines().count(), 1);
}

#[test]
fn doctor_says_what_to_type() {
    let shell = Shell::new();
    shell.write("it's broken.wasm", "nothing");
    let said = shell.say(
        shell.command().args(["doctor", "--fix-hints"]).env("FILMGATE_PLUGIN_PATH", shell.folder()),
    );
    assert_eq!(said.code, Some(1));
    // The command that is printed works, and says more.
    let hint = said.stdout.lines().find_map(|l| l.trim().strip_prefix("filmgate plugin check "));
    let mut command = Command::new("sh");
    let line = format!("\"$FILMGATE\" plugin check {}", hint.expect("a hint"));
    shell.settle(command.args(["-c", &line]).env("FILMGATE", program()));
    shell.say(&mut command).refused(12, &["it's broken.wasm"]);
    let json = shell.filmgate("doctor --fix-hints --json").json();
    assert!(json["fixes"].is_array(), "{json}");
    assert!(shell.filmgate("doctor --json").json().get("fixes").is_none());
}
