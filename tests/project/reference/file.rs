//! Every key of `regcred.yaml`, from its schema: a section for each map, with its keys.

use serde_json::Value;

use super::{MADE, table};
use crate::pages::read;

pub(super) fn page() -> String {
    let schema: Value = serde_json::from_str(&read("regcred.schema.json")).unwrap();
    let mut sections = Vec::new();
    walk(&schema, "", &mut sections);
    let intro = "`regcred.yaml` says what cannot be discovered. It is one YAML document, with anchors and merge keys (`<<`). A key that is \
                 unknown or there twice is an error, with line, column and the nearest right key. `regcred schema` prints this as JSON Schema. \
                 `NAME` is a name that you choose; the titles from `from` on are in a credential.";
    let sections: String = sections.into_iter().map(|(_, section)| section).collect();
    format!("# The file\n\n{MADE}\n\n{intro}\n{sections}")
}

/// The section of a map, and those of the maps in it. The same map in two alternatives is one section.
fn walk(schema: &Value, way: &str, sections: &mut Vec<(String, String)>) {
    if let Some(properties) = schema["properties"].as_object() {
        let section = section(schema, way);
        if !sections.iter().any(|(known, text)| known == way && *text == section) {
            sections.push((way.to_owned(), section));
        }
        for (key, inner) in properties {
            walk(inner, &step(way, key), sections);
        }
    } else if schema["additionalProperties"].is_object() {
        walk(&schema["additionalProperties"], &step(way, "NAME"), sections);
    }
    walk_each(schema, way, sections);
}

fn walk_each(schema: &Value, way: &str, sections: &mut Vec<(String, String)>) {
    if schema["items"].is_object() {
        walk(&schema["items"], way, sections);
    }
    for one in alternatives(schema) {
        walk(one, way, sections);
    }
}

fn step(way: &str, key: &str) -> String {
    if way.is_empty() { key.to_owned() } else { format!("{way}.{key}") }
}

fn alternatives(schema: &Value) -> impl Iterator<Item = &Value> {
    ["oneOf", "anyOf"].into_iter().filter_map(|word| schema[word].as_array()).flatten()
}

fn section(schema: &Value, way: &str) -> String {
    let required =
        |key: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == key));
    let row = |(key, value): (&String, &Value)| {
        let must = if required(key) { "Required. " } else { "" };
        vec![format!("`{key}`"), kind(value), format!("{must}{}{}", words(value), default(value))]
    };
    let mut keys: Vec<_> = schema["properties"].as_object().unwrap().iter().collect();
    keys.sort_by_key(|(key, _)| !required(key));
    let rows: Vec<Vec<String>> = keys.into_iter().map(row).collect();
    let title = match way.strip_prefix("credentials.NAME") {
        None => "Top level".to_owned(),
        Some("") => "A credential".to_owned(),
        Some(way) => format!("`{}`", way.trim_start_matches('.')),
    };
    let words = words(schema);
    let words = if words.is_empty() { words } else { format!("{words}\n\n") };
    format!("\n## {title}\n\n{words}{}", table(&["key", "takes", "meaning"], &rows))
}

fn words(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().to_owned()
}

fn default(schema: &Value) -> String {
    schema["default"].as_str().map(|value| format!(" Default: `{value}`.")).unwrap_or_default()
}

/// What a value may be, in words.
fn kind(schema: &Value) -> String {
    if let Some(word) = schema.get("const") {
        return format!("`{}`", plain(word));
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(|word| format!("`{}`", plain(word))).collect::<Vec<_>>().join(", ");
    }
    let mut kinds: Vec<String> = alternatives(schema).map(kind).collect();
    kinds.dedup();
    if !kinds.is_empty() {
        return kinds.join(", or ");
    }
    if schema["$ref"].is_string() {
        return "the same list".to_owned();
    }
    if let Some(types) = schema["type"].as_array() {
        return types.iter().map(plain).collect::<Vec<_>>().join(", or ");
    }
    match schema["type"].as_str() {
        Some("array") => format!("list of: {}", kind(&schema["items"])),
        Some("object") if schema["additionalProperties"].is_object() => "map by name".to_owned(),
        Some("object") => "map".to_owned(),
        Some("boolean") => "`true`, `false`".to_owned(),
        Some(word) => word.to_owned(),
        None => "string, number, boolean or null".to_owned(),
    }
}

fn plain(word: &Value) -> String {
    word.as_str().map_or_else(|| word.to_string(), str::to_owned)
}
