//! What `split` says at its end, to people and to programs.

use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};

use crate::events::Events;
use crate::exit::Exit;
use crate::out::{line, print_json, tell};
use crate::plan::{first, stream_json};
use crate::show::stages_text;
use filmgate_engine::pipeline::{Continuity, Reading};
use filmgate_engine::spec::JobSpec;
use filmgate_engine::split::Summary;
use filmgate_plugin::{Supervisor, summary as stream_summary};

pub(super) fn report(spec: &JobSpec, summary: &Summary, json: Value, events: Events) -> Result<()> {
    if spec.json {
        print_json(&json)?;
    } else if !spec.quiet {
        tell(summary_text(spec, summary));
    }
    events.emit("result", json);
    Ok(())
}

fn summary_text(spec: &JobSpec, s: &Summary) -> String {
    let mut out = String::new();
    let seconds = s.wall.as_secs_f64();
    let (fps, size) = (s.published as f64 / seconds.max(1e-9), s.bytes as f64 / 1e6);
    let format = s.output.as_ref().map(stream_summary).unwrap_or_default();
    let (folder, count) = (first(&spec.output).display(), s.published);
    line!(
        out,
        "{folder}: {count} pictures, {format}, {size:.1} MB, in {seconds:.2} s ({fps:.0} fps)"
    );
    if s.late > 0 {
        line!(out, "  dropped     {} pictures that came too fast", s.late);
    }
    if s.removed > 0 {
        line!(
            out,
            "  removed     {} older pictures, {} before their time",
            s.removed,
            s.removed_early
        );
    }
    source_text(&mut out, &s.continuity);
    stages_text(
        &mut out,
        "picture",
        &[("decode", s.decode), ("convert", s.convert)],
        &s.plugins,
        &[("encode", s.encode), ("publish", s.publish)],
    );
    out
}

fn source_text(out: &mut String, source: &Continuity) {
    if source.stalls + source.losses > 0 {
        let (stalls, losses) = (source.stalls, source.losses);
        let (lost, pause) = (source.lost, source.outage as f64 / 1e9);
        line!(
            out,
            "  source      stalled {stalls} times, broke or ended {losses} times, opened again {} times",
            source.reopened
        );
        line!(out, "  lost        {lost} pictures, in {pause:.1} s without any");
    }
    if source.damaged > 0 {
        line!(out, "  damaged     {} packets or pictures of the source", source.damaged);
    }
}

pub(super) fn summary_json(
    spec: &JobSpec,
    s: &Summary,
    plugins: &[Arc<Supervisor>],
    exit: Exit,
) -> Value {
    let stage = |r: Reading| json!({ "frames": r.frames, "ms_a_frame": r.ms_a_frame() });
    json!({
        "status": exit.status(),
        "exit": exit as u8,
        "input": first(&spec.input).to_string_lossy(),
        "output": first(&spec.output).to_string_lossy(),
        "decoded": s.decoded,
        "chosen": s.chosen,
        "late": s.late,
        "published": s.published,
        "bytes": s.bytes,
        "removed": s.removed,
        "removed_early": s.removed_early,
        "last": s.last.as_ref().map(|p| p.to_string_lossy()),
        "seconds": s.wall.as_secs_f64(),
        "interrupted": s.interrupted,
        "workers": s.workers,
        "pictures": s.output.as_ref().map(stream_json),
        "conversions": s.conversions,
        "source": source_json(s),
        "stages": {
            "decode": stage(s.decode),
            "convert": stage(s.convert),
            "encode": stage(s.encode),
            "publish": stage(s.publish),
        },
        "plugins": plugins_json(s, plugins),
    })
}

fn source_json(s: &Summary) -> Value {
    let source = &s.continuity;
    json!({
        "stream": s.input.as_ref().map(stream_json),
        "endless": s.endless,
        "reopened": source.reopened,
        "refused": source.refused,
        "stalls": source.stalls,
        "losses": source.losses,
        "outage": source.outage as f64 / 1e9,
        "lost": source.lost,
        "trouble": source.trouble,
        "broken": source.broken,
        "damaged": source.damaged,
        "clock_jumps": source.jumps,
    })
}

fn plugins_json(s: &Summary, plugins: &[Arc<Supervisor>]) -> Vec<Value> {
    let both = s.plugins.iter().zip(plugins);
    let one = both.map(|(p, supervisor)| {
        json!({
            "name": p.name,
            "version": supervisor.plugin().description.version,
            "sha256": supervisor.plugin().digest,
            "frames": p.reading.frames,
            "ms_a_frame": p.reading.ms_a_frame(),
            "bypassed": p.bypassed,
            "failures": p.failures,
                "held_at_end": p.held_at_end,
        })
    });
    one.collect()
}
