//! Files that are small and cost a compiler minutes or gigabytes are refused, and whatever one
//! makes of the compiler, the host goes on.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use filmgate::plugin::{Limits, PluginError};
use filmgate_tests::hostile::bytes::{self, Part};
use filmgate_tests::hostile::{Module, load};
use filmgate_tests::shell::Shell;

/// Each shape just above its limit, and far above.
fn beyond() -> Vec<(Part, &'static str)> {
    vec![
        (Part::Components(33), "32 components inside one another"),
        (Part::Modules(1_001), "1000 components and modules"),
        (Part::Types(257), "256 types inside one another"),
        (Part::Types(200_000), "256 types inside one another"),
        (Part::Functions(200_000), "150000 functions"),
        (Part::Locals(15_001), "15000 locals"),
        (Part::Locals(4_000_000_000), "15000 locals"),
        (Part::Blocks(10_001), "10000 blocks inside one another"),
        (Part::NestedLoops(201), "200 loops inside one another"),
        (Part::NestedLoops(4_000), "200 loops inside one another"),
        (Part::Loops(60_000), "5000 loops"),
        (Part::Handing { loops: 1_000, values: 1_000 }, "5000000 loops times values"),
        (Part::Carrying { loops: 2_000, locals: 2_000 }, "2000000 loops times locals"),
        (Part::Bytes(5 << 20), "4194304 bytes of code"),
    ]
}

/// In this process, where nothing but the limits helps.
#[test]
fn shapes_that_cost_a_compiler_too_much_are_refused_at_once() {
    for (part, what) in beyond() {
        let component = bytes::with(&part);
        let begun = Instant::now();
        match load(&component, &Limits::default()) {
            Err(PluginError::NotAComponent { reason, .. }) => {
                assert!(reason.contains(what), "{what}: {reason}");
            }
            Err(e) => panic!("{what}: {e}"),
            Ok(_) => panic!("{what}: it loads"),
        }
        assert!(begun.elapsed() < Duration::from_secs(2), "{what}: {:?}", begun.elapsed());
    }
}

/// What real compilers make, and much more of it, is within the limits. CPython, the largest
/// known, has 13,500 functions, 271 locals, 782 blocks and 6 loops inside one another.
#[test]
fn shapes_within_the_limits_load() {
    let within = [
        Part::Components(32),
        Part::Modules(200),
        Part::Types(200),
        Part::Functions(20_000),
        Part::Locals(15_000),
        Part::Blocks(10_000),
        Part::NestedLoops(200),
        Part::Loops(1_000),
        Part::Handing { loops: 100, values: 100 },
        Part::Bytes(1 << 20),
    ];
    for (number, part) in within.iter().enumerate() {
        if let Err(e) = load(&bytes::with(part), &Limits::default()) {
            panic!("number {number}: {e}");
        }
    }
}

/// One that is within the limits and takes a compiler many seconds.
fn slow() -> Vec<u8> {
    bytes::with(&Part::Busy { functions: 100_000, additions: 30 })
}

/// A shell whose limits are below filmgate's own, so that the compiler meets them soon.
fn limited(shell: &Shell, limit: &str, file: &str) -> Command {
    let mut bash = Command::new("bash");
    let script = format!("{limit}; exec \"$0\" plugin inspect ./{file}");
    shell.settle(bash.arg("-c").arg(script).arg(filmgate_tests::hostile::program()));
    bash.env("FILMGATE_CACHE_DIR", "");
    bash
}

#[test]
fn a_compiler_out_of_time_or_memory_refuses_the_plugin_alone() {
    let shell = Shell::new();
    shell.write("slow.wasm", slow());
    let said = shell.say(&mut limited(&shell, "ulimit -S -t 2", "slow.wasm"));
    said.refused(12, &["slow.wasm", "too long", "ulimit -t"]);
    // Many functions take a compiler 800 MB, and the parent no more than to read the file.
    shell.write("large.wasm", bytes::with(&Part::Functions(140_000)));
    let said = shell.say(&mut limited(&shell, "ulimit -v 400000", "large.wasm"));
    said.refused(12, &["large.wasm", "too much memory"]);
}

