//! `filmgate run --config FILE`: options out of a TOML file, for those that stand neither on the
//! command line nor in the environment.
//!
//! A key is the long name of an option of `run`, and what it takes is checked by the option's own
//! parser, so that file and command line cannot differ. Only plugins have a form of their own,
//! `[[plugin]]` ([`super::config_plugin`]).

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, Parser};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::args::{Arguments, Command as Verb, PluginSettings};
use super::config_plugin;
use super::config_schema;
use super::exit::{Exit, WithExit};
use super::out::{print_json, tell};
use filmgate_core::url;
use filmgate_plugin::catalogue::nearest;

/// Options that make no sense in a file, and those for which there is `[[plugin]]`.
const NOT_IN_FILES: [&str; 8] =
    ["config", "config-schema", "dry-run", "help", "version", "log-format", "plugin", "grant"];

/// The key of a plugin's table.
pub(super) const PLUGIN: &str = "plugin";

/// The command line, with what a `--config` adds to it. None when `--config-schema` was answered.
/// Wrong usage ends the process, as clap has it.
///
/// # Errors
/// What is wrong with the file, with line and column; exit code 2.
pub fn read() -> Result<Option<Arguments>> {
    let line: Vec<OsString> = std::env::args_os().collect();
    line.iter().for_each(|argument| url::note(&argument.to_string_lossy()));
    let about_config = |a: &OsString| a.to_string_lossy().starts_with("--config");
    if !line.iter().any(about_config) {
        return Ok(Some(parse(line)));
    }
    let matches = relaxed().try_get_matches_from(&line).unwrap_or_else(|e| refuse(&e));
    let Some(run) = matches.subcommand_matches("run") else {
        return Ok(Some(parse(line)));
    };
    if run.get_flag("config_schema") {
        print_json(&config_schema::schema())?;
        return Ok(None);
    }
    let Some(path) = run.get_one::<PathBuf>("config") else {
        return Ok(Some(parse(line)));
    };
    let text = std::fs::read_to_string(path).map_err(|e| {
        WithExit::new(Exit::Usage, format!("--config {}: cannot be read: {e}", path.display()))
    })?;
    let additions = Additions::of(&File { path, text: &text }, run)?;
    additions.arguments.iter().for_each(|argument| url::note(&argument.to_string_lossy()));
    let mut arguments = parse(line.into_iter().chain(additions.arguments));
    if let Verb::Run(run) = &mut arguments.command {
        run.plugin_settings = additions.plugins;
    }
    Ok(Some(arguments))
}

fn parse(line: impl IntoIterator<Item = OsString>) -> Arguments {
    Arguments::try_parse_from(line).unwrap_or_else(|e| refuse(&e))
}

/// Ends the process as clap does, but for the secrets of addresses that its message may quote.
fn refuse(error: &clap::Error) -> ! {
    let said = error.render().to_string();
    if url::redact_known(&said) == said {
        error.exit();
    }
    tell(said);
    std::process::exit(error.exit_code());
}

/// The command line's parser, with nothing required: what is missing may stand in the file.
fn relaxed() -> Command {
    Arguments::command().mut_subcommand("run", |run| run.mut_args(|arg| arg.required(false)))
}

/// The options that may stand in a file.
pub(super) fn options() -> Vec<Arg> {
    let mut command = Arguments::command();
    command.build();
    let run = command.find_subcommand("run");
    let all = run.into_iter().flat_map(Command::get_arguments);
    all.filter(|a| a.get_long().is_some_and(|l| !NOT_IN_FILES.contains(&l))).cloned().collect()
}

/// Whether an option takes `KEY=VALUE`, which may be a table in a file.
pub(super) fn takes_pairs(option: &Arg) -> bool {
    let names = option.get_value_names().unwrap_or_default();
    names.iter().any(|name| name.as_str() == "KEY=VALUE")
}

/// Whether a value stands on the command line or in the environment, which come before the file.
fn is_given(run: &ArgMatches, id: &str) -> bool {
    let source = run.value_source(id);
    matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable))
}

/// What a file adds.
#[derive(Debug, Default)]
struct Additions {
    arguments: Vec<OsString>,
    plugins: Vec<PluginSettings>,
}

