//! Filters that look at pictures and tag or drop them (`dedupe`, `motion`, `scene`) and filters
//! that write on them (`timecode`, `watermark`). What they answer is worked out once more by
//! `reference.py`, with Pillow and numpy, and by FFmpeg's own filters.

mod overlays;
mod watchers;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use filmgate::frame::{Color, Frame, PixelFormat, Plane, Rational, StreamInfo};
use filmgate::plugin::{Filter, Limits, Plugin, resolve};
use filmgate_tests::hostile::{built_in, clip, engine};
use filmgate_tests::outside::{ffmpeg, script, succeed};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The tests' own folder.
const TESTS: &str = env!("CARGO_MANIFEST_DIR");

/// Nanoseconds from frame to frame.
const STEP: i64 = 40_000_000;

/// A stream at 25 frames a second whose colours nobody knows.
fn stream(format: PixelFormat, (width, height): (u32, u32)) -> StreamInfo {
    StreamInfo {
        format,
        width,
        height,
        frame_rate: Some(Rational { num: 25, den: 1 }),
        sample_aspect: Rational { num: 1, den: 1 },
        color: Color::default(),
    }
}

/// The first frames of a clip in the stream's format and size, packed, one behind the other.
/// `filters` are FFmpeg's, before the scaling.
fn film(name: &str, info: &StreamInfo, most: u32, filters: &str) -> Vec<u8> {
    let mut command = ffmpeg("");
    command.arg("-i").arg(clip(name)).args(["-map", "0:v:0", "-fps_mode", "passthrough"]);
    let scale = format!("{filters}scale={}:{}:flags=area", info.width, info.height);
    command.args(["-vf", &scale, "-frames:v", &most.to_string()]);
    command.args(["-f", "rawvideo", "-pix_fmt", ffmpeg_name(info.format), "-"]);
    succeed(&mut command)
}

/// What FFmpeg calls a format on its command line.
fn ffmpeg_name(format: PixelFormat) -> &'static str {
    match format {
        PixelFormat::Gray8 => "gray",
        PixelFormat::Gray16 => "gray16le",
        PixelFormat::Rgb48 => "rgb48le",
        PixelFormat::Yuv420p10 => "yuv420p10le",
        PixelFormat::Yuv422p10 => "yuv422p10le",
        PixelFormat::Yuv444p10 => "yuv444p10le",
        other => other.name(),
    }
}

/// Frames from packed pictures.
fn frames(info: &StreamInfo, bytes: &[u8]) -> Vec<Frame> {
    let size = info.format.frame_bytes(info.width, info.height);
    assert!(
        !bytes.is_empty() && bytes.len().is_multiple_of(size),
        "{} bytes of {size}",
        bytes.len()
    );
    bytes.chunks_exact(size).zip(0..).map(|(picture, index)| frame(info, picture, index)).collect()
}

fn frame(info: &StreamInfo, mut picture: &[u8], index: u64) -> Frame {
    let mut planes = Vec::new();
    for size in info.format.plane_sizes(info.width, info.height) {
        let (samples, rest) = picture.split_at(size.bytes());
        planes.push(Plane::packed(samples.to_vec(), size).expect("a packed plane"));
        picture = rest;
    }
    Frame {
        format: info.format,
        width: info.width,
        height: info.height,
        planes,
        index,
        timestamp: index as i64 * STEP,
        duration: Some(STEP),
        tags: None,
        baggage: None,
    }
}

/// A plugin of the catalogue, compiled once.
fn plugin(name: &str) -> Arc<Plugin> {
    static LOADED: LazyLock<Mutex<HashMap<String, Arc<Plugin>>>> = LazyLock::new(Mutex::default);
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let load = || {
        let plugin = Plugin::load(engine(), &built_in(name), &Limits::default());
        Arc::new(plugin.unwrap_or_else(|e| panic!("{e}")))
    };
    Arc::clone(loaded.entry(name.to_owned()).or_insert_with(load))
}

/// All frames through a filter of the catalogue, and what it kept.
fn run(name: &str, given: &[(&str, &str)], info: &StreamInfo, frames: Vec<Frame>) -> Vec<Frame> {
    let plugin = plugin(name);
    let given: Vec<_> = given.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let parameters = resolve(&plugin.description, &given).unwrap_or_else(|e| panic!("{e}"));
    let mut filter = Filter::start(&plugin, info, &parameters).unwrap_or_else(|e| panic!("{e}"));
    let mut out = Vec::new();
    for frame in frames {
        out.extend(filter.process(frame).unwrap_or_else(|e| panic!("{e}")));
    }
    out.extend(filter.flush().unwrap_or_else(|e| panic!("{e}")));
    out
}

/// The packed pictures of some frames.
fn packed(frames: &[Frame]) -> Vec<u8> {
    frames.iter().flat_map(|frame| frame.planes.iter().flat_map(Plane::to_packed)).collect()
}

fn tag<'a>(frame: &'a Frame, key: &str) -> Option<&'a str> {
    frame.tags.as_ref()?.get(key).map(String::as_str)
}

/// Cases that are handed to one Python process together.
struct Cases {
    folder: TempDir,
    list: Vec<Value>,
}

impl Cases {
    fn new() -> Cases {
        Cases { folder: tempfile::tempdir().expect("a folder for pictures"), list: Vec::new() }
    }

    /// Where a file of that name can be put.
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a filter, and keeps what went in and what came out for Python to judge.
    fn add(&mut self, name: &str, given: &[(&str, &str)], info: &StreamInfo, bytes: &[u8]) {
        let out = run(name, given, info, frames(info, bytes));
        let number = self.list.len();
        let store = |what: &str, bytes: &[u8]| {
            let path = self.path(&format!("{number}.{what}"));
            std::fs::write(&path, bytes).expect("pictures can be stored");
            path
        };
        let facts = |frame: &Frame| {
            json!({
                "index": frame.index,
                "timestamp": frame.timestamp,
                "duration": frame.duration,
                "tags": frame.tags.as_deref().cloned().unwrap_or_default(),
            })
        };
        let case = json!({
            "filter": name,
            "parameters": given.iter().map(|(k, v)| json!([k, v])).collect::<Vec<_>>(),
            "format": info.format.name(),
            "width": info.width,
            "height": info.height,
            "space": info.color.space,
            "range": info.color.range,
            "before": store("before", bytes),
            "after": store("after", &packed(&out)),
            "frames": out.iter().map(facts).collect::<Vec<_>>(),
            "font": format!("{TESTS}/../plugins/filters/timecode/src/font.hex"),
        });
        self.list.push(case);
    }

    /// Lets Python judge them all.
    fn judge(&self) {
        assert!(!self.list.is_empty());
        let list = self.path("cases.json");
        let text = serde_json::to_vec(&self.list).expect("cases are JSON");
        std::fs::write(&list, text).expect("cases can be stored");
        let path = Path::new(TESTS).join("catalogue/marks/reference.py");
        let said = script(&path, &[Path::new(&list).as_os_str()]);
        assert_eq!(said, format!("compared {}\n", self.list.len()));
    }
}
