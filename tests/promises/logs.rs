//! What a plugin logs is bounded, and cannot steer a terminal or look like somebody else's line.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use filmgate::plugin::{Filter, Limits, harmless};
use filmgate_tests::hostile::{Module, frame, load_with, stream};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Every message with its level and target.
#[derive(Clone, Default)]
struct Caught(Arc<Mutex<Vec<(Level, String, String)>>>);

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            write!(self.0, "{value:?}").expect("a String takes everything");
        }
    }
}

impl<S: Subscriber> Layer<S> for Caught {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let meta = event.metadata();
        let caught = (*meta.level(), meta.target().to_owned(), text.0);
        self.0.lock().expect("no panic").push(caught);
    }
}

/// What reaches the log while a filter with these imports does `process` with `frames` pictures
/// and its instance ends.
fn logged(imports: &str, process: &str, frames: u64) -> Vec<(Level, String)> {
    let caught = Caught::default();
    let subscriber = tracing_subscriber::registry().with(caught.clone());
    tracing::subscriber::with_default(subscriber, || {
        let module = Module {
            imports: imports.to_owned(),
            // 4 MiB in which the messages stand, from 0x10000 on.
            memory: "80".to_owned(),
            ..Module::processing(&format!("{process} (call $same (local.get $frame))"))
        };
        let component = filmgate_tests::hostile::with_wasi(&module.text(), "0.2.0");
        let engine = filmgate_tests::hostile::engine();
        let plugin = load_with(engine, &component, &Limits::default()).expect("loads");
        let info = stream(1, 1);
        let mut filter = Filter::start(&plugin, &info, &[]).expect("starts");
        for index in 0..frames {
            filter.process(frame(&info, index)).expect("goes on");
        }
    });
    let all = caught.0.lock().expect("no panic").clone();
    all.into_iter()
        .filter(|(_, target, _)| target == "plugin")
        .map(|(level, _, text)| (level, text))
        .collect()
}

/// The message that is written by the contract's `log`, from a data segment.
fn say(level: u32, bytes: &[u8]) -> String {
    let mut process = String::new();
    for (i, byte) in bytes.iter().enumerate() {
        let at = 0x10000 + i;
        write!(process, "(i32.store8 (i32.const {at}) (i32.const {byte}))").expect("room");
    }
    let length = bytes.len();
    process + &format!("(call $log (i32.const {level}) (i32.const 0x10000) (i32.const {length}))")
}

