//! What a worker process costs: jobs that do nothing, with the two files that a job of a picture has.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use filmgate::cancel::Cancel;
use filmgate::worker::{Answer, Handler, Job, Parent, Pool, Settings, serve, unnamed_file};
use serde_json::{Value, json};

struct Nothing;

impl Handler for Nothing {
    fn work(&mut self, job: Value, _: Vec<OwnedFd>, _: &mut Parent) -> Value {
        job
    }
}

/// The worker's part. It is not locked in, which costs once, when it starts.
pub(crate) fn work() -> ExitCode {
    serve(std::env::args().nth(2).as_deref(), || Ok(()), &mut Nothing)
}

/// Seconds that the first job takes, for which a worker has to be started, and that each of `count`
/// takes that find one.
pub(crate) fn measure(count: u32) -> Result<Value> {
    let program = std::env::current_exe().context("this program")?;
    let begun = Instant::now();
    let pool = Pool::new(Settings::new(program, 1))?;
    let first = one(&pool, begun)?;
    let spare = (0..count).map(|_| one(&pool, Instant::now())).collect::<Result<Vec<f64>>>()?;
    Ok(json!({ "first": first, "spare": spare }))
}

fn one(pool: &Pool, begun: Instant) -> Result<f64> {
    let files = [unnamed_file()?, unnamed_file()?];
    let files = files.each_ref().map(AsFd::as_fd);
    let job = Job { what: json!({ "job": 1 }), files: &files, deadline: None, fresh: false };
    let mut nothing = |value: Value| Answer { value, files: Vec::new() };
    let _: Value = pool.run(&job, &mut nothing, &Cancel::new()).map_err(io::Error::other)?;
    Ok(begun.elapsed().as_secs_f64())
}
