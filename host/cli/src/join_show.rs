//! What `join` prints: the plan and the result, for people and for programs.

use anyhow::Result;
use serde_json::{Value, json};

use super::exit::Exit;
use super::locked::Locked;
use super::out::{line, print, print_json};
use filmgate_core::words::{bytes, counted};
use filmgate_join::report::{ActionReport, SegmentReport};
use filmgate_join::{JoinReport, JoinSpec, Weight};

/// The plan alone.
pub(super) fn plan(spec: &JoinSpec, plan: &JoinReport, locked: &Locked) -> Result<()> {
    if !spec.json {
        return print(&format!("{}sandbox: {}\n", plan_text(plan), locked.text()));
    }
    let mut value = json!(plan);
    value["sandbox"] = locked.json();
    print_json(&value)
}

/// The result for programs.
pub(super) fn summary(report: &JoinReport, exit: Exit) -> Value {
    let mut summary = json!(report);
    summary["status"] = json!(exit.status());
    summary["exit"] = json!(exit as u8);
    summary
}

fn plan_text(plan: &JoinReport) -> String {
    let mut out = String::new();
    let by = plan.name_text.as_ref().map_or(String::new(), |n| format!(", named by {n}"));
    line!(out, "{} ({}){by}", plan.output, plan.format);
    line!(out, "order: {}", plan.order_text);
    if let Some(video) = &plan.video {
        line!(
            out,
            "video: re-encoded for plugins: {} ({}, {}x{} {})",
            names(plan),
            video.encoder,
            video.width,
            video.height,
            video.pixel_format
        );
    }
    for (place, segment) in plan.segments.iter().enumerate() {
        segment_text(&mut out, place, segment, plan.video.is_some());
    }
    for bad in &plan.bad {
        line!(out, "         left out: {}", bad.why);
    }
    for reason in &plan.left_out {
        line!(out, "         not in the output: {reason}");
    }
    out
}

fn segment_text(out: &mut String, place: usize, segment: &SegmentReport, has_plugins: bool) {
    let reason = match segment.reason.as_deref() {
        None | Some("") => String::new(),
        Some(reason) => format!("   ({reason})"),
    };
    let action = action_text(&segment.action, has_plugins);
    line!(out, "{:>5}  {}{reason}{action}", place + 1, segment.path);
    for difference in &segment.differences {
        let weight = match difference.weight {
            Weight::Cosmetic => "differs",
            Weight::Repairable => "repaired",
            Weight::Fatal => "DOES NOT FIT",
        };
        let remedy = match difference.remedy {
            "" => String::new(),
            remedy => format!(": {remedy}"),
        };
        line!(out, "         {weight}: {}{remedy}", difference.text());
    }
}

fn action_text(action: &ActionReport, has_plugins: bool) -> String {
    if let Some(why) = &action.why {
        return format!("   left out: {why}");
    }
    match (action.reencodes_video, action.reencodes_audio) {
        (false, false) => String::new(),
        (true, false) if has_plugins => String::new(),
        (true, true) => "   re-encodes video and audio".to_owned(),
        (true, false) => "   re-encodes video".to_owned(),
        (false, true) => "   re-encodes audio".to_owned(),
    }
}

/// The names of the plugins, in their order.
fn names(report: &JoinReport) -> String {
    let plugins = report.plugins.iter().flatten();
    let names: Vec<&str> = plugins.map(|p| p.plugin.name.as_str()).collect();
    names.join(", ")
}

/// The result for people.
pub(super) fn text(report: &JoinReport) -> String {
    let mut out = String::new();
    let Some(result) = &report.result else { return out };
    let joined = report.segments.iter().filter(|s| !s.action.leaves_out()).count();
    let all = report.segments.len() + report.bad.len();
    let segments = if joined == all {
        counted(joined as u64, "segment")
    } else {
        format!("{joined} of {}", counted(all as u64, "segment"))
    };
    line!(
        out,
        "{}: {segments}, {:.3} s, {}, in {:.2} s ({:.0} MB/s)",
        report.output,
        result.duration,
        bytes(result.bytes),
        result.joining_seconds,
        result.bytes as f64 / 1e6 / result.joining_seconds.max(1e-9)
    );
    let reencoded = report.segments.iter().filter(|s| s.action.reencodes()).count();
    if let Some(frames) = report.video.as_ref().and_then(|v| v.frames.as_ref()) {
        line!(
            out,
            "  video re-encoded for plugins: {}; {} decoded, {} encoded",
            names(report),
            counted(frames.decoded, "frame"),
            frames.encoded
        );
    } else if reencoded > 0 {
        line!(out, "  {reencoded} re-encoded to match the first segment");
    }
    for (number, track) in result.proof.iter().flat_map(|p| &p.tracks).enumerate() {
        let is_encoded = report.video.as_ref().is_some_and(|v| v.track == number);
        let source = if is_encoded { "encoded" } else { "read" };
        let mut notes = String::new();
        if track.left_out > 0 {
            notes += &format!(", {} left out at seams", track.left_out);
        }
        if track.silent > 0 {
            notes += &format!(", {} of silence added", track.silent);
        }
        let (kind, codec, packets) = (track.kind, &track.codec, counted(track.packets, "packet"));
        line!(out, "  {kind:6} {codec}: {packets} as {source}{notes}");
    }
    match &result.proof {
        Some(proof) => line!(
            out,
            "  proof  read back in {:.2} s: payloads, counts, times, keyframes; audio and video \
             within {:.1} ms of the source at {} seams",
            result.proving_seconds,
            proof.worst_seam_ms,
            proof.seams
        ),
        None => line!(out, "  proof  none (--no-proof)"),
    }
    for note in &result.notes {
        line!(out, "  note   {note}");
    }
    if let Some(removed) = &report.removed {
        line!(out, "  {} sources removed", removed.len());
    }
    out
}
