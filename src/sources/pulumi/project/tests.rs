use super::*;
use crate::sources::pulumi::sample::{folder, project, said};

const NAME: &str = "name: infra\n";

fn refusal(file: &str, content: &str) -> String {
    let dir = folder(&[(file, content)]);
    said(Project::open(dir.path()).expect_err("it is refused"))
}

fn value(project_file: &str, key: &str) -> Option<String> {
    let (_dir, project) = project(&[("Pulumi.yaml", project_file), ("Pulumi.main.yaml", "")]);
    let stack = project.stack("main").expect("it is good");
    stack.plain(key).expect("it is a text")
}

#[test]
fn the_project_is_the_nearest_one_above() {
    let dir = folder(&[
        ("Pulumi.yaml", "name: outer\n"),
        ("a/Pulumi.yml", "name: inner\n"),
        ("a/b/c/x", ""),
        ("d/Pulumi.yaml/x", "a folder of that name is none"),
    ]);
    let name = |below: &str| {
        let found = Project::find(&dir.path().join(below)).expect("the files are good");
        found.map(|project| project.name)
    };
    assert_eq!(name("a/b/c").as_deref(), Some("inner"));
    assert_eq!(name("a").as_deref(), Some("inner"));
    assert_eq!(name("a/b/../../d").as_deref(), Some("outer"));
    assert_eq!(name("not/there").as_deref(), Some("outer"));
    assert!(Project::find(Path::new("/")).expect("no file").is_none());
}

#[test]
fn of_several_project_files_pulumis_order_decides() {
    let dir = folder(&[
        ("Pulumi.yml", "name: yml\n"),
        ("Pulumi.yaml", "name: yaml\n"),
        ("Pulumi.json", "{\"name\": \"json\"}"),
    ]);
    let mut names = Vec::new();
    for file in PROJECT_FILES {
        names.push(Project::open(dir.path()).expect("it is good").name);
        std::fs::remove_file(dir.path().join(file)).expect("a file");
    }
    assert_eq!(names, ["json", "yaml", "yml"]);
    let none = Project::open(dir.path()).expect_err("there is none left");
    assert!(
        said(none)
            .ends_with("there is no Pulumi project here [run in the folder of Pulumi.yaml, or below it]")
    );
}

#[test]
fn stack_files_have_the_ending_of_the_project_file() {
    let files = [
        ("Pulumi.yml", NAME),
        ("Pulumi.b.yml", ""),
        ("Pulumi.a.b-C_1.yml", ""),
        ("Pulumi.a.yaml", ""),
        ("Pulumi.b.yml.bak", ""),
        ("Pulumi.x y.yml", ""),
        ("Pulumi..yml", ""),
        ("PulumiPolicy.yml", ""),
        ("Pulumi.folder.yml/x", ""),
    ];
    let (_dir, project) = project(&files);
    assert_eq!(project.stack_names().expect("a list"), ["a.b-C_1", "b"]);
    assert_eq!(project.stacks().expect("they are good").len(), 2);
}

