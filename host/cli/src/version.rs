//! `--version`: filmgate's own, and what it was built on and runs with.

use anyhow::Result;

use super::exit::Exit;
use super::out;

/// `filmgate version`: the same as `--version`.
pub(super) fn print() -> Result<Exit> {
    out::print(&format!("filmgate {}\n", long()))?;
    Ok(Exit::Done)
}

/// What follows `filmgate ` in `--version`.
pub(super) fn long() -> String {
    let mut out = env!("CARGO_PKG_VERSION").to_owned();
    for library in filmgate_av::libraries() {
        let built = if library.built == library.running {
            String::new()
        } else {
            format!(" (built with {})", library.built)
        };
        out += &format!("\n{} {}{built}", library.name, library.running);
    }
    for (name, version) in [("wasmtime", env!("FILMGATE_WASMTIME")), ("", env!("FILMGATE_RUSTC"))] {
        if !version.is_empty() {
            out += format!("\n{name} {version}").replace("\n ", "\n").as_str();
        }
    }
    out += &format!("\nplugin contract {}", filmgate_plugin::SERVED);
    out += &format!("\n{}", env!("FILMGATE_TARGET"));
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn everything_below_is_named() {
        let text = super::long();
        for name in ["libavcodec ", "libswscale ", "wasmtime ", "rustc 1.", "plugin contract "] {
            assert!(text.contains(&format!("\n{name}")), "{text}");
        }
    }
}
