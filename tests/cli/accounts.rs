//! A fleet in AWS: stacks that are put into each account and region of a list, logins that are shared, and places that refuse.

use std::collections::BTreeMap;
use std::time::Instant;

use regcred_sandbox::aws::{AccessKey, Role};
use regcred_sandbox::{Call, World};
use serde_json::Value;

use crate::place::{Place, Ran, tell, written};

/// The account of the run's own login.
const HOME: &str = "123456789012";
/// A region that an account has to enable.
const CLOSED: &str = "me-south-1";

fn account(number: usize) -> String {
    format!("{:012}", 20_000_000_000 + number)
}

fn role(account: &str) -> String {
    format!("arn:aws:iam::{account}:role/regcred")
}

/// A world with so many accounts, each with the role.
fn world(accounts: usize) -> World {
    let mut world = World::default();
    for number in 0..accounts {
        world.aws.roles.insert(role(&account(number)), Role::default());
    }
    world
}

/// A place whose `aws` is this.
fn place(accounts: usize, aws: &str) -> Place {
    let place = Place::bare(world(accounts));
    let lines: Vec<String> = aws.lines().map(|line| format!("        {line}\n")).collect();
    let head = "version: 1\ncredentials:\n  docker-hub:\n    to:\n      aws:\n";
    place.write("regcred.yaml", &(head.to_owned() + &lines.concat()));
    place
}

/// A place with stacks that are put into each of so many accounts, by a file, and into these regions.
fn fleet(accounts: usize, regions: &str, stacks: &str) -> Place {
    let aws = format!("accounts: accounts.txt\nregions: [{regions}]\nstacks:\n{stacks}");
    let place = place(accounts, &aws);
    let lines: Vec<String> =
        (0..accounts).map(|number| format!("{} # {number}\n", account(number))).collect();
    place.write("accounts.txt", &format!("# all\n\n{}", lines.concat()));
    place
}

const STACK: &str = "  main: { role: 'arn:aws:iam::{account}:role/regcred', external-id: 'of-{account}' }";

/// How often each operation was asked for.
fn counted(calls: &[Call]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.operation.as_str()).or_default() += 1;
    }
    counts
}

/// The accounts and regions that have a rule.
fn sites(place: &Place) -> Vec<String> {
    let world = place.sandbox.state();
    let mut sites: Vec<String> =
        world.aws.rules.iter().map(|rule| format!("{}/{}", rule.account, rule.region)).collect();
    sites.sort();
    sites
}

fn rows(place: &Place, args: &[&str]) -> Vec<Value> {
    let ran = place.run(args);
    ran.lines()[0]["changes"].as_array().expect("there are rows").clone()
}

