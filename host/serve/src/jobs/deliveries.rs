//! What webhooks have to be told yet: in the index, so that it outlives the server.

use rusqlite::{Connection, params};
use serde_json::json;

use super::table::{self, State};
use crate::error::Fault;
use crate::store::now;
use crate::webhook::Webhook;

/// A message for one address.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// the same in every attempt
    pub(crate) id: String,
    pub(crate) url: String,
    /// JSON
    pub(crate) body: String,
    /// how often it was tried
    pub(crate) attempts: u32,
}

/// Queues what is to be told of a job that has ended.
pub(super) fn queue(index: &Connection, id: &str, hooks: &[Webhook]) -> Result<(), Fault> {
    let job = table::get(index, id)?;
    if hooks.is_empty() || matches!(job.state, State::Queued | State::Running) {
        return Ok(());
    }
    let kind = format!("job.{}", job.state.name());
    let mut data = json!(job);
    if let Some(fields) = data.as_object_mut() {
        // They may be long, and are asked for at the job's own address.
        fields.retain(|key, _| !["spec", "summary", "receipt"].contains(&key.as_str()));
    }
    let iso = "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', ?1, 'unixepoch')";
    let ended = job.finished.unwrap_or_else(now);
    let timestamp: String = index.query_row(iso, [ended], |row| row.get(0))?;
    let body = json!({ "type": kind, "timestamp": timestamp, "data": data }).to_string();
    for hook in hooks {
        let id = format!("msg_{}", crate::access::random_id());
        index.execute(
            "INSERT INTO deliveries (id, url, body, due) VALUES (?1, ?2, ?3, ?4)",
            params![id, hook.url, body, now()],
        )?;
    }
    Ok(())
}

/// Those to be tried now.
pub(super) fn due(index: &Connection) -> Result<Vec<Delivery>, Fault> {
    let mut select = index.prepare_cached(
        "SELECT id, url, body, attempts FROM deliveries WHERE due <= ?1 ORDER BY due LIMIT 16",
    )?;
    let rows = select.query_map([now()], |row| {
        let (id, url) = (row.get(0)?, row.get(1)?);
        Ok(Delivery { id, url, body: row.get(2)?, attempts: row.get(3)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// It has arrived, or is given up.
pub(super) fn remove(index: &Connection, id: &str) -> Result<(), Fault> {
    index.execute("DELETE FROM deliveries WHERE id = ?1", [id])?;
    Ok(())
}

/// It has failed, and is tried again.
pub(super) fn postpone(index: &Connection, id: &str, seconds: u32) -> Result<(), Fault> {
    let later = "UPDATE deliveries SET attempts = attempts + 1, due = ?2 WHERE id = ?1";
    index.execute(later, params![id, now() + i64::from(seconds)])?;
    Ok(())
}
