//! No file, no environment, no argument, no network: WASI is linked, and there is nothing behind
//! it. One test for each of its interfaces.

use filmgate::frame::Plane;
use filmgate::plugin::{Failure, Filter, Limits, PluginError};
use filmgate_tests::hostile::{Module, component, failure, frame, load, stream};

/// Samples of the frame that a guest writes down in what it found.
const REPORT: u32 = 64;

/// What a guest that imports WASI reports about each of two frames, and again from a second
/// instance: the memory from 0x500 on, after `look`.
fn reports(imports: &str, look: &str) -> Vec<Vec<u8>> {
    reports_with(&Limits::default(), imports, look)
}

fn reports_with(limits: &Limits, imports: &str, look: &str) -> Vec<Vec<u8>> {
    let process = format!(
        "(memory.fill (i32.const 0x500) (i32.const 0xee) (i32.const {REPORT}))
         {look}
         (call $set-plane (local.get $frame) (i32.const 0) (i32.const 0x500) (i32.const {REPORT}))
         (call $same (local.get $frame))"
    );
    let module = Module { imports: imports.to_owned(), ..Module::processing(&process) };
    let plugin = module.load_with_wasi("0.2.3", limits).expect("loads");
    let info = stream(REPORT, 1);
    let mut reports = Vec::new();
    for _ in 0..2 {
        let mut filter = Filter::start(&plugin, &info, &[]).expect("starts");
        for index in 0..2 {
            let answer = filter.process(frame(&info, index)).expect("works");
            reports.extend(answer.iter().flat_map(|f| f.planes.iter().map(Plane::to_packed)));
        }
    }
    assert_eq!(reports.len(), 4);
    reports
}

/// A result or list that starts with these bytes, each time.
fn always(imports: &str, look: &str, start: &[u8]) {
    for report in reports(imports, look) {
        assert_eq!(&report[..start.len()], start, "{look}");
    }
}

