//! A chain of filters for another process of this program, which may open no file: the compiled code
//! of each, with its parameters and limits. The other process trusts the code, so only the parent
//! that started it may be where the bytes come from.
//!
//! ```text
//! u64 length, JSON: [Handed] | for each: u64 length, compiled code        (little-endian)
//! ```

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::code::cache::ENTRY_BYTES;
use super::describe::Value;
use super::engine::Engine;
use super::error::PluginError;
use super::grants::Grants;
use super::limits::Limits;
use super::load::Plugin;
use super::supervise::{OnFailure, Supervisor};
use filmgate_core::cancel::Cancel;

/// Bytes that the description of a chain may have; files as parameters are in it.
const HEAD_BYTES: u64 = 1 << 30;

#[derive(Serialize, Deserialize)]
struct Handed {
    path: std::ffi::OsString,
    size: u64,
    digest: String,
    deadline: Duration,
    memory: usize,
    frames: usize,
    grants: Vec<String>,
    parameters: Vec<(String, HandedValue)>,
    bypass: bool,
}

/// A [`Value`] with its kind, which the JSON of a `Value` leaves out.
#[derive(Serialize, Deserialize)]
enum HandedValue {
    Boolean(bool),
    Integer(i64),
    /// the bits of the number: JSON has no infinity
    Decimal(u64),
    Text(String),
    Color([u8; 4]),
    File(Vec<u8>),
}

impl From<&Value> for HandedValue {
    fn from(value: &Value) -> HandedValue {
        match value {
            Value::Boolean(b) => HandedValue::Boolean(*b),
            Value::Integer(i) => HandedValue::Integer(*i),
            Value::Decimal(d) => HandedValue::Decimal(d.to_bits()),
            Value::Text(t) => HandedValue::Text(t.clone()),
            Value::Color(c) => HandedValue::Color(*c),
            Value::File(bytes) => HandedValue::File(bytes.clone()),
        }
    }
}

impl From<HandedValue> for Value {
    fn from(value: HandedValue) -> Value {
        match value {
            HandedValue::Boolean(b) => Value::Boolean(b),
            HandedValue::Integer(i) => Value::Integer(i),
            HandedValue::Decimal(d) => Value::Decimal(f64::from_bits(d)),
            HandedValue::Text(t) => Value::Text(t),
            HandedValue::Color(c) => Value::Color(c),
            HandedValue::File(bytes) => Value::File(bytes),
        }
    }
}

impl Handed {
    fn of(supervisor: &Supervisor) -> Handed {
        let (plugin, limits) = (supervisor.plugin(), supervisor.plugin().limits());
        let parameters = supervisor.parameters().iter();
        Handed {
            path: plugin.path.clone().into_os_string(),
            size: plugin.size,
            digest: plugin.digest.clone(),
            deadline: limits.deadline,
            memory: limits.memory,
            frames: limits.frames,
            grants: limits.grants.names(),
            parameters: parameters.map(|(name, value)| (name.clone(), value.into())).collect(),
            bypass: supervisor.on_failure() == OnFailure::Bypass,
        }
    }

    fn limits(&self) -> io::Result<Limits> {
        let mut grants = Grants::default();
        self.grants.iter().try_for_each(|text| grants.add(text)).map_err(io::Error::other)?;
        let (deadline, memory, frames) = (self.deadline, self.memory, self.frames);
        Ok(Limits { deadline, memory, frames, grants })
    }
}

/// Writes a chain for another process.
///
/// # Errors
/// Of writing.
pub fn hand_over(chain: &[Arc<Supervisor>], to: &mut impl Write) -> io::Result<()> {
    let handed: Vec<Handed> = chain.iter().map(|s| Handed::of(s)).collect();
    write_part(to, &serde_json::to_vec(&handed)?)?;
    for supervisor in chain {
        write_part(to, &supervisor.plugin().code().map_err(io::Error::other)?)?;
    }
    Ok(())
}

/// Reads what [`hand_over`] wrote; `from` is nothing but what the parent process of this one gave.
///
/// # Errors
/// What is wrong with the bytes, or with a plugin.
pub fn take_over(
    engine: &Engine,
    from: &mut impl Read,
    cancel: &Cancel,
) -> Result<Vec<Arc<Supervisor>>, TakeOverError> {
    let head = read_part(from, HEAD_BYTES)?;
    let handed: Vec<Handed> = serde_json::from_slice(&head).map_err(io::Error::from)?;
    let mut chain = Vec::with_capacity(handed.len());
    for handed in handed {
        let (code, limits) = (read_part(from, ENTRY_BYTES)?, handed.limits()?);
        let path = PathBuf::from(handed.path);
        let plugin =
            Plugin::from_parent(engine, &path, (handed.size, handed.digest), code, &limits)?;
        let parameters = handed.parameters.into_iter().map(|(n, v)| (n, v.into())).collect();
        let policy = if handed.bypass { OnFailure::Bypass } else { OnFailure::Fail };
        chain.push(Arc::new(Supervisor::new(Arc::new(plugin), parameters, policy, cancel)));
    }
    Ok(chain)
}

/// Why a chain was not taken over.
#[derive(Debug, thiserror::Error)]
pub enum TakeOverError {
    #[error("the plugins of the parent process cannot be read: {0}")]
    Read(#[from] io::Error),
    #[error(transparent)]
    Plugin(#[from] PluginError),
}

fn write_part(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(&(bytes.len() as u64).to_le_bytes())?;
    to.write_all(bytes)
}

fn read_part(from: &mut impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut length = [0; 8];
    from.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > most {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
