//! What the contract lets a plugin say and do, beyond one frame in and one frame out: frames that
//! stand for others, times beyond 2^53, how far a filter looks, other parameters for a chain that
//! runs, and what a plugin requires.

use std::sync::Arc;
use std::time::Duration;

use filmgate::cancel::Cancel;
use filmgate::engine::graph::Progress;
use filmgate::engine::{Surroundings, prepare};
use filmgate::frame::{Frame, Tags};
use filmgate::plugin::{
    Filter, Limits, OnFailure, Plugin, PluginError, Supervisor, Value, resolve,
};
use filmgate::{JobSpec, Verb};
use filmgate_tests::hostile::{Module, built_in, clip, engine, frame, load, stream};
use serde_json::json;

use super::determinism::{frames, through};

fn bundled(name: &str) -> Arc<Plugin> {
    let plugin = Plugin::load(engine(), &built_in(name), &Limits::default());
    Arc::new(plugin.unwrap_or_else(|e| panic!("{e}")))
}

fn parameters(plugin: &Plugin, given: &[(&str, &str)]) -> Vec<(String, Value)> {
    let given: Vec<_> = given.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    resolve(&plugin.description, &given).expect("as the plugin describes them")
}

/// A copy of the frame, made by `make`: `$at` is where its facts lie.
fn copying(make: &str) -> Module {
    Module {
        imports: r#"(import "filmgate:plugin/frames@0.1.0" "[static]frame.like" (func $like
            (param i32 i32 i32 i32 i32 i64 i64 i32 i64) (result i32)))"#
            .to_owned(),
        ..Module::processing(&format!(
            "(call $info (local.get $frame) (i32.const 0x600))
             (local.set $i ({make}
               (i32.load (i32.const 0x600)) (i32.load (i32.const 0x604))
               (i32.load (i32.const 0x608)) (i32.load (i32.const 0x60c))
               (i64.load (i32.const 0x610)) (i64.load (i32.const 0x618))
               (i32.load8_u (i32.const 0x620)) (i64.load (i32.const 0x628))))
             (call $drop (local.get $frame))
             (call $same (local.get $i))"
        ))
    }
}

#[test]
fn a_frame_stands_for_another_where_the_plugin_says_so() {
    let info = stream(4, 2);
    for (make, kept) in [("call $like (local.get $frame)", true), ("call $new", false)] {
        let plugin = copying(make).load(&Limits::default()).expect("loads");
        let mut filter = Filter::start(&plugin, &info, &[]).expect("starts");
        let mut given = frame(&info, 7);
        given.tags = Some(Box::new(Tags::from([("a".to_owned(), "b".to_owned())])));
        given.baggage = Some(Arc::new(5_u8));
        let made = filter.process(given).expect("works").remove(0);
        assert_eq!((made.index, made.planes[0].to_packed()), (7, vec![0; 8]));
        assert_eq!(made.tags.is_some(), kept, "{make}");
        assert_eq!(made.baggage.is_some(), kept, "{make}");
    }
}

/// Nanoseconds reach 2^53 after 104 days.
#[test]
fn a_live_stream_goes_on_for_longer_than_105_days() {
    let day = 86_400_000_000_000;
    let info = stream(4, 2);
    let plugin = copying("call $new").load(&Limits::default()).expect("loads");
    let mut filter = Filter::start(&plugin, &info, &[]).expect("starts");
    for (index, timestamp) in (0..).zip([0, 105 * day, 105 * day + 40_000_000, 36_500 * day]) {
        let given = Frame { timestamp, ..frame(&info, index) };
        assert_eq!(filter.process(given).expect("works")[0].timestamp, timestamp);
    }
}

/// What comes out for each frame of a stream that begins with frame `first`.
fn from(plugin: &Plugin, values: &[(String, Value)], first: u64) -> Vec<(u64, Vec<u8>)> {
    let info = stream(48, 32);
    let mut filter = Filter::start(plugin, &info, values).expect("starts");
    let mut out = Vec::new();
    for index in first..40 {
        out.extend(filter.process(frame(&info, index)).expect("works"));
    }
    out.extend(filter.flush().expect("works"));
    out.iter().map(|f| (f.index, f.planes[0].to_packed())).collect()
}

