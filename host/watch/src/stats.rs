//! Counters of a watch: files by result, length of the queue, latency. Prometheus exposition.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::journal::State;

/// Upper bounds of the latency histogram, in milliseconds.
const BUCKETS: [u64; 12] = [5, 10, 20, 30, 40, 50, 75, 100, 250, 500, 1000, 5000];

/// Counters that all threads share.
#[derive(Debug)]
pub struct Stats {
    started: Instant,
    pub done: AtomicU64,
    /// of those done: frames passed a broken plugin unchanged
    pub bypassed: AtomicU64,
    pub dropped: AtomicU64,
    pub failed: AtomicU64,
    /// known already: nothing was done
    pub known: AtomicU64,
    /// of those, how many stand as failed
    pub known_failed: AtomicU64,
    /// of those, how many stand as bypassed
    pub known_bypassed: AtomicU64,
    /// files that were left since they were being written to the end, under `--once`
    pub unsettled: AtomicU64,
    /// files that were left since outputs could not be written, under `--once`
    pub left: AtomicU64,
    /// files that wait, as far as they are counted
    pub queue: AtomicU64,
    pub in_hand: AtomicU64,
    pub overflows: AtomicU64,
    pub bytes_out: AtomicU64,
    /// whether outputs cannot be written at the moment
    pub stuck: AtomicBool,
    /// from heard of to published: how many took at most so long, and one more for the rest
    latency: [AtomicU64; BUCKETS.len() + 1],
    latency_sum: AtomicU64,
    /// ends of worker processes in the middle of a job, by cause
    crashes: Mutex<BTreeMap<String, u64>>,
}

/// What was done, for events, receipts and people.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    pub done: u64,
    /// of those done: frames passed a failed plugin unchanged
    pub bypassed: u64,
    pub dropped: u64,
    pub failed: u64,
    /// nothing was done, because the journal had them
    pub known: u64,
    pub unsettled: u64,
    pub overflows: u64,
    pub bytes: u64,
    pub seconds: f64,
}

impl Default for Stats {
    fn default() -> Stats {
        Stats {
            started: Instant::now(),
            done: AtomicU64::default(),
            bypassed: AtomicU64::default(),
            dropped: AtomicU64::default(),
            failed: AtomicU64::default(),
            known: AtomicU64::default(),
            known_failed: AtomicU64::default(),
            known_bypassed: AtomicU64::default(),
            unsettled: AtomicU64::default(),
            left: AtomicU64::default(),
            queue: AtomicU64::default(),
            in_hand: AtomicU64::default(),
            overflows: AtomicU64::default(),
            bytes_out: AtomicU64::default(),
            stuck: AtomicBool::default(),
            latency: Default::default(),
            latency_sum: AtomicU64::default(),
            crashes: Mutex::default(),
        }
    }
}

