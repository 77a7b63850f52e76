//! Tools that only some tests need: strace, mount, a browser, editors.
//!
//! Where one is missing or not permitted, its tests fail: a test that passes without having tried
//! anything holds nothing. `FILMGATE_SKIP=strace,mount` leaves the tests of these tools out.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::outside::succeed;

/// A tool, and how to find out whether it can be used.
#[derive(Debug)]
pub struct Tool {
    /// as in `FILMGATE_SKIP`
    name: &'static str,
    /// Debian's package
    package: &'static str,
    /// a line of shell that succeeds where it can be used, and may print how it is called
    probe: &'static str,
}

macro_rules! tools {
    ($($id:ident: $name:literal, $package:literal, $probe:literal;)*) => {
        $(pub const $id: Tool = Tool { name: $name, package: $package, probe: $probe };)*
        const ALL: &[Tool] = &[$($id),*];
    };
}

tools! {
    CHROMIUM: "chromium", "chromium-headless-shell",
        "command -v chromium-headless-shell || command -v chromium || \
         command -v chromium-browser || command -v google-chrome";
    FISH: "fish", "fish", "command -v fish";
    ZSH: "zsh", "zsh", "command -v zsh";
    ED: "ed", "ed", "command -v ed";
    GSTREAMER: "gstreamer", "gstreamer1.0-tools gstreamer1.0-plugins-good",
        "gst-inspect-1.0 multifilesink && gst-inspect-1.0 jpegenc";
    MINISIGN: "minisign", "minisign", "command -v minisign";
    MKVMERGE: "mkvmerge", "mkvtoolnix", "command -v mkvmerge";
    MOUNT: "mount", "mount",
        "folder=$(mktemp -d) || exit; mount -t tmpfs -o size=64k none $folder && umount $folder; \
         status=$?; rmdir $folder; exit $status";
    NGINX: "nginx", "nginx-core libnginx-mod-rtmp",
        "command -v nginx && ls /usr/lib/nginx/modules/ngx_rtmp_module.so";
    REGISTRY: "docker-registry", "docker-registry", "command -v docker-registry";
    RSYNC: "rsync", "rsync", "command -v rsync";
    SCHEMATHESIS: "schemathesis", "none, it comes from PyPI",
        "${FILMGATE_PYTHON:-python3} -c 'import schemathesis'";
    // A file system in memory, which is another one than that of the temporary folder.
    SHM: "shm", "none, it is a part of Linux", "test -w /dev/shm || { echo /dev/shm cannot be written to >&2; exit 1; }";
    STRACE: "strace", "strace", "strace -qq -e trace=none true";
    SYSTEMD: "systemd", "systemd", "command -v systemd-analyze";
    VIM: "vim", "vim-tiny", "command -v vim || command -v vim.tiny";
    WASM_CC: "wasm-cc", "clang lld", "${WASM_CC:-clang} -print-targets | grep wasm32 && command -v wasm-ld";
}

/// Whether the tool can be used; false where `FILMGATE_SKIP` leaves its tests out. Fails the test
/// where it is missing or not permitted.
pub fn available(tool: &Tool) -> bool {
    found(tool).is_some()
}

/// The same, with what the tool is called here.
pub fn found(tool: &Tool) -> Option<String> {
    let skip = std::env::var("FILMGATE_SKIP").unwrap_or_default();
    decide(tool, &skip, || {
        let mut shell = Command::new("sh");
        shell.args(["-c", tool.probe]).stdin(Stdio::null());
        shell.output().expect("there is a shell")
    })
    .unwrap_or_else(|why| panic!("{why}"))
}

fn decide(
    tool: &Tool,
    skip: &str,
    probe: impl FnOnce() -> Output,
) -> Result<Option<String>, String> {
    let left_out: Vec<&str> = skip.split(',').map(str::trim).filter(|n| !n.is_empty()).collect();
    let names: Vec<&str> = ALL.iter().map(|t| t.name).collect();
    if let Some(unknown) = left_out.iter().find(|n| !names.contains(n)) {
        return Err(format!("FILMGATE_SKIP: {unknown:?} is none of {}", names.join(", ")));
    }
    if left_out.contains(&tool.name) {
        eprintln!("skipped: FILMGATE_SKIP names {}", tool.name);
        return Ok(None);
    }
    let out = probe();
    if out.status.success() {
        let said = String::from_utf8_lossy(&out.stdout);
        return Ok(Some(said.lines().next().unwrap_or_default().to_owned()));
    }
    let said = String::from_utf8_lossy(&out.stderr);
    let reason = said.lines().last().map_or("not found", str::trim);
    Err(format!(
        "{} is missing or not permitted here ({reason}), and this test cannot do without it. \
         Install it (`make setup-test`; Debian: {}), permit it (containers may forbid tracing and \
         mounting), or leave its tests out: FILMGATE_SKIP={}",
        tool.name, tool.package, tool.name
    ))
}

/// A small file system, mounted until the end of the test.
#[derive(Debug)]
pub struct Disk(PathBuf);

impl Disk {
    /// A folder with room for `size` (`64k`); none where tests with `mount` are left out.
    pub fn mounted(folder: &Path, size: &str) -> Option<Disk> {
        if !available(&MOUNT) {
            return None;
        }
        std::fs::create_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let mut mount = Command::new("mount");
        succeed(mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"]).arg(folder));
        Some(Disk(folder.to_owned()))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: what a failing test has open there is not to keep it for ever.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Output {
        Command::new("sh").args(["-c", line]).output().expect("there is a shell")
    }

    #[test]
    fn what_is_missing_fails_the_test_and_says_the_way_out() {
        let why = decide(&STRACE, "", || told("echo ptrace: not permitted >&2; exit 1"));
        let why = why.expect_err("it is missing");
        for part in ["strace", "ptrace: not permitted", "Debian: strace", "FILMGATE_SKIP=strace"] {
            assert!(why.contains(part), "{part}: {why}");
        }
        assert!(decide(&STRACE, "mount", || told("exit 1")).is_err(), "another one is left out");
    }

    #[test]
    fn what_is_left_out_is_not_tried_and_what_is_there_is_found() {
        let left_out = decide(&MOUNT, "strace, mount", || panic!("it is not tried"));
        assert_eq!(left_out, Ok(None));
        assert_eq!(decide(&VIM, "", || told("echo vim.tiny")), Ok(Some("vim.tiny".to_owned())));
        let why = decide(&VIM, "vi", || told("true")).expect_err("an unknown name");
        assert!(why.contains("\"vi\"") && why.contains("strace"), "{why}");
    }
}