impl Additions {
    fn of(file: &File<'_>, run: &ArgMatches) -> Result<Additions> {
        let table = DeTable::parse(file.text)
            .map_err(|e| file.wrong(e.span().map_or(0, |s| s.start), e.message().to_owned()))?;
        let options = options();
        let mut additions = Additions::default();
        for (key, value) in table.get_ref() {
            if key.get_ref() == PLUGIN {
                additions.plugins(file, value, run)?;
                continue;
            }
            let option = options.iter().find(|o| o.get_long() == Some(key.get_ref()));
            let option = option.ok_or_else(|| unknown(file, key, &options))?;
            let flags = flags(file, option, key.get_ref(), value)?;
            if !is_given(run, option.get_id().as_str()) {
                additions.arguments.extend(flags);
            }
        }
        Ok(additions)
    }

    fn plugins(
        &mut self,
        file: &File<'_>,
        value: &Spanned<DeValue<'_>>,
        run: &ArgMatches,
    ) -> Result<()> {
        let DeValue::Array(entries) = value.get_ref() else {
            let message = "a plugin is a table with two brackets: [[plugin]]".to_owned();
            return Err(file.wrong(value.span().start, message));
        };
        for entry in entries.iter() {
            let mut plugin = config_plugin::read(file, entry)?;
            if is_given(run, "plugins") {
                continue;
            }
            self.arguments.push(join("plugin", &plugin.reference));
            for (id, unset) in [
                ("on_failure", &mut plugin.settings.on_failure as &mut dyn Forget),
                ("deadline", &mut plugin.settings.deadline),
                ("memory", &mut plugin.settings.memory),
            ] {
                if is_given(run, id) {
                    unset.forget();
                }
            }
            self.plugins.push(plugin.settings);
        }
        Ok(())
    }
}

/// A setting that can be taken back.
trait Forget {
    fn forget(&mut self);
}

impl<T> Forget for Option<T> {
    fn forget(&mut self) {
        *self = None;
    }
}

fn join(long: &str, value: &str) -> OsString {
    OsStr::new(&format!("--{long}={value}")).to_owned()
}

/// What an option in the file is on the command line; every value is tried on its own, so that
/// the place of a wrong one can be told.
fn flags(
    file: &File<'_>,
    option: &Arg,
    key: &str,
    value: &Spanned<DeValue<'_>>,
) -> Result<Vec<OsString>> {
    let place = value.span().start;
    if !option.get_action().takes_values() {
        return match value.get_ref() {
            DeValue::Boolean(true) => Ok(vec![format!("--{key}").into()]),
            DeValue::Boolean(false) => Ok(Vec::new()),
            _ => Err(file.wrong(place, format!("`{key}` takes true or false"))),
        };
    }
    let several = matches!(option.get_action(), ArgAction::Append);
    let mut flags = Vec::new();
    let mut add = |value: &Spanned<DeValue<'_>>, before: &str| -> Result<()> {
        let place = value.span().start;
        let Some(text) = text(value.get_ref()) else {
            return Err(file.wrong(place, format!("`{key}` takes texts and numbers")));
        };
        let flag = join(key, &format!("{before}{text}"));
        file.check(&flag, place)?;
        flags.push(flag);
        Ok(())
    };
    match value.get_ref() {
        DeValue::Array(all) if several => all.iter().try_for_each(|v| add(v, ""))?,
        DeValue::Table(all) if several && takes_pairs(option) => {
            all.iter().try_for_each(|(k, v)| add(v, &format!("{}=", k.get_ref())))?;
        }
        DeValue::Array(_) => {
            return Err(file.wrong(place, format!("`{key}` takes one value, no list")));
        }
        _ => add(value, "")?,
    }
    Ok(flags)
}

fn unknown(
    file: &File<'_>,
    key: &Spanned<toml::de::DeString<'_>>,
    options: &[Arg],
) -> anyhow::Error {
    let known = options.iter().filter_map(Arg::get_long).chain([PLUGIN]);
    file.unknown(key, known)
}

