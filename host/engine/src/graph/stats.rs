//! Who spent how long on how many pictures, and how far a job has come.

use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;

/// Time and pictures of one part of a job, summed over its threads.
#[derive(Debug, Default)]
pub struct Meter {
    nanoseconds: AtomicU64,
    frames: AtomicU64,
}

impl Meter {
    /// Runs `work` and counts its time and `frames` pictures.
    pub fn time<R>(&self, frames: u64, work: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = work();
        self.add(start.elapsed(), frames);
        result
    }

    pub fn add(&self, time: Duration, frames: u64) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        self.frames.fetch_add(frames, Ordering::Relaxed);
    }

    pub fn reading(&self) -> Reading {
        Reading {
            time: Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed)),
            frames: self.frames.load(Ordering::Relaxed),
        }
    }
}

/// What a [`Meter`] showed.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(into = "ReadingFields")]
pub struct Reading {
    pub time: Duration,
    pub frames: u64,
}

/// A [`Reading`] as programs are shown it.
#[derive(Serialize)]
struct ReadingFields {
    frames: u64,
    ms_a_frame: f64,
}

impl From<Reading> for ReadingFields {
    fn from(reading: Reading) -> ReadingFields {
        ReadingFields { frames: reading.frames, ms_a_frame: reading.ms_a_frame() }
    }
}

impl Reading {
    pub(crate) fn add(&mut self, other: Reading) {
        self.time += other.time;
        self.frames += other.frames;
    }

    /// Milliseconds a picture; 0 where there was none.
    pub fn ms_a_frame(self) -> f64 {
        match self.frames {
            0 => 0.0,
            frames => self.time.as_secs_f64() * 1e3 / frames as f64,
        }
    }
}

/// How far a job has come; read by whoever shows it.
#[derive(Debug, Default)]
pub struct Progress {
    frames: AtomicU64,
    position: AtomicI64,
    doing: AtomicU8,
}

/// What the thread that feeds the sink is doing: what a job that is stopped still waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Doing {
    /// waiting for source and plugins
    #[default]
    Frames,
    /// handing a frame to the encoder
    Encode,
    /// ending the outputs: the encoder's last frames, and the disk
    Finish,
}

impl Progress {
    /// Pictures that reached the encoder.
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// Nanoseconds from the start of the stream.
    pub fn position(&self) -> i64 {
        self.position.load(Ordering::Relaxed)
    }

    /// What is being done now.
    pub fn doing(&self) -> Doing {
        match self.doing.load(Ordering::Relaxed) {
            d if d == Doing::Encode as u8 => Doing::Encode,
            d if d == Doing::Finish as u8 => Doing::Finish,
            _ => Doing::Frames,
        }
    }

    pub(crate) fn does(&self, doing: Doing) {
        self.doing.store(doing as u8, Ordering::Relaxed);
    }

    /// A frame, or a packet of what is copied, reached the output.
    pub fn note(&self, timestamp: i64) {
        self.frames.fetch_add(1, Ordering::Relaxed);
        self.position.fetch_max(timestamp, Ordering::Relaxed);
    }
}
