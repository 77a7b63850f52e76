//! Ten thousand answers that look random: whatever a guest hands over, the host does not panic,
//! and what it accepts is sound. (A panic of the host fails the test, which runs in its process.)

use std::sync::atomic::{AtomicUsize, Ordering as Atomic};
use std::thread;

use filmgate::frame::{Frame, StreamInfo};
use filmgate::plugin::{Failure, Filter, Limits, Plugin, PluginError, Value};
use filmgate_tests::hostile::{Dice, Module, deadline, failure, frame_holding, load, stream};

/// Length of the image that a puppet is given as a picture: commands, then its answer.
const IMAGE: usize = 4096;
/// Where the image lies in the puppet's memory, and in it the answer, handles and text.
const AT: u32 = 0x10000;
const ANSWER_AT: usize = 2048;
const HANDLES_AT: usize = 2560;
const TEXT_AT: usize = 3072;

/// A filter that calls the host as the first plane of its picture says: commands of 64 bytes
/// from byte 8 on, their number in byte 0; and that answers with what stands at byte 2048.
fn puppet() -> Module {
    let word = |n: u32| format!("(i32.load offset={} (local.get 0))", 4 * n);
    let long = |n: u32| format!("(i64.load offset={} (local.get 0))", 32 + 8 * n);
    let (a, b, c, d, e) = (word(1), word(2), word(3), word(4), word(5));
    let (x, y, z) = (long(0), long(1), long(2));
    let calls = [
        format!("(drop (call $new {a} {b} {c} {d} {x} {y} {e} {z}))"),
        format!("(call $info {a} (i32.const 0x600))"),
        format!("(call $plane {a} {b} (i32.const 0x600))"),
        format!("(call $set-plane {a} {b} {c} {d})"),
        format!("(call $set-timestamp {a} {x})"),
        format!("(call $set-duration {a} {b} {x})"),
        format!("(call $tag {a} {c} {d} (i32.const 0x600))"),
        format!("(call $set-tag {a} {c} {d} {e} {b})"),
        format!("(drop (call $clone {a}))"),
        format!("(call $drop {a})"),
        format!("(call $log {a} {c} {d})"),
    ];
    let commands: String = (0..)
        .zip(calls)
        .map(|(i, call)| {
            format!("(if (i32.eq (i32.load (local.get 0)) (i32.const {i})) (then {call}))")
        })
        .collect();
    Module {
        fields: format!("(func $command (param i32) {commands})"),
        ..Module::processing(&format!(
            "(call $plane (local.get $frame) (i32.const 0) (i32.const 0x380))
             (loop $next
               (if (i32.lt_u (local.get $i) (i32.load8_u (i32.const {AT}))) (then
                 (call $command
                   (i32.add (i32.const {}) (i32.mul (local.get $i) (i32.const 64))))
                 (local.set $i (i32.add (local.get $i) (i32.const 1)))
                 (br $next))))
             (i32.add (i32.const {}) (i32.load8_u offset=1 (i32.const {AT})))",
            AT + 8,
            AT as usize + ANSWER_AT
        ))
    }
}

/// A handle: mostly one that may be there.
fn handle(dice: &mut Dice) -> u32 {
    match dice.below(20) {
        0 => dice.nasty(),
        1..4 => dice.below(4) as u32,
        // The first one that the engine gives.
        _ => 1,
    }
}

/// Address and length of a text or a list: mostly inside the image.
fn slice(dice: &mut Dice) -> (u32, u32) {
    match dice.below(6) {
        0 => (dice.nasty(), dice.nasty()),
        1 => (AT + TEXT_AT as u32, dice.nasty()),
        _ => (AT + (TEXT_AT + dice.below(700)) as u32, dice.below(300) as u32),
    }
}

pub(super) fn put(image: &mut [u8], at: usize, numbers: &[u32]) {
    for (i, n) in numbers.iter().enumerate() {
        image[at + 4 * i..at + 4 * i + 4].copy_from_slice(&n.to_le_bytes());
    }
}

