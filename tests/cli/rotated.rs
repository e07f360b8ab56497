//! What a rotation leaves behind: a sync with the old value does not undo it, the old value can be had back, and what may
//! still use it is seen. The systems' own part is called as a rotation calls it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use regcred::aws::Way;
use regcred::change::{Known, Options, Purpose};
use regcred::desired::{Desired, Request, load};
use regcred::execute::execute;
use regcred::model::{Address, CredentialId, Fingerprint, Login, Problem, Registry, Secret};
use regcred::net::Http;
use regcred::plan::plan;
use regcred::report::Outcome;
use regcred::sources::{self, Shared};
use regcred::systems::{Clients, Observed, Writers};
use regcred::targets::{Look, Setting, StillUsing, aws};
use regcred::vault::Vault;
use regcred::view::human;
use regcred_sandbox::github::WorkflowRun;
use regcred_sandbox::runpod::Rollouts;
use regcred_sandbox::{Door, Fault, Kind, Service, World};
use tokio::sync::watch;

use crate::leak::{clean, forms};
use crate::place::{ONE_STACK, OTHER_TOKEN, Place, TOKEN, USER, written};
use crate::world::{ACCOUNT, NAME, REGION, assert_values, secret};

const TAG: &str = "regcred:rotated-from";

/// One stack and one repository. The SDK reads no variables but the process's own, so its login is a profile.
fn place(file: &str) -> Place {
    let mut place = Place::bare(World::default());
    place.write("regcred.yaml", &file.replace("region: us-east-2", "region: us-east-2, profile: p"));
    let (keys, url) = (place.sandbox.env(), place.sandbox.url(Door::Aws));
    let keys = format!(
        "aws_access_key_id = {}\naws_secret_access_key = {}\n",
        keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"]
    );
    // A name in quotes is read by regcred itself.
    place.write("aws", &format!("[profile \"p\"]\nendpoint_url = {url}\n{keys}"));
    let file = place.repo().join("aws").display().to_string();
    place.set("AWS_CONFIG_FILE", &file);
    place
}

/// A run's parts, with the credential that the environment gives now.
struct Parts {
    desired: Desired,
    clients: Clients,
    observed: Observed,
    login: Login,
    known: Known,
}

fn id() -> CredentialId {
    CredentialId("docker-hub".to_owned())
}

async fn parts(place: &Place) -> Parts {
    let env = place.environment();
    let loaded = load(&Request::default(), &env, &place.repo()).unwrap();
    let http = Http::new(&env).unwrap();
    let shared = Shared::new(Way::new(&http, &env, false));
    let credential = &loaded.desired.credentials[0];
    let login = loaded.sources[&id()].value(credential, &shared).await.unwrap();
    let known = sources::known(credential, &login).await.unwrap();
    let clients =
        loaded.desired.places.log_in(&Setting { env: &env, http: &http, base: place.repo().as_path() }).await;
    let look = Look { shard: None, concurrency: 4, wait: Duration::ZERO, say: &|_| {} };
    let observed = loaded.desired.places.observe(&clients, &look).await;
    Parts { desired: loaded.desired, clients, observed, login, known }
}

fn wait_for<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(future)
}

/// What came of each row, and what was said of them.
type Done = (BTreeMap<Address, Outcome>, Vec<String>);

/// Puts the value that the environment gives now in the place of the old one.
fn rotate(place: &Place, old: &str) -> Done {
    wait_for(async {
        let Parts { desired, clients, observed, login, known } = parts(place).await;
        let old = Fingerprint::of(&Registry::docker_hub(), USER, &Secret::new(old.to_owned()));
        let options = Options { purpose: Purpose::Rotate, old: Some(old), ..Options::default() };
        let plan = plan(&desired, &observed, &[(id(), known)].into(), &options);
        let mut vault = Vault::default();
        vault.insert(id(), login);
        let (said, (_stop, stopped)) = (Mutex::new(Vec::new()), watch::channel(false));
        let writers = Writers::new(&clients, &observed);
        let tell = |event| said.lock().unwrap().extend(human::event(&event, false, false));
        let outcomes = execute(&plan, &writers, &vault, 4, stopped, &tell).await;
        (outcomes, said.into_inner().unwrap())
    })
}

