//! The scale filter: frames of another size, by Lanczos or bilinear filters that are stretched
//! where the output is smaller.

mod kernel;
mod pass;
mod plane;
mod samples;
mod size;

use filmgate_overlay::Colors;
use filmgate_plugin::{
    Description, Error, Filter, FilterDescription, Frame, FrameInfo, Layout, Parameter, Parameters,
    PixelFormat, StreamInfo, export_filter,
};
use kernel::{Grid, Method};
use plane::{Place, Scaler};
use size::Plan;

struct Scale {
    plan: Plan,
    /// none of them where frames stay as they are
    planes: Vec<Scaler>,
}

impl Filter for Scale {
    fn describe() -> FilterDescription {
        let side =
            |name: &str, summary: &str| Parameter::text(name, summary).length(1..=16).default("-1");
        let about = Description::new(
            "scale",
            env!("CARGO_PKG_VERSION"),
            "resizes frames: stretches, fits, pads or crops them to a size",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .parameter(side("width", "pixels, or a share as in 50%; -1 keeps the shape, -2 even"))
        .parameter(side("height", "pixels, or a share as in 50%; -1 keeps the shape, -2 even"))
        .parameter(
            Parameter::choice(
                "mode",
                "where the size has another shape: stretch, fit inside, pad with bars, fill and crop",
                ["stretch", "fit", "pad", "fill"],
            )
            .default("stretch"),
        )
        .parameter(
            Parameter::choice("filter", "how samples are made up", ["lanczos", "bilinear"])
                .default("lanczos"),
        )
        .parameter(
            Parameter::choice(
                "chroma",
                "where halved chroma samples are: left as in H.264, the center as in JPEG",
                ["left", "center"],
            )
            .default("left"),
        )
        .parameter(
            Parameter::color("color", "of the bars").default(filmgate_plugin::Color {
                red: 0,
                green: 0,
                blue: 0,
                alpha: 255,
            }),
        );
        FilterDescription::parallel(about, PixelFormat::ALL)
    }

    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        let plan = Plan::new(input, parameters)?;
        if plan.is_nothing(input) {
            return Ok(Scale { plan, planes: Vec::new() });
        }
        let layout = input.layout()?;
        let method = match parameters.choice("filter")? {
            "bilinear" => Method::Bilinear,
            _ => Method::Lanczos,
        };
        let siting = if parameters.choice("chroma")? == "center" { 1.0 } else { 0.5 };
        let color = parameters.color("color")?;
        let bars = Colors::of(input)?.pixels([color.red, color.green, color.blue], color.alpha);
        let output = Layout { width: plan.width, height: plan.height, ..layout };
        let scaler = |index: u32| {
            let (source, output) = (layout.plane(index), output.plane(index));
            let shift = if index == 0 { (0, 0) } else { layout.format.chroma_shift() };
            let place = place(&plan, (source.columns, source.rows), shift, siting);
            let bar = bars[index as usize].repeat(output.columns);
            Scaler::new(source, output, layout.format.bits(), Place { bar, ..place }, method)
        };
        Ok(Scale { plan, planes: (0..layout.format.plane_count()).map(scaler).collect() })
    }

    fn output(&self, input: StreamInfo) -> StreamInfo {
        let Plan { width, height, sample_aspect, .. } = self.plan;
        StreamInfo { width, height, sample_aspect, ..input }
    }

    fn process(&mut self, frame: Frame) -> Result<Vec<Frame>, Error> {
        if self.planes.is_empty() {
            return Ok(frame.into());
        }
        let info = FrameInfo { width: self.plan.width, height: self.plan.height, ..frame.info() };
        let mut scaled = Frame::new(&info);
        for (plane, index) in self.planes.iter_mut().zip(0..) {
            plane.scale(index, &frame, &mut scaled);
        }
        Ok(scaled.into())
    }
}

/// Where the samples of a plane are whose sides are halved so often.
///
/// Chroma sample i covers 2i to 2i + 2 of the frame's columns. At the left, as MPEG-2 and H.264 have
/// it where nothing else is said, its middle is that of column 2i, 2i + 0.5, not 2i + 1. Rows are
/// always in the middle.
fn place(plan: &Plan, source: (usize, usize), shift: (u32, u32), siting: f64) -> Place {
    let grid = |source: usize, shift: u32, inner: u32, from: f64, seen: f64, middle: f64| {
        let step = seen / f64::from(inner);
        // The middle of the first sample, in pixels of the frame, and then in samples of the plane.
        let first = from + middle * step;
        let first = if shift == 0 { first } else { (first - middle) / 2.0 + 0.5 };
        Grid { source, output: inner.div_ceil(1 << shift) as usize, step, first }
    };
    let middle = |shift: u32, siting: f64| if shift == 0 { 0.5 } else { siting };
    let (x, y) = (middle(shift.0, siting), middle(shift.1, 1.0));
    Place {
        columns: grid(source.0, shift.0, plan.inner.0, plan.from.0, plan.seen.0, x),
        rows: grid(source.1, shift.1, plan.inner.1, plan.from.1, plan.seen.1, y),
        at: ((plan.at.0 >> shift.0) as usize, (plan.at.1 >> shift.1) as usize),
        bar: Vec::new(),
    }
}

export_filter!(Scale);

#[cfg(test)]
mod tests;
