//! Plugins that change, break or are told to be loaded anew while pictures come.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use filmgate_tests::counted::wait_for;
use filmgate_tests::hostile::{built_in, bytes};
use filmgate_tests::running::Running;
use filmgate_tests::shell::Shell;

use crate::desk::{Watch, command, done, failed, frames, kinds, once, pillow};

/// Another plugin by the same name, in one step.
fn put(shell: &Shell, plugin: &str) {
    fs::copy(built_in(plugin), shell.path("aside.wasm")).expect("copied");
    fs::rename(shell.path("aside.wasm"), shell.path("plugin.wasm")).expect("renamed");
}

fn give(shell: &Shell, name: &str) {
    fs::copy(kinds().join("rgb.png"), shell.path("aside.png")).expect("copied");
    fs::rename(shell.path("aside.png"), shell.path("in").join(name)).expect("renamed");
}

fn is_embossed(output: &Path) -> bool {
    let source = kinds().join("rgb.png");
    let out = std::process::Command::new(filmgate_tests::outside::python())
        .arg(filmgate_tests::hostile::root().join("tests/watch/reference.py"))
        .args([Path::new("emboss"), &source, output])
        .output()
        .expect("python runs");
    out.status.success()
}

#[test]
fn a_plugin_that_changes_is_loaded_anew_and_a_bad_one_leaves_the_old() {
    let shell = Shell::new();
    put(&shell, "invert");
    let watch = Watch::start(&shell, "-p ./plugin.wasm");
    give(&shell, "one.png");
    watch.wait_done(1);
    assert!(!is_embossed(&shell.path("out/one.png")));
    // No plugin at all: it is told once, and the old one goes on.
    fs::write(shell.path("plugin.wasm"), b"\0asm no plugin").expect("written");
    watch.wait_said("stay as they are");
    // One that would take the compiler minutes and gigabytes.
    let costly = bytes::with(&bytes::Part::NestedLoops(4_000));
    fs::write(shell.path("plugin.wasm"), costly).expect("written");
    watch.wait_said("200 loops inside one another");
    give(&shell, "two.png");
    watch.wait_done(2);
    let [one, two] = ["one", "two"].map(|n| fs::read(shell.path(format!("out/{n}.png"))));
    assert_eq!(one.expect("there"), two.expect("there"));
    put(&shell, "emboss");
    let mut count = 2;
    let end = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        count += 1;
        give(&shell, &format!("{count}.png"));
        watch.wait_done(count);
        if is_embossed(&shell.path(format!("out/{count}.png"))) {
            break;
        }
        assert!(std::time::Instant::now() < end, "{}", watch.said());
        sleep(Duration::from_millis(100));
    }
    let over = watch.stop().fine();
    // Each of the two bad ones is told once.
    assert_eq!(over.stderr.matches("stay as they are").count(), 2, "{}", over.stderr);
    assert!(failed(&over.told).is_empty());
}

/// The first folder of the search path gets a plugin of the name that is in use.
#[test]
fn a_plugin_that_appears_in_an_earlier_folder_is_taken() {
    let shell = Shell::new();
    for folder in ["in", "first", "second"] {
        fs::create_dir(shell.path(folder)).expect("a folder");
    }
    fs::copy(built_in("invert"), shell.path("second/mine.wasm")).expect("copied");
    let mut command = command(&shell, "-p mine");
    let path = format!("{}:{}", shell.path("first").display(), shell.path("second").display());
    command.env("FILMGATE_PLUGIN_PATH", path).stdout(Stdio::null());
    let mut watch = Running::start(&mut command);
    give(&shell, "0.png");
    wait_for("the first image", || shell.path("out/0.png").exists());
    assert!(!is_embossed(&shell.path("out/0.png")));
    fs::copy(built_in("emboss"), shell.path("aside.wasm")).expect("copied");
    fs::rename(shell.path("aside.wasm"), shell.path("first/mine.wasm")).expect("renamed");
    let mut count = 0;
    wait_for("an embossed image", || {
        count += 1;
        give(&shell, &format!("{count}.png"));
        let output = shell.path(format!("out/{count}.png"));
        wait_for("the next image", || output.exists());
        is_embossed(&output)
    });
    watch.signal("TERM");
    assert_eq!(watch.wait().expect("it ends").code(), Some(0));
}