fn command(dice: &mut Dice) -> [u8; 64] {
    let mut out = [0; 64];
    let (at, length) = slice(dice);
    let (value, _) = slice(dice);
    let op = dice.below(12) as u32;
    let mut words = [op, handle(dice), dice.below(4) as u32, at, length, value];
    match op {
        // A new frame, half the time of a format that there is.
        0 => {
            words[1] = if dice.below(2) == 0 { dice.below(500) as u32 } else { dice.nasty() };
            words[2] = if dice.below(2) == 0 { dice.below(500) as u32 } else { dice.nasty() };
            if dice.below(2) == 0 {
                (words[3], words[4]) = (0x140, 5);
            }
            words[5] = dice.below(3) as u32;
        }
        2 | 3 if dice.below(8) == 0 => words[2] = dice.nasty(),
        3 if dice.below(2) == 0 => (words[3], words[4]) = (AT, IMAGE as u32),
        7 => words[2] = dice.below(200) as u32,
        _ => {}
    }
    put(&mut out, 0, &words);
    for i in 0..3 {
        let long = match dice.below(4) {
            0 => dice.roll(),
            1 => i64::MIN as u64,
            2 => (dice.below(5) as u64).wrapping_sub(2),
            _ => u64::from(dice.nasty()) << 20,
        };
        out[32 + 8 * i..40 + 8 * i].copy_from_slice(&long.to_le_bytes());
    }
    out
}

fn image(dice: &mut Dice) -> Vec<u8> {
    let mut image = vec![0; IMAGE];
    for byte in &mut image[TEXT_AT..] {
        *byte = if dice.below(20) == 0 { dice.roll() as u8 } else { b'a' + dice.below(26) as u8 };
    }
    let commands = dice.pick(&[0, 0, 0, 1, 2, 3, 4]);
    image[0] = commands as u8;
    for i in 0..commands {
        image[8 + 64 * i..72 + 64 * i].copy_from_slice(&command(dice));
    }
    let count = dice.pick(&[0, 1, 1, 1, 1, 2, 3]) as u32;
    for i in 0..count as usize {
        let handle = if dice.below(8) > 0 { i as u32 + 1 } else { handle(dice) };
        put(&mut image, HANDLES_AT + 4 * i, &[handle]);
    }
    let (at, length) = slice(dice);
    let list = match dice.below(6) {
        0 => [0, at, length],
        1 => [0, AT + HANDLES_AT as u32, dice.nasty()],
        _ => [0, AT + HANDLES_AT as u32, count],
    };
    match dice.below(8) {
        // An error, of a case that there is or not.
        0 => put(&mut image, ANSWER_AT, &[1, dice.below(5) as u32, at, length]),
        1 => put(&mut image, ANSWER_AT, &[dice.nasty(), list[1], list[2]]),
        2 => {
            image[1] = dice.below(8) as u8;
            put(&mut image, ANSWER_AT, &list);
        }
        _ => put(&mut image, ANSWER_AT, &list),
    }
    image
}

/// What was accepted is what was announced, whole, and computes.
fn is_sound(frame: &Frame, info: &StreamInfo) {
    assert_eq!((frame.format, frame.width, frame.height), (info.format, info.width, info.height));
    let sizes: Vec<_> = info.format.plane_sizes(info.width, info.height).collect();
    let planes: Vec<_> = frame.planes.iter().map(|p| p.size()).collect();
    assert_eq!(planes, sizes);
    assert!(frame.planes.iter().zip(&sizes).all(|(p, s)| p.to_packed().len() == s.bytes()));
    assert!(frame.timestamp.unsigned_abs() < 1 << 62, "{}", frame.timestamp);
    assert!(frame.duration.is_none_or(|d| d > 0 && d < 1 << 53), "{:?}", frame.duration);
    let tags = frame.tags.iter().flat_map(|tags| tags.iter());
    assert!(tags.clone().count() <= 64);
    assert!(tags.clone().all(|(k, v)| k.len() <= 64 && v.len() <= 64 << 10));
}

/// Counts how trials ended, over all threads.
#[derive(Default)]
struct Tally {
    sound: AtomicUsize,
    refused: AtomicUsize,
    broken: AtomicUsize,
}

