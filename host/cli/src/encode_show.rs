//! What `encode` shows behind its work.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::exit::Exit;
use super::plan::stream_json;
use super::show::stages_text;
use filmgate_engine::encode::{OutputSummary, PushSummary, Summary};
use filmgate_engine::pipeline::Reading;
use filmgate_plugin::summary as stream_summary;

/// The summary for people.
pub(super) fn summary_text(s: &Summary) -> String {
    let mut out = String::new();
    let seconds = s.wall.as_secs_f64();
    let fps = s.frames_out as f64 / seconds.max(1e-9);
    let format = s.output.as_ref().map(stream_summary).unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{} frames, {format}, in {seconds:.2} s ({fps:.0} fps)", s.frames_out);
    for output in &s.outputs {
        let _ = writeln!(out, "  {}: {}", output.name, output_text(output));
    }
    if !s.conversions.is_empty() {
        let _ = writeln!(out, "  converted   {}", s.conversions.join(", "));
    }
    stages_text(
        &mut out,
        "frame",
        &[("read", s.read)],
        &s.plugins,
        &[("encode", s.encode), ("write", s.write)],
    );
    out
}

fn output_text(output: &OutputSummary) -> String {
    match (&output.push, output.bytes) {
        (Some(push), _) => push_text(push),
        (None, Some(bytes)) => format!("{:.1} MB", bytes as f64 / 1e6),
        (None, None) => "written".to_owned(),
    }
}

fn push_text(push: &PushSummary) -> String {
    let account = &push.account;
    let mut text = format!("{} pictures delivered", account.delivered);
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

/// What is about to happen, for programs.
pub(super) fn start_json(s: &Summary) -> Value {
    json!({
        "read": s.input.as_ref().map(stream_json),
        "encoded": s.output.as_ref().map(stream_json),
        "conversions": s.conversions,
    })
}

/// The summary for programs; the fields stand in docs/json.md.
pub(super) fn summary_json(s: &Summary, exit: Exit) -> Value {
    let stage = |r: Reading| json!({ "frames": r.frames, "ms_a_frame": r.ms_a_frame() });
    let outputs: Vec<Value> = s
        .outputs
        .iter()
        .map(|o| json!({ "name": o.name, "bytes": o.bytes, "push": o.push }))
        .collect();
    let plugins: Vec<Value> = s
        .plugins
        .iter()
        .map(|p| {
            json!({
                "name": p.name,
                "frames": p.reading.frames,
                "ms_a_frame": p.reading.ms_a_frame(),
                "bypassed": p.bypassed,
                "failures": p.failures,
                "held_at_end": p.held_at_end,
            })
        })
        .collect();
    json!({
        "status": exit.status(),
        "exit": exit as u8,
        "frames_in": s.frames_in,
        "frames_out": s.frames_out,
        "seconds": s.wall.as_secs_f64(),
        "stopped": s.stopped,
        "partial_pictures": s.ended.partial,
        "partial_bytes": s.ended.partial_bytes,
        "damaged_packets": s.ended.damaged,
        "read": s.input.as_ref().map(stream_json),
        "encoded": s.output.as_ref().map(stream_json),
        "conversions": s.conversions,
        "outputs": outputs,
        "stages": {
            "read": stage(s.read),
            "encode": stage(s.encode),
            "write": stage(s.write),
        },
        "plugins": plugins,
    })
}
