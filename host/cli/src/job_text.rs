//! What people are shown of a job: its plan, and its summary.

use std::sync::Arc;

use super::out::line;
use filmgate_core::frame::StreamInfo;
use filmgate_core::words::{bytes, counted};
use filmgate_engine::graph::Reading;
use filmgate_engine::report::{LiveReport, OutputReport, PluginReport, StreamReport};
use filmgate_engine::sink::PushSummary;
use filmgate_engine::spec::{JobSpec, Verb};
use filmgate_engine::{Fate, Plan, PlannedLink, PlannedStage, Report};
use filmgate_plugin::{Grants, OnFailure, Supervisor, seconds, summary as stream_summary};

/// The plan.
pub(super) fn plan(
    spec: &JobSpec,
    plan: &Plan,
    plugins: &[Arc<Supervisor>],
    sandbox: &str,
) -> String {
    let mut out = String::new();
    let length = plan.duration.map(|d| format!(", {}", seconds((d * 1e9) as i64)));
    let inputs = spec.input.iter().chain(&spec.fifo).chain(&spec.image);
    let inputs: Vec<String> = inputs.map(|i| i.display().to_string()).collect();
    let container = plan.container.as_deref().unwrap_or("raw frames");
    line!(out, "input     {} ({container}{})", inputs.join(", then "), length.unwrap_or_default());
    for stream in &plan.streams {
        let fate = match (stream.fate, &stream.reason) {
            (Fate::Decoded, _) => {
                let what = plan.decoded.as_ref().map(|d| described(&d.info)).unwrap_or_default();
                format!("decoded: {what}")
            }
            (Fate::Copied, _) => "copied".to_owned(),
            (Fate::LeftOut, reason) => {
                format!("left out: {}", reason.as_deref().unwrap_or_default())
            }
        };
        line!(out, "  stream {}  {} ({})  {fate}", stream.index, stream.kind, stream.codec);
    }
    for (number, stage) in plan.stages.iter().enumerate() {
        line!(out, "stage {}   {}", number + 1, threads(stage));
        stage.links.iter().for_each(|link| link_text(&mut out, link, plugins));
    }
    line!(out, "encoder   {}", plan.encoder.name);
    if let Some(encoded) = &plan.encoded {
        line!(out, "  gets    {}", described(&encoded.info));
    }
    for (key, value) in &plan.encoder.options {
        line!(out, "  {key:7} {value}");
    }
    for output in spec.output.iter().chain(&spec.also) {
        line!(out, "output    {}", output.display());
    }
    line!(out, "sandbox   {sandbox}");
    line!(out, "nothing was written: --dry-run");
    out
}

fn threads(stage: &PlannedStage) -> String {
    match (stage.parallel, stage.threads) {
        (true, 1) => "1 thread".to_owned(),
        (true, n) => format!("{n} threads, which share out the frames"),
        (false, n @ 2..) => format!("{n} threads, which share out pieces of the stream"),
        (false, _) => "1 thread, which sees every frame in order".to_owned(),
    }
}

fn link_text(out: &mut String, link: &PlannedLink, plugins: &[Arc<Supervisor>]) {
    match link {
        PlannedLink::Convert { from, to, why } => {
            line!(out, "  convert {from} to {to}: {why}");
        }
        PlannedLink::Plugin { number, name, input } => {
            let Some(supervisor) = plugins.get(*number) else { return };
            let plugin = supervisor.plugin();
            let version = &plugin.description.version;
            line!(out, "  plugin  {name} {version} in {}", described(&input.info));
            line!(out, "          {}", plugin.path.display());
            for (key, value) in supervisor.parameters() {
                line!(out, "          {key} = {value}");
            }
            let limits = plugin.limits();
            let policy = match supervisor.on_failure() {
                OnFailure::Fail => "fail",
                OnFailure::Bypass => "bypass",
            };
            line!(
                out,
                "          when it breaks: {policy}; {} ms a call, {} MiB",
                limits.deadline.as_millis(),
                limits.memory >> 20
            );
            if limits.grants != Grants::default() {
                line!(out, "          granted: {}", limits.grants);
            }
        }
    }
}

fn described(info: &StreamInfo) -> String {
    match info.frame_rate {
        Some(rate) => {
            let fps = f64::from(rate.num) / f64::from(rate.den.max(1));
            format!("{} at {} fps", stream_summary(info), (fps * 1000.0).round() / 1000.0)
        }
        None => stream_summary(info),
    }
}

/// The summary.
pub(super) fn summary(spec: &JobSpec, report: &Report) -> String {
    let mut out = String::new();
    match spec.verb {
        // One picture says enough by being there.
        Verb::Frame => return out,
        Verb::Split => images(&mut out, spec, report),
        Verb::Run | Verb::Encode => outputs(&mut out, spec, report),
    }
    if !report.copied.is_empty() {
        line!(out, "  copied      {}", report.copied.join(", "));
    }
    if !report.conversions.is_empty() && report.images.is_none() {
        line!(out, "  converted   {}", report.conversions.join(", "));
    }
    if let Some(source) = &report.source {
        live(&mut out, source);
    }
    let stages = &report.stages;
    let unit = if report.images.is_some() { "picture" } else { "frame" };
    let named = |name, reading: Option<Reading>| reading.map(|reading| (name, reading));
    let before = [
        named("decode", stages.decode),
        named("read", stages.read),
        named("convert", Some(stages.convert).filter(|_| stages.read.is_none())),
    ];
    let last = if stages.read.is_some() { "write" } else { "mux" };
    let behind = [
        named("encode", Some(stages.encode)),
        named(last, stages.mux),
        named("publish", stages.publish),
    ];
    let before: Vec<_> = before.into_iter().flatten().collect();
    let behind: Vec<_> = behind.into_iter().flatten().collect();
    stages_text(&mut out, unit, &before, &report.plugins, &behind);
    out
}

