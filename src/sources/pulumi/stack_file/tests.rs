use proptest::prelude::*;

use super::*;
use crate::sources::pulumi::sample::{project, said, stack};

fn refusal(content: &str) -> String {
    said(stack(content).expect_err("it is refused"))
}

#[test]
fn keys_are_found_with_and_without_the_projects_name_and_in_the_old_form() {
    let stack = stack("config:\n  a: 1\n  infra:b: 2\n  aws:config:region: r\n").expect("it is good");
    let plain = |key| stack.plain(key).expect("a text").unwrap_or_default();
    for (key, value) in
        [("a", "1"), ("infra:a", "1"), ("b", "2"), ("infra:config:b", "2"), ("aws:region", "r")]
    {
        assert_eq!(plain(key), value, "{key}");
    }
    for absent in ["A", "Infra:a", "region", "a:b:c", "aws:Region"] {
        assert!(stack.entry(absent).is_none(), "{absent}");
    }
    assert_eq!(stack.position("b"), Some(Place::at(&stack.file, 3, 3)));
}

#[test]
fn an_entry_tells_its_kind_and_never_shows_its_value() {
    let content = "config:
  text: hidden
  number: 8080
  empty: ''
  'null':
  secret: {secure: hidden}
  two: {secure: hidden, other: x}
  typed: {secure: 5}
  list: [hidden]
";
    let stack = stack(content).expect("it is good");
    let kind = |key| format!("{:?}", stack.entry(key).expect("it is there").value);
    assert_eq!(kind("text"), "Plain(***)");
    assert_eq!(kind("number"), "Plain(***)");
    assert_eq!(kind("empty"), "Empty");
    assert_eq!(kind("null"), "Empty");
    assert_eq!(kind("secret"), "Secure(***)");
    for object in ["two", "typed", "list"] {
        assert_eq!(kind(object), "Object", "{object}");
    }
    assert!(stack.has("secret") && stack.has("list") && !stack.has("empty") && !stack.has("none"));
    assert!(!format!("{stack:?}").contains("hidden"));
}

#[test]
fn a_path_leads_into_a_value_and_an_exact_key_wins() {
    let stack = stack(
        "config:\n  docker: {user: u, token: {secure: t}, list: [x, 8]}\n  a.b: exact\n  a: {b: path}\n",
    )
    .expect("it is good");
    let plain = |key| stack.plain(key).expect("a text");
    assert_eq!(plain("docker.user").as_deref(), Some("u"));
    assert_eq!(plain("infra:docker.list[1]").as_deref(), Some("8"));
    assert_eq!(plain("a.b").as_deref(), Some("exact"));
    assert_eq!(plain("a[\"b\"]").as_deref(), Some("path"));
    assert_eq!(plain("docker.none.x"), None);
    assert!(matches!(stack.entry("docker.token").map(|entry| entry.value), Some(ConfigValue::Secure(_))));
    assert!(stack.entry("docker.token.secure").is_none());
}

#[test]
fn a_plain_value_must_not_be_encrypted_or_structured() {
    let stack = stack("config:\n  aws:region: {secure: x}\n  a: [b]\n").expect("it is good");
    assert_eq!(
        said(stack.plain("aws:region").expect_err("it is encrypted")),
        "Pulumi.main.yaml:2:3: `aws:region` is encrypted, and is needed in plain text [pulumi config set --plaintext aws:region VALUE --stack main -C infra]"
    );
    assert_eq!(
        said(stack.plain("a").expect_err("it is a list")),
        "Pulumi.main.yaml:3:3: `a` must be text, not a list or a map"
    );
}

#[test]
fn commands_in_hints_can_be_pasted_into_a_shell() {
    let mut stack = stack("").expect("it is good");
    let command = |dir: &str, stack: &mut StackFile| {
        stack.project_dir = dir.into();
        stack.set_command("--secret", "a", "")
    };
    let rest = "config set --secret a --stack main";
    assert_eq!(command("", &mut stack), format!("pulumi {rest}"));
    assert_eq!(command("../in-fra", &mut stack), format!("pulumi {rest} -C ../in-fra"));
    assert_eq!(command("a b's", &mut stack), format!("pulumi {rest} -C 'a b'\\''s'"));
}

