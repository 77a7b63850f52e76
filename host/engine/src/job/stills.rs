//! Images of an input at one or several times: `frame`, with `--every` and contact sheets. Each is
//! a session of its own, so that going from one time to the next costs a seek, and plugins see the
//! frames before each of them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Options, Parts, Workshop, inputs, usage};
use crate::error::PipelineError;
use crate::graph::Progress;
use crate::report::Report;
use crate::session::Session;
use crate::sink::{ImageTarget, SharedSheet, Shown, StillImage, numbered_name};
use crate::source::{LEAD, Reel, Wanted};
use crate::spec::{At, Every, Grid, JobSpec, Length, SpecError};
use crate::stop::Stop;
use filmgate_av::{Input, InputSource};
use filmgate_core::frame::{Frame, PlanePool};
use filmgate_core::publish;
use filmgate_picture::{PictureFormat, Sheet, format_of};
use filmgate_plugin::Supervisor;

/// Width of a cell of a contact sheet, pixels.
const CELL_WIDTH: u32 = 320;

/// Images of one `frame` job. A file has a limit of its own, the file system's.
const MOST: usize = 1_000_000;

/// All images of a job.
pub(super) struct Stills {
    spec: JobSpec,
    plugins: Vec<Arc<Supervisor>>,
    stop: Stop,
    pool: PlanePool,
    format: PictureFormat,
    /// nanoseconds, and where the image of that time goes
    shots: Vec<(i64, ImageTarget)>,
    shown: Option<Shown>,
}

impl Stills {
    /// Opens the input, and works out at which times images are made and where they go.
    ///
    /// # Errors
    /// Media; usage; Publish for files that exist.
    pub(super) fn plan(workshop: &Workshop<'_>) -> Result<(Stills, Input), PipelineError> {
        let spec = workshop.spec;
        let path = spec.output.first().cloned().unwrap_or_default();
        let format = format(spec, &path)?;
        let target = target(spec, &path)?;
        let input = inputs::open(spec, &workshop.stop.gently)?.remove(0);
        let times = times(spec, &input)?;
        if times.len() > 1 && !can_be_reopened(spec) {
            return Err(usage(format!(
                "{}: --every and --grid open the input for each image, and a pipe can be read once only; \
                 `filmgate split --every` reads it in one go",
                input.path().display()
            )));
        }
        let shots = shots(spec, times, target)?;
        let stills = Stills {
            spec: spec.clone(),
            plugins: workshop.plugins.to_vec(),
            stop: workshop.stop.clone(),
            pool: workshop.pool.clone(),
            format,
            shots,
            shown: spec.preview.then(Shown::default),
        };
        Ok((stills, input))
    }

    /// The parts of the session of image `number`.
    pub(super) fn parts(&self, number: usize, input: Input) -> Result<Parts, PipelineError> {
        let spec = &self.spec;
        let missing = || PipelineError::System(format!("there is no image {number}"));
        let (at, target) = self.shots.get(number).cloned().ok_or_else(missing)?;
        let filters = || self.plugins.iter().filter_map(|p| p.plugin().filter.as_ref());
        let known: usize = filters().filter_map(|f| f.reach).map(|reach| reach.before).sum();
        let all_known = filters().all(|f| f.parallel || f.reach.is_some());
        let lead = known + if all_known { 0 } else { LEAD };
        // A time that was worked out from the duration may lie behind the last frame.
        let is_exact = matches!(spec.at, None | Some(At::Time(_))) && number == 0;
        let to_the_end = !(is_exact && spec.grid.is_none());
        let wanted = Wanted::default();
        let source = Reel::new(input, at, lead, to_the_end, &wanted)?;
        let (replace, compare, format) = (spec.overwrite, spec.compare, self.format);
        let shown = self.shown.clone();
        let sink = StillImage { target, format, replace, at, wanted, compare, shown };
        // Before and after are put together behind the choice, not for each frame on the way.
        let options =
            Options { workers: 1, realtime: spec.realtime, live: spec.live, ..Options::default() };
        Ok(Parts { source: Box::new(source), sink: Box::new(sink), options, fifo: None })
    }

    /// Makes the images behind the first one.
    ///
    /// # Errors
    /// The first thing that went wrong; what was written before stays.
    pub(super) fn run_others(
        &self,
        report: &mut Report,
        progress: &Progress,
    ) -> Result<(), PipelineError> {
        for number in 1..self.shots.len() {
            if self.stop.gently.is_cancelled() {
                return Err(PipelineError::Interrupted);
            }
            let input = inputs::open(&self.spec, &self.stop.gently)?.remove(0);
            let Parts { source, sink, options, .. } = self.parts(number, input)?;
            let session = Session { source, plugins: self.plugins.clone(), sink, options };
            let prepared = session.prepare(&self.stop, &self.pool)?;
            let (other, error) = prepared.run(&self.pool, &self.stop, progress);
            report.add(other);
            error.map_or(Ok(()), Err)?;
        }
        Ok(())
    }

    /// What the last image shows.
    pub(super) fn take_picture(&self) -> Option<Frame> {
        self.shown.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The files that are written, in order.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let file = |target: &ImageTarget| match target {
            ImageTarget::File(path) => Some(path.clone()),
            ImageTarget::Stdout => Some(PathBuf::from("-")),
            _ => None,
        };
        let each = self.shots.iter().filter_map(|(_, target)| match target {
            ImageTarget::Last(_, whole) => file(whole),
            own => file(own),
        });
        each.collect()
    }
}

