//! What the program writes about itself: the schema of its file, completions and manual pages.

use std::collections::{BTreeMap, BTreeSet};

use regcred_sandbox::World;
use serde_json::{Value, json};

use crate::place::Place;
use crate::source;

/// The commands of the program, but for `help` and `version`.
const COMMANDS: [&str; 12] = [
    "plan",
    "sync",
    "remove",
    "verify",
    "report",
    "image",
    "init",
    "rbac",
    "permissions",
    "schema",
    "completions",
    "man",
];

/// What bash offers for the last of these words, by the script that the program prints.
fn offered(place: &Place, words: &[&str]) -> Vec<String> {
    let script = place.run(&["completions", "bash"]).ends(0).stdout.clone();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_regcred")).parent().unwrap().display();
    let line = words.iter().map(|word| format!("'{word}' ")).collect::<String>();
    let last = words.len() - 1;
    let ask = format!(
        "{script}\nPATH={program}:$PATH\nCOMP_TYPE=9\nCOMP_WORDS=({line})\nCOMP_CWORD={last}\n_clap_complete_regcred regcred '{}' '{}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words[last],
        words[last - 1]
    );
    let mut bash = place.command(&[]);
    let env: Vec<_> =
        bash.get_envs().map(|(name, value)| (name.to_owned(), value.unwrap().to_owned())).collect();
    bash = std::process::Command::new("bash");
    let output =
        bash.args(["--norc", "-c", &ask]).env_clear().envs(env).current_dir(place.repo()).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn completion_offers_commands_and_the_names_of_the_configuration() {
    let place = Place::with_pulumi();
    let offered = |words: &[&str]| offered(&place, words);
    for command in COMMANDS {
        assert!(offered(&["regcred", ""]).contains(&command.to_owned()), "{command}");
    }
    assert_eq!(offered(&["regcred", "plan", "--stack", ""]), ["dev", "main"]);
    assert_eq!(offered(&["regcred", "sync", "--credential", ""]), ["docker-hub"]);
    assert_eq!(offered(&["regcred", "sync", "--only", "gi"]), ["github:", "github:acme/api"]);
    place.write("other.yaml", "version: 1\ncredentials:\n  hub:\n    to: { runpod: { name: hub } }\n");
    assert_eq!(offered(&["regcred", "--file", "other.yaml", "plan", "--credential", ""]), ["hub"]);
    assert_eq!(offered(&["regcred", "--file", "other.yaml", "plan", "--only", ""]), ["runpod:"]);
    place.write("infra/Pulumi.\u{1b}[31mred.yaml", "config:\n  aws:region: eu-west-1\n");
    assert_eq!(
        offered(&["regcred", "plan", "--stack", ""]),
        ["dev", "main"],
        "nothing that acts on a terminal"
    );
    place.write("regcred.yaml", "no: [\n");
    assert_eq!(offered(&["regcred", "plan", "--credential", ""]), [""], "one that is wrong offers nothing");
}

#[test]
fn completion_of_init_offers_systems_with_the_names_that_are_found_and_sources() {
    let mut place = Place::bare(World::default());
    let context = json!({ "name": "prod", "context": { "cluster": "prod", "user": "prod" } });
    place.write("kubeconfig", &json!({ "contexts": [context] }).to_string());
    place.set("KUBECONFIG", &place.repo().join("kubeconfig").display().to_string());
    place.set("AWS_REGION", "us-east-2");
    let offered = |words: &[&str]| offered(&place, words);
    let to = offered(&["regcred", "init", "--to", ""]);
    for name in ["runpod", "daytona", "kubernetes", "kubernetes=prod", "aws=us-east-2", "github=acme/api"] {
        assert!(to.contains(&name.to_owned()), "no {name} in {to:?}");
    }
    assert_eq!(offered(&["regcred", "init", "--to", "runpod,day"]), ["runpod,daytona"]);
    let from = offered(&["regcred", "init", "--from", ""]);
    assert!(from.contains(&"docker-config".to_owned()) && from.contains(&"file=".to_owned()), "{from:?}");
}

#[test]
fn every_shell_has_completions() {
    let place = Place::bare(regcred_sandbox::World::default());
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        place.run(&["completions", shell]).ends(0).says("REGCRED_COMPLETE").says(shell);
    }
    place.run(&["completions", "tcsh"]).ends(3).complains("bash");
}

