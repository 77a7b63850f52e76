//! `NAME[:key=value,…]` as people write it, and values checked against what the plugin says it
//! takes, before anything starts.

use std::path::Path;

use super::describe::{Description, Parameter, ParameterKind, Value, check, takes};
use super::error::PluginError;
use super::package;
use super::plain::read_plain;

/// The largest file that is handed to a plugin.
const FILE_BYTES: u64 = 64 << 20;

/// A plugin as somebody named it, with the parameters given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// a name to look for, or a path when it holds a `/` or ends in `.wasm`
    pub name: String,
    pub parameters: Vec<(String, String)>,
}

impl Reference {
    /// Reads `NAME[:key=value,…]`; the name may end in `@sha256:…` or be a package, `oci://…`. A backslash before `,`, `:` or `\` takes away its meaning.
    ///
    /// # Errors
    /// `Syntax`, when a part is not `key=value` or the name is empty.
    pub fn parse(text: &str) -> Result<Reference, PluginError> {
        let fail =
            |reason: &str| PluginError::Syntax { text: text.to_owned(), reason: reason.to_owned() };
        let (name, rest) = match package::name_length(text) {
            Some(length) => {
                let rest = text[length..].strip_prefix(':').map(str::to_owned);
                (text[..length].to_owned(), rest)
            }
            None => {
                let mut parts = split(text, ':', 2).into_iter();
                (unescape(&parts.next().unwrap_or_default()), parts.next())
            }
        };
        if let Err(reason) = package::split_digest(&name) {
            return Err(fail(&reason));
        }
        if name.is_empty() {
            return Err(fail("the name is missing"));
        }
        let mut parameters: Vec<(String, String)> = Vec::new();
        for pair in rest.iter().flat_map(|rest| split(rest, ',', usize::MAX)) {
            if pair.is_empty() {
                continue;
            }
            let (key, value) =
                pair.split_once('=').ok_or_else(|| fail(&format!("`{pair}` is not key=value")))?;
            if parameters.iter().any(|(k, _)| k == key) {
                return Err(fail(&format!("`{key}` is given twice")));
            }
            parameters.push((key.trim().to_owned(), unescape(value)));
        }
        Ok(Reference { name, parameters })
    }
}

/// Splits at `at`, into at most `most` pieces, leaving escaped ones alone.
fn split(text: &str, at: char, most: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == at && !escaped && pieces.len() < most {
            pieces.push(String::new());
        } else if let Some(piece) = pieces.last_mut() {
            piece.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    pieces
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(next @ (',' | ':' | '\\'))) => {
                out.push(*next);
                chars.next();
            }
            _ => out.push(c),
        }
    }
    out
}

/// The values for `configure`: what was given, checked, and the defaults of the rest.
///
/// # Errors
/// `Parameter`, naming the parameter and what it takes.
pub fn resolve(
    plugin: &Description,
    given: &[(String, String)],
) -> Result<Vec<(String, Value)>, PluginError> {
    let fail = |reason| PluginError::Parameter { plugin: plugin.name.clone(), reason };
    for (key, _) in given {
        if !plugin.parameters.iter().any(|p| p.name == *key) {
            return Err(fail(unknown(plugin, key)));
        }
    }
    let mut values = Vec::with_capacity(plugin.parameters.len());
    for parameter in &plugin.parameters {
        let text = given.iter().find(|(key, _)| *key == parameter.name).map(|(_, text)| text);
        let value = match (text, &parameter.default) {
            (Some(text), _) => Some(read(parameter, text).map_err(&fail)?),
            (None, Some(default)) => Some(default.clone()),
            (None, None) if parameter.required => {
                return Err(fail(format!(
                    "parameter `{}` is missing: it takes {}",
                    parameter.name,
                    takes(parameter)
                )));
            }
            (None, None) => None,
        };
        values.extend(value.map(|v| (parameter.name.clone(), v)));
    }
    Ok(values)
}

fn unknown(plugin: &Description, key: &str) -> String {
    if plugin.parameters.is_empty() {
        return format!("there is no parameter `{key}`: it has none");
    }
    let names: Vec<&str> = plugin.parameters.iter().map(|p| p.name.as_str()).collect();
    let hint = super::catalogue::nearest(key, names.iter().copied())
        .map(|n| format!(", did you mean `{n}`?"))
        .unwrap_or_default();
    format!("there is no parameter `{key}`{hint} (it has {})", names.join(", "))
}

