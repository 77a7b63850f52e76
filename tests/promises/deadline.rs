//! A plugin that never returns is stopped.
//!
//! What is asserted about time is generous, since a loaded machine may stop the test itself for
//! a while; what was measured is printed (`--nocapture`).

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering as Atomic};
use std::thread;
use std::time::{Duration, Instant};

use filmgate::frame::Plane;
use filmgate::plugin::{Failure, Filter, Limits, Naming, Ordering, Plugin, PluginError, Request};
use filmgate::plugin::{Item, TICK};
use filmgate_tests::hostile::{Module, Policy, deadline, failure, frame, load, patiently, stream};

const LOOP: &str = "(loop $for_ever (br $for_ever)) (unreachable)";

/// What a looping plugin is given to do, up to the call that does not return.
type Run = fn(&Plugin) -> Result<(), PluginError>;

/// The deadline of the runs, in milliseconds.
const SHORT: u64 = 20;

/// What a run may take longer than its deadline before the test fails: far more than two ticks,
/// since the machine may be busy with something else.
const ALLOWANCE: Duration = Duration::from_secs(20);

/// What the median of many runs may take longer.
const MEDIAN_ALLOWANCE: Duration = Duration::from_secs(1);

fn is_late(error: &PluginError) -> bool {
    matches!(failure(error), Some(Failure::Deadline(_)))
}

fn start_filter(plugin: &Plugin) -> Result<(), PluginError> {
    Filter::start(plugin, &stream(8, 8), &[]).map(drop)
}

fn process(plugin: &Plugin) -> Result<(), PluginError> {
    let info = stream(8, 8);
    Filter::start(plugin, &info, &[])?.process(frame(&info, 0)).map(drop)
}

fn flush(plugin: &Plugin) -> Result<(), PluginError> {
    Filter::start(plugin, &stream(8, 8), &[])?.flush().map(drop)
}

fn name(plugin: &Plugin) -> Result<(), PluginError> {
    let request = Request { sources: vec![Item::default()], ..Request::default() };
    Naming::start(plugin, &[])?.name(&request).map(drop)
}

fn order(plugin: &Plugin) -> Result<(), PluginError> {
    Ordering::start(plugin, &[])?.order(&[]).map(drop)
}

/// Every export that can be loaded and loops later, and how to get there.
fn loopers() -> Vec<(&'static str, Vec<u8>, Run)> {
    let base = Module::default;
    // A frame asked for its plane makes the host call the guest's allocator.
    let realloc = Module {
        process: "(call $plane (local.get $frame) (i32.const 0) (i32.const 0x380)) (call $none)"
            .to_owned(),
        // The host's strings for `configure` still get their memory: 8 x 8 samples do not.
        realloc: format!(
            "(if (i32.eq (local.get $size) (i32.const 64)) (then {LOOP})) \
             (call $bump (local.get $align) (local.get $size))"
        ),
        ..base()
    };
    // `describe` returns too, so only the second time.
    let post = Module {
        post: format!("(if (global.get $counter) (then {LOOP}))"),
        process: "(global.set $counter (i32.const 1)) (call $same (local.get $frame))".to_owned(),
        ..base()
    };
    let policy = Policy { answer: LOOP.to_owned(), ..Policy::default() };
    let unset = Policy { configure: LOOP.to_owned(), ..Policy::default() };
    vec![
        ("configure", Module { configure: LOOP.to_owned(), ..base() }.component(), start_filter),
        ("process", Module::processing(LOOP).component(), process),
        ("flush", Module::serial("(call $none)", LOOP).component(), flush),
        ("realloc", realloc.component(), process),
        ("post-return", post.component(), process),
        ("name", policy.naming(), name),
        ("configure of naming", unset.naming(), name),
        ("order", policy.ordering(), order),
        ("configure of ordering", unset.ordering(), order),
    ]
}