#[test]
fn a_file_without_configuration_is_good() {
    for content in
        ["", "# nothing\n", "config:\n", "config: {}\n", "{}\n", "encryptionsalt: x\n", "other: [1]\n"]
    {
        assert!(stack(content).is_ok_and(|stack| stack.entry("a").is_none()), "{content:?}");
    }
}

#[test]
fn a_file_that_cannot_be_used_is_refused_with_its_place() {
    for (content, expected) in [
        ("- a\n", "Pulumi.main.yaml:1:1: the stack file must be a map of keys and values"),
        ("x\n", "Pulumi.main.yaml:1:1: the stack file must be a map of keys and values"),
        ("a: b\nconfig: x\n", "Pulumi.main.yaml:2:1: `config` must be a map of keys and values"),
        ("encryptionsalt: [x]\n", "Pulumi.main.yaml:1:1: `encryptionsalt` must be text"),
        (
            "config:\n  a: 1\n  infra:a: 2\n",
            "Pulumi.main.yaml:3:3: `infra:a` is the same setting as the one on line 2 [delete one of the two: which of them Pulumi takes changes from run to run]",
        ),
        (
            "config:\n  a:b: 1\n  a:config:b: 2\n",
            "Pulumi.main.yaml:3:3: `a:b` is the same setting as the one on line 2 [delete one of the two: which of them Pulumi takes changes from run to run]",
        ),
        (
            "config:\n  a: 1\n  a: 2\n",
            "Pulumi.main.yaml:3:3: the key `a` is here a second time: it is already on line 2 [delete one of the two lines]",
        ),
        (
            "config: {infra:token:dckr_pat_x: }\n",
            "Pulumi.main.yaml:1:10: a configuration key that begins with `infra:` has too many colons [write it as `namespace:name: value`, with a space before the value]",
        ),
    ] {
        assert_eq!(refusal(content), expected);
    }
}

#[test]
fn bytes_that_are_not_text_are_told_with_their_line() {
    let (dir, project) = project(&[("Pulumi.yaml", "name: infra\n")]);
    let file = dir.path().join("Pulumi.main.yaml");
    std::fs::write(&file, b"config:\n  \xc3\xa9: \xff\n").expect("a file");
    assert_eq!(
        said(project.stack("main").expect_err("it is not text")),
        "Pulumi.main.yaml:2:6: the file is not UTF-8 text [save the file as UTF-8]"
    );
    let large = std::fs::File::create(&file).expect("a file");
    large.set_len(5 * 1024 * 1024).expect("a large file");
    assert_eq!(
        said(project.stack("main").expect_err("it is too large")),
        "Pulumi.main.yaml: the file is larger than 4096 KiB"
    );
}

#[test]
fn a_file_that_cannot_be_opened_is_told_with_the_cause() {
    let (dir, project) = project(&[("Pulumi.yaml", "name: infra\n")]);
    let gone = dir.path().join("gone");
    std::os::unix::fs::symlink(&gone, dir.path().join("Pulumi.main.yaml")).expect("a link");
    let problems = project.stacks().expect_err("it cannot be opened");
    let said: Vec<_> = problems.into_iter().map(said).collect();
    assert_eq!(said, ["Pulumi.main.yaml: the file cannot be read: No such file or directory (os error 2)"]);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in any::<Vec<u8>>(), text in "(config:|encryptionsalt:|secure: |[a-c]:|:|\n|  |- |\\{|\\}|v1|&x |\\*x|<<: |\"){0,30}") {
        let (dir, project) = project(&[("Pulumi.yaml", "name: infra\n")]);
        for content in [bytes.as_slice(), text.as_bytes()] {
            std::fs::write(dir.path().join("Pulumi.main.yaml"), content).expect("a file");
            if let Ok(stack) = project.stack("main") {
                let _ = (stack.provider(), stack.list("a"), stack.assume_roles(), stack.entry("b.c"));
                let _ = crate::sources::pulumi::locate(&stack, &Default::default());
            }
        }
    }
}