/// Everything holds the other token, which took the place of the first one.
fn rotated() -> Place {
    let mut place = place(ONE_STACK);
    place.sync();
    place.change_token();
    let (outcomes, _) = rotate(&place, TOKEN);
    assert!(outcomes.values().all(|outcome| *outcome == Outcome::Applied), "{outcomes:?}");
    place
}

fn previous(place: &Place) -> Result<Login, Problem> {
    wait_for(async {
        let Parts { desired, clients, .. } = parts(place).await;
        aws::previous(&clients.aws, &desired.places.aws, &id()).await
    })
}

fn still_using(place: &Place) -> StillUsing {
    wait_for(async {
        let Parts { desired, clients, observed, .. } = parts(place).await;
        desired.places.still_using(&clients, &observed).await
    })
}

#[test]
fn a_sync_with_the_old_value_after_a_rotation_writes_nothing_anywhere_and_says_how_to_take_it_back() {
    let mut place = rotated();
    place.set("DOCKER_HUB_TOKEN", TOKEN);
    for flags in [&["sync", "--yes"][..], &["sync", "--yes", "--rewrite"]] {
        let (ran, calls) = place.watch(flags);
        ran.ends(5).says("rotated away on ").says("regcred rotate --from previous");
        assert_eq!(written(&calls), [""; 0], "{flags:?}");
    }
    place.run(&["plan"]).ends(5).says("rotated away on ");
    assert_values(&place.sandbox.state(), OTHER_TOKEN);
}

#[test]
fn a_sync_with_the_new_value_after_a_rotation_has_nothing_to_do() {
    let place = rotated();
    place.sync_again();
    assert_values(&place.sandbox.state(), OTHER_TOKEN);
}

/// A tag on a secret that nobody rotated, or whose old value nobody uses, is no reason to block anything.
#[test]
fn a_tag_that_somebody_else_wrote_blocks_nothing() {
    let mut place = rotated();
    place
        .sandbox
        .state()
        .aws
        .secret_mut(ACCOUNT, REGION, NAME)
        .unwrap()
        .tags
        .insert(TAG.to_owned(), "x".to_owned());
    place.set("DOCKER_HUB_TOKEN", TOKEN);
    place.run(&["sync", "--yes"]).ends(0);
    assert_values(&place.sandbox.state(), TOKEN);
}

#[test]
fn a_rotation_marks_the_secret_before_it_puts_the_value_so_that_a_run_killed_in_between_left_the_mark() {
    let mut place = place(ONE_STACK);
    place.sync();
    let first = secret(&place.sandbox.state(), REGION).unwrap().versions[0].id.clone();
    place.change_token();
    place.sandbox.fault(Fault::on(Service::SecretsManager, "PutSecretValue", Kind::Status(500)).forever());
    rotate(&place, TOKEN);
    assert_eq!(secret(&place.sandbox.state(), REGION).unwrap().tags.get(TAG), Some(&first));
    // The old value is the current one still, so that nothing keeps a sync with it from going on.
    place.sandbox.clear_faults();
    place.set("DOCKER_HUB_TOKEN", TOKEN);
    place.run(&["sync", "--yes"]).ends(0);
    place.set("DOCKER_HUB_TOKEN", OTHER_TOKEN);
    rotate(&place, TOKEN);
    assert_values(&place.sandbox.state(), OTHER_TOKEN);
}

#[test]
fn where_tags_are_refused_the_rotation_goes_on_and_says_that_nothing_guards_it() {
    let mut place = place(ONE_STACK);
    place.sync();
    place.change_token();
    for key in place.sandbox.state().aws.access_keys.values_mut() {
        key.denied.push("secretsmanager:TagResource".to_owned());
    }
    let (outcomes, said) = rotate(&place, TOKEN);
    assert!(outcomes.values().all(|outcome| *outcome == Outcome::Applied), "{outcomes:?}");
    let said = said.into_iter().find(|line| line.contains(TAG)).expect("it is said");
    assert!(said.contains("a sync with the old value can take this back"), "{said}");
    assert!(said.contains("secretsmanager:TagResource: AccessDeniedException"), "{said}");
    assert_values(&place.sandbox.state(), OTHER_TOKEN);
    place.set("DOCKER_HUB_TOKEN", TOKEN);
    place.run(&["sync", "--yes"]).ends(0);
    assert_values(&place.sandbox.state(), TOKEN);
}

