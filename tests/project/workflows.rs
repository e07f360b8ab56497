//! The workflows that the documentation shows, beside the action that they use.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::pages::read;

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The blocks of YAML on the page, as documents.
fn shown() -> Vec<(String, Value)> {
    let page = read("docs/github-actions.md");
    let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split_once("```"));
    blocks.map(|(block, _)| (block.to_owned(), yaml(block))).collect()
}

/// Every step of a document, wherever it is in it.
fn steps(value: &Value) -> Vec<&Value> {
    match value {
        Value::Object(map) if map.contains_key("uses") => vec![value],
        Value::Object(map) => map.values().flat_map(steps).collect(),
        Value::Array(list) => list.iter().flat_map(steps).collect(),
        _ => Vec::new(),
    }
}

/// What a step uses, with its commit.
fn uses(step: &Value) -> &str {
    step["uses"].as_str().unwrap()
}

#[test]
fn the_starter_is_a_workflow_of_fifteen_lines() {
    let (text, starter) = &shown()[0];
    assert!(text.lines().count() <= 15, "{text}");
    assert_eq!(steps(starter).len(), 3);
    assert_eq!(starter["jobs"]["sync"]["environment"], "regcred-sync");
    assert_eq!(starter["permissions"]["id-token"], "write");
}

#[test]
fn a_workflow_that_is_shown_gives_the_action_inputs_that_it_has_and_pins_the_others_as_ours_do() {
    let action = yaml(&read("action.yml"));
    let inputs = action["inputs"].as_object().unwrap();
    let required: BTreeSet<&String> =
        inputs.iter().filter(|(_, input)| input["required"] == true).map(|(name, _)| name).collect();
    let ours = read(".github/workflows/sync.yml");
    let mut count = 0;
    for (text, document) in shown() {
        for step in steps(&document) {
            count += 1;
            if let Some(called) = called(uses(step)) {
                calls(step, &yaml(&read(called)));
                continue;
            }
            if !uses(step).starts_with("OWNER/regcred@") {
                assert!(ours.contains(&format!("uses: {}", uses(step))), "{}", uses(step));
                continue;
            }
            let given: BTreeSet<&String> = step["with"].as_object().unwrap().keys().collect();
            assert!(given.iter().all(|name| inputs.contains_key(*name)), "{given:?}\n{text}");
            assert!(required.is_subset(&given), "{required:?}\n{text}");
        }
    }
    assert_eq!(count, 7);
}

/// The workflow of this repository that a job calls, from here or from another repository.
fn called(uses: &str) -> Option<&str> {
    let path = uses
        .strip_prefix("./")
        .or_else(|| uses.strip_prefix("OWNER/regcred/").and_then(|rest| rest.strip_suffix("@COMMIT")))?;
    path.starts_with(".github/workflows/").then_some(path)
}

/// A job that calls a workflow gives it inputs and secrets that it has, and lets it do what its jobs need.
fn calls(job: &Value, workflow: &Value) {
    let [inputs, secrets] =
        ["inputs", "secrets"].map(|kind| workflow["on"]["workflow_call"][kind].as_object().unwrap());
    let given = |kind: &str| job[kind].as_object().into_iter().flatten().map(|(name, _)| name);
    assert!(given("with").all(|name| inputs.contains_key(name)), "{job}");
    assert!(given("secrets").all(|name| secrets.contains_key(name)), "{job}");
    let mut by_hand = workflow["on"]["workflow_dispatch"]["inputs"].as_object().into_iter().flatten();
    assert!(by_hand.all(|(name, input)| inputs.get(name) == Some(input)), "{job}");
    let jobs = workflow["jobs"].as_object().unwrap().values();
    let mut needed = BTreeMap::new();
    for (name, level) in jobs.flat_map(|job| job["permissions"].as_object().unwrap()) {
        let most = needed.entry(name).or_insert(level);
        // To write is more than to read.
        *most = if level == "write" { level } else { most };
    }
    assert_eq!(needed, job["permissions"].as_object().unwrap().iter().collect(), "{job}");
}

#[test]
fn the_action_of_the_repository_needs_no_input_and_the_one_to_be_copied_differs_in_what_to_install_alone() {
    let [root, copied] = ["action.yml", ".github/actions/regcred/action.yml"].map(|path| yaml(&read(path)));
    let inputs = root["inputs"].as_object().unwrap();
    assert!(inputs.values().all(|input| input["required"].is_null()), "{inputs:?}");
    let names = |action: &Value| action["inputs"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&root), names(&copied));
    for name in
        names(&root).iter().filter(|name| !["version", "sha256", "repository"].contains(&name.as_str()))
    {
        assert_eq!(root["inputs"][name], copied["inputs"][name], "{name}");
    }
    assert_eq!(root["outputs"], copied["outputs"]);
    let moved = copied["runs"]
        .to_string()
        .replace("$GITHUB_ACTION_PATH/", "$GITHUB_ACTION_PATH/.github/actions/regcred/");
    assert_eq!(root["runs"].to_string(), moved);
}

#[test]
fn the_page_names_every_input_of_the_action() {
    let page = read("docs/github-actions.md");
    let action = yaml(&read("action.yml"));
    for name in action["inputs"].as_object().unwrap().keys() {
        let row = page.lines().find(|line| line.starts_with("| `") && line.contains(&format!("`{name}`")));
        assert!(row.is_some(), "{name}");
    }
}

#[test]
fn issue_templates_are_of_the_form_that_github_reads() {
    for name in ["bug", "answer"] {
        let template = yaml(&read(&format!(".github/ISSUE_TEMPLATE/{name}.yml")));
        assert!(template["name"].is_string() && template["description"].is_string(), "{name}");
        for field in template["body"].as_array().unwrap() {
            let kind = field["type"].as_str().unwrap();
            assert!(["markdown", "input", "textarea", "dropdown"].contains(&kind), "{name}: {kind}");
            let words = if kind == "markdown" { "value" } else { "label" };
            assert!(field["attributes"][words].is_string(), "{name}: {field}");
        }
    }
}