#[test]
fn sighup_reads_the_list_of_plugins_anew() {
    let shell = Shell::new();
    shell.write("plugins.txt", "# what to do\ninvert\n");
    let watch = Watch::start(&shell, "--plugin-list plugins.txt");
    give(&shell, "one.png");
    watch.wait_done(1);
    shell.write("plugins.txt", "emboss\n");
    watch.signal("HUP");
    let mut count = 1;
    let end = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        count += 1;
        give(&shell, &format!("{count}.png"));
        watch.wait_done(count);
        if is_embossed(&shell.path(format!("out/{count}.png"))) {
            break;
        }
        assert!(std::time::Instant::now() < end, "{}", watch.said());
        sleep(Duration::from_millis(100));
    }
    // One that is not there leaves the list as it was.
    shell.write("plugins.txt", "no-such-plugin\n");
    watch.signal("HUP");
    watch.wait_said("no-such-plugin");
    give(&shell, "last.png");
    watch.wait_done(count + 1);
    assert!(is_embossed(&shell.path("out/last.png")));
    watch.stop().fine();
}

#[test]
fn a_plugin_that_refuses_fails_that_picture_alone() {
    let shell = Shell::new();
    fs::create_dir_all(shell.path("in")).expect("a folder");
    shell.copy(&kinds().join("rgb.png"), "in/large.png");
    shell.copy(&frames(3).join("frame000001.jpg"), "in/small.jpg");
    // The window fits the first one only, which is 61 samples wide.
    let over = once(&shell, "-p crop:x=50,width=11,height=8 --originals delete");
    assert_eq!(over.code, Some(3), "{}", over.stderr);
    assert_eq!(done(&over.told).len(), 1, "{:?}", over.told);
    assert!(failed(&over.told)["small.jpg"].contains("crop"), "{:?}", over.told);
    assert!(shell.path("in/small.jpg").exists());
}

#[test]
fn chains_and_serial_plugins_see_each_picture_by_itself() {
    let shell = Shell::new();
    fs::create_dir_all(shell.path("in")).expect("a folder");
    for number in 0..6 {
        shell.copy(&kinds().join("rgb.png"), format!("in/{number}.png"));
    }
    // Averaged over pictures it would be another one; alone it stays.
    let over = once(&shell, "-p denoise -p emboss -j 2").fine();
    assert_eq!(done(&over.told).len(), 6);
    let pairs: Vec<_> = (0..6)
        .flat_map(|n| [kinds().join("rgb.png"), shell.path(format!("out/{n}.png"))])
        .collect();
    assert_eq!(pillow("emboss", &pairs), "equal\n");
}

#[test]
fn a_plugin_that_is_not_there_is_told_before_anything_begins() {
    let shell = Shell::new();
    fs::create_dir_all(shell.path("in")).expect("a folder");
    shell.filmgate("watch in -o out -p embos").refused(10, &["embos", "emboss"]);
    shell.filmgate("watch in -o out -p natural").refused(13, &["natural"]);
    shell.filmgate("watch in -o out --names emboss").refused(13, &["emboss"]);
    shell.filmgate("watch none -o out").refused(20, &["none"]);
}

#[test]
fn grants_are_for_plugins_that_are_asked_for_and_reach_them() {
    let shell = Shell::new();
    fs::create_dir(shell.path("in")).expect("a folder");
    fs::copy(kinds().join("rgb.png"), shell.path("in/a.png")).expect("copied");
    let refused = |more: &str, part: &str| {
        shell.filmgate(&format!("watch in -o out --once {more}")).refused(2, &[part]);
    };
    refused("-p emboss --grant nosuch:clock", "no plugin");
    refused("-p emboss --grant emboss:files", "env=NAME");
    refused("-p emboss --grant emboss", "NAME:");
    shell.write("plugins.txt", "emboss\n");
    refused("--plugin-list plugins.txt --grant invert:clock", "no plugin");
    shell.filmgate("watch in -o out --once --plugin-list plugins.txt --grant emboss:clock").done();
    assert!(is_embossed(&shell.path("out/a.png")));
}
