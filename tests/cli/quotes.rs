//! Whatever a remote system repeats of what it was sent, and however it writes it: no spelling of a secret is in what a run
//! says, and its other words are.

use regcred_sandbox::{Fault, Kind, Service, Spelling, World};

use crate::kubernetes::of_world;
use crate::leak::{clean_run, forms};
use crate::place::{Place, Ran, USER};

/// A token in which every spelling changes something.
const CANARY: &str = "dckr_pat_c4nary\"\\&+/=%<>0123456789";
/// One place in every system.
const EVERYWHERE: &str = "\
version: 1
credentials:
  docker-hub:
    to:
      aws: { stacks: { main: { region: us-east-2 } } }
      github: [{ repository: acme/api }]
      kubernetes: [{ context: prod, namespaces: [default], service-accounts: [default] }]
      runpod: { name: docker-hub-acme, endpoints: all }
      daytona: { name: docker-hub }
";
const SYSTEMS: [Service; 5] =
    [Service::SecretsManager, Service::GitHub, Service::Kubernetes, Service::RunPod, Service::Daytona];

#[test]
fn no_system_and_no_key_of_one_is_left_out_of_these_tests() {
    for name in regcred::systems::NAMES {
        assert!(EVERYWHERE.contains(&format!("\n      {name}: ")), "{name}");
    }
    let env = Place::bare(World::default()).sandbox.env();
    let keys: Vec<&str> = regcred::systems::secrets().filter(|name| env.contains_key(*name)).collect();
    assert_eq!(keys.iter().filter(|name| !KEYS.contains(name)).count(), 0, "{keys:?}");
}

/// The keys that a sandbox gives.
const KEYS: [&str; 4] = ["GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "RUNPOD_API_KEY", "DAYTONA_API_KEY"];

fn place() -> Place {
    let mut world = World::default();
    world.registry.add_account(USER, CANARY);
    world.runpod.add_endpoint("infer", "acme/infer:1");
    let mut place = of_world(EVERYWHERE, world);
    place.set("DOCKER_HUB_TOKEN", CANARY);
    place
}

/// Every spelling of everything that this place logs in with.
fn canaries(place: &Place) -> Vec<String> {
    let env = place.sandbox.env();
    let mut secrets: Vec<String> = KEYS.iter().map(|name| env[*name].clone()).collect();
    secrets.push(CANARY.to_owned());
    let kubeconfig = place.sandbox.state().kubernetes.kubeconfig("");
    let users = kubeconfig["users"].as_array().unwrap();
    secrets.extend(users.iter().filter_map(|user| Some(user["user"]["token"].as_str()?.to_owned())));
    assert_eq!(secrets.len(), 6, "{kubeconfig}");
    secrets.iter().flat_map(|secret| forms(secret)).collect()
}

/// Runs against remotes that repeat, and how often they are quoted in what it says.
fn quoted(
    fault: impl Fn(Kind) -> Fault,
    status: u16,
    spelling: Spelling,
    commands: &[&[&str]],
) -> Vec<(usize, Ran)> {
    let run = |args: &&[&str]| {
        let place = place();
        place.sandbox.fault(fault(Kind::Quote { status, spelling }).forever());
        let ran = place.run(args);
        let what = format!("{spelling:?}, {}", args.join(" "));
        assert!(clean_run(&ran, &canaries(&place), &what) > 3, "{what}: silence keeps secrets, too");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        let masked = said.matches("***").count() + said.matches("\\*\\*\\*").count();
        assert!(masked > 0, "{what}: nothing was repeated\n{said}");
        (said.matches("you sent").count(), ran)
    };
    commands.iter().map(run).collect()
}

#[test]
fn a_remote_that_repeats_a_login_when_it_is_read_shows_no_secret() {
    let commands: [&[&str]; 4] = [
        &["plan", "-vvv"],
        &["plan", "--json", "-vvv"],
        &["plan", "--markdown"],
        &["verify", "--json", "-vvv"],
    ];
    for spelling in Spelling::ALL {
        let commands = if spelling == Spelling::Json { &commands[..] } else { &commands[..2] };
        // AWS gets a signature when it is read, and no secret.
        for service in SYSTEMS.into_iter().filter(|service| *service != Service::SecretsManager) {
            let fault = |kind| Fault::on_service(service, kind);
            for (times, ran) in quoted(fault, 400, spelling, commands) {
                assert!(times > 0, "{service}, {spelling:?}\n{}\n{}", ran.stdout, ran.stderr);
            }
        }
    }
}

#[test]
fn a_remote_that_repeats_the_value_when_it_is_written_shows_no_secret() {
    let commands: [&[&str]; 2] = [&["sync", "--yes", "-vvv"], &["sync", "--yes", "--json", "-vvv"]];
    for spelling in Spelling::ALL {
        for (times, ran) in quoted(Fault::on_writes, 400, spelling, &commands) {
            assert!(times >= SYSTEMS.len(), "{spelling:?}\n{}\n{}", ran.stdout, ran.stderr);
        }
    }
}

#[test]
fn a_registry_that_repeats_the_credential_shows_no_secret() {
    let commands: [&[&str]; 3] =
        [&["plan", "-vvv"], &["plan", "--markdown"], &["sync", "--yes", "--json", "-vvv"]];
    for spelling in Spelling::ALL {
        let fault = |kind| Fault::on_service(Service::Token, kind);
        for (times, ran) in quoted(fault, 401, spelling, &commands) {
            ran.ends(4);
            assert!(times > 0, "{spelling:?}\n{}\n{}", ran.stdout, ran.stderr);
        }
    }
}

#[test]
fn words_that_hold_a_short_password_are_left_out_and_addresses_stay() {
    for password in ["main", "hunter2"] {
        let mut world = World::default();
        world.registry.add_account(USER, password);
        let mut place = of_world(EVERYWHERE, world);
        place.set("DOCKER_HUB_TOKEN", password);
        place.sandbox.fault(Fault::on_writes(Kind::Quote { status: 400, spelling: Spelling::Raw }).forever());
        let ran = place.run(&["sync", "--yes"]);
        ran.ends(1).says("(words left out: they hold the secret)").says("aws:123456789012/us-east-2");
        ran.says("cache-rule/main-docker-hub").says("(for main)");
        assert!(!ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"), "{ran:?}");
    }
}
