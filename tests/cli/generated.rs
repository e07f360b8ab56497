//! What the program writes about itself: the schema of its file, completions and manual pages.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::place::Place;

#[test]
fn completions_know_every_command_in_every_shell() {
    let place = Place::bare(regcred_sandbox::World::default());
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = place.run(&["completions", shell]);
        for word in
            ["plan", "sync", "verify", "image", "init", "rbac", "schema", "completions", "man", "expect"]
        {
            ran.ends(0).says(word);
        }
    }
    place.run(&["completions", "tcsh"]).ends(3).complains("bash");
}

#[test]
fn every_command_has_a_page_in_the_manual() {
    let place = Place::bare(regcred_sandbox::World::default());
    place.run(&["man", "share/man1"]).ends(0).complains("man share/man1/regcred.1");
    let page = |name: &str| std::fs::read_to_string(place.repo().join("share/man1").join(name)).unwrap();
    assert!(page("regcred.1").contains("Exit codes"));
    for command in ["plan", "sync", "verify", "image", "init", "rbac", "schema", "completions", "man"] {
        assert!(page(&format!("regcred-{command}.1")).contains(".TH"), "{command}");
    }
    place.write("in-the-way", "");
    place.run(&["man", "in-the-way"]).ends(3).complains("in-the-way cannot be written");
}

/// The schema that the program prints.
fn schema() -> Value {
    let place = Place::bare(regcred_sandbox::World::default());
    serde_json::from_str(&place.run(&["schema"]).ends(0).stdout).unwrap()
}

/// One step from a map to what is in it.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Item,
}

/// Every map of the schema whose keys are known: the way to it, and its keys.
fn maps(schema: &Value, way: &[Step], found: &mut Vec<(Vec<Step>, BTreeSet<String>)>) {
    let further = |step: Step| [way, &[step]].concat();
    if let Some(properties) = schema["properties"].as_object() {
        assert_eq!(schema["additionalProperties"], json!(false), "{way:?} takes keys that it does not know");
        found.push((way.to_vec(), properties.keys().cloned().collect()));
        for (key, inner) in properties {
            maps(inner, &further(Step::Key(key.clone())), found);
        }
    } else if schema["additionalProperties"].is_object() {
        // Its keys are names that people choose.
        maps(&schema["additionalProperties"], &further(Step::Key("name".to_owned())), found);
    }
    if schema["items"].is_object() {
        maps(&schema["items"], &further(Step::Item), found);
    }
    for one in schema["oneOf"].as_array().into_iter().flatten() {
        maps(one, way, found);
    }
}

/// A document with this value at the end of the way.
fn document(way: &[Step], value: Value) -> Value {
    way.iter().rev().fold(value, |inner, step| match step {
        Step::Key(key) => Value::Object([(key.clone(), inner)].into_iter().collect()),
        Step::Item => json!([inner]),
    })
}

/// What the program says about a file.
fn complaints(document: &Value) -> String {
    let place = Place::bare(regcred_sandbox::World::default());
    // JSON is YAML.
    place.write("regcred.yaml", &document.to_string());
    place.run(&["plan"]).ends(3).stderr.clone()
}

/// The keys that the program takes there, as it says them about one that it does not know.
fn taken(way: &[Step]) -> BTreeSet<String> {
    let said = complaints(&document(way, json!({ "9999999999": {} })));
    let known = |line: &str| {
        let list = line.split_once(" takes: ").or_else(|| line.split_once("one of: "))?.1;
        Some(list.split(", ").map(str::to_owned).collect())
    };
    let keys = said.lines().skip_while(|line| !line.contains("9999999999")).find_map(known);
    keys.unwrap_or_else(|| panic!("{way:?}: {said}"))
}

#[test]
fn the_schema_has_exactly_the_keys_that_are_read() {
    let mut found = Vec::new();
    maps(&schema(), &[], &mut found);
    assert!(found.len() >= 12, "only {} maps are in it", found.len());
    let ways: BTreeMap<String, _> =
        found.iter().map(|(way, keys)| (format!("{way:?}"), (way, keys))).collect();
    assert_eq!(ways.len(), found.len(), "no way is there twice");
    for (way, keys) in ways.values() {
        let mut taken = taken(way);
        // The sources without settings are words, not keys.
        if matches!(way.last(), Some(Step::Key(key)) if key == "from") {
            taken.retain(|source| !["stdin", "docker-config"].contains(&source.as_str()));
        }
        assert_eq!(**keys, taken, "{way:?}");
    }
}

#[test]
fn the_schema_names_every_source() {
    let from = &schema()["properties"]["credentials"]["additionalProperties"]["properties"]["from"]["oneOf"];
    let words = from[0]["enum"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned());
    let keys = from[1]["properties"].as_object().unwrap().keys().cloned();
    let named: BTreeSet<String> = words.chain(keys).collect();
    let way = ["credentials", "name", "from"].map(|key| Step::Key(key.to_owned()));
    assert_eq!(named, taken(&way));
}
