//! `filmgate join`: segments into one file, without encoding anything anew unless plugins or odd
//! segments are a reason to.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tracing::warn;

use super::exit::{Exit, WithExit};
use super::join_args::JoinArguments;
use super::join_find::{self, Found};
use super::join_plugins;
use super::join_policy::{self, Used};
use super::join_receipt::Receipt;
use super::join_show as show;
use super::load;
use super::out::{print_json, tell};
use filmgate_av::{MediaError, MediaErrorKind, Muxer};
use filmgate_core::cancel::Cancel;
use filmgate_core::collide::Files;
use filmgate_core::frame::PlanePool;
use filmgate_core::publish;
use filmgate_engine::plugin_json;
use filmgate_join::{
    Anew, Bad, Candidate, Done, Job, JoinError, Plan, Segment, check, gather, plan as planning,
    remove,
};
use filmgate_plugin::{CodeCache, Engine};

/// What is to be joined into what, and which policies said so.
pub(super) struct Arranged {
    pub(super) segments: Vec<Segment>,
    /// why each segment stands where it does
    pub(super) reasons: Vec<String>,
    pub(super) output: PathBuf,
    /// libav's name of the container
    pub(super) format: String,
    pub(super) ordering: Used,
    pub(super) naming: Option<Used>,
    /// how pictures are made anew, where plugins want that
    pub(super) anew: Option<Anew>,
}

pub fn run(arguments: &JoinArguments, cancel: &Cancel) -> Result<Exit> {
    arguments.check()?;
    let plugins = join_plugins::load(arguments, cancel)?;
    let found = join_find::candidates(arguments)?;
    let named: Vec<PathBuf> =
        found.iter().filter(|f| f.named).map(|f| f.candidate.path.clone()).collect();
    let candidates = without_output(arguments, found);
    let (good, mut bad) = look(&candidates, cancel)?;
    if let Some(first) = bad.first().filter(|_| !arguments.skip_bad) {
        return Err(unreadable(first, bad.len()));
    }
    if good.is_empty() {
        return nothing(arguments, &bad);
    }
    let mut arranged = arrange(arguments, good, cancel)?;
    leave_out_output(&named, &mut arranged);
    files(arguments, &named, plugins.as_ref(), &arranged).check()?;
    let mut searched = false;
    loop {
        let segments = std::mem::take(&mut arranged.segments);
        let format = &arranged.format;
        let bad_ones = std::mem::take(&mut bad);
        let mut plan = planning::plan(segments, bad_ones, format, arguments.ways(), cancel)?;
        arranged.anew = match &plugins {
            Some(plugins) if !plan.tracks.is_empty() => {
                Some(plugins.prepare(arguments, &mut plan, cancel)?)
            }
            _ => None,
        };
        if arguments.dry_run {
            return show::dry_run(arguments, &plan, &arranged);
        }
        refuse_unfit(&plan)?;
        if plan.tracks.is_empty() && plan.joined().next().is_some() && arguments.drop_audio {
            let message = "--drop-audio leaves nothing: the segments have audio alone";
            return Err(WithExit::new(Exit::NoVideo, message).into());
        }
        if plan.tracks.is_empty() {
            return nothing(arguments, &plan.bad);
        }
        match join(arguments, &plan, &arranged, cancel) {
            Ok(exit) => return Ok(exit),
            Err(Stopped::Segment(place, error)) if arguments.skip_bad => {
                // All that are damaged, at once: a new start for each would read the first ones as
                // often as there are damaged ones.
                let mut damaged = vec![(place, error)];
                if !std::mem::replace(&mut searched, true) {
                    damaged.extend(check::unreadable(&plan, place + 1, cancel)?);
                }
                bad = leave_out(plan, damaged, &mut arranged);
            }
            Err(Stopped::Segment(_, error)) => return Err(error.into()),
            Err(Stopped::Other(error)) => return Err(error),
        }
    }
}

