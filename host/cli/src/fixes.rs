//! The command that brings what `filmgate doctor` misses, for this system.

use std::path::Path;

/// A family of systems with one package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    Debian,
    Fedora,
    Arch,
    Alpine,
    Suse,
    Mac,
    Other,
}

impl System {
    pub(super) fn here() -> System {
        if cfg!(target_os = "macos") {
            return System::Mac;
        }
        System::of(&std::fs::read_to_string("/etc/os-release").unwrap_or_default())
    }

    /// By the fields ID and ID_LIKE of os-release(5).
    fn of(os_release: &str) -> System {
        let value = |key: &str| {
            let line = os_release.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix('='));
            line.unwrap_or_default().trim_matches(['"', '\'']).to_ascii_lowercase()
        };
        let names = format!("{} {}", value("ID"), value("ID_LIKE"));
        let is = |wanted: &[&str]| names.split(' ').any(|name| wanted.contains(&name));
        match () {
            () if is(&["debian", "ubuntu"]) => System::Debian,
            () if is(&["fedora", "rhel", "centos"]) => System::Fedora,
            () if is(&["arch"]) => System::Arch,
            () if is(&["alpine"]) => System::Alpine,
            () if is(&["suse", "opensuse", "opensuse-tumbleweed"]) => System::Suse,
            () => System::Other,
        }
    }

    /// Brings an FFmpeg with the usual codecs.
    pub(super) fn ffmpeg(self) -> &'static str {
        match self {
            System::Debian => "sudo apt-get install libavcodec-extra",
            System::Fedora => {
                "sudo dnf install https://download1.rpmfusion.org/free/fedora/rpmfusion-free-release-$(rpm -E %fedora).noarch.rpm \
                 && sudo dnf swap ffmpeg-free ffmpeg --allowerasing"
            }
            System::Arch => "sudo pacman -S ffmpeg",
            System::Alpine => "sudo apk add ffmpeg-libs",
            System::Suse => "sudo zypper install --from packman ffmpeg",
            System::Mac => "brew install ffmpeg",
            System::Other => {
                "install an FFmpeg that is built with these codecs, from your system's packages"
            }
        }
    }
}

/// Makes a folder of one's own that nobody else can write to.
pub(super) fn own_folder(folder: &Path) -> String {
    let folder = quoted(folder);
    format!("mkdir -p {folder} && chmod 700 {folder} && sudo chown \"$USER\" {folder}")
}

/// Shows what is wrong with a plugin that does not load.
pub(super) fn plugin(path: &Path) -> String {
    format!("filmgate plugin check {}", quoted(path))
}

/// Makes a folder readable.
pub(super) fn readable(folder: &Path) -> String {
    format!("sudo chmod a+rX {}", quoted(folder))
}

/// Makes a folder that a variable names.
pub(super) fn folder(folder: &Path) -> String {
    format!("mkdir -p {}, or take it out of FILMGATE_PLUGIN_PATH", quoted(folder))
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_are_known_by_os_release() {
        for (text, system) in [
            ("PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n", System::Debian),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", System::Debian),
            ("ID=fedora\n", System::Fedora),
            ("ID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\n", System::Fedora),
            ("ID=manjaro\nID_LIKE=arch\n", System::Arch),
            ("ID=alpine\n", System::Alpine),
            ("ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", System::Suse),
            ("ID=nixos\n", System::Other),
            ("", System::Other),
        ] {
            assert_eq!(System::of(text), system, "{text}");
        }
    }

    #[test]
    fn paths_are_quoted() {
        assert_eq!(
            plugin(Path::new("/a b/it's.wasm")),
            r"filmgate plugin check '/a b/it'\''s.wasm'"
        );
    }
}