/// The format of the images: what was asked for, or by the extension; PNG on standard output.
fn format(spec: &JobSpec, path: &Path) -> Result<PictureFormat, PipelineError> {
    match &spec.format {
        Some(name) => PictureFormat::from_ending(name).ok_or_else(|| {
            usage(format!("--format {name}: expected png, jpg, webp, bmp, or tiff"))
        }),
        None if spec.output.is_empty() || path == Path::new("-") => Ok(PictureFormat::Png),
        None => Ok(format_of(path)?),
    }
}

fn target(spec: &JobSpec, path: &Path) -> Result<ImageTarget, PipelineError> {
    if spec.output.is_empty() {
        return Ok(ImageTarget::Screen);
    }
    if path != Path::new("-") {
        return Ok(ImageTarget::File(path.to_owned()));
    }
    if spec.every.is_some() && spec.grid.is_none() {
        return Err(usage("-o -: standard output takes one image, and --every makes several"));
    }
    if std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        return Err(usage(
            "-o -: standard output is a terminal; redirect it to a program or a file",
        ));
    }
    Ok(ImageTarget::Stdout)
}

/// Whether the input can be opened once for each image.
fn can_be_reopened(spec: &JobSpec) -> bool {
    let parse = |path: &PathBuf| InputSource::parse(path.as_os_str(), spec.input_format.as_deref());
    !spec.input.iter().any(|path| matches!(parse(path), InputSource::Pipe(_)))
}

/// The times of the images, nanoseconds from the start: that of `--at`, and from there on one in
/// each stretch of `--every`; of a contact sheet without it, the middles of as many equal parts of
/// the rest as the sheet has cells.
fn times(spec: &JobSpec, input: &Input) -> Result<Vec<i64>, PipelineError> {
    let cells = spec.grid.map(|Grid(columns, rows)| columns * rows);
    let at = match spec.at {
        None => 0,
        Some(At::Time(time)) => time.0,
        Some(At::Percent(percent)) => {
            (length(input, &format!("--at {percent}%"))? as f64 * percent / 100.0) as i64
        }
    };
    let step = match spec.every {
        Some(Every::Frames(n)) => {
            return Err(usage(format!("--every {n}: `frame` takes a time, such as --every {n}s")));
        }
        Some(Every::Time(step)) => Some(Length::nanoseconds(step)),
        None => None,
    };
    let option = if step.is_some() { "--every" } else { "--grid" };
    let rest = || length(input, option).map(|length| length.saturating_sub(at));
    match (step, cells) {
        (None, None) => Ok(vec![at]),
        (Some(step), cells) => {
            // The first one is made, or its error told, in any case.
            let count = usize::try_from(((rest()? - 1) / step).max(0)).unwrap_or(MOST) + 1;
            let most = cells.map_or(MOST, |cells| cells as usize);
            Ok((0..count.min(most) as i64).map(|n| at + n * step).collect())
        }
        (None, Some(cells)) => {
            let (rest, cells) = (rest()?.max(0), i64::from(cells));
            let middle = |n: i64| {
                at + (i128::from(rest) * i128::from(2 * n + 1) / i128::from(2 * cells)) as i64
            };
            Ok((0..cells).map(middle).collect())
        }
    }
}

/// Nanoseconds that the video lasts.
fn length(input: &Input, option: &str) -> Result<i64, PipelineError> {
    let facts = input.facts();
    let video = facts.streams.get(input.best_video()?).and_then(|s| s.duration);
    video.or(facts.duration).ok_or_else(|| {
        usage(format!(
            "{option}: {} does not say how long it lasts; --at takes a time, and `filmgate split --every` \
             needs no length",
            input.path().display()
        ))
    })
}

/// Where the image of each time goes.
fn shots(
    spec: &JobSpec,
    times: Vec<i64>,
    target: ImageTarget,
) -> Result<Vec<(i64, ImageTarget)>, PipelineError> {
    if let Some(Grid(columns, rows)) = spec.grid {
        if let ImageTarget::File(path) = &target {
            publish::check(path, spec.overwrite)?;
        }
        let cell = spec.cell_width.and_then(|w| u32::try_from(w.0).ok()).unwrap_or(CELL_WIDTH);
        let sheet = Sheet::new(columns, rows, cell);
        let sheet = SharedSheet(Arc::new(Mutex::new(Some(sheet))));
        let last = times.len().saturating_sub(1);
        let each = times.into_iter().enumerate().map(|(number, time)| {
            let whole = || ImageTarget::Last(sheet.clone(), Box::new(target.clone()));
            (time, if number == last { whole() } else { ImageTarget::Cell(sheet.clone()) })
        });
        return Ok(each.collect());
    }
    let ImageTarget::File(path) = target else {
        return Ok(times.into_iter().map(|time| (time, target.clone())).collect());
    };
    let name = |number: usize| match spec.every {
        None => Ok(path.clone()),
        Some(_) => numbered_name(&path, number as u64 + 1).ok_or_else(|| {
            SpecError::usage(format!(
                "{}: --every makes several images; number them (shot%03d.png), or put them on one \
                 sheet with --grid",
                path.display()
            ))
        }),
    };
    let mut shots = Vec::with_capacity(times.len());
    for (number, time) in times.into_iter().enumerate() {
        let path = name(number)?;
        publish::check(&path, spec.overwrite)?;
        shots.push((time, ImageTarget::File(path)));
    }
    Ok(shots)
}
