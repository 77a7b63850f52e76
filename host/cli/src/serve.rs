//! `filmgate serve`: segments come in by HTTP, and jobs join them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use filmgate_core::cancel::Cancel;
use filmgate_engine::spec::{Fault, SpecError};
use filmgate_serve::access::{self, Scope};
use filmgate_serve::{ServeError, Settings, Stage, Surroundings, serve};
use sd_notify::NotifyState;
use signal_hook::consts::SIGHUP;
use signal_hook::flag;

use super::exit::Exit;
use super::out::{print, print_json, tell};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:\n  filmgate serve --root uploads\n  \
filmgate serve --root uploads --listen 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem\n  \
filmgate serve token add cam1 --scope write:task7/cam1 --root uploads\n  \
filmgate serve import-ffserver ffserver.conf > serve.toml\n\n\
SIGTERM and Ctrl-C stop it after the requests in progress; jobs that run are started again by the next server. SIGHUP reads the file of --config anew.\n\
The requests are described in docs/serve.md, and at /api/v1/openapi.json of the server.")]
pub struct ServeArguments {
    #[command(subcommand)]
    pub command: Option<ServeCommand>,
    /// Keep everything below this folder, which is made if it is missing
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Listen on this address and port [default: 127.0.0.1:8090]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Read the settings from a TOML file; options win over it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Speak TLS, with this chain of certificates in PEM
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Read the private key of the certificate, in PEM
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Listen beyond loopback without TLS, because a proxy in front speaks it
    #[arg(long)]
    pub behind_proxy: bool,
    /// Write the access log to a file, in common log format
    #[arg(long, value_name = "FILE")]
    pub access_log: Option<PathBuf>,
    /// Run N jobs at the same time [default: half of the processors]
    #[arg(short = 'j', long, value_name = "N")]
    pub jobs: Option<usize>,
}

#[derive(Debug, Subcommand)]
pub enum ServeCommand {
    /// Make, list and revoke the tokens that requests carry
    #[command(subcommand)]
    Token(TokenCommand),
    /// Print the settings that a configuration of ffserver becomes, and what is not in them
    ImportFfserver {
        /// Name the configuration; - for standard input
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it; it cannot be shown again
    Add {
        /// Name the token: letters, digits, - and _
        name: String,
        /// Allow: read[:PREFIX], write[:PREFIX], jobs or admin, where PREFIX is TASK[/DEVICE[/PATH]]; repeatable
        #[arg(long, value_name = "SCOPE", required = true)]
        scope: Vec<Scope>,
        /// Name the folder of the server
        #[arg(long, value_name = "DIR")]
        root: PathBuf,
    },
    /// List the tokens with their scopes
    List {
        /// Name the folder of the server
        #[arg(long, value_name = "DIR")]
        root: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a token worthless at once, for running servers too
    Revoke {
        /// Name the token
        name: String,
        /// Name the folder of the server
        #[arg(long, value_name = "DIR")]
        root: PathBuf,
    },
}

pub fn run(arguments: ServeArguments, cancel: &Cancel) -> Result<Exit> {
    match &arguments.command {
        Some(ServeCommand::Token(command)) => token(command),
        Some(ServeCommand::ImportFfserver { file }) => import_ffserver(file),
        None => work(&arguments, cancel),
    }
}

impl ServeArguments {
    fn settings(&self) -> Result<Settings, ServeError> {
        let mut settings = match &self.config {
            Some(path) => Settings::read(path)?,
            None => Settings::default(),
        };
        settings.root = self.root.clone().or(settings.root);
        settings.listen = self.listen.or(settings.listen);
        settings.tls_cert = self.tls_cert.clone().or(settings.tls_cert);
        settings.tls_key = self.tls_key.clone().or(settings.tls_key);
        settings.behind_proxy |= self.behind_proxy;
        settings.access_log = self.access_log.clone().or(settings.access_log);
        settings.jobs.at_once = self.jobs.or(settings.jobs.at_once);
        Ok(settings)
    }
}

fn work(arguments: &ServeArguments, cancel: &Cancel) -> Result<Exit> {
    let settings = arguments.settings()?;
    let hangup = Arc::<AtomicBool>::default();
    flag::register(SIGHUP, Arc::clone(&hangup)).context("signals cannot be handled")?;
    let scheme = if settings.tls_cert.is_some() { "https" } else { "http" };
    serve(&settings, cancel, &mut Service { arguments, hangup, scheme, is_told: false })?;
    Ok(Exit::Done)
}

/// What the server is told by signals, and tells people and systemd, which only listens if it
/// started the process.
struct Service<'a> {
    arguments: &'a ServeArguments,
    /// set by SIGHUP
    hangup: Arc<AtomicBool>,
    scheme: &'static str,
    is_told: bool,
}

impl Surroundings for Service<'_> {
    fn stage(&mut self, stage: Stage) {
        let _ = match stage {
            Stage::Ready(address) => {
                let status = format!("listening on {}://{address}/", self.scheme);
                if !std::mem::replace(&mut self.is_told, true) {
                    tell(format!("filmgate: {status}\n"));
                }
                sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(&status)])
            }
            Stage::Stopping => {
                let status = NotifyState::Status("finishing the requests in progress");
                sd_notify::notify(&[NotifyState::Stopping, status])
            }
        };
    }

    fn reload(&mut self) -> Option<Result<Settings, ServeError>> {
        if !self.hangup.swap(false, Ordering::AcqRel) {
            return None;
        }
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            let _ = sd_notify::notify(&[NotifyState::Reloading, now]);
        }
        Some(self.arguments.settings())
    }
}

/// What is not kept stands in front, as comments of the file that it becomes.
fn import_ffserver(file: &Path) -> Result<Exit> {
    let shown = file.display();
    let text = match file.to_str() {
        Some("-") => std::io::read_to_string(std::io::stdin()),
        _ => std::fs::read_to_string(file),
    };
    let missing = |e| SpecError::new(Fault::InputMissing, format!("{shown}: cannot be read: {e}"));
    let imported = filmgate_serve::ffserver::import(&text.map_err(missing)?)
        .map_err(|reason| SpecError::usage(format!("{shown}: {reason}")))?;
    let mut out = format!("# From {shown}. Give --root DIR, and look at these:\n");
    for dropped in &imported.dropped {
        out.push_str(&format!("#   {dropped}\n"));
    }
    print(&format!("{out}\n{}", imported.toml))?;
    Ok(Exit::Done)
}

fn token(command: &TokenCommand) -> Result<Exit> {
    match command {
        TokenCommand::Add { name, scope, root } => {
            print(&format!("{}\n", access::add(root, name, scope)?))?;
        }
        TokenCommand::List { root, json } => list(root, *json)?,
        TokenCommand::Revoke { name, root } => access::revoke(root, name)?,
    }
    Ok(Exit::Done)
}

fn list(root: &Path, json: bool) -> Result<()> {
    let tokens = access::list(root)?;
    if json {
        return print_json(&tokens);
    }
    let lines = tokens.iter().map(|token| {
        let scopes: Vec<String> = token.scopes.iter().map(ToString::to_string).collect();
        format!("{}\t{}\n", token.name, scopes.join(" "))
    });
    print(&lines.collect::<String>())
}
