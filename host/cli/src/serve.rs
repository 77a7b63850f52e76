//! `filmgate serve`: segments come in by HTTP, and jobs join them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};
use filmgate_core::cancel::Cancel;
use filmgate_serve::access::{self, Scope};
use filmgate_serve::{Settings, serve};
use sd_notify::NotifyState;

use super::exit::Exit;
use super::out::{print, print_json, tell};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:\n  filmgate serve --root uploads\n  \
filmgate serve --root uploads --listen 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem\n  \
filmgate serve token add cam1 --scope write:task7/cam1 --root uploads\n\n\
SIGTERM and Ctrl-C stop it after the requests in progress; jobs that run are started again by the next server.\n\
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
        None => work(&arguments.settings()?, cancel),
    }
}

impl ServeArguments {
    fn settings(self) -> Result<Settings> {
        let mut settings = match &self.config {
            Some(path) => Settings::read(path)?,
            None => Settings::default(),
        };
        settings.root = self.root.or(settings.root);
        settings.listen = self.listen.or(settings.listen);
        settings.tls_cert = self.tls_cert.or(settings.tls_cert);
        settings.tls_key = self.tls_key.or(settings.tls_key);
        settings.behind_proxy |= self.behind_proxy;
        settings.access_log = self.access_log.or(settings.access_log);
        settings.jobs.at_once = self.jobs.or(settings.jobs.at_once);
        Ok(settings)
    }
}

fn work(settings: &Settings, cancel: &Cancel) -> Result<Exit> {
    let scheme = if settings.tls_cert.is_some() { "https" } else { "http" };
    let result = serve(settings, cancel, &mut |address| {
        let status = format!("listening on {scheme}://{address}/");
        tell(format!("filmgate: {status}\n"));
        // Only systemd listens, if it started the process.
        let _ = sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(&status)]);
    });
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    result?;
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
