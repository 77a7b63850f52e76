//! What a job shows on the terminal: a progress bar while it runs, a summary behind it.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::exit::Exit;
use super::out::speaks_json;
use super::plan::{first, stream_json};
use filmgate_engine::pipeline::{PluginSummary, Progress, Reading, Summary};
use filmgate_engine::spec::JobSpec;
use filmgate_plugin::{Supervisor, summary as stream_summary};

/// A progress bar on stderr, where that is a terminal. Dropped, it goes away.
pub(super) struct Bar {
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Bar {
    /// `duration`: nanoseconds of the whole, where known.
    pub(super) fn start(progress: &Arc<Progress>, duration: Option<i64>, quiet: bool) -> Bar {
        if quiet || speaks_json() || !std::io::stderr().is_terminal() {
            return Bar { running: None };
        }
        let progress = Arc::clone(progress);
        let (stop, stopped) = channel();
        let bar = bar(duration);
        let spawned = thread::Builder::new().name("progress".to_owned()).spawn(move || {
            while let Err(RecvTimeoutError::Timeout) =
                stopped.recv_timeout(Duration::from_millis(100))
            {
                let speed = progress.frames() as f64 / bar.elapsed().as_secs_f64().max(1e-3);
                bar.set_message(format!("{} frames, {speed:.0} fps", progress.frames()));
                bar.set_position(milliseconds(progress.position()));
            }
            bar.finish_and_clear();
        });
        Bar { running: spawned.ok().map(|thread| (stop, thread)) }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            // The bar's thread cannot fail in a way that matters here.
            let _ = thread.join();
        }
    }
}

fn bar(duration: Option<i64>) -> ProgressBar {
    let (bar, template) = match duration {
        Some(duration) => {
            (ProgressBar::new(milliseconds(duration)), "{bar:30} {percent:>3} %  {msg}, {eta} left")
        }
        None => (ProgressBar::new_spinner(), "{spinner} {elapsed}  {msg}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn milliseconds(nanoseconds: i64) -> u64 {
    u64::try_from(nanoseconds / 1_000_000).unwrap_or(0)
}

/// The summary for people.
pub(super) fn summary_text(spec: &JobSpec, s: &Summary) -> String {
    let mut out = String::new();
    let seconds = s.wall.as_secs_f64();
    let fps = s.frames_out as f64 / seconds.max(1e-9);
    let formats = match (&s.input, &s.output) {
        (Some(a), Some(b)) if a == b => stream_summary(a),
        (Some(a), Some(b)) => format!("{} → {}", stream_summary(a), stream_summary(b)),
        _ => String::new(),
    };
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "{}: {} frames, {formats}, {:.1} MB, in {seconds:.2} s ({fps:.0} fps)",
        first(&spec.output).display(),
        s.frames_out,
        s.bytes as f64 / 1e6
    );
    if !s.copied.is_empty() {
        let _ = writeln!(out, "  copied      {}", s.copied.join(", "));
    }
    if !s.conversions.is_empty() {
        let _ = writeln!(out, "  converted   {}", s.conversions.join(", "));
    }
    stages_text(
        &mut out,
        "frame",
        &[("decode", s.decode), ("convert", s.convert)],
        &s.plugins,
        &[("encode", s.encode), ("mux", s.mux)],
    );
    out
}

/// What each stage took for a picture, and what became of plugins that broke: those before the
/// plugins, the plugins, and those behind them. Stages that saw no picture are left out.
pub(crate) fn stages_text(
    out: &mut String,
    unit: &str,
    before: &[(&str, Reading)],
    plugins: &[PluginSummary],
    behind: &[(&str, Reading)],
) {
    let mut line = |name: &str, reading: Reading, note: String| {
        if reading.frames > 0 {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "  {name:10} {:8.3} ms a {unit}{note}", reading.ms_a_frame());
        }
    };
    before.iter().for_each(|(name, reading)| line(name, *reading, String::new()));
    for plugin in plugins {
        let mut note = match (plugin.failures, plugin.bypassed) {
            (0, 0) => String::new(),
            (times, n) => format!("   broke {times} times, {n} frames passed unchanged"),
        };
        if plugin.held_at_end > 0 {
            let _ = write!(note, "   kept {} frames at the end", plugin.held_at_end);
        }
        line(&plugin.name, plugin.reading, note);
    }
    behind.iter().for_each(|(name, reading)| line(name, *reading, String::new()));
}

/// The summary for programs.
pub(super) fn summary_json(
    spec: &JobSpec,
    s: &Summary,
    plugins: &[Arc<Supervisor>],
    exit: Exit,
) -> Value {
    let stage = |r: Reading| json!({ "frames": r.frames, "ms_a_frame": r.ms_a_frame() });
    let plugins: Vec<Value> = s
        .plugins
        .iter()
        .zip(plugins)
        .map(|(p, supervisor)| {
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
        })
        .collect();
    json!({
        "status": exit.status(),
        "exit": exit as u8,
        "input": spec.input.first().map(|i| i.to_string_lossy()),
        "inputs": spec.input.iter().map(|i| i.to_string_lossy()).collect::<Vec<_>>(),
        "output": first(&spec.output).to_string_lossy(),
        "frames_in": s.frames_in,
        "frames_out": s.frames_out,
        "bytes": s.bytes,
        "seconds": s.wall.as_secs_f64(),
        "workers": s.workers,
        "decoded": s.input.as_ref().map(stream_json),
        "encoded": s.output.as_ref().map(stream_json),
        "copied": s.copied,
        "left_out": s.left_out,
        "missing": s.missing,
        "conversions": s.conversions,
        "damaged_packets": s.damaged,
        "undecodable_lead": s.undecodable_lead,
        "nudged_timestamps": s.nudged,
        "clock_jumps": s.jumps,
        "truncated": s.truncated,
        "stages": {
            "decode": stage(s.decode),
            "convert": stage(s.convert),
            "encode": stage(s.encode),
            "mux": stage(s.mux),
        },
        "plugins": plugins,
    })
}
