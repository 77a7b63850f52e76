//! Every shared option on every verb whose help shows it, with a plugin that drops every frame, one
//! that fails, and one that needs a grant.

use filmgate_tests::hostile::{Module, with_wasi};
use filmgate_tests::outside::small;
use filmgate_tests::shell::{Said, Shell};
use serde_json::Value;

/// A verb, what it reads, and what it writes, where that is one file.
struct Verb {
    name: &'static str,
    line: &'static str,
    output: &'static str,
}

const VERBS: [Verb; 6] = [
    Verb { name: "run", line: "-i in.mp4 -o out.mkv", output: "out.mkv" },
    Verb { name: "encode", line: "-i in.mp4 -o out.mkv", output: "out.mkv" },
    Verb { name: "split", line: "-i in.mp4 -o out", output: "out" },
    Verb { name: "frame", line: "-i in.mp4 -o out.png", output: "out.png" },
    Verb { name: "join", line: "in.mp4 more.mp4 -o out.mp4", output: "out.mp4" },
    Verb { name: "watch", line: "folder -o out --once", output: "out" },
];

/// A shell with inputs for all verbs and the three plugins.
fn shell() -> Shell {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    for name in ["in.mp4", "more.mp4"] {
        shell.copy(&input, name);
    }
    std::fs::create_dir(shell.path("folder")).expect("a folder");
    shell.copy(&input, "folder/a.mp4");
    let yuv = |module: Module| Module { format: "yuv420p".to_owned(), ..module };
    let drops = yuv(Module::processing("(call $drop (local.get $frame)) (call $none)"));
    shell.write("drops.wasm", drops.component());
    shell.write("traps.wasm", yuv(Module::processing("(unreachable)")).component());
    // Breaks where the wall clock is not the real one.
    let asks = yuv(Module {
        imports: r#"(import "wasi:clocks/wall-clock@VERSION" "now" (func $now (param i32)))"#
            .to_owned(),
        ..Module::processing(
            "(call $now (i32.const 0x500))
             (if (i64.lt_u (i64.load (i32.const 0x500)) (i64.const 1700000000)) (then unreachable))
             (call $same (local.get $frame))",
        )
    });
    shell.write("asks.wasm", with_wasi(&asks.text(), "0.2.6"));
    shell
}

impl Verb {
    fn run(&self, shell: &Shell, more: &str) -> Said {
        shell.filmgate(&format!("{} {} {more}", self.name, self.line))
    }

    /// Whether its help shows an option.
    fn shows(&self, shell: &Shell, option: &str) -> bool {
        let help = shell.filmgate(&format!("{} --help", self.name)).done().stdout;
        let is_end = |c: char| !c.is_alphanumeric() && c != '-';
        help.split(is_end).any(|word| word == option)
    }

    /// Removes what a run left.
    fn clear(&self, shell: &Shell) {
        let _ = std::fs::remove_dir_all(shell.path("folder/.filmgate"));
        let path = shell.path(self.output);
        let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir_all(&path));
    }

    /// Whether nothing came out.
    fn is_without_output(&self, shell: &Shell) -> bool {
        let path = shell.path(self.output);
        match std::fs::read_dir(&path) {
            Ok(mut entries) => entries.next().is_none(),
            Err(_) => !path.exists(),
        }
    }
}

/// The last JSON object of a text: a summary, or the last line of events.
fn last(said: &Said) -> Value {
    let whole = serde_json::from_str(&said.stdout);
    whole.unwrap_or_else(|_| {
        let line = said.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|e| panic!("no JSON: {e}: {said:?}"))
    })
}

#[test]
fn plugins_that_drop_fail_and_need_a_grant_end_alike() {
    let shell = shell();
    for verb in &VERBS {
        assert!(verb.shows(&shell, "--plugin"), "{}", verb.name);
        // A plugin that drops everything.
        let said = verb.run(&shell, "-p ./drops.wasm");
        // `watch` names the file and goes on; dropping is a plugin's right.
        let wanted = if verb.name == "watch" { [0, 1, 3] } else { [17; 3] };
        assert!(said.code.is_some_and(|code| wanted.contains(&code)), "{}: {said:?}", verb.name);
        assert!(verb.is_without_output(&shell), "{}", verb.name);
        verb.clear(&shell);
        // One that traps.
        let said = verb.run(&shell, "-p ./traps.wasm");
        let wanted = if verb.name == "watch" { 1 } else { 14 };
        assert_eq!(said.code, Some(wanted), "{}: {said:?}", verb.name);
        assert!(verb.is_without_output(&shell), "{}", verb.name);
        verb.clear(&shell);
        assert!(verb.shows(&shell, "--on-failure"), "{}", verb.name);
        let said = verb.run(&shell, "-p ./traps.wasm --on-failure bypass");
        assert_eq!(said.code, Some(3), "{}: {said:?}", verb.name);
        assert!(!verb.is_without_output(&shell), "{}", verb.name);
        verb.clear(&shell);
        let mut command = shell.command();
        let line = format!("{} {} -p ./traps.wasm", verb.name, verb.line);
        command.args(line.split(' ')).env("FILMGATE_ON_FAILURE", "bypass");
        assert_eq!(shell.say(&mut command).code, Some(3), "{}: by the environment", verb.name);
        verb.clear(&shell);
        // One that needs a grant: without it, it traps; with it, all is well.
        assert!(verb.shows(&shell, "--grant"), "{}", verb.name);
        let said = verb.run(&shell, "-p ./asks.wasm");
        assert_eq!(said.code, Some(wanted), "{}: {said:?}", verb.name);
        verb.clear(&shell);
        let said = verb.run(&shell, "-p ./asks.wasm --grant ./asks.wasm:clock");
        assert_eq!(said.code, Some(0), "{}: {said:?}", verb.name);
        verb.clear(&shell);
        let refused = verb.run(&shell, "-p emboss --grant blur:clock");
        refused.refused(2, &["no plugin"]);
    }
}

