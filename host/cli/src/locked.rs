//! The process locked in before a verb parses media.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use filmgate_av::InputSource;
use filmgate_sandbox::{Mode, Network, Profile, enter, warm};
use tracing::debug;

/// What the C library and libav read late: conversions of text, the time zone, the number of
/// processors that a container has.
const SYSTEM: [&str; 9] = [
    "/usr/lib",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/proc/self/cgroup",
];

/// What resolves names and checks certificates.
const NETWORK: [&str; 12] = [
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
    "/dev/urandom",
];

/// Locks the process in for reading one source.
///
/// # Errors
/// In `Require` if the kernel cannot, or if the source is a device.
pub(super) fn for_reading(source: &InputSource, mode: Mode) -> Result<()> {
    let Some(profile) = reading(source) else {
        if mode == Mode::Require {
            bail!(
                "{}: a device cannot be read with --sandbox require, as its driver's libraries are \
                 loaded late; use --sandbox auto",
                source.name().display()
            );
        }
        return Ok(());
    };
    if mode != Mode::Off {
        warm();
    }
    let entered = enter(&profile, mode)?;
    debug!(landlock = entered.landlock, seccomp = entered.seccomp, "sandbox");
    Ok(())
}

/// What reading a source takes; nothing for a device.
fn reading(source: &InputSource) -> Option<Profile> {
    let mut profile = Profile { read: SYSTEM.map(PathBuf::from).into(), ..Profile::default() };
    match source {
        InputSource::File(path) | InputSource::Pipe(Some(path)) => profile.read.push(path.clone()),
        InputSource::Pipe(None) | InputSource::Opened(_) => {}
        InputSource::Images(path) => {
            // Read in order through links, which lie in a folder of their own.
            let is_folder = path.is_dir();
            let folder = if is_folder { Some(path.as_path()) } else { path.parent() };
            let folder = folder.filter(|f| !f.as_os_str().is_empty());
            profile.read.push(folder.unwrap_or(Path::new(".")).to_owned());
            profile.write.push(std::env::temp_dir());
        }
        InputSource::Url(_) => {
            profile.read.extend(NETWORK.map(PathBuf::from));
            // A server leads on to others, and RTSP takes ports that only the server knows.
            profile.network = Network::Any;
        }
        InputSource::Named { format, name } if format == "image2" => {
            let folder = Path::new(name).parent().filter(|f| !f.as_os_str().is_empty());
            profile.read.push(folder.unwrap_or(Path::new(".")).to_owned());
        }
        InputSource::Named { .. } => return None,
    }
    Some(profile)
}
