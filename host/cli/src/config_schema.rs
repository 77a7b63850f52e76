//! The JSON schema of a pipeline's file, made of the options that it stands for, so that it says
//! what the program does. It stands in docs/pipeline.schema.json.

use std::any::TypeId;

use clap::{Arg, ArgAction};
use serde_json::{Map, Value, json};

use super::config::{PLUGIN, options, takes_pairs};

/// JSON Schema, draft 2020-12.
pub(super) fn schema() -> Value {
    let options = options();
    let mut properties = Map::new();
    for option in &options {
        if let Some(long) = option.get_long() {
            properties.insert(long.to_owned(), property(option));
        }
    }
    properties.insert(PLUGIN.to_owned(), plugins(&options));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "filmgate pipeline",
        "description": "A file for `filmgate run --config`: every key is the option of that name; the command line and the environment come first.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

/// What an option takes in a file.
fn property(option: &Arg) -> Value {
    let one = scalar(option);
    let mut property = match option.get_action() {
        ArgAction::Append => {
            let mut forms = vec![one.clone(), json!({ "type": "array", "items": one })];
            if takes_pairs(option) {
                let value = json!({ "type": ["string", "number", "boolean"] });
                forms.push(json!({ "type": "object", "additionalProperties": value }));
            }
            json!({ "anyOf": forms })
        }
        _ => one,
    };
    if let Some(help) = option.get_help() {
        property["description"] = json!(help.to_string());
    }
    property
}

fn scalar(option: &Arg) -> Value {
    if !option.get_action().takes_values() {
        return json!({ "type": "boolean", "default": false });
    }
    let names: Vec<String> =
        option.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
    let kind = option.get_value_parser().type_id();
    let is = |ids: &[TypeId]| ids.iter().any(|id| kind == *id);
    let counts =
        [TypeId::of::<u16>(), TypeId::of::<u32>(), TypeId::of::<u64>(), TypeId::of::<usize>()];
    let mut schema = match () {
        () if !names.is_empty() => json!({ "enum": names }),
        () if is(&counts) => json!({ "type": "integer" }),
        () if is(&[TypeId::of::<f64>()]) => json!({ "type": "number" }),
        // Times and rates have a form for people beside the number.
        () if is(&[TypeId::of::<i64>()]) => json!({ "type": ["number", "string"] }),
        () => json!({ "type": ["string", "number"] }),
    };
    let default = option.get_default_values().first().map(|d| d.to_string_lossy().into_owned());
    if let Some(default) = default {
        let number = serde_json::from_str::<Value>(&default).ok().filter(Value::is_number);
        schema["default"] = number.unwrap_or(json!(default));
    }
    schema
}

/// `[[plugin]]`, the form of [`super::config_plugin`].
fn plugins(options: &[Arg]) -> Value {
    let like = |long: &str| {
        let option = options.iter().find(|o| o.get_long() == Some(long));
        let mut schema = option.map(property).unwrap_or_default();
        if let Value::Object(fields) = &mut schema {
            fields.remove("default");
        }
        schema
    };
    let value = json!({ "type": ["string", "number", "boolean"] });
    json!({
        "type": "array",
        "description": "The plugins that each frame goes through, in this order",
        "items": {
            "type": "object",
            "properties": {
                "name": { "type": "string", "description": "A name, or the path of a .wasm file" },
                "parameters": {
                    "type": "object",
                    "description": "What `filmgate plugin inspect NAME` lists",
                    "additionalProperties": value,
                },
                "on-failure": like("on-failure"),
                "deadline": like("deadline"),
                "memory": like("memory"),
                "grants": {
                    "type": "array",
                    "description": "What it may use beyond the frames",
                    "items": { "type": "string", "pattern": "^(clock|random|env=[^=]+)$" },
                },
            },
            "required": ["name"],
            "additionalProperties": false,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config_plugin;

    #[test]
    fn the_committed_schema_is_the_program_s() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pipeline.schema.json");
        let committed = std::fs::read_to_string(path).expect("docs/pipeline.schema.json");
        let committed: Value = serde_json::from_str(&committed).expect("JSON");
        let again = "filmgate run --config-schema > docs/pipeline.schema.json";
        assert!(committed == schema(), "an option changed; run `{again}`");
    }

    #[test]
    fn every_key_of_a_plugin_is_in_it() {
        let schema = schema();
        let keys = schema["properties"]["plugin"]["items"]["properties"].as_object();
        let keys = keys.expect("properties");
        assert_eq!(keys.len(), config_plugin::KEYS.len());
        assert!(config_plugin::KEYS.iter().all(|k| keys.contains_key(*k)));
        let properties = &schema["properties"];
        assert_eq!(properties["crf"]["type"], "number");
        assert_eq!(properties["workers"]["type"], "integer");
        assert_eq!(properties["overwrite"]["type"], "boolean");
        assert_eq!(properties["on-failure"]["enum"][1], "bypass");
    }
}