/// Takes segments out that turned out to be damaged only when they were read; all bad files.
fn leave_out(
    plan: Plan,
    mut damaged: Vec<(usize, MediaError)>,
    arranged: &mut Arranged,
) -> Vec<Bad> {
    let mut bad = plan.bad;
    arranged.segments = plan.segments.into_iter().map(|p| p.segment).collect();
    damaged.sort_by_key(|(place, _)| *place);
    let before = bad.len();
    for (place, error) in damaged.into_iter().rev() {
        let segment = arranged.segments.remove(place);
        arranged.reasons.remove(place);
        bad.insert(
            before,
            Bad { candidate: Candidate { path: segment.path, name: segment.name }, error },
        );
    }
    bad
}

/// An earlier output in the folder that is joined is no segment of it.
fn without_output(arguments: &JoinArguments, found: Vec<Found>) -> Vec<Candidate> {
    let output = match (&arguments.output, &arguments.into, &arguments.dest_name) {
        (Some(output), ..) => Some(output.clone()),
        (None, Some(folder), Some(name)) => Some(folder.join(name)),
        _ => None,
    };
    let is_output = |f: &Found| {
        let same = |output: &PathBuf| publish::same_file(&f.candidate.path, output);
        !f.named && output.as_ref().is_some_and(same)
    };
    found.into_iter().filter(|f| !is_output(f)).map(|f| f.candidate).collect()
}

fn look(candidates: &[Candidate], cancel: &Cancel) -> Result<(Vec<Segment>, Vec<Bad>)> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for found in gather(candidates, cancel)? {
        match found {
            Ok(segment) => good.push(segment),
            Err(reason) => bad.push(reason),
        }
    }
    Ok((good, bad))
}

/// The first file that cannot be read, and how many more.
fn unreadable(first: &Bad, count: usize) -> anyhow::Error {
    let more = match count {
        1 => String::new(),
        n => format!(", and {} more", n - 1),
    };
    let exit = Exit::of_media_kind(first.error.kind);
    let message = format!("{}{more}; --skip-bad joins the others", first.error);
    WithExit::new(exit, message).into()
}

/// Nothing to join, which is no fault unless somebody says so.
fn nothing(arguments: &JoinArguments, bad: &[Bad]) -> Result<Exit> {
    let message = match bad.len() {
        0 => "nothing to join".to_owned(),
        n => format!("nothing to join: none of {n} files can be read"),
    };
    if arguments.require || !bad.is_empty() {
        return Err(WithExit::new(Exit::NothingToJoin, message).into());
    }
    if arguments.json.json {
        print_json(&serde_json::json!({ "status": "nothing", "segments": [] }))?;
    } else if !arguments.quiet {
        tell(format_args!("{message}\n"));
    }
    Ok(Exit::Done)
}

/// Has the policies say in which order, and under which name.
fn arrange(arguments: &JoinArguments, found: Vec<Segment>, cancel: &Cancel) -> Result<Arranged> {
    // Gone before anything is joined: it takes more memory than a join.
    let engine = Engine::new(&CodeCache::ForUser, &PlanePool::new(), cancel)?;
    let ordering = arguments.order_plugin.as_deref().unwrap_or(arguments.order.plugin());
    let (order, reasons, ordering) = join_policy::order(ordering, &engine, &found)?;
    let mut found: Vec<Option<Segment>> = found.into_iter().map(Some).collect();
    let segments: Vec<Segment> =
        order.iter().filter_map(|&i| found.get_mut(i).and_then(Option::take)).collect();
    let (output, naming) = match (&arguments.output, &arguments.into) {
        (Some(output), _) => (output.clone(), None),
        (None, Some(folder)) => named(arguments, folder, &engine, &segments)?,
        (None, None) => (PathBuf::new(), None),
    };
    let format = Muxer::format_for(&output, arguments.format.as_deref())?;
    Ok(Arranged { segments, reasons, output, format, ordering, naming, anew: None })
}

