//! `--config FILE`: the description of a job as TOML. The command line and the environment come
//! before it ([`Merge`](filmgate_engine::spec::Merge)).
//!
//! A key is the long name of an option of the verb; what it takes is what the field of that name
//! reads, from the command line as well. Plugins are tables, `[[plugin]]`.

use std::path::Path;
use std::sync::LazyLock;

use anyhow::Result;
use clap::{Arg, Args, Command};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::exit::{Exit, WithExit, message};
use filmgate_core::url;
use filmgate_engine::spec::PluginSpec;
use filmgate_plugin::catalogue::nearest;

/// Options that make no sense in a file, and `grant`, for which plugins have `grants`.
const NOT_IN_FILES: [&str; 8] =
    ["config", "config-schema", "dry-run", "grant", "help", "log-format", "status", "version"];

/// The key of a plugin's table.
const PLUGIN: &str = "plugin";

/// Reads a description of a job of `verb`.
///
/// # Errors
/// Usage: what is wrong with the file, with line and column.
pub fn read<A: Args, T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        WithExit::new(Exit::Usage, format!("--config {}: cannot be read: {e}", path.display()))
    })?;
    let file = File { path, text: &text };
    let table = DeTable::parse(&text).map_err(|e| file.wrong_toml(&e))?;
    file.check_keys(table.get_ref(), &keys::<A>())?;
    toml::from_str(&text).map_err(|e| file.wrong_toml(&e))
}

/// An error of wrong usage, with the place in the file of the first option that it names and the file
/// sets; other errors as they are.
pub fn placed(path: Option<&Path>, error: anyhow::Error) -> anyhow::Error {
    let Some(path) = path.filter(|_| Exit::of(&error) == Exit::Usage) else { return error };
    let Ok(text) = std::fs::read_to_string(path) else { return error };
    let Ok(table) = DeTable::parse(&text) else { return error };
    let said = message(&error);
    let is_in_word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let named = |key: &str| {
        let option = format!("--{key}");
        let at = said.find(&option);
        at.filter(|at| !said[at + option.len()..].starts_with(is_in_word))
    };
    let keys = table.get_ref().keys().filter_map(|key| Some((named(key.get_ref())?, key.span())));
    match keys.min_by_key(|(at, _)| *at) {
        Some((_, span)) => File { path, text: &text }.wrong(span.start, said),
        None => error,
    }
}

/// The JSON schema (draft 2020-12) of such files, with the help of the options.
pub fn schema<A: Args, T: JsonSchema>(verb: &str) -> Value {
    let mut all = schema_of::<T>();
    let mut properties = Map::new();
    for option in options::<A>() {
        let long = &*key(&option);
        let Some(mut property) = all["properties"].get_mut(long).map(Value::take) else { continue };
        tidy(&mut property);
        if let Some(help) = option.get_help().filter(|_| long != PLUGIN) {
            property["description"] = json!(help.to_string());
        }
        properties.insert(long.to_owned(), property);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("filmgate {verb}"),
        "description": format!(
            "A file for `filmgate {verb} --config`: each key is the option of that name; the command line and the environment come first."
        ),
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// Takes out what TOML has no use for: null, which stands for what is not set. An enum is the list
/// of its words.
fn tidy(schema: &mut Value) {
    let fields = match schema {
        Value::Array(all) => return all.iter_mut().for_each(tidy),
        Value::Object(fields) => fields,
        _ => return,
    };
    fields.values_mut().for_each(tidy);
    for key in ["format", "title"] {
        if fields.get(key).is_some_and(Value::is_string) {
            fields.remove(key);
        }
    }
    let is_unset = |v: &Value| v.is_null() || *v == json!([]) || *v == json!({});
    if fields.get("default").is_some_and(is_unset) {
        fields.remove("default");
    }
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|t| *t != "null");
        if let [one] = &types[..] {
            fields["type"] = one.clone();
        }
    }
    if let Some(Value::Array(forms)) = fields.get_mut("anyOf") {
        forms.retain(|form| form["type"] != "null");
        if let [Value::Object(one)] = &mut forms[..] {
            let one = std::mem::take(one);
            fields.remove("anyOf");
            fields.extend(one);
        }
    }
    let words = fields.get("oneOf").and_then(Value::as_array).and_then(|forms| {
        forms.iter().map(|form| form.get("const").cloned()).collect::<Option<Vec<_>>>()
    });
    if let Some(words) = words {
        fields.remove("oneOf");
        fields.insert("enum".to_owned(), json!(words));
    }
    if fields.contains_key("enum") {
        fields.remove("type");
    }
}

