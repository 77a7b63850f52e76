//! filmgate's side of the benchmarks: a worker that answers requests, one line of JSON each, so
//! that `run.py` can let it take turns with the peers' worker.
//!
//! It times its own loops. Processor time is read by `run.py`, from outside, for all workers alike.

mod filters;
mod jobs;

use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use filmgate::cancel::Cancel;
use filmgate::frame::PlanePool;
use filmgate::plugin::{CodeCache, Engine, Limits, Plugin};
use serde::Deserialize;
use serde_json::{Value, json};

use filters::{Bench, Case};

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Request {
    /// Start a filter and read the pictures it is to work on.
    Open(Case),
    /// Put filters that were opened one behind the other, on the pictures of the first.
    Chain { name: String, of: Vec<String> },
    /// Take `count` pictures through a filter or a chain.
    Run { name: String, count: u64 },
    /// Write what the filter makes of each of its pictures.
    Write { name: String, to: PathBuf },
    /// Load a plugin with an engine of its own; `cache` is the folder of compiled code.
    Load { plugin: PathBuf, cache: Option<PathBuf> },
    /// Give a worker process `count` jobs that do nothing.
    Jobs { count: u32 },
}

fn main() -> Result<ExitCode> {
    if std::env::args().nth(1).is_some_and(|verb| verb == filmgate::worker::VERB) {
        return Ok(jobs::work());
    }
    let mut bench = Bench::new()?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let request = serde_json::from_str(&line).context(line)?;
        let answer = answer(&mut bench, request)?;
        println!("{answer}");
        io::stdout().flush()?;
    }
    Ok(ExitCode::SUCCESS)
}

fn answer(bench: &mut Bench, request: Request) -> Result<Value> {
    match request {
        Request::Open(case) => bench.open(case)?,
        Request::Chain { name, of } => bench.chain(name, of)?,
        Request::Run { name, count } => return Ok(json!({ "wall": bench.run(&name, count)? })),
        Request::Write { name, to } => bench.write(&name, &to)?,
        Request::Jobs { count } => return jobs::measure(count),
        Request::Load { plugin, cache } => {
            let cache = cache.map_or(CodeCache::Off, CodeCache::In);
            let engine = Engine::new(&cache, &PlanePool::new(), &Cancel::new())?;
            let start = Instant::now();
            Plugin::load(&engine, &plugin, &Limits::default())?;
            return Ok(json!({ "wall": start.elapsed().as_secs_f64() }));
        }
    }
    Ok(json!({}))
}
