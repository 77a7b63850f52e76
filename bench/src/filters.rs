//! Filters on a ring of real pictures, called as the pipeline calls them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use filmgate::cancel::Cancel;
use filmgate::frame::{Color, Frame, PixelFormat, PlanePool, Rational, StreamInfo};
use filmgate::plugin::{CodeCache, Engine, Filter, Limits, Plugin, resolve};
use serde::Deserialize;

/// Answers that are held while the filter goes on, as the queues before an encoder do, unless the
/// case says otherwise. The peers write into a ring of as many pictures.
const KEPT: usize = 4;

/// A filter and the pictures to measure it on.
#[derive(Deserialize)]
pub(crate) struct Case {
    name: String,
    plugin: PathBuf,
    parameters: BTreeMap<String, String>,
    format: String,
    width: u32,
    height: u32,
    /// raw pictures, one behind the other, planes packed
    frames: PathBuf,
    /// how many answers are held; 0: each is dropped at once, as `ffmpeg -f null` does
    kept: Option<usize>,
}

struct Running {
    filter: Filter,
    ring: Vec<Frame>,
    kept: VecDeque<Vec<Frame>>,
    most: usize,
    next: usize,
}

/// All filters that were opened, by the case's name.
pub(crate) struct Bench {
    engine: Engine,
    running: HashMap<String, Running>,
    /// names of filters, in the order in which pictures pass them
    chains: HashMap<String, Vec<String>>,
}

impl Bench {
    pub(crate) fn new() -> Result<Bench> {
        let engine = Engine::new(&CodeCache::ForUser, &PlanePool::new(), &Cancel::new())?;
        Ok(Bench { engine, running: HashMap::new(), chains: HashMap::new() })
    }

    pub(crate) fn open(&mut self, case: Case) -> Result<()> {
        let format = PixelFormat::from_name(&case.format).context("an unknown format")?;
        let stream = StreamInfo {
            format,
            width: case.width,
            height: case.height,
            frame_rate: Some(Rational { num: 25, den: 1 }),
            sample_aspect: Rational { num: 1, den: 1 },
            color: Color::default(),
        };
        let plugin = Plugin::load(&self.engine, &case.plugin, &Limits::default())?;
        let given: Vec<_> = case.parameters.into_iter().collect();
        let parameters = resolve(&plugin.description, &given)?;
        let filter = Filter::start(&plugin, &stream, &parameters)?;
        let ring = read_frames(&case.frames, &stream)?;
        let most = case.kept.unwrap_or(KEPT);
        let running = Running { filter, ring, kept: VecDeque::new(), most, next: 0 };
        self.running.insert(case.name, running);
        Ok(())
    }

    /// Puts filters that are there already one behind the other.
    pub(crate) fn chain(&mut self, name: String, of: Vec<String>) -> Result<()> {
        ensure!(!of.is_empty(), "a chain of nothing");
        of.iter().try_for_each(|name| self.get(name).map(drop))?;
        self.chains.insert(name, of);
        Ok(())
    }

    /// Seconds for `count` pictures through a filter or a chain.
    pub(crate) fn run(&mut self, name: &str, count: u64) -> Result<f64> {
        if let Some(links) = self.chains.get(name).cloned() {
            let start = Instant::now();
            (0..count).try_for_each(|_| self.pass(&links))?;
            return Ok(start.elapsed().as_secs_f64());
        }
        let running = self.get(name)?;
        let start = Instant::now();
        for _ in 0..count {
            let frame = running.next_picture();
            let answer = running.filter.process(frame)?;
            running.keep(answer);
        }
        Ok(start.elapsed().as_secs_f64())
    }

    /// The next picture of the first filter through all of them; the last one's answer is held.
    fn pass(&mut self, links: &[String]) -> Result<()> {
        let mut frames = vec![self.get(&links[0])?.next_picture()];
        for link in links {
            let filter = &mut self.get(link)?.filter;
            let mut answers = Vec::new();
            for frame in frames {
                answers.append(&mut filter.process(frame)?);
            }
            frames = answers;
        }
        self.get(&links[0])?.keep(frames);
        Ok(())
    }

    /// Writes the answers to one round of the ring, planes packed.
    pub(crate) fn write(&mut self, name: &str, to: &Path) -> Result<()> {
        let running = self.get(name)?;
        let mut file = fs::File::create(to)?;
        for frame in running.ring.clone() {
            for answer in running.filter.process(frame)? {
                for plane in &answer.planes {
                    file.write_all(&plane.to_packed())?;
                }
            }
        }
        Ok(())
    }

    fn get(&mut self, name: &str) -> Result<&mut Running> {
        self.running.get_mut(name).with_context(|| format!("no case {name}"))
    }
}

impl Running {
    fn next_picture(&mut self) -> Frame {
        let frame = self.ring[self.next].clone();
        self.next = (self.next + 1) % self.ring.len();
        frame
    }

    fn keep(&mut self, answer: Vec<Frame>) {
        self.kept.push_back(answer);
        if self.kept.len() > self.most {
            self.kept.pop_front();
        }
    }
}

/// The pictures of a raw file, their planes packed and aligned like those of libav's decoder at
/// the sizes that are measured.
fn read_frames(path: &Path, stream: &StreamInfo) -> Result<Vec<Frame>> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    let size = stream.format.frame_bytes(stream.width, stream.height);
    ensure!(
        !bytes.is_empty() && bytes.len() % size == 0,
        "{}: not whole pictures of {size} bytes",
        path.display()
    );
    let pool = PlanePool::new();
    bytes.chunks_exact(size).enumerate().map(|(i, b)| frame(b, i as u64, stream, &pool)).collect()
}

fn frame(mut bytes: &[u8], index: u64, stream: &StreamInfo, pool: &PlanePool) -> Result<Frame> {
    let mut planes = Vec::new();
    for size in stream.format.plane_sizes(stream.width, stream.height) {
        let (samples, rest) = bytes.split_at(size.bytes());
        planes.push(pool.copy(samples, size).map_err(anyhow::Error::msg)?);
        bytes = rest;
    }
    Ok(Frame {
        format: stream.format,
        width: stream.width,
        height: stream.height,
        planes,
        index,
        timestamp: index as i64 * 40_000_000,
        duration: Some(40_000_000),
        tags: None,
        baggage: None,
    })
}