/// An import of a function whose answer is written to memory.
fn import(interface: &str, name: &str, parameters: &str) -> String {
    format!(r#"(import "wasi:{interface}@VERSION" "{name}" (func $it (param {parameters} i32)))"#)
}

#[test]
fn filesystem_preopens_is_empty() {
    let it = import("filesystem/preopens", "get-directories", "");
    // The length of the list.
    for report in reports(&it, "(call $it (i32.const 0x500))") {
        assert_eq!(report[4..8], [0; 4]);
    }
}

#[test]
fn environment_is_empty() {
    // Something is there in the host.
    assert!(std::env::vars_os().next().is_some() && std::env::args_os().next().is_some());
    for name in ["get-environment", "get-arguments"] {
        let it = import("cli/environment", name, "");
        for report in reports(&it, "(call $it (i32.const 0x500))") {
            assert_eq!(report[4..8], [0; 4], "{name}");
        }
    }
    let it = import("cli/environment", "initial-cwd", "");
    always(&it, "(call $it (i32.const 0x500))", &[0]);
}

#[test]
fn a_grant_opens_what_it_names_and_nothing_else() {
    let granted = |text: &str| {
        let mut limits = Limits::default();
        limits.grants.add(text).expect("a capability");
        limits
    };
    let environment = import("cli/environment", "get-environment", "");
    let look = "(call $it (i32.const 0x500))";
    let count = |text: &str| {
        let report = reports_with(&granted(text), &environment, look).remove(0);
        u32::from_le_bytes(report[4..8].try_into().expect("four bytes"))
    };
    assert_eq!((count("env=PATH"), count("env=NOT-THERE"), count("clock")), (1, 0, 0));
    let wall = import("clocks/wall-clock", "now", "");
    let seconds = |text: &str| {
        let report = reports_with(&granted(text), &wall, look).remove(0);
        u64::from_le_bytes(report[..8].try_into().expect("eight bytes"))
    };
    assert!(seconds("clock") > 1_700_000_000 && seconds("random") < 1_000_000_000);
    let random =
        r#"(import "wasi:random/random@VERSION" "get-random-u64" (func $it (result i64)))"#;
    let look = "(i64.store (i32.const 0x500) (call $it))";
    let differ = |text: &str| {
        let reports = reports_with(&granted(text), random, look);
        reports[..2] != reports[2..]
    };
    assert!(differ("random") && !differ("clock"));
}

#[test]
fn stdin_has_ended() {
    let imports = r#"
      (import "wasi:cli/stdin@VERSION" "get-stdin" (func $stdin (result i32)))
      (import "wasi:io/streams@VERSION" "[method]input-stream.read"
        (func $read (param i32 i64 i32)))"#;
    // An error, and of its cases the second: closed.
    let look = "(call $read (call $stdin) (i64.const 1000) (i32.const 0x500))
        (i32.store8 (i32.const 0x501) (i32.load8_u (i32.const 0x504)))";
    always(imports, look, &[1, 1]);
}

#[test]
fn stdin_stdout_and_stderr_are_no_terminals() {
    for name in ["stdin", "stdout", "stderr"] {
        let it = import(&format!("cli/terminal-{name}"), &format!("get-terminal-{name}"), "");
        always(&it, "(call $it (i32.const 0x500))", &[0]);
    }
}

/// `error-code.access-denied`
const DENIED: u8 = 1;

#[test]
fn tcp_sockets_are_denied() {
    let it = import("sockets/tcp-create-socket", "create-tcp-socket", "i32");
    for family in [0, 1] {
        let look = format!(
            "(call $it (i32.const {family}) (i32.const 0x500))
             (i32.store8 (i32.const 0x501) (i32.load8_u (i32.const 0x504)))"
        );
        always(&it, &look, &[1, DENIED]);
    }
}

#[test]
fn udp_sockets_are_denied() {
    let it = import("sockets/udp-create-socket", "create-udp-socket", "i32");
    for family in [0, 1] {
        let look = format!(
            "(call $it (i32.const {family}) (i32.const 0x500))
             (i32.store8 (i32.const 0x501) (i32.load8_u (i32.const 0x504)))"
        );
        always(&it, &look, &[1, DENIED]);
    }
}

#[test]
fn name_lookup_is_denied() {
    let imports = r#"
      (import "wasi:sockets/instance-network@VERSION" "instance-network"
        (func $network (result i32)))
      (import "wasi:sockets/ip-name-lookup@VERSION" "resolve-addresses"
        (func $resolve (param i32 i32 i32 i32)))"#;
    let look = r#"
      (i32.store (i32.const 0x600) (i32.const 0x61636f6c)) ;; loca
      (i32.store (i32.const 0x604) (i32.const 0x736f686c)) ;; lhos
      (i32.store8 (i32.const 0x608) (i32.const 0x74)) ;; t
      (call $resolve (call $network) (i32.const 0x600) (i32.const 9) (i32.const 0x500))"#;
    for report in reports(imports, look) {
        // Which error it is, says WASI's host; an error it is.
        assert_eq!(report[0], 1);
    }
}

#[test]
fn random_numbers_are_the_same_in_every_instance() {
    let cases = [
        (
            r#"(import "wasi:random/random@VERSION" "get-random-u64" (func $it (result i64)))"#,
            "(i64.store (i32.const 0x500) (call $it))",
        ),
        (
            r#"(import "wasi:random/insecure@VERSION" "get-insecure-random-u64"
              (func $it (result i64)))"#,
            "(i64.store (i32.const 0x500) (call $it))",
        ),
        (
            r#"(import "wasi:random/random@VERSION" "get-random-bytes"
              (func $it (param i64 i32)))"#,
            "(call $it (i64.const 48) (i32.const 0x600))
             (memory.copy (i32.const 0x500) (i32.load (i32.const 0x600)) (i32.const 48))",
        ),
        (
            r#"(import "wasi:random/insecure-seed@VERSION" "insecure-seed"
              (func $it (param i32)))"#,
            "(call $it (i32.const 0x500))",
        ),
    ];
    for (imports, look) in cases {
        let reports = reports(imports, look);
        assert_eq!(reports[..2], reports[2..], "{look}");
        assert_ne!(reports[0][..8], [0xee; 8], "{look}");
    }
}

#[test]
fn an_absurd_number_of_random_bytes_ends_the_instance_only() {
    let imports = r#"(import "wasi:random/random@VERSION" "get-random-bytes"
        (func $it (param i64 i32)))"#;
    for amount in ["70000", "1000000000000", "-1"] {
        let process = format!("(call $it (i64.const {amount}) (i32.const 0x600)) (unreachable)");
        let module = Module { imports: imports.to_owned(), ..Module::processing(&process) };
        let plugin = module.load_with_wasi("0.2.0", &Limits::default()).expect("loads");
        let info = stream(1, 1);
        let mut filter = Filter::start(&plugin, &info, &[]).expect("starts");
        let error = filter.process(frame(&info, 0)).expect_err("too many").to_string();
        assert!(!error.contains("unreachable"), "{amount}: it was given them: {error}");
    }
}

