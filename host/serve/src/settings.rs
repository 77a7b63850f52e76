//! The settings of a server, from a TOML file and the command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::error::ServeError;
use crate::feeds::settings::FeedSettings;
use crate::webhook::Webhook;

/// What a server is told. Every key may be left out.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// The folder below which everything is stored
    pub root: Option<PathBuf>,
    /// The address to listen on [default: 127.0.0.1:8090]
    #[schemars(with = "Option<String>")]
    pub listen: Option<SocketAddr>,
    /// A certificate chain in PEM
    pub tls_cert: Option<PathBuf>,
    /// Its private key in PEM
    pub tls_key: Option<PathBuf>,
    /// A proxy in front of the server speaks TLS: listen beyond loopback without it
    pub behind_proxy: bool,
    /// A file for the access log, in common log format
    pub access_log: Option<PathBuf>,
    /// Limits of what is stored
    pub quota: Quota,
    /// Limits of what connections may do
    pub limits: Limits,
    /// How jobs run
    pub jobs: Jobs,
    /// Joins that are started by themselves
    pub schedule: Vec<Schedule>,
    /// Addresses that are told when a job has ended
    pub webhook: Vec<Webhook>,
    /// Live feeds
    pub feed: Vec<FeedSettings>,
}

/// Limits of what is stored.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Quota {
    /// Bytes of one segment
    pub max_segment: u64,
    /// Bytes of all segments of a task
    pub task_bytes: u64,
    /// Segments of a task
    pub task_segments: u64,
    /// Bytes that must stay free on the disk
    pub min_free: u64,
}

impl Default for Quota {
    fn default() -> Quota {
        let many = i64::MAX as u64;
        Quota { max_segment: 64 << 30, task_bytes: many, task_segments: many, min_free: 256 << 20 }
    }
}

/// Limits of what connections may do.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Limits {
    /// Connections at once
    pub connections: usize,
    /// Requests a second of one token or address
    pub requests_per_second: u32,
    /// Seconds that a sender may be silent
    pub silence: u64,
    /// Bytes a second that a sender must reach on average
    pub slowest: u64,
    /// Seconds after which an interrupted upload is given up
    pub upload_expiry: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 2048,
            requests_per_second: 500,
            silence: 30,
            slowest: 1024,
            upload_expiry: 24 * 3600,
        }
    }
}

/// How jobs run.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Jobs {
    /// Jobs at once [default: half of the processors]
    pub at_once: Option<usize>,
    /// Seconds that a job may take
    pub timeout: u64,
    /// Days that finished jobs are remembered
    pub keep_days: u32,
}

impl Default for Jobs {
    fn default() -> Jobs {
        Jobs { at_once: None, timeout: 6 * 3600, keep_days: 30 }
    }
}

/// A join that is started by itself.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Schedule {
    /// The task
    pub task: String,
    /// The device
    pub device: String,
    /// Minutes from one join to the next
    pub every_minutes: u32,
    /// What the request would say
    #[serde(default)]
    pub join: crate::request::JoinRequest,
}

/// The settings of a running server, which a reload replaces.
#[derive(Clone, Debug)]
pub(crate) struct Live(Arc<RwLock<Arc<Settings>>>);

impl Live {
    pub(crate) fn new(settings: Settings) -> Live {
        Live(Arc::new(RwLock::new(Arc::new(settings))))
    }

    /// Those of now.
    pub(crate) fn get(&self) -> Arc<Settings> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, settings: Settings) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }
}

impl Settings {
    /// Takes over from `old` what a running server cannot change, and names it.
    pub(crate) fn keep_from(&mut self, old: &Settings) -> Vec<&'static str> {
        let mut kept = Vec::new();
        let mut keep = |name, is_same: bool| {
            if !is_same {
                kept.push(name);
            }
        };
        keep("root", self.root == old.root);
        keep("listen", self.address() == old.address());
        keep("TLS on or off", self.tls_cert.is_some() == old.tls_cert.is_some());
        keep("behind-proxy", self.behind_proxy == old.behind_proxy);
        keep("access-log", self.access_log == old.access_log);
        keep("limits.connections", self.limits.connections == old.limits.connections);
        keep("jobs.at-once", self.jobs.at_once == old.jobs.at_once);
        keep("feed", self.feed == old.feed);
        self.feed.clone_from(&old.feed);
        self.root.clone_from(&old.root);
        self.listen = old.listen;
        if self.tls_cert.is_some() != old.tls_cert.is_some() {
            (self.tls_cert, self.tls_key) = (old.tls_cert.clone(), old.tls_key.clone());
        }
        self.behind_proxy = old.behind_proxy;
        self.access_log.clone_from(&old.access_log);
        self.limits.connections = old.limits.connections;
        self.jobs.at_once = old.jobs.at_once;
        kept
    }

    /// Reads a file.
    ///
    /// # Errors
    /// `Settings`, with line and column.
    pub fn read(path: &std::path::Path) -> Result<Settings, ServeError> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|e| ServeError::Settings(format!("--config {shown}: cannot be read: {e}")))?;
        toml::from_str(&text).map_err(|e| {
            let before = e.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            ServeError::Settings(format!("{shown}:{line}:{column}: {}", e.message()))
        })
    }

    /// The address to listen on.
    pub fn address(&self) -> SocketAddr {
        self.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8090)))
    }

    /// Checks what one setting says against the others.
    ///
    /// # Errors
    /// `Settings`.
    pub fn check(&self) -> Result<PathBuf, ServeError> {
        let wrong = |text: String| Err(ServeError::Settings(text));
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            return wrong("--tls-cert and --tls-key need each other".to_owned());
        }
        if self.jobs.at_once == Some(0) || self.limits.connections == 0 {
            return wrong("jobs.at-once and limits.connections must be at least 1".to_owned());
        }
        if self.limits.requests_per_second == 0 || self.limits.silence == 0 {
            return wrong(
                "limits.requests-per-second and limits.silence must be at least 1".to_owned(),
            );
        }
        self.webhook.iter().try_for_each(Webhook::check)?;
        for entry in &self.schedule {
            crate::key::Device::new(&entry.task, &entry.device)
                .map_err(|e| ServeError::Settings(format!("schedule: {e}")))?;
            if entry.every_minutes == 0 {
                return wrong("schedule: every-minutes must be at least 1".to_owned());
            }
        }
        match &self.root {
            Some(root) => Ok(root.clone()),
            None => wrong(
                "no root is given; use --root DIR, or `root` in the file of --config".to_owned(),
            ),
        }
    }
}
