//! scripts/setup.sh where the build would fail: it says so at once, before it installs anything. A
//! copy of the scripts is tried, with stand-ins for the programs of a machine that is too old.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use filmgate_tests::hostile::root;
use filmgate_tests::shell::{Said, Shell};

/// A machine with the scripts in it, and a folder of programs in front of all others.
struct Machine(Shell);

impl Machine {
    fn new() -> Machine {
        let shell = Shell::new();
        std::fs::create_dir_all(shell.path("scripts")).expect("a folder");
        std::fs::create_dir_all(shell.path("bin")).expect("a folder");
        shell.copy(&root().join("Cargo.toml"), "Cargo.toml");
        for entry in std::fs::read_dir(root().join("scripts")).expect("it can be read") {
            let name = entry.expect("an entry can be read").file_name();
            shell.copy(
                &root().join("scripts").join(&name),
                format!("scripts/{}", name.to_string_lossy()),
            );
        }
        // Installing would be a fault of every test here.
        Machine(shell).with("apt-get", "touch \"$0.called\"; exit 1")
    }

    fn with(self, program: &str, script: &str) -> Machine {
        let path = self.0.write(format!("bin/{program}"), format!("#!/bin/sh\n{script}\n"));
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("its mode");
        self
    }

    /// With this version of libavcodec installed; none is there without a version.
    fn with_avcodec(self, version: &str) -> Machine {
        let found = match version {
            "" => "exit 1".to_owned(),
            version => format!(
                "case $* in *modversion*) echo {version};; *libdir*) echo /opt/odd/lib;; esac"
            ),
        };
        self.with("pkg-config", &found)
    }

    fn with_rust(self, version: &str) -> Machine {
        self.with("cargo", &format!("echo cargo {version} '(0 2020-01-01)'"))
            .with("rustc", &format!("echo rustc {version} '(0 2020-01-01)'"))
    }

    /// What apt would install.
    fn with_candidate(self, version: &str) -> Machine {
        self.with("apt-cache", &format!("echo \"$2:\"; echo '  Candidate: {version}'"))
    }

    fn script(&self, line: &str) -> Said {
        let path = std::env::var("PATH").expect("there is a PATH");
        let path = format!("{}:{path}", self.0.path("bin").display());
        let mut command = Command::new("bash");
        // No server listens on this machine's port 1.
        command
            .args(line.split(' '))
            .env("PATH", path)
            .env("RUSTUP_DIST_SERVER", "http://127.0.0.1:1");
        self.0.settle(&mut command);
        let began = Instant::now();
        let said = self.0.say(&mut command);
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}: {said:?}", began.elapsed());
        assert!(!self.0.path("bin/apt-get.called").exists(), "nothing is installed: {said:?}");
        said
    }
}

/// It ended with code 1, and its message has all of `parts`.
fn refused(said: &Said, parts: &[&str]) {
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""), "{said:?}");
    for part in parts {
        assert!(said.stderr.contains(part), "{part}: {said:?}");
    }
}

#[test]
fn an_ffmpeg_that_is_too_old_ends_the_set_up() {
    for (version, name) in [("58.134.100", "FFmpeg 4"), ("59.18.100", "FFmpeg 5")] {
        let said = Machine::new().with_avcodec(version).script("scripts/setup.sh build");
        refused(&said, &[name, version, "/opt/odd/lib", "5.1 or newer", "PKG_CONFIG_PATH"]);
    }
    let machine = Machine::new().with_avcodec("").with("dpkg-query", "exit 0");
    let said = machine.with_candidate("7:4.4.2-0ubuntu0.22.04.1").script("scripts/setup.sh build");
    refused(&said, &["apt-get would install FFmpeg 4.4.2", "5.1 or newer"]);
}

#[test]
fn an_ffmpeg_newer_than_all_that_are_known_is_warned_of() {
    let said = Machine::new().with_avcodec("64.3.100").script("scripts/preflight.sh ffmpeg").done();
    for part in ["warning", "FFmpeg 10", "64.3.100", "5.1, 7.1 and 9.0", "ffmpeg-sys-next"] {
        assert!(said.stderr.contains(part), "{part}: {said:?}");
    }
}

#[test]
fn what_is_new_enough_passes_without_a_word() {
    for version in ["59.37.100", "61.19.101", "63.1.100"] {
        let machine = Machine::new().with_avcodec(version).with_rust("1.100.0");
        let said = machine.script("scripts/preflight.sh").done();
        assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""), "{version}");
    }
    // What is not there yet is installed later.
    let machine = Machine::new().with_avcodec("").with("dpkg-query", "exit 0").with_rust("1.100.0");
    machine.with_candidate("7:7.1.5-0+deb13u1").script("scripts/preflight.sh").done();
}

#[test]
fn a_rust_that_is_too_old_and_cannot_be_updated_ends_the_set_up() {
    let machine = Machine::new().with_avcodec("59.37.100").with_rust("1.63.0");
    let machine = machine.with("dpkg-query", "exit 0").with_candidate("1.63.0+dfsg1-2");
    let said = machine.script("scripts/setup.sh build");
    refused(&said, &["rustc 1.63.0", "1.95 or newer", "http://127.0.0.1:1", "rustup.rs"]);
    // Debian's security updates have one that is new enough.
    machine.with_candidate("1.96.0+dfsg1-1~deb12u2").script("scripts/preflight.sh").done();
}