/// The name in a folder, by a plugin or as it was given.
fn named(
    arguments: &JoinArguments,
    folder: &Path,
    engine: &Engine,
    segments: &[Segment],
) -> Result<(PathBuf, Option<Used>)> {
    let wanted = arguments.format.as_deref().unwrap_or("mp4");
    let format = Muxer::format_for(Path::new(""), Some(wanted))?;
    if let Some(name) = &arguments.dest_name {
        let path = Path::new(name);
        let ends_so = Muxer::format_for(path, None).is_ok_and(|f| f == format);
        if !ends_so || path.components().count() != 1 {
            let message = format!("--dest-name {name}: a name that ends in .{wanted} is wanted");
            return Err(WithExit::new(Exit::Usage, message).into());
        }
        return Ok((folder.join(name), None));
    }
    let plugin = arguments.name_plugin.as_deref().unwrap_or("template");
    let free = |name: &str| arguments.overwrite || !folder.join(name).exists();
    let ending = Muxer::ending(&format).unwrap_or(wanted);
    let (name, used) = join_policy::name(plugin, engine, segments, ending, free)?;
    Ok((folder.join(name), Some(used)))
}

/// An output that was only found in a folder is no input.
fn leave_out_output(named: &[PathBuf], arranged: &mut Arranged) {
    let output = &arranged.output;
    let is_output = |s: &Segment| publish::same_file(&s.path, output) && !named.contains(&s.path);
    if let Some(place) = arranged.segments.iter().position(is_output) {
        arranged.segments.remove(place);
        arranged.reasons.remove(place);
    }
}

/// What is read and written.
fn files(
    arguments: &JoinArguments,
    named: &[PathBuf],
    plugins: Option<&join_plugins::Plugins>,
    arranged: &Arranged,
) -> Files {
    let mut files = Files::default();
    named.iter().for_each(|path| files.reads("the input", path));
    arranged.segments.iter().for_each(|s| files.reads("the input", &s.path));
    arguments.list.iter().for_each(|list| files.reads("the list", list));
    let policies = [Some(&arranged.ordering), arranged.naming.as_ref()];
    policies.into_iter().flatten().for_each(|p| load::add(&p.files, &mut files));
    plugins.iter().for_each(|p| p.chain.add_to(&mut files));
    files.writes("the output", &arranged.output);
    arguments.receipt.iter().for_each(|path| files.writes("--receipt", path));
    files
}

/// Segments that do not fit, where nothing was said about them.
fn refuse_unfit(plan: &Plan) -> Result<()> {
    let Some((place, planned)) = plan.unfit().next() else { return Ok(()) };
    let fatal = planned.differences.iter().filter(|d| d.weight == filmgate_join::Weight::Fatal);
    let texts: Vec<String> = fatal.map(filmgate_join::Difference::text).collect();
    let more = match plan.unfit().count() {
        1 => String::new(),
        n => format!(" (and {} more segments do not fit)", n - 1),
    };
    let (path, all) = (planned.segment.path.display(), plan.segments.len());
    let message = format!(
        "segment {} of {all} ({path}) does not fit: {}{more}; --reencode-odd encodes what does \
         not fit anew, --skip-bad leaves it out",
        place + 1,
        texts.join("; ")
    );
    Err(WithExit::new(Exit::SegmentsDiffer, message).into())
}

/// Why a join ended.
enum Stopped {
    /// by the fault of the segment in this place
    Segment(usize, MediaError),
    Other(anyhow::Error),
}

fn join(
    arguments: &JoinArguments,
    plan: &Plan,
    arranged: &Arranged,
    cancel: &Cancel,
) -> Result<Exit, Stopped> {
    let other = |e: anyhow::Error| Stopped::Other(e);
    if let Some(folder) = arranged.output.parent().filter(|_| arguments.into.is_some()) {
        std::fs::create_dir_all(folder).map_err(|e| {
            let message = format!("{}: the folder cannot be made: {e}", folder.display());
            other(WithExit::new(Exit::OutputUnwritable, message).into())
        })?;
    }
    for reason in &plan.left_out {
        warn!("not in the output: {reason}");
    }
    let receipt = begin_receipt(arguments, plan, arranged).map_err(other)?;
    let settings = arguments.settings();
    let job = Job {
        plan,
        settings: &settings,
        output: &arranged.output,
        replace: arguments.overwrite,
        anew: arranged.anew.as_ref(),
    };
    let done = job.run(cancel).map_err(|failed| match (failed.place, failed.error) {
        (Some(place), JoinError::Media(e)) if is_its_own(e.kind) => Stopped::Segment(place, e),
        (Some(place), JoinError::Unfit(message)) if arguments.skip_bad => {
            Stopped::Segment(place, MediaError { kind: MediaErrorKind::Decode, message })
        }
        (_, error) => other(error.into()),
    })?;
    finish(arguments, plan, arranged, &done, receipt, cancel).map_err(other)
}

