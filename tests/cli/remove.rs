//! Taking away what regcred made, from end to end: afterwards every system is as it was, but for AWS's secret, which can be
//! restored for 30 days.

use regcred_sandbox::{Moment, World};
use serde_json::{Value, json};

use crate::kill::{kill_at, moments};
use crate::kubernetes::{HUB, of_world};
use crate::place::{Place, TOKEN, USER, tell, written};
use crate::strike::in_parallel;
use crate::world::{ACCOUNT, NAME, REGION, assert_holds, broken, secret, watch_for};

/// A place in each system.
const ALL: &str = "version: 1
credentials:
  docker-hub:
    to:
      aws: { stacks: { main: { region: us-east-2 }, dev: { region: us-east-2 } } }
      github: [{ repository: acme/api }]
      daytona: { name: docker-hub }
      kubernetes: [{ context: prod, namespaces: [default], service-accounts: [default] }]
      runpod: { name: docker-hub-acme, templates: all, endpoints: all, pods: all }
";

/// What other people have there.
fn world() -> World {
    let mut world = World::default();
    crate::runpod::populate(&mut world.runpod);
    world.runpod.add_auth("by-hand", "somebody", "else");
    let at = world.clock.now();
    world.daytona.add_row("Quay", "quay.io", "robot", at);
    world.aws.add_secret(ACCOUNT, REGION, "ecr-pullthroughcache/theirs");
    let cluster = world.kubernetes.cluster_mut("prod");
    cluster.put_service_account("default", "default", &["theirs"]);
    let entry = json!({ "auths": { "quay.io": { "auth": "YTpi" } } });
    cluster.put_pull_secret("default", "theirs", &entry);
    world
}

/// Everything in place, and what was held before the first sync.
struct Synced {
    world: World,
    before: Value,
}

impl Synced {
    fn new() -> Self {
        let world = world();
        let before = held(&world);
        let place = of_world(ALL, world);
        place.sync();
        Self { world: place.sandbox.snapshot(), before }
    }

    fn place(&self) -> Place {
        of_world(ALL, self.world.clone())
    }

    /// The world is as it was before the first sync, and the secret can be restored.
    #[track_caller]
    fn assert_gone(&self, now: &World, at: &str) {
        let after = held(now);
        for (part, before) in self.before.as_object().unwrap() {
            assert_eq!(&after[part], before, "{part}\n{at}");
        }
        assert!(secret(now, REGION).unwrap().deleted.is_some(), "{at}");
    }
}

/// What the systems hold, without what counts writes.
fn held(world: &World) -> Value {
    let mut namespaces = serde_json::to_value(&world.kubernetes.clusters["prod"].namespaces).unwrap();
    strip(&mut namespaces);
    let users: Vec<String> = [
        world.runpod.templates.iter().map(|it| format!("{} {:?}", it.id, it.container)).collect::<Vec<_>>(),
        world.runpod.endpoints.iter().map(|it| format!("{} {:?}", it.id, it.container)).collect(),
        world.runpod.pods.iter().map(|it| format!("{} {:?}", it.id, it.container)).collect(),
    ]
    .concat();
    let repository = &world.github.repositories["acme/api"];
    let secrets: Vec<&_> = world.aws.secrets.iter().filter(|secret| secret.name != NAME).collect();
    json!({
        "rules": serde_json::to_value(&world.aws.rules).unwrap(),
        "secrets": serde_json::to_value(secrets).unwrap(),
        "actions": serde_json::to_value(&repository.actions.secrets).unwrap(),
        "variables": serde_json::to_value(&repository.variables).unwrap(),
        "rows": serde_json::to_value(&world.daytona.registries).unwrap(),
        "auths": serde_json::to_value(&world.runpod.auths).unwrap(),
        "users": users,
        "namespaces": namespaces,
    })
}