/// Everything holds the other token, in a secret that beside ECR this principal may read, or the run's own login.
fn rotated_with_reader(reader: Option<&str>) -> Place {
    let mut place = place(ONE_STACK);
    let own = {
        let world = place.sandbox.state();
        world.aws.access_keys[&world.aws.exported_key].principal_arn.clone()
    };
    place.edit("regcred.yaml", "aws: {", &format!("aws: {{ readers: [\"{}\"],", reader.unwrap_or(&own)));
    place.sync();
    if reader.is_none() {
        let none = previous(&place).unwrap_err().message;
        assert!(none.contains(&format!("the previous value of {NAME} in {REGION} is not there")), "{none}");
    }
    place.change_token();
    rotate(&place, TOKEN);
    place
}

#[test]
fn the_previous_value_is_read_by_those_who_may_and_shown_to_nobody() {
    let login = previous(&rotated_with_reader(None)).unwrap();
    assert_eq!((login.username.as_str(), login.token.expose()), (USER, TOKEN));
    clean(&format!("{login:?}"), &forms(TOKEN), "Debug");
}

#[test]
fn the_previous_value_is_closed_to_others_and_the_hint_says_who_has_to_be_named() {
    let place = rotated_with_reader(Some("arn:aws:iam::123456789012:role/app"));
    let refused = previous(&place).unwrap_err();
    let words = "cannot be read: secretsmanager:GetSecretValue: AccessDenied";
    assert!(refused.message.contains(words), "{refused}");
    assert!(refused.hints[0].contains("readers: [ARN]"), "{:?}", refused.hints);
    clean(&format!("{refused:?}"), &forms(TOKEN), "the refusal");
}

#[test]
fn a_previous_value_that_regcred_did_not_write_is_not_taken_and_not_shown() {
    let place = rotated_with_reader(None);
    for value in [
        format!("{TOKEN}\n"),
        format!("{{\"username\":\"{USER}\"}}"),
        format!("{{\"username\":\"a\",\"accessToken\":\"{TOKEN} \"}}"),
    ] {
        let mut world = place.sandbox.state();
        let versions = &mut world.aws.secret_mut(ACCOUNT, REGION, NAME).unwrap().versions;
        versions[0].string = Some(value);
        drop(world);
        let problem = previous(&place).unwrap_err();
        assert!(problem.hints[0].contains("regcred rotate --from stdin"), "{problem:?}");
        clean(&format!("{problem:?}"), &forms(TOKEN), "the problem");
    }
}

/// When GitHub got the new value.
fn written_at(place: &Place) -> DateTime<Utc> {
    let world = place.sandbox.state();
    world.github.repositories["acme/api"].actions.secrets["DOCKER_HUB_TOKEN"].updated_at
}

/// A run of a workflow, so many minutes before `now`.
fn run(status: &str, now: DateTime<Utc>, minutes: i64) -> WorkflowRun {
    let created_at = now - chrono::TimeDelta::minutes(minutes);
    WorkflowRun { id: minutes.unsigned_abs() + 1, status: status.to_owned(), created_at }
}

#[test]
fn workflow_runs_that_were_made_before_the_new_value_and_have_not_ended_are_counted_with_the_oldest() {
    let place = rotated();
    let now = written_at(&place);
    let mut runs: Vec<WorkflowRun> = (10..75).map(|minutes| run("queued", now, minutes)).collect();
    runs.extend([run("in_progress", now, 90), run("waiting", now, 5), run("pending", now, 6)]);
    // One has ended, and one has the new value.
    runs.extend([run("completed", now, 300), run("queued", now, 0)]);
    place.sandbox.state().github.repositories.get_mut("acme/api").unwrap().runs = runs;
    let StillUsing { words, unseen } = still_using(&place);
    let oldest = (now - chrono::TimeDelta::minutes(90)).format("%Y-%m-%dT%H:%M:%SZ");
    let told = "68 workflow runs of acme/api may still use the old value, the oldest from";
    assert_eq!((words, unseen.len()), (vec![format!("{told} {oldest}")], 0));
    place.sandbox.state().github.repositories.get_mut("acme/api").unwrap().runs =
        vec![run("completed", now, 9)];
    assert_eq!(still_using(&place).words, [""; 0]);
    assert_eq!(place.sandbox.violations(), [""; 0]);
}