#[test]
fn a_limit_for_files_is_the_machine_s_and_not_the_plugin_s_fault() {
    let shell = Shell::new();
    shell.write("small.wasm", bytes::with(&Part::Functions(1_000)));
    for blocks in [1, 64] {
        let said = shell.say(&mut limited(&shell, &format!("ulimit -f {blocks}"), "small.wasm"));
        said.refused(1, &["small.wasm"]);
    }
    // Compiled before, its memory is a file too.
    shell.filmgate("plugin inspect natural").done();
    let mut bash = Command::new("bash");
    let script = "ulimit -f 8; exec \"$0\" plugin inspect natural";
    shell.settle(bash.arg("-c").arg(script).arg(filmgate_tests::hostile::program()));
    shell.say(&mut bash).refused(1, &["natural", "this machine refused", "ulimit"]);
}

#[test]
fn a_signal_ends_compiling_at_once_and_leaves_no_compiler() {
    for (signal, expected) in [("INT", Some(130)), ("TERM", Some(130)), ("KILL", None)] {
        let shell = Shell::new();
        shell.write("slow.wasm", slow());
        let mut command = shell.command();
        command.args(["plugin", "inspect", "./slow.wasm"]).env("FILMGATE_CACHE_DIR", "");
        let mut child = command.stderr(Stdio::null()).spawn().expect("the program runs");
        let compiler = wait_for(|| children(child.id()).first().copied());
        let kill =
            Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        assert!(kill.expect("kill runs").success());
        let begun = Instant::now();
        assert_eq!(child.wait().expect("it ends").code(), expected, "{signal}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{signal}: {:?}", begun.elapsed());
        wait_for(|| (!is_alive(compiler)).then_some(()));
    }
}

/// Processes whose parent it is: the number behind the state (proc(5)).
fn children(id: u32) -> Vec<u32> {
    let parent = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<u32>().ok()
    };
    let all = std::fs::read_dir("/proc").expect("readable").flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| parent(*pid) == Some(id)).collect()
}

fn is_alive(id: u32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    !state.is_empty() && !state.contains(") Z ")
}

fn wait_for<T>(look: impl Fn() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "it did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A plugin folder with a sound one, one that is refused by its shape, and one whose compiler is
/// ended by a signal.
#[test]
fn list_and_doctor_show_the_bad_one_and_go_on() {
    let shell = Shell::new();
    shell.write("bad.wasm", bytes::with(&Part::NestedLoops(4_000)));
    shell.write("slow.wasm", slow());
    shell.write("sound.wasm", Module::default().component());
    let run = |verb: &str| {
        let mut bash = Command::new("bash");
        let script = format!("ulimit -S -t 3; exec \"$0\" {verb}");
        shell.settle(bash.arg("-c").arg(script).arg(filmgate_tests::hostile::program()));
        let folder = shell.folder();
        shell.say(bash.env("FILMGATE_CACHE_DIR", "").env("FILMGATE_PLUGIN_PATH", folder))
    };
    let list = run("plugin list").done().stdout;
    let line = |name: &str| list.lines().find(|l| l.trim_start().starts_with(name)).expect(name);
    assert!(line("sound").contains("1.0.0"), "{list}");
    assert!(line("bad").contains("200 loops"), "{list}");
    assert!(line("slow").contains("too long"), "{list}");
    let doctor = run("doctor");
    assert_eq!(doctor.code, Some(1), "{}", doctor.stdout);
    for part in ["1 plugins, 2 do not load", "200 loops", "too long"] {
        assert!(doctor.stdout.contains(part), "{}", doctor.stdout);
    }
}

/// The compiler itself, as the program starts it.
#[test]
fn a_compiler_takes_a_component_and_gives_code_or_a_reason() {
    let shell = Shell::new();
    let compile = |bytes: &[u8]| {
        let file = std::fs::File::open(shell.write("in.wasm", bytes)).expect("it is there");
        let program = filmgate_tests::hostile::program();
        let mut command = Command::new(program);
        command.arg("compile-plugin").stdin(file).output().expect("it runs")
    };
    let code = compile(&Module::default().component());
    assert!(code.status.success() && code.stdout.starts_with(b"\x7fELF"), "{code:?}");
    let damaged = compile(b"\0asm\x0d\0\x01\0\xff");
    assert_eq!(damaged.status.code(), Some(1));
    assert!(damaged.stdout.is_empty() && !damaged.stderr.is_empty());
    // Followed by recursion, down to the end of the stack: a signal, but not ours.
    assert_eq!(compile(&bytes::with(&Part::Types(200_000))).status.code(), None);
    let help = shell.filmgate("--help").done().stdout;
    assert!(!help.contains("compile-plugin"), "{help}");
}
