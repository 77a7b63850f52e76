//! One plane of the frames: read in bands, columns first, then rows.

use filmgate_plugin::{Frame, PlaneLayout};

use crate::kernel::{Grid, Kernel, Method};
use crate::pass;
use crate::samples::{Depth, apart, together};

/// Source samples that are worked on at a time: what stays in the processor's cache.
const BAND_SAMPLES: usize = 256 << 10;

/// What becomes of a plane.
#[derive(Debug)]
pub(crate) struct Scaler {
    source: PlaneLayout,
    output: PlaneLayout,
    depth: Depth,
    /// where the scaled rows are in the output, in samples of this plane
    at: (usize, usize),
    inner: (usize, usize),
    /// a row of the bars, as bytes
    bar: Vec<u8>,
    /// none where that direction stays
    across: Option<Kernel>,
    down: Option<Kernel>,
    work: Work,
}

/// Buffers that are kept from frame to frame.
#[derive(Debug, Default)]
struct Work {
    /// source rows
    rows: Vec<i16>,
    /// a row with interleaved channels
    column: Vec<i16>,
    /// its channels, and those of the output
    apart: Vec<i16>,
    scaled: Vec<i16>,
}

/// Where a plane's samples are, each way, and what is around them.
pub(crate) struct Place {
    pub(crate) columns: Grid,
    pub(crate) rows: Grid,
    pub(crate) at: (usize, usize),
    pub(crate) bar: Vec<u8>,
}

impl Scaler {
    pub(crate) fn new(
        source: PlaneLayout,
        output: PlaneLayout,
        bits: u32,
        place: Place,
        method: Method,
    ) -> Scaler {
        let kernel = |grid: &Grid, multiple: usize| {
            let same = grid.source == grid.output && grid.step == 1.0 && grid.first == 0.5;
            (!same).then(|| Kernel::new(grid, method, multiple))
        };
        Scaler {
            source,
            output,
            depth: Depth::of(&source, bits),
            at: place.at,
            inner: (place.columns.output, place.rows.output),
            bar: place.bar,
            across: kernel(&place.columns, 8),
            down: kernel(&place.rows, 2),
            work: Work::default(),
        }
    }

    /// Scales plane `index` of a frame into that of another.
    pub(crate) fn scale(&mut self, index: u32, frame: &Frame, scaled: &mut Frame) {
        let row_bytes = self.output.row_bytes();
        let mut first = 0;
        while first < self.output.rows {
            let count = self.band(first);
            let mut band = self.bar.repeat(count);
            debug_assert_eq!(band.len(), count * row_bytes);
            self.rows(index, frame, first, &mut band);
            scaled.set_rows(index, first as u32, &band);
            first += count;
        }
    }

    /// How many output rows from `first` on are done together.
    fn band(&self, first: usize) -> usize {
        let source = (BAND_SAMPLES / self.stride()).max(1);
        let count = match &self.down {
            Some(down) => {
                let step = (self.source.rows as f64 / self.inner.1 as f64).max(0.01);
                (source.saturating_sub(down.taps) as f64 / step) as usize
            }
            None => source,
        };
        let output = (4 * BAND_SAMPLES / self.output.row_bytes()).max(1);
        count.clamp(1, output).min(self.output.rows - first)
    }

    /// Samples from one source row to the next.
    fn stride(&self) -> usize {
        self.source.columns * self.source.channels
    }

    /// Output rows from `first` on, over bars.
    fn rows(&mut self, index: u32, frame: &Frame, first: usize, band: &mut [u8]) {
        let row_bytes = self.output.row_bytes();
        let end = first + band.len() / row_bytes;
        // The rows of the band that are not bars, counted in the scaled ones.
        let from = first.max(self.at.1).min(self.at.1 + self.inner.1) - self.at.1;
        let to = end.clamp(self.at.1, self.at.1 + self.inner.1) - self.at.1;
        if from >= to {
            return;
        }
        let sources = match &self.down {
            Some(down) => {
                let last = down.starts[to - 1] + down.taps;
                down.starts[from]..last.min(self.source.rows)
            }
            None => from..to,
        };
        let samples = frame.rows(index, sources.start as u32, sources.len() as u32);
        let stride = self.stride();
        self.work.rows.resize(sources.len() * stride, 0);
        self.depth.read(&samples, self.source.row_bytes(), &mut self.work.rows, stride);
        let left = self.at.0 * self.output.pixel_bytes();
        let bytes = self.inner.0 * self.output.pixel_bytes();
        for y in from..to {
            let at = (y + self.at.1 - first) * row_bytes + left;
            self.row(y, sources.start, &mut band[at..at + bytes]);
        }
    }

    /// Scaled row `y`, from source rows of which the first is `start`.
    fn row(&mut self, y: usize, start: usize, out: &mut [u8]) {
        let stride = self.stride();
        let Work { rows, column, apart: parts, scaled } = &mut self.work;
        column.resize(pass::padded(stride, 0), 0);
        match &self.down {
            Some(down) => {
                let first = down.starts[y] - start;
                pass::down(rows, stride, first, down.weights(y), &mut column[..stride]);
            }
            None => column[..stride].copy_from_slice(&rows[(y - start) * stride..][..stride]),
        }
        let Some(across) = &self.across else { return self.depth.write(&column[..stride], out) };
        let channels = self.source.channels;
        let width = self.inner.0;
        let padded = pass::padded(self.source.columns, across.taps);
        if channels == 1 {
            column.resize(padded, 0);
            scaled.resize(width, 0);
            pass::across(column, across, scaled);
            return self.depth.write(scaled, out);
        }
        parts.resize(padded * channels, 0);
        apart(&column[..stride], channels, parts, padded);
        // The output's channels behind one another, and then together.
        scaled.resize(2 * width * channels, 0);
        let (planar, whole) = scaled.split_at_mut(width * channels);
        for (part, out) in parts.chunks_exact(padded).zip(planar.chunks_exact_mut(width)) {
            pass::across(part, across, out);
        }
        together(planar, width, channels, whole);
        self.depth.write(whole, out);
    }
}
