//! `--dry-run`: the plan of a job, for people and programs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};

use super::out::{line, print, print_json};
use super::receipt;
use filmgate_av::EncodeOptions;
use filmgate_core::frame::StreamInfo;
use filmgate_engine::pipeline::{Fate, Plan, PlannedLink, PlannedStage};
use filmgate_engine::spec::JobSpec;
use filmgate_plugin::{Grants, OnFailure, Supervisor, seconds, summary};

/// Prints the plan.
pub(super) fn show(spec: &JobSpec, plan: &Plan, plugins: &[Arc<Supervisor>]) -> Result<()> {
    match spec.json {
        true => print_json(&json(spec, plan, plugins)),
        false => print(&text(spec, plan, plugins)),
    }
}

/// The plan for people.
fn text(spec: &JobSpec, plan: &Plan, plugins: &[Arc<Supervisor>]) -> String {
    let mut out = String::new();
    let length = plan.duration.map(|d| format!(", {}", seconds(d))).unwrap_or_default();
    let inputs: Vec<String> = spec.input.iter().map(|i| i.display().to_string()).collect();
    line!(out, "input     {} ({}{length})", inputs.join(", then "), plan.container);
    for stream in &plan.streams {
        let fate = match &stream.fate {
            Fate::Decoded => {
                let what = plan.decoded.as_ref().map(described).unwrap_or_default();
                format!("decoded: {what}")
            }
            Fate::Copied => "copied".to_owned(),
            Fate::LeftOut(reason) => format!("left out: {reason}"),
        };
        line!(out, "  stream {}  {} ({})  {fate}", stream.index, stream.kind, stream.codec);
    }
    for (number, stage) in plan.stages.iter().enumerate() {
        line!(out, "stage {}   {}", number + 1, threads(stage));
        stage.links.iter().for_each(|link| link_text(&mut out, link, plugins));
    }
    line!(out, "encoder   {}", plan.encoder);
    if let Some(encoded) = &plan.encoded {
        line!(out, "  gets    {}", described(encoded));
    }
    for (key, value) in &plan.options {
        line!(out, "  {key:7} {value}");
    }
    line!(out, "output    {}", first(&spec.output).display());
    line!(out, "nothing was written: --dry-run");
    out
}

fn threads(stage: &PlannedStage) -> String {
    match (stage.parallel, stage.threads) {
        (true, 1) => "1 thread".to_owned(),
        (true, n) => format!("{n} threads, which share out the frames"),
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
            line!(out, "  plugin  {name} {} in {}", plugin.description.version, described(input));
            details_text(out, supervisor);
        }
    }
}

/// What decides about a plugin, besides what comes to it.
fn details_text(out: &mut String, supervisor: &Supervisor) {
    let plugin = supervisor.plugin();
    line!(out, "          {}", plugin.path.display());
    for (key, value) in supervisor.parameters() {
        line!(out, "          {key} = {value}");
    }
    let limits = plugin.limits();
    line!(
        out,
        "          when it breaks: {}; {} ms a call, {} MiB",
        policy(supervisor),
        limits.deadline.as_millis(),
        limits.memory >> 20
    );
    if limits.grants != Grants::default() {
        line!(out, "          granted: {}", limits.grants);
    }
}

pub(super) fn policy(supervisor: &Supervisor) -> &'static str {
    match supervisor.on_failure() {
        OnFailure::Fail => "fail",
        OnFailure::Bypass => "bypass",
    }
}

fn described(info: &StreamInfo) -> String {
    match info.frame_rate {
        Some(rate) => {
            let fps = f64::from(rate.num) / f64::from(rate.den.max(1));
            format!("{} at {} fps", summary(info), (fps * 1000.0).round() / 1000.0)
        }
        None => summary(info),
    }
}

/// The plan for programs (docs/json.md).
pub(super) fn json(spec: &JobSpec, plan: &Plan, plugins: &[Arc<Supervisor>]) -> Value {
    let streams: Vec<Value> = plan
        .streams
        .iter()
        .map(|s| {
            let (fate, reason) = match &s.fate {
                Fate::Decoded => ("decoded", None),
                Fate::Copied => ("copied", None),
                Fate::LeftOut(reason) => ("left-out", Some(reason)),
            };
            json!({ "index": s.index, "kind": s.kind, "codec": s.codec, "fate": fate, "reason": reason })
        })
        .collect();
    let options: serde_json::Map<String, Value> =
        plan.options.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
    json!({
        "input": spec.input.first().map(|i| i.to_string_lossy()),
        "inputs": spec.input.iter().map(|i| i.to_string_lossy()).collect::<Vec<_>>(),
        "output": first(&spec.output).to_string_lossy(),
        "container": plan.container,
        "duration": plan.duration.map(|d| d as f64 / 1e9),
        "streams": streams,
        "decoded": plan.decoded.as_ref().map(stream_json),
        "encoded": plan.encoded.as_ref().map(stream_json),
        "stages": plan.stages.iter().map(stage_json).collect::<Vec<_>>(),
        "plugins": plugins.iter().map(|p| receipt::plugin_json(p)).collect::<Vec<_>>(),
        "encoder": { "name": plan.encoder, "options": options },
    })
}

