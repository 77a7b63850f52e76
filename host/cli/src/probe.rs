//! `filmgate probe`: what a media file says of itself.

use std::path::Path;

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::exit::Exit;
use super::locked;
use super::out::{self, line, print, print_json};
use filmgate_av::{Input, InputSource, MediaFacts, OpenOptions, StreamFacts};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::{Color, Rational};
use filmgate_engine::spec::Sandbox;
use filmgate_plugin::{harmless, seconds};

/// Characters of a tag that are shown to people.
const TAG: usize = 200;

pub(super) fn run(
    file: &Path,
    as_json: bool,
    sandbox: Option<Sandbox>,
    cancel: &Cancel,
) -> Result<Exit> {
    let source = InputSource::parse(file.as_os_str(), None);
    let _locked = locked::for_reading(&source, sandbox, cancel)?;
    let input = Input::open_source(&source, &OpenOptions::files(cancel))?;
    let size = std::fs::metadata(file).map(|m| m.len()).ok();
    let chosen = input.best_video().ok();
    if as_json {
        print_json(&json(file, size, chosen, input.facts()))?
    } else {
        print(&text(file, size, chosen, input.facts()))?
    }
    Ok(Exit::Done)
}

fn text(file: &Path, size: Option<u64>, chosen: Option<usize>, facts: &MediaFacts) -> String {
    let mut out = String::new();
    line!(out, "{}", file.display());
    line!(out, "  container  {}", facts.format);
    if let Some(size) = size {
        line!(out, "  size       {size} bytes");
    }
    match (facts.duration, facts.duration_declared) {
        (Some(d), true) => line!(out, "  duration   {}", seconds(d)),
        (Some(d), false) => line!(out, "  duration   {}, estimated", seconds(d)),
        (None, _) => line!(out, "  duration   unknown"),
    }
    line!(out, "  starts at  {}", seconds(facts.start));
    if !facts.chapters.is_empty() {
        line!(out, "  chapters   {}", facts.chapters.len());
    }
    tags_text(&mut out, "  ", &facts.metadata);
    for stream in &facts.streams {
        stream_text(&mut out, stream, chosen == Some(stream.index));
    }
    out
}

fn tags_text(out: &mut String, indent: &str, tags: &[(String, String)]) {
    for (key, value) in tags {
        line!(out, "{indent}tag        {} = {}", harmless(key, TAG), harmless(value, TAG));
    }
}

fn stream_text(out: &mut String, s: &StreamFacts, chosen: bool) {
    let what = if s.attached_picture { "cover picture" } else { s.kind.name() };
    let chosen = if chosen { "  (what `run` takes)" } else { "" };
    line!(out, "stream {}  {what}, {}{chosen}", s.index, s.codec);
    if let Some(v) = &s.video {
        let format = if v.pixel_format.is_empty() { "unknown format" } else { &v.pixel_format };
        line!(out, "  picture    {format} {}x{}", v.width, v.height);
        if v.sample_aspect.num != v.sample_aspect.den {
            line!(out, "  sample     {} (width to height)", v.sample_aspect);
        }
        if v.rotation != 0 {
            line!(out, "  rotation   {} degrees clockwise", v.rotation);
        }
        let color = color_text(&v.color);
        if !color.is_empty() {
            line!(out, "  colour     {color}");
        }
    }
    if let Some(a) = &s.audio {
        line!(out, "  sound      {} Hz, {} channels", a.sample_rate, a.channels);
    }
    if let Some(rate) = s.frame_rate {
        line!(out, "  rate       {} frames a second ({rate})", decimal(rate));
    }
    line!(out, "  time base  {}", s.time_base);
    if let Some(d) = s.duration {
        line!(out, "  duration   {}", seconds(d));
    }
    if let Some(frames) = s.frames {
        line!(out, "  frames     {frames}");
    }
    if let Some(rate) = s.bit_rate {
        line!(out, "  bit rate   {rate} bits a second");
    }
    if let Some(language) = &s.language {
        line!(out, "  language   {}", harmless(language, TAG));
    }
    let others: Vec<_> = s.metadata.iter().filter(|(k, _)| k != "language").cloned().collect();
    tags_text(out, "  ", &others);
}

fn color_text(color: &Color) -> String {
    let parts = [
        ("range", &color.range),
        ("matrix", &color.space),
        ("primaries", &color.primaries),
        ("transfer", &color.transfer),
    ];
    let known = parts.iter().filter_map(|(n, v)| Some(format!("{n} {}", v.as_deref()?)));
    known.collect::<Vec<_>>().join(", ")
}

fn decimal(rate: Rational) -> f64 {
    (f64::from(rate.num) / f64::from(rate.den.max(1)) * 1000.0).round() / 1000.0
}

fn json(file: &Path, size: Option<u64>, chosen: Option<usize>, facts: &MediaFacts) -> Value {
    json!({
        "path": out::text(file),
        "size": size,
        "container": facts.format,
        "duration": facts.duration.map(in_seconds),
        "duration_declared": facts.duration_declared,
        "start": in_seconds(facts.start),
        "chapters": facts.chapters.len(),
        "tags": tags_json(&facts.metadata),
        "video": chosen,
        "streams": facts.streams.iter().map(stream_json).collect::<Vec<_>>(),
    })
}

fn in_seconds(nanoseconds: i64) -> f64 {
    nanoseconds as f64 / 1e9
}

fn tags_json(tags: &[(String, String)]) -> Map<String, Value> {
    tags.iter().map(|(k, v)| (k.clone(), json!(v))).collect()
}

fn stream_json(s: &StreamFacts) -> Value {
    let video = s.video.as_ref().map(|v| {
        json!({
            "width": v.width,
            "height": v.height,
            "pixel_format": v.pixel_format,
            "format": v.native.map(filmgate_core::frame::PixelFormat::name),
            "sample_aspect": v.sample_aspect.to_string(),
            "rotation": v.rotation,
            "color": {
                "range": v.color.range,
                "space": v.color.space,
                "primaries": v.color.primaries,
                "transfer": v.color.transfer,
            },
        })
    });
    let audio =
        s.audio.as_ref().map(|a| json!({ "sample_rate": a.sample_rate, "channels": a.channels }));
    json!({
        "index": s.index,
        "kind": s.kind.name(),
        "codec": s.codec,
        "attached_picture": s.attached_picture,
        "time_base": s.time_base.to_string(),
        "frame_rate": s.frame_rate.map(|r| r.to_string()),
        "duration": s.duration.map(in_seconds),
        "frames": s.frames,
        "bit_rate": s.bit_rate,
        "language": s.language,
        "tags": tags_json(&s.metadata),
        "video": video,
        "audio": audio,
    })
}