#[test]
fn an_absurd_number_of_zeroes_to_stdout_ends_the_instance_only() {
    let imports = r#"
      (import "wasi:cli/stdout@VERSION" "get-stdout" (func $stdout (result i32)))
      (import "wasi:io/streams@VERSION" "[method]output-stream.write-zeroes"
        (func $it (param i32 i64 i32)))"#;
    let process = "(call $it (call $stdout) (i64.const 1000000000000) (i32.const 0x600))
        (unreachable)";
    let module = Module { imports: imports.to_owned(), ..Module::processing(process) };
    let plugin = module.load_with_wasi("0.2.0", &Limits::default()).expect("loads");
    let info = stream(1, 1);
    let mut filter = Filter::start(&plugin, &info, &[]).expect("starts");
    let error = filter.process(frame(&info, 0)).expect_err("too many").to_string();
    assert!(!error.contains("unreachable"), "it could write them: {error}");
}

#[test]
fn clocks_are_virtual_and_the_same_in_every_instance() {
    let monotonic =
        r#"(import "wasi:clocks/monotonic-clock@VERSION" "now" (func $it (result i64)))"#;
    let first = reports(monotonic, "(i64.store (i32.const 0x500) (call $it))");
    assert_eq!(first[..2], first[2..]);
    let wall = import("clocks/wall-clock", "now", "");
    let second = reports(&wall, "(call $it (i32.const 0x500))");
    assert_eq!(second[..2], second[2..]);
    let seconds = u64::from_le_bytes(second[0][..8].try_into().expect("eight bytes"));
    assert_eq!(seconds, 946_684_800, "2000-01-01");
}

#[test]
fn exit_ends_the_instance_and_not_the_host() {
    let it = r#"(import "wasi:cli/exit@VERSION" "exit" (func $it (param i32)))"#;
    for status in [0, 1] {
        let process = format!("(call $it (i32.const {status})) (unreachable)");
        let module = Module { imports: it.to_owned(), ..Module::processing(&process) };
        let plugin = module.load_with_wasi("0.2.0", &Limits::default()).expect("loads");
        let info = stream(1, 1);
        let mut filter = Filter::start(&plugin, &info, &[]).expect("starts");
        let error = filter.process(frame(&info, 0)).expect_err("it ended itself");
        let text = error.to_string();
        assert!(text.contains(&format!("ended itself with status {status}")), "{text}");
        assert!(matches!(failure(&error), Some(Failure::Trap(_))));
        assert!(Filter::start(&plugin, &info, &[]).is_ok(), "another instance goes on");
    }
}

#[test]
fn what_is_neither_wasi_nor_ours_is_refused_with_its_name() {
    let component = wat::parse_str(
        r#"(component
          (import "acme:secrets/vault@1.0.0" (instance (export "open" (func))))
          (core module $m (func (export "f")))
          (core instance $i (instantiate $m))
          (func $f (canon lift (core func $i "f")))
          (instance $e (export "describe" (func $f)))
          (export "filmgate:plugin/filter@0.1.0" (instance $e)))"#,
    )
    .expect("a component");
    let error = load(&component, &Limits::default()).err().expect("refused");
    assert!(matches!(error, PluginError::WrongInterface { .. }), "{error}");
    assert!(error.to_string().contains("acme:secrets/vault@1.0.0"), "{error}");
}

/// WASI interfaces beyond those of a command are not linked at all.
#[test]
fn http_is_not_there() {
    let component = wat::parse_str(
        r#"(component
          (import "wasi:http/types@0.2.0" (instance (export "fields" (type (sub resource)))))
          (core module $m (func (export "f")))
          (core instance $i (instantiate $m))
          (func $f (canon lift (core func $i "f")))
          (instance $e (export "describe" (func $f)))
          (export "filmgate:plugin/filter@0.1.0" (instance $e)))"#,
    )
    .expect("a component");
    let error = load(&component, &Limits::default()).err().expect("refused");
    assert!(matches!(error, PluginError::WrongInterface { .. }), "{error}");
    assert!(error.to_string().contains("wasi:http/types"), "{error}");
    // A sound one loads, so that it was not something else.
    let sound = component_without_imports();
    assert!(load(&sound, &Limits::default()).is_ok());
}

fn component_without_imports() -> Vec<u8> {
    component(&Module::default().text(), "filter-plugin")
}