fn stage_json(stage: &PlannedStage) -> Value {
    let links: Vec<Value> = stage
        .links
        .iter()
        .map(|link| match link {
            PlannedLink::Convert { from, to, why } => {
                json!({ "convert": { "from": from.name(), "to": to.name(), "why": why } })
            }
            PlannedLink::Plugin { number, name, input } => {
                json!({ "plugin": { "number": number, "name": name, "input": stream_json(input) } })
            }
        })
        .collect();
    json!({ "threads": stage.threads, "parallel": stage.parallel, "links": links })
}

/// The first of the paths that a description has checked to be there.
pub(super) fn first(paths: &[PathBuf]) -> &Path {
    paths.first().map_or(Path::new(""), PathBuf::as_path)
}

/// Prints what is known of a job before it reads: inputs, plugins, encoder, outputs.
pub(super) fn show_outline(
    spec: &JobSpec,
    encode: Option<&EncodeOptions>,
    plugins: &[Arc<Supervisor>],
) -> Result<()> {
    if spec.json {
        return print_json(&outline_json(spec, encode, plugins));
    }
    let mut out = String::new();
    receipt::inputs(spec).iter().for_each(|i| line!(out, "input     {}", i.display()));
    for supervisor in plugins {
        let plugin = supervisor.plugin();
        line!(out, "plugin    {} {}", plugin.name(), plugin.description.version);
        details_text(&mut out, supervisor);
    }
    if let Some(encode) = encode {
        line!(out, "encoder   {}", encode.codec);
        words(encode).iter().for_each(|(key, value)| line!(out, "  {key:7} {value}"));
    }
    let outputs = spec.output.iter().chain(&spec.also);
    outputs.for_each(|o| line!(out, "output    {}", o.display()));
    line!(out, "nothing was written: --dry-run");
    print(&out)
}

/// The same for programs (docs/json.md).
pub(super) fn outline_json(
    spec: &JobSpec,
    encode: Option<&EncodeOptions>,
    plugins: &[Arc<Supervisor>],
) -> Value {
    let texts = |paths: Vec<PathBuf>| -> Vec<String> {
        paths.iter().map(|p| p.to_string_lossy().into_owned()).collect()
    };
    let inputs = texts(receipt::inputs(spec));
    let outputs = texts(spec.output.iter().chain(&spec.also).cloned().collect());
    let encoder = encode.map(|encode| {
        let options: serde_json::Map<String, Value> =
            words(encode).into_iter().map(|(k, v)| (k, json!(v))).collect();
        json!({ "name": encode.codec, "options": options })
    });
    json!({
        "input": inputs.first(),
        "inputs": inputs,
        "output": outputs.first(),
        "outputs": outputs,
        "plugins": plugins.iter().map(|p| receipt::plugin_json(p)).collect::<Vec<_>>(),
        "encoder": encoder,
    })
}

/// Options of an encoder, by its own names.
fn words(encode: &EncodeOptions) -> Vec<(String, String)> {
    let named = [
        ("preset", encode.preset.clone()),
        ("tune", encode.tune.clone()),
        ("crf", encode.crf.map(|c| c.to_string())),
        ("b", encode.bit_rate.map(|b| b.to_string())),
        ("pix_fmt", encode.pixel_format.map(|f| f.to_string())),
    ];
    let named = named.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    named.chain(encode.options.iter().cloned()).collect()
}

/// What is fixed about a stream of pictures, for programs.
pub(super) fn stream_json(info: &StreamInfo) -> Value {
    json!({
        "format": info.format.name(),
        "width": info.width,
        "height": info.height,
        "frame_rate": info.frame_rate.map(|r| r.to_string()),
        "sample_aspect": info.sample_aspect.to_string(),
        "color": {
            "range": info.color.range,
            "space": info.color.space,
            "primaries": info.color.primaries,
            "transfer": info.color.transfer,
        },
    })
}
