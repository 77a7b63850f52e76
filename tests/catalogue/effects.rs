//! `blur`, `sharpen`, `edges`, `pixelate`, `vignette` and `chromakey`: what they make of real
//! pictures is what `reference.py` does with Pillow and numpy, bit for bit, in every format and at
//! awkward sizes, and what FFmpeg's own filters do, exactly or to within what the READMEs say.

mod beside_ffmpeg;
mod scaling;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use filmgate::frame::{Color, Frame, PixelFormat, Plane, Rational, StreamInfo};
use filmgate::plugin::{Filter, Limits, Plugin, resolve};
use filmgate_tests::hostile::{built_in, clip, engine};
use filmgate_tests::outside::{ffmpeg, script, succeed};
use serde_json::json;

/// Width and height.
type Size = (u32, u32);

/// Sizes with whole vectors, with something left over, and with hardly anything.
const SIZES: [Size; 5] = [(320, 180), (131, 77), (65, 2), (5, 3), (1, 1)];

/// Pictures of each kind.
const PICTURES: usize = 2;

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

/// Some pictures of Big Buck Bunny, two seconds in, planes packed, one behind the other.
fn film(format: PixelFormat, size: Size) -> Arc<Vec<u8>> {
    type Made = HashMap<(PixelFormat, Size), Arc<Vec<u8>>>;
    static MADE: LazyLock<Mutex<Made>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let make = || {
        let mut command = ffmpeg("-ss 2");
        command.arg("-i").arg(clip("bigbuckbunny.mp4")).args(["-map", "0:v:0"]);
        let scale = format!("scale={}:{}:flags=area", size.0, size.1);
        command.args(["-vf", &scale, "-frames:v", &PICTURES.to_string()]);
        command.args(["-f", "rawvideo", "-pix_fmt", ffmpeg_name(format), "-"]);
        let bytes = succeed(&mut command);
        assert_eq!(bytes.len(), PICTURES * format.frame_bytes(size.0, size.1));
        Arc::new(bytes)
    };
    made.entry((format, size)).or_insert_with(make).clone()
}

/// A filter, loaded.
fn load(name: &str) -> Plugin {
    Plugin::load(engine(), &built_in(name), &Limits::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// `key=value,…`
fn pairs(parameters: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').expect("key=value");
        (name.to_owned(), value.to_owned())
    };
    parameters.split(',').filter(|text| !text.is_empty()).map(pair).collect()
}

/// Raw pictures through a filter.
fn filtered(plugin: &Plugin, parameters: &str, format: PixelFormat, size: Size) -> Vec<u8> {
    let stream = StreamInfo {
        format,
        width: size.0,
        height: size.1,
        frame_rate: Some(Rational { num: 25, den: 1 }),
        sample_aspect: Rational { num: 1, den: 1 },
        color: Color::default(),
    };
    let values = resolve(&plugin.description, &pairs(parameters)).unwrap_or_else(|e| panic!("{e}"));
    let mut filter = Filter::start(plugin, &stream, &values).unwrap_or_else(|e| panic!("{e}"));
    let pictures = film(format, size);
    let mut out = Vec::with_capacity(pictures.len());
    for (bytes, index) in pictures.chunks_exact(format.frame_bytes(size.0, size.1)).zip(0..) {
        let frames = filter.process(frame(&stream, bytes, index)).unwrap_or_else(|e| panic!("{e}"));
        for plane in frames.iter().flat_map(|frame| &frame.planes) {
            out.extend(plane.to_packed());
        }
    }
    out
}

fn frame(stream: &StreamInfo, mut bytes: &[u8], index: u64) -> Frame {
    let StreamInfo { format, width, height, .. } = *stream;
    let mut planes = Vec::new();
    for size in format.plane_sizes(width, height) {
        let (samples, rest) = bytes.split_at(size.bytes());
        planes.push(Plane::packed(samples.to_vec(), size).expect("a plane of its size"));
        bytes = rest;
    }
    let timestamp = index as i64 * 40_000_000;
    let duration = Some(40_000_000);
    Frame { format, width, height, planes, index, timestamp, duration, tags: None, baggage: None }
}

/// One filter, its parameters, and what to try them on.
struct Job<'a> {
    parameters: &'a str,
    format: PixelFormat,
    size: Size,
    input: PathBuf,
    output: PathBuf,
}