#[test]
fn every_command_has_a_page_in_the_manual_with_examples() {
    let place = Place::bare(regcred_sandbox::World::default());
    place.run(&["man", "share/man1"]).ends(0).complains("man share/man1/regcred.1");
    let page = |name: &str| std::fs::read_to_string(place.repo().join("share/man1").join(name)).unwrap();
    for section in ["EXAMPLES", "\"EXIT CODES\"", "ENVIRONMENT", "FILES", "VERSION"] {
        assert!(page("regcred.1").contains(&format!(".SH {section}\n")), "{section}\n{}", page("regcred.1"));
    }
    for command in COMMANDS {
        let page = page(&format!("regcred-{command}.1"));
        assert!(page.contains(".TH") && page.contains(".SH EXAMPLES\n.nf\n"), "{command}\n{page}");
    }
    assert!(!place.repo().join("share/man1/regcred-version.1").exists(), "it says what --version says");
    place.write("in-the-way", "");
    place.run(&["man", "in-the-way"]).ends(3).complains("in-the-way cannot be written");
}

/// The columns of a terminal that nobody has made wider.
const NARROW: usize = 80;

#[test]
fn every_example_of_the_help_is_a_command_and_every_variable_is_one_that_is_read() {
    let place = Place::bare(regcred_sandbox::World::default());
    let others = source::files().into_iter().filter(|(path, _)| !path.ends_with("cli/help.rs"));
    let source: String = others.map(|(_, text)| text).collect();
    for command in [None].into_iter().chain(COMMANDS.map(Some)) {
        let args: Vec<&str> = command.into_iter().chain(["--help"]).collect();
        let help = place.run(&args).ends(0).stdout.clone();
        let examples =
            help.split("Examples:\n").nth(1).unwrap_or_else(|| panic!("{command:?} has no examples"));
        let wide = examples.lines().find(|line| line.chars().count() > NARROW);
        assert_eq!(wide, None, "{command:?}: a terminal breaks what stands in columns");
        let lines = examples.lines().take_while(|line| !line.is_empty());
        let own = lines.filter_map(|line| Some(&line[line.find("regcred ")?..]));
        let own: Vec<&str> = own.filter(|line| !line.starts_with("regcred.")).collect();
        assert!(!own.is_empty(), "{command:?}\n{help}");
        for example in own {
            let words = example.split("  ").next().unwrap().split(['|', '>', ')']).next().unwrap();
            crate::place::parsed(words.trim().strip_prefix("regcred ").unwrap());
        }
        let environment = help.split("Environment:\n").nth(1).unwrap_or_default();
        let is_name = |word: &&str| {
            word.len() > 4 && word.contains('_') && word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        };
        let names = environment.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(is_name);
        for name in names.filter(|name| !["AWS_REGION", "NO_COLOR"].contains(name)) {
            assert!(source.contains(&format!("\"{name}")), "{command:?}: nothing reads {name}");
        }
    }
}

#[test]
fn the_version_says_the_commit_and_its_day_and_version_and_help_are_words_too() {
    let place = Place::bare(regcred_sandbox::World::default());
    let version = place.run(&["--version"]).ends(0).stdout.clone();
    let words: Vec<&str> = version.split_whitespace().collect();
    assert_eq!(&words[..2], ["regcred", env!("CARGO_PKG_VERSION")]);
    if let [_, _, commit, day] = words.as_slice() {
        assert_eq!((commit.len(), day.len()), ("(123456789".len(), "2026-11-29)".len()), "{version}");
    }
    assert_eq!(place.run(&["version"]).ends(0).stdout, version);
    assert_eq!(place.run(&["help"]).ends(0).stdout, place.run(&["--help"]).stdout);
    assert_eq!(place.run(&["help", "plan"]).ends(0).stdout, place.run(&["plan", "--help"]).stdout);
}

#[test]
fn help_and_usage_errors_have_the_colour_that_is_asked_for() {
    let place = Place::bare(regcred_sandbox::World::default());
    for args in [
        &["--color", "always", "plan", "--help"][..],
        &["plam", "--color=always"],
        &["--color=always", "plan", "--bogus"],
    ] {
        let ran = place.run(args);
        assert!(format!("{}{}", ran.stdout, ran.stderr).contains('\x1b'), "{args:?}");
    }
    for args in [&["--color=never", "plan", "--help"][..], &["plan", "--bogus"]] {
        let ran = place.run(args);
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains('\x1b'), "{args:?}");
    }
}

#[test]
fn permissions_are_those_of_the_systems_that_are_declared_or_named() {
    let place = Place::with_one_stack(regcred_sandbox::World::default());
    let ran = place.run(&["permissions"]);
    ran.ends(0).says("## AWS: sync").says("secretsmanager:PutResourcePolicy").says("## GitHub");
    assert!(!ran.stdout.contains("## RunPod") && !ran.stdout.contains("<!--"), "{}", ran.stdout);
    let ran = place.run(&["permissions", "runpod"]);
    ran.ends(0).says("## RunPod");
    assert!(!ran.stdout.contains("## AWS") && !ran.stdout.contains("]("), "{}", ran.stdout);
    place.run(&["permissions", "aws2"]).ends(3).complains("aws");
    let bare = Place::bare(regcred_sandbox::World::default());
    bare.run(&["permissions"]).ends(0).says("## AWS: sync").says("## RunPod");
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