impl Tally {
    fn note<T>(&self, result: &Result<T, PluginError>) {
        let counter = match result {
            Ok(_) => &self.sound,
            Err(PluginError::Refused { .. } | PluginError::Parameter { .. }) => &self.refused,
            Err(e) => {
                let failure = failure(e);
                assert!(failure.is_some(), "{e}");
                assert!(!matches!(failure, Some(Failure::Deadline(_) | Failure::Over)), "{e}");
                &self.broken
            }
        };
        counter.fetch_add(1, Atomic::Relaxed);
        if let Err(e) = result {
            let text = e.to_string();
            assert!(text.len() < 4000 && !text.chars().any(char::is_control), "{text:?}");
        }
    }

    fn show(&self, what: &str) -> [usize; 3] {
        let read = |n: &AtomicUsize| n.load(Atomic::Relaxed);
        let all = [read(&self.sound), read(&self.refused), read(&self.broken)];
        println!("{what}: {} sound, {} refused, {} broken", all[0], all[1], all[2]);
        all
    }
}

/// Runs `trials` on two threads, each with dice of its own.
pub(super) fn on_two_threads(trials: usize, trial: impl Fn(&mut Dice) + Sync) {
    thread::scope(|scope| {
        for seed in 0..2 {
            let trial = &trial;
            scope.spawn(move || {
                let mut dice = Dice(seed);
                (0..trials / 2).for_each(|_| trial(&mut dice));
            });
        }
    });
}

#[test]
fn seven_thousand_four_hundred_answers_of_process() {
    let plugin = puppet().load(&deadline(20_000)).expect("loads");
    let info = stream(IMAGE as u32, 1);
    let tally = Tally::default();
    on_two_threads(7_400, |dice| {
        let mut filter = Filter::start(&plugin, &info, &[]).expect("starts");
        for _ in 0..3 {
            let result = filter.process(frame_holding(image(dice)));
            tally.note(&result);
            match result {
                Ok(frames) => frames.iter().for_each(|frame| is_sound(frame, &info)),
                Err(PluginError::Refused { .. } | PluginError::Parameter { .. }) => {}
                Err(_) => break,
            }
        }
        filter.kept().iter().for_each(|frame| is_sound(frame, &info));
    });
    let [sound, refused, broken] = tally.show("answers of process");
    assert!(sound > 500 && refused > 20 && broken > 500, "{sound} {refused} {broken}");
}

/// A filter that answers `configure` with the bytes of its parameter.
fn configurable() -> Plugin {
    let module = Module {
        configure: "(i32.load offset=16 (local.get $parameters))".to_owned(),
        ..Module::default()
    };
    module.load(&deadline(20_000)).expect("loads")
}

fn configured(dice: &mut Dice) -> Vec<u8> {
    // 0x140 holds `gray8`.
    let mut words = [0, 64, 64, 0x140, 5, 1, 25, 1, 1, 1, 0, 0];
    for _ in 0..dice.below(4) {
        let place = dice.below(words.len());
        words[place] = dice.nasty();
    }
    if dice.below(10) == 0 {
        words[0] = 1;
        words[1] = dice.below(5) as u32;
    }
    words.iter().flat_map(|w: &u32| w.to_le_bytes()).collect()
}

#[test]
fn two_thousand_answers_of_configure() {
    let plugin = configurable();
    let (info, tally) = (stream(64, 64), Tally::default());
    on_two_threads(2_000, |dice| {
        let bytes = configured(dice);
        let result =
            Filter::start(&plugin, &info, &[("told".to_owned(), Value::File(bytes.clone()))]);
        tally.note(&result);
        if let Ok(filter) = result {
            let out = filter.output();
            assert!((1..=16_384).contains(&out.width) && (1..=16_384).contains(&out.height));
            assert!(u64::from(out.width) * u64::from(out.height) <= 8192 * 8192, "{bytes:?}");
            assert!(out.frame_rate.is_none_or(|r| r.num > 0 && r.den > 0));
            assert!(out.sample_aspect.num > 0 && out.sample_aspect.den > 0);
        }
    });
    let [sound, refused, broken] = tally.show("answers of configure");
    assert!(sound > 100 && refused > 20 && broken > 100);
}

