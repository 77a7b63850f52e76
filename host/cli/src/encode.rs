//! `filmgate encode`: raw pictures in, encoded streams out, to files and servers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};
use tracing::warn;

use super::encode_args::{EncodeArguments, EncodingArguments};
use super::encode_show as show;
use super::encode_source::{Source, sound};
use super::events::Events;
use super::exit::{Exit, WithExit, message};
use super::inputs;
use super::load::{self, Asked};
use super::out::{print_json, tell};
use super::show::Bar;
use filmgate_av::{
    EncodeOptions, Muxer, check_words, default_format, encoder_named, pixel_format, scheme,
};
use filmgate_core::cancel::Cancel;
use filmgate_core::collide::Files;
use filmgate_core::frame::PlanePool;
use filmgate_core::publish;
use filmgate_core::url::Url;
use filmgate_engine::encode::{Bounds, Job, Output, Service, Stop, Summary, Target, Watched};
use filmgate_engine::pipeline::{PipelineError, Progress, default_workers};
use filmgate_plugin::{CodeCache, Engine};

pub(super) fn run(arguments: &EncodeArguments, cancel: &Cancel) -> Result<Exit> {
    let to_stdout = arguments.output.iter().any(|o| o == "-");
    let first = if to_stdout { Path::new("-") } else { Path::new("") };
    let events = Events::new(arguments.progress_json, first);
    let result = match work(arguments, events, cancel) {
        // Whoever read it had enough (`| head`).
        Err(error) if arguments.output == ["-"] && is_broken_pipe(&error) => Ok(Exit::Done),
        other => other,
    };
    if let Err(error) = &result {
        let exit = Exit::of(error);
        let fields =
            json!({ "status": exit.status(), "exit": exit as u8, "error": message(error) });
        events.emit("result", fields);
    }
    result
}

fn work(arguments: &EncodeArguments, events: Events, cancel: &Cancel) -> Result<Exit> {
    let stop = Stop { gently: cancel.clone(), ..Stop::default() };
    let mut files = files(arguments);
    files.check()?;
    let outputs = outputs(arguments)?;
    let encode = encode_options(arguments)?;
    let pool = PlanePool::new();
    // A gentle stop must not end a call of a plugin.
    let engine = Engine::new(&CodeCache::ForUser, &pool, &stop.hard)?;
    let chain = load::plugins(&asked(arguments), &engine, &stop.hard)?;
    chain.add_to(&mut files);
    files.check()?;
    let source = Source::open(arguments, &pool, &stop)?;
    let job = Job {
        pictures: source.pictures,
        sound: sound(arguments, &stop)?,
        plugins: chain.plugins,
        encode,
        outputs,
        service: service(arguments),
        workers: arguments.workers.map_or_else(default_workers, usize::from),
        realtime: arguments.raw.realtime,
    };
    let prepared = job.prepare(&stop)?;
    events.emit("start", show::start_json(prepared.summary()));
    let progress = Arc::new(Progress::default());
    let bar = Bar::start(&progress, None, arguments.quiet);
    let pushes = prepared.pushes();
    let look = move || json!({ "pushes": pushes.iter().map(Watched::look).collect::<Vec<_>>() });
    let following = events.follow_with(&progress, None, look);
    let result = prepared.run(&pool, &stop, &progress);
    drop((bar, following));
    let summary = result?;
    let exit = exit(&summary);
    let json = show::summary_json(&summary, exit);
    report(arguments, &summary, &json)?;
    if let Some(failure) = summary.failure {
        return Err(failure.into());
    }
    events.emit("result", json);
    Ok(exit)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(PipelineError::Media(e)) if e.is_broken_pipe())
}

fn asked(arguments: &EncodeArguments) -> Asked<'_> {
    Asked {
        texts: &arguments.plugins,
        settings: &[],
        limits: &arguments.limits,
        on_failure: arguments.on_failure,
    }
}

/// What is read and written, as far as the command line says.
fn files(arguments: &EncodeArguments) -> Files {
    let mut files = Files::default();
    arguments.input.iter().for_each(|i| inputs::add(&mut files, "the input", i, None));
    arguments.image.iter().for_each(|image| files.reads("the picture", image));
    arguments.sound.audio.iter().for_each(|audio| files.reads("the audio", audio));
    let outputs = arguments.output.iter().filter_map(|o| local(o));
    let outputs = outputs.map(|path| ("the output", path));
    let copies = arguments.also.iter().map(|path| ("--also", path.as_path()));
    for (what, path) in outputs.chain(copies) {
        match playlist(path) {
            Some(list) => {
                files.writes(format!("a piece of {what}"), &pieces(&list));
                files.writes(what, &list);
            }
            None => files.writes(what, path),
        }
    }
    files
}

