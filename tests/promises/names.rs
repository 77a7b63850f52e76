//! No name that a plugin gives leads out of the output folder, and no order is anything but a
//! permutation.

use std::fs;
use std::path::{Component, Path};

use filmgate::plugin::{
    Failure, Item, Limits, Naming, Ordering, Plugin, PluginError, Request, Value, check_name,
    check_order,
};
use filmgate_tests::hostile::{Dice, Policy, failure, load};

/// Answers with the bytes that stand in the first property of the first file: what `policy`
/// copies to 0x10_0000 is taken for the answer's text or list.
fn puppet(list: &str, entry: u32) -> Policy {
    Policy {
        // An item is 32 bytes, its properties at 24; a property 24 bytes, its bytes at 16.
        answer: format!(
            "(local.set $i (i32.load offset=24 (local.get ${list})))
             (i32.store (i32.const 0x380) (i32.const 0))
             (i32.store (i32.const 0x384) (i32.load offset=16 (local.get $i)))
             (i32.store (i32.const 0x388)
               (i32.div_u (i32.load offset=20 (local.get $i)) (i32.const {entry})))
             (i32.const 0x380)"
        ),
        ..Policy::default()
    }
}

fn told(bytes: Vec<u8>) -> Item {
    Item { properties: vec![("told".to_owned(), Value::File(bytes))], ..Item::default() }
}

/// Asks the puppet for a name; a fresh one after each that it was ended for.
struct Namer<'a> {
    plugin: &'a Plugin,
    naming: Option<Naming>,
}

impl Namer<'_> {
    fn name(&mut self, bytes: &[u8], folders: bool) -> Result<String, PluginError> {
        let mut naming = match self.naming.take() {
            Some(naming) => naming,
            None => Naming::start(self.plugin, &[]).expect("the puppet starts"),
        };
        let request =
            Request { sources: vec![told(bytes.to_vec())], folders, ..Request::default() };
        let answer = naming.name(&request);
        if answer.is_ok() {
            self.naming = Some(naming);
        }
        answer
    }
}

/// One of the things that names are made of here.
fn fragment(dice: &mut Dice) -> Vec<u8> {
    let plain: [&[u8]; 26] = [
        b"a",
        b"..",
        b".",
        b"/",
        b"//",
        b"\0",
        b"\\",
        b"..\\",
        b"-rf",
        b"~",
        b"$HOME",
        b" ",
        b"\n",
        b"\x1b[2J",
        "ä".as_bytes(),
        "\u{202e}gpj".as_bytes(),
        "\u{ff0f}".as_bytes(),
        "\u{2025}".as_bytes(),
        b"%2e%2e%2f",
        b"C:",
        b"CON",
        b"\xc0\xae",
        b"\xc0\xaf",
        b"\xff",
        b"/etc/passwd",
        b"../../../../../../tmp/x",
    ];
    match dice.below(30) {
        0 => vec![b'n'; dice.below(400)],
        1 => vec![b'n'; 255],
        2 => vec![b'n'; 256],
        3 => "é".repeat(dice.below(200)).into_bytes(),
        _ => dice.pick(&plain).to_vec(),
    }
}

/// Whether a name that was accepted stays where it belongs: by its components, and by really
/// writing there.
fn stays_inside(name: &str, folders: bool, outputs: &Path) {
    let path = Path::new(name);
    let components: Vec<Component> = path.components().collect();
    assert!(components.iter().all(|c| matches!(c, Component::Normal(_))), "{name:?}");
    assert!(folders || components.len() == 1, "{name:?}");
    assert!(path.is_relative() && !name.contains('\0') && !name.ends_with('/'), "{name:?}");
    let target = outputs.join(path);
    let folder = target.parent().expect("a folder");
    if fs::create_dir_all(folder).is_err() || target.is_dir() {
        // A file of another name is there already.
        return;
    }
    fs::write(&target, name).unwrap_or_else(|e| panic!("{name:?}: {e}"));
    let real = fs::canonicalize(&target).expect("it is there");
    assert!(real.starts_with(outputs), "{name:?} is {}", real.display());
    fs::remove_file(&target).expect("removed");
}

#[test]
fn ten_thousand_names_stay_inside() {
    let plugin = load(&puppet("sources", 1).naming(), &Limits::default()).expect("loads");
    let folder = tempfile::tempdir().expect("a folder");
    let root = fs::canonicalize(folder.path()).expect("it is there");
    let outputs = root.join("a/b/outputs");
    fs::create_dir_all(&outputs).expect("made");
    let mut namer = Namer { plugin: &plugin, naming: None };
    let (mut dice, mut accepted, mut refused) = (Dice(8), 0, 0);
    for _ in 0..10_000 {
        let name: Vec<u8> = (0..=dice.below(4)).flat_map(|_| fragment(&mut dice)).collect();
        let folders = dice.below(2) == 0;
        match namer.name(&name, folders) {
            Ok(given) => {
                assert_eq!(given.as_bytes(), name);
                stays_inside(&given, folders, &outputs);
                accepted += 1;
            }
            Err(error) => {
                assert!(matches!(failure(&error), Some(Failure::Misuse(_))), "{error}");
                let text = error.to_string();
                assert!(text.len() < 3000 && !text.chars().any(char::is_control), "{text:?}");
                refused += 1;
            }
        }
    }
    println!("{accepted} names accepted, {refused} refused");
    assert!(accepted > 1000 && refused > 1000, "{accepted} accepted, {refused} refused");
    // Nothing beside the folder.
    for (above, within) in [("", "a"), ("a", "b"), ("a/b", "outputs")] {
        let names: Vec<_> = fs::read_dir(root.join(above))
            .expect("it is there")
            .map(|entry| entry.expect("readable").file_name())
            .collect();
        assert_eq!(names, [within]);
    }
}