/// The options of a verb that may be in a file.
fn options<A: Args>() -> Vec<Arg> {
    let mut command = A::augment_args(Command::new("verb"));
    command.build();
    let all = command.get_arguments();
    all.filter(|a| !NOT_IN_FILES.contains(&&*key(a))).cloned().collect()
}

/// The key of an option: its long name; of a positional argument the name of its value.
fn key(option: &Arg) -> String {
    let value = || option.get_value_names().and_then(|names| names.first());
    match option.get_long() {
        Some(long) => long.to_owned(),
        None => value().map_or(String::new(), |name| name.to_ascii_lowercase()),
    }
}

/// The keys of a file for a verb.
fn keys<A: Args>() -> Vec<String> {
    let keys = options::<A>().iter().map(key).filter(|k| k != PLUGIN).collect::<Vec<_>>();
    keys.into_iter().chain([PLUGIN.to_owned()]).collect()
}

/// The keys of a plugin's table.
fn plugin_keys() -> &'static [String] {
    static KEYS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let schema = schema_of::<PluginSpec>();
        let properties = schema["properties"].as_object();
        properties.map(|p| p.keys().cloned().collect()).unwrap_or_default()
    });
    &KEYS
}

/// A file that is being read, for messages.
struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    /// Whether there are such keys. Addresses in the file are noted, so that their secrets are not
    /// shown.
    fn check_keys(&self, table: &DeTable<'_>, keys: &[String]) -> Result<()> {
        for (key, value) in table {
            if !keys.iter().any(|k| k == key.get_ref()) {
                return Err(self.unknown(key, keys));
            }
            note(value.get_ref());
            if key.get_ref() == PLUGIN {
                self.check_plugins(value)?;
            }
        }
        Ok(())
    }

    fn check_plugins(&self, value: &Spanned<DeValue<'_>>) -> Result<()> {
        let wrong = |at: usize| {
            self.wrong(at, "a plugin is a table with two brackets: [[plugin]]".to_owned())
        };
        let DeValue::Array(entries) = value.get_ref() else {
            return Err(wrong(value.span().start));
        };
        for entry in entries.iter() {
            let DeValue::Table(table) = entry.get_ref() else {
                return Err(wrong(entry.span().start));
            };
            let unknown = table.keys().find(|k| !plugin_keys().iter().any(|p| p == k.get_ref()));
            if let Some(key) = unknown {
                return Err(self.unknown(key, plugin_keys()));
            }
        }
        Ok(())
    }

    fn wrong_toml(&self, error: &toml::de::Error) -> anyhow::Error {
        self.wrong(error.span().map_or(0, |s| s.start), error.message().to_owned())
    }

    /// What is wrong at a byte of the file: `pipeline.toml:3:7: …`.
    fn wrong(&self, at: usize, message: String) -> anyhow::Error {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let message = format!("{}:{line}:{column}: {message}", self.path.display());
        WithExit::new(Exit::Usage, message).into()
    }

    fn unknown(&self, key: &Spanned<DeString<'_>>, keys: &[String]) -> anyhow::Error {
        let name = key.get_ref().as_ref();
        let hint = match nearest(name, keys.iter().map(String::as_str)) {
            Some(near) => format!(", did you mean `{near}`?"),
            None => format!("; there are {}", keys.join(", ")),
        };
        self.wrong(key.span().start, format!("there is no key `{name}`{hint}"))
    }
}

