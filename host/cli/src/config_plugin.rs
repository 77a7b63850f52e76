//! `[[plugin]]` in a pipeline's file: a plugin with its parameters, limits, grants and crash policy.

use anyhow::Result;
use clap::ValueEnum;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::args::{CrashPolicy, PluginSettings};
use super::config::{File, text};
use filmgate_plugin::Grants;

/// What such a table may hold.
pub(super) const KEYS: [&str; 6] =
    ["name", "parameters", "on-failure", "deadline", "memory", "grants"];

/// A plugin of the file.
#[derive(Debug, Default)]
pub(super) struct FilePlugin {
    /// `NAME[:key=value,…]`, as `-p` takes it
    pub(super) reference: String,
    pub(super) settings: PluginSettings,
}

pub(super) fn read(file: &File<'_>, entry: &Spanned<DeValue<'_>>) -> Result<FilePlugin> {
    let DeValue::Table(table) = entry.get_ref() else {
        return Err(file.wrong(entry.span().start, "a plugin is a table: [[plugin]]".to_owned()));
    };
    let mut plugin = FilePlugin::default();
    let mut parameters = String::new();
    for (key, value) in table {
        let place = value.span().start;
        let plain = || {
            let wanted = format!("`{}` takes a text or a number", key.get_ref());
            text(value.get_ref()).ok_or_else(|| file.wrong(place, wanted))
        };
        let checked = |long: &str| -> Result<String> {
            let text = plain()?;
            file.check(format!("--{long}={text}").as_ref(), place)?;
            Ok(text)
        };
        match key.get_ref().as_ref() {
            "name" => plugin.reference = escaped(&plain()?),
            "parameters" => parameters = pairs(file, value)?,
            "on-failure" => {
                plugin.settings.on_failure =
                    CrashPolicy::from_str(&checked("on-failure")?, false).ok();
            }
            "deadline" => plugin.settings.deadline = checked("deadline")?.parse().ok(),
            "memory" => plugin.settings.memory = checked("memory")?.parse().ok(),
            "grants" => plugin.settings.grants = grants(file, value)?,
            _ => return Err(file.unknown(key, KEYS.into_iter())),
        }
    }
    if plugin.reference.is_empty() {
        return Err(file.wrong(entry.span().start, "the plugin has no `name`".to_owned()));
    }
    plugin.reference += &parameters;
    Ok(plugin)
}

/// A list of capabilities.
fn grants(file: &File<'_>, value: &Spanned<DeValue<'_>>) -> Result<Grants> {
    let wrong = |at: &Spanned<DeValue<'_>>, message| file.wrong(at.span().start, message);
    let DeValue::Array(list) = value.get_ref() else {
        let message = "`grants` takes a list: grants = [\"clock\"]".to_owned();
        return Err(wrong(value, message));
    };
    let mut grants = Grants::default();
    for entry in list.iter() {
        let text = text(entry.get_ref()).unwrap_or_default();
        grants.add(&text).map_err(|message| wrong(entry, message))?;
    }
    Ok(grants)
}

/// `:key=value,…` of a table.
fn pairs(file: &File<'_>, value: &Spanned<DeValue<'_>>) -> Result<String> {
    let DeValue::Table(table) = value.get_ref() else {
        let message = "`parameters` takes a table: parameters = { frames = 5 }".to_owned();
        return Err(file.wrong(value.span().start, message));
    };
    let table: &DeTable<'_> = table;
    let mut out = String::new();
    for (key, value) in table {
        let Some(text) = text(value.get_ref()) else {
            let message = format!("parameter `{}` takes a text, number or boolean", key.get_ref());
            return Err(file.wrong(value.span().start, message));
        };
        if key.get_ref().contains(['=', ',', ':', '\\']) {
            let message = format!("`{}` is no name of a parameter", key.get_ref());
            return Err(file.wrong(key.span().start, message));
        }
        out += if out.is_empty() { ":" } else { "," };
        out += &format!("{}={}", key.get_ref(), escaped(&text));
    }
    Ok(out)
}

/// As `-p` reads it back.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, ',' | ':' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
