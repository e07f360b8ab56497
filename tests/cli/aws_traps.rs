//! What has burned users of AWS, from end to end: the sandbox answers there as AWS does.

use std::time::Duration;

use regcred_sandbox::aws::{AccessKey, Role, Rule};
use regcred_sandbox::{Moment, Service, World};
use serde_json::{Value, json};

use crate::place::{OTHER_TOKEN, Place, Ran, TOKEN, written};
use crate::world::{ACCOUNT, NAME, REGION, assert_holds, secret};

/// Long enough that only a broken test waits for it.
const LIMIT: Duration = Duration::from_secs(60);
const PREFIX: &str = "main-docker-hub";

fn one() -> Place {
    Place::with_one_stack(World::default())
}

/// A synced place, then changed behind regcred's back.
fn disturbed(disturb: impl FnOnce(&mut World)) -> Place {
    let place = one();
    place.sync();
    disturb(&mut place.sandbox.state());
    place
}

fn ours(world: &mut World) -> &mut regcred_sandbox::aws::Secret {
    world.aws.secret_mut(ACCOUNT, REGION, NAME).unwrap()
}

/// What a sync writes that is expected to mend everything.
#[track_caller]
fn mended(place: &Place) -> Vec<String> {
    let calls = place.sync();
    place.sync_again();
    written(&calls).into_iter().map(str::to_owned).collect()
}

#[test]
fn a_secret_pending_deletion_is_restored_and_keeps_its_arn_and_its_version() {
    let place = disturbed(|world| {
        let week = world.clock.now() + Duration::from_secs(7 * 86_400);
        ours(world).deleted = Some(week);
    });
    let arn = secret(&place.sandbox.state(), REGION).unwrap().arn.clone();
    place.run(&["plan"]).ends(0).says("scheduled for deletion");
    let writes = mended(&place);
    assert!(writes.contains(&"RestoreSecret".to_owned()), "{writes:?}");
    assert!(!writes.contains(&"CreateSecret".to_owned()), "{writes:?}");
    let world = place.sandbox.snapshot();
    assert_holds(&world, TOKEN);
    assert_eq!(secret(&world, REGION).unwrap().arn, arn);
    assert_eq!(secret(&world, REGION).unwrap().versions.len(), 1);
}

/// A version's value cannot be changed, and its id is what regcred goes by.
#[test]
fn a_wrong_value_under_our_own_version_id_is_told_and_put_right_under_another() {
    let mut place = disturbed(|world| {
        let wrong = r#"{"username":"acme","accessToken":"dckr_pat_somebody-elses"}"#;
        ours(world).versions[0].string = Some(wrong.to_owned());
    });
    place.run(&["plan", "--detailed-exitcode"]).ends(0);
    place.run(&["verify"]).ends(5).says("regcred sync --rewrite");
    place.run(&["sync", "--yes", "--rewrite"]).ends(0).says("1 proven by ECR");
    let versions = |place: &Place| secret(&place.sandbox.state(), REGION).unwrap().versions.len();
    assert_holds(&place.sandbox.state(), TOKEN);
    assert_eq!(versions(&place), 2);
    place.run(&["verify"]).ends(0);
    place.sync_again();
    // To another credential and back: the first id is still taken by the wrong value.
    place.change_token();
    place.sync();
    place.set("DOCKER_HUB_TOKEN", TOKEN);
    place.sync();
    assert_holds(&place.sandbox.state(), TOKEN);
    assert_eq!(versions(&place), 3);
    place.run(&["verify"]).ends(0);
    place.sync_again();
}

#[test]
fn current_that_somebody_moved_to_an_older_version_is_moved_back_without_a_new_one() {
    let mut place = one();
    place.sync();
    place.change_token();
    place.sync();
    {
        let mut world = place.sandbox.state();
        let older = ours(&mut world).versions[0].id.clone();
        ours(&mut world).move_label("AWSCURRENT", Some(&older));
    }
    let writes = mended(&place);
    assert!(writes.contains(&"UpdateSecretVersionStage".to_owned()), "{writes:?}");
    let world = place.sandbox.snapshot();
    assert_holds(&world, OTHER_TOKEN);
    assert_eq!(secret(&world, REGION).unwrap().versions.len(), 2);
}