fn info(stream: Option<&StreamReport>) -> Option<&StreamInfo> {
    stream.map(|s| &s.info)
}

/// Frames a second.
fn speed(frames: u64, report: &Report) -> f64 {
    frames as f64 / report.wall.as_secs_f64().max(1e-9)
}

/// The line of a folder of images.
fn images(out: &mut String, spec: &JobSpec, report: &Report) {
    let Some(images) = &report.images else { return };
    let folder = spec.output.first().map(|o| o.display().to_string()).unwrap_or_default();
    let format = info(report.pictures.as_ref()).map(stream_summary).unwrap_or_default();
    let (count, size) = (images.published, bytes(report.bytes));
    let (seconds, fps) = (report.wall.as_secs_f64(), speed(count, report));
    line!(
        out,
        "{folder}: {}, {format}, {size}, in {seconds:.2} s ({fps:.0} fps)",
        counted(count, "picture")
    );
    if images.late > 0 {
        line!(out, "  dropped     {} that came too fast", counted(images.late, "picture"));
    }
    if images.removed > 0 {
        let (removed, early) = (counted(images.removed, "older picture"), images.removed_early);
        line!(out, "  removed     {removed}, {early} before their time");
    }
}

/// The line of what was encoded, and one for each output where there are several.
fn outputs(out: &mut String, spec: &JobSpec, report: &Report) {
    let (seconds, fps) = (report.wall.as_secs_f64(), speed(report.frames_out, report));
    let input = info(report.decoded.as_ref().or(report.read.as_ref()));
    let formats = match (input, info(report.encoded.as_ref())) {
        (Some(a), Some(b)) if a == b || spec.verb == Verb::Encode => stream_summary(b),
        (Some(a), Some(b)) => format!("{} → {}", stream_summary(a), stream_summary(b)),
        _ => String::new(),
    };
    let frames = counted(report.frames_out, "frame");
    match &report.outputs[..] {
        [one] if one.push.is_none() && spec.verb == Verb::Run => line!(
            out,
            "{}: {frames}, {formats}, {}, in {seconds:.2} s ({fps:.0} fps)",
            one.name,
            bytes(report.bytes)
        ),
        several => {
            line!(out, "{frames}, {formats}, in {seconds:.2} s ({fps:.0} fps)");
            for output in several {
                line!(out, "  {}: {}", output.name, output_text(output));
            }
        }
    }
}

fn output_text(output: &OutputReport) -> String {
    if let Some(error) = &output.error {
        return format!("failed: {error}");
    }
    match (&output.push, output.bytes) {
        (Some(push), _) => push_text(push),
        (None, Some(size)) => bytes(size),
        (None, None) => "written".to_owned(),
    }
}

fn push_text(push: &PushSummary) -> String {
    let account = &push.account;
    let mut text = format!("{} delivered", counted(account.delivered, "picture"));
    let mut add = |count: u64, what: &str| {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    };
    add(account.dropped, "dropped");
    add(account.unsure, "perhaps lost with their connection");
    add(push.losses, "connections lost");
    add(push.refusals, "attempts refused");
    text
}

fn live(out: &mut String, source: &LiveReport) {
    if source.stalls + source.losses > 0 {
        line!(
            out,
            "  source      stalled {}, broke or ended {}, opened again {}",
            counted(source.stalls, "time"),
            counted(source.losses, "time"),
            counted(source.reopened, "time")
        );
        let lost = counted(source.lost, "picture");
        line!(out, "  lost        {lost}, in {:.1} s without any", source.outage);
    }
    if source.damaged > 0 {
        line!(out, "  damaged     {} packets or pictures of the source", source.damaged);
    }
}

/// What each stage took for a frame, and what became of plugins that failed: those before the
/// plugins, the plugins, and those behind them. Stages that saw no frame are left out.
pub(crate) fn stages_text(
    out: &mut String,
    unit: &str,
    before: &[(&str, Reading)],
    plugins: &[PluginReport],
    behind: &[(&str, Reading)],
) {
    let mut line = |name: &str, reading: Reading, note: String| {
        if reading.frames > 0 {
            line!(out, "  {name:10} {:8.3} ms a {unit}{note}", reading.ms_a_frame());
        }
    };
    before.iter().for_each(|(name, reading)| line(name, *reading, String::new()));
    for plugin in plugins {
        let mut note = match (plugin.failures, plugin.bypassed) {
            (0, 0) => String::new(),
            (times, n) => format!(
                "   broke {}, {} passed unchanged",
                counted(times, "time"),
                counted(n, "frame")
            ),
        };
        if plugin.held_at_end > 0 {
            note += &format!("   kept {} at the end", counted(plugin.held_at_end, "frame"));
        }
        line(&plugin.name, plugin.reading, note);
    }
    behind.iter().for_each(|(name, reading)| line(name, *reading, String::new()));
}
