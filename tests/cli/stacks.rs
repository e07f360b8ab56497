//! Pulumi stacks as people have them: which settings of their AWS provider are followed, and that a stack with another one
//! is not touched.

use regcred_sandbox::aws::{AccessKey, Role};

use crate::place::{Place, TOKEN, USER, written};
use crate::world::secret;

const DEV: &str = "infra/Pulumi.dev.yaml";
const ROLE: &str = "arn:aws:iam::222222222222:role/regcred";
const SECOND: &str = "arn:aws:iam::444444444444:role/deploy";

/// A project with the stacks main and dev, of which dev has more settings; and two more accounts, by a profile and by roles.
fn place(settings: &str) -> Place {
    let mut place = Place::with_pulumi();
    {
        let mut world = place.sandbox.state();
        let user = "arn:aws:iam::333333333333:user/dev";
        let key = AccessKey::user(user, "dev/secret");
        world.aws.access_keys.insert("AKIADEVDEVDEVDEVDEV0".to_owned(), key);
        for role in [ROLE, SECOND] {
            world.aws.roles.insert(role.to_owned(), Role::default());
        }
    }
    let profile =
        "[profile dev]\naws_access_key_id = AKIADEVDEVDEVDEVDEV0\naws_secret_access_key = dev/secret\n";
    place.write("aws-config", profile);
    let file = place.repo().join("aws-config").display().to_string();
    place.set("AWS_CONFIG_FILE", &file);
    place.edit(DEV, "aws:region", &format!("{settings}\n  aws:region"));
    place
}

fn digest(place: &Place) -> String {
    let ran = place.run(&["plan", "--json"]);
    assert_eq!(ran.stderr.matches("error").count(), 0, "{}", ran.stderr);
    ran.lines()[0]["digest"].as_str().unwrap().to_owned()
}

#[test]
fn a_plan_after_init_is_the_plan_before_it_for_every_kind_of_session() {
    for settings in [
        "aws:profile: dev".to_owned(),
        format!("aws:assumeRole: {{ roleArn: '{ROLE}' }}"),
        format!("aws:assumeRole: {{ roleArn: '{ROLE}', externalId: ext, sessionName: pulumi-deploy }}"),
        format!("aws:assumeRoles: [{{ roleArn: '{ROLE}' }}, {{ roleArn: '{SECOND}', externalId: '1234' }}]"),
        format!("aws:profile: dev\n  aws:assumeRole: {{ roleArn: '{ROLE}', durationSeconds: 900 }}"),
        format!(
            "aws:assumeRoles: [{{ roleArn: '{ROLE}', externalId: ext, sessionName: first }}, {{ roleArn: '{SECOND}' }}]"
        ),
        "aws:forbiddenAccountIds: ['222222222222']".to_owned(),
        "aws:forbiddenAccountIds: ['123456789012', '222222222222']".to_owned(),
        "aws:allowedAccountIds: ['123456789012']".to_owned(),
        "aws:allowedAccountIds: ['123456789012', '222222222222']".to_owned(),
        "aws:allowedAccountIds: ['222222222222']".to_owned(),
        "aws:profile: dev\n  aws:allowedAccountIds: ['333333333333']".to_owned(),
        "aws:defaultTags: { tags: { a: b } }".to_owned(),
        "aws:accessKey: test\n  aws:secretKey: test".to_owned(),
        "aws:endpoints: [{ ecr: 'http://localhost:4566' }]".to_owned(),
    ] {
        let place = place(&settings);
        let before = digest(&place);
        place.run(&["init"]).ends(0);
        let file = std::fs::read_to_string(place.repo().join("regcred.yaml")).unwrap();
        assert_eq!(digest(&place), before, "{settings}\n{file}");
    }
}

#[test]
fn two_profiles_in_one_region_stay_two_accounts_after_init() {
    let place = place("aws:profile: dev");
    place.edit(DEV, "us-west-2", "us-east-2");
    place.run(&["init"]).ends(0);
    place.sync();
    let world = place.sandbox.state();
    let mut accounts: Vec<&str> = world.aws.rules.iter().map(|rule| rule.account.as_str()).collect();
    accounts.sort_unstable();
    assert_eq!(accounts, ["123456789012", "333333333333"]);
}