#[test]
fn a_filter_that_says_how_far_it_looks_begins_anywhere() {
    let plugin = bundled("denoise");
    let reach = plugin.filter.as_ref().and_then(|f| f.reach).expect("it says so");
    assert_eq!((reach.before, reach.after), (2, 2));
    let values = parameters(&plugin, &[("frames", "5")]);
    let whole = from(&plugin, &values, 0);
    for cut in [2_u64, 3, 17, 38] {
        let mut part = from(&plugin, &values, cut - reach.before as u64);
        part.retain(|(index, _)| *index >= cut);
        assert!(whole[cut as usize..] == part, "cut at {cut}");
    }
    // Otherwise this would show nothing.
    assert!(whole[17..] != from(&plugin, &values, 17));
}

#[test]
fn a_filter_that_holds_more_than_it_says_ends_the_job() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("liar.wasm");
    // It says that it looks at no other frame, and gives nothing before the end.
    let liar =
        Module { more: REACH_0.to_owned(), ..Module::serial("(call $none)", "(call $none)") };
    std::fs::write(&path, liar.component()).expect("written");
    let spec = spec(&clip("carphone_pristine.mp4"), &folder.path().join("o.mp4"), &path, 2);
    let job = prepare(&spec, &Surroundings::default(), &Cancel::new()).expect("prepared");
    let error = job.run(&Progress::default()).error.expect("it fails").to_string();
    assert!(error.contains("further behind than it says it looks"), "{error}");
}

/// The properties `frames-before` and `frames-after`, both 0.
const REACH_0: &str = r#"(data (i32.const 0x2000) "frames-beforeframes-after")
  (data (i32.const 0x2040) "\00\20\00\00\0d\00\00\00\01\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\0d\20\00\00\0c\00\00\00\01\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")
  (data (i32.const 0x220) "\40\20\00\00\02\00\00\00")"#;

fn spec(
    input: &std::path::Path,
    output: &std::path::Path,
    plugin: &std::path::Path,
    workers: u32,
) -> JobSpec {
    let spec = json!({
        "verb": "run", "input": [input], "output": [output], "overwrite": true, "crf": 0,
        "preset": "ultrafast", "workers": workers, "plugin": [{ "name": plugin }],
    });
    let spec: JobSpec = serde_json::from_value(spec).expect("a description");
    assert_eq!(spec.verb, Verb::Run);
    spec
}

/// Changes parameters of `plugin` while it works on a clip: from which frame on, and all frames.
fn changed_at_work(
    plugin: &str,
    given: &[(&str, &str)],
    workers: u32,
) -> (u64, Vec<(i64, String)>) {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("o.mp4");
    let spec = spec(&clip("carphone_pristine.mp4"), &output, &built_in(plugin), workers);
    let job = prepare(&spec, &Surroundings::default(), &Cancel::new()).expect("prepared");
    let supervisor = Arc::clone(&job.plugins()[0]);
    let values = parameters(supervisor.plugin(), given);
    let progress = Progress::default();
    let mut from = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while progress.frames() < 20 {
                std::thread::sleep(Duration::from_millis(1));
            }
            from = supervisor.set_parameters(values).expect("they fit");
        });
        let done = job.run(&progress);
        assert!(done.error.is_none(), "{:?}", done.error);
    });
    (from, frames(&output))
}

#[test]
fn parameters_change_from_one_frame_on_with_any_number_of_workers() {
    let clip = "carphone_pristine.mp4";
    for (plugin, given) in [("pixelate", "block=32"), ("denoise", "threshold=40")] {
        let before = through(clip, &[plugin], "1");
        let behind = through(clip, &[&format!("{plugin}:{given}")], "1");
        assert!(before.iter().zip(&behind).all(|(a, b)| a != b), "{plugin}: it shows");
        let (name, value) = given.split_once('=').expect("a parameter");
        for workers in [1, 2, 4] {
            let (from, all) = changed_at_work(plugin, &[(name, value)], workers);
            let from = from as usize;
            assert!((20..120).contains(&from), "{plugin} from {from}");
            // A serial filter answers for frames that it kept with what it was told last.
            let kept = if plugin == "denoise" { 1 } else { 0 };
            assert!(all[..from - kept] == before[..from - kept], "{plugin}, {workers} workers");
            assert!(all[from..] == behind[from..], "{plugin}, {workers} workers, from {from}");
        }
    }
}