/// What was said, in one line.
fn said(ran: &Ran) -> String {
    ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Takes the role of an account away.
fn lock(place: &Place, number: usize) {
    place.sandbox.state().aws.roles.remove(&role(&account(number)));
}

#[test]
fn a_stack_is_put_into_each_account_of_a_list_and_the_second_run_writes_nothing() {
    let accounts = format!("accounts: [{}, '{}']\n", account(0), account(1));
    let stacks = "stacks:\n  main: { region: us-east-2, role: 'arn:aws:iam::{account}:role/regcred' }\n  own: { region: eu-west-1 }";
    let place = place(2, &(accounts + stacks));
    place.sync();
    assert_eq!(
        sites(&place),
        [
            format!("{}/us-east-2", account(0)),
            format!("{}/us-east-2", account(1)),
            format!("{HOME}/eu-west-1")
        ]
    );
    assert_eq!(place.sandbox.state().aws.secrets.len(), 3);
    place.sync_again();
}

#[test]
fn accounts_of_a_file_times_regions_have_a_secret_each_and_one_login_for_each_account() {
    let place = fleet(3, "us-east-2, eu-west-1", STACK);
    let calls = place.sync();
    assert_eq!(sites(&place).len(), 6);
    assert_eq!(place.sandbox.state().aws.secrets.len(), 6);
    assert_eq!(counted(&calls)["AssumeRole"], 3, "one for each account, whatever the regions");
    let assumed: Vec<String> = calls
        .iter()
        .filter(|call| call.operation == "AssumeRole")
        .map(|call| String::from_utf8_lossy(&call.request_body).into_owned())
        .collect();
    for number in 0..3 {
        let id = format!("ExternalId=of-{}", account(number));
        assert!(assumed.iter().any(|body| body.contains(&id)), "no {id} in {assumed:?}");
    }
    place.sync_again();
    place.run(&["verify"]).ends(0).says("6 proven by ECR");
}

#[test]
fn a_role_on_the_way_to_many_accounts_is_assumed_once() {
    let hub = "arn:aws:iam::444444444444:role/hub";
    let chain = format!("  main: {{ role: ['{hub}', 'arn:aws:iam::{{account}}:role/regcred'] }}");
    let place = fleet(5, "us-east-2, eu-west-1", &chain);
    place.sandbox.state().aws.roles.insert(hub.to_owned(), Role::default());
    let (ran, calls) = place.watch(&["plan"]);
    ran.ends(0);
    assert_eq!(counted(&calls)["AssumeRole"], 6, "the hub's, and one for each account");
}

#[test]
fn an_account_that_refuses_its_login_is_named_and_the_others_go_on() {
    let place = fleet(3, "us-east-2", STACK);
    lock(&place, 1);
    let ran = place.run(&["sync", "--yes"]);
    let refused = format!("aws:{}/us-east-2", account(1));
    ran.ends(5).says(&format!("{refused}\n"));
    assert!(said(&ran).contains("let the role's trust policy name it"), "{}", ran.stdout);
    assert_eq!(sites(&place), [format!("{}/us-east-2", account(0)), format!("{}/us-east-2", account(2))]);
    let unread: Vec<Value> =
        rows(&place, &["plan", "--json"]).into_iter().filter(|row| row["action"] == "unread").collect();
    assert_eq!(unread.len(), 3);
    assert!(unread.iter().all(|row| row["address"].as_str().is_some_and(|at| at.starts_with(&refused))));
}

#[test]
fn accounts_that_refuse_for_one_reason_are_told_once_and_none_of_them_is_taken_for_another() {
    let place = fleet(6, "us-east-2", STACK);
    (1..6).for_each(|number| lock(&place, number));
    let ran = place.run(&["plan"]);
    ran.ends(5).says(&format!("aws:{}/us-east-2 and 4 more\n", account(1)));
    assert_eq!(ran.stdout.matches("hint:").count(), 1, "{}", ran.stdout);
    ran.complains(&format!("15 rows of aws:{}/us-east-2 and 4 more could not be read", account(1)));
    assert_eq!(rows(&place, &["plan", "--json"]).len(), 18);
}

#[test]
fn a_role_that_leads_to_another_account_than_its_own_is_left_alone() {
    let place = fleet(
        2,
        "us-east-2",
        "  main: { role: ['arn:aws:iam::{account}:role/regcred', 'arn:aws:iam::555555555555:role/x'] }",
    );
    place.sandbox.state().aws.roles.insert("arn:aws:iam::555555555555:role/x".to_owned(), Role::default());
    let ran = place.run(&["sync", "--yes"]);
    ran.ends(1);
    let ran = said(&ran);
    assert!(ran.contains("the login is for account 555555555555, but stack main allows only"), "{ran}");
}

#[test]
fn a_stacks_own_run_is_for_all_of_its_accounts_and_regions() {
    let stacks = format!("{STACK}\n  dev: {{ region: us-west-2 }}");
    let place = fleet(2, "us-east-2, eu-west-1", &stacks);
    place.run(&["sync", "--yes", "--stack", "main"]).ends(0);
    assert_eq!(sites(&place).len(), 4);
    assert!(sites(&place).iter().all(|site| !site.ends_with("us-west-2")));
    let only = format!("aws:{}/eu-west-1/", account(1));
    let selected = rows(&place, &["plan", "--json", "--only", &only]);
    assert_eq!(selected.len(), 3, "{selected:?}");
}

#[test]
fn places_that_are_alike_are_told_once_over_accounts_and_regions() {
    let place = fleet(4, "us-east-2, eu-west-1", STACK);
    let ran = place.run(&["plan"]);
    ran.ends(0).says(&format!("aws:{}/eu-west-1 and 7 more\n", account(0)));
    assert_eq!(ran.stdout.matches("cache-rule/main-docker-hub").count(), 1, "{}", ran.stdout);
    let said = said(&ran);
    assert!(said.contains("and no more than that in 5 others"), "{said}");
}

#[test]
fn readers_of_each_account_are_those_of_the_site() {
    let readers = "readers: ['arn:aws:iam::{account}:role/app']\n";
    let aws = format!(
        "{readers}accounts: ['{}', '{}']\nregions: [us-east-2]\nstacks:\n{STACK}",
        account(0),
        account(1)
    );
    let place = place(2, &aws);
    place.sync();
    for number in [0, 1] {
        let world = place.sandbox.state();
        let account = account(number);
        let secret = world.aws.secret(&account, "us-east-2", "ecr-pullthroughcache/docker-hub").unwrap();
        let policy = secret.policy.as_deref().unwrap();
        assert!(policy.contains(&format!("arn:aws:iam::{account}:role/app")), "{policy}");
        assert_eq!(policy.matches(":role/app").count(), 1, "{policy}");
    }
    place.sync_again();
}

#[test]
fn a_region_that_accounts_have_not_enabled_is_told_apart_from_a_wrong_login() {
    let place = fleet(3, &format!("{CLOSED}, us-east-2"), STACK);
    place.sandbox.state().aws.enabled_regions.insert(account(0), vec![CLOSED.to_owned()]);
    let ran = place.run(&["sync", "--yes"]);
    ran.ends(5);
    let said = said(&ran);
    for number in [1, 2] {
        assert!(said.contains(&format!("{CLOSED} is not enabled in account {}", account(number))), "{said}");
    }
    for command in ["enable-region", "get-region-opt-status"] {
        assert!(said.contains(&format!("aws account {command} --region-name {CLOSED}")), "{said}");
    }
    assert!(!said.contains("log in ("), "{said}");
    assert_eq!(sites(&place).len(), 4, "the others, and the one that has enabled it");
    // Once it is enabled, nothing else is missing.
    for number in [1, 2] {
        place.sandbox.state().aws.enabled_regions.insert(account(number), vec![CLOSED.to_owned()]);
    }
    place.sync();
    assert_eq!(sites(&place).len(), 6);
}

#[test]
fn the_login_of_a_fleet_is_made_in_a_region_that_every_account_has() {
    let place = fleet(1, &format!("af-south-1, us-west-2, {CLOSED}"), STACK);
    let open = vec!["af-south-1".to_owned(), CLOSED.to_owned()];
    place.sandbox.state().aws.enabled_regions.insert(account(0), open);
    // The account of the run has enabled neither, and needs not.
    place.run(&["sync", "--yes"]).ends(0);
    assert_eq!(sites(&place).len(), 3);
}

#[test]
fn a_role_whose_account_has_no_sts_in_the_only_region_is_told_with_the_command_that_enables_it() {
    let place = fleet(1, CLOSED, STACK);
    place.sandbox.state().aws.enabled_regions.insert(HOME.to_owned(), vec![CLOSED.to_owned()]);
    let ran = place.run(&["plan"]);
    let said = said(&ran);
    assert!(
        said.contains(&format!("STS is not activated in this region for account:{}", account(0))),
        "{said}"
    );
    assert!(said.contains(&format!("aws account enable-region --region-name {CLOSED}")), "{said}");
}

#[test]
fn one_stack_of_an_account_that_cannot_be_read_does_not_take_the_rows_of_the_others() {
    let other = "  dev: { role: 'arn:aws:iam::{account}:role/other' }";
    let place = fleet(2, "us-east-2", &format!("{STACK}\n{other}"));
    place.run(&["sync", "--yes"]).ends(5).says("aws:?/us-east-2");
    assert_eq!(sites(&place).len(), 2);
}

#[test]
fn a_fleet_whose_rules_do_not_fit_is_told_by_the_fullest_and_every_full_one_is_named() {
    let place = fleet(5, "us-east-2", STACK);
    {
        let mut world = place.sandbox.state();
        for number in 0..4 {
            for rule in 0..50 {
                world.aws.rules.push(regcred_sandbox::aws::Rule {
                    account: account(number),
                    region: "us-east-2".to_owned(),
                    prefix: format!("theirs-{rule}"),
                    upstream_url: "public.ecr.aws".to_owned(),
                    ..regcred_sandbox::aws::Rule::default()
                });
            }
        }
    }
    let ran = place.run(&["plan"]);
    let said = said(&ran);
    assert!(said.contains(&format!("50 of 50 in {}/us-east-2", account(0))), "{said}");
    assert!(said.contains("and no more than that in 2 others"), "{said}");
    let full: Vec<String> = (0..4).map(|number| format!("{}/us-east-2", account(number))).collect();
    assert!(
        said.contains(&format!("not all cache rules fit into {}: 50 is the most", full.join(", "))),
        "{said}"
    );
}

#[test]
fn the_base_login_of_a_fleet_is_made_once_by_a_program() {
    let mut place = fleet(4, "us-east-2, eu-west-1", STACK);
    let key = AccessKey::user("arn:aws:iam::333333333333:user/ci", "ci/secret");
    place.sandbox.state().aws.access_keys.insert("AKIACICICICICICICIC0".to_owned(), key);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        place.unset(name);
    }
    let ran = place.repo().join("ran").display().to_string();
    let login = "{\"Version\":1,\"AccessKeyId\":\"AKIACICICICICICICIC0\",\"SecretAccessKey\":\"ci/secret\"}";
    place.write("login", &format!("#!/bin/sh\necho x >> '{ran}'\necho '{login}'\n"));
    let program = place.repo().join("login");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let home = place.get("HOME").unwrap().to_owned();
    std::fs::write(
        format!("{home}/config"),
        format!("[default]\ncredential_process = {}\n", program.display()),
    )
    .unwrap();
    place.set("AWS_CONFIG_FILE", &format!("{home}/config"));
    place.run(&["plan"]).ends(0);
    assert_eq!(std::fs::read_to_string(&ran).unwrap().lines().count(), 1);
}