#[test]
fn the_session_of_a_role_has_the_name_that_the_stack_gives_it() {
    let place = place(&format!("aws:assumeRole: {{ roleArn: '{ROLE}', sessionName: pulumi-deploy }}"));
    let (ran, calls) = place.watch(&["plan"]);
    ran.ends(0);
    let asked = calls.iter().find(|call| call.operation == "AssumeRole").expect("the role is assumed");
    let body = String::from_utf8_lossy(&asked.request_body).into_owned();
    assert!(body.contains("RoleSessionName=pulumi-deploy"), "{body}");
}

#[test]
fn a_stack_that_is_elsewhere_is_left_out_by_discovery_and_blocked_where_it_is_named() {
    let settings =
        "aws:accessKey: test\n  aws:secretKey: test\n  aws:endpoints: [{ ecr: \"http://localhost:4566\" }]";
    let place = place(settings);
    let ran = place.run(&["plan"]);
    ran.ends(0).says("stack dev has `aws:endpoints`").says("infra/Pulumi.dev.yaml:");
    assert!(!ran.stdout.contains("cache-rule/dev-docker-hub"), "{}", ran.stdout);
    place.run(&["sync", "--yes"]).ends(0);
    assert!(secret(&place.sandbox.state(), "us-west-2").is_none());

    let (named, calls) = place.watch(&["sync", "--yes", "--stack", "dev"]);
    named.ends(1).says("! blocked").says("regcred does not follow it");
    assert!(calls.iter().all(|call| !call.is_write));

    place.write(
        "regcred.yaml",
        "version: 1\ncredentials:\n  docker-hub:\n    from: env\n    to:\n      aws:\n        stacks:\n          dev: { region: us-west-2 }\n",
    );
    let mut place = place;
    place.set("DOCKER_HUB_USERNAME", USER);
    place.set("DOCKER_HUB_TOKEN", TOKEN);
    place.run(&["plan"]).ends(1).says("regcred does not follow it");
    assert!(secret(&place.sandbox.state(), "us-west-2").is_none());
}

#[test]
fn an_account_that_a_stack_forbids_is_left_alone() {
    let place = place("aws:forbiddenAccountIds: ['123456789012']");
    place.run(&["sync", "--yes"]).ends(5).says("stack dev forbids it");
    assert!(secret(&place.sandbox.state(), "us-west-2").is_none());
}

#[test]
fn what_an_environment_of_pulumi_gives_is_not_guessed() {
    let place = place("aws:maxRetries: 5");
    place.edit(DEV, "config:", "environment: [aws/dev]\nconfig:");
    place.run(&["plan"]).ends(0).says("stack dev has `environment`").says("left out");
    let mut place = named("aws:maxRetries: 5");
    place.edit(DEV, "config:", "environment: [aws/dev]\nconfig:");
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(1).says("stack dev has `environment`").says("or an `account:`");
    assert_eq!(written(&calls), [""; 0]);
    let settings = r#"{"aws:region":{"value":"us-west-2","secret":false}}"#;
    with_pulumi(&mut place, &format!("echo '{settings}'"));
    place.run(&["plan"]).ends(0).says("cache-rule/dev-docker-hub");
    let login =
        r#"{"aws:region":{"value":"us-west-2","secret":false},"aws:profile":{"value":"dev","secret":false}}"#;
    with_pulumi(&mut place, &format!("echo '{login}'"));
    place.run(&["plan"]).ends(1).says("stack dev has `aws:profile`");
    place.unset("PULUMI_ACCESS_TOKEN");
    place.edit("regcred.yaml", "region: us-west-2", "region: us-west-2, account: '123456789012'");
    place.run(&["sync", "--yes"]).ends(0);
}