#[test]
fn limits_and_workers_are_heeded() {
    let shell = shell();
    let hangs = Module::processing("(loop $l (br $l)) (unreachable)");
    let hangs = Module { format: "yuv420p".to_owned(), ..hangs };
    shell.write("hangs.wasm", hangs.component());
    for verb in &VERBS {
        for option in ["--deadline", "--memory"] {
            assert!(verb.shows(&shell, option), "{} {option}", verb.name);
        }
        let failed = if verb.name == "watch" { 1 } else { 14 };
        let said = verb.run(&shell, "-p ./hangs.wasm --deadline 50");
        assert_eq!(said.code, Some(failed), "{}: {said:?}", verb.name);
        assert!(said.stderr.contains("50 ms"), "{}: {said:?}", verb.name);
        verb.clear(&shell);
        verb.run(&shell, "-p emboss --deadline 0").refused(2, &["1 to 3600000"]);
        verb.run(&shell, "-p emboss --memory 0").refused(2, &["1 to 4096"]);
        if !verb.shows(&shell, "--workers") {
            continue;
        }
        verb.run(&shell, "-p emboss -j 0").refused(2, &["1 to 256"]);
        let said = verb.run(&shell, "-p emboss -j 2");
        assert_eq!(said.code, Some(0), "{}: {said:?}", verb.name);
        verb.clear(&shell);
    }
}

#[test]
fn reports_mean_the_same() {
    let shell = shell();
    for verb in &VERBS {
        let name = verb.name;
        for option in ["--quiet", "--json", "--dry-run", "--receipt", "--config", "--config-schema"]
        {
            assert!(verb.shows(&shell, option), "{name} {option}");
        }
        // A plan, and nothing written.
        let before = shell.names();
        let said = verb.run(&shell, "-p emboss --dry-run").done();
        assert!(!said.stdout.is_empty(), "{name}");
        assert_eq!(shell.names(), before, "{name}");
        last(&verb.run(&shell, "-p emboss --dry-run --json").done());
        assert_eq!(shell.names(), before, "{name}");
        assert!(!shell.path("folder/.filmgate").exists(), "{name}");
        // A quiet run says nothing; a receipt says what came of what.
        let said = verb.run(&shell, "-p emboss -q --receipt r.json").done();
        assert_eq!((&*said.stdout, &*said.stderr), ("", ""), "{name}");
        let receipt = std::fs::read_to_string(shell.path("r.json")).expect("a receipt");
        assert!(receipt.contains("emboss") && receipt.contains("sha256"), "{name}: {receipt}");
        verb.clear(&shell);
        // It is not replaced unasked, nor is what is read.
        let said = verb.run(&shell, "-p emboss --receipt r.json");
        assert_eq!(said.code, Some(30), "{name}: {said:?}");
        verb.clear(&shell);
        std::fs::remove_file(shell.path("r.json")).expect("there");
        // The summary for programs, and events.
        let said = verb.run(&shell, "-p emboss --json").done();
        last(&said);
        verb.clear(&shell);
        if verb.shows(&shell, "--progress-json") {
            let said = verb.run(&shell, "-p emboss --progress-json").done();
            let result = last(&said);
            assert_eq!(
                (&result["event"], &result["exit"]),
                (&"result".into(), &0.into()),
                "{name}"
            );
            verb.clear(&shell);
        }
        // A file of options; what is wrong in it has its line and column.
        shell.write("c.toml", "deadline = 900\n[[plugin]]\nname = 'emboss'\n");
        verb.run(&shell, "--config c.toml -q").done();
        verb.clear(&shell);
        shell.write("c.toml", "deadline = 0\n");
        verb.run(&shell, "--config c.toml").refused(2, &["c.toml:1:12: "]);
        shell.filmgate(&format!("{name} --config-schema")).done().json();
    }
}
