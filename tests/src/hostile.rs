//! Plugins that break the rules, made on the spot, and what the tests need to run them.

pub mod bytes;
mod module;
mod wasi;

pub use module::{ANSWER, CONFIGURED, DESCRIPTION, HANDLES, Module, Policy, little_endian};
pub use wasi::with_wasi;

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use filmgate::cancel::Cancel;
use filmgate::frame::{Color, Frame, PixelFormat, Plane, PlanePool, Rational, StreamInfo};
use filmgate::plugin::{CodeCache, Engine, Failure, Limits, Plugin, PluginError, pack};

/// A component of a core module in text, for one of the contract's worlds.
pub fn component(module: &str, world: &str) -> Vec<u8> {
    let module = wat::parse_str(module).unwrap_or_else(|e| panic!("{e}\n{module}"));
    pack(&module, Some(world), &[]).unwrap_or_else(|e| panic!("{e}"))
}

/// The engine that all hostile plugins of a test program share.
pub fn engine() -> &'static Engine {
    static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
        Engine::new(&CodeCache::Off, &PlanePool::new(), &Cancel::new())
            .expect("the engine can be set up")
    });
    &ENGINE
}

/// Loads a component as the program does: from a file.
pub fn load(component: &[u8], limits: &Limits) -> Result<Plugin, PluginError> {
    load_with(engine(), component, limits)
}

pub fn load_with(
    engine: &Engine,
    component: &[u8],
    limits: &Limits,
) -> Result<Plugin, PluginError> {
    let folder = tempfile::tempdir().expect("a folder for a plugin");
    let path = folder.path().join("hostile.wasm");
    std::fs::write(&path, component).expect("a plugin can be written");
    Plugin::load(engine, &path, limits)
}

/// Tries again what is sound, and only ran into a deadline that is short for a busy machine.
pub fn patiently<T>(attempt: impl Fn() -> Result<T, PluginError>) -> Result<T, PluginError> {
    for _ in 0..200 {
        match attempt() {
            Err(e) if matches!(failure(&e), Some(Failure::Deadline(_))) => {}
            done => return done,
        }
    }
    attempt()
}

/// The default limits with another deadline, in milliseconds.
pub fn deadline(milliseconds: u64) -> Limits {
    Limits { deadline: Duration::from_millis(milliseconds), ..Limits::default() }
}

/// The default limits with another cap on memory, in MiB.
pub fn memory(mib: usize) -> Limits {
    Limits { memory: mib << 20, ..Limits::default() }
}

/// The stream that hostile filters are mostly tried with: gray8.
pub fn stream(width: u32, height: u32) -> StreamInfo {
    StreamInfo {
        format: PixelFormat::Gray8,
        width,
        height,
        frame_rate: Some(Rational { num: 25, den: 1 }),
        sample_aspect: Rational { num: 1, den: 1 },
        color: Color::default(),
    }
}

/// A frame of that stream, every sample the low byte of its number, 40 ms long.
pub fn frame(info: &StreamInfo, index: u64) -> Frame {
    frame_of(info, index, |size| vec![index as u8; size])
}

/// A frame whose first plane is `bytes`, and as wide as they are many.
pub fn frame_holding(bytes: Vec<u8>) -> Frame {
    let info = stream(u32::try_from(bytes.len()).expect("a short row"), 1);
    frame_of(&info, 0, |_| bytes.clone())
}

fn frame_of(info: &StreamInfo, index: u64, fill: impl Fn(usize) -> Vec<u8>) -> Frame {
    let planes = info
        .format
        .plane_sizes(info.width, info.height)
        .map(|size| {
            let bytes: Arc<Vec<u8>> = Arc::new(fill(size.bytes()));
            Plane::new(bytes, size.row_bytes, size).expect("the samples fit")
        })
        .collect();
    Frame {
        format: info.format,
        width: info.width,
        height: info.height,
        planes,
        index,
        timestamp: i64::try_from(index).expect("a small number") * 40_000_000,
        duration: Some(40_000_000),
        tags: None,
        baggage: None,
    }
}

/// How a plugin's instance came to its end, where the error says that it did.
pub fn failure(error: &PluginError) -> Option<&Failure> {
    match error {
        PluginError::Failed { failure, .. } => Some(failure),
        _ => None,
    }
}

/// The repository's root.
pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A file that has to be there: below the folder that the variable names, or below the default
/// one of the repository.
pub fn needed(variable: &str, default: &str, name: &str) -> PathBuf {
    let folder = std::env::var_os(variable).map_or_else(|| root().join(default), PathBuf::from);
    let path = folder.join(name);
    assert!(path.exists(), "{} is missing: run `make plugins media` first", path.display());
    path
}

/// A clip of the test media.
pub fn clip(name: &str) -> PathBuf {
    needed("FILMGATE_MEDIA", "build/media", name)
}

/// A plugin that comes with filmgate.
pub fn built_in(name: &str) -> PathBuf {
    needed("FILMGATE_PLUGIN_DIR", "target/release/plugins", &format!("{name}.wasm"))
}

/// The program.
pub fn program() -> PathBuf {
    let path = std::env::var_os("FILMGATE_BIN")
        .map_or_else(|| root().join("target/release/filmgate"), PathBuf::from);
    assert!(path.exists(), "{} is missing: run `make plugins` first", path.display());
    path
}

/// Numbers that look random and are the same in every run (splitmix64, Steele et al. 2014).
#[derive(Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to, not including, `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.roll() % end.max(1) as u64) as usize
    }

    pub fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }

    /// A number of the kind that breaks things, or any.
    pub fn nasty(&mut self) -> u32 {
        const NASTY: [u32; 14] = [
            0,
            1,
            2,
            3,
            7,
            255,
            0x400,
            0xffff,
            0x10000,
            0x4_0000,
            0x7fff_ffff,
            0x8000_0000,
            0xffff_fff0,
            u32::MAX,
        ];
        match self.below(4) {
            0 => self.roll() as u32,
            1 => self.below(300) as u32,
            _ => self.pick(&NASTY),
        }
    }
}