fn service(arguments: &EncodeArguments) -> Service {
    let pushing = &arguments.pushing;
    let bytes = usize::try_from(pushing.buffer << 20).unwrap_or(usize::MAX);
    Service {
        replace: arguments.overwrite,
        bounds: Bounds { bytes, time: pushing.buffer_time },
        patience: pushing.patience,
    }
}

/// Finds out what is to be written, and that nothing is in its way, before anything is touched.
fn outputs(arguments: &EncodeArguments) -> Result<Vec<Output>> {
    let mut outputs = Vec::new();
    for text in &arguments.output {
        outputs.push(output(arguments, text)?);
    }
    for path in &arguments.also {
        outputs.push(file(arguments, path)?);
    }
    let twice = |o: &Output, i: usize| outputs[..i].iter().any(|other| other.target == o.target);
    if let Some((_, o)) = outputs.iter().enumerate().find(|(i, o)| twice(o, *i)) {
        return Err(usage(format!("{}: is given as an output twice", o.target.name())));
    }
    if arguments.encoding.fragmented && !outputs.iter().any(|o| is_mp4(&o.format)) {
        return Err(usage("--fragmented: no output is an mp4"));
    }
    if arguments.json.json && outputs.iter().any(|o| o.target == Target::Stdout) {
        return Err(usage("-o - and --json: both want standard output"));
    }
    Ok(outputs)
}

fn is_mp4(format: &str) -> bool {
    matches!(format, "mp4" | "mov" | "3gp")
}

fn usage(message: impl Into<String>) -> anyhow::Error {
    WithExit::new(Exit::Usage, message).into()
}

fn output(arguments: &EncodeArguments, text: &str) -> Result<Output> {
    let explicit = arguments.encoding.format.as_deref();
    let no_options = Vec::new();
    if text == "-" {
        let format = Muxer::format_for(Path::new(""), Some(explicit.unwrap_or("nut")))?;
        return Ok(Output { target: Target::Stdout, format, options: no_options });
    }
    match scheme(text) {
        Some(scheme) if scheme != "file" => {
            let url = Url::push(text);
            check_address(&url, &scheme)?;
            let format = match &*scheme {
                "rtsp" | "rtsps" => "rtsp".to_owned(),
                _ => {
                    let format = explicit.unwrap_or(default_format(&scheme));
                    Muxer::format_for(Path::new(""), Some(format))?
                }
            };
            Ok(Output { target: Target::Url(url), format, options: no_options })
        }
        _ => file(arguments, Path::new(text.strip_prefix("file:").unwrap_or(text))),
    }
}

/// What can be seen of an address without asking anybody.
fn check_address(url: &Url, scheme: &str) -> Result<()> {
    filmgate_av::check_push(url)?;
    let rest = &url.secret()[scheme.len() + 3..];
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let path = rest[host.len()..].trim_matches('/');
    match () {
        () if host.is_empty() || host.starts_with(':') => {
            Err(usage(format!("{url}: there is no server in this address")))
        }
        () if scheme.starts_with("rtmp") && path.is_empty() => Err(usage(format!(
            "{url}: an RTMP address is {scheme}://SERVER/APPLICATION/KEY; the application is missing"
        ))),
        () => Ok(()),
    }
}

fn file(arguments: &EncodeArguments, path: &Path) -> Result<Output> {
    if let Some(list) = playlist(path) {
        return playlist_in(arguments, list);
    }
    publish::check(path, arguments.overwrite)?;
    let format = match (Muxer::format_for(path, None), &arguments.encoding.format) {
        (Err(_), Some(format)) => Muxer::format_for(path, Some(format)),
        (named, _) => named,
    }?;
    let mut options = Vec::new();
    if arguments.encoding.fragmented && is_mp4(&format) {
        let flags = "+frag_keyframe+empty_moov+default_base_moof";
        options.push(("movflags".to_owned(), flags.to_owned()));
    }
    Ok(Output { target: Target::File(path.to_owned()), format, options })
}

/// The path of an output that is neither a server nor standard output.
fn local(output: &str) -> Option<&Path> {
    let file = output != "-" && scheme(output).is_none_or(|s| s == "file");
    file.then(|| Path::new(output.strip_prefix("file:").unwrap_or(output)))
}