#[test]
fn an_image_of_a_fleet_is_told_for_each_region_with_the_account_left_open() {
    let place = fleet(3, "us-east-2, eu-west-1", STACK);
    let ran = place.run(&["image", "alpine"]);
    for region in ["us-east-2", "eu-west-1"] {
        ran.says(&format!("<account>.dkr.ecr.{region}.amazonaws.com/main-docker-hub/library/alpine:latest"));
        ran.says(&format!("(stack main in {region})"));
    }
}

#[test]
fn what_a_branch_adds_to_the_accounts_is_not_logged_in_to_before_it_is_reviewed() {
    let place = fleet(2, "us-east-2", STACK);
    let repository = std::fs::read_to_string(place.repo().join("regcred.yaml")).unwrap();
    std::fs::create_dir(place.repo().join(".git")).unwrap();
    let base = place.repo().parent().unwrap().join("base");
    std::fs::create_dir(&base).unwrap();
    std::fs::write(base.join("regcred.yaml"), repository).unwrap();
    std::fs::write(base.join("accounts.txt"), format!("{}\n", account(0))).unwrap();
    let trusted = base.join("regcred.yaml").display().to_string();
    let (ran, calls) = place.watch(&["plan", "--untrusted", "--trusted", &trusted]);
    assert!(said(&ran).contains("is not in the base branch"), "{}", ran.stdout);
    assert_eq!(counted(&calls)["AssumeRole"], 1);
    // A link to a file of the machine is not read.
    std::fs::write(base.join("secret"), "s3cret\n").unwrap();
    std::fs::remove_file(place.repo().join("accounts.txt")).unwrap();
    std::os::unix::fs::symlink(base.join("secret"), place.repo().join("accounts.txt")).unwrap();
    let (ran, calls) = place.watch(&["plan", "--untrusted", "--trusted", &trusted]);
    ran.ends(3).complains("accounts.txt: is outside the repository");
    assert_eq!((calls.len(), ran.stderr.contains("s3cret")), (0, false));
}

