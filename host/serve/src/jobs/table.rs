//! The table of jobs.

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::deliveries;
use super::runner::Ended;
use crate::error::Fault;
use crate::request::{OnBusy, Submission};
use crate::store::now;
use crate::webhook::Webhook;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Queued,
    Running,
    Done,
    Failed,
    Canceled,
}

const STATES: [State; 5] =
    [State::Queued, State::Running, State::Done, State::Failed, State::Canceled];

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            State::Queued => "queued",
            State::Running => "running",
            State::Done => "done",
            State::Failed => "failed",
            State::Canceled => "canceled",
        }
    }

    fn of(name: &str) -> State {
        STATES.into_iter().find(|s| s.name() == name).unwrap_or(State::Failed)
    }
}

/// A job, as programs see it. Times are in seconds since 1970.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Job {
    pub(crate) id: String,
    /// rises from job to job
    pub(crate) number: u64,
    /// what it does: join, run, split, frame
    pub(crate) verb: String,
    /// what it works on: TASK/DEVICE of a join, else the output
    pub(crate) subject: String,
    pub(crate) state: State,
    /// jobs with a higher one are run first
    pub(crate) priority: i32,
    /// how often it was started since it was asked for; above 1 after a crash of the server
    pub(crate) attempts: u32,
    pub(crate) created: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) started: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) finished: Option<i64>,
    /// the exit code (docs/exit-codes.md)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exit: Option<i32>,
    /// why it failed
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// what the verb reports (docs/json.md)
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) summary: Option<Value>,
    /// inputs, plugins and outputs with their SHA-256
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) receipt: Option<Value>,
    /// the job description
    #[schema(value_type = Object)]
    pub(crate) spec: Value,
}

/// Something that happened to a job.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) number: i64,
    /// JSON
    pub(crate) data: String,
}

const COLUMNS: &str = "id, number, verb, subject, state, priority, attempts, created, started, \
                       finished, exit, error, summary, receipt, spec";

fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let json = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
    Ok(Job {
        id: row.get(0)?,
        number: row.get(1)?,
        verb: row.get(2)?,
        subject: row.get(3)?,
        state: State::of(&row.get::<_, String>(4)?),
        priority: row.get(5)?,
        attempts: row.get(6)?,
        created: row.get(7)?,
        started: row.get(8)?,
        finished: row.get(9)?,
        exit: row.get(10)?,
        error: row.get(11)?,
        summary: json(row.get(12)?),
        receipt: json(row.get(13)?),
        spec: json(row.get(14)?).unwrap_or_default(),
    })
}

/// What was running when a server ended is queued again.
pub(crate) fn requeue(index: &Connection) -> Result<(), Fault> {
    index.execute("UPDATE jobs SET state = 'queued' WHERE state = 'running'", [])?;
    Ok(())
}

/// The job that a request with this idempotency key has made.
pub(crate) fn known(index: &Connection, key: &str, request: &str) -> Result<Option<Job>, Fault> {
    let known = format!("SELECT {COLUMNS}, request FROM jobs WHERE idempotency = ?1");
    let row = |row: &Row<'_>| Ok((job(row)?, row.get::<_, String>(15)?));
    match index.query_row(&known, [key], row).optional()? {
        Some((_, other)) if other != request => {
            let said = "this Idempotency-Key was used for another request";
            Err(Fault::Conflict(said.to_owned()))
        }
        found => Ok(found.map(|(job, _)| job)),
    }
}

pub(crate) fn insert(
    index: &mut Connection,
    submission: &Submission,
) -> Result<(Job, bool), Fault> {
    let change = index.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let spec = submission.spec.to_string();
    if let Some(key) = &submission.idempotency
        && let Some(job) = known(&change, key, &submission.request)?
    {
        return Ok((job, false));
    }
    if submission.on_busy == OnBusy::Refuse {
        let busy = "SELECT id FROM jobs WHERE subject = ?1 AND state IN ('queued', 'running')";
        let found: Option<String> =
            change.query_row(busy, [&submission.subject], |row| row.get(0)).optional()?;
        if let Some(id) = found {
            let said = format!("job {id} works on {} already", submission.subject);
            return Err(Fault::Conflict(said));
        }
    }
    let id = crate::access::random_id();
    change.execute(
        "INSERT INTO jobs (id, number, verb, spec, subject, priority, state, created, idempotency, request) \
         VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM jobs), ?2, ?3, ?4, ?5, 'queued', ?6, ?7, ?8)",
        params![id, submission.verb, spec, submission.subject, submission.priority, now(),
                submission.idempotency, submission.request],
    )?;
    change.commit()?;
    Ok((get(index, &id)?, true))
}

pub(crate) fn get(index: &Connection, id: &str) -> Result<Job, Fault> {
    let select = format!("SELECT {COLUMNS} FROM jobs WHERE id = ?1");
    let found = index.query_row(&select, [id], job).optional()?;
    found.ok_or_else(|| Fault::NotFound(format!("job {id:?}")))
}

