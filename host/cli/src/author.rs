//! `filmgate plugin new`, `build` and `doctor`: what a plugin's author begins with.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::exit::{Exit, WithExit};
use super::options::LimitOptions;
use super::out::{line, print, print_json, tell};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::PlanePool;
use filmgate_core::publish::Aside;
use filmgate_engine::spec::{Pairs, PluginSpec, Request};
use filmgate_kit::build::Options;
use filmgate_kit::testing::{self, Case, Golden};
use filmgate_kit::{Kind, Language, Manifest, New, build, create, doctor};
use filmgate_plugin::check::Outcome;
use filmgate_plugin::{CodeCache, Engine, Plugin};

#[derive(Debug, Subcommand)]
pub enum AuthorCommand {
    /// Create a folder for a new plugin: code that builds, a README and a license
    ///
    /// Without a name, on a terminal, it asks.
    New(NewArguments),
    /// Build the plugin in a folder, with the compiler of its language, to NAME.wasm
    ///
    /// In Rust, C and Zig the same sources give the same component, bit by bit, with the same compiler.
    Build {
        /// Read this folder, which has a plugin.toml
        #[arg(value_name = "DIR", default_value = ".")]
        folder: PathBuf,
        /// Keep WASI in JavaScript and Python plugins, so that exceptions show their text
        #[arg(long)]
        debug: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Test a plugin: sizes to 8K, ends of every parameter, instances, workers, tags, golden frames
    ///
    /// A folder with a plugin.toml is built first. Golden frames are in tests/golden.txt of that
    /// folder, where there is one. Exit code 14 if something failed.
    Test(TestArguments),
    /// Show what a language needs to build plugins, what is missing, and how to install it
    Doctor {
        /// Name the language [default: all of them]
        #[arg(long = "lang", value_enum, value_name = "LANGUAGE")]
        language: Option<Lang>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub struct NewArguments {
    /// Create this folder; its last part is the plugin's name: lower-case letters, digits, hyphens
    #[arg(value_name = "NAME")]
    name: Option<PathBuf>,
    /// Set what the plugin decides
    #[arg(long, value_enum, default_value_t = PluginKind::Filter)]
    kind: PluginKind,
    /// Set the language
    #[arg(long = "lang", value_enum, value_name = "LANGUAGE", default_value_t = Lang::Rust)]
    language: Lang,
}

#[derive(Debug, Args)]
pub struct TestArguments {
    /// Test the plugin of this folder, or this .wasm file
    #[arg(value_name = "DIR|FILE", default_value = ".")]
    plugin: PathBuf,
    /// Set a parameter of the plugin; repeatable
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Write the golden frames, instead of comparing with them
    #[arg(long)]
    bless: bool,
    /// Write a JUnit report to this file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    #[command(flatten)]
    limits: LimitOptions,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PluginKind {
    /// Change, drop or tag frames
    Filter,
    /// Name outputs
    Naming,
    /// Put files in order
    Ordering,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Lang {
    Rust,
    C,
    Zig,
    Js,
    Ts,
    Python,
}

impl From<PluginKind> for Kind {
    fn from(kind: PluginKind) -> Kind {
        match kind {
            PluginKind::Filter => Kind::Filter,
            PluginKind::Naming => Kind::Naming,
            PluginKind::Ordering => Kind::Ordering,
        }
    }
}

impl From<Lang> for Language {
    fn from(language: Lang) -> Language {
        match language {
            Lang::Rust => Language::Rust,
            Lang::C => Language::C,
            Lang::Zig => Language::Zig,
            Lang::Js => Language::Js,
            Lang::Ts => Language::Ts,
            Lang::Python => Language::Python,
        }
    }
}

pub(super) fn run(command: AuthorCommand, cancel: &Cancel) -> Result<Exit> {
    match command {
        AuthorCommand::New(arguments) => new(arguments),
        AuthorCommand::Build { folder, debug, json } => make(&folder, debug, json),
        AuthorCommand::Test(arguments) => test(arguments, cancel),
        AuthorCommand::Doctor { language, json } => examine(language, json),
    }
}

fn new(mut arguments: NewArguments) -> Result<Exit> {
    let folder = match arguments.name.take() {
        Some(folder) => folder,
        None if std::io::stdin().is_terminal() => ask(&mut arguments)?,
        None => {
            let message = "no name is given: filmgate plugin new NAME --kind KIND --lang LANGUAGE";
            return Err(WithExit::new(Exit::Usage, message).into());
        }
    };
    let (kind, language) = (Kind::from(arguments.kind), Language::from(arguments.language));
    let name = create(&New { folder: &folder, kind, language })?;
    let shown = folder.display();
    let component = Path::new(&folder).join(format!("{name}.wasm"));
    let plugin = match component.parent() {
        Some(parent) if parent.as_os_str().is_empty() => format!("./{}", component.display()),
        _ => component.display().to_string(),
    };
    let mut out = String::new();
    line!(out, "Created {shown}: a plugin of kind {}, in {}.", kind.id(), language.name());
    line!(out, "");
    line!(out, "  edit     {}", folder.join(language.source()).display());
    line!(out, "  build    filmgate plugin build {shown}");
    line!(out, "  check    filmgate plugin check {plugin}");
    line!(out, "  use      {}", usage(kind, &plugin));
    let missing = doctor::needs(language).into_iter().any(|n| n.found.is_none() && !n.by_build);
    if missing {
        line!(out, "");
        line!(out, "Something is missing: filmgate plugin doctor --lang {}", language.id());
    }
    print(&out)?;
    Ok(Exit::Done)
}

fn usage(kind: Kind, plugin: &str) -> String {
    match kind {
        Kind::Filter => format!("filmgate frame clip.mp4 -p {plugin} -o frame.png"),
        Kind::Naming => format!("filmgate split clip.mp4 -o frames --naming {plugin}"),
        Kind::Ordering => format!("filmgate join parts/*.mp4 -o film.mp4 --order {plugin}"),
    }
}

/// Asks on the terminal for what a new plugin needs.
fn ask(arguments: &mut NewArguments) -> Result<PathBuf> {
    let name = answer("Name of the plugin", "")?;
    let kinds = PluginKind::value_variants();
    arguments.kind = choose("Kind", kinds, arguments.kind)?;
    arguments.language = choose("Language", Lang::value_variants(), arguments.language)?;
    Ok(PathBuf::from(name))
}

fn choose<T: ValueEnum>(what: &str, all: &[T], default: T) -> Result<T> {
    let name = |value: &T| value.to_possible_value().map(|v| v.get_name().to_owned());
    let names: Vec<String> = all.iter().filter_map(name).collect();
    let default = name(&default).unwrap_or_default();
    loop {
        let text = answer(&format!("{what} ({})", names.join(", ")), &default)?;
        match T::from_str(&text, true) {
            Ok(value) => return Ok(value),
            Err(_) => tell(format_args!("{text:?} is none of them.\n")),
        }
    }
}

/// One line from the terminal; an empty one stands for the default.
fn answer(question: &str, default: &str) -> Result<String> {
    let shown = if default.is_empty() { String::new() } else { format!(" [{default}]") };
    tell(format_args!("{question}{shown}: "));
    std::io::stderr().flush().context("the question cannot be written")?;
    let mut text = String::new();
    let read = std::io::stdin().lock().read_line(&mut text).context("the answer cannot be read")?;
    if read == 0 {
        return Err(WithExit::new(Exit::Interrupted, "no answer was given").into());
    }
    Ok(if text.trim().is_empty() { default.to_owned() } else { text.trim().to_owned() })
}

fn make(folder: &Path, debug: bool, as_json: bool) -> Result<Exit> {
    let manifest = Manifest::read(folder)?;
    let begun = std::time::Instant::now();
    let built = build::build(folder, Options { debug })?;
    let path = built.path.display();
    if as_json {
        print_json(&json!({
            "name": manifest.name, "version": manifest.version, "path": path.to_string(),
            "size": built.size, "sha256": built.digest,
            "build_ms": begun.elapsed().as_secs_f64() * 1e3,
        }))?;
    } else {
        print(&format!("{path}  {} bytes  sha256:{}\n", built.size, built.digest))?;
    }
    Ok(Exit::Done)
}

fn examine(language: Option<Lang>, as_json: bool) -> Result<Exit> {
    let languages = match language {
        Some(language) => vec![language.into()],
        None => Language::ALL.to_vec(),
    };
    let (mut out, mut all, mut missing) = (String::new(), Vec::new(), Vec::new());
    for language in languages {
        line!(out, "{}", language.name());
        for need in doctor::needs(language) {
            let state = match (&need.found, need.by_build) {
                (Some(found), _) => format!("ok       {}: {found}", need.tool),
                (None, true) => format!("later    {}: the first build installs it", need.tool),
                (None, false) => format!("MISSING  {}: {}", need.tool, need.how),
            };
            line!(out, "  {state}");
            if need.found.is_none() && !need.by_build {
                missing.push(format!("{} for {}", need.tool, language.name()));
            }
            all.push(json!({
                "language": language.id(), "tool": need.tool, "found": need.found,
                "install": need.how, "installed_by_build": need.by_build,
            }));
        }
    }
    if as_json {
        print_json(&json!({ "needs": all }))?
    } else {
        print(&out)?
    }
    // Whoever asks for all languages need not have them all.
    if language.is_none() || missing.is_empty() {
        return Ok(Exit::Done);
    }
    Err(WithExit::new(Exit::Failed, format!("missing: {}", missing.join(", "))).into())
}

/// The golden frames of a plugin's folder.
const GOLDEN: &str = "tests/golden.txt";

fn test(arguments: TestArguments, cancel: &Cancel) -> Result<Exit> {
    let is_folder = arguments.plugin.is_dir();
    let file = match is_folder {
        true => build::build(&arguments.plugin, Options::default())?.path,
        false => std::path::absolute(&arguments.plugin).unwrap_or(arguments.plugin.clone()),
    };
    let golden = arguments.plugin.join(GOLDEN);
    if arguments.bless && !is_folder {
        let message = "--bless: golden frames belong to a folder with a plugin.toml";
        return Err(WithExit::new(Exit::Usage, message).into());
    }
    let plugins = [PluginSpec {
        name: file.to_string_lossy().into_owned(),
        parameters: Pairs(arguments.set.clone()),
        ..PluginSpec::default()
    }];
    let request = Request {
        plugins: &plugins,
        on_failure: None,
        deadline: arguments.limits.deadline,
        memory: arguments.limits.memory,
        grants: &arguments.limits.grant,
    };
    let engine = Engine::new(&CodeCache::ForUser, &PlanePool::new(), cancel)?;
    let Some(single) = request.load_each(&engine)?.pop() else { return Ok(Exit::Failed) };
    let golden = is_folder.then_some(Golden { file: &golden, bless: arguments.bless });
    let mut cases = testing::test(&single.plugin, &arguments.set, golden)?;
    if is_folder {
        cases.push(named_alike(&arguments.plugin, &single.plugin)?);
    }
    if cancel.is_cancelled() {
        return Err(WithExit::new(Exit::Interrupted, "interrupted").into());
    }
    if let Some(path) = &arguments.junit {
        let aside = Aside::create(path, true)?;
        let text = testing::junit(single.plugin.name(), &cases);
        aside
            .file()
            .and_then(|mut f| f.write_all(text.as_bytes()))
            .map_err(|e| WithExit::new(Exit::OutputWrite, format!("{}: {e}", path.display())))?;
        aside.publish()?;
    }
    report(&file, &cases, arguments.json)
}

/// Whether plugin.toml and the plugin say the same of its name and version.
fn named_alike(folder: &Path, plugin: &Plugin) -> Result<Case> {
    let manifest = Manifest::read(folder)?;
    let about = &plugin.description;
    let outcome = if (&manifest.name, &manifest.version) == (&about.name, &about.version) {
        Outcome::Passed
    } else {
        Outcome::Failed(format!(
            "plugin.toml says {} {}, the plugin says {} {}",
            manifest.name, manifest.version, about.name, about.version
        ))
    };
    let advice = "change one of them";
    Ok(Case { name: "name and version".to_owned(), outcome, advice, time: Duration::ZERO })
}

fn report(file: &Path, cases: &[Case], as_json: bool) -> Result<Exit> {
    let mut out = String::new();
    let mut all = Vec::new();
    let mut failed = 0;
    for case in cases {
        let (outcome, message) = match &case.outcome {
            Outcome::Passed => ("passed", None),
            Outcome::Declined(text) => ("declined", Some(text)),
            Outcome::Failed(text) => ("failed", Some(text)),
        };
        let shown = if outcome == "failed" { "FAILED" } else { outcome };
        line!(
            out,
            "{shown:8}  {}{}",
            case.name,
            message.map_or(String::new(), |m| format!(": {m}"))
        );
        if outcome == "failed" {
            failed += 1;
            line!(out, "          {}", case.advice);
        }
        all.push(json!({
            "name": case.name, "outcome": outcome, "message": message, "advice": case.advice,
            "ms": case.time.as_secs_f64() * 1e3,
        }));
    }
    line!(out, "{} cases, {failed} failed", cases.len());
    if as_json {
        print_json(&json!({ "cases": all, "failed": failed }))?
    } else {
        print(&out)?
    }
    match failed {
        0 => Ok(Exit::Done),
        _ => Err(WithExit::new(
            Exit::PluginBroke,
            format!("{}: {failed} of {} cases failed", file.display(), cases.len()),
        )
        .into()),
    }
}