/// The file itself: a sound component with bytes changed, cut off, doubled.
#[test]
fn three_hundred_damaged_components() {
    let component = puppet().component();
    let loaded = AtomicUsize::new(0);
    on_two_threads(300, |dice| {
        let mut damaged = component.clone();
        for _ in 0..1 + dice.below(4) {
            let at = dice.below(damaged.len());
            damaged[at] = dice.roll() as u8;
        }
        match dice.below(6) {
            0 => damaged.truncate(dice.below(component.len())),
            1 => damaged.extend_from_slice(&component),
            _ => {}
        }
        match load(&damaged, &deadline(500)) {
            Ok(_) => _ = loaded.fetch_add(1, Atomic::Relaxed),
            Err(error) => assert!(!error.to_string().chars().any(char::is_control), "{error}"),
        }
    });
    println!("damaged components: {} loaded none the less", loaded.into_inner());
}

// ---- handles, one by one ----------------------------------------------------------------------

#[test]
fn handles_that_are_none_end_the_instance() {
    let list = |handles: &[u32]| {
        let stores: String = handles
            .iter()
            .enumerate()
            .map(|(i, h)| format!("(i32.store (i32.const {}) (i32.const {h}))", 0x400 + 4 * i))
            .collect();
        format!("{stores} (call $list (i32.const {}))", handles.len())
    };
    let cases = [
        ("made up", list(&[77])),
        ("null", list(&[0])),
        ("the greatest", list(&[u32::MAX])),
        (
            "twice",
            "(i32.store (i32.const 0x404) (local.get $frame))
            (drop (call $same (local.get $frame))) (call $list (i32.const 2))"
                .to_owned(),
        ),
        ("dropped", "(call $drop (local.get $frame)) (call $same (local.get $frame))".to_owned()),
        (
            "dropped twice",
            "(call $drop (local.get $frame)) (call $drop (local.get $frame))
            (call $none)"
                .to_owned(),
        ),
        (
            "used after it was dropped",
            "(call $drop (local.get $frame))
            (call $plane (local.get $frame) (i32.const 0) (i32.const 0x380)) (call $none)"
                .to_owned(),
        ),
        (
            "a plane that there is not",
            "(call $plane (local.get $frame) (i32.const 1)
            (i32.const 0x380)) (call $none)"
                .to_owned(),
        ),
        (
            "too few samples",
            "(call $set-plane (local.get $frame) (i32.const 0)
            (i32.const 0x500) (i32.const 15)) (call $none)"
                .to_owned(),
        ),
        (
            "samples outside its memory",
            "(call $set-plane (local.get $frame) (i32.const 0)
            (i32.const -8) (i32.const 16)) (call $none)"
                .to_owned(),
        ),
        (
            "another size than announced",
            "(call $same (call $new (i32.const 5) (i32.const 4)
            (i32.const 0x140) (i32.const 5) (i64.const 0) (i64.const 0) (i32.const 0)
            (i64.const 0)))"
                .to_owned(),
        ),
        (
            "a duration of nothing",
            "(call $set-duration (local.get $frame) (i32.const 1)
            (i64.const 0)) (call $same (local.get $frame))"
                .to_owned(),
        ),
        (
            "a time beyond 2^62",
            "(call $set-timestamp (local.get $frame)
            (i64.const 0x7fffffffffffffff)) (call $same (local.get $frame))"
                .to_owned(),
        ),
        ("an answer outside its memory", "(i32.const -4)".to_owned()),
    ];
    let info = stream(4, 4);
    for (what, process) in cases {
        let plugin = Module::processing(&process).load(&Limits::default()).expect(what);
        let mut filter = Filter::start(&plugin, &info, &[]).expect(what);
        let error = filter.process(filmgate_tests::hostile::frame(&info, 3)).expect_err(what);
        assert!(failure(&error).is_some(), "{what}: {error}");
        println!("{what}: {error}");
        // Whatever was given in is still the host's: it can go on without the plugin.
        let over = filter.process(filmgate_tests::hostile::frame(&info, 4)).expect_err(what);
        assert!(matches!(failure(&over), Some(Failure::Over)), "{what}: {over}");
    }
}
