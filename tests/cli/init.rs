//! `regcred init`: the file to begin with, by flags, by answers and by what is found.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regcred_sandbox::World;
use serde_json::json;

use crate::place::{PASSPHRASE, Place, TOKEN, USER};
use crate::sources::terminal::on_a_terminal;

/// The digest that a plan prints.
fn digest(place: &Place) -> String {
    let ran = place.run(&["plan"]);
    let after = ran.ends(0).stdout.split("Digest: ").nth(1).expect("the plan has a digest").to_owned();
    after.split_whitespace().next().unwrap().to_owned()
}

/// The file that was written.
fn file(place: &Place) -> String {
    std::fs::read_to_string(place.repo().join("regcred.yaml")).unwrap()
}

fn is_there(place: &Place) -> bool {
    place.repo().join("regcred.yaml").exists()
}

/// Nothing of Pulumi and no repository, the credential in the environment.
fn bare() -> Place {
    let mut place = Place::bare(World::default());
    place.unset("GITHUB_REPOSITORY");
    place
}

/// The same with the sandbox's kubeconfig, whose only context is `prod`.
fn with_cluster() -> Place {
    let mut world = World::default();
    world.kubernetes.cluster_mut("prod");
    let mut place = Place::bare(world);
    place.unset("GITHUB_REPOSITORY");
    let path = place.repo().join("kubeconfig");
    place.sandbox.write_kubeconfig(&path).unwrap();
    place.set("KUBECONFIG", &path.display().to_string());
    place
}

fn without_variables(mut place: Place) -> Place {
    place.unset("DOCKER_HUB_USERNAME");
    place.unset("DOCKER_HUB_TOKEN");
    place
}