#[test]
fn a_json_project_has_json_stack_files() {
    let (_dir, project) = project(&[
        ("Pulumi.json", r#"{"name": "infra", "config": {"aws:region": "eu-west-1"}}"#),
        ("Pulumi.main.json", r#"{"config": {"a": "b", "infra:c": 0}}"#),
    ]);
    let stack = project.stack("main").expect("it is good");
    assert_eq!(stack.plain("infra:a").expect("a text").as_deref(), Some("b"));
    assert_eq!(stack.plain("c").expect("a text").as_deref(), Some("0"));
    assert_eq!(stack.plain("aws:region").expect("a text").as_deref(), Some("eu-west-1"));
    assert_eq!(stack.position("c").and_then(|place| place.column), Some(23));
}

#[test]
fn the_folder_of_the_stack_files_can_be_named_in_two_ways() {
    for line in [
        "stackConfigDir: stacks",
        "config: stacks",
        "stackConfigDir: /stacks",
        "config: stacks\nstackConfigDir: ''",
    ] {
        let content = format!("{NAME}{line}\n");
        let (_dir, project) =
            project(&[("Pulumi.yaml", &content), ("stacks/Pulumi.main.yaml", ""), ("Pulumi.dev.yaml", "")]);
        assert_eq!(project.stack_names().expect("a list"), ["main"], "{line}");
    }
    let both = format!("{NAME}config: a\nstackConfigDir: b\n");
    assert_eq!(
        refusal("Pulumi.yaml", &both),
        "Pulumi.yaml:2:1: `config` and `stackConfigDir` both name the folder of the stack files [delete `config`, and keep `stackConfigDir`]"
    );
    let missing = format!("{NAME}stackConfigDir: nowhere\n");
    let (_dir, project) = project(&[("Pulumi.yaml", &missing)]);
    assert!(project.stack_names().expect("none is no error").is_empty());
}

#[test]
fn a_symlinked_project_folder_is_read_like_any_other() {
    let dir = folder(&[("real/Pulumi.yaml", NAME), ("real/Pulumi.main.yaml", "config: {a: b}\n")]);
    std::os::unix::fs::symlink(dir.path().join("real"), dir.path().join("link")).expect("a link");
    let project = Project::find(&dir.path().join("link")).expect("it is good").expect("it is there");
    assert_eq!(project.file, dir.path().join("link/Pulumi.yaml"));
    assert!(project.stack("main").is_ok_and(|stack| stack.has("a")));
}

#[test]
fn the_projects_values_stand_behind_those_of_the_stack() {
    let file = "name: infra
config:
  a: short
  b: {type: string, default: long}
  aws:region: {value: us-east-2}
  infra:c: 511
  secret: {type: string, secret: true}
  encrypted: {default: {secure: x}}
  nothing: null
";
    let short = |key| value(file, key);
    assert_eq!(short("a").as_deref(), Some("short"));
    assert_eq!(short("b").as_deref(), Some("long"));
    assert_eq!(short("aws:region").as_deref(), Some("us-east-2"));
    assert_eq!(short("c").as_deref(), Some("511"));
    for none in ["secret", "encrypted", "nothing", "A", "region"] {
        assert_eq!(short(none), None, "{none}");
    }
}

#[test]
fn the_backend_of_a_project_is_known() {
    let (_dir, project) = project(&[("Pulumi.yaml", "name: infra\nbackend: {url: 's3://b'}\n")]);
    assert_eq!(project.backend.as_deref(), Some("s3://b"));
}

#[test]
fn a_project_file_that_cannot_be_used_is_refused_with_its_place() {
    let cases = [
        ("", "Pulumi.yaml: the project file must be a map of keys and values"),
        ("- a\n", "Pulumi.yaml: the project file must be a map of keys and values"),
        ("Name: x\n", "Pulumi.yaml: the project file has no `name` [add a line such as `name: infra`]"),
        ("name: ''\n", "Pulumi.yaml: the project file has no `name` [add a line such as `name: infra`]"),
        ("a: 1\nname: 5\n", "Pulumi.yaml:2:1: `name` must be text"),
        ("name: x\nstackConfigDir: [a]\n", "Pulumi.yaml:2:1: `stackConfigDir` must be text"),
        (
            "name: x\nname: y\n",
            "Pulumi.yaml:2:1: the key `name` is here a second time: it is already on line 1 [delete one of the two lines]",
        ),
    ];
    for (content, expected) in cases {
        assert_eq!(refusal("Pulumi.yaml", content), expected);
    }
    assert_eq!(refusal("Pulumi.json", "{\"name\": }"), "Pulumi.json:1:10: not valid JSON: expected value");
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_name() {
    let dir = folder(&[("Pulumi.yaml", "\u{feff}name: infra\n")]);
    assert_eq!(Project::open(&dir.path().join("Pulumi.yaml")).expect("it is good").name, "infra");
}

#[test]
fn a_stack_without_a_file_is_refused_with_those_that_have_one() {
    let (_dir, project) =
        project(&[("Pulumi.yaml", NAME), ("Pulumi.dev.yaml", ""), ("Pulumi.main.yaml", "")]);
    let there = project.dir.display().to_string();
    assert_eq!(
        said(project.stack("prod").expect_err("it is not there")),
        format!(
            "Pulumi.prod.yaml: there is no such file for stack `prod`; the stacks with a file are dev, main [pulumi stack init prod -C {there}]"
        )
    );
    assert_eq!(
        said(project.stack("../x").expect_err("it is no name")),
        "`../x` cannot be a stack's name: 1 to 100 letters, digits, `_`, `.` and `-`"
    );
    let other = Project::open(&project.dir.join("Pulumi.dev.yaml")).expect_err("it is a stack file");
    assert!(said(other).starts_with("Pulumi.dev.yaml: a Pulumi project file is called"));
}

#[test]
fn every_bad_stack_file_is_told_at_once() {
    let (_dir, project) = project(&[
        ("Pulumi.yaml", NAME),
        ("Pulumi.a.yaml", "config: [x]\n"),
        ("Pulumi.b.yaml", "config:\n\ta: b\n"),
        ("Pulumi.c.yaml", "config: {a: b}\n"),
    ]);
    let problems = project.stacks().expect_err("two are bad");
    let places: Vec<_> =
        problems.into_iter().map(|problem| said(problem).chars().take(17).collect::<String>()).collect();
    assert_eq!(places, ["Pulumi.a.yaml:1:1", "Pulumi.b.yaml:2:2"]);
}
