//! What every plugin of tests/compat gives, for ever.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use filmgate::frame::{Frame, Plane, PlaneSize, StreamInfo};
use filmgate::plugin::{Filter, Item, Kind, Limits, Naming, Ordering, Plugin, Request, resolve};
use filmgate_tests::hostile::{Dice, engine, root, stream};
use sha2::{Digest, Sha256};

fn folder() -> PathBuf {
    root().join("tests/compat/0.1.0")
}

/// Parameters beside the defaults, of plugins that do nothing without or look at more with them.
const GIVEN: [(&str, &[(&str, &str)]); 5] = [
    ("crop", &[("left", "4"), ("top", "6"), ("right", "3")]),
    ("denoise", &[("frames", "5"), ("planes", "all")]),
    ("flip", &[("mode", "both")]),
    ("scene", &[("scores", "all")]),
    ("template", &[("pattern", "{stem}-{index:04}.{ext}")]),
];

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

fn plugins() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).expect("the folder is there").flatten();
    let paths = entries.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "wasm"));
    let mut all: Vec<_> = paths.collect();
    all.sort();
    assert!(all.len() >= 16, "{all:?}");
    all
}

fn name(path: &Path) -> String {
    path.file_stem().expect("it has a name").to_string_lossy().into_owned()
}

/// Holds `found` to the file of that name; writes it where the tests are told to.
fn hold(file: &str, found: &str) {
    let path = folder().join(file);
    if std::env::var_os("FILMGATE_BLESS").is_some() {
        fs::write(&path, found).expect("written");
    }
    assert_eq!(fs::read_to_string(path).expect("it is there"), found);
}

#[test]
fn the_binaries_are_those_that_were_put_there() {
    let mut sums = String::new();
    for path in plugins() {
        let sum = hex(&fs::read(&path).expect("readable"));
        writeln!(sums, "{sum}  {}.wasm", name(&path)).expect("a text");
    }
    hold("SHA256SUMS", &sums);
}

#[test]
fn every_plugin_answers_as_it_always_did() {
    let mut answers = String::new();
    for path in plugins() {
        let plugin = Plugin::load(engine(), &path, &Limits::default());
        let plugin = plugin.unwrap_or_else(|e| panic!("{e}"));
        let name = name(&path);
        let given = GIVEN.iter().find(|(n, _)| *n == name).map_or(&[][..], |(_, given)| given);
        let given: Vec<_> = given.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let values = resolve(&plugin.description, &given).expect("as the plugin describes them");
        match (&plugin.filter, plugin.kind) {
            (Some(traits), _) => {
                for &format in &traits.formats {
                    let info = StreamInfo { format, ..stream(64, 48) };
                    let filter = Filter::start(&plugin, &info, &values).expect("starts");
                    writeln!(answers, "{} {name} {format}", frames(filter, &info)).expect("a text");
                }
            }
            (None, Kind::Naming) => {
                let naming = Naming::start(&plugin, &values).expect("starts");
                writeln!(answers, "{} {name}", names(naming)).expect("a text");
            }
            (None, _) => {
                let mut ordering = Ordering::start(&plugin, &values).expect("starts");
                let order = ordering.order(&items()).expect("works");
                let order: Vec<usize> = order.iter().map(|p| p.item).collect();
                writeln!(answers, "{order:?} {name}").expect("a text");
            }
        }
    }
    hold("ANSWERS", &answers);
}

/// The digest of all that comes out for twelve frames: a scene of noise that hardly changes, and
/// another one.
fn frames(mut filter: Filter, info: &StreamInfo) -> String {
    let mut out = Vec::new();
    for index in 0..12 {
        out.extend(filter.process(noise(info, index)).expect("works"));
    }
    out.extend(filter.flush().expect("works"));
    let mut text = Vec::new();
    for frame in out {
        let Frame { index, timestamp, duration, tags, .. } = &frame;
        let facts = format!("{} {index} {timestamp} {duration:?} {tags:?}", frame.format);
        text.extend(facts.into_bytes());
        frame.planes.iter().for_each(|plane| text.extend(plane.to_packed()));
    }
    hex(&text)
}

fn noise(info: &StreamInfo, index: u64) -> Frame {
    let StreamInfo { format, width, height, .. } = *info;
    let mut dice = Dice(index / 6);
    let most = (1_u64 << format.bits()) - 8;
    let mut plane = |size: PlaneSize| {
        let sample = |_| (dice.roll() % most + index % 6 / 2).to_le_bytes();
        let samples = (0..size.bytes() / format.sample_bytes()).map(sample);
        let bytes: Vec<u8> = samples.flat_map(|s| s[..format.sample_bytes()].to_vec()).collect();
        Plane::packed(bytes, size).expect("it fits")
    };
    let planes = format.plane_sizes(width, height).map(&mut plane).collect();
    let timestamp = index as i64 * 40_000_000;
    let (duration, tags, baggage) = (Some(40_000_000), None, None);
    Frame { format, width, height, planes, index, timestamp, duration, tags, baggage }
}

fn items() -> Vec<Item> {
    let names = ["cam/seg10.mp4", "cam/seg2.mp4", "b/2018-09-08 10.15.02.mp4", "Cam/seg1.mp4"];
    let item = |(path, number): (&str, i64)| Item {
        path: path.to_owned(),
        size: 1000 - number.unsigned_abs(),
        modified: 1_536_401_702_000_000 + number,
        ..Item::default()
    };
    names.into_iter().zip(0..).map(item).collect()
}

fn names(mut naming: Naming) -> String {
    let mut all = Vec::new();
    for (index, item) in (0..).zip(items()) {
        for attempt in 0..3 {
            let request = Request {
                sources: vec![item.clone()],
                index,
                attempt,
                extension: "jpg".to_owned(),
                folders: true,
                ..Request::default()
            };
            all.push(naming.name(&request).expect("works"));
        }
    }
    all.join(" ")
}
