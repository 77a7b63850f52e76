//! A join from its description to its report: segments are found, ordered and planned before
//! anything is written; then they are joined, and sources removed.

use std::path::PathBuf;

use super::check;
use super::error::JoinError;
use super::find::Found;
use super::job::{Failed, Job};
use super::plan::{self, Plan};
use super::plugin_transcode::PluginTranscode;
use super::policy;
use super::reach::Inputs;
use super::remove;
use super::report::{Arranged, DamagedReport, JoinReport};
use super::segment::{Bad, Candidate, Segment, gather};
use super::spec::JoinSpec;
use filmgate_av::{MediaError, MediaErrorKind, Muxer};
use filmgate_core::cancel::Cancel;
use filmgate_core::collide::Files;
use filmgate_core::frame::PlanePool;
use filmgate_core::publish;
use filmgate_engine::graph::Progress;
use filmgate_engine::spec::{Fault, Plugins, SpecError, add};
use filmgate_plugin::{CodeCache, Engine};

/// A join that is planned; nothing is written yet.
pub struct Prepared<'a> {
    spec: &'a JoinSpec,
    cancel: &'a Cancel,
    arranged: Arranged,
    plugins: Option<(Plugins, PlanePool)>,
    transcode: Option<PluginTranscode>,
    plan: Plan,
    report: JoinReport,
}

/// Finds, orders and plans. `read`: further files that the caller reads, which no output may
/// replace.
///
/// # Errors
/// [`JoinError::Nothing`] where no file is a segment; everything that a join can be refused for
/// before its segments are compared.
pub fn prepare<'a>(
    spec: &'a JoinSpec,
    read: Files,
    cancel: &'a Cancel,
) -> Result<Prepared<'a>, JoinError> {
    spec.check()?;
    prepare_found(spec, Inputs::find(spec)?, read, cancel)
}

/// As [`prepare`], with the files that were found for the same description.
///
/// # Errors
/// As [`prepare`].
pub fn prepare_found<'a>(
    spec: &'a JoinSpec,
    Inputs(found): Inputs,
    read: Files,
    cancel: &'a Cancel,
) -> Result<Prepared<'a>, JoinError> {
    spec.check()?;
    let pool = PlanePool::new();
    let (engine, plugins) = if spec.plugin.is_empty() {
        (None, None)
    } else {
        let engine = engine(&pool, cancel)?;
        let plugins = spec.plugins().load(&engine, cancel)?;
        (Some(engine), Some((plugins, pool.clone())))
    };
    let named: Vec<PathBuf> =
        found.iter().filter(|f| f.named).map(|f| f.candidate.path.clone()).collect();
    let mut segments = Vec::new();
    let mut bad = Vec::new();
    for result in gather(&without_output(spec, found), cancel)? {
        match result {
            Ok(segment) => segments.push(segment),
            Err(reason) => bad.push(reason),
        }
    }
    if let Some(first) = bad.first().filter(|_| !spec.skip_bad) {
        return Err(unreadable(first, bad.len()).into());
    }
    if segments.is_empty() {
        return Err(JoinError::Nothing { unreadable: bad.len() });
    }
    // Without plugins the engine ends here: it takes more memory than the join itself.
    let engine = engine.map_or_else(|| self::engine(&pool, cancel), Ok)?;
    let (segments, arranged) = arrange(spec, &engine, segments, &named)?;
    drop(engine);
    files(spec, read, &named, plugins.as_ref().map(|(p, _)| p), &segments, &arranged).check()?;
    let (plan, transcode) = planned(spec, &arranged, plugins.as_ref(), segments, bad, cancel)?;
    let report =
        JoinReport::new(&plan, &arranged, spec.gap.unwrap_or_default(), transcode.as_ref(), None);
    Ok(Prepared { spec, cancel, arranged, plugins, transcode, plan, report })
}

fn engine(pool: &PlanePool, cancel: &Cancel) -> Result<Engine, JoinError> {
    Engine::new(&CodeCache::ForUser, pool, cancel).map_err(|e| JoinError::System(e.to_string()))
}

/// An earlier output in the folder that is joined is not a segment of it.
fn without_output(spec: &JoinSpec, found: Vec<Found>) -> Vec<Candidate> {
    let named = || Some(spec.into.as_ref()?.join(spec.dest_name.as_ref()?));
    let output = spec.output.clone().or_else(named);
    let is_output = |f: &Found| {
        let same = |output: &PathBuf| publish::same_file(&f.candidate.path, output);
        !f.named && output.as_ref().is_some_and(same)
    };
    found.into_iter().filter(|f| !is_output(f)).map(|f| f.candidate).collect()
}

/// The first file that cannot be read, and how many more.
fn unreadable(first: &Bad, count: usize) -> MediaError {
    let more = match count {
        1 => String::new(),
        n => format!(", and {} more", n - 1),
    };
    let message = format!("{}{more}; use --skip-bad to join the others", first.error);
    MediaError { kind: first.error.kind, message }
}

