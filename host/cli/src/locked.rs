//! The process locked in before a verb parses media.
//!
//! What needs more than the sandbox leaves is done before: plugins are compiled, and files with names
//! that are known are begun, which a helper process gives their names at the end.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use filmgate_av::InputSource;
use filmgate_core::cancel::Cancel;
use filmgate_core::publish::ahead;
use filmgate_engine::Reach;
use filmgate_engine::spec::Sandbox;
use filmgate_plugin::{catalogue, compile_ahead, package};
use filmgate_sandbox::{Entered, Mode, Network, Profile, enter, support, warm};
use serde_json::{Value, json};
use tracing::debug;

/// What the C library and libav read late: conversions of text, the time zone, the number of
/// processors that a container has, random numbers for the identifiers in files.
const SYSTEM: [&str; 12] = [
    "/usr/lib",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/fs/cgroup",
    "/proc/self/cgroup",
    "/dev/urandom",
    "/dev/random",
];

/// What resolves names and checks certificates.
const NETWORK: [&str; 11] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/ssl",
    "/etc/pki",
    "/etc/gnutls",
    "/usr/share/ca-certificates",
];

/// How the process is locked in. At its end goes what was begun and not used.
pub struct Locked {
    mode: Mode,
    word: &'static str,
    entered: Entered,
    /// an input for which nothing could be locked
    device: Option<String>,
    /// what gives files their names; ends when nothing can be asked of it any more
    #[cfg(target_os = "linux")]
    _helper: Option<filmgate_sys::Helper>,
}

impl Drop for Locked {
    fn drop(&mut self) {
        ahead::end();
    }
}

/// Locks the process in for reading one source.
///
/// # Errors
/// As [`for_job`].
pub(super) fn for_reading(
    source: &InputSource,
    mode: Option<Sandbox>,
    cancel: &Cancel,
) -> Result<Locked> {
    let mut reach = Reach::default();
    reach.reads(source);
    for_job(&reach, mode, true, cancel)
}

/// Locks the process in for a job that needs to reach this. With `dry_run` nothing is written.
/// No other thread may run yet.
///
/// # Errors
/// In `Require` if the kernel cannot, or if a source is a device.
pub fn for_job(
    reach: &Reach,
    mode: Option<Sandbox>,
    dry_run: bool,
    cancel: &Cancel,
) -> Result<Locked> {
    let (mode, word) = mode_of(mode);
    let device = reach.device.clone().filter(|_| mode != Mode::Off);
    let mut locked = Locked {
        mode,
        word,
        entered: Entered::default(),
        device,
        #[cfg(target_os = "linux")]
        _helper: None,
    };
    if let Some(device) = &locked.device {
        if mode == Mode::Require {
            bail!(
                "{device}: a device cannot be read with --sandbox require, as its driver's \
                 libraries are loaded late; use --sandbox auto"
            );
        }
        return Ok(locked);
    }
    if mode == Mode::Off || cfg!(not(target_os = "linux")) {
        locked.entered = enter(&Profile::default(), mode)?;
        return Ok(locked);
    }
    warm();
    let mut profile = Profile { read: reads(reach, cancel), ..Profile::default() };
    if !dry_run {
        #[cfg(target_os = "linux")]
        {
            locked._helper = Some(begin(reach)?);
        }
        profile.write.extend(ahead::begun());
        profile.write.extend(reach.fills.iter().cloned());
        profile.clear.clone_from(&reach.clears);
    }
    profile.write.extend(reach.changes.iter().cloned());
    if reach.links {
        profile.write.push(std::env::temp_dir());
    }
    if reach.network {
        profile.read.extend(NETWORK.map(PathBuf::from));
        // A server leads on to others, and RTSP takes ports that only the server knows.
        profile.network = Network::Any;
    }
    locked.entered = enter(&profile, mode)?;
    debug!(landlock = locked.entered.landlock, seccomp = locked.entered.seccomp, "sandbox");
    Ok(locked)
}

/// A worker's argument for a log in JSON, and the one for text.
const LOGS: [&str; 2] = ["json", "text"];