#[test]
fn a_plugin_is_exchanged_between_two_frames() {
    let info = stream(48, 32);
    let (invert, pixelate, denoise, crop) =
        (bundled("invert"), bundled("pixelate"), bundled("denoise"), bundled("crop"));
    let none = |plugin: &Plugin| parameters(plugin, &[]);
    let supervisor = Arc::new(Supervisor::new(
        Arc::clone(&invert),
        none(&invert),
        OnFailure::Fail,
        &Cancel::new(),
    ));
    // Two workers, of which the second is behind.
    let mut first = supervisor.start(&info).expect("starts");
    let mut second = supervisor.start(&info).expect("starts");
    let value = |frames: Vec<Frame>| frames[0].planes[0].row(0)[0];
    assert_eq!(value(first.process(frame(&info, 4)).expect("works")), 251);
    assert_eq!(supervisor.replace(Arc::clone(&pixelate), none(&pixelate)).expect("fits"), 5);
    assert_eq!(value(second.process(frame(&info, 3)).expect("works")), 252);
    assert_eq!(value(second.process(frame(&info, 5)).expect("works")), 5);
    assert_eq!(value(first.process(frame(&info, 6)).expect("works")), 6);
    // What does not fit leaves everything as it is.
    let size = parameters(&crop, &[("width", "8")]);
    for (plugin, values, word) in [
        (&denoise, none(&denoise), "needs to see every frame"),
        (&crop, size, "8x32"),
        (&pixelate, vec![("block".to_owned(), Value::Integer(0))], "block"),
        (&pixelate, vec![("blok".to_owned(), Value::Integer(8))], "blok"),
    ] {
        let error = supervisor.replace(Arc::clone(plugin), values).expect_err("refused");
        assert!(error.to_string().contains(word), "{error}");
    }
    assert_eq!(value(first.process(frame(&info, 8)).expect("works")), 8);
    assert_eq!(supervisor.replace(Arc::clone(&invert), none(&invert)).expect("fits"), 9);
    assert_eq!(value(second.process(frame(&info, 9)).expect("works")), 246);
}

/// A component that toolchains for WASI 0.3 make of one that needs nothing of it, and one that
/// waits for a stream.
#[test]
fn components_of_wasi_0_3_run_where_they_need_nothing_of_it() {
    let random =
        r#"(import "wasi:random/random@VERSION" "get-random-u64" (func $it (result i64)))"#;
    let importing = |process: &str| Module {
        imports: random.to_owned(),
        ..Module::processing(&format!("{process} (call $same (local.get $frame))"))
    };
    let info = stream(4, 2);
    let run = |process: &str| {
        let plugin = importing(process).load_with_wasi("0.3.0", &Limits::default()).expect("loads");
        let mut filter = Filter::start(&plugin, &info, &[]).expect("starts");
        filter.process(frame(&info, 1))
    };
    // Imported as long as something might call it.
    let unused = "(if (i32.eqz (local.get $frame)) (then (drop (call $it))))";
    assert_eq!(run(unused).expect("works").len(), 1);
    let error = run("(drop (call $it))").expect_err("there is none").to_string();
    for part in ["get-random-u64", "WASI 0.3", "wasm32-wasip2"] {
        assert!(error.contains(part), "{error}");
    }
    let waiting = r#"(component (import "wasi:cli/stdout@0.3.0" (instance
        (export "write-via-stream" (func (param "data" (stream u8)))))))"#;
    let waiting = wat::parse_str(waiting).expect("a component");
    let Err(error) = load(&waiting, &Limits::default()) else { panic!("loaded") };
    assert!(matches!(error, PluginError::WrongInterface { .. }), "{error:?}");
    assert!(error.to_string().contains("wasm32-wasip2"), "{error}");
}