/// Asks the policies for the order and the name.
fn arrange(
    spec: &JoinSpec,
    engine: &Engine,
    found: Vec<Segment>,
    named: &[PathBuf],
) -> Result<(Vec<Segment>, Arranged), JoinError> {
    let (order, mut reasons, ordering) = policy::order(spec, engine, &found)?;
    let mut found: Vec<Option<Segment>> = found.into_iter().map(Some).collect();
    let mut segments: Vec<Segment> =
        order.iter().filter_map(|&i| found.get_mut(i).and_then(Option::take)).collect();
    let (output, naming) = match (&spec.output, &spec.into) {
        (Some(output), _) => (output.clone(), None),
        (None, Some(folder)) => policy::name(spec, folder, engine, &segments)?,
        (None, None) => (PathBuf::new(), None),
    };
    let format = Muxer::format_for(&output, spec.format.as_deref())?;
    // The output may have got the name of a file of the folder only now.
    let is_output = |s: &Segment| publish::same_file(&s.path, &output) && !named.contains(&s.path);
    if let Some(place) = segments.iter().position(is_output) {
        segments.remove(place);
        reasons.remove(place);
    }
    Ok((segments, Arranged { reasons, output, format, ordering, naming }))
}

/// What is read and written.
fn files(
    spec: &JoinSpec,
    mut files: Files,
    named: &[PathBuf],
    plugins: Option<&Plugins>,
    segments: &[Segment],
    arranged: &Arranged,
) -> Files {
    named.iter().for_each(|path| files.reads("the input", path));
    segments.iter().for_each(|s| files.reads("the input", &s.path));
    spec.list.iter().for_each(|list| files.reads("the list", list));
    let policies = [Some(&arranged.ordering), arranged.naming.as_ref()];
    policies.into_iter().flatten().for_each(|p| add(&p.files, &mut files));
    plugins.iter().for_each(|p| p.add_to(&mut files));
    files.writes("the output", &arranged.output);
    spec.receipt.iter().for_each(|path| files.writes("--receipt", path));
    files
}

fn planned(
    spec: &JoinSpec,
    arranged: &Arranged,
    plugins: Option<&(Plugins, PlanePool)>,
    segments: Vec<Segment>,
    bad: Vec<Bad>,
    cancel: &Cancel,
) -> Result<(Plan, Option<PluginTranscode>), JoinError> {
    let mut plan = plan::plan(segments, bad, &arranged.format, spec.handling(), cancel)?;
    let transcode = match plugins {
        Some((plugins, pool)) if !plan.tracks.is_empty() => {
            let crf = spec.crf.map(|c| c.0);
            let all = plugins.supervisors.clone();
            Some(PluginTranscode::prepare(&mut plan, all, crf, pool, cancel)?)
        }
        _ => None,
    };
    Ok((plan, transcode))
}

impl<'a> Prepared<'a> {
    /// The plan: what will be joined, and how.
    pub fn plan(&self) -> &JoinReport {
        &self.report
    }

    /// Nanoseconds of all segments, where their files say it.
    pub fn duration(&self) -> Option<i64> {
        self.plan.joined().map(|(_, planned)| planned.segment.duration).sum()
    }

    /// Refuses a plan that cannot be carried out, and creates the folder of `into`.
    /// [`Prepared::run`] does that by itself; a caller that writes files beside the output does it
    /// before.
    ///
    /// # Errors
    /// Unfit, Media of kind NoVideo, Nothing, Spec.
    pub fn begin(&self) -> Result<(), JoinError> {
        self.refuse_unfit()?;
        if self.plan.tracks.is_empty() {
            if self.plan.joined().next().is_some() && self.spec.drop_audio {
                let message = "--drop-audio leaves nothing: the segments have audio alone";
                let kind = MediaErrorKind::NoVideo;
                return Err(MediaError { kind, message: message.to_owned() }.into());
            }
            return Err(JoinError::Nothing { unreadable: self.plan.bad.len() });
        }
        let folder = self.arranged.output.parent().filter(|_| self.spec.into.is_some());
        if let Some(folder) = folder {
            std::fs::create_dir_all(folder).map_err(|e| {
                let message = format!("{}: cannot create the folder: {e}", folder.display());
                SpecError::new(Fault::OutputUnwritable, message)
            })?;
        }
        Ok(())
    }

    /// Refuses segments that do not fit, if nothing was said about them.
    fn refuse_unfit(&self) -> Result<(), JoinError> {
        let Some((place, planned)) = self.plan.unfit().next() else { return Ok(()) };
        let fatal = planned.differences.iter().filter(|d| d.weight == super::Weight::Fatal);
        let texts: Vec<String> = fatal.map(super::Difference::text).collect();
        let more = match self.plan.unfit().count() {
            1 => String::new(),
            n => format!(" (and {} more segments do not fit)", n - 1),
        };
        Err(JoinError::Unfit(format!(
            "join: segment {} of {} ({}) does not fit: {}{more}; use --reencode-odd to re-encode \
             it, or --skip-bad to leave it out",
            place + 1,
            self.plan.segments.len(),
            planned.segment.path.display(),
            texts.join("; ")
        )))
    }