#[test]
fn two_hundred_sites_of_five_stacks_are_planned_quickly() {
    let names = ["a", "b", "c", "d", "e"];
    let stacks: Vec<String> =
        names.map(|name| format!("  {name}: {{ role: 'arn:aws:iam::{{account}}:role/regcred' }}")).to_vec();
    let place = fleet(40, "us-east-1, us-east-2, us-west-2, eu-west-1, eu-central-1", &stacks.join("\n"));
    let started = Instant::now();
    let (ran, calls) = place.watch(&["plan", "--json"]);
    let took = started.elapsed();
    ran.ends(0);
    assert_eq!(ran.lines()[0]["changes"].as_array().unwrap().len(), 200 * (2 + names.len()));
    let counts = counted(&calls);
    assert_eq!((counts["AssumeRole"], counts["GetCallerIdentity"]), (40, 200));
    tell(&format!("{} requests, planned in {took:?}", calls.len()));
}

#[test]
fn nothing_of_a_fleet_is_written_that_the_file_does_not_fill_in() {
    let place = fleet(2, "us-east-2", STACK);
    let calls = place.sync();
    assert!(!written(&calls).is_empty());
    let bodies: String =
        calls.iter().map(|call| String::from_utf8_lossy(&call.request_body).into_owned()).collect();
    assert!(!bodies.contains("{account}") && !bodies.contains("%7Baccount"), "{bodies}");
}