/// What a program that reads standard input does with the credential.
fn plan_with_input(place: &Place) -> String {
    let input = place.repo().join("input");
    std::fs::write(&input, format!("{USER}\n{TOKEN}\n")).unwrap();
    let ran = place.command(&["plan"]).stdin(std::fs::File::open(input).unwrap()).output().unwrap();
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn what_discovery_finds_is_written_and_the_plan_stays_the_same() {
    let mut place = Place::with_pulumi();
    let before = digest(&place);
    // No passphrase and no network: nothing is decrypted for it.
    place.unset("PULUMI_CONFIG_PASSPHRASE");
    let (ran, calls) = place.watch(&["init"]);
    ran.ends(0).complains("regcred.yaml is written. Next: regcred plan");
    assert_eq!(calls.len(), 0);
    let file = file(&place);
    for line in [
        "from: { pulumi: { project: infra, stack: main } }",
        "dev: { region: us-west-2 }",
        "main: { region: us-east-2 }",
        "- repository: acme/api",
    ] {
        assert!(file.contains(line), "no {line} in\n{file}");
    }
    assert!(!file.contains(TOKEN) && !file.contains("v1:"), "{file}");
    assert!(!file.contains("runpod"), "a login of this machine is no place: {file}");
    place.set("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE);
    assert_eq!(digest(&place), before, "{file}");
}

#[test]
fn a_file_that_is_there_stays_as_it_is_and_another_name_can_be_given() {
    let place = Place::new();
    place.write("regcred.yaml", "mine\n");
    place.run(&["init", "--to", "runpod"]).ends(3).complains("regcred.yaml: is there already");
    assert_eq!(file(&place), "mine\n");
    let ran = place.run(&["init", "--file", "my other.yaml"]);
    ran.ends(0).complains("Next: regcred plan --file 'my other.yaml'");
    let other = std::fs::read_to_string(place.repo().join("my other.yaml")).unwrap();
    assert!(other.contains("# No `from:`") && !other.contains("pulumi:"), "the environment counts: {other}");
    place.run(&["plan", "--file", "my other.yaml"]).ends(0).says("env:DOCKER_HUB_TOKEN");
}

#[test]
fn the_file_that_the_environment_names_is_written_and_is_what_the_next_command_reads() {
    let mut place = Place::new();
    std::fs::create_dir(place.repo().join("team")).unwrap();
    place.set("REGCRED_FILE", "team/hub.yaml");
    place
        .run(&["init", "--to", "runpod"])
        .ends(0)
        .complains("team/hub.yaml is written. Next: regcred plan\n");
    assert!(!place.repo().join("regcred.yaml").exists(), "nothing reads it while the variable is set");
    place.run(&["plan"]).ends(0).says("runpod\n").says("the configuration is team/hub.yaml (REGCRED_FILE)");
    place.run(&["init", "--to", "daytona"]).ends(3).complains("team/hub.yaml: is there already");
    let ran = place.run(&["init", "--to", "daytona", "--file", "other.yaml"]);
    ran.ends(0).complains("other.yaml is written. Next: regcred plan --file other.yaml\n");
    place.run(&["plan", "--file", "other.yaml"]).ends(0).says("daytona\n");
    place.set("REGCRED_FILE", "hub.yaml");
    let ran = place.run(&["init", "--to", "daytona", "-C", "team/.."]);
    ran.ends(0).complains("hub.yaml is written. Next: regcred plan -C team/..\n");
    place.run(&["plan", "-C", "team/.."]).ends(0).says("daytona\n");
}

#[test]
fn every_system_by_its_flag_plans_at_once() {
    for (to, address) in [
        ("aws=us-east-2", "aws:123456789012/us-east-2/cache-rule/main-docker-hub"),
        ("daytona", "daytona:registry/docker-hub"),
        ("github=acme/api", "github:acme/api/actions/DOCKER_HUB_TOKEN"),
        ("kubernetes=prod", "kubernetes:prod/default/secret/docker-hub"),
        ("kubernetes", "kubernetes:prod/default/secret/docker-hub"),
        ("runpod", "runpod:registry/docker-hub"),
    ] {
        let place = with_cluster();
        let (ran, calls) = place.watch(&["init", "--to", to]);
        ran.ends(0).complains("regcred.yaml is written. Next: regcred plan");
        assert_eq!(calls.len(), 0, "{to}");
        let ran = place.run(&["plan", "--json"]);
        let plan: serde_json::Value = serde_json::from_str(&ran.ends(0).stdout).unwrap();
        let changes = plan["changes"].as_array().unwrap();
        assert!(changes.iter().any(|change| change["address"] == address), "{to}: {changes:#?}");
        let system = address.split(':').next();
        let others =
            changes.iter().filter(|change| change["address"].as_str().unwrap().split(':').next() != system);
        assert_eq!(others.count(), 0, "{to}");
    }
}

#[test]
fn several_places_are_in_one_file_each_system_once() {
    let mut place = with_cluster();
    place.set("AWS_REGION", "us-west-2");
    let to = ["runpod,github=acme/api,aws", "github=acme/web,kubernetes=prod,daytona,runpod,github=acme/api"];
    place.run(&["init", "--to", to[0], "--to", to[1]]).ends(0);
    let file = file(&place);
    assert!(file.lines().all(|line| line.len() <= 80), "{file}");
    for system in regcred::systems::NAMES {
        assert_eq!(file.matches(&format!("      {system}:")).count(), 1, "{system}: {file}");
    }
    assert!(file.contains("main: { region: us-west-2 }"), "{file}");
    assert_eq!(file.matches("repository: acme/api").count(), 1, "{file}");
    assert!(file.contains("repository: acme/web"), "{file}");
    place.run(&["plan"]).ends(0).says("cache-rule/main-docker-hub");
}

#[test]
fn every_source_by_its_flag_plans_at_once() {
    let to = ["--to", "daytona"];
    for (from, line) in [("env", "from: env\n"), ("stdin", "from: stdin\n")] {
        let place = bare();
        place.run(&[&["init", "--from", from], &to[..]].concat()).ends(0);
        assert!(file(&place).contains(line), "{}", file(&place));
        let plan = plan_with_input(&place);
        assert!(plan.contains(if from == "env" { "env:DOCKER_HUB_TOKEN" } else { "stdin" }), "{plan}");
    }
    let place = without_variables(bare());
    place.write("secret.json", &format!("{{\"username\":\"{USER}\",\"token\":\"{TOKEN}\"}}"));
    std::fs::set_permissions(place.repo().join("secret.json"), Permissions::from_mode(0o600)).unwrap();
    for (from, says) in [("file=secret.json", "file:secret.json"), ("command=cat 'secret.json'", "command:")]
    {
        place.run(&[&["init", "--from", from], &to[..]].concat()).ends(0);
        place.run(&["plan"]).ends(0).says(says);
        std::fs::remove_file(place.repo().join("regcred.yaml")).unwrap();
    }
}

#[test]
fn many_repositories_are_named_by_a_pattern() {
    let place = bare();
    place.run(&["init", "--to", "github=acme/*", "--from", "env"]).ends(0);
    assert!(file(&place).contains("  - repositories: [\"acme/*\"]\n"), "{}", file(&place));
    place.run(&["plan"]).ends(0).says("github:acme/api").says("github:acme/web");
}

#[test]
fn the_sources_that_other_programs_keep_plan_at_once() {
    let to = ["--to", "daytona"];
    let place = Place::with_pulumi();
    place.run(&[&["init", "--from", "pulumi"], &to[..]].concat()).ends(0);
    assert!(file(&place).contains("from: { pulumi: { project: infra, stack: main } }"), "{}", file(&place));
    place.run(&["plan"]).ends(0).says("pulumi:");

    let mut place = without_variables(bare());
    let login = STANDARD.encode(format!("{USER}:{TOKEN}"));
    let config = format!("{{\"auths\":{{\"https://index.docker.io/v1/\":{{\"auth\":\"{login}\"}}}}}}");
    place.write("docker/config.json", &config);
    place.set("DOCKER_CONFIG", &place.repo().join("docker").display().to_string());
    // It is also what is found.
    for from in [&["--from", "docker-config"][..], &[]] {
        place.run(&[&["init"], from, &to].concat()).ends(0);
        assert!(file(&place).contains("from: docker-config\n"), "{}", file(&place));
        place.run(&["plan"]).ends(0).says("docker-config");
        std::fs::remove_file(place.repo().join("regcred.yaml")).unwrap();
    }

    let place = Place::bare(World::default());
    place.run(&["init", "--to", "aws=us-east-2"]).ends(0);
    place.sync();
    std::fs::remove_file(place.repo().join("regcred.yaml")).unwrap();
    let mut place = without_variables(place);
    place.set("AWS_REGION", "us-east-2");
    place.run(&["init", "--from", "aws-secret=ecr-pullthroughcache/docker-hub", "--to", "daytona"]).ends(0);
    place.run(&["plan"]).ends(0).says("aws-secret:us-east-2/ecr-pullthroughcache/docker-hub");
}

#[test]
fn a_command_without_a_program_is_left_to_be_named() {
    let place = bare();
    place.run(&["init", "--from", "command", "--to", "daytona"]).ends(0).complains("Name your program in it");
    let named = format!("from: {{ command: [printf, '{USER}\\n{TOKEN}\\n'] }}");
    place.edit("regcred.yaml", "from: { command: [PROGRAM, ARGUMENT] }", &named);
    place.run(&["plan"]).ends(0).says("registry/docker-hub");
}

#[test]
fn with_nothing_found_every_system_is_a_comment_and_the_plan_says_so() {
    let place = without_variables(with_cluster());
    let (ran, calls) = place.watch(&["init"]);
    ran.ends(0)
        .complains("Uncomment what you use of aws, daytona, github, kubernetes, runpod")
        .complains("Found here: daytona, kubernetes, runpod. Next: regcred plan");
    assert_eq!(calls.len(), 0);
    let text = file(&place);
    assert!(text.contains("      #  - { context: prod, namespaces: [default] }\n"), "{text}");
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    let to = text.lines().position(|line| line == "    to:").unwrap() + 1;
    place
        .run(&["plan"])
        .ends(3)
        .complains(&format!("regcred.yaml:{to}:5: credential `docker-hub` goes nowhere"))
        .complains("uncomment there: aws, daytona, github, kubernetes or runpod");
}

#[test]
fn each_system_of_the_comment_plans_when_it_is_uncommented() {
    for system in regcred::systems::NAMES {
        let place = with_cluster();
        place.run(&["init"]).ends(0);
        let text = file(&place);
        let mut inside = false;
        let lines = text.lines().map(|line| {
            inside = match line.strip_prefix("      #") {
                Some(code) if code.starts_with(&format!("{system}:")) => true,
                Some(code) => inside && code.starts_with("  "),
                None => false,
            };
            if inside { line.replacen('#', "", 1) } else { line.to_owned() }
        });
        let live = lines.collect::<Vec<_>>().join("\n").replace("OWNER/REPOSITORY", "acme/api");
        place.write("regcred.yaml", &live);
        let ran = place.run(&["plan", "--json"]);
        assert!(ran.ends(0).stdout.contains(&format!("\"address\":\"{system}:")), "{live}\n{}", ran.stdout);
    }
}

#[test]
fn a_project_without_the_credential_is_written_with_a_word_about_it() {
    let place = without_variables(Place::new());
    place.write("infra/Pulumi.dev.yaml", "config:\n  aws:region: us-west-2\n");
    place.write("infra/Pulumi.main.yaml", "config:\n  aws:region: us-east-2\n");
    place.run(&["init"]).ends(0).complains("no stack of project `infra` has dockerHubUsername");
    let text = file(&place);
    assert!(text.contains("dev: { region: us-west-2 }") && text.contains("# No `from:`"), "{text}");
    place.run(&["plan"]).ends(3).complains("pulumi config set --secret dockerHubToken");
}

#[test]
fn a_plan_with_nothing_here_names_init() {
    let place = without_variables(bare());
    for args in [&["plan"][..], &["sync"], &["verify", "--image", "redis"], &["remove"], &["rbac"]] {
        place.run(args).ends(3).complains("nothing is declared here").complains("hint: regcred init");
    }
    place.run(&["init", "--to", "daytona"]).ends(0);
    let ran = place.run(&["plan"]);
    ran.ends(3)
        .complains("neither DOCKER_HUB_USERNAME and DOCKER_HUB_TOKEN are set")
        .complains("from: stdin");
}

#[test]
fn a_flag_that_is_wrong_is_refused_with_what_was_meant_and_nothing_is_written() {
    let place = with_cluster();
    for (args, message, hint) in [
        (&["--to", "kubernets"][..], "there is no system `kubernets`", "did you mean kubernetes?"),
        (&["--to", "gitlab=acme/api"], "there is no system `gitlab`", "did you mean github?"),
        (&["--to", "runai"], "Run:ai is reached through its cluster", "--to kubernetes=CONTEXT"),
        (&["--to", "github"], "no GitHub repository is found here", "--to github=OWNER/REPO"),
        (&["--to", "github=acme"], "`acme` is not a repository", "--to github=OWNER/REPO"),
        (&["--to", "github=*/api"], "`*/api` does not name the owner", "acme/api"),
        (&["--to", "aws"], "the region of AWS is not known", "--to aws=us-east-2"),
        (&["--to", "aws=us-eats-2"], "`us-eats-2` is not a region", "did you mean us-east-2?"),
        (&["--to", "runpod=x"], "`runpod` takes nothing behind it", "--to runpod"),
        (&["--from", "comand"], "there is no source `comand`", "did you mean command?"),
        (&["--from", "file"], "`file` does not say which", "--from file=PATH"),
        (&["--from", "command='op"], "the command has a quote that does not end", "--from command="),
        (&["--from", "aws-secret=x"], "the region of the secret is not known", "export AWS_REGION"),
        (&["--registry", "hub.docker.com"], "not the name of Docker Hub's registry", "docker.io"),
        (&["--registry", "quay.io", "--to", "aws=us-east-2"], "ECR has no pull-through cache", "ghcr.io"),
        (&["--stack", "dev"], "`--stack` and `--only` choose among a file's places", "leave out"),
        (&["--credential", "Hub", "--to", "daytona"], "`Hub` is not a credential's name", "docker-hub"),
        (&["--to", ""], "a value is required", "--to"),
    ] {
        place.run(&[&["init"], args].concat()).ends(3).complains(message).complains(hint);
        assert!(!is_there(&place), "{args:?}");
    }
    let ran =
        place.run(&["init", "--to", "kubernets,github=acme,runpod", "--from", "x", "--registry", "a/b"]);
    assert_eq!(ran.ends(3).stderr.matches("error:").count(), 4, "all at once: {}", ran.stderr);
    let named = place.run(&["init", "--credential", "hub", "--to", "daytona", "--file", "hub.yaml"]);
    named.ends(0).complains("Next: regcred plan --file hub.yaml --credential hub");
    // Another machine may have the context.
    let ran = place.run(&["init", "--to", "kubernetes=prdo"]);
    ran.ends(0).complains("has no context `prdo`: did you mean prod?");
}

#[test]
fn a_profile_of_aws_gives_its_region() {
    let mut place = bare();
    place.write("aws", "[profile prod]\nregion = eu-west-1\n[profile none]\n");
    place.set("AWS_CONFIG_FILE", &place.repo().join("aws").display().to_string());
    place.run(&["init", "--to", "aws=none"]).ends(3).complains("the AWS profile `none` has no region");
    place.run(&["init", "--to", "aws=prd"]).ends(3).complains("did you mean aws=prod?");
    place.run(&["init", "--to", "aws=prod,aws=us-east-1,aws=us-east-2"]).ends(0);
    let text = file(&place);
    for line in [
        "prod: { region: eu-west-1, profile: prod }",
        "us-east-1: { region: us-east-1 }",
        "us-east-2: { region: us-east-2 }",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

/// A kubeconfig whose only context has this name.
fn with_context(place: &mut Place, name: &str) {
    let context = json!({ "name": name, "context": {} });
    place.write("kubeconfig", &json!({ "current-context": name, "contexts": [context] }).to_string());
    place.set("KUBECONFIG", &place.repo().join("kubeconfig").display().to_string());
}

#[test]
fn names_that_are_no_plain_words_are_quoted_and_mean_themselves() {
    let hostile = "a: b #c }]\"' \\ \u{1F600}é & *x {y";
    let mut place = without_variables(bare());
    with_context(&mut place, hostile);
    place.run(&["init", "--to", "kubernetes", "--from", "command=cat \"a: b\" '#c' '[x'"]).ends(0);
    let text = file(&place);
    assert!(text.contains("command: [cat, \"a: b\", \"#c\", \"[x\"]"), "{text}");
    let quoted = regcred::yaml::word(hostile);
    assert!(text.contains(&format!("- {{ context: {quoted}, namespaces")), "{text}");
    // Both mean themselves: the program is started so, and the context looked for.
    let ran = place.run(&["rbac"]);
    ran.ends(0);
    let ran = place.run(&["plan"]);
    assert!(ran.stderr.contains("cat"), "{}", ran.stderr);
}

#[test]
fn a_name_with_a_line_break_adds_no_line_and_is_refused_where_it_would_count() {
    let name = "x\u{2028}      runpod: { templates: all }\n      daytona: {}\u{85}#";
    let mut place = without_variables(bare());
    with_context(&mut place, name);
    place.run(&["init", "--to", "kubernetes"]).ends(3).complains("an invisible character");
    assert!(!is_there(&place));
}

#[test]
fn an_editor_finds_the_schema_beside_the_file_as_long_as_none_is_published() {
    let place = bare();
    place.run(&["init", "--to", "runpod"]).ends(0).complains("regcred schema > regcred.schema.json");
    let text = file(&place);
    assert_eq!(text.lines().next(), Some("# yaml-language-server: $schema=regcred.schema.json"));
    let schema = place.run(&["schema"]);
    let schema: serde_json::Value = serde_json::from_str(&schema.ends(0).stdout).unwrap();
    let id = schema["$id"].as_str().unwrap();
    assert!(id.ends_with("/regcred.schema.json"), "{id}");
    // The one place that a release fills in.
    assert!(id.starts_with(env!("CARGO_PKG_REPOSITORY")), "{id}");
    assert_eq!(
        env!("CARGO_PKG_REPOSITORY").contains("/OWNER/"),
        text.contains("$schema=regcred.schema.json")
    );
    place.write("regcred.schema.json", "{}");
    std::fs::remove_file(place.repo().join("regcred.yaml")).unwrap();
    let ran = place.run(&["init", "--to", "runpod"]);
    assert!(!ran.ends(0).stderr.contains("regcred schema"), "it is there: {}", ran.stderr);
}

const REGISTRY: &str = "Registry [docker.io]: ";

#[test]
fn whoever_sits_at_the_terminal_is_asked_and_enter_takes_what_is_found() {
    let place = with_cluster();
    let answers = [(REGISTRY, ""), ("From [env]: ", ""), ("To [daytona,kubernetes=prod,runpod]: ", "")];
    let (code, shown) = on_a_terminal(&place, "init", &answers);
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("Found here: context prod") && !shown.contains(TOKEN), "{shown}");
    let text = file(&place);
    assert!(
        text.contains("context: prod") && text.contains("runpod:") && !text.contains("from: env"),
        "{text}"
    );
    place.run(&["plan"]).ends(0).says("kubernetes:prod/default").says("Plan: 3 to create");
}

#[test]
fn an_answer_that_cannot_be_read_is_told_and_asked_for_again() {
    let place = without_variables(with_cluster());
    let answers = [
        (REGISTRY, "docker"),
        (REGISTRY, " GHCR.io "),
        ("From [env, else pulumi]: ", "stdn"),
        ("From [env, else pulumi]: ", "stdin"),
        ("To [daytona,kubernetes=prod,runpod]: ", "kubernets"),
        ("To [daytona,kubernetes=prod,runpod]: ", "kubernetes, github=acme/api"),
    ];
    let (code, shown) = on_a_terminal(&place, "init", &answers);
    assert_eq!(code, 0, "{shown}");
    for words in ["did you mean stdin?", "did you mean kubernetes?", "the name of Docker Hub's registry"] {
        assert!(shown.contains(words), "no {words} in {shown}");
    }
    let text = file(&place);
    for line in
        ["  ghcr:\n    registry: ghcr.io\n", "from: stdin\n", "context: prod", "- repository: acme/api"]
    {
        assert!(text.contains(line), "no {line} in {text}");
    }
}

#[test]
fn an_interrupt_or_the_end_of_input_in_the_middle_writes_nothing() {
    for (key, ends) in [("\u{3}", 130), ("\u{4}", 1)] {
        let place = with_cluster();
        let (code, shown) = on_a_terminal(&place, "init", &[(REGISTRY, ""), ("From [env]: ", key)]);
        assert_eq!(code, ends, "{shown}");
        assert!(!is_there(&place), "{shown}");
    }
}

#[test]
fn nothing_is_asked_with_flags_with_no_input_or_for_a_file_that_is_there() {
    for args in ["init --no-input", "init --to runpod", "init --json"] {
        let place = with_cluster();
        let (code, shown) = on_a_terminal(&place, args, &[]);
        assert_eq!(code, 0, "{args}: {shown}");
        assert!(!shown.contains("Registry [") && is_there(&place), "{args}: {shown}");
    }
    let place = with_cluster();
    place.write("regcred.yaml", "mine\n");
    let (code, shown) = on_a_terminal(&place, "init", &[]);
    assert_eq!(code, 3, "{shown}");
    assert!(shown.contains("is there already") && !shown.contains("Registry ["), "{shown}");
}