/// A sound plugin at work beside the hostile ones: every picture comes back as it should, as
/// long as `stop` is not set. Answers how many did.
fn work_undisturbed(stop: &AtomicBool) -> u64 {
    // 255 minus each sample.
    let invert = Module::processing(
        "(call $plane (local.get $frame) (i32.const 0) (i32.const 0x380))
         (local.set $i (i32.load (i32.const 0x380)))
         (local.set $j (i32.add (local.get $i) (i32.load (i32.const 0x384))))
         (local.set $k (local.get $i))
         (loop $next
           (i32.store8 (local.get $k) (i32.sub (i32.const 255) (i32.load8_u (local.get $k))))
           (br_if $next (i32.lt_u
             (local.tee $k (i32.add (local.get $k) (i32.const 1))) (local.get $j))))
         (call $set-plane (local.get $frame) (i32.const 0)
           (local.get $i) (i32.sub (local.get $j) (local.get $i)))
         (call $same (local.get $frame))",
    );
    let plugin = invert.load(&deadline(10_000)).expect("a sound plugin");
    let info = stream(64, 64);
    let mut filter = Filter::start(&plugin, &info, &[]).expect("a sound plugin");
    let mut done = 0;
    while !stop.load(Atomic::Relaxed) {
        let answer = filter.process(frame(&info, done)).expect("an answer in time");
        let planes: Vec<Vec<u8>> =
            answer.iter().flat_map(|f| f.planes.iter().map(Plane::to_packed)).collect();
        assert_eq!(planes, [vec![255 - done as u8; 64 * 64]], "frame {done}");
        done += 1;
        thread::sleep(Duration::from_millis(1));
    }
    done
}

/// Prints how much longer than their deadline runs took.
fn report(what: &str, late: &mut [Duration]) {
    late.sort_unstable();
    let at = |part: usize| late[(late.len() - 1) * part / 100].as_secs_f64() * 1e3;
    println!(
        "{what}: {} runs, stopped after the deadline by {:.1} ms (median), {:.1} (99 %), {:.1} (most)",
        late.len(),
        at(50),
        at(99),
        at(100)
    );
}

#[test]
fn a_loop_in_any_export_is_stopped_a_thousand_times() {
    let plugins: Vec<(&str, Plugin, Run)> = loopers()
        .into_iter()
        .map(|(what, component, run)| {
            let plugin = patiently(|| load(&component, &deadline(SHORT)));
            (what, plugin.unwrap_or_else(|e| panic!("{what}: {e}")), run)
        })
        .collect();
    const RUNS: u64 = 1000;
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let late = Mutex::new(Vec::new());
    let frames = thread::scope(|scope| {
        let sound = scope.spawn(|| work_undisturbed(&stop));
        let hostile: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    loop {
                        let run = next.fetch_add(1, Atomic::Relaxed);
                        if run >= RUNS {
                            return;
                        }
                        let (what, plugin, go) = &plugins[run as usize % plugins.len()];
                        let start = Instant::now();
                        let error = go(plugin).expect_err(what);
                        let took = start.elapsed();
                        assert!(is_late(&error), "{what}: {error}");
                        assert!(
                            took < Duration::from_millis(SHORT) + ALLOWANCE,
                            "{what}: {took:?}"
                        );
                        let over = took.saturating_sub(Duration::from_millis(SHORT));
                        late.lock().expect("no panic").push(over);
                    }
                })
            })
            .collect();
        let ended: Vec<_> = hostile.into_iter().map(|t| t.join()).collect();
        stop.store(true, Atomic::Relaxed);
        let frames = sound.join().expect("the sound plugin was not disturbed");
        assert!(ended.iter().all(Result::is_ok), "a run went wrong");
        frames
    });
    let mut late = late.into_inner().expect("no panic");
    report("loops", &mut late);
    assert!(late[late.len() / 2] < MEDIAN_ALLOWANCE, "{:?}", late[late.len() / 2]);
    println!("a sound plugin took {frames} pictures meanwhile, each of them right");
    assert!(frames > 100, "a sound plugin got only {frames} pictures done meanwhile");
}

