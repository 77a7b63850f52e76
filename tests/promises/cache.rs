//! The cache of compiled plugins runs nothing that another user could have put there, and waits
//! for nothing.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use filmgate_tests::hostile::{Module, program};
use filmgate_tests::shell::{Said, Shell};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the mode can be set");
}

/// Loads a plugin with that cache folder, after `before` in the same shell.
fn inspect(shell: &Shell, cache: &str, before: &str) -> Said {
    shell.write("plugin.wasm", Module::default().component());
    let mut bash = Command::new("bash");
    let script = format!("{before} exec \"$0\" plugin inspect ./plugin.wasm");
    shell.settle(bash.arg("-c").arg(script).arg(program()));
    shell.say(bash.env("FILMGATE_CACHE_DIR", cache))
}

/// What `doctor` says of that cache folder.
fn doctor(shell: &Shell, cache: &str) -> (Option<i32>, String) {
    fs::create_dir_all(shell.path("none")).expect("a folder");
    let mut command = shell.command();
    command.args(["doctor", "--json"]).env("FILMGATE_CACHE_DIR", cache);
    let said = shell.say(command.env("FILMGATE_PLUGIN_PATH", shell.path("none")));
    let state = said.json()["cache"]["state"].as_str().expect("a state").to_owned();
    (said.code, state)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let list = fs::read_dir(folder.join("code")).expect("a folder");
    list.map(|entry| entry.expect("readable").path()).collect()
}

#[test]
fn nobody_else_can_reach_what_is_kept_whatever_the_umask() {
    let shell = Shell::new();
    let cache = shell.path("cache");
    inspect(&shell, "cache", "umask 000;").done();
    assert_eq!((mode(&cache), mode(&cache.join("code"))), (0o700, 0o700));
    let [entry] = &entries(&cache)[..] else { panic!("one entry: {:?}", entries(&cache)) };
    assert_eq!(mode(entry), 0o600);
    // It is used: the file is not written anew.
    let before = fs::metadata(entry).expect("it is there");
    inspect(&shell, "cache", "").done();
    let after = fs::metadata(entry).expect("it is there");
    assert_eq!(before.modified().expect("a time"), after.modified().expect("a time"));
}

#[test]
fn a_relative_folder_is_used_and_doctor_says_so() {
    let shell = Shell::new();
    inspect(&shell, "./some/cache", "").done();
    assert_eq!(entries(&shell.path("some/cache")).len(), 1);
    let (_, state) = doctor(&shell, "./some/cache");
    // It has put the plugins of its folders there, too.
    let count = entries(&shell.path("some/cache")).len();
    assert!(count > 1 && state.contains(&format!("usable, {count} files")), "{count}: {state}");
}

#[test]
fn folders_that_others_can_write_to_are_not_used() {
    for at in ["above", "above/cache", "above/cache/code"] {
        let shell = Shell::new();
        fs::create_dir_all(shell.path("above/cache/code")).expect("folders");
        for folder in ["above", "above/cache", "above/cache/code"] {
            set_mode(&shell.path(folder), if folder == at { 0o777 } else { 0o700 });
        }
        let said = inspect(&shell, "above/cache", "").done();
        assert!(said.stderr.contains("written to by others"), "{at}: {}", said.stderr);
        assert!(entries(&shell.path("above/cache")).is_empty(), "{at}");
        let (code, state) = doctor(&shell, "above/cache");
        assert_eq!(code, Some(1), "{at}");
        assert!(state.contains("written to by others"), "{at}: {state}");
    }
    // Where only owners may rename, as in /tmp, nothing can be put in its place.
    let shell = Shell::new();
    fs::create_dir(shell.path("above")).expect("a folder");
    set_mode(&shell.path("above"), 0o1777);
    inspect(&shell, "above/cache", "").done();
    assert_eq!(entries(&shell.path("above/cache")).len(), 1);
}

#[test]
fn entries_that_are_not_ours_or_not_whole_are_compiled_again() {
    let shell = Shell::new();
    inspect(&shell, "cache", "").done();
    let entry = entries(&shell.path("cache")).remove(0);
    let sound = fs::read(&entry).expect("readable");
    let flipped = |at: usize| {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        bytes
    };
    let broken = [
        Vec::new(),
        sound[..10].to_vec(),
        sound[..sound.len() - 1].to_vec(),
        flipped(0),
        flipped(sound.len() / 2),
        flipped(sound.len() - 1),
    ];
    for bytes in broken {
        fs::write(&entry, bytes).expect("written");
        inspect(&shell, "cache", "").done();
        assert_eq!(fs::read(&entry).expect("readable"), sound);
    }
    set_mode(&entry, 0o666);
    let said = inspect(&shell, "cache", "").done();
    assert!(said.stderr.contains("written to by others"), "{}", said.stderr);
    assert_eq!(mode(&entry), 0o600);
    let elsewhere = shell.write("elsewhere", &sound);
    fs::remove_file(&entry).expect("removed");
    symlink(&elsewhere, &entry).expect("a link");
    inspect(&shell, "cache", "").done();
    assert!(fs::symlink_metadata(&entry).expect("there").is_file());
}

#[test]
fn a_pipe_in_an_entrys_place_is_not_waited_for() {
    let shell = Shell::new();
    inspect(&shell, "cache", "").done();
    let entry = entries(&shell.path("cache")).remove(0);
    fs::remove_file(&entry).expect("removed");
    assert!(Command::new("mkfifo").arg(&entry).status().expect("it runs").success());
    let (code, state) = doctor(&shell, "cache");
    assert_eq!(code, Some(1));
    assert!(state.contains("no plain file"), "{state}");
    let begun = Instant::now();
    inspect(&shell, "cache", "").done();
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(fs::symlink_metadata(&entry).expect("there").is_file(), "it took the pipe's place");
}

#[test]
fn a_folder_that_cannot_be_written_to_is_told_of() {
    let shell = Shell::new();
    shell.write("file", "");
    for cache in ["file", "file/below", "/proc/filmgate"] {
        let said = inspect(&shell, cache, "").done();
        assert!(said.stderr.contains("compiled anew each time"), "{cache}: {}", said.stderr);
        assert_eq!(doctor(&shell, cache).0, Some(1), "{cache}");
    }
}
