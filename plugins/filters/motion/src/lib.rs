//! The motion filter: says how much of each picture has changed, and where. The pictures
//! themselves pass untouched.

mod cells;
mod changes;

use cells::{Grid, UNIT};
use changes::{Cells, Changes};
use filmgate_plugin::{
    Description, Error, Filter, FilterDescription, Frame, Parameter, Parameters, PixelFormat,
    StreamInfo, export_filter,
};

struct Motion {
    cells: Cells,
    /// the cells of the picture before; empty before the first
    before: Vec<u32>,
    now: Vec<u32>,
    units: Vec<u32>,
}

impl Filter for Motion {
    fn describe() -> FilterDescription {
        let about = Description::new(
            "motion",
            env!("CARGO_PKG_VERSION"),
            "tags pictures with how much of them has changed, and where",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .category("analysis")
        .keywords("movement change detect tag surveillance")
        .example("threshold=8,cell=32")
        .parameter(
            Parameter::integer(
                "threshold",
                "by how much the mean light of a cell differs where something moves, in 255ths",
            )
            .range(0..=255)
            .default(4),
        )
        .parameter(
            Parameter::choice(
                "cell",
                "how many pixels across and down a cell is",
                ["16", "32", "64"],
            )
            .default("16"),
        );
        FilterDescription::temporal(about, PixelFormat::ALL, 1, 0)
    }

    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        let layout = input.layout()?;
        let most = (1_u64 << layout.format.bits()) - 1;
        let side: usize = match parameters.choice("cell")? {
            "64" => 64,
            "32" => 32,
            _ => 16,
        };
        let cells = Cells {
            grid: Grid::new(layout.format, layout.plane(0)),
            width: input.width as usize,
            height: input.height as usize,
            units: side / UNIT,
            threshold: parameters.integer("threshold")?.unsigned_abs() * most / 255,
        };
        Ok(Motion { cells, before: Vec::new(), now: Vec::new(), units: Vec::new() })
    }

    fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
        self.cells.grid.sums(&frame.plane(0), &mut self.units);
        self.cells.sums(&self.units, &mut self.now);
        let changes = match self.before.is_empty() {
            true => Changes::default(),
            false => self.cells.compare(&self.before, &self.now),
        };
        frame.set_tag("motion.score", &self.cells.score(&changes));
        if let Some((x, y, width, height)) = changes.area {
            frame.set_tag("motion.box", &format!("{x},{y},{width},{height}"));
        }
        std::mem::swap(&mut self.before, &mut self.now);
        Ok(frame.into())
    }
}

export_filter!(Motion);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_area_is_tagged() {
        let stream = StreamInfo::new(64, 48, PixelFormat::Yuv420p);
        let parameters = Motion::describe().about().defaults();
        let mut filter = Motion::configure(&stream, &parameters).expect("the defaults are sound");
        let mut tags = Vec::new();
        for index in 0..3_u64 {
            let mut frame = Frame::new(&stream.frame(index, index as i64));
            if index == 1 {
                frame.edit_plane(0, |samples| samples[20 * 64 + 20] = 255);
                frame.edit_plane(0, |samples| samples[20 * 64 + 21..20 * 64 + 32].fill(255));
            }
            let out = filter.process(frame.clone()).expect("it always works");
            assert_eq!(out[0].plane(0), frame.plane(0));
            tags.push((out[0].tag("motion.score"), out[0].tag("motion.box")));
        }
        // 12 samples of 239 more among 256 are 11.2 a sample.
        let moved = (Some("0.0833".to_owned()), Some("16,16,16,16".to_owned()));
        assert_eq!(tags, [(Some("0.0000".to_owned()), None), moved.clone(), moved]);
    }
}
