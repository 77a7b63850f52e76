//! Plugins that were built against earlier versions of the contract go on working: the components
//! in tests/old, which are never built again.

use std::fs;
use std::path::PathBuf;

use filmgate::plugin::{
    Filter, Item, Kind, Limits, Naming, Ordering, Plugin, Request, Value, resolve,
};
use filmgate_tests::hostile::{engine, frame, root, stream};
use sha2::{Digest, Sha256};

fn old(version: &str, name: &str) -> PathBuf {
    root().join("tests/old").join(version).join(name)
}

fn load(name: &str) -> Plugin {
    let path = old("0.1.0", &format!("{name}.wasm"));
    Plugin::load(engine(), &path, &Limits::default()).unwrap_or_else(|e| panic!("{e}"))
}

fn parameters(plugin: &Plugin, given: &[(&str, &str)]) -> Vec<(String, Value)> {
    let given: Vec<_> = given.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    resolve(&plugin.description, &given).expect("as the plugin describes them")
}

fn item(path: &str) -> Item {
    Item { path: path.to_owned(), ..Item::default() }
}

/// Whoever rebuilds them by mistake has to notice.
#[test]
fn the_binaries_are_those_of_then() {
    let sums = fs::read_to_string(old("0.1.0", "SHA256SUMS")).expect("tests/old is complete");
    assert_eq!(sums.lines().count(), 3);
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").expect("as sha256sum writes it");
        let bytes = fs::read(old("0.1.0", name)).expect("tests/old is complete");
        let digest: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(digest, sum, "{name}");
    }
}

#[test]
fn a_filter_of_0_1_0_gives_the_same_picture() {
    let plugin = load("emboss-c");
    assert_eq!((plugin.kind, plugin.interface.as_str()), (Kind::Filter, "0.1.0"));
    let info = stream(64, 48);
    let input = frame(&info, 7);
    let before = input.planes[0].to_packed();
    let values = parameters(&plugin, &[("planes", "luma")]);
    let mut filter = Filter::start(&plugin, &info, &values).expect("starts");
    let output = filter.process(input).expect("works").remove(0);
    let after = output.planes[0].to_packed();
    let (columns, rows) = (64, 48);
    for y in 0..rows {
        for x in 0..columns {
            let inside = (1..columns - 1).contains(&x) && (1..rows - 1).contains(&y);
            let here = i32::from(before[y * columns + x]);
            let wanted = if inside {
                let below = i32::from(before[(y + 1) * columns + x - 1]);
                (here - below + 128).clamp(0, 255)
            } else {
                here
            };
            assert_eq!(i32::from(after[y * columns + x]), wanted, "at {x}, {y}");
        }
    }
    assert_eq!((output.index, output.timestamp), (7, frame(&info, 7).timestamp));
}

#[test]
fn an_ordering_policy_of_0_1_0_gives_the_same_order() {
    let plugin = load("natural");
    let values = parameters(&plugin, &[]);
    let mut ordering = Ordering::start(&plugin, &values).expect("starts");
    let items: Vec<Item> =
        ["cam/seg10.mp4", "cam/seg2.mp4", "Cam/seg1.mp4", "a.mp4"].map(item).to_vec();
    let order: Vec<usize> = ordering.order(&items).expect("works").iter().map(|p| p.item).collect();
    assert_eq!(order, [3, 2, 1, 0]);
}

#[test]
fn a_naming_policy_of_0_1_0_gives_the_same_name() {
    let plugin = load("template");
    let values = parameters(&plugin, &[("pattern", "{stem}-{index:04}.{ext}")]);
    let mut naming = Naming::start(&plugin, &values).expect("starts");
    let request = Request {
        sources: vec![item("cam/seg 10.mp4")],
        index: 12,
        extension: "jpg".to_owned(),
        ..Request::default()
    };
    assert_eq!(naming.name(&request).expect("works"), "seg 10-0012.jpg");
    let again = Request { attempt: 2, ..request };
    assert_eq!(naming.name(&again).expect("works"), "seg 10-0012-2.jpg");
}
