//! What `join` tells: the plan, and what came of it, for people and for programs.

use anyhow::Result;
use serde_json::{Value, json};

use super::exit::Exit;
use super::join::Arranged;
use super::join_args::JoinArguments;
use super::join_plugins as through;
use super::out::{self, line, print, print_json};
use filmgate_join::remove::Removed;
use filmgate_join::{Action, Done, Plan, Weight};

/// The plan alone.
pub(super) fn dry_run(arguments: &JoinArguments, plan: &Plan, arranged: &Arranged) -> Result<Exit> {
    match arguments.json.json {
        true => print_json(&json(arguments, plan, arranged, None))?,
        false => print(&plan_text(plan, arranged))?,
    }
    Ok(Exit::Done)
}

fn plan_text(plan: &Plan, arranged: &Arranged) -> String {
    let mut out = String::new();
    let by = arranged.naming.as_ref().map_or(String::new(), |n| format!(", named by {}", n.name));
    line!(out, "{} ({}){by}", arranged.output.display(), plan.format);
    line!(out, "order: {}", arranged.ordering.name);
    if let Some(anew) = &arranged.anew {
        let (info, encoder) = (&anew.chain.output, anew.encoder_name());
        line!(
            out,
            "video: encoded anew, for the plugins: {} ({encoder}, {}x{} {})",
            through::names(anew),
            info.width,
            info.height,
            info.format
        );
    }
    for (place, planned) in plan.segments.iter().enumerate() {
        let reason = match arranged.reasons.get(place).map(String::as_str) {
            None | Some("") => String::new(),
            Some(reason) => format!("   ({reason})"),
        };
        let what = match &planned.action {
            Action::Copy => String::new(),
            Action::Reencode { video: true, audio: false } if plan.anew => String::new(),
            Action::Reencode { video, audio } => {
                let what = match (video, audio) {
                    (true, true) => "picture and sound are",
                    (false, true) => "sound is",
                    _ => "picture is",
                };
                format!("   {what} encoded anew")
            }
            Action::LeaveOut(why) => format!("   left out: {why}"),
        };
        let path = planned.segment.path.display();
        line!(out, "{:>5}  {path}{reason}{what}", place + 1);
        for difference in &planned.differences {
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
    for bad in &plan.bad {
        line!(out, "         left out: {}", bad.error);
    }
    for reason in &plan.left_out {
        line!(out, "         not in the output: {reason}");
    }
    out
}

/// The whole plan, and what came of it.
pub(super) fn json(
    arguments: &JoinArguments,
    plan: &Plan,
    arranged: &Arranged,
    done: Option<&Done>,
) -> Value {
    let segments: Vec<Value> = plan
        .segments
        .iter()
        .enumerate()
        .map(|(place, planned)| {
            let segment = &planned.segment;
            let seam = done.and_then(|d| d.written.seams.iter().find(|s| s.place == place));
            let (action, why) = match &planned.action {
                Action::Copy => ("copy", None),
                Action::Reencode { .. } => ("reencode", None),
                Action::LeaveOut(why) => ("leave-out", Some(why)),
            };
            json!({
                "path": out::text(&segment.path),
                "reason": arranged.reasons.get(place),
                "size": segment.identity.size,
                "format": &*segment.format,
                "duration": segment.duration.map(|d| d as f64 / 1e9),
                "start": segment.start as f64 / 1e9,
                "differences": planned.differences,
                "action": action,
                "why": why,
                "at": seam.map(|s| s.at as f64 / 1e9),
            })
        })
        .collect();
    let tracks: Vec<Value> = plan
        .tracks
        .iter()
        .map(|t| json!({ "kind": t.kind.name(), "codec": t.codec, "cover": t.cover, "parameter_sets_in_band": t.in_band }))
        .collect();
    let bad: Vec<Value> = plan
        .bad
        .iter()
        .map(|b| json!({ "path": out::text(&b.candidate.path), "why": b.error.to_string() }))
        .collect();
    let mut value = json!({
        "output": out::text(&arranged.output),
        "format": plan.format,
        "ordering": arranged.ordering.json,
        "naming": arranged.naming.as_ref().map(|n| &n.json),
        "gap": if arguments.settings().gap == filmgate_join::Gap::Keep { "keep" } else { "close" },
        "segments": segments,
        "tracks": tracks,
        "bad": bad,
        "left_out": plan.left_out,
    });
    if let (Some(anew), Value::Object(fields)) = (&arranged.anew, &mut value) {
        fields.insert("video".into(), through::video_json(anew, done));
        fields.insert("plugins".into(), through::plugins_json(anew, done));
    }
    if let (Some(done), Value::Object(fields)) = (done, &mut value) {
        fields.insert("bytes".into(), json!(done.size));
        fields.insert("duration".into(), json!(done.written.duration as f64 / 1e9));
        fields.insert("notes".into(), json!(done.written.notes));
        fields.insert("retimed".into(), json!(done.written.retimed));
        fields.insert("proof".into(), json!(done.proof));
        fields.insert("joining_seconds".into(), json!(done.joining.as_secs_f64()));
        fields.insert("proving_seconds".into(), json!(done.proving.as_secs_f64()));
    }
    value
}

/// What became of the sources, and how it ended.
pub(super) fn add_removed(value: &mut Value, removed: Option<&Removed>, exit: Exit) {
    let Value::Object(fields) = value else { return };
    fields.insert("status".into(), json!(exit.status()));
    let Some(removed) = removed else { return };
    let paths: Vec<String> = removed.removed.iter().map(|p| out::text(p)).collect();
    let kept: Vec<Value> = removed
        .kept
        .iter()
        .map(|(path, why)| json!({ "path": out::text(path), "why": why }))
        .collect();
    fields.insert("removed".into(), json!(paths));
    fields.insert("not_removed".into(), json!(kept));
}

/// What came of it, for people.
pub(super) fn text(
    plan: &Plan,
    arranged: &Arranged,
    done: &Done,
    removed: Option<&Removed>,
) -> String {
    let mut out = String::new();
    let (joined, all) = (plan.joined().count(), plan.segments.len() + plan.bad.len());
    let of = if joined == all { String::new() } else { format!(" of {all}") };
    let seconds = done.joining.as_secs_f64();
    line!(
        out,
        "{}: {joined}{of} segments, {:.3} s, {:.1} MB, in {seconds:.2} s ({:.0} MB/s)",
        arranged.output.display(),
        done.written.duration as f64 / 1e9,
        done.size as f64 / 1e6,
        done.size as f64 / 1e6 / seconds.max(1e-9)
    );
    let anew = plan.joined().filter(|(_, p)| matches!(p.action, Action::Reencode { .. })).count();
    if let Some(anew) = &arranged.anew {
        let pictures = done.written.pictures;
        let (names, made) = (through::names(anew), pictures.made);
        let decoded = pictures.decoded;
        line!(
            out,
            "  video encoded anew, for the plugins: {names}; {decoded} pictures, {made} written"
        );
    } else if anew > 0 {
        line!(out, "  {anew} encoded anew, to what the first is like");
    }
    for (number, track) in done.proof.iter().flat_map(|p| &p.tracks).enumerate() {
        let film = plan.anew && plan.leader() == Some(number);
        let whose = if film { "were encoded" } else { "were read" };
        let mut notes = String::new();
        if track.left_out > 0 {
            notes += &format!(", {} left out at seams", track.left_out);
        }
        if track.silent > 0 {
            notes += &format!(", {} of silence put in", track.silent);
        }
        line!(
            out,
            "  {:6} {}: {} packets as they {whose}{notes}",
            track.kind,
            track.codec,
            track.packets
        );
    }
    match &done.proof {
        Some(proof) => line!(
            out,
            "  proof  read back in {:.2} s: payloads, counts, times, key frames; sound and picture \
             within {:.1} ms of the source at {} seams",
            done.proving.as_secs_f64(),
            proof.worst_seam_ms,
            proof.seams
        ),
        None => line!(out, "  proof  none (--no-proof)"),
    }
    for note in &done.written.notes {
        line!(out, "  note   {note}");
    }
    if let Some(removed) = removed {
        line!(out, "  {} sources removed", removed.removed.len());
    }
    out
}