impl Stats {
    /// One picture was published so long after it was heard of.
    pub fn published(&self, latency: Duration, bytes: u64) {
        let ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        let bucket = BUCKETS.iter().position(|b| ms <= *b).unwrap_or(BUCKETS.len());
        self.latency[bucket].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latency_sum.fetch_add(micros, Ordering::Relaxed);
        self.bytes_out.fetch_add(bytes, Ordering::Relaxed);
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// A worker process ended in the middle of a job.
    pub fn crashed(&self, cause: &str) {
        let mut crashes = self.crashes.lock().unwrap_or_else(PoisonError::into_inner);
        *crashes.entry(cause.to_owned()).or_default() += 1;
    }

    /// One file was there that is known in this state.
    pub fn known(&self, state: State) {
        self.known.fetch_add(1, Ordering::Relaxed);
        match state {
            State::Failed => self.known_failed.fetch_add(1, Ordering::Relaxed),
            State::Bypassed => self.known_bypassed.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
    }

    /// The counts at the end.
    pub fn summary(&self) -> Summary {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Summary {
            done: count(&self.done),
            bypassed: count(&self.bypassed),
            dropped: count(&self.dropped),
            failed: count(&self.failed),
            known: count(&self.known),
            unsettled: count(&self.unsettled),
            overflows: count(&self.overflows),
            bytes: count(&self.bytes_out),
            seconds: self.uptime().as_secs_f64(),
        }
    }

    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Milliseconds within which this share of the pictures was published, as the histogram's
    /// bounds have it; none before the first one, or past the last bound.
    pub fn percentile(&self, share: f64) -> Option<u64> {
        let counts: Vec<u64> = self.latency.iter().map(|c| c.load(Ordering::Relaxed)).collect();
        let all: u64 = counts.iter().sum();
        let wanted = (all as f64 * share).ceil() as u64;
        let mut sum = 0;
        let place = counts.iter().position(|c| {
            sum += c;
            all > 0 && sum >= wanted
        });
        BUCKETS.get(place?).copied()
    }

    /// In the text format of Prometheus (exposition format 0.0.4).
    pub fn exposition(&self) -> String {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut out = String::new();
        let mut add = |text: &str| {
            out.push_str(text);
            out.push('\n');
        };
        add("# HELP filmgate_watch_files_total Files by how they ended.");
        add("# TYPE filmgate_watch_files_total counter");
        for (result, counter) in [
            ("done", &self.done),
            ("dropped", &self.dropped),
            ("failed", &self.failed),
            ("known", &self.known),
        ] {
            add(&format!("filmgate_watch_files_total{{result=\"{result}\"}} {}", get(counter)));
        }
        let mut single = |name: &str, kind: &str, help: &str, value: u64| {
            add(&format!("# HELP filmgate_watch_{name} {help}"));
            add(&format!("# TYPE filmgate_watch_{name} {kind}"));
            add(&format!("filmgate_watch_{name} {value}"));
        };
        let help = "Files done of which frames passed a broken plugin unchanged.";
        single("bypassed_total", "counter", help, get(&self.bypassed));
        single("queue", "gauge", "Files that wait.", get(&self.queue));
        single("in_hand", "gauge", "Files that are being worked on.", get(&self.in_hand));
        let overflows = get(&self.overflows);
        single("overflows_total", "counter", "Times that events were lost.", overflows);
        single("output_bytes_total", "counter", "Bytes published.", get(&self.bytes_out));
        let stuck = u64::from(self.stuck.load(Ordering::Relaxed));
        single("stuck", "gauge", "1 while outputs cannot be written.", stuck);
        add(
            "# HELP filmgate_watch_crashes_total Worker processes that ended during a job, by cause.",
        );
        add("# TYPE filmgate_watch_crashes_total counter");
        let crashes = self.crashes.lock().unwrap_or_else(PoisonError::into_inner);
        for (cause, count) in &*crashes {
            add(&format!("filmgate_watch_crashes_total{{cause=\"{cause}\"}} {count}"));
        }
        add("# HELP filmgate_watch_latency_seconds From heard of to published.");
        add("# TYPE filmgate_watch_latency_seconds histogram");
        let mut sum = 0;
        for (place, count) in self.latency.iter().enumerate() {
            sum += get(count);
            let bound = BUCKETS.get(place).map_or("+Inf".to_owned(), |ms| {
                format!("{}", Duration::from_millis(*ms).as_secs_f64())
            });
            add(&format!("filmgate_watch_latency_seconds_bucket{{le=\"{bound}\"}} {sum}"));
        }
        let seconds = get(&self.latency_sum) as f64 / 1e6;
        add(&format!("filmgate_watch_latency_seconds_sum {seconds}"));
        add(&format!("filmgate_watch_latency_seconds_count {sum}"));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_fall_into_their_buckets() {
        let stats = Stats::default();
        assert_eq!(stats.percentile(0.99), None);
        for ms in [1, 5, 6, 49, 50] {
            stats.published(Duration::from_millis(ms), 10);
        }
        assert_eq!(stats.percentile(0.5), Some(10));
        assert_eq!(stats.percentile(0.99), Some(50));
        let text = stats.exposition();
        for line in [
            "filmgate_watch_files_total{result=\"done\"} 5",
            "filmgate_watch_latency_seconds_bucket{le=\"0.005\"} 2",
            "filmgate_watch_latency_seconds_bucket{le=\"+Inf\"} 5",
            "filmgate_watch_output_bytes_total 50",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}: {text}");
        }
    }
}