#[test]
fn a_loop_in_describe_or_the_start_function_ends_the_loading() {
    let describe = Module { describe: LOOP.to_owned(), ..Module::default() };
    let start = Module { start: LOOP.to_owned(), ..Module::default() };
    let post = Module { post: LOOP.to_owned(), ..Module::default() };
    let policy = Policy { describe: LOOP.to_owned(), ..Policy::default() };
    let policy_start = Policy { start: LOOP.to_owned(), ..Policy::default() };
    let all = [
        ("describe", describe.component()),
        ("start", start.component()),
        ("the post-return of describe", post.component()),
        ("describe of naming", policy.naming()),
        ("start of naming", policy_start.naming()),
        ("describe of ordering", policy.ordering()),
        ("start of ordering", policy_start.ordering()),
    ];
    for (what, component) in all {
        for _ in 0..5 {
            let start = Instant::now();
            let error = load(&component, &deadline(SHORT)).err();
            let error = error.unwrap_or_else(|| panic!("{what}: loaded"));
            assert!(is_late(&error), "{what}: {error}");
            assert!(start.elapsed() < Duration::from_millis(SHORT) + ALLOWANCE, "{what}");
        }
    }
}

#[test]
fn a_deadline_counts_for_each_call_and_not_for_all_together() {
    // Some milliseconds of counting a call, and two deadlines in all.
    let busy = Module::processing(
        "(loop $next (br_if $next (i32.lt_u
           (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3000000))))
         (call $same (local.get $frame))",
    );
    let limit = Duration::from_secs(2);
    let plugin = busy.load(&Limits { deadline: limit, ..Limits::default() }).expect("sound");
    let info = stream(8, 8);
    let mut filter = Filter::start(&plugin, &info, &[]).expect("sound");
    let start = Instant::now();
    for index in 0.. {
        assert_eq!(filter.process(frame(&info, index)).expect("in time").len(), 1);
        if start.elapsed() > 2 * limit {
            break;
        }
    }
}

/// One bulk instruction, or one call of the host, is not broken off in the middle; the deadline
/// is looked at behind it.
#[test]
fn bulk_operations_delay_the_deadline_by_one_of_them_at_most() {
    let for_ever = |body: &str| format!("(loop $again {body} (br $again)) (unreachable)");
    let big = |process: String, fields: &str| Module {
        // All but a page of the 256 MiB.
        memory: "4 4000".to_owned(),
        fields: fields.to_owned(),
        process: format!("(drop (memory.grow (i32.const 3000))) {process}"),
        ..Module::default()
    };
    let all = [
        (
            "memory.fill of 187 MiB",
            big(
                for_ever("(memory.fill (i32.const 0x10000) (i32.const 7) (i32.const 196000000))"),
                "",
            ),
        ),
        (
            "memory.copy of 93 MiB",
            big(
                for_ever(
                    "(memory.copy (i32.const 0x10000) (i32.const 98000000) (i32.const 98000000))",
                ),
                "",
            ),
        ),
        (
            "table.fill of 4 million elements",
            big(
                for_ever("(table.fill $t (i32.const 0) (ref.null func) (i32.const 4000000))"),
                "(table $t 4000000 funcref)",
            ),
        ),
        (
            "memory.grow, refused for ever",
            big(for_ever("(drop (memory.grow (i32.const 60000)))"), ""),
        ),
        (
            "a plane of 16 MiB fetched",
            Module {
                process: for_ever(
                    "(call $forget)
                     (call $plane (local.get $frame) (i32.const 0) (i32.const 0x380))",
                ),
                ..Module::default()
            },
        ),
        (
            "messages of 4 MiB logged",
            big(for_ever("(call $log (i32.const 0) (i32.const 0x10000) (i32.const 4000000))"), ""),
        ),
    ];
    let info = stream(4096, 4096);
    for (what, module) in all {
        let plugin = patiently(|| module.load(&deadline(SHORT)));
        let plugin = plugin.unwrap_or_else(|e| panic!("{what}: {e}"));
        let mut late = Vec::new();
        for _ in 0..5 {
            let mut filter = patiently(|| Filter::start(&plugin, &info, &[])).expect(what);
            let picture = frame(&info, 0);
            let start = Instant::now();
            let error = filter.process(picture).expect_err(what);
            late.push(start.elapsed().saturating_sub(Duration::from_millis(SHORT)));
            assert!(is_late(&error), "{what}: {error}");
        }
        report(what, &mut late);
        assert!(late.iter().all(|l| *l < ALLOWANCE), "{what}: {late:?}");
    }
    println!("a tick is {} ms", TICK.as_millis());
}