fn read(parameter: &Parameter, text: &str) -> Result<Value, String> {
    let refuse =
        || format!("parameter `{}` takes {}, not `{text}`", parameter.name, takes(parameter));
    let value = match parameter.kind {
        ParameterKind::Boolean => match text {
            "true" | "yes" | "on" | "1" => Value::Boolean(true),
            "false" | "no" | "off" | "0" => Value::Boolean(false),
            _ => return Err(refuse()),
        },
        ParameterKind::Integer => Value::Integer(text.trim().parse().map_err(|_| refuse())?),
        ParameterKind::Decimal => Value::Decimal(text.trim().parse().map_err(|_| refuse())?),
        ParameterKind::Text | ParameterKind::Choice => Value::Text(text.to_owned()),
        ParameterKind::Color => Value::Color(color(text).ok_or_else(refuse)?),
        ParameterKind::File => Value::File(
            file(text).map_err(|e| format!("parameter `{}`: {text}: {e}", parameter.name))?,
        ),
    };
    check(parameter, &value).map_err(|_| refuse())?;
    Ok(value)
}

/// `#rgb`, `#rrggbb` or `#rrggbbaa`, with or without the `#`.
fn color(text: &str) -> Option<[u8; 4]> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    let nibbles: Vec<u8> =
        digits.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    let byte = |i: usize| nibbles[2 * i] << 4 | nibbles[2 * i + 1];
    match nibbles.len() {
        3 => Some([nibbles[0] * 17, nibbles[1] * 17, nibbles[2] * 17, 255]),
        6 => Some([byte(0), byte(1), byte(2), 255]),
        8 => Some([byte(0), byte(1), byte(2), byte(3)]),
        _ => None,
    }
}

fn file(path: &str) -> Result<Vec<u8>, String> {
    read_plain(Path::new(path), FILE_BYTES).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(kind: ParameterKind) -> Parameter {
        Parameter {
            name: "p".to_owned(),
            summary: String::new(),
            kind,
            unit: None,
            default: None,
            required: false,
            minimum: None,
            maximum: None,
            choices: vec!["luma".to_owned(), "all".to_owned()],
        }
    }

    #[test]
    fn references_read_as_written() {
        let r = Reference::parse(r"./a\:b.wasm:text=x\,y=\\z,n=1,").expect("sound");
        assert_eq!(r.name, "./a:b.wasm");
        assert_eq!(r.parameters[0], ("text".to_owned(), r"x,y=\z".to_owned()));
        assert_eq!(r.parameters[1], ("n".to_owned(), "1".to_owned()));
        assert_eq!(Reference::parse("emboss").expect("sound").parameters, []);
        for bad in ["", ":a=1", "x:a", "x:a=1,a=2"] {
            assert!(Reference::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn values_are_read_by_kind_and_range() {
        let mut p = parameter(ParameterKind::Integer);
        p.minimum = Some(1.0);
        p.maximum = Some(64.0);
        assert_eq!(read(&p, "64"), Ok(Value::Integer(64)));
        let message = read(&p, "65").expect_err("out of range");
        assert_eq!(message, "parameter `p` takes a whole number from 1 to 64, not `65`");
        assert!(read(&p, "1.5").is_err());
        let d = parameter(ParameterKind::Decimal);
        assert!(read(&d, "inf").is_err() && read(&d, "NaN").is_err());
        let c = parameter(ParameterKind::Choice);
        assert_eq!(read(&c, "all"), Ok(Value::Text("all".to_owned())));
        assert!(read(&c, "none").is_err());
        let k = parameter(ParameterKind::Color);
        assert_eq!(read(&k, "#ff8000"), Ok(Value::Color([255, 128, 0, 255])));
        assert_eq!(read(&k, "f80"), Ok(Value::Color([255, 136, 0, 255])));
        assert!(read(&k, "#ff80é").is_err());
        assert!(read(&parameter(ParameterKind::File), "/").is_err());
    }
}