fn note(value: &DeValue<'_>) {
    match value {
        DeValue::String(text) => url::note(text),
        DeValue::Array(all) => all.iter().for_each(|v| note(v.get_ref())),
        DeValue::Table(table) => table.values().for_each(|v| note(v.get_ref())),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use filmgate_engine::spec::{CrashPolicy, Crf, JobSpec, Merge};

    use crate::args::{Arguments, Command as Verb};
    use crate::options::{EncodeArguments, FrameArguments, RunArguments, SplitArguments};

    fn written(text: &str) -> Result<JobSpec, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("p.toml");
        std::fs::write(&path, text).expect("written");
        let at = format!("{}/", folder.path().display());
        read::<RunArguments, _>(&path).map_err(|e| e.to_string().replace(&at, ""))
    }

    /// What the command line and the file come to.
    fn merged(text: &str, line: &[&str]) -> JobSpec {
        let line = ["filmgate", "run"].iter().chain(line);
        let arguments = Arguments::try_parse_from(line).expect("sound");
        let Verb::Run(run) = arguments.command else { panic!("run") };
        let mut spec = run.spec();
        spec.or_from(written(text).expect("sound"));
        spec
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
    fn a_file_sets_fields() {
        let spec = merged(SOUND, &["-o", "out.mp4"]);
        assert_eq!(spec.input, [Path::new("in.mp4")]);
        assert_eq!(spec.crf, Some(Crf(18.0)));
        assert!(spec.overwrite && !spec.accept_truncated);
        let mut options = spec.encoder_option.0.clone();
        options.sort();
        let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
        assert_eq!(options, [pair("bf", "2"), pair("tune", "film")]);
        assert_eq!(spec.plugin[0].name, "./a:b.wasm");
        assert!(spec.plugin[0].parameters.0.contains(&pair("text", "x,y")));
        assert_eq!(spec.plugin[0].on_failure, Some(CrashPolicy::Bypass));
        assert_eq!(spec.plugin[0].memory.map(|m| m.0), Some(64));
        assert_eq!(spec.plugin[1].on_failure, None);
    }

    #[test]
    fn the_command_line_comes_first() {
        let spec = merged(SOUND, &["--crf", "30", "--memory", "9"]);
        assert_eq!(spec.crf, Some(Crf(30.0)));
        assert_eq!((spec.plugin[0].memory, spec.memory.map(|m| m.0)), (None, Some(9)));
        let spec = merged(SOUND, &["-p", "grayscale"]);
        assert_eq!(spec.plugin.len(), 1);
        let spec = merged("bitrate = '1M'\noutput = 'b'", &["-i", "a", "--crf", "30"]);
        let refused = spec.check().expect_err("both").message;
        assert_eq!(refused, "--bitrate cannot be used with --crf");
    }

    #[test]
    fn what_is_wrong_is_reported_with_its_place() {
        for (text, message) in [
            ("crf = 18\npreset =\n", "p.toml:2:9: "),
            ("crff = 18", "p.toml:1:1: there is no key `crff`, did you mean `crf`?"),
            ("crf = 999", "p.toml:1:7: invalid value '999': expected a number from 0"),
            ("overwrite = 1", "p.toml:1:13: invalid type: integer `1`, expected a boolean"),
            ("crf = [1]", "p.toml:1:7: invalid type: sequence, expected a number"),
            ("plugin = 'x'", "p.toml:1:10: a plugin is a table"),
            ("[[plugin]]\nnmae = 'x'", "p.toml:2:1: there is no key `nmae`, did you mean `name`?"),
            ("[[plugin]]\nmemory = 1", "p.toml:1:1: missing field `name`"),
            ("[[plugin]]\nname = 'é'\nmemory = 0", "p.toml:3:10: invalid value '0'"),
            ("dry-run = true", "p.toml:1:1: there is no key `dry-run`"),
            ("verb = 'split'", "p.toml:1:1: there is no key `verb`"),
        ] {
            let error = written(text).expect_err(text);
            assert!(error.starts_with(message), "{text}: {error}");
        }
    }

    #[test]
    fn each_verb_has_the_keys_of_its_options() {
        fn keys_of<A: Args>(verb: &str) -> Vec<String> {
            let keys = keys::<A>();
            let has = |key: &str| keys.iter().any(|k| k == key);
            assert!(has(PLUGIN) && !has("grant") && !has("config"), "{verb}");
            let properties = schema::<A, JobSpec>(verb);
            let properties = properties["properties"].as_object().expect("a table");
            assert_eq!(properties.len(), keys.len(), "{verb}");
            keys
        }
        let has = |keys: &[String], key: &str| keys.iter().any(|k| k == key);
        let run = keys_of::<RunArguments>("run");
        assert!(has(&run, "map") && !has(&run, "keep-for"));
        assert!(has(&keys_of::<SplitArguments>("split"), "keep-for"));
        assert!(has(&keys_of::<EncodeArguments>("encode"), "fifo"));
        assert!(has(&keys_of::<FrameArguments>("frame"), "at"));
    }

    #[test]
    fn the_committed_schema_is_the_program_s() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pipeline.schema.json");
        let committed = std::fs::read_to_string(path).expect("docs/pipeline.schema.json");
        let committed: Value = serde_json::from_str(&committed).expect("JSON");
        let again = "filmgate run --config-schema > docs/pipeline.schema.json";
        assert!(
            committed == schema::<RunArguments, JobSpec>("run"),
            "an option changed; run `{again}`"
        );
    }

    #[test]
    fn the_schema_says_what_fields_take() {
        let properties = &schema::<RunArguments, JobSpec>("run")["properties"];
        assert_eq!(properties["crf"]["type"], "number");
        assert_eq!(properties["workers"]["type"], "integer");
        assert_eq!(properties["overwrite"]["type"], "boolean");
        assert_eq!(properties["on-failure"]["enum"][1], "bypass");
        let plugin = &properties["plugin"]["items"];
        assert_eq!(plugin["properties"]["on-failure"]["enum"][1], "bypass");
        assert_eq!(plugin["required"], json!(["name"]));
    }
}
