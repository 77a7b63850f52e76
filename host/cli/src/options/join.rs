//! Options of `join`.

use std::path::PathBuf;

use clap::Args;

use super::{LimitOptions, ReportOptions, words};
use crate::complete;
use filmgate_engine::spec::{CrashPolicy, Crf, PluginSpec};
use filmgate_join::{Gap, JoinSpec, Order, PolicySpec};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  filmgate join seg1.mp4 seg2.mp4 seg10.mp4 -o film.mp4\n  \
filmgate join recordings/cam1/ -o cam1.mp4 --receipt cam1.json --delete-sources\n  \
filmgate join uploads --glob 'task7/*/*.mp4' --into films --name-plugin template:pattern={task}/{device}/{date}\n  \
find . -name '*.ts' -print0 | filmgate join -0 - --order mtime -o all.mkv\n  \
filmgate join recordings/cam1/ -p crop:width=640,height=360 -o cam1.mp4\n\n\
Packets are copied without re-encoding, except with --reencode-odd or -p. The output is read back and compared\n\
with the sources, packet by packet, before it gets its name. A segment that does not fit ends the join with exit\n\
code 40 and nothing written; --dry-run --json prints the whole plan.")]
pub struct JoinArguments {
    /// Join files, folders (the media files in them), or - for a list of names on stdin
    #[arg(value_name = "INPUT")]
    pub input: Vec<PathBuf>,
    /// Write a file, with the container from its extension (mp4, mov, mkv, ts, flv …)
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["into", "dest_name", "name_plugin"])]
    pub output: Option<PathBuf>,
    /// Write to a folder, under the name from --dest-name or --name-plugin
    #[arg(long, value_name = "FOLDER")]
    pub into: Option<PathBuf>,
    /// Set the file name in the folder of --into, with the extension of the container
    #[arg(long, value_name = "NAME", conflicts_with = "name_plugin")]
    pub dest_name: Option<String>,
    /// Name the file in the folder of --into with a naming plugin
    #[arg(long, value_name = "PLUGIN[:key=value,…]")]
    pub name_plugin: Option<PolicySpec>,
    /// Set the container by libav's name [default: from the extension of the output; with --into: mp4]
    #[arg(long, value_name = "NAME")]
    pub format: Option<String>,
    /// Replace existing files
    #[arg(short = 'y', long)]
    pub overwrite: bool,
    #[command(flatten)]
    pub inputs: InputOptions,
    #[command(flatten)]
    pub order: OrderOptions,
    #[command(flatten)]
    pub plugins: JoinPluginOptions,
    #[command(flatten)]
    pub odd: OddOptions,
    #[command(flatten)]
    pub time: TimeOptions,
    #[command(flatten)]
    pub proof: ProofOptions,
    /// Fail with exit code 43 if there is nothing to join
    #[arg(long)]
    pub require: bool,
    #[command(flatten)]
    pub reports: ReportOptions,
}

/// Which files of what was given.
#[derive(Debug, Args)]
#[command(next_help_heading = "Inputs")]
pub struct InputOptions {
    /// Select files below folders: *.ts, {a,b}*.mp4, */cam1/*.mp4, or **/*.mp4 at any depth [default: media files directly in the folder]
    #[arg(long, value_name = "PATTERN")]
    pub glob: Option<String>,
    /// Read names of inputs from a file, one per line, relative to its folder; repeatable
    #[arg(long, value_name = "FILE")]
    pub list: Vec<PathBuf>,
    /// Split lists at zero bytes instead of lines
    #[arg(short = '0', long)]
    pub null: bool,
}

/// The order of segments.
#[derive(Debug, Args)]
#[command(next_help_heading = "Order")]
pub struct OrderOptions {
    /// Sort segments: natural (seg2 before seg10), name (byte by byte), mtime, created (from metadata), or given [default: natural]
    #[arg(long, value_name = "ORDER", value_parser = words::<Order>(&["natural", "name", "mtime", "created", "given"]))]
    pub order: Option<Order>,
    /// Sort segments with an ordering plugin instead of --order
    #[arg(long, value_name = "PLUGIN[:key=value,…]", conflicts_with = "order", add = complete::ordering())]
    pub order_plugin: Option<PolicySpec>,
}