/// Says what the workers of a watch are started with.
///
/// # Errors
/// In `Require` if the kernel lacks a layer.
pub(super) fn for_workers(mode: Option<Sandbox>, json_log: bool) -> Result<()> {
    let (mode, word) = mode_of(mode);
    if mode == Mode::Require {
        let kernel = support();
        if !kernel.is_whole() {
            return Err(filmgate_sandbox::Error::Missing(kernel).into());
        }
    }
    let log = LOGS[usize::from(!json_log)];
    #[cfg(target_os = "linux")]
    filmgate_worker::work_with("/proc/self/exe", vec![log.into(), word.into()]);
    Ok(())
}

/// What a worker reads in its arguments: whether it logs in JSON, and how it is locked in.
#[must_use]
pub fn of_worker(arguments: &[String]) -> (bool, Mode) {
    let is = |place: usize, word: &str| arguments.get(place).is_some_and(|a| a == word);
    let mode = match arguments.get(1).map(String::as_str) {
        Some("off") => Mode::Off,
        Some("require") => Mode::Require,
        _ => Mode::Auto,
    };
    (is(0, LOGS[0]), mode)
}

/// The mode, and its name.
fn mode_of(mode: Option<Sandbox>) -> (Mode, &'static str) {
    match mode.unwrap_or_default() {
        Sandbox::Off => (Mode::Off, "off"),
        Sandbox::Auto => (Mode::Auto, "auto"),
        Sandbox::Require => (Mode::Require, "require"),
    }
}

/// Compiles the plugins, and gives all that may be read.
fn reads(reach: &Reach, cancel: &Cancel) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = SYSTEM.map(PathBuf::from).into();
    all.extend(reach.reads.iter().chain(&reach.pipes).cloned());
    let folders = catalogue::folders();
    let mut files = Vec::new();
    // Packages are found by their manifests, and by the lock file of the folder.
    if reach.plugins.iter().any(|plugin| plugin.name.starts_with(package::SCHEME)) {
        all.extend(package::folder());
        all.push(package::LOCK.into());
    }
    for plugin in &reach.plugins {
        // What is wrong with one is told when it is loaded.
        files.extend(catalogue::locate(&plugin.name, &folders).map(|located| located.path));
        let values = plugin.parameters.0.iter().map(|(_, value)| Path::new(value));
        all.extend(values.filter(|path| path.is_file()).map(Path::to_owned));
    }
    compile_ahead(&files, cancel);
    all.extend(folders);
    all.extend(files);
    all
}

/// Begins the files whose names are known, and forks the helper that gives them.
#[cfg(target_os = "linux")]
fn begin(reach: &Reach) -> Result<filmgate_sys::Helper> {
    use std::os::unix::net::UnixStream;

    reach.folders.iter().for_each(|folder| ahead::begin_folders(folder));
    reach.fills.iter().for_each(|folder| ahead::begin_folder(folder));
    reach.pipes.iter().for_each(|pipe| ahead::begin_pipe(pipe));
    reach.makes.iter().for_each(|(path, replace)| ahead::begin(path, *replace));
    let (ours, its) = UnixStream::pair()?;
    let mut ours = Some(ours);
    let helper = filmgate_sys::fork_helper(|| {
        // Of this end the helper has to see that nobody holds it any more.
        drop(ours.take());
        ahead::give_names(its);
    })?;
    ours.into_iter().for_each(ahead::hand_over);
    Ok(helper)
}

impl Locked {
    /// For people: what is locked.
    pub(super) fn text(&self) -> String {
        match (&self.device, self.mode) {
            (Some(device), _) => format!("not locked in: {device} is a device"),
            (None, Mode::Off) => "off".to_owned(),
            (None, _) => {
                let landlock = match self.entered.landlock {
                    0 => "files and network are not locked: no Landlock".to_owned(),
                    version => format!("Landlock version {version}"),
                };
                let seccomp = if self.entered.seccomp { "seccomp" } else { "no seccomp" };
                format!("{landlock}, {seccomp}")
            }
        }
    }

    /// For programs (docs/json.md).
    pub(super) fn json(&self) -> Value {
        let Entered { landlock, seccomp } = self.entered;
        json!({ "mode": self.word, "landlock": landlock, "seccomp": seccomp, "device": self.device })
    }
}