/// No escape, no line break, nothing that reorders text.
fn is_harmless(text: &str) -> bool {
    !text.chars().any(|c| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

/// Messages of an instance that may appear in ten seconds, and the one that counts the rest.
const MOST: usize = 50;

#[test]
fn a_flood_is_cut_off_and_counted() {
    let flood = "(memory.fill (i32.const 0x10000) (i32.const 120) (i32.const 100))
        (loop $more
          (call $log (i32.const 3) (i32.const 0x10000) (i32.const 100))
          (br_if $more (i32.lt_u
            (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10000))))";
    let messages = logged("", flood, 1);
    // A slow machine may get into the next ten seconds.
    assert!((MOST + 1..3 * MOST).contains(&messages.len()), "{} messages", messages.len());
    let (level, last) = messages.last().expect("there are some");
    let printed = messages.len() - 1;
    assert_eq!(*level, Level::WARN);
    assert_eq!(*last, format!("hostile: {} more messages were dropped", 10_000 - printed));
}

#[test]
fn a_flood_of_lines_on_standard_output_and_error_is_cut_off() {
    for name in ["stdout", "stderr"] {
        let imports = output(name);
        // 4000 lines a write, all of them empty but for a letter.
        let flood = "(memory.fill (i32.const 0x10000) (i32.const 10) (i32.const 4000))
            (local.set $j (call $stream))
            (loop $more
              (call $write (local.get $j) (i32.const 0x10000) (i32.const 4000) (i32.const 0x380))
              (br_if $more (i32.lt_u
                (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100))))";
        let messages = logged(&imports, flood, 1);
        assert!((MOST + 1..3 * MOST).contains(&messages.len()), "{} messages", messages.len());
    }
}

#[test]
fn a_huge_message_is_cut() {
    let huge = "(memory.fill (i32.const 0x10000) (i32.const 120) (i32.const 4000000))
        (call $log (i32.const 1) (i32.const 0x10000) (i32.const 4000000))";
    let messages = logged("", huge, 1);
    assert_eq!(messages.len(), 1);
    let text = &messages[0].1;
    assert!(text.len() < (4 << 10) + 100 && text.ends_with('…'), "{} bytes", text.len());
    // Of control characters, each of which becomes longer.
    let huge = "(memory.fill (i32.const 0x10000) (i32.const 27) (i32.const 4000000))
        (call $log (i32.const 1) (i32.const 0x10000) (i32.const 4000000))";
    let messages = logged("", huge, 1);
    assert!(messages[0].1.len() < (4 << 10) + 100 && is_harmless(&messages[0].1));
}

#[test]
fn a_message_beyond_what_a_call_may_hand_over_ends_the_instance() {
    let module = Module {
        memory: "300".to_owned(),
        ..Module::processing(
            "(memory.fill (i32.const 0x10000) (i32.const 120) (i32.const 16000000))
             (call $log (i32.const 1) (i32.const 0x10000) (i32.const 16000000))
             (call $same (local.get $frame))",
        )
    };
    let plugin = module.load(&Limits::default()).expect("loads");
    let info = stream(1, 1);
    let mut filter = Filter::start(&plugin, &info, &[]).expect("starts");
    assert!(filter.process(frame(&info, 0)).is_err());
}

#[test]
fn control_characters_are_made_harmless() {
    let nasty =
        "a\x1b[2Jb\x1b]0;title\x07c\rd\u{9b}31me\u{202e}f\u{2066}g\u{200f}h\u{2028}i\x7fj\0k";
    let messages = logged("", &say(2, nasty.as_bytes()), 1);
    assert_eq!(messages.len(), 1);
    let (level, text) = &messages[0];
    assert_eq!(*level, Level::WARN);
    assert!(is_harmless(text), "{text:?}");
    // What was written can still be read.
    for part in ["a\\u{1b}[2Jb", "c\\rd", "\\u{202e}f", "\\u{200f}h", "\\u{0}k"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_line_cannot_be_forged() {
    let forged =
        "fine\nERROR filmgate: the disk is full\r\n\u{85}WARN plugin: another: all is lost";
    let messages = logged("", &say(1, forged.as_bytes()), 1);
    assert_eq!(messages.len(), 1);
    let (level, text) = &messages[0];
    assert_eq!(*level, Level::INFO);
    assert!(text.starts_with("hostile: fine\\nERROR") && is_harmless(text), "{text:?}");
}

fn output(name: &str) -> String {
    format!(
        r#"(import "wasi:cli/{name}@VERSION" "get-{name}" (func $stream (result i32)))
           (import "wasi:io/streams@VERSION" "[method]output-stream.blocking-write-and-flush"
             (func $write (param i32 i32 i32 i32)))"#
    )
}

/// Bytes written to a stream: each line is one message, with the plugin's name before it.
#[test]
fn bytes_that_are_no_text_are_shown_as_such() {
    for (name, level) in [("stdout", Level::INFO), ("stderr", Level::WARN)] {
        let bytes = b"one \xff\xfe\xc3(\n\x1b[31mtwo\n";
        let put: String = bytes
            .iter()
            .enumerate()
            .map(|(i, b)| format!("(i32.store8 (i32.const {}) (i32.const {b}))", 0x10000 + i))
            .collect();
        let process = format!(
            "{put} (call $write (call $stream)
               (i32.const 0x10000) (i32.const {}) (i32.const 0x380))",
            bytes.len()
        );
        let messages = logged(&output(name), &process, 1);
        let expected = [
            (level, "hostile: one \u{fffd}\u{fffd}\u{fffd}(".to_owned()),
            (level, "hostile: \\u{1b}[31mtwo".to_owned()),
        ];
        assert_eq!(messages, expected, "{name}");
    }
}

/// Text that is no UTF-8 is none for the contract's log, which takes text.
#[test]
fn a_message_that_is_no_text_ends_the_instance() {
    let module = Module::processing(
        "(i32.store8 (i32.const 0x500) (i32.const 0xff))
         (call $log (i32.const 1) (i32.const 0x500) (i32.const 1)) (call $same (local.get $frame))",
    );
    let plugin = module.load(&Limits::default()).expect("loads");
    let info = stream(1, 1);
    let mut filter = Filter::start(&plugin, &info, &[]).expect("starts");
    let error = filter.process(frame(&info, 0)).expect_err("no text").to_string();
    assert!(error.contains("utf-8"), "{error}");
}

/// What it said last stands in the error of a trap that follows, and is no less harmless there.
#[test]
fn a_complaint_before_a_trap_is_shown_harmlessly() {
    let said = say(3, b"index \x1b[31m7 of 5\nERROR forged");
    let module = Module::processing(&format!("{said} (unreachable)"));
    let plugin = module.load(&Limits::default()).expect("loads");
    let info = stream(1, 1);
    let mut filter = Filter::start(&plugin, &info, &[]).expect("starts");
    let error = filter.process(frame(&info, 0)).expect_err("traps").to_string();
    assert!(error.contains("it said: index \\u{1b}[31m7 of 5\\nERROR forged"), "{error}");
    assert!(is_harmless(&error), "{error:?}");
}

/// An error by the contract is shown to people, too.
#[test]
fn refusals_are_cut_and_harmless() {
    let module = Module {
        memory: "80".to_owned(),
        ..Module::processing(
            "(memory.fill (i32.const 0x10000) (i32.const 27) (i32.const 4000000))
             (i32.store (i32.const 0x380) (i32.const 1)) (i32.store (i32.const 0x384) (i32.const 2))
             (i32.store (i32.const 0x388) (i32.const 0x10000))
             (i32.store (i32.const 0x38c) (i32.const 4000000)) (i32.const 0x380)",
        )
    };
    let plugin = module.load(&Limits::default()).expect("loads");
    let info = stream(1, 1);
    let mut filter = Filter::start(&plugin, &info, &[]).expect("starts");
    let error = filter.process(frame(&info, 0)).expect_err("refused").to_string();
    assert!(error.len() < 2000 && is_harmless(&error), "{} bytes", error.len());
}

#[test]
fn whatever_is_made_harmless_stays_within_its_bound() {
    let mut dice = filmgate_tests::hostile::Dice(11);
    for _ in 0..10_000 {
        let text: String = (0..dice.below(60))
            .filter_map(|_| {
                let any = dice.roll() as u32;
                char::from_u32(match dice.below(3) {
                    0 => any % 0x20,
                    1 => 0x2000 + any % 0x80,
                    _ => any % 0x11_0000,
                })
            })
            .collect();
        let limit = dice.below(100);
        let out = harmless(&text, limit);
        assert!(out.len() <= limit + '…'.len_utf8() && is_harmless(&out), "{text:?} at {limit}");
    }
}