    /// Joins, proves and publishes. With `skip_bad`, segments that turn out to be damaged while
    /// they are read are left out, and the join starts again.
    ///
    /// # Errors
    /// The first error that ends the join; the output is then as it was before.
    pub fn run(mut self, progress: &Progress) -> Result<Joined<'a>, JoinError> {
        let mut searched = false;
        loop {
            self.begin()?;
            let settings = self.spec.settings();
            let job = Job {
                plan: &self.plan,
                settings: &settings,
                output: &self.arranged.output,
                replace: self.spec.overwrite,
                transcode: self.transcode.as_ref(),
                progress,
            };
            let failed = match job.run(self.cancel) {
                Ok(done) => {
                    let transcode = self.transcode.as_ref();
                    let report = JoinReport::new(
                        &self.plan,
                        &self.arranged,
                        settings.gap,
                        transcode,
                        Some(&done),
                    );
                    return Ok(Joined { prepared: self, report });
                }
                Err(failed) if self.spec.skip_bad => failed,
                Err(failed) => return Err(*failed.error),
            };
            let mut damaged = vec![damaged(failed)?];
            // All that are damaged, at once: a new start for each would read the first segments as
            // often as there are damaged ones.
            if !std::mem::replace(&mut searched, true) {
                let from = damaged[0].0 + 1;
                damaged.extend(check::unreadable(&self.plan, from, self.cancel)?);
            }
            self = self.without(damaged)?;
        }
    }

    /// Plans again without segments, by their places.
    fn without(mut self, mut damaged: Vec<(usize, MediaError)>) -> Result<Prepared<'a>, JoinError> {
        let mut bad = self.plan.bad;
        let mut segments: Vec<Segment> =
            self.plan.segments.into_iter().map(|p| p.segment).collect();
        damaged.sort_by_key(|(place, _)| *place);
        let before = bad.len();
        for (place, error) in damaged.into_iter().rev() {
            let segment = segments.remove(place);
            self.arranged.reasons.remove(place);
            let candidate = Candidate { path: segment.path, name: segment.name };
            bad.insert(before, Bad { candidate, error });
        }
        let (plan, transcode) =
            planned(self.spec, &self.arranged, self.plugins.as_ref(), segments, bad, self.cancel)?;
        Ok(Prepared { plan, transcode, ..self })
    }
}

/// The segment that a join failed for, with the reason; else the error.
fn damaged(failed: Failed) -> Result<(usize, MediaError), JoinError> {
    let is_of_file = |kind: MediaErrorKind| {
        !matches!(
            kind,
            MediaErrorKind::Cancelled | MediaErrorKind::OutOfMemory | MediaErrorKind::Write(_)
        )
    };
    match (failed.place, *failed.error) {
        (Some(place), JoinError::Media(e)) if is_of_file(e.kind) => Ok((place, e)),
        (Some(place), JoinError::Unfit(message)) => {
            Ok((place, MediaError { kind: MediaErrorKind::Decode, message }))
        }
        (_, error) => Err(error),
    }
}

/// A join whose output has its name; its sources are still there.
pub struct Joined<'a> {
    prepared: Prepared<'a>,
    report: JoinReport,
}

impl Joined<'_> {
    /// What was written: a receipt is written of it before sources are removed.
    pub fn report(&self) -> &JoinReport {
        &self.report
    }

    /// The segments in the output, in their order.
    pub fn sources(&self) -> Vec<PathBuf> {
        self.prepared.plan.joined().map(|(_, p)| p.segment.path.clone()).collect()
    }

    /// Decodes the sources with `check_decode`, and removes them with `delete_sources`.
    ///
    /// # Errors
    /// Media where a source cannot be read any more; Cancelled.
    pub fn finish(mut self) -> Result<JoinReport, JoinError> {
        let Prepared { spec, plan, cancel, .. } = &self.prepared;
        let mut keep: Vec<(usize, &str)> = Vec::new();
        if spec.check_decode {
            let mut list = Vec::new();
            for found in check::decode(plan, cancel)? {
                let path = plan.segments[found.place].segment.path.to_string_lossy().into_owned();
                list.push(DamagedReport { path, faults: found.faults });
                keep.push((found.place, "it is damaged"));
            }
            self.report.damaged = Some(list);
        }
        if self.report.result.as_ref().is_some_and(|r| r.loses_alpha) {
            keep.extend(plan.joined().map(|(place, _)| (place, "its alpha is not in the output")));
        }
        if spec.delete_sources && !self.report.is_spoilt() {
            self.report.set_removed(remove::sources(plan, &keep));
        }
        Ok(self.report)
    }
}