/// A `pulumi` that knows the stack dev with these settings.
fn with_pulumi(place: &mut Place, script: &str) {
    let path = place.repo().join("bin/pulumi");
    place.write("bin/pulumi", &format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let bin = place.repo().join("bin").display().to_string();
    place.set("PATH", &format!("{bin}:/usr/bin:/bin"));
    place.set("PULUMI_ACCESS_TOKEN", "pul-0123");
}

#[test]
fn with_a_login_pulumi_is_asked_for_what_an_environment_gives() {
    let mut place = place("aws:maxRetries: 5");
    place.edit(DEV, "config:", "environment: [aws/dev]\nconfig:");
    let settings = r#"{"aws:region":{"value":"us-west-2","secret":false},"aws:profile":{"value":"dev","secret":false},"infra:password":{"secret":true}}"#;
    with_pulumi(&mut place, &format!("echo '{settings}'"));
    let ran = place.run(&["plan"]);
    ran.ends(0).says("aws:333333333333/us-west-2").says("cache-rule/dev-docker-hub");
    let elsewhere = r#"{"aws:region":{"value":"us-west-2","secret":false},"aws:profile":{"value":"dev","secret":false},"aws:endpoints":{"value":"[{\"ecr\":\"http://localhost:4566\"}]","secret":false}}"#;
    with_pulumi(&mut place, &format!("echo '{elsewhere}'"));
    place.run(&["plan", "--stack", "dev"]).ends(1).says("stack dev has `aws:endpoints`");
    let login = r#"{"aws:region":{"value":"us-west-2","secret":false},"aws:secretKey":{"secret":true}}"#;
    with_pulumi(&mut place, &format!("echo '{login}'"));
    place.run(&["plan"]).ends(0).says("stack dev has `aws:secretKey`").says("left out");
    with_pulumi(&mut place, "echo 'error: no' >&2; exit 255");
    let ran = place.run(&["plan"]);
    let said = ran.ends(0).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("`pulumi config` ended with code 255"), "{said}");
    assert!(said.contains("stack dev has `environment`"), "{said}");
}

#[test]
fn a_role_that_cannot_be_assumed_is_told_with_who_may_not_and_what_to_allow() {
    let other = "arn:aws:iam::555555555555:role/nobody";
    let place = place(&format!("aws:assumeRole: {{ roleArn: '{other}' }}"));
    let ran = place.run(&["plan"]);
    let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("is not authorized to perform: sts:AssumeRole"), "{said}");
    assert!(said.contains("let the role's trust policy name it"), "{said}");
    assert!(!said.contains("Error {"), "{said}");
}

/// A file that names the stack dev, whose own file says `settings`.
fn named(settings: &str) -> Place {
    let mut place = place(settings);
    place.set("DOCKER_HUB_USERNAME", USER);
    place.set("DOCKER_HUB_TOKEN", TOKEN);
    place.write(
        "regcred.yaml",
        "version: 1\ncredentials:\n  docker-hub:\n    from: env\n    to:\n      aws:\n        stacks:\n          dev: { region: us-west-2 }\n",
    );
    place
}

#[test]
fn a_file_of_another_stack_that_cannot_be_read_lets_no_stack_through_and_holds_none_back() {
    let place = named("aws:endpoints: [{ ecr: x }]");
    place.write("infra/Pulumi.broken.yaml", "config: [\n");
    place.run(&["sync", "--yes"]).ends(1).says("regcred does not follow it");
    let place = named("aws:maxRetries: 5");
    place.write("infra/Pulumi.broken.yaml", "config: [\n");
    place.run(&["sync", "--yes"]).ends(0);
    let place = named("aws:maxRetries: 5");
    place.write(DEV, "config: [\n");
    place.run(&["sync", "--yes"]).ends(1).says("its settings cannot be read");
}

#[test]
fn every_file_of_a_stacks_name_is_looked_at() {
    let place = named("aws:maxRetries: 5");
    place.write("Pulumi.yaml", "name: other\nruntime: yaml\n");
    place.write("Pulumi.dev.yaml", "config:\n  aws:endpoints: [{ ecr: x }]\n");
    place.run(&["sync", "--yes"]).ends(1).says("regcred does not follow it");
}
