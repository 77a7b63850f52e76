//! A plugin cannot wait in the host: whatever it waits for is there at once, in every version of
//! WASI 0.2 that a plugin may have been built against.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use filmgate::frame::Plane;
use filmgate::plugin::{Filter, Limits};
use filmgate_tests::hostile::{Module, deadline, frame, stream};

/// The one that WASI 0.2 began with, those that toolchains of the last years ask for, and some
/// that do not exist yet.
const VERSIONS: [&str; 8] =
    ["0.2.0", "0.2.1", "0.2.3", "0.2.6", "0.2.9", "0.2.12", "0.2.13", "0.2.99"];

/// Far less than any of the waits, far more than a busy machine needs.
const AT_ONCE: Duration = Duration::from_secs(120);

const IMPORTS: &str = r#"
  (import "wasi:clocks/monotonic-clock@VERSION" "subscribe-duration"
    (func $after (param i64) (result i32)))
  (import "wasi:clocks/monotonic-clock@VERSION" "subscribe-instant"
    (func $at (param i64) (result i32)))
  (import "wasi:io/poll@VERSION" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/poll@VERSION" "[method]pollable.ready" (func $ready (param i32) (result i32)))
  (import "wasi:io/poll@VERSION" "poll" (func $poll (param i32 i32 i32)))
  (import "wasi:cli/stdin@VERSION" "get-stdin" (func $stdin (result i32)))
  (import "wasi:cli/stdout@VERSION" "get-stdout" (func $stdout (result i32)))
  (import "wasi:io/streams@VERSION" "[method]input-stream.blocking-read"
    (func $read (param i32 i64 i32)))
  (import "wasi:io/streams@VERSION" "[method]input-stream.blocking-skip"
    (func $skip (param i32 i64 i32)))
  (import "wasi:io/streams@VERSION" "[method]input-stream.subscribe"
    (func $subscribe (param i32) (result i32)))
  (import "wasi:io/streams@VERSION" "[method]output-stream.blocking-flush"
    (func $flush (param i32 i32)))
  (import "wasi:io/streams@VERSION" "[method]output-stream.blocking-splice"
    (func $splice (param i32 i32 i64 i32)))"#;

/// A filter that imports all that could wait, and does `wait` with each frame.
fn waiter(wait: &str) -> Module {
    let process = format!("{wait} (call $same (local.get $frame))");
    Module { imports: IMPORTS.to_owned(), ..Module::processing(&process) }
}

/// Runs it in each version. It must come back by itself: the deadline is longer than the test
/// allows. (On a thread of its own, which is left behind if it really waits.)
fn comes_back(what: &'static str, wait: &str) {
    let module = waiter(wait);
    let (done, is_done) = channel();
    let run = thread::spawn(move || {
        comes_back_in_each_version(what, &module);
        done.send(()).ok();
    });
    if is_done.recv_timeout(AT_ONCE) == Err(RecvTimeoutError::Timeout) {
        panic!("{what}: still waiting after {AT_ONCE:?}");
    }
    run.join().expect(what);
}

fn comes_back_in_each_version(what: &str, module: &Module) {
    let limits = Limits { deadline: Duration::from_secs(600), ..Limits::default() };
    let info = stream(8, 8);
    for version in VERSIONS {
        let plugin = module.load_with_wasi(version, &limits);
        let plugin = plugin.unwrap_or_else(|e| panic!("{what}, WASI {version}: {e}"));
        let mut filter = Filter::start(&plugin, &info, &[]).expect(what);
        let answer = filter.process(frame(&info, 0));
        assert_eq!(answer.map(|f| f.len()).map_err(|e| e.to_string()), Ok(1), "{what}, {version}");
    }
}

/// An hour in nanoseconds.
const HOUR: &str = "(i64.const 3600000000000)";

#[test]
fn blocking_on_a_timer_returns_at_once() {
    comes_back("block", &format!("(call $block (call $after {HOUR}))"));
    comes_back("block until", "(call $block (call $at (i64.const 9000000000000000000)))");
}

#[test]
fn polling_timers_returns_at_once() {
    comes_back(
        "poll",
        &format!(
            "(i32.store (i32.const 0x500) (call $after {HOUR}))
             (i32.store (i32.const 0x504) (call $at (i64.const -1)))
             (call $poll (i32.const 0x500) (i32.const 2) (i32.const 0x380))
             (if (i32.ne (i32.load (i32.const 0x384)) (i32.const 2)) (then (unreachable)))"
        ),
    );
    comes_back("poll of nothing", "(call $poll (i32.const 0) (i32.const 0) (i32.const 0x380))");
}

#[test]
fn waiting_until_a_timer_is_ready_ends() {
    comes_back(
        "ready",
        &format!(
            "(local.set $i (call $after {HOUR}))
             (loop $wait (br_if $wait (i32.eqz (call $ready (local.get $i)))))"
        ),
    );
}

#[test]
fn standard_input_has_ended_and_standard_output_never_blocks() {
    comes_back(
        "stdin",
        "(call $read (call $stdin) (i64.const 1000000) (i32.const 0x380))
         (if (i32.ne (i32.load8_u (i32.const 0x380)) (i32.const 1)) (then (unreachable)))
         (call $skip (call $stdin) (i64.const 1000000) (i32.const 0x380))
         (if (i32.ne (i32.load8_u (i32.const 0x380)) (i32.const 1)) (then (unreachable)))
         (call $block (call $subscribe (call $stdin)))",
    );
    comes_back(
        "stdout",
        "(call $flush (call $stdout) (i32.const 0x380))
         (call $splice (call $stdout) (call $stdin) (i64.const 1000000) (i32.const 0x380))",
    );
}

/// A guest without any import that waits, but which looks at the clock until an hour has passed.
#[test]
fn a_clock_that_is_looked_at_moves_on_and_real_time_does_not_matter() {
    let now = r#"(import "wasi:clocks/monotonic-clock@VERSION" "now" (func $now (result i64)))"#;
    let module = Module {
        imports: now.to_owned(),
        // 10 minutes are 600,000 looks. The answer's first sample is how often it looked, in
        // units of 10,000.
        process: "(local.set $l (i64.add (call $now) (i64.const 600000000000)))
             (loop $wait (local.set $i (i32.add (local.get $i) (i32.const 1)))
               (br_if $wait (i64.lt_u (call $now) (local.get $l))))
             (i32.store8 (i32.const 0x500) (i32.div_u (local.get $i) (i32.const 10000)))
             (call $set-plane (local.get $frame) (i32.const 0) (i32.const 0x500) (i32.const 1))
             (call $same (local.get $frame))"
            .to_owned(),
        ..Module::default()
    };
    let info = stream(1, 1);
    for _ in 0..2 {
        let plugin = module.load_with_wasi("0.2.0", &deadline(60_000)).expect("loads");
        let mut filter = Filter::start(&plugin, &info, &[]).expect("starts");
        let answer = filter.process(frame(&info, 0)).expect("comes back");
        let planes: Vec<_> =
            answer.iter().flat_map(|f| f.planes.iter().map(Plane::to_packed)).collect();
        assert_eq!(planes, [[60]]);
    }
}