fn strip(value: &mut Value) {
    if let Value::Object(fields) = value {
        for counted in ["resourceVersion", "managedFields", "generation"] {
            fields.remove(counted);
        }
        // A list of none is no list.
        fields.retain(|name, value| name != "imagePullSecrets" || *value != json!([]));
    }
    match value {
        Value::Object(fields) => fields.values_mut().for_each(strip),
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

#[test]
fn what_regcred_made_goes_in_every_system_and_whatever_else_is_there_stays_as_it_is() {
    let synced = Synced::new();
    let place = synced.place();
    let ran = place.run(&["remove", "--yes"]);
    ran.ends(0).says("pulls anonymously then").says("Done: ").says("docker-hub-acme-");
    synced.assert_gone(&place.sandbox.snapshot(), &ran.stdout);
    let (ran, calls) = place.watch(&["remove", "--yes"]);
    ran.ends(0).says("No changes. Nothing is left that regcred made.");
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn the_secret_of_aws_goes_last_and_is_never_deleted_by_force() {
    let place = Synced::new().place();
    let (ran, calls) = place.watch(&["remove", "--yes", "--only", "aws:"]);
    ran.ends(0);
    assert_eq!(written(&calls), ["DeletePullThroughCacheRule", "DeletePullThroughCacheRule", "DeleteSecret"]);
    let deleted = secret(&place.sandbox.state(), REGION).unwrap().deleted.unwrap();
    let days = (deleted - place.sandbox.state().clock.now()).num_hours().div_euclid(24);
    assert!((29..=30).contains(&days), "{days}");
}

#[test]
fn a_sync_after_it_restores_the_secret_and_puts_everything_in_place() {
    let place = Place::with_one_stack(World::default());
    let arn = |place: &Place| secret(&place.sandbox.state(), REGION).unwrap().arn.clone();
    place.sync();
    let before = arn(&place);
    place.run(&["remove", "--yes"]).ends(0);
    place.run(&["plan"]).ends(0).says("scheduled for deletion on ").says(", restored");
    place.sync();
    assert_holds(&place.sandbox.state(), TOKEN);
    assert_eq!(arn(&place), before);
    place.sync_again();
}

#[test]
fn neither_the_credential_nor_its_registry_is_needed() {
    let synced = Synced::new();
    let mut place = synced.place();
    place.unset("DOCKER_HUB_TOKEN");
    place.unset("DOCKER_HUB_USERNAME");
    place.sandbox.state().registry.accounts.clear();
    place.run(&["remove", "--yes"]).ends(0);
    synced.assert_gone(&place.sandbox.snapshot(), "without the credential");
}

#[test]
fn without_consent_nothing_goes_and_the_digest_of_what_was_shown_is_consent() {
    let place = Synced::new().place();
    for args in [&["remove"][..], &["remove", "--no-input"], &["remove", "--json"]] {
        let (ran, calls) = place.watch(args);
        ran.ends(3);
        assert_eq!(written(&calls), [""; 0], "{args:?}");
    }
    let hint = place.run(&["remove", "--only", "github:"]).stderr;
    let command = hint.lines().find_map(|line| line.split("regcred ").nth(1)).unwrap().to_owned();
    assert!(command.starts_with("remove --expect "), "{hint}");
    place.run(&["remove", "--expect", "0123456789ab"]).ends(3).complains("regcred remove --expect");
    place.run(&command.split(' ').collect::<Vec<_>>()).ends(0);
    let state = place.sandbox.state();
    assert!(state.github.repositories["acme/api"].actions.secrets.is_empty());
    assert!(secret(&state, REGION).unwrap().deleted.is_none());
}

#[test]
fn the_stream_is_of_the_same_format_as_that_of_a_sync() {
    let place = Synced::new().place();
    let ran = place.run(&["remove", "--yes", "--json"]);
    let lines = ran.ends(0).lines();
    let kinds = |kind: &str| lines.iter().filter(|line| line["type"] == kind).count();
    let deleted = lines.iter().filter(|line| line["type"] == "planned_change" && line["action"] == "delete");
    assert_eq!(deleted.count(), 9);
    assert_eq!(
        (lines[0]["type"].as_str(), lines.last().unwrap()["exit"].as_u64()),
        (Some("version"), Some(0))
    );
    assert_eq!((kinds("apply_start"), kinds("apply_errored")), (kinds("apply_complete"), 0));
    assert!(!ran.stdout.contains(TOKEN));
}

#[test]
fn a_stacks_own_run_takes_its_rule_and_leaves_what_others_share() {
    let place = Synced::new().place();
    place.run(&["remove", "--yes", "--stack", "dev"]).ends(0).says("run a full remove, without --stack");
    let state = place.sandbox.state();
    assert!(state.aws.rule(ACCOUNT, REGION, "dev-docker-hub").is_none());
    assert!(state.aws.rule(ACCOUNT, REGION, "main-docker-hub").is_some());
    assert!(secret(&state, REGION).unwrap().deleted.is_none());
}

#[test]
fn a_rule_of_other_people_that_reads_the_secret_keeps_it() {
    let place = Synced::new().place();
    {
        let mut state = place.sandbox.state();
        let mut rule = state.aws.rule(ACCOUNT, REGION, "main-docker-hub").unwrap().clone();
        rule.prefix = "theirs".to_owned();
        state.aws.rules.push(rule);
    }
    place.run(&["remove", "--yes", "--only", "aws:"]).ends(5).says("the cache rule theirs uses it");
    assert!(secret(&place.sandbox.state(), REGION).unwrap().deleted.is_none());
    place.sandbox.state().aws.rules.clear();
    place.run(&["remove", "--yes", "--only", "aws:"]).ends(0);
}

#[test]
fn a_rule_that_comes_between_the_plan_and_the_deletion_keeps_the_secret() {
    let place = Place::with_one_stack(World::default());
    place.sync();
    let reads = place.watch(&["remove", "--json", "--only", "aws:"]).1.len();
    place.sandbox.clear_calls();
    // The first write is the deletion of the rule, after a look at it.
    let mut pause = place.sandbox.pause_at(reads, Moment::BeforeEffect);
    let run = crate::ends::start(&mut place.command(&["remove", "--yes", "--only", "aws:"]));
    assert!(pause.wait(crate::ends::LIMIT));
    {
        let mut state = place.sandbox.state();
        let mut rule = state.aws.rules[0].clone();
        rule.prefix = "theirs".to_owned();
        state.aws.rules.push(rule);
    }
    pause.release();
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(secret(&place.sandbox.state(), REGION).unwrap().deleted.is_none());
}

#[test]
fn a_secret_that_somebody_else_made_stays_and_says_how_it_may_go() {
    let mut world = World::default();
    world.aws.add_secret(ACCOUNT, REGION, NAME);
    let place = Place::with_one_stack(world);
    place.sync();
    let ran = place.run(&["remove", "--yes"]);
    ran.ends(0).says("stays: it does not have regcred's tag").says("regcred remove --allow-delete");
    assert!(secret(&place.sandbox.state(), REGION).unwrap().deleted.is_none());
    place.run(&["remove", "--yes", "--allow-delete"]).ends(0);
    assert!(secret(&place.sandbox.state(), REGION).unwrap().deleted.is_some());
}

#[test]
fn a_password_in_github_of_which_there_is_no_record_stays() {
    let mut place = Place::with_one_stack(World::default());
    place.sandbox.state().registry.add_account(USER, "correct-horse-battery");
    place.set("DOCKER_HUB_TOKEN", "correct-horse-battery");
    place.sync();
    place.run(&["remove", "--yes", "--only", "github:"]).ends(0).says("no record says that regcred wrote it");
    assert_eq!(place.sandbox.state().github.repositories["acme/api"].actions.secrets.len(), 2);
    place.run(&["remove", "--yes", "--only", "github:", "--allow-delete"]).ends(0);
    assert!(place.sandbox.state().github.repositories["acme/api"].actions.secrets.is_empty());
}

#[test]
fn of_a_pull_secret_with_other_logins_ours_alone_is_taken_out() {
    let place = of_world(crate::kubernetes::ONE, World::default());
    place.sync();
    {
        let mut state = place.sandbox.state();
        let cluster = state.kubernetes.cluster_mut("prod");
        let mut config = cluster.docker_config("default", "docker-hub").unwrap();
        config["auths"]["quay.io"] = json!({ "auth": "YTpi" });
        let labels = cluster.secret("default", "docker-hub").unwrap()["metadata"]["labels"].clone();
        cluster.put_pull_secret("default", "docker-hub", &config)["metadata"]["labels"] = labels;
    }
    place.run(&["remove", "--yes"]).ends(0).says("what else is in it stays");
    let state = place.sandbox.snapshot();
    let cluster = &state.kubernetes.clusters["prod"];
    assert_eq!(
        cluster.docker_config("default", "docker-hub").unwrap(),
        json!({ "auths": { "quay.io": { "auth": "YTpi" } } })
    );
    assert_eq!(cluster.kubelet_login("default", "docker-hub", HUB), None);
    assert_eq!(cluster.pull_secrets("default", "default"), ["docker-hub"]);
    let (ran, calls) = place.watch(&["remove", "--yes"]);
    ran.ends(0);
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn a_row_of_daytona_that_was_taken_over_bears_our_name_and_goes_and_one_by_hand_stays() {
    let mut world = World::default();
    let at = world.clock.now();
    world.daytona.add_row("docker-hub", "docker.io", USER, at);
    let place = crate::daytona::place_in(world);
    place.run(&["remove", "--yes"]).ends(0).says("does not have the name that regcred gives");
    assert_eq!(place.sandbox.state().daytona.registries.len(), 1);
    place.sync();
    place.run(&["remove", "--yes"]).ends(0);
    assert!(place.sandbox.state().daytona.registries.is_empty());
}

#[test]
fn what_could_not_be_taken_away_is_told_and_the_rest_goes_on() {
    use regcred_sandbox::{Fault, Kind, Service};
    let synced = Synced::new();
    let place = synced.place();
    place.sandbox.fault(Fault::on_service(Service::Daytona, Kind::Status(500)).forever());
    place.run(&["remove", "--yes"]).ends(5).says("could not be read");
    assert!(place.sandbox.state().aws.rules.is_empty());
    place.sandbox.clear_faults();
    place.run(&["remove", "--yes"]).ends(0);
    synced.assert_gone(&place.sandbox.snapshot(), "after the fault");
}

#[test]
fn killed_at_any_request_it_is_finished_by_the_next_run_and_no_rule_ever_reads_what_is_gone() {
    let synced = Synced::new();
    let requests = {
        let place = synced.place();
        let (ran, calls) = place.watch(&["remove", "--yes"]);
        ran.ends(0);
        calls.len()
    };
    let jobs: Vec<(usize, Moment)> =
        (0..requests).flat_map(|index| moments(index).iter().map(move |moment| (index, *moment))).collect();
    in_parallel(&jobs, |(index, moment)| {
        let place = synced.place();
        let seen = watch_for(&place.sandbox, None, |world, _| broken(world, None));
        kill_at(&place, &["remove", "--yes"], *index, *moment);
        let next = place.run(&["remove", "--yes"]);
        let at = format!("request {index} {moment:?}\n{}{}", next.stdout, next.stderr);
        assert_eq!(next.code, 0, "{at}");
        synced.assert_gone(&place.sandbox.snapshot(), &at);
        assert_eq!(*seen.lock().unwrap(), [""; 0], "{at}");
    });
    tell(&format!("killed: remove: {} of {} pairs of request and moment", jobs.len(), 2 * requests));
}

#[test]
fn an_interrupt_ends_it_with_the_report_and_the_next_run_goes_on() {
    let place = Place::with_one_stack(World::default());
    place.sync();
    let reads = place.watch(&["remove", "--json"]).1.len();
    place.sandbox.clear_calls();
    let mut pause = place.sandbox.pause_at(reads, Moment::BeforeEffect);
    let mut run = crate::ends::start(&mut place.command(&["remove", "--yes"]));
    assert!(pause.wait(crate::ends::LIMIT));
    crate::ends::send("INT", &run);
    crate::ends::stopping(&mut run);
    pause.release();
    assert_eq!(run.wait().unwrap().code(), Some(130));
    place.run(&["remove", "--yes"]).ends(0);
    place.run(&["remove", "--yes"]).ends(0).says("No changes.");
}