/// Whether an error is the fault of the file that was read.
fn is_its_own(kind: MediaErrorKind) -> bool {
    !matches!(
        kind,
        MediaErrorKind::Cancelled | MediaErrorKind::OutOfMemory | MediaErrorKind::Write(_)
    )
}

fn begin_receipt(
    arguments: &JoinArguments,
    plan: &Plan,
    arranged: &Arranged,
) -> Result<Option<Receipt>> {
    let Some(path) = &arguments.receipt else { return Ok(None) };
    let inputs: Vec<PathBuf> = plan.joined().map(|(_, p)| p.segment.path.clone()).collect();
    let used: Vec<_> =
        [Some(&arranged.ordering), arranged.naming.as_ref()].into_iter().flatten().collect();
    let mut plugins: Vec<_> = used.iter().map(|u| u.json.clone()).collect();
    plugins.extend(arranged.anew.iter().flat_map(|a| &a.plugins).map(|p| plugin_json(p)));
    let encoder = arranged.anew.as_ref().map(Anew::encoder_name);
    let about = serde_json::json!({ "plugins": plugins, "encoder": encoder });
    Receipt::create(path, arguments.overwrite, &inputs, &arranged.output, about).map(Some)
}

/// The segments that cannot be decoded without a fault, where somebody wants to know.
fn damaged(
    arguments: &JoinArguments,
    plan: &Plan,
    summary: &mut serde_json::Value,
    cancel: &Cancel,
) -> Result<Vec<check::Damaged>> {
    if !arguments.check_decode {
        return Ok(Vec::new());
    }
    let damaged = check::decode(plan, cancel)?;
    let mut list = Vec::new();
    for found in &damaged {
        let path = plan.segments[found.place].segment.path.display();
        warn!("{path} is damaged: {} faults when it is decoded", found.faults);
        list.push(serde_json::json!({ "path": path.to_string(), "faults": found.faults }));
    }
    if let serde_json::Value::Object(fields) = summary {
        fields.insert("damaged".to_owned(), list.into());
    }
    Ok(damaged)
}

/// What comes behind a join: the receipt, then the sources, then what is told.
fn finish(
    arguments: &JoinArguments,
    plan: &Plan,
    arranged: &Arranged,
    done: &Done,
    receipt: Option<Receipt>,
    cancel: &Cancel,
) -> Result<Exit> {
    let mut summary = show::json(arguments, plan, arranged, Some(done));
    if let Some(receipt) = receipt {
        receipt.publish(&summary, cancel)?;
    }
    let damaged = damaged(arguments, plan, &mut summary, cancel)?;
    let keep: Vec<(usize, &str)> = damaged.iter().map(|d| (d.place, "it is damaged")).collect();
    let spoilt = join_plugins::warn_of_spoilt(arranged, done);
    if spoilt && arguments.delete_sources {
        warn!("no source was removed: not every picture is in the output as it should be");
    }
    let remove = arguments.delete_sources && !spoilt;
    let removed = remove.then(|| remove::sources(plan, &keep));
    for (path, reason) in removed.iter().flat_map(|r| &r.kept) {
        warn!("{} was not removed: {reason}", path.display());
    }
    let partly = plan.is_partial()
        || spoilt
        || !damaged.is_empty()
        || removed.as_ref().is_some_and(|r| !r.kept.is_empty());
    let exit = if partly { Exit::Partly } else { Exit::Done };
    if arguments.json.json {
        show::add_removed(&mut summary, removed.as_ref(), exit);
        print_json(&summary)?;
    } else if !arguments.quiet {
        tell(show::text(plan, arranged, done, removed.as_ref()));
    }
    for bad in &plan.bad {
        warn!("left out: {}", bad.error);
    }
    Ok(exit)
}