/// Plugins that frames go through. There is no number of threads: each segment is one serial chain.
#[derive(Debug, Args)]
#[command(next_help_heading = "Plugins")]
pub struct JoinPluginOptions {
    /// Add a plugin to the chain that re-encodes the video of all segments, one stream per segment; repeatable
    #[arg(short, long, value_name = "PLUGIN[:key=value,…]", add = complete::filters())]
    pub plugin: Vec<PluginSpec>,
    /// Set what happens when a plugin fails: fail ends the job without output, bypass passes frames unchanged and restarts the plugin (exit code 3) [default: fail]
    #[arg(env = "FILMGATE_ON_FAILURE", hide_env_values = true, long, value_name = "POLICY", value_parser = words::<CrashPolicy>(&["fail", "bypass"]))]
    pub on_failure: Option<CrashPolicy>,
    #[command(flatten)]
    pub limits: LimitOptions,
    /// Set constant quality of video that goes through plugins, on the encoder's scale; needs -p [default: 18] [range: 0 (best) to 255; x264 and x265: to 51]
    #[arg(long, value_name = "N")]
    pub crf: Option<Crf>,
}

/// Segments that do not fit the first.
#[derive(Debug, Args)]
#[command(next_help_heading = "Segments that do not fit")]
pub struct OddOptions {
    /// Skip segments that cannot be read or do not fit (exit code 3)
    #[arg(long)]
    pub skip_bad: bool,
    /// Re-encode segments that do not fit, to match the first segment; all others are copied
    #[arg(long)]
    pub reencode_odd: bool,
    /// Leave out all audio; sources with audio are not removed then
    #[arg(long)]
    pub drop_audio: bool,
}

/// The time line of the output.
#[derive(Debug, Args)]
#[command(next_help_heading = "Time")]
pub struct TimeOptions {
    /// Set how gaps between the segments' own times are handled: keep (the last frame stays, audio is filled with silence) or close [default: close]
    #[arg(long, value_name = "HOW", value_parser = words::<Gap>(&["keep", "close"]))]
    pub gap: Option<Gap>,
    /// Write a chapter per segment, with its name, instead of the chapters of the segments
    #[arg(long)]
    pub chapters: bool,
    /// Leave the index of mp4 and mov behind the media data
    #[arg(long)]
    pub no_faststart: bool,
}

/// What is checked, and what follows from it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Proof")]
pub struct ProofOptions {
    /// Do not read the output back
    #[arg(long, conflicts_with_all = ["delete_sources", "check_decode"])]
    pub no_proof: bool,
    /// Decode every joined source and report damage; damaged sources are not removed (exit code 3)
    #[arg(long)]
    pub check_decode: bool,
    /// Remove sources after the proof if every stream of them is in the output and they did not change
    #[arg(long)]
    pub delete_sources: bool,
}

impl JoinArguments {
    pub(crate) fn spec(self) -> JoinSpec {
        JoinSpec {
            input: self.input,
            glob: self.inputs.glob,
            list: self.inputs.list,
            null: self.inputs.null,
            order: self.order.order,
            order_plugin: self.order.order_plugin,
            skip_bad: self.odd.skip_bad,
            reencode_odd: self.odd.reencode_odd,
            drop_audio: self.odd.drop_audio,
            plugin: self.plugins.plugin,
            on_failure: self.plugins.on_failure,
            deadline: self.plugins.limits.deadline,
            memory: self.plugins.limits.memory,
            grant: self.plugins.limits.grant,
            crf: self.plugins.crf,
            output: self.output,
            into: self.into,
            dest_name: self.dest_name,
            name_plugin: self.name_plugin,
            format: self.format,
            overwrite: self.overwrite,
            gap: self.time.gap,
            chapters: self.time.chapters,
            no_faststart: self.time.no_faststart,
            no_proof: self.proof.no_proof,
            check_decode: self.proof.check_decode,
            delete_sources: self.proof.delete_sources,
            require: self.require,
            receipt: self.reports.receipt,
            quiet: self.reports.quiet,
            json: self.reports.json,
            progress_json: self.reports.progress_json,
            sandbox: self.reports.safety.sandbox,
        }
    }
}