/// A value as somebody would write it on the command line; none for lists, tables and dates.
pub(super) fn text(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(n) if n.radix() == 10 => {
            Some(n.as_str().trim_start_matches('+').to_owned())
        }
        DeValue::Integer(n) => {
            i128::from_str_radix(n.as_str(), n.radix()).ok().map(|n| n.to_string())
        }
        DeValue::Float(n) => Some(n.as_str().to_owned()),
        DeValue::Boolean(b) => Some(b.to_string()),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

/// A file that is being read, for messages.
pub(super) struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    /// What is wrong at a byte of the file: `pipeline.toml:3:7: …`.
    pub(super) fn wrong(&self, at: usize, message: String) -> anyhow::Error {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let message = format!("{}:{line}:{column}: {message}", self.path.display());
        WithExit::new(Exit::Usage, message).into()
    }

    pub(super) fn unknown<'k>(
        &self,
        key: &Spanned<toml::de::DeString<'_>>,
        known: impl Iterator<Item = &'k str> + Clone,
    ) -> anyhow::Error {
        let name = key.get_ref().as_ref();
        let hint = match nearest(name, known.clone()) {
            Some(near) => format!(", did you mean `{near}`?"),
            None => format!("; there are {}", known.collect::<Vec<_>>().join(", ")),
        };
        self.wrong(key.span().start, format!("there is no key `{name}`{hint}"))
    }

    /// Has the option's own parser look at a value.
    pub(super) fn check(&self, flag: &OsStr, at: usize) -> Result<()> {
        let line = [OsStr::new("filmgate"), OsStr::new("run"), flag];
        let Err(error) = relaxed().try_get_matches_from(line) else { return Ok(()) };
        let said = error.render().to_string();
        let first = said.trim_start_matches("error: ").split("\n\n").next().unwrap_or_default();
        let parts: Vec<&str> = first.lines().map(str::trim).collect();
        Err(self.wrong(at, parts.join(" ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn additions(text: &str, line: &[&str]) -> Result<Additions, String> {
        let line = ["filmgate", "run"].iter().chain(line);
        let matches = relaxed().try_get_matches_from(line).expect("sound");
        let run = matches.subcommand_matches("run").expect("run");
        let file = File { path: Path::new("p.toml"), text };
        Additions::of(&file, run).map_err(|e| e.to_string())
    }

    const SOUND: &str = r#"
input = "in.mp4"
crf = 18
overwrite = true
accept-truncated = false
encoder-option = { tune = "film", bf = 0x2 }

[[plugin]]
name = "./a:b.wasm"
on-failure = "bypass"
memory = 64
parameters = { text = "x,y", n = 3, on = true }

[[plugin]]
name = "emboss"
"#;

    #[test]
    fn a_file_is_the_options_it_names() {
        let found = additions(SOUND, &[]).expect("sound");
        let mut flags: Vec<String> =
            found.arguments.iter().map(|a| a.to_string_lossy().into_owned()).collect();
        // Keys of a table have no order; plugins do.
        let plugins: Vec<String> = flags.extract_if(.., |f| f.starts_with("--plugin")).collect();
        flags.sort();
        let expected = [
            "--crf=18",
            "--encoder-option=bf=2",
            "--encoder-option=tune=film",
            "--input=in.mp4",
            "--overwrite",
        ];
        assert_eq!(flags, expected);
        assert!(plugins[0].starts_with(r"--plugin=./a\:b.wasm:"), "{plugins:?}");
        assert!(plugins[0].contains(r"text=x\,y") && plugins[1] == "--plugin=emboss");
        assert_eq!(found.plugins[0].memory, Some(64));
        assert!(found.plugins[0].on_failure.is_some() && found.plugins[1].on_failure.is_none());
    }

    #[test]
    fn the_command_line_comes_first() {
        let found = additions(SOUND, &["--crf", "30", "--memory", "9"]).expect("sound");
        assert!(!found.arguments.contains(&OsString::from("--crf=18")));
        assert_eq!(found.plugins[0].memory, None);
        let found = additions(SOUND, &["-p", "grayscale"]).expect("sound");
        assert!(found.plugins.is_empty());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, message) in [
            ("crf = 18\npreset =\n", "p.toml:2:9: "),
            ("crff = 18", "p.toml:1:1: there is no key `crff`, did you mean `crf`?"),
            ("crf = 999", "p.toml:1:7: invalid value '999' for '--crf <N>'"),
            ("overwrite = 1", "p.toml:1:13: `overwrite` takes true or false"),
            ("crf = [1]", "p.toml:1:7: `crf` takes one value, no list"),
            ("plugin = 'x'", "p.toml:1:10: a plugin is a table"),
            ("[[plugin]]\nnmae = 'x'", "p.toml:2:1: there is no key `nmae`, did you mean `name`?"),
            ("[[plugin]]\nmemory = 1", "p.toml:1:1: the plugin has no `name`"),
            ("[[plugin]]\nname = 'é'\nmemory = 0", "p.toml:3:10: invalid value '0'"),
            ("dry-run = true", "p.toml:1:1: there is no key `dry-run`"),
        ] {
            let error = additions(text, &[]).expect_err(text);
            assert!(error.starts_with(message), "{text}: {error}");
        }
    }
}
