//! Several plugins one behind the other: pixels, formats, and the same bits for any number of
//! threads.

use filmgate_tests::hostile::{Module, clip};
use filmgate_tests::outside::{made, pictures, small};
use filmgate_tests::shell::Shell;

use crate::reference::{Case, Cases};

#[test]
fn a_chain_does_what_its_parts_do() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    let said = shell
        .run(
            &input,
            "chain.mkv",
            "-p emboss -p grayscale -p denoise:frames=5,threshold=20 --crf 0 --json",
        )
        .done();
    let json = said.json();
    assert_eq!(json["conversions"], serde_json::json!([]));
    let names: Vec<_> = json["plugins"].as_array().expect("plugins").iter().collect();
    let names: Vec<_> = names.iter().map(|p| p["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["emboss", "grayscale", "denoise"]);
    assert!(json["plugins"].as_array().is_some_and(|l| l.iter().all(|p| p["frames"] == 25)));
    let mut cases = Cases::new();
    let case = Case {
        checks: &["emboss", "grayscale", "denoise"],
        frames: 5,
        threshold: 20,
        ..Case::default()
    };
    let output = shell.path("chain.mkv");
    cases.add(&case, &pictures(&input, "yuv420p", 100), &pictures(&output, "yuv420p", 100));
    cases.judge();
}

#[test]
fn the_number_of_threads_does_not_show() {
    let (shell, film) = (Shell::new(), clip("carphone_pristine.mp4"));
    let mut outputs = Vec::new();
    for workers in [1, 2, 4, 7] {
        let name = format!("{workers}.mkv");
        // The encoder has threads of its own, which are not the matter here.
        let plugins = "-p emboss -p denoise -p grayscale -p denoise:frames=5 -p emboss:planes=all";
        let more = format!("{plugins} --crf 0 -x threads=1 -j {workers} --json");
        let said = shell.run(&film, &name, &more).done();
        assert_eq!(said.json()["workers"], workers);
        outputs.push(pictures(&shell.path(&name), "yuv420p", 1000));
    }
    assert_eq!(outputs[0].len(), 176 * 144 * 3 / 2 * 120);
    assert!(outputs.iter().all(|o| *o == outputs[0]), "other pictures for other threads");
}

#[test]
fn what_a_plugin_does_not_take_is_converted_once_and_told() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    let rgb = Module { format: "rgb24".to_owned(), ..Module::default() };
    shell.write("rgb.wasm", rgb.component());
    let said = shell.run(&input, "rgb.mp4", "-p ./rgb.wasm -p ./rgb.wasm -p emboss --json").done();
    let json = said.json();
    let notes: Vec<_> = json["conversions"].as_array().expect("a list").iter().collect();
    assert_eq!(notes.len(), 2, "{json}");
    assert_eq!(notes[0], "yuv420p to rgb24 for hostile");
    assert!(notes[1].as_str().is_some_and(|n| n.contains("rgb24 to yuv")), "{json}");
    assert_eq!(json["frames_out"], 25);
    let said = shell.run(&input, "rgb2.mp4", "-p ./rgb.wasm").done();
    assert!(said.stderr.contains("converted   yuv420p to rgb24 for hostile"), "{said:?}");
}

#[test]
fn a_conversion_there_and_back_hardly_shows() {
    let input = made(
        "colors.mkv",
        "-f lavfi -i testsrc=size=320x180:rate=25:duration=0.2 -pix_fmt yuv444p -c:v ffv1",
    );
    let shell = Shell::new();
    let rgb = Module { format: "rgb24".to_owned(), ..Module::default() };
    shell.write("rgb.wasm", rgb.component());
    shell.run(&input, "there.mkv", "-p ./rgb.wasm --crf 0").done();
    let before = pictures(&input, "yuv444p", 10);
    let after = pictures(&shell.path("there.mkv"), "yuv444p", 10);
    assert_eq!(before.len(), after.len());
    let far = before.iter().zip(&after).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(far <= Some(3), "samples move by {far:?}");
}

#[test]
fn no_plugin_at_all_is_a_transcode() {
    let (shell, input) = (Shell::new(), small("plain.mp4", "-bf 2"));
    let said = shell.run(&input, "same.mkv", "--crf 0 --json").done();
    assert_eq!(said.json()["plugins"], serde_json::json!([]));
    let same = pictures(&shell.path("same.mkv"), "yuv420p", 100);
    assert!(pictures(&input, "yuv420p", 100) == same);
}