pub(crate) fn list(
    index: &Connection,
    state: Option<State>,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<Job>, Fault> {
    let before = before.and_then(|n| i64::try_from(n).ok()).unwrap_or(i64::MAX);
    let mut select = index.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM jobs WHERE state = coalesce(?1, state) AND number < ?2 \
         ORDER BY number DESC LIMIT ?3"
    ))?;
    let rows = select.query_map(params![state.map(State::name), before, limit], job)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The next job to run. Jobs of one subject run one after the other.
pub(crate) fn take(index: &mut Connection) -> Result<Option<Job>, Fault> {
    let change = index.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let take = format!(
        "UPDATE jobs SET state = 'running', started = ?1, attempts = attempts + 1 WHERE id = (\
           SELECT id FROM jobs AS next WHERE state = 'queued' AND NOT EXISTS (\
             SELECT 1 FROM jobs AS other WHERE other.subject = next.subject AND other.state = 'running') \
           ORDER BY priority DESC, number LIMIT 1) \
         RETURNING {COLUMNS}"
    );
    let taken = change.query_row(&take, [now()], job).optional()?;
    change.commit()?;
    Ok(taken)
}

/// Notes how a job ended, and what is to be told of that, in one.
pub(crate) fn finish(
    index: &mut Connection,
    id: &str,
    ended: &Ended,
    hooks: &[Webhook],
) -> Result<(), Fault> {
    let change = index.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let finished = (ended.state != State::Queued).then(now);
    change.execute(
        "UPDATE jobs SET state = ?2, finished = ?3, exit = ?4, error = ?5, summary = ?6, \
         receipt = ?7, cancel = 0 WHERE id = ?1",
        params![
            id,
            ended.state.name(),
            finished,
            ended.exit,
            ended.error,
            ended.summary.as_ref().map(Value::to_string),
            ended.receipt.as_ref().map(Value::to_string),
        ],
    )?;
    deliveries::queue(&change, id, hooks)?;
    Ok(change.commit()?)
}

pub(crate) fn cancel(index: &mut Connection, id: &str, hooks: &[Webhook]) -> Result<Job, Fault> {
    let change = index.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let queued =
        "UPDATE jobs SET state = 'canceled', finished = ?2 WHERE id = ?1 AND state = 'queued'";
    let running = "UPDATE jobs SET cancel = 1 WHERE id = ?1 AND state = 'running'";
    let ended = change.execute(queued, params![id, now()])?;
    let changed = ended + change.execute(running, [id])?;
    if ended > 0 {
        deliveries::queue(&change, id, hooks)?;
    }
    let job = get(&change, id)?;
    change.commit()?;
    match changed {
        0 => Err(Fault::Conflict(format!("job {id} is {}", job.state.name()))),
        _ => Ok(job),
    }
}

pub(crate) fn is_cancelled(index: &Connection, id: &str) -> bool {
    let flag = index.query_row("SELECT cancel FROM jobs WHERE id = ?1", [id], |row| row.get(0));
    flag.unwrap_or(false)
}

pub(crate) fn retry(index: &Connection, id: &str) -> Result<Job, Fault> {
    let again = "UPDATE jobs SET state = 'queued', attempts = 0, started = NULL, finished = NULL, exit = NULL, \
                 error = NULL, summary = NULL, receipt = NULL \
                 WHERE id = ?1 AND state IN ('failed', 'canceled')";
    let changed = index.execute(again, [id])?;
    let job = get(index, id)?;
    match changed {
        0 => Err(Fault::Conflict(format!("job {id} is {}", job.state.name()))),
        _ => Ok(job),
    }
}

pub(crate) fn note(index: &Connection, id: &str, event: &Value) -> Result<(), Fault> {
    let insert = "INSERT INTO events (job, data) VALUES (?1, ?2)";
    index.prepare_cached(insert)?.execute(params![id, event.to_string()])?;
    Ok(())
}

pub(crate) fn events(index: &Connection, id: &str, after: i64) -> Result<Vec<Event>, Fault> {
    let mut select = index.prepare_cached(
        "SELECT number, data FROM events WHERE job = ?1 AND number > ?2 ORDER BY number LIMIT 1000",
    )?;
    let rows = select.query_map(params![id, after], |row| {
        Ok(Event { number: row.get(0)?, data: row.get(1)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn counts(index: &Connection) -> Result<Vec<(State, u64)>, Fault> {
    let count = "SELECT count(*) FROM jobs WHERE state = ?1";
    let of = |state: State| {
        index.query_row(count, [state.name()], |row| row.get(0)).map(|count| (state, count))
    };
    Ok(STATES.into_iter().map(of).collect::<Result<_, _>>()?)
}

/// Forgets jobs that finished before `oldest`, with their events.
pub(crate) fn forget(index: &Connection, oldest: i64) -> Result<(), Fault> {
    index.execute("DELETE FROM jobs WHERE finished < ?1", [oldest])?;
    index.execute("DELETE FROM events WHERE job NOT IN (SELECT id FROM jobs)", [])?;
    Ok(())
}
