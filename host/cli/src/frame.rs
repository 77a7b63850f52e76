//! `filmgate frame`: one picture of a video, through plugins, quickly.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::args::{CrashPolicy, LimitArguments};
use super::exit::Exit;
use super::inputs::{self, time};
use super::load::{self, Asked};
use filmgate_av::{Input, InputSource, OpenOptions};
use filmgate_core::cancel::Cancel;
use filmgate_core::collide::Files;
use filmgate_core::frame::PlanePool;
use filmgate_core::publish;
use filmgate_engine::pipeline::StillJob;
use filmgate_plugin::{CodeCache, Engine};

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  filmgate frame -i holiday.mp4 --at 1:02.5 -p emboss --compare -o emboss.png\n\n\
Plugins that see frames in order get 32 frames from before that time first, so that filters over time\n\
show what they show in a whole run, as far as they look back no further."
)]
pub struct FrameArguments {
    /// The video to read
    #[arg(short, long, value_name = "FILE")]
    pub input: PathBuf,
    /// The time: seconds from the start, or hours, minutes and seconds with `:` between them
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = time)]
    pub at: i64,
    /// A plugin to take the frame through, as for `run`; may be given several times
    #[arg(short, long = "plugin", value_name = "PLUGIN[:key=value,…]")]
    pub plugins: Vec<String>,
    /// The picture to write: .png, .jpg, .webp, .bmp or .tiff
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Replace the output if it is there already
    #[arg(short = 'y', long)]
    pub overwrite: bool,
    /// Put the frame as it is in the video on the left of it
    #[arg(long)]
    pub compare: bool,
    #[command(flatten)]
    pub limits: LimitArguments,
}

pub(super) fn run(arguments: &FrameArguments, cancel: &Cancel) -> Result<Exit> {
    let kind = filmgate_picture::format_of(&arguments.output)?;
    let mut files = Files::default();
    inputs::add(&mut files, "the input", &arguments.input, None);
    files.writes("the output", &arguments.output);
    files.check()?;
    publish::check(&arguments.output, arguments.overwrite)?;
    let pool = PlanePool::new();
    let engine = Engine::new(&CodeCache::ForUser, &pool, cancel)?;
    let asked = Asked {
        texts: &arguments.plugins,
        settings: &[],
        limits: &arguments.limits,
        on_failure: CrashPolicy::Fail,
    };
    let chain = load::plugins(&asked, &engine, cancel)?;
    chain.add_to(&mut files);
    files.check()?;
    let plugins = chain.plugins;
    let source = InputSource::parse(arguments.input.as_os_str(), None);
    let input = Input::open_source(&source, &OpenOptions::files(cancel))?;
    let (at, compare) = (arguments.at, arguments.compare);
    let job = StillJob { at, plugins, formats: kind.pixel_formats(), compare };
    let still = job.run(input, &pool)?;
    filmgate_picture::save(&still.picture, &arguments.output, still.rotation, arguments.overwrite)?;
    Ok(Exit::Done)
}
