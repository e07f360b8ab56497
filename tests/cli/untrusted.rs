//! What a branch that nobody has reviewed cannot have a plan do. Each refusal is seen from outside: a program leaves a mark when
//! it is started, and the sandbox logs every request.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use regcred_sandbox::aws::Role;
use regcred_sandbox::kubernetes::Context;
use regcred_sandbox::{Call, Service, World};
use serde_json::{Value, json};

use crate::place::{ONE_STACK, Place, Ran, TOKEN, USER};
use crate::sources::pulumi::kms;
use crate::sources::{program, seen};

/// The branch's plan, with what the base branch says in `../base`.
const ARGS: [&str; 5] = ["plan", "--untrusted", "--trusted", "../base/regcred.yaml", "--json"];

fn with(file: &str) -> Place {
    let place = Place::with_one_stack(World::default());
    place.write("regcred.yaml", file);
    std::fs::create_dir(base(&place)).unwrap();
    place
}

/// One stack and one repository with another source or registry.
fn credential(lines: &str) -> Place {
    with(&ONE_STACK.replace("    to:", &format!("{lines}    to:")))
}

fn base(place: &Place) -> PathBuf {
    place.repo().parent().unwrap().join("base")
}

fn review(place: &Place, name: &str, text: &str) {
    let file = base(place).join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

/// What the run says of each row: its address, its action, and why.
fn rows(ran: &Ran) -> Vec<(String, String, String)> {
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let rows = document["changes"].as_array().unwrap().iter();
    rows.map(|row| (text(row, "address"), text(row, "action"), text(row, "reason"))).collect()
}

/// Every row whose address begins so is blocked for this reason, and says what to do; the run ends with 5.
#[track_caller]
fn blocks(ran: &Ran, prefix: &str, why: &str) {
    let rows = rows(ran.ends(5));
    let found: Vec<_> = rows.iter().filter(|(address, ..)| address.starts_with(prefix)).collect();
    assert!(!found.is_empty(), "{rows:?}");
    for (address, action, reason) in found {
        assert_eq!(action, "blocked", "{address}: {reason}");
        assert!(reason.contains(why) && reason.contains("not trusted"), "{address}: {reason}");
    }
    ran.says("have it reviewed");
}

/// A plan that trusts the repository does it, so that the test would see it; one that does not, does not.
#[track_caller]
fn starts_only_if_trusted(place: &Place, name: &str) -> Ran {
    place.run(&["plan", "--no-input"]);
    assert!(seen(place, name).contains("args: "), "{name} is not even started in a trusted plan");
    std::fs::remove_file(place.repo().join(format!("{name}.seen"))).unwrap();
    let (ran, calls) = place.watch(&ARGS);
    assert_eq!(seen(place, name), "", "{name} was started");
    assert!(calls.iter().all(|call| !call.is_write));
    ran
}

fn of(calls: &[Call], service: Service) -> usize {
    calls.iter().filter(|call| call.service == service).count()
}

#[test]
fn a_repository_that_steers_nothing_has_the_same_plan_as_a_trusted_one() {
    let place = with(ONE_STACK);
    let digest = |args: &[&str]| place.run(args).ends(0).lines()[0]["digest"].clone();
    assert_eq!(digest(&ARGS), digest(&["plan", "--json"]));
    let place = Place::new();
    assert_eq!(place.run(&["plan", "--untrusted"]).ends(0).stdout, place.run(&["plan"]).ends(0).stdout);
}

#[test]
fn no_command_is_started_and_all_rows_of_its_credential_are_blocked() {
    let mut place = credential("    from: { command: [ask-vault] }\n");
    program(&mut place, "ask-vault", &format!("printf '%s\\n' {USER} {TOKEN}"));
    let ran = starts_only_if_trusted(&place, "ask-vault");
    blocks(&ran, "", "the credential's command would be started");
    assert_eq!(rows(&ran).len(), 6);
    let (_, calls) = place.watch(&ARGS);
    assert_eq!(calls.len(), 0, "nothing is contacted");
}

#[test]
fn no_program_that_makes_or_takes_new_tokens_is_started_and_every_place_is_planned() {
    let lines = "    mint: { login: { command: [ask-vault] } }\n    store: { command: [tell-vault] }\n";
    let mut place = credential(lines);
    for name in ["ask-vault", "tell-vault"] {
        program(&mut place, name, "echo password");
    }
    let ran = place.run(&ARGS);
    assert_eq!(rows(ran.ends(0)).iter().filter(|(_, action, _)| action == "create").count(), 6);
    for args in [&["plan"][..], &["sync", "--yes"], &["verify"]] {
        place.run(args).ends(0);
    }
    for name in ["ask-vault", "tell-vault"] {
        assert_eq!(seen(&place, name), "", "{name} was started");
    }
}

#[test]
fn no_credential_helper_is_started() {
    let mut place = credential("    from: docker-config\n");
    place.set("DOCKER_CONFIG", &place.repo().join("../home").display().to_string());
    place.write("../home/config.json", r#"{ "credsStore": "fake" }"#);
    let login = format!(r#"echo '{{"Username": "{USER}", "Secret": "{TOKEN}"}}'"#);
    program(&mut place, "docker-credential-fake", &login);
    blocks(&starts_only_if_trusted(&place, "docker-credential-fake"), "", "docker-credential-fake");
}

#[test]
fn no_login_plugin_of_a_kubeconfig_is_started_and_other_systems_go_on() {
    let items = "      kubernetes: [{ context: prod, namespaces: [default], service-accounts: [default] }]\n";
    let mut place = with(&format!("{ONE_STACK}{items}"));
    program(&mut place, "ask-cluster", "exit 1");
    let context = Context::with_command("prod", "ask-cluster", &[]);
    place.sandbox.state().kubernetes.contexts.insert("prod".to_owned(), context);
    let path = place.repo().join("../home/kubeconfig");
    place.sandbox.write_kubeconfig(&path).unwrap();
    place.set("KUBECONFIG", &path.display().to_string());
    let ran = starts_only_if_trusted(&place, "ask-cluster");
    blocks(&ran, "kubernetes:", "the login plugin of the kubeconfig would be started");
    assert_eq!(rows(&ran).iter().filter(|(_, action, _)| action == "create").count(), 6);
}

#[test]
fn no_credential_process_of_an_aws_profile_is_started() {
    let secret = "    from: { aws-secret: { secret: elsewhere, region: us-east-2 } }\n";
    for from in ["", secret] {
        let mut place = credential(from);
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            place.unset(name);
        }
        program(&mut place, "ask-aws", "exit 1");
        place.write("../home/aws", "[default]\ncredential_process = ask-aws\n");
        place.set("AWS_CONFIG_FILE", &place.repo().join("../home/aws").display().to_string());
        let ran = starts_only_if_trusted(&place, "ask-aws");
        blocks(&ran, "aws:", "the credential_process of profile default would be started");
        assert_eq!(rows(&ran).iter().all(|(_, action, _)| action == "blocked"), !from.is_empty());
        assert_eq!(of(&place.watch(&ARGS).1, Service::Sts), 0);
    }
}

#[test]
fn the_pulumi_program_is_not_started() {
    let cloud = "config:\n  infra:dockerHubUsername: acme\n  infra:dockerHubToken: {secure: AAABANk=}\n";
    let environment = "environment: [acme/prod]\nconfig: {aws:region: us-east-2}\n";
    let vault = "secretsprovider: hashivault://k\nencryptedkey: AQ==\nconfig:\n  dockerHubUsername: acme\n  dockerHubToken: {secure: 'v1:AAAAAAAAAAAAAAAA:AAAA'}\n";
    for (stack, why) in [(cloud, "`pulumi` program"), (environment, "`pulumi`"), (vault, "`secretsprovider`")]
    {
        let mut place = credential("    from: { pulumi: { project: infra, stack: main } }\n");
        place.write("infra/Pulumi.yaml", "name: infra\nruntime: python\n");
        place.write("infra/Pulumi.main.yaml", stack);
        place.set("PULUMI_ACCESS_TOKEN", "pul-0123");
        program(&mut place, "pulumi", "exit 1");
        blocks(&starts_only_if_trusted(&place, "pulumi"), "", why);
    }
}

#[test]
fn without_a_file_neither_git_nor_pulumi_is_asked() {
    let mut place = Place::new();
    place.unset("GITHUB_REPOSITORY");
    place.write("infra/Pulumi.qa.yaml", "environment: [acme/prod]\nconfig: {}\n");
    place.set("PULUMI_ACCESS_TOKEN", "pul-0123");
    for name in ["git", "pulumi"] {
        program(&mut place, name, "exit 1");
    }
    place.run(&["plan"]);
    for name in ["git", "pulumi"] {
        assert!(seen(&place, name).contains("args: "), "{name}");
        std::fs::remove_file(place.repo().join(format!("{name}.seen"))).unwrap();
    }
    place.run(&["plan", "--untrusted"]).ends(0);
    for name in ["git", "pulumi"] {
        assert_eq!(seen(&place, name), "");
    }
}

#[test]
fn no_registry_gets_the_credential_but_those_that_everybody_knows() {
    let here = |place: &Place| {
        let endpoints = &place.sandbox.env()["REGCRED_REGISTRY_ENDPOINTS"];
        endpoints.split(',').next().unwrap().split("http://").nth(1).unwrap().to_owned()
    };
    let mut place = with(ONE_STACK);
    // A token of Docker's would be sent to Docker alone, whoever plans it.
    place.set("DOCKER_HUB_TOKEN", "a-token-of-the-company");
    let file = format!(
        "version: 1\ncredentials:\n  docker-hub:\n    registry: {}\n    to:\n      github: [{{ repository: acme/api }}]\n",
        here(&place)
    );
    place.write("regcred.yaml", &file);
    assert!(of(&place.watch(&["plan"]).1, Service::Registry) > 0, "a trusted plan asks it");
    let (ran, calls) = place.watch(&ARGS);
    blocks(&ran, "github:", "not one of the registries that everybody knows");
    assert_eq!(calls.len(), 0, "nothing is contacted");
    // Not even if the base branch has it: the branch says what is sent there.
    review(&place, "regcred.yaml", &file);
    blocks(&place.run(&ARGS), "", "not one of the registries");
}

#[test]
fn no_other_host_may_issue_tokens() {
    let place = credential("    token-service: tokens.example.com\n");
    let (ran, calls) = place.watch(&ARGS);
    blocks(&ran, "", "`token-service: tokens.example.com` would get the credential");
    assert_eq!(calls.len(), 0);
}

#[test]
fn nothing_is_spoken_to_without_tls_because_the_repository_says_so() {
    for (system, item) in [
        ("aws", "aws: { insecure: true, stacks: { main: { region: us-east-2 } } }"),
        ("daytona", "daytona: { insecure: true }"),
        ("github", "github: [{ repository: acme/api, insecure: true }]"),
        ("kubernetes", "kubernetes: [{ context: prod, namespaces: [default], insecure: true }]"),
        ("runpod", "runpod: { templates: all, insecure: true }"),
    ] {
        assert!(regcred::systems::NAMES.contains(&system));
        let place = with(&format!("version: 1\ncredentials:\n  docker-hub:\n    to:\n      {item}\n"));
        let (ran, calls) = place.watch(&ARGS);
        blocks(&ran, &format!("{system}:"), &format!("`{system}` says `insecure: true`"));
        assert_eq!(calls.len(), 0, "{system}");
    }
    assert_eq!(regcred::systems::NAMES.len(), 5, "every system is above");
}

#[test]
fn a_role_or_a_profile_is_used_only_if_the_base_branch_has_the_same() {
    const ROLE: &str = "arn:aws:iam::222222222222:role/regcred";
    let file = |login: &str| ONE_STACK.replace("region: us-east-2", &format!("region: us-east-2, {login}"));
    let mut world = World::default();
    world.aws.roles.insert(ROLE.to_owned(), Role::default());
    let place = Place::with_one_stack(world);
    std::fs::create_dir(base(&place)).unwrap();
    let role = format!("role: \"{ROLE}\"");
    place.write("regcred.yaml", &file(&role));
    let (ran, calls) = place.watch(&ARGS);
    blocks(&ran, "aws:", "the `role:` or `profile:` of stack `main` is not in the base branch");
    assert_eq!(of(&calls, Service::Sts), 0);
    assert!(rows(&ran).iter().any(|(at, action, _)| at.starts_with("github:") && action == "create"));
    // The external id is part of the login.
    review(&place, "regcred.yaml", &file(&format!("{role}, external-id: x")));
    blocks(&place.run(&ARGS), "aws:", "`role:`");
    review(&place, "regcred.yaml", &file(&role));
    let (ran, calls) = place.watch(&ARGS);
    assert!(rows(ran.ends(0)).iter().any(|(at, ..)| at.starts_with("aws:222222222222/")), "{}", ran.stdout);
    assert!(of(&calls, Service::Sts) > 0);
    place.write("regcred.yaml", &file("profile: other"));
    place.write("../home/none", "[profile other]\n");
    let (ran, calls) = place.watch(&ARGS);
    blocks(&ran, "aws:", "`profile:`");
    assert_eq!(of(&calls, Service::Sts), 0);
}

#[test]
fn a_role_that_reads_a_secret_is_assumed_only_if_the_base_branch_has_the_same() {
    let from = "    from: { aws-secret: { secret: s, region: us-east-2, role: \"arn:aws:iam::222222222222:role/r\" } }\n";
    let place = credential(from);
    let (ran, calls) = place.watch(&ARGS);
    blocks(&ran, "", "the `role:` of `aws-secret` is not in the base branch");
    assert_eq!(calls.len(), 0);
    review(&place, "regcred.yaml", &ONE_STACK.replace("    to:", &format!("{from}    to:")));
    assert!(of(&place.watch(&ARGS).1, Service::Sts) > 0, "it is asked for now");
}

#[test]
fn the_region_of_a_secrets_arn_is_no_host_of_somebody_elses() {
    let arn = "arn:aws:secretsmanager:x.evil.example/:123456789012:secret:s";
    let place = credential(&format!("    from: {{ aws-secret: {{ secret: \"{arn}\" }} }}\n"));
    for args in [&ARGS[..], &["plan"]] {
        let (ran, calls) = place.watch(args);
        ran.ends(3).complains("x.evil.example");
        assert_eq!(calls.len(), 0);
    }
}

#[test]
fn a_key_service_is_asked_only_if_the_base_branch_names_the_same_for_the_stack() {
    let url = "awskms://alias/pulumi?region=us-east-2&context_app=infra";
    let place = kms(url);
    std::fs::create_dir(base(&place)).unwrap();
    let stack = |url: &str| format!("secretsprovider: {url}\nencryptedkey: AQID\n");
    let refused = |why: &str| {
        let (ran, calls) = place.watch(&ARGS);
        blocks(&ran, "", "the `secretsprovider` of stack `main` is not that of the base branch");
        assert_eq!(calls.len(), 0, "{why}");
    };
    refused("the base branch has no such stack");
    review(&place, "infra/Pulumi.yaml", "name: infra\n");
    review(&place, "infra/Pulumi.main.yaml", &stack("awskms://alias/pulumi?region=us-east-2"));
    refused("the base branch names another");
    review(&place, "infra/Pulumi.main.yaml", &stack(url));
    let (ran, calls) = place.watch(&ARGS);
    ran.ends(0);
    assert_eq!(of(&calls, Service::Kms), 1);
    blocks(&place.run(&["plan", "--untrusted", "--json"]), "", "`secretsprovider`");
}

#[test]
fn only_variables_that_the_base_branch_reads_are_read() {
    let from = "    from: { env: { username: DOCKER_HUB_USERNAME, token: COMPANY_SECRET } }\n";
    let place = credential(from);
    let (ran, calls) = place.watch(&ARGS);
    blocks(&ran, "", "the base branch does not read DOCKER_HUB_USERNAME and COMPANY_SECRET");
    assert_eq!(calls.len(), 0);
    let place = credential("    from: env\n");
    place.run(&ARGS).ends(0);
    let mut place = credential("    from: { env: { username: HUB_USER, token: HUB_TOKEN } }\n");
    place.set("HUB_USER", USER);
    place.set("HUB_TOKEN", TOKEN);
    blocks(&place.run(&ARGS), "", "HUB_USER and HUB_TOKEN");
    let file = std::fs::read_to_string(place.repo().join("regcred.yaml")).unwrap();
    review(&place, "regcred.yaml", &file);
    place.run(&ARGS).ends(0);
}

fn private(path: &std::path::Path) {
    std::fs::write(path, format!("{USER}\n{TOKEN}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn no_file_outside_the_repository_is_read_and_no_link_is_followed_out_of_it() {
    let place = credential("    from: { file: login }\n");
    private(&place.repo().join("login"));
    place.run(&ARGS).ends(0);
    std::fs::rename(place.repo().join("login"), place.repo().join("../login")).unwrap();
    symlink("../login", place.repo().join("login")).unwrap();
    place.run(&["plan"]).ends(0);
    for path in ["login", "../login"] {
        let from = format!("    from: {{ file: {path} }}\n");
        place.write("regcred.yaml", &ONE_STACK.replace("    to:", &format!("{from}    to:")));
        let (ran, calls) = place.watch(&ARGS);
        blocks(&ran, "", "is outside the repository");
        assert_eq!(calls.len(), 0);
    }
}

#[test]
fn no_file_of_pulumi_outside_the_repository_is_read() {
    let place = Place::with_pulumi();
    place.write("regcred.yaml", &ONE_STACK.replace("    to:", "    from: pulumi\n    to:"));
    place.run(&["plan", "--untrusted"]).ends(0);
    let (inside, outside) = (place.repo().join("infra/Pulumi.main.yaml"), place.repo().join("../stack"));
    std::fs::rename(&inside, &outside).unwrap();
    symlink(&outside, &inside).unwrap();
    place.run(&["plan"]).ends(0);
    blocks(&place.run(&["plan", "--untrusted", "--json"]), "github:", "is outside the repository");
    std::fs::remove_file(&inside).unwrap();
    std::fs::rename(&outside, &inside).unwrap();
    std::fs::rename(place.repo().join("infra"), place.repo().join("../infra")).unwrap();
    symlink("../infra", place.repo().join("infra")).unwrap();
    place.run(&["plan"]).ends(0);
    blocks(&place.run(&["plan", "--untrusted", "--json"]), "github:", "is outside the repository");
}

#[test]
fn a_configuration_that_is_a_link_out_of_the_repository_is_not_read() {
    let place = with("");
    std::fs::remove_file(place.repo().join("regcred.yaml")).unwrap();
    place.write("../secrets", "s3cret: c4nary\n");
    symlink("../secrets", place.repo().join("regcred.yaml")).unwrap();
    let ran = place.run(&ARGS);
    ran.ends(3).complains("regcred.yaml: is outside the repository");
    assert!(!ran.stderr.contains("s3cret"), "{}", ran.stderr);
}

#[test]
fn a_login_that_the_repository_itself_holds_is_none() {
    let items = "      kubernetes: [{ context: prod, namespaces: [default] }]\n";
    let mut place = with(&format!("{ONE_STACK}{items}"));
    let path = place.repo().join("kubeconfig");
    place.sandbox.write_kubeconfig(&path).unwrap();
    place.set("KUBECONFIG", &path.display().to_string());
    place.write("aws", "[default]\nregion = us-east-2\n");
    place.set("AWS_CONFIG_FILE", &place.repo().join("aws").display().to_string());
    place.run(&["plan"]).ends(0);
    let (ran, calls) = place.watch(&ARGS);
    blocks(&ran, "kubernetes:", "the kubeconfig is a file of the repository");
    blocks(&ran, "aws:", "AWS_CONFIG_FILE is a file of the repository");
    assert_eq!(of(&calls, Service::Kubernetes) + of(&calls, Service::Sts), 0);
}

#[test]
fn what_is_refused_of_one_credential_holds_up_no_other() {
    let other = "  other:\n    registry: ghcr.io\n    from: { command: [ask-vault] }\n    to: { github: [{ repository: acme/api }] }\n";
    let place = with(&format!("{ONE_STACK}{other}"));
    let ran = place.run(&ARGS);
    blocks(&ran, "github:acme/api/actions/OTHER", "the credential's command");
    let made = rows(&ran).into_iter().filter(|(_, action, _)| action == "create");
    assert_eq!(made.count(), 6);
    let text = place.run(&["plan", "--untrusted", "--markdown"]);
    text.ends(5).says("| blocked |").says("would be started");
}

#[test]
fn what_is_trusted_can_be_no_file_of_the_repository_itself() {
    let place = with(ONE_STACK);
    let trusting = |file: &str| place.run(&["plan", "--untrusted", "--trusted", file]);
    for own in ["regcred.yaml", "./nothing.yaml", "../repo/regcred.yaml"] {
        trusting(own).ends(3).complains("it is in the repository that is not trusted");
    }
    symlink(place.repo().join("regcred.yaml"), base(&place).join("regcred.yaml")).unwrap();
    trusting("../base/regcred.yaml").ends(3).complains("in the repository");
    std::fs::remove_file(base(&place).join("regcred.yaml")).unwrap();
    trusting("../nowhere/regcred.yaml").ends(3).complains("its folder is not there");
    review(&place, "regcred.yaml", "version: 7\n");
    trusting("../base/regcred.yaml").ends(3).complains("version 7 is not known");
    place.run(&["plan", "--trusted", "../base/regcred.yaml"]).ends(3).complains("--untrusted");
}

#[test]
fn without_a_file_the_roles_of_the_base_branchs_stacks_are_trusted() {
    const ROLE: &str = "arn:aws:iam::222222222222:role/regcred";
    let mut world = World::default();
    world.aws.roles.insert(ROLE.to_owned(), Role::default());
    let mut place = Place::bare(world);
    place.set("PULUMI_CONFIG_PASSPHRASE", "unused");
    let stack = json!({ "config": { "aws:region": "us-east-2", "aws:assumeRole": { "roleArn": ROLE } } });
    let files =
        [("infra/Pulumi.yaml", "name: infra\n".to_owned()), ("infra/Pulumi.main.yaml", stack.to_string())];
    std::fs::create_dir(base(&place)).unwrap();
    files.iter().for_each(|(name, text)| place.write(name, text));
    let (ran, calls) = place.watch(&ARGS);
    blocks(&ran, "aws:", "the `role:` or `profile:` of stack `main`");
    assert_eq!(of(&calls, Service::Sts), 0);
    files.iter().for_each(|(name, text)| review(&place, name, text));
    assert!(rows(place.run(&ARGS).ends(0)).iter().any(|(at, ..)| at.starts_with("aws:222222222222/")));
}

#[test]
fn an_app_is_the_files_to_name_where_the_base_branch_names_the_same() {
    let github = "github: { app: { id: 1, key-file: ../app.pem }, places: [{ repository: acme/api }] }";
    let place =
        with(&format!("version: 1\ncredentials:\n  docker-hub:\n    from: env\n    to: {{ {github} }}\n"));
    blocks(
        &place.run(&["plan", "--untrusted", "--json"]),
        "github:",
        "the `app:` 1 of `github` is not in the base branch",
    );
    assert!(!place.sandbox.calls().iter().any(|call| call.service == Service::GitHub));
}
