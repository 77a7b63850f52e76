//! What a plugin says of itself is checked against the rules of the contract.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering as Atomic};

use filmgate::plugin::{Plugin, PluginError, Value};
use filmgate_tests::hostile::{Module, deadline, little_endian, load};

use super::answers::{on_two_threads, put};

/// Where the descriptions of these tests lie, and how long they are.
const TOLD_AT: u32 = 0x2000;
const TOLD: usize = 1024;
const TOLD_TEXT: usize = 512;

/// A component whose description stands in `TOLD` bytes that can be found in it.
fn describing() -> (Vec<u8>, usize) {
    let marker: Vec<u32> = (0..TOLD as u32 / 4).map(|i| 0x5eed_0000 + i).collect();
    let module = Module {
        fields: format!(r#"(data (i32.const {TOLD_AT}) "{}")"#, little_endian(&marker)),
        describe: format!("(i32.const {TOLD_AT})"),
        ..Module::default()
    };
    let component = module.component();
    let start = marker[0].to_le_bytes();
    let at =
        component.windows(8).position(|w| w[..4] == start && w[4..] == marker[1].to_le_bytes());
    (component, at.expect("the marker is in there"))
}

fn describe(told: &[u8]) -> Result<Plugin, PluginError> {
    static COMPONENT: LazyLock<(Vec<u8>, usize)> = LazyLock::new(describing);
    let (mut component, at) = COMPONENT.clone();
    component[at..at + TOLD].copy_from_slice(told);
    load(&component, &deadline(20_000))
}

/// A description with one parameter. Texts go to byte 512 and on.
struct Told {
    bytes: Vec<u8>,
    text: usize,
}

/// Offsets in it: of the description (`filter-description`), and of its parameter (`parameter-spec`).
const SPEC: usize = 64;
const FORMATS: usize = 320;
const MORE: usize = 400;

impl Told {
    fn sound() -> Told {
        let mut told = Told { bytes: vec![0; TOLD], text: TOLD_TEXT };
        told.text(0, "tester");
        told.text(8, "1.2.3");
        told.text(16, "says what it is told");
        told.words(24, &[TOLD_AT + SPEC as u32, 1, 0, 0, TOLD_AT + FORMATS as u32, 1]);
        told.text(FORMATS, "gray8");
        told.text(SPEC, "amount");
        told.text(SPEC + 8, "how much");
        told.text(SPEC + 16, "decimal");
        told.value(2, 0.5);
        told.bound(72, Some(0.0));
        told.bound(88, Some(1.0));
        told
    }

    fn words(&mut self, at: usize, words: &[u32]) {
        put(&mut self.bytes, at, words);
    }

    fn text(&mut self, at: usize, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        self.bytes[self.text..self.text + text.len()].copy_from_slice(text);
        self.words(at, &[TOLD_AT + self.text as u32, text.len() as u32]);
        self.text += text.len();
    }

    /// The default: a case of `value` and a number.
    fn value(&mut self, case: u8, number: f64) {
        self.bytes[SPEC + 40] = 1;
        self.bytes[SPEC + 48] = case;
        self.bytes[SPEC + 56..SPEC + 64].copy_from_slice(&number.to_le_bytes());
    }

    /// One thing more that it says: a name, and a value of this case.
    fn more(&mut self, case: u8, name: &str, value: &str) {
        self.words(32, &[TOLD_AT + MORE as u32, 1]);
        self.text(MORE, name);
        self.bytes[MORE + 8] = case;
        self.text(MORE + 16, value);
    }

    /// Minimum (72) or maximum (88).
    fn bound(&mut self, at: usize, number: Option<f64>) {
        self.bytes[SPEC + at] = u8::from(number.is_some());
        let number = number.unwrap_or(0.0).to_le_bytes();
        self.bytes[SPEC + at + 8..SPEC + at + 16].copy_from_slice(&number);
    }
}

/// What breaks a sound description, and a word of the error message.
type Broken = (&'static str, fn(&mut Told), &'static str);

#[test]
fn descriptions_that_break_a_rule_are_refused_with_the_reason() {
    let sound = describe(&Told::sound().bytes).expect("sound");
    assert_eq!(sound.description.parameters[0].default, Some(Value::Decimal(0.5)));
    let cases: [Broken; 30] = [
        ("upper case", |t| t.text(0, "Tester"), "its name"),
        ("no name", |t| t.text(0, ""), "its name"),
        ("a path as a name", |t| t.text(0, "../tester"), "its name"),
        ("a long name", |t| t.text(0, [b'a'; 65]), "its name"),
        ("no text", |t| t.text(0, b"\xff\xfe"), "utf-8"),
        ("no version", |t| t.text(8, "newest"), "version"),
        ("a version that steers", |t| t.text(8, "1.2.3-\x1b[2J"), "version"),
        ("a long summary", |t| t.text(16, [b'a'; 201]), "summary"),
        ("a summary of two lines", |t| t.text(16, "a\nb"), "summary"),
        (
            "two of a name",
            |t| {
                t.words(28, &[2]);
                let (first, second) = (SPEC..SPEC + 120, SPEC + 120);
                t.bytes.copy_within(first, second);
            },
            "two parameters",
        ),
        ("too many parameters", |t| t.words(28, &[65]), ""),
        ("no formats", |t| t.words(44, &[0]), "formats"),
        ("a kind that there is not", |t| t.text(SPEC + 16, "matrix"), "kind"),
        ("NaN", |t| t.value(2, f64::NAN), "default"),
        ("infinite", |t| t.value(2, f64::INFINITY), "default"),
        ("out of its range", |t| t.value(2, 2.0), "default"),
        ("of another case", |t| t.value(0, 1.0), "default"),
        ("a case that there is not", |t| t.value(9, 1.0), ""),
        ("bound NaN", |t| t.bound(72, Some(f64::NAN)), "range"),
        ("bound infinite", |t| t.bound(88, Some(f64::INFINITY)), "range"),
        ("a range upside down", |t| t.bound(72, Some(3.0)), "range"),
        (
            "requires what is not known",
            |t| t.more(3, "requires", "random-access"),
            "`random-access`",
        ),
        ("requires a number", |t| t.more(1, "requires", "\x01\0\0\0\0\0\0\0"), "requires"),
        (
            "half a reach",
            |t| {
                t.more(1, "frames-before", "");
                t.words(MORE + 16, &[2, 0]);
            },
            "one alone",
        ),
        ("a reach in words", |t| t.more(3, "frames-after", "2"), "`frames-after`"),
        (
            "a format twice",
            |t| {
                t.words(44, &[2]);
                t.text(FORMATS + 8, "gray8");
            },
            "twice",
        ),
        ("required, with a default", |t| t.bytes[SPEC + 64] = 1, "must be given"),
        (
            "a range without a whole number",
            |t| {
                t.text(SPEC + 16, "integer");
                t.bytes[SPEC + 40] = 0;
                t.bound(72, Some(0.2));
                t.bound(88, Some(0.8));
            },
            "no whole number",
        ),
        (
            "choices where there are none",
            |t| {
                t.words(SPEC + 104, &[TOLD_AT + FORMATS as u32, 1]);
            },
            "choice",
        ),
        (
            "a default that steers",
            |t| {
                t.bytes[SPEC + 48] = 3;
                t.text(SPEC + 56, "\x1b[2J\nERROR");
            },
            "default",
        ),
    ];
    for (what, breaks, word) in cases {
        let mut told = Told::sound();
        breaks(&mut told);
        let error = describe(&told.bytes).err().unwrap_or_else(|| panic!("{what}: loaded"));
        let text = error.to_string();
        assert!(text.contains(word), "{what}: {text}");
        assert!(text.len() < 3000 && !text.chars().any(char::is_control), "{what}: {text:?}");
    }
}

#[test]
fn six_hundred_descriptions() {
    let (sound, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    on_two_threads(600, |dice| {
        let mut told = Told::sound();
        for _ in 0..1 + dice.below(3) {
            match dice.below(3) {
                0 => told.words(4 * dice.below(12), &[dice.nasty()]),
                1 => told.words(SPEC + 4 * dice.below(30), &[dice.nasty()]),
                _ => told.bytes[dice.below(TOLD)] = dice.roll() as u8,
            }
        }
        match describe(&told.bytes) {
            Ok(plugin) => {
                let about = &plugin.description;
                assert!(about.name.len() <= 64 && about.summary.len() <= 200, "{about:?}");
                for parameter in &about.parameters {
                    assert!(parameter.name.len() <= 64 && parameter.summary.len() <= 200);
                }
                sound.fetch_add(1, Atomic::Relaxed);
            }
            Err(error) => {
                let text = error.to_string();
                assert!(text.len() < 4000 && !text.chars().any(char::is_control), "{text:?}");
                refused.fetch_add(1, Atomic::Relaxed);
            }
        }
    });
    let (sound, refused) = (sound.into_inner(), refused.into_inner());
    println!("descriptions: {sound} sound, {refused} refused");
    assert!(sound > 50 && refused > 200);
}
