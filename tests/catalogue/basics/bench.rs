//! What these tests share: pictures, the plugins as components, and the outside references.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex};

use filmgate::cancel::Cancel;
use filmgate::frame::{Color, Frame, PixelFormat, Plane, PlanePool, Rational, StreamInfo};
use filmgate::plugin::{CodeCache, Engine, Filter, Limits, Plugin, PluginError, resolve};
use filmgate_tests::running::Running;

/// Sizes that are no multiple of a vector, of a block or of two, and one that is of all.
pub(super) const SIZES: [(u32, u32); 4] = [(320, 180), (131, 77), (33, 18), (5, 3)];

/// A picture, its planes packed one behind the other.
#[derive(Clone, PartialEq)]
pub(super) struct Picture {
    pub(super) format: PixelFormat,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) samples: Vec<u8>,
}

impl Picture {
    /// One sample after the other.
    pub(super) fn values(&self) -> Vec<i32> {
        match self.format.sample_bytes() {
            1 => self.samples.iter().map(|s| i32::from(*s)).collect(),
            _ => {
                let pairs = self.samples.as_chunks::<2>().0.iter();
                pairs.map(|pair| i32::from(u16::from_le_bytes(*pair))).collect()
            }
        }
    }

    pub(super) fn planes(&self) -> Vec<Vec<u8>> {
        let mut rest = self.samples.as_slice();
        let cut = |size: filmgate::frame::PlaneSize| {
            let (plane, behind) = rest.split_at(size.bytes());
            rest = behind;
            plane.to_vec()
        };
        self.format.plane_sizes(self.width, self.height).map(cut).collect()
    }
}

/// Where the repository is.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A folder or file that the Makefile names, or where it usually is.
fn place(variable: &str, usual: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| root().join(usual), PathBuf::from)
}

/// A frame of Big Buck Bunny in that format and size. Opacity, which film has none of, is made up.
pub(super) fn picture(format: PixelFormat, (width, height): (u32, u32)) -> Picture {
    type Made = HashMap<(PixelFormat, u32, u32), Picture>;
    static MADE: LazyLock<Mutex<Made>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().expect("not poisoned");
    let make = || {
        let film = place("FILMGATE_MEDIA", "build/media").join("bigbuckbunny.mp4");
        let film = film.to_str().expect("UTF-8");
        let filters = format!("scale={width}:{height},format={}", libav(format));
        let mut samples = ffmpeg(
            &["-ss", "2", "-i", film, "-frames:v", "1", "-vf", &filters, "-f", "rawvideo", "-"],
            &[],
        );
        if format == PixelFormat::Rgba {
            for (pixel, opacity) in samples.chunks_mut(4).zip((0..=255).cycle()) {
                pixel[3] = opacity;
            }
        }
        Picture { format, width, height, samples }
    };
    made.entry((format, width, height)).or_insert_with(make).clone()
}

/// The name of a format as the ffmpeg program takes it.
fn libav(format: PixelFormat) -> String {
    let order = if format.bits() > 8 { "le" } else { "" };
    match format {
        PixelFormat::Gray8 => "gray".to_owned(),
        other => format!("{}{order}", other.name()),
    }
}

fn ffmpeg(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "error", "-nostdin"]).args(arguments);
    piped(command, input)
}

/// What a program writes to stdout when it gets that on stdin.
fn piped(mut command: Command, input: &[u8]) -> Vec<u8> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Running::start(&mut command);
    let mut stdin = child.stdin.take().expect("it was piped");
    let out = std::thread::scope(|scope| {
        // A program that fails closes its stdin early; its stderr says why.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().expect("it ends")
    });
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{command:?}: {said}");
    out.stdout
}

/// The picture through FFmpeg's `filters`. It comes back in the same format, with that size.
pub(super) fn through_ffmpeg(before: &Picture, filters: &str, size: (u32, u32)) -> Picture {
    let (format, dimensions) =
        (libav(before.format), format!("{}x{}", before.width, before.height));
    // A conversion that a filter asks for is not to blur.
    let filters = format!("{filters},format={format}");
    let samples = ffmpeg(
        &[
            "-f",
            "rawvideo",
            "-pix_fmt",
            &format,
            "-s",
            &dimensions,
            "-i",
            "pipe:0",
            "-vf",
            &filters,
            "-f",
            "rawvideo",
            "-pix_fmt",
            &format,
            "-",
        ],
        &before.samples,
    );
    let after = Picture { format: before.format, width: size.0, height: size.1, samples };
    let bytes = after.format.frame_bytes(size.0, size.1);
    assert_eq!(after.samples.len(), bytes, "{filters} on {dimensions}");
    after
}