#[test]
fn a_value_that_somebody_put_by_hand_is_replaced() {
    let place = disturbed(|world| {
        let now = world.clock.now();
        ours(world).put(
            "11111111-2222-3333-4444-555555555555",
            "{\"username\":\"x\",\"accessToken\":\"y\"}",
            now,
        );
    });
    place.run(&["plan"]).ends(0).says("holds another value");
    mended(&place);
    assert_holds(&place.sandbox.state(), TOKEN);
}

#[test]
fn a_principal_that_was_deleted_since_does_not_keep_the_policy_from_being_mended() {
    let (gone, living) = ("arn:aws:iam::123456789012:role/gone", "arn:aws:iam::123456789012:role/living");
    let place = disturbed(|world| {
        for role in [gone, living] {
            world.aws.roles.insert(role.to_owned(), Role::default());
        }
        let allow = |sid: &str, role: &str| {
            format!(
                r#"{{"Sid":"{sid}","Effect":"Allow","Principal":{{"AWS":"{role}"}},"Action":"secretsmanager:DescribeSecret","Resource":"*"}}"#
            )
        };
        let statements = [allow("Gone", gone), allow("Living", living)].join(",");
        ours(world).policy = Some(format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#));
        world.aws.delete_role(gone);
    });
    assert!(secret(&place.sandbox.state(), REGION).unwrap().policy.as_ref().unwrap().contains("AROA"));
    assert_eq!(mended(&place), ["PutResourcePolicy"]);
    let policy = secret(&place.sandbox.state(), REGION).unwrap().policy.clone().unwrap();
    assert!(policy.contains(living) && policy.contains("Deny") && !policy.contains("AROA"), "{policy}");
}

/// Adds a statement to the secret's policy, behind ours.
fn add_statement(world: &mut World, statement: Value) {
    let policy = &mut ours(world).policy;
    let mut document: Value = serde_json::from_str(policy.as_ref().unwrap()).unwrap();
    document["Statement"].as_array_mut().unwrap().push(statement);
    *policy = Some(document.to_string());
}

#[test]
fn a_deleted_principal_under_not_principal_does_not_keep_the_policy_from_being_mended() {
    let gone = "arn:aws:iam::123456789012:role/gone";
    let place = disturbed(|world| {
        world.aws.roles.insert(gone.to_owned(), Role::default());
        let deny = json!({
            "Sid": "Theirs", "Effect": "Deny", "NotPrincipal": { "AWS": gone },
            "Action": "secretsmanager:DeleteSecret", "Resource": "*",
        });
        ours(world).policy = Some(json!({ "Version": "2012-10-17", "Statement": [deny] }).to_string());
        world.aws.delete_role(gone);
    });
    place.run(&["plan"]).ends(0).says("are left out: AROA").says("(in statement Theirs)");
    assert_eq!(mended(&place), ["PutResourcePolicy"]);
    let policy = secret(&place.sandbox.state(), REGION).unwrap().policy.clone().unwrap();
    let statements = serde_json::from_str::<Value>(&policy).unwrap()["Statement"].clone();
    assert_eq!(statements[0]["Principal"], "*", "{policy}");
    assert_eq!(statements[0]["Action"], "secretsmanager:DeleteSecret", "{policy}");
}

#[test]
fn a_statement_of_other_people_that_keeps_ecr_out_is_never_in_place() {
    let place = disturbed(|world| {
        let but = json!({ "ArnNotLike": { "aws:PrincipalArn": "arn:aws:iam::123456789012:role/admin" } });
        add_statement(
            world,
            json!({
                "Sid": "OnlyAdmins", "Effect": "Deny", "Principal": "*",
                "Action": "secretsmanager:Get*Value", "Resource": "*", "Condition": but,
            }),
        );
    });
    let said = "statement OnlyAdmins, which regcred did not make, keeps ECR from reading";
    place.run(&["plan"]).ends(5).says(said).says("kept out: ECR");
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(5).says("1 blocked");
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn who_may_read_is_shown_by_name_though_nothing_is_done_and_the_statement_if_more_is_wanted() {
    let place = disturbed(|world| {
        let policy = &mut ours(world).policy;
        let added = "\"arn:aws:iam::123456789012:role/mallory\",\"arn:aws:iam::123456789012:user/regcred\"";
        let text = policy.as_ref().unwrap().replace("\"arn:aws:iam::123456789012:user/regcred\"", added);
        *policy = Some(text);
    });
    place.run(&["plan"]).ends(0).says("may be read by ECR, role mallory, user regcred").says("No changes.");
    place.run(&["plan", "-v"]).ends(0).says("\"Sid\": \"RegcredOnlyEcrPullThroughCacheReads\"");
    let plan: Value = serde_json::from_str(&place.run(&["plan", "--json"]).ends(0).stdout).unwrap();
    let rows = plan["changes"].as_array().unwrap();
    let access: Vec<&Value> = rows.iter().filter_map(|row| row.get("access")).collect();
    let mallory = json!({ "name": "role mallory", "arn": "arn:aws:iam::123456789012:role/mallory" });
    assert_eq!((access.len(), &access[0]["readers"][1]), (1, &mallory));
}

#[test]
fn provisioners_and_readers_are_let_in_and_nobody_else() {
    let place = one();
    place.edit(
        "regcred.yaml",
        "aws: { stacks:",
        "aws: { provisioners: [\"arn:aws:iam::123456789012:role/deploy\"], readers: [\"arn:aws:iam::123456789012:role/app\"], stacks:",
    );
    place.sync();
    let policy = secret(&place.sandbox.state(), REGION).unwrap().policy.clone().unwrap();
    assert!(policy.contains("role/deploy") && policy.contains("role/app"), "{policy}");
    assert!(!policy.contains("user/regcred"), "{policy}");
    place.sync_again();
}

#[test]
fn the_secret_is_made_with_the_tags_of_the_file_and_those_of_one_that_is_there_stay() {
    let place = one();
    let file = place.repo().join("regcred.yaml");
    let without = std::fs::read_to_string(&file).unwrap();
    place.edit("regcred.yaml", "aws: { stacks:", "aws: { tags: { cost-center: 1234, team: a b }, stacks:");
    place.sync();
    let tags = || secret(&place.sandbox.state(), REGION).unwrap().tags.clone();
    let made = [("cost-center", "1234"), ("managed-by", "regcred"), ("team", "a b")];
    assert_eq!(tags(), made.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    std::fs::write(file, without).unwrap();
    place.sync_again();
    assert_eq!(tags().len(), 3);
    for (tag, why) in
        [("'aws:x': y", "AWS's own"), ("managed-by: me", "regcred gives"), ("'a!': b", "may hold only")]
    {
        let tagged = format!("aws: {{ tags: {{ {tag} }}, stacks:");
        place.edit("regcred.yaml", "aws: { stacks:", &tagged);
        place.run(&["plan"]).ends(3).complains(why);
        place.edit("regcred.yaml", &tagged, "aws: { stacks:");
    }
}

#[test]
fn a_secret_that_was_made_again_gets_the_rule_that_named_the_old_one() {
    let place = disturbed(|world| world.aws.secrets.clear());
    let writes = mended(&place);
    assert!(writes.contains(&"UpdatePullThroughCacheRule".to_owned()), "{writes:?}");
    assert_holds(&place.sandbox.state(), TOKEN);
}

/// What somebody else does at a request, by its place in the run.
type Meddling<'a> = (usize, &'a dyn Fn(&mut World));

/// Runs a sync of AWS alone, stops it at its first `operation`, changes the world, and lets it go on.
fn meanwhile(place: &Place, stops: &[Meddling<'_>]) -> Ran {
    let rehearsal = one();
    let (_, calls) = rehearsal.watch(&["sync", "--yes", "--only", "aws:"]);
    let create = calls.iter().position(|call| call.operation == "CreatePullThroughCacheRule").unwrap();
    let pauses: Vec<_> =
        stops.iter().map(|(later, _)| place.sandbox.pause_at(create + later, Moment::BeforeEffect)).collect();
    let mut command = place.command(&["sync", "--yes", "--only", "aws:"]);
    let child =
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    for (mut pause, (later, change)) in pauses.into_iter().zip(stops) {
        assert!(pause.wait(LIMIT), "request {later} after the rule's creation");
        change(&mut place.sandbox.state());
        pause.release();
    }
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn foreign_rule(world: &mut World) {
    world.aws.rules.push(Rule {
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        prefix: PREFIX.to_owned(),
        upstream_url: "registry-1.docker.io".to_owned(),
        upstream: Some("docker-hub".to_owned()),
        ..Rule::default()
    });
}

#[test]
fn a_rule_that_somebody_makes_in_the_meantime_is_pointed_at_our_secret() {
    let place = one();
    meanwhile(&place, &[(0, &foreign_rule)]).ends(0);
    let world = place.sandbox.snapshot();
    let rule = world.aws.rule(ACCOUNT, REGION, PREFIX).unwrap();
    assert_eq!(rule.credential_arn.as_ref(), Some(&secret(&world, REGION).unwrap().arn));
}

#[test]
fn a_rule_that_comes_and_goes_in_the_meantime_is_a_failure_that_the_next_run_mends() {
    let place = one();
    let gone = |world: &mut World| world.aws.rules.clear();
    let ran = meanwhile(&place, &[(0, &foreign_rule), (1, &gone)]);
    ran.ends(5).says("PullThroughCacheRuleNotFoundException");
    place.sync();
    assert_holds(&place.sandbox.state(), TOKEN);
}

#[test]
fn a_rule_on_a_later_page_is_found() {
    let place = disturbed(|world| {
        world.aws.rule_limit = 5000;
        let foreign = |number: usize| Rule {
            account: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
            prefix: format!("a-{number}"),
            upstream_url: "public.ecr.aws".to_owned(),
            ..Rule::default()
        };
        world.aws.rules.splice(0..0, (0..1500).map(foreign));
    });
    let calls = place.sync();
    let pages = calls.iter().filter(|call| call.operation == "DescribePullThroughCacheRules");
    assert_eq!(pages.count(), 2);
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn a_secret_that_ecr_does_not_see_yet_is_waited_for_with_a_word() {
    let place = one();
    place.sandbox.state().aws.secret_visible_after = 2;
    let ran = place.run(&["sync", "--yes"]);
    ran.ends(0)
        .complains("the secret is not visible to ecr:CreatePullThroughCacheRule yet, waiting, up to 60 s");
    assert_holds(&place.sandbox.state(), TOKEN);
}

#[test]
fn a_secret_that_was_there_before_the_run_is_not_waited_for() {
    let place = one();
    place.sync();
    ours(&mut place.sandbox.state()).unseen_by_ecr = 1;
    place.edit("regcred.yaml", "stacks: {", "stacks: { more: { region: us-east-2 }, ");
    let ran = place.run(&["sync", "--yes"]);
    // A second try would have found it.
    ran.ends(5).says("SecretNotFoundException");
    assert!(!ran.stderr.contains("waiting"), "{}", ran.stderr);
    assert_eq!(ours(&mut place.sandbox.state()).unseen_by_ecr, 0);
    place.sync();
}

#[test]
fn a_secret_that_ecr_never_sees_is_given_up_and_the_report_says_so() {
    let place = one();
    place.sandbox.state().aws.secret_visible_after = u32::MAX;
    place.run(&["sync", "--yes"]).ends(5).says("SecretNotFoundException");
    ours(&mut place.sandbox.state()).unseen_by_ecr = 0;
    place.sync();
    assert_holds(&place.sandbox.state(), TOKEN);
}

#[test]
fn a_region_that_the_account_has_not_enabled_is_named_in_the_hint() {
    let place = one();
    place.edit("regcred.yaml", REGION, "af-south-1");
    let hint = "if the login is right, af-south-1 is not enabled in its account: aws account enable-region --region-name af-south-1";
    let ran = place.run(&["sync", "--yes"]);
    let said = ran.ends(5).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(hint), "{said}");
}

#[test]
fn partitions_without_caches_are_blocked_before_anything_is_asked_there() {
    for (region, name) in [
        ("cn-north-1", "the AWS China partition"),
        ("us-gov-west-1", "AWS GovCloud (US)"),
        ("eusc-de-east-1", "the AWS European Sovereign Cloud"),
    ] {
        let place = one();
        place.edit("regcred.yaml", REGION, region);
        let (ran, calls) = place.watch(&["sync", "--yes"]);
        ran.ends(5).says("blocked").says(name);
        let aws = [Service::Sts, Service::Ecr, Service::SecretsManager];
        assert!(calls.iter().all(|call| !aws.contains(&call.service)));
    }
}

#[test]
fn a_role_is_assumed_and_a_second_run_of_it_writes_nothing() {
    let role = "arn:aws:iam::222222222222:role/ci/regcred";
    let place = one();
    place.edit(
        "regcred.yaml",
        "{ region: us-east-2 }",
        &format!("{{ region: us-east-2, role: \"{role}\" }}"),
    );
    place.sandbox.state().aws.roles.insert(role.to_owned(), Role::default());
    place.sync();
    let world = place.sandbox.snapshot();
    let made = world.aws.secret("222222222222", REGION, NAME).expect("in the role's account");
    assert!(made.value().is_some() && world.aws.secrets.len() == 1);
    place.sync_again();
}

#[test]
fn a_login_for_another_account_than_the_file_says_writes_nothing_there() {
    let place = one();
    place.edit("regcred.yaml", "{ region: us-east-2 }", "{ region: us-east-2, account: \"999999999999\" }");
    let ran = place.run(&["sync", "--yes"]);
    ran.ends(5).says("the login is for account 123456789012").says("999999999999");
    assert!(place.sandbox.state().aws.secrets.is_empty());
}

/// An access key of another account, as a profile of the shared configuration.
fn add_profile(place: &mut Place, lines: &str) {
    let file = place.repo().join("aws-config");
    place.write("aws-config", lines);
    place.set("AWS_CONFIG_FILE", &file.display().to_string());
}

#[test]
fn the_profile_that_a_stack_names_is_its_login_whatever_keys_the_environment_has() {
    let mut place = Place::new();
    let user = "arn:aws:iam::333333333333:user/dev";
    place
        .sandbox
        .state()
        .aws
        .access_keys
        .insert("AKIADEVDEVDEVDEVDEV0".to_owned(), AccessKey::user(user, "dev/secret"));
    add_profile(
        &mut place,
        "[profile dev]\naws_access_key_id = AKIADEVDEVDEVDEVDEV0\naws_secret_access_key = dev/secret\n",
    );
    place.edit("infra/Pulumi.dev.yaml", "aws:region", "aws:profile: dev\n  aws:region");
    place.sync();
    let accounts: Vec<(String, String)> = {
        let world = place.sandbox.state();
        world.aws.rules.iter().map(|rule| (rule.prefix.clone(), rule.account.clone())).collect()
    };
    assert!(accounts.contains(&("dev-docker-hub".to_owned(), "333333333333".to_owned())), "{accounts:?}");
    assert!(accounts.contains(&(PREFIX.to_owned(), ACCOUNT.to_owned())), "{accounts:?}");
    place.sync_again();
}

#[test]
fn an_account_outside_the_stacks_allowed_ones_is_left_alone() {
    let place = Place::new();
    place.edit(
        "infra/Pulumi.dev.yaml",
        "aws:region",
        "aws:allowedAccountIds: [\"444444444444\"]\n  aws:region",
    );
    let ran = place.run(&["sync", "--yes"]);
    ran.ends(5).says("stack dev allows only 444444444444");
    assert!(secret(&place.sandbox.state(), "us-west-2").is_none());
}

#[test]
fn an_expired_session_says_how_to_log_in_again() {
    let mut place = one();
    place.set("AWS_PROFILE", "work");
    let key = place.sandbox.state().aws.exported_key.clone();
    place.sandbox.state().aws.access_keys.get_mut(&key).unwrap().expired = true;
    place.run(&["sync", "--yes"]).ends(5).says("ExpiredToken").says("aws sso login --profile work");
}

#[test]
fn single_sign_on_without_a_login_says_how_to_log_in() {
    let mut place = one();
    place.unset("AWS_ACCESS_KEY_ID");
    place.unset("AWS_SECRET_ACCESS_KEY");
    place.set("AWS_PROFILE", "work");
    add_profile(
        &mut place,
        "[profile work]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = deploy\n\
         [sso-session corp]\nsso_region = us-east-2\nsso_start_url = https://corp.awsapps.com/start\n",
    );
    place.run(&["sync", "--yes"]).ends(5).says("no AWS credentials").says("aws sso login --profile work");
}

#[test]
fn a_stacks_own_run_with_the_same_credential_writes_nothing() {
    let place = Place::new();
    place.sync();
    let (ran, calls) = place.watch(&["sync", "--stack", "main", "--yes"]);
    ran.ends(0);
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn the_value_is_a_string_with_exactly_the_two_keys_that_ecr_reads() {
    let place = one();
    place.sync();
    let world = place.sandbox.snapshot();
    let value: Value = serde_json::from_str(secret(&world, REGION).unwrap().value().unwrap()).unwrap();
    let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["accessToken", "username"]);
}

/// One stack whose login comes from these lines of the shared configuration, and from nothing of the environment.
fn by_configuration(lines: &str, profile: Option<&str>) -> Place {
    let mut place = one();
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        place.unset(name);
    }
    add_profile(&mut place, lines);
    profile.into_iter().for_each(|name| place.set("AWS_PROFILE", name));
    place
}

#[test]
fn what_keeps_a_profile_from_being_a_login_is_told_in_words_once_for_every_region() {
    let keys = "aws_access_key_id = AKIADEVDEVDEVDEVDEV0\naws_secret_access_key = s\n";
    let role = "role_arn = arn:aws:iam::222222222222:role/x\nsource_profile = base\nmfa_serial = arn:aws:iam::1:mfa/me\n";
    for (lines, profile, words, hint) in [
        (
            format!("[profile work]\n{keys}"),
            Some("wrok"),
            "there is no AWS profile `wrok`",
            "did you mean work?",
        ),
        (
            format!("[profile work]\n{role}[profile base]\n{keys}"),
            Some("work"),
            "the AWS profile `work` needs a code of a second factor (`mfa_serial`)",
            "aws configure export-credentials --profile work",
        ),
        (
            "[profile work]\nlogin_session = arn:aws:iam::123456789012:user/me\nregion = us-east-2\n"
                .to_owned(),
            Some("work"),
            "the AWS profile `work` logs in by `aws login` (`login_session`)",
            "aws configure export-credentials --profile work",
        ),
        (
            "[default]\nregion us-east-2\n".to_owned(),
            None,
            "the shared AWS configuration cannot be used",
            "list-profiles",
        ),
    ] {
        let place = by_configuration(&lines, profile);
        place.edit(
            "regcred.yaml",
            "main: { region: us-east-2 }",
            "main: { region: us-east-2 }, dev: { region: us-west-2 }",
        );
        let (ran, calls) = place.watch(&["plan"]);
        let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(words) && said.contains(hint), "{said}{}", ran.stderr);
        assert!(!said.contains("already taken") && !said.contains("Error {"), "{said}");
        assert!(calls.iter().all(|call| call.operation != "GetCallerIdentity"), "nothing is asked");
    }
}

#[test]
fn the_name_of_a_secret_that_was_deleted_a_moment_ago_is_waited_for() {
    let place = one();
    place.sandbox.state().aws.held_names.insert(NAME.to_owned(), 2);
    let ran = place.run(&["sync", "--yes"]);
    ran.ends(0).complains("was deleted a moment ago, waiting, up to 60 s");
    assert_holds(&place.sandbox.state(), TOKEN);
}

#[test]
fn a_profile_has_any_name_in_quotes_and_either_variable_names_it() {
    let with_profile = |name: &str| {
        let mut place = one();
        let keys = place.sandbox.env();
        let mut lines = format!("[profile {name}]\n");
        for key in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            place.unset(key);
            if let Some(value) = keys.get(key) {
                lines += &format!("{}: {value}\n", key.to_lowercase());
            }
        }
        place.write("aws", &lines);
        place.set("AWS_CONFIG_FILE", &place.repo().join("aws").display().to_string());
        place
    };
    for (written, name) in
        [("\"my profile\"", "my profile"), ("'dév'", "dév"), ("my\\ profile", "my profile")]
    {
        for variable in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
            let mut place = with_profile(written);
            place.set(variable, name);
            place.run(&["plan"]).ends(0).says("aws:123456789012/us-east-2");
        }
        let place = with_profile(written);
        place.edit("regcred.yaml", "region: us-east-2", &format!("region: us-east-2, profile: \"{name}\""));
        place.run(&["plan"]).ends(0).says("aws:123456789012/us-east-2");
    }
    let mut place = with_profile("\"my profile\"");
    place.set("AWS_PROFILE", "my profil");
    place.run(&["plan"]).says("there is no AWS profile `my profil`").says("did you mean my profile?");
    // The first of the two counts.
    place.set("AWS_DEFAULT_PROFILE", "my profile");
    place.run(&["plan"]).says("there is no AWS profile `my profil`");
}
