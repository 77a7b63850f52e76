//! Deep recursion traps, on every thread that the host runs plugins on.

use std::thread;

use filmgate::plugin::{Failure, Filter, Limits, PluginError};
use filmgate_tests::hostile::bytes::{self, Part};
use filmgate_tests::hostile::{Module, failure, frame, load, stream};

/// A function that calls itself for ever, with some locals so that frames are large.
const ENDLESS: &str = "(func $deep (param i32 i64 i64 f64 v128) (result i32)
    (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (i32.const 1))
      (local.get 1) (local.get 2) (local.get 3) (local.get 4))))";

const CALL: &str = "(drop (call $deep (i32.const 0) (i64.const 0) (i64.const 0) (f64.const 0)
    (v128.const i64x2 0 0)))";

/// One in each export, and one that goes down through a table and back up through the host.
fn recursing() -> Vec<(&'static str, Module)> {
    let base = || Module { fields: ENDLESS.to_owned(), ..Module::default() };
    let with = |body: &str| format!("{CALL} {body}");
    vec![
        ("process", Module { process: with("(call $same (local.get $frame))"), ..base() }),
        ("flush", Module { flush: with("(call $none)"), serial: true, ..base() }),
        (
            "realloc",
            Module {
                process: "(call $plane (local.get $frame) (i32.const 0) (i32.const 0x380))
                    (call $none)"
                    .to_owned(),
                realloc: format!(
                    "(if (i32.eq (local.get $size) (i32.const 64)) (then {CALL}))
                     (call $bump (local.get $align) (local.get $size))"
                ),
                ..base()
            },
        ),
        (
            "an indirect call",
            Module {
                fields: "(type $f (func (param i32) (result i32)))
                    (table 1 funcref) (elem (i32.const 0) $itself)
                    (func $itself (type $f)
                      (i32.add (i32.const 1)
                        (call_indirect (type $f) (local.get 0) (i32.const 0))))"
                    .to_owned(),
                process: "(drop (call $itself (i32.const 1))) (call $none)".to_owned(),
                ..Module::default()
            },
        ),
    ]
}

fn run(what: &str, module: &Module) {
    let plugin = module.load(&Limits::default()).unwrap_or_else(|e| panic!("{what}: {e}"));
    let info = stream(8, 8);
    for _ in 0..20 {
        let mut filter = Filter::start(&plugin, &info, &[]).expect(what);
        let error = match what {
            "flush" => filter.flush().expect_err(what),
            _ => filter.process(frame(&info, 0)).expect_err(what),
        };
        match failure(&error) {
            Some(Failure::Trap(text)) => assert!(text.contains("stack"), "{what}: {text}"),
            _ => panic!("{what}: {error}"),
        }
    }
}

fn run_all() {
    for (what, module) in recursing() {
        run(what, &module);
    }
}

/// On stacks as the workers of a job have them (4 MiB), and on smaller ones.
#[test]
fn recursion_traps_on_worker_threads() {
    for stack in [4 << 20, 2 << 20, 1 << 20] {
        let builder = thread::Builder::new().name(format!("{} KiB", stack >> 10));
        let thread = builder.stack_size(stack).spawn(run_all).expect("a thread");
        thread.join().unwrap_or_else(|_| panic!("on a stack of {stack} bytes"));
    }
}

/// The program's main thread loads plugins, and names and orders files.
#[test]
fn recursion_traps_on_the_main_thread() {
    let folder = tempfile::tempdir().expect("a folder");
    for (what, part) in [("describe", true), ("start", false)] {
        let mut module = Module { fields: ENDLESS.to_owned(), ..Module::default() };
        let to = if part { &mut module.describe } else { &mut module.start };
        *to = format!("{CALL} {to}");
        let path = folder.path().join(format!("{what}.wasm"));
        std::fs::write(&path, module.component()).expect("written");
        let output = std::process::Command::new(filmgate_tests::hostile::program())
            .args(["plugin", "inspect"])
            .arg(&path)
            .env("FILMGATE_CACHE_DIR", "")
            .output()
            .expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(14), "{what}: {said}");
        assert!(said.contains("stack"), "{what}: {said}");
    }
}

#[test]
fn recursion_in_describe_and_start_ends_the_loading() {
    for what in ["describe", "start", "configure"] {
        let mut module = Module { fields: ENDLESS.to_owned(), ..Module::default() };
        match what {
            "describe" => module.describe = format!("{CALL} {}", module.describe),
            "start" => module.start = CALL.to_owned(),
            _ => module.configure = format!("{CALL} {}", module.configure),
        }
        let result = module
            .load(&Limits::default())
            .and_then(|plugin| Filter::start(&plugin, &stream(8, 8), &[]).map(drop));
        let error = result.expect_err(what);
        assert!(error.to_string().contains("stack"), "{what}: {error}");
    }
}

/// Components inside components, which a parser or a compiler could follow down too far. They
/// lie in a sound plugin, so that nothing but their depth is the reason.
#[test]
fn a_component_nested_ten_thousand_deep_is_refused() {
    for depth in [1, 32, 33, 500, 10_000] {
        let component = bytes::with(&Part::Components(depth));
        match (depth <= 32, load(&component, &Limits::default())) {
            (true, Ok(plugin)) => assert_eq!(plugin.name(), "hostile"),
            (false, Err(PluginError::NotAComponent { reason, .. })) => {
                assert!(reason.contains("32 components inside one another"), "{depth}: {reason}");
            }
            (_, other) => panic!("{depth}: {:?}", other.map(|p| p.name().to_owned())),
        }
    }
}

/// Blocks inside blocks: code that a parser or a compiler could follow down too far.
#[test]
fn code_nested_deep_is_refused_or_runs() {
    for depth in [1_000, 30_000] {
        let (open, close) = ("block ".repeat(depth), "end ".repeat(depth));
        let module = Module::processing(&format!("{open} {close} (call $same (local.get $frame))"));
        match module.load(&Limits::default()) {
            Err(PluginError::NotAComponent { reason, .. }) => println!("{depth}: {reason}"),
            Err(e) => panic!("{depth}: {e}"),
            Ok(plugin) => {
                let info = stream(1, 1);
                let mut filter = Filter::start(&plugin, &info, &[]).expect("sound");
                assert_eq!(filter.process(frame(&info, 0)).expect("sound").len(), 1);
            }
        }
    }
}