#[test]
fn a_token_that_may_not_list_workflow_runs_says_that_they_could_not_be_seen() {
    let place = rotated();
    for token in place.sandbox.state().github.tokens.values_mut() {
        *token = token.clone().with("actions", "none");
    }
    let StillUsing { words, unseen } = still_using(&place);
    assert_eq!(words, [""; 0]);
    let message = &unseen[0].message;
    assert!(
        message.starts_with("whether workflow runs of acme/api still use the old value could not be seen: "),
        "{message}"
    );
    assert!(unseen[0].hints[0].contains("`actions: read`"), "{unseen:?}");
}

#[test]
fn without_a_login_it_is_said_of_each_system_that_what_uses_the_old_value_could_not_be_seen() {
    let mut place = place(&ONE_STACK.replace("github:", "runpod: { endpoints: all }\n      github:"));
    place.sync();
    place.set("GITHUB_TOKEN", "ghp_0123456789012345678901234567890123456");
    place.set("RUNPOD_API_KEY", "rpa_0123456789");
    let StillUsing { words, unseen } = still_using(&place);
    assert_eq!(words, [""; 0]);
    let said: Vec<&str> =
        unseen.iter().filter_map(|problem| problem.message.split(" could ").next()).collect();
    let wanted = ["workflow runs of acme/api", "workers of endpoints"];
    assert_eq!(said, wanted.map(|whose| format!("whether {whose} still use the old value")), "{unseen:?}");
}

#[test]
fn of_an_organizations_secret_the_runs_of_the_repositories_that_are_named_are_looked_at_and_of_all_it_is_said()
 {
    let organization = |audience: &str| {
        let item = format!("{{ organization: acme, {audience} }}");
        let place = place(&ONE_STACK.replace("{ repository: acme/api }", &item));
        place.sync();
        let now = place.sandbox.state().clock.now();
        for repository in place.sandbox.state().github.repositories.values_mut() {
            repository.runs = vec![run("in_progress", now, 7)];
        }
        still_using(&place)
    };
    let StillUsing { words, unseen } = organization("visibility: selected, repositories: [web]");
    assert!(words.len() == 1 && words[0].starts_with("a workflow run of acme/web from "), "{words:?}");
    assert!(unseen.is_empty(), "{unseen:?}");
    let StillUsing { words, unseen } = organization("visibility: all");
    assert_eq!(words, [""; 0]);
    assert!(
        unseen[0].message.ends_with("could not be seen: its secret is seen by every repository"),
        "{unseen:?}"
    );
}

#[test]
fn workers_of_runpod_that_run_an_earlier_release_still_use_the_old_value() {
    let mut place = Place::bare(World::default());
    place.write("regcred.yaml", crate::runpod::FILE);
    crate::runpod::populate(&mut place.sandbox.state().runpod);
    place.sync();
    assert_eq!(still_using(&place).words, [""; 0]);
    place.sandbox.state().runpod.rollouts = Rollouts::Held;
    place.change_token();
    rotate(&place, TOKEN);
    let words = still_using(&place).words;
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(words.iter().all(|words| words.contains("is not complete (0 of ")), "{words:?}");
    place.sandbox.state().runpod.finish_rollouts();
    assert_eq!(still_using(&place).words, [""; 0]);
    let list = "GET /v2/serverless/{id}/releases";
    place.sandbox.fault(Fault::on(Service::RunPod, list, Kind::Status(403)).forever());
    let unseen = still_using(&place).unseen;
    assert_eq!(unseen.len(), 2, "{unseen:?}");
    assert!(unseen[0].message.contains("still use the old value could not be seen"), "{unseen:?}");
}