#[test]
fn the_names_of_textbooks_are_refused() {
    let long = "n".repeat(256);
    let always = [
        "",
        ".",
        "..",
        "/",
        "/etc/passwd",
        "../x",
        "a/../b",
        "a/..",
        "./a",
        "a/.",
        "a//b",
        "a/",
        "/a",
        "a\0b",
        "a\nb",
        "a\u{7f}",
        "a\u{85}b",
        "gpj.\u{202e}a",
        "a\u{2066}",
        "\u{200f}a",
        &long,
    ];
    for name in always {
        assert!(check_name(name, true).is_err(), "{name:?}");
        assert!(check_name(name, false).is_err(), "{name:?}");
    }
    let many = ["n"; 2000].join("/");
    assert!(check_name(&many, true).is_err());
    for name in ["a", "-a", "...", ".a", "a\\b", "ä", "a b", &long[1..]] {
        assert!(check_name(name, true).is_ok() && check_name(name, false).is_ok(), "{name:?}");
    }
    assert!(check_name("a/b/c.jpg", true).is_ok());
    assert!(check_name("a/b/c.jpg", false).is_err());
}

/// Refused with a word about what is wrong with it, and never asked again.
#[test]
fn a_policy_that_gave_a_bad_name_is_not_asked_again() {
    let plugin = load(&puppet("sources", 1).naming(), &Limits::default()).expect("loads");
    let mut naming = Naming::start(&plugin, &[]).expect("starts");
    let ask = |bytes: &[u8]| Request { sources: vec![told(bytes.to_vec())], ..Request::default() };
    assert_eq!(naming.name(&ask(b"good")).ok().as_deref(), Some("good"));
    let error = naming.name(&ask(b"..")).expect_err("bad").to_string();
    assert!(error.contains("leads out of its folder"), "{error}");
    let error = naming.name(&ask(b"good")).expect_err("over");
    assert!(matches!(failure(&error), Some(Failure::Over)), "{error}");
}

/// Places in the layout of the canonical ABI: item, and an empty reason or an absurd one.
fn places(order: &[u32], reason: (u32, u32)) -> Vec<u8> {
    order.iter().flat_map(|item| [*item, reason.0, reason.1]).flat_map(u32::to_le_bytes).collect()
}

#[test]
fn ten_thousand_orders_are_permutations_or_refused() {
    let plugin = load(&puppet("items", 12).ordering(), &Limits::default()).expect("loads");
    let mut dice = Dice(9);
    let (mut accepted, mut refused) = (0, 0);
    let mut ordering = None;
    for _ in 0..10_000 {
        let count = 1 + dice.below(6);
        let mut order: Vec<u32> = (0..count as u32).collect();
        for i in (1..count).rev() {
            order.swap(i, dice.below(i + 1));
        }
        let mut reason = (0, 0);
        match dice.below(8) {
            0 => order[0] = dice.nasty(),
            1 => order[0] = order[count - 1],
            2 => order.push(dice.below(count + 1) as u32),
            3 => _ = order.pop(),
            4 => order = (0..dice.below(5000)).map(|_| dice.nasty()).collect(),
            5 => reason = (dice.nasty(), dice.nasty()),
            _ => {}
        }
        let mut items = vec![Item::default(); count];
        items[0] = told(places(&order, reason));
        let mut asked = match ordering.take() {
            Some(ordering) => ordering,
            None => Ordering::start(&plugin, &[]).expect("starts"),
        };
        match asked.order(&items) {
            Ok(answer) => {
                let mut sorted: Vec<usize> = answer.iter().map(|p| p.item).collect();
                let given: Vec<u32> = sorted.iter().map(|i| *i as u32).collect();
                assert_eq!(given, order);
                sorted.sort_unstable();
                assert_eq!(sorted, (0..count).collect::<Vec<_>>());
                for place in &answer {
                    assert!(place.reason.len() <= 203, "{} bytes", place.reason.len());
                    assert!(!place.reason.chars().any(char::is_control));
                }
                accepted += 1;
                ordering = Some(asked);
            }
            Err(error) => {
                let ended = matches!(failure(&error), Some(Failure::Misuse(_) | Failure::Trap(_)));
                assert!(ended, "{error}");
                refused += 1;
            }
        }
    }
    println!("{accepted} orders accepted, {refused} refused");
    assert!(accepted > 1000 && refused > 1000, "{accepted} accepted, {refused} refused");
}

#[test]
fn orders_that_are_none_are_refused() {
    for (order, count) in [
        (vec![0, 0], 2),
        (vec![0], 2),
        (vec![0, 1, 2], 2),
        (vec![0, 2], 2),
        (vec![u32::MAX, 0], 2),
        (vec![0], 0),
        (vec![], 1),
    ] {
        assert!(check_order(&order, count).is_err(), "{order:?} of {count}");
    }
    assert!(check_order(&[], 0).is_ok() && check_order(&[2, 0, 1], 3).is_ok());
}

#[test]
fn a_name_ends_as_it_was_asked_to() {
    for (answer, fits) in
        [("a.jpg", true), ("b/.jpg", false), ("jpg", false), (".jpg", false), ("a.jpg.png", false)]
    {
        let plugin = load(&puppet("sources", 1).naming(), &Limits::default()).expect("loads");
        let mut naming = Naming::start(&plugin, &[]).expect("starts");
        let request = Request {
            sources: vec![told(answer.as_bytes().to_vec())],
            folders: true,
            extension: "jpg".to_owned(),
            ..Request::default()
        };
        let named = naming.name(&request);
        assert_eq!(named.is_ok(), fits, "{answer}: {named:?}");
    }
}