/// What a Python program writes to stdout. It has `numpy` as `np`, Pillow's `Image` and `ImageOps`,
/// the picture as the flat array `samples`, and its `width` and `height`.
pub(super) fn through_python(before: &Picture, program: &str) -> Vec<u8> {
    let kind = if before.format.sample_bytes() == 1 { "u1" } else { "<u2" };
    let Picture { width, height, .. } = before;
    let whole = format!(
        "import sys\nimport numpy as np\nfrom PIL import Image, ImageOps\n\
         samples = np.frombuffer(sys.stdin.buffer.read(), '{kind}')\n\
         width, height = {width}, {height}\n{program}\nsys.stdout.buffer.write(out.tobytes())\n"
    );
    let mut command = Command::new(place("FILMGATE_PYTHON", "build/venv/bin/python"));
    command.args(["-c", &whole]);
    piped(command, &before.samples)
}

/// The plugin, loaded once.
fn plugin(name: &str) -> Arc<Plugin> {
    static LOADED: LazyLock<Mutex<HashMap<String, Arc<Plugin>>>> = LazyLock::new(Mutex::default);
    static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
        Engine::new(&CodeCache::ForUser, &PlanePool::new(), &Cancel::new())
            .expect("the engine starts")
    });
    let load = || {
        let folder = place("FILMGATE_PLUGIN_DIR", "target/release/plugins");
        let path = folder.join(format!("{name}.wasm"));
        let loaded = Plugin::load(&ENGINE, &path, &Limits::default());
        Arc::new(loaded.unwrap_or_else(|e| panic!("{e}; `make plugins` makes it")))
    };
    let mut loaded = LOADED.lock().expect("not poisoned");
    Arc::clone(loaded.entry(name.to_owned()).or_insert_with(load))
}

/// The picture through the plugin `name` with `parameters` as a user writes them, in a stream of
/// the colour range `range` (`tv`, `pc`, or empty where nobody knows).
pub(super) fn filtered(
    name: &str,
    parameters: &[(&str, &str)],
    range: &str,
    before: &Picture,
) -> Result<Picture, PluginError> {
    let plugin = plugin(name);
    let given: Vec<(String, String)> =
        parameters.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    let stream = StreamInfo {
        format: before.format,
        width: before.width,
        height: before.height,
        frame_rate: None,
        sample_aspect: Rational { num: 1, den: 1 },
        color: Color { range: (!range.is_empty()).then(|| range.to_owned()), ..Color::default() },
    };
    let mut filter = Filter::start(&plugin, &stream, &resolve(&plugin.description, &given)?)?;
    let sizes = before.format.plane_sizes(before.width, before.height);
    let planes = before.planes().into_iter().zip(sizes);
    let planes = planes.map(|(bytes, size)| Plane::packed(bytes, size).expect("it fits"));
    let frame = Frame {
        format: before.format,
        width: before.width,
        height: before.height,
        planes: planes.collect(),
        index: 7,
        timestamp: 280_000_000,
        duration: Some(40_000_000),
        tags: None,
        baggage: None,
    };
    let mut answer = filter.process(frame)?;
    let frame = answer.pop().expect("a frame for a frame");
    assert!(answer.is_empty());
    assert_eq!((frame.index, frame.timestamp, frame.duration), (7, 280_000_000, Some(40_000_000)));
    let samples = frame.planes.iter().flat_map(Plane::to_packed).collect();
    Ok(Picture { format: frame.format, width: frame.width, height: frame.height, samples })
}

/// The same where nothing is to go wrong.
pub(super) fn answer(
    name: &str,
    parameters: &[(&str, &str)],
    range: &str,
    before: &Picture,
) -> Picture {
    filtered(name, parameters, range, before).unwrap_or_else(|e| panic!("{e}"))
}

/// The largest difference of two samples; pictures of different shapes fail.
pub(super) fn difference(found: &Picture, expected: &Picture) -> i32 {
    let shape = |p: &Picture| (p.format, p.width, p.height, p.samples.len());
    assert_eq!(shape(found), shape(expected));
    let pairs = found.values().into_iter().zip(expected.values());
    pairs.map(|(one, other)| (one - other).abs()).max().unwrap_or(0)
}

/// Fails unless no sample differs.
pub(super) fn assert_same(found: &Picture, expected: &Picture, what: &str) {
    let most = difference(found, expected);
    let (format, width, height) = (found.format, found.width, found.height);
    assert_eq!(most, 0, "{what}, {format} {width}x{height}: differs by {most}");
}
