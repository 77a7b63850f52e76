//! Golden frames: the digests of what a filter made of frames that are the same every time.

use std::fmt::Write;

use super::filter::{content, end};
use super::{Golden, Values, Wrong};
use filmgate_core::digest;
use filmgate_plugin::check::{info, picture};
use filmgate_plugin::{Filter, Plugin};

const FRAMES: u64 = 6;
const HEADER: &str = "# What the plugin made of generated frames: format, size, frame, SHA-256 of its planes.\n\
                      # Written by `filmgate plugin test --bless`.\n";

/// Compares with the file, or writes it.
pub(super) fn compare(plugin: &Plugin, parameters: &Values, golden: Golden) -> Result<(), Wrong> {
    let now = digests(plugin, parameters)?;
    let file = |e: std::io::Error| Wrong::Text(format!("{}: {e}", golden.file.display()));
    if golden.bless {
        if let Some(folder) = golden.file.parent() {
            std::fs::create_dir_all(folder).map_err(file)?;
        }
        return std::fs::write(golden.file, HEADER.to_owned() + &now).map_err(file);
    }
    let before = match std::fs::read_to_string(golden.file) {
        Ok(text) => text,
        // A plugin without golden frames has none to break.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(file(e)),
    };
    let before: Vec<&str> = before.lines().filter(|line| !line.starts_with('#')).collect();
    let now: Vec<&str> = now.lines().collect();
    let differs = now.iter().filter(|line| !before.contains(line)).count();
    let gone = before.iter().filter(|line| !now.contains(line)).count();
    if differs + gone == 0 {
        return Ok(());
    }
    let first = now.iter().find(|line| !before.contains(line)).or(before.first());
    Err(Wrong::Text(format!(
        "{differs} of {} frames are not those of {}; the first: {}",
        now.len(),
        golden.file.display(),
        first.map_or("", |line| line.rsplit_once(' ').map_or(line, |(frame, _)| frame))
    )))
}

fn digests(plugin: &Plugin, parameters: &Values) -> Result<String, Wrong> {
    let mut text = String::new();
    for &format in plugin.filter.iter().flat_map(|f| &f.formats) {
        for (width, height) in [(64, 48), (17, 3)] {
            let info = info(format, width, height);
            let mut filter = Filter::start(plugin, &info, parameters)?;
            let mut frames = Vec::new();
            for index in 0..FRAMES {
                frames.extend(filter.process(picture(&info, index)?)?);
            }
            frames.extend(end(plugin, &mut filter)?);
            for (number, (_, _, planes)) in content(&frames).into_iter().enumerate() {
                let digest = digest::of_bytes(&planes.concat());
                let _ = writeln!(text, "{format} {width}x{height} frame {number} {digest}");
            }
        }
    }
    Ok(text)
}
