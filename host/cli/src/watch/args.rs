//! Options of `watch`.

use std::path::PathBuf;

use clap::Args;

use crate::complete;
use crate::options::{LimitOptions, Mode, SandboxOptions, words};
use filmgate_engine::spec::{CrashPolicy, Length, PluginSpec, Subsampling, Within, Workers};
use filmgate_watch::{Originals, WatchSpec};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  filmgate watch frames -o embossed -p emboss --names flatten\n  \
filmgate watch inbox -o done -p watermark:picture=logo.png --originals move:originals --quarantine bad\n  \
filmgate watch inbox -o done -p emboss --once\n  \
filmgate watch --status inbox\n\n\
SIGTERM and Ctrl-C stop it after the files in progress; SIGHUP reloads the plugins. A plugin file that changes is\n\
reloaded between two images."
)]
pub struct WatchArguments {
    /// Watch this folder and its subfolders
    pub folder: Option<PathBuf>,
    /// Write outputs to this folder, which is created if its parent exists
    #[arg(short, long, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
    /// Replace existing files
    #[arg(short = 'y', long)]
    pub overwrite: bool,
    /// Process the files that exist, then exit
    #[arg(long)]
    pub once: bool,
    /// Process N files at the same time [default: processors + 2] [range: 1 to 256]
    #[arg(short = 'j', long, value_name = "N")]
    pub workers: Option<Workers>,
    /// End the work on a file after this time; the file fails [default: 600 for images, none for videos]
    #[arg(long, value_name = "SECONDS")]
    pub file_timeout: Option<Length>,
    #[command(flatten)]
    pub files: FileOptions,
    #[command(flatten)]
    pub images: ImageOptions,
    #[command(flatten)]
    pub plugins: PluginOptions,
    #[command(flatten)]
    pub journal: JournalOptions,
    #[command(flatten)]
    pub reports: ReportOptions,
}

/// Which files, when, and what becomes of originals.
#[derive(Debug, Args)]
#[command(next_help_heading = "Files")]
pub struct FileOptions {
    /// Take only files that match a glob: *.jpg, cam*/*.png; a glob without / is for the file name; repeatable [default: images and videos]
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// Ignore files that match a glob; repeatable
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Ignore subfolders
    #[arg(long)]
    pub flat: bool,
    /// Keep, delete or move the original after its output is published: keep, delete, or move:FOLDER [default: keep]
    #[arg(long, value_name = "WHAT")]
    pub originals: Option<Originals>,
    /// Move files that cannot be converted to this folder [default: they stay]
    #[arg(long, value_name = "FOLDER")]
    pub quarantine: Option<PathBuf>,
    /// Scan the folder at this interval instead of waiting for events; network folders are scanned every second by default
    #[arg(long, value_name = "SECONDS")]
    pub poll: Option<Length>,
    /// Time without changes before a file counts as complete, where the system does not report writers [default: 2]
    #[arg(long, value_name = "SECONDS")]
    pub settle: Option<Length>,
}

/// Names and format of outputs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Outputs")]
pub struct ImageOptions {
    /// Set the naming policy: mirror keeps subfolders, flatten makes one name of the path, template:pattern=… takes a pattern [default: mirror]
    #[arg(long, value_name = "PLUGIN[:key=value,…]", add = complete::naming())]
    pub names: Option<String>,
    /// Set the image format: jpg, png, webp, bmp, tiff, or same [default: same as the source]
    #[arg(long, value_name = "NAME")]
    pub format: Option<String>,
    /// Set the JPEG quality [default: 75] [range: 1 to 100]
    #[arg(long, value_name = "N")]
    pub quality: Option<Within<1, 100>>,
    /// Set the JPEG chroma subsampling [default: 420]
    #[arg(long, value_name = "SUBSAMPLING", value_parser = words::<Subsampling>(&["420", "422", "444"]))]
    pub subsampling: Option<Subsampling>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Plugins")]
pub struct PluginOptions {
    /// Add a plugin to the chain: a name or the path of a .wasm file, with parameters; repeatable
    #[arg(short, long, value_name = "PLUGIN[:key=value,…]", add = complete::filters())]
    pub plugin: Vec<PluginSpec>,
    /// Add plugins from a file, one per line as for -p; it is read again on SIGHUP
    #[arg(long, value_name = "FILE")]
    pub plugin_list: Option<PathBuf>,
    /// Set what happens when a plugin fails: fail fails the file, bypass passes frames unchanged and keeps the original [default: fail]
    #[arg(env = "FILMGATE_ON_FAILURE", hide_env_values = true, long, value_name = "POLICY", value_parser = words::<CrashPolicy>(&["fail", "bypass"]))]
    pub on_failure: Option<CrashPolicy>,
    #[command(flatten)]
    pub limits: LimitOptions,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Journal")]
pub struct JournalOptions {
    /// Set the path of the journal [default: .filmgate/journal.db in the watched folder]
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Print the state of the folder's files from the journal, then exit
    #[arg(long)]
    pub status: bool,
    /// Process files again that failed or that a failed plugin passed unchanged
    #[arg(long)]
    pub retry_failed: bool,
    /// Process files again that were done with other settings: plugins, their parameters, format, quality
    #[arg(long)]
    pub redo: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Reports")]
pub struct ReportOptions {
    /// Print no line for each file
    #[arg(short, long)]
    pub quiet: bool,
    /// Print events as JSON lines
    #[arg(long)]
    pub json: bool,
    /// Print every file system event, in the format of pyinotify
    #[arg(long)]
    pub events: bool,
    /// Serve /metrics (Prometheus) and /healthz over HTTP on this address, such as 127.0.0.1:9090
    #[arg(long, value_name = "ADDRESS")]
    pub metrics: Option<String>,
    /// Write a receipt: input, output and plugins of each output with SHA-256 digests, as JSON lines
    #[arg(long, value_name = "FILE")]
    pub receipt: Option<PathBuf>,
    #[command(flatten)]
    pub mode: Mode,
    #[command(flatten)]
    pub safety: SandboxOptions,
}

impl WatchArguments {
    pub(crate) fn spec(self) -> WatchSpec {
        let (files, images, plugins) = (self.files, self.images, self.plugins);
        WatchSpec {
            folder: self.folder,
            output: self.output,
            include: files.include,
            exclude: files.exclude,
            flat: files.flat,
            originals: files.originals,
            quarantine: files.quarantine,
            overwrite: self.overwrite,
            once: self.once,
            poll: files.poll,
            settle: files.settle,
            workers: self.workers,
            file_timeout: self.file_timeout,
            names: images.names,
            format: images.format,
            quality: images.quality,
            subsampling: images.subsampling,
            plugin: plugins.plugin,
            plugin_list: plugins.plugin_list,
            on_failure: plugins.on_failure,
            deadline: plugins.limits.deadline,
            memory: plugins.limits.memory,
            grant: plugins.limits.grant,
            journal: self.journal.journal,
            retry_failed: self.journal.retry_failed,
            redo: self.journal.redo,
            receipt: self.reports.receipt,
            events: self.reports.events,
            metrics: self.reports.metrics,
            quiet: self.reports.quiet,
            json: self.reports.json,
            sandbox: self.reports.safety.sandbox,
        }
    }
}