/// Tries a filter with each of some parameters on everything: it must be the reference, exactly.
fn exact(name: &str, parameters: &[&str]) {
    let plugin = load(name);
    let folder = tempfile::tempdir().expect("a folder for pictures");
    let formats = &plugin.filter.as_ref().expect("it is a filter").formats;
    let mut jobs = Vec::new();
    for &format in formats {
        for size in SIZES {
            let input = folder.path().join(format!("{format}-{}x{}", size.0, size.1));
            std::fs::write(&input, &*film(format, size)).expect("pictures can be written");
            for parameters in parameters {
                let output = folder.path().join(jobs.len().to_string());
                jobs.push(Job { parameters, format, size, input: input.clone(), output });
            }
        }
    }
    reference(name, &jobs, folder.path());
    for job in &jobs {
        let ours = filtered(&plugin, job.parameters, job.format, job.size);
        let theirs = std::fs::read(&job.output).expect("the reference has made its pictures");
        let (width, height) = job.size;
        let what = format!("{name}:{} on {} {width}x{height}", job.parameters, job.format);
        assert_eq!(ours.len(), theirs.len(), "{what}");
        if let Some(at) = ours.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs) {
            panic!("{what}: byte {at} is {}, the reference has {}", ours[at], theirs[at]);
        }
    }
}

/// Has the reference make all outputs.
fn reference(name: &str, jobs: &[Job], folder: &Path) {
    let jobs: Vec<_> = jobs
        .iter()
        .map(|job| {
            let parameters: HashMap<_, _> = pairs(job.parameters).into_iter().collect();
            json!({
                "filter": name, "format": job.format.name(), "width": job.size.0,
                "height": job.size.1, "parameters": parameters, "in": job.input, "out": job.output,
            })
        })
        .collect();
    let list = folder.join("jobs.json");
    std::fs::write(&list, json!(jobs).to_string()).expect("a list can be written");
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue/effects/reference.py");
    script(&program, &[list.as_os_str()]);
}

#[test]
fn blur_is_pillows() {
    exact(
        "blur",
        &[
            "",
            "radius=0.5",
            "radius=31.7,planes=luma",
            "kind=box,radius=1",
            "kind=box,radius=7.3",
            "kind=box,radius=64",
            "radius=3,x=30%,y=10%,width=33%,height=50%",
            "kind=box,radius=2,planes=luma,x=20.5%,width=1000",
        ],
    );
}

#[test]
fn sharpen_is_pillows() {
    exact(
        "sharpen",
        &[
            "",
            "amount=99,radius=1",
            "amount=350,threshold=3,planes=all,radius=5",
            "amount=237,threshold=200",
        ],
    );
}

#[test]
fn edges_are_as_defined() {
    exact("edges", &["", "operator=prewitt,gain=0.37", "operator=laplacian,gain=7,color=keep"]);
}

#[test]
fn pixelate_takes_means() {
    exact(
        "pixelate",
        &[
            "",
            "block=7",
            "block=2",
            "block=256,x=30%,y=10%,width=33%,height=50%",
            "block=5,x=20.5%,y=0%,width=1000,height=100%",
        ],
    );
}

#[test]
fn vignette_is_as_defined() {
    exact("vignette", &["", "strength=100,shape=ellipse", "strength=0", "strength=3.7"]);
}

#[test]
fn chromakey_is_as_defined() {
    exact(
        "chromakey",
        &[
            "",
            "color=#80a040,similarity=0.08,blend=0.2",
            "color=#80a040,similarity=0.05,blend=0,background=#2040ff",
            "color=#6090c0,similarity=0,blend=1",
        ],
    );
}