/// The playlist that an output is: `x.m3u8`, or `index.m3u8` in a folder.
fn playlist(path: &Path) -> Option<PathBuf> {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("m3u8")) {
        return Some(path.to_owned());
    }
    let folder = path.is_dir() || path.as_os_str().to_string_lossy().ends_with('/');
    folder.then(|| path.join("index.m3u8"))
}

/// The names of a playlist's pieces: `x%d.ts`.
fn pieces(playlist: &Path) -> PathBuf {
    let stem = playlist.file_stem().unwrap_or_default().to_string_lossy().replace('%', "%%");
    playlist.with_file_name(format!("{stem}%d.ts"))
}

/// Pieces of the time from key frame to key frame, all of which are kept.
fn playlist_in(arguments: &EncodeArguments, path: PathBuf) -> Result<Output> {
    publish::check(&path, arguments.overwrite)?;
    let old =
        filmgate_core::collide::series(&pieces(&path)).into_iter().find(|_| !arguments.overwrite);
    if let Some(piece) = old {
        return Err(publish::PublishError::Exists(piece).into());
    }
    let seconds = arguments.encoding.keyframe_interval.as_secs_f64();
    let pairs = [
        ("hls_time", seconds.to_string()),
        ("hls_list_size", "0".to_owned()),
        ("hls_flags", "independent_segments".to_owned()),
    ];
    let options = pairs.map(|(key, value)| (key.to_owned(), value)).to_vec();
    Ok(Output { target: Target::Playlist(path), format: "hls".to_owned(), options })
}

fn encode_options(arguments: &EncodeArguments) -> Result<EncodeOptions> {
    let encoding = &arguments.encoding;
    let codec = encoder_named(&encoding.codec)?;
    let fast = codec.starts_with("libx26");
    let usual = |given: &Option<String>, word: &str| {
        given.clone().or_else(|| fast.then(|| word.to_owned()))
    };
    let (preset, tune) =
        (usual(&encoding.preset, "ultrafast"), usual(&encoding.tune, "zerolatency"));
    check_words(&codec, preset.as_deref(), tune.as_deref()).map_err(|e| usage(e.message))?;
    let pixel_format = pixel_format(&encoding.output_pix_fmt).map_err(|e| usage(e.message))?;
    Ok(EncodeOptions {
        codec,
        preset,
        tune,
        crf: encoding.crf,
        bit_rate: encoding.bitrate,
        pixel_format: Some(pixel_format),
        options: more_options(arguments, encoding),
        ..EncodeOptions::default()
    })
}

fn more_options(
    arguments: &EncodeArguments,
    encoding: &EncodingArguments,
) -> Vec<(String, String)> {
    let rate = arguments.raw.rate;
    let pictures =
        encoding.keyframe_interval.as_secs_f64() * f64::from(rate.num) / f64::from(rate.den);
    let mut options = vec![("g".to_owned(), (pictures.round().max(1.0)).to_string())];
    if let Some(most) = encoding.maxrate {
        options.push(("maxrate".to_owned(), most.to_string()));
        options.push(("bufsize".to_owned(), encoding.bufsize.unwrap_or(most).to_string()));
    }
    options.extend(encoding.profile.iter().map(|p| ("profile".to_owned(), p.clone())));
    options.retain(|(key, _)| !encoding.encoder_options.iter().any(|(own, _)| own == key));
    options.extend(encoding.encoder_options.iter().cloned());
    options
}

fn report(arguments: &EncodeArguments, summary: &Summary, json: &Value) -> Result<()> {
    let damaged = summary.ended.damaged;
    if damaged > 0 {
        warn!("{damaged} packets of the input could not be decoded and are missing");
    }
    if arguments.json.json {
        print_json(json)?;
    } else if !arguments.quiet {
        tell(show::summary_text(summary));
    }
    Ok(())
}

fn exit(summary: &Summary) -> Exit {
    let pushes = || summary.outputs.iter().filter_map(|o| o.push.as_ref());
    let incomplete = summary.plugins.iter().any(|p| p.incomplete);
    let cut = summary.ended.partial > 0 || summary.ended.damaged > 0;
    let lost =
        |p: &filmgate_engine::encode::PushSummary| p.account.dropped > 0 || p.account.unsure > 0;
    match () {
        // What was handed to connections that broke at once need not have arrived.
        () if pushes().any(|p| p.account.delivered <= p.account.unsure) => Exit::OutputLost,
        () if incomplete || cut || pushes().any(lost) => Exit::Partly,
        () => Exit::Done,
    }
}
