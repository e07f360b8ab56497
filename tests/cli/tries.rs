//! How often a request is sent: one policy for every system.

use std::collections::BTreeMap;

use regcred_sandbox::{Call, Door, Fault, Kind, Service, World, writes};

use crate::kubernetes::of_world;
use crate::place::Place;

/// What a system is asked in these tests: a request that reads, and one that writes.
struct System {
    service: Service,
    places: &'static str,
    read: &'static str,
    write: &'static str,
    /// How it says that a login is not valid.
    refused: u16,
}

#[test]
fn no_system_is_left_out_of_these_tests() {
    let tried = SYSTEMS.iter().filter_map(|system| system.places.trim().split(':').next());
    let tried: std::collections::BTreeSet<&str> = tried.collect();
    assert_eq!(tried, regcred::systems::NAMES.iter().copied().collect());
}

const SYSTEMS: [System; 6] = [
    System {
        service: Service::SecretsManager,
        places: "      aws: { stacks: { main: { region: us-east-2 } } }\n",
        read: "DescribeSecret",
        write: "PutSecretValue",
        refused: 403,
    },
    System {
        service: Service::Ecr,
        places: "      aws: { stacks: { main: { region: us-east-2 } } }\n",
        read: "DescribePullThroughCacheRules",
        write: "CreatePullThroughCacheRule",
        refused: 403,
    },
    System {
        service: Service::GitHub,
        places: "      github: [{ repository: acme/api }]\n",
        read: "GET /repos/{owner}/{repo}/actions/secrets",
        write: "PUT /repos/{owner}/{repo}/actions/secrets/{secret_name}",
        refused: 401,
    },
    System {
        service: Service::Daytona,
        places: "      daytona: { name: docker-hub }\n",
        read: "GET /docker-registry",
        write: "POST /docker-registry",
        refused: 401,
    },
    System {
        service: Service::RunPod,
        places: "      runpod: { name: docker-hub-acme, templates: all }\n",
        read: "GET /v2/registries",
        write: "POST /v2/registries",
        refused: 401,
    },
    System {
        service: Service::Kubernetes,
        places: "      kubernetes: [{ context: prod, namespaces: [default] }]\n",
        read: "GET /api/v1/namespaces/{namespace}/secrets/{name}",
        write: "POST /api/v1/namespaces/{namespace}/secrets",
        refused: 401,
    },
];

fn place(places: &str) -> Place {
    let mut world = World::default();
    world.kubernetes.cluster_mut("prod");
    world.runpod.add_template("web", "acme/web:1");
    of_world(&format!("version: 1\ncredentials:\n  docker-hub:\n    to:\n{places}"), world)
}

/// How often each request of this operation was sent, which all were as often.
fn sent(calls: &[Call], service: Service, operation: &str) -> usize {
    let mut by_path: BTreeMap<&str, usize> = BTreeMap::new();
    for call in calls.iter().filter(|call| call.service == service && call.operation == operation) {
        *by_path.entry(call.path.as_str()).or_default() += 1;
    }
    by_path.values().copied().max().unwrap_or_default()
}

/// How often a request is sent whose answer is this one every time.
fn tries(system: &System, operation: &str, kind: Option<Kind>) -> usize {
    let place = place(system.places);
    if let Some(kind) = kind {
        place.sandbox.fault(Fault::on(system.service, operation, kind).forever());
    }
    let args = if operation == system.write { &["sync", "--yes", "-vv"][..] } else { &["plan", "-vv"] };
    let (ran, calls) = place.watch(args);
    assert!(!matches!(ran.code, 101 | 134), "{}", ran.stderr);
    let lines = ran.stderr.lines().filter(|line| line.contains("answered")).count();
    assert_eq!(lines, calls.len(), "one line for each try\n{}", ran.stderr);
    sent(&calls, system.service, operation)
}

#[track_caller]
fn assert_tries(service: Service) {
    let system = SYSTEMS.iter().find(|system| system.service == service).unwrap();
    for operation in [system.read, system.write] {
        for (kind, wanted) in [
            (None, 1),
            (Some(Kind::Status(system.refused)), 1),
            (Some(Kind::Throttle { retry_after: Some(0) }), 3),
            (Some(Kind::Status(500)), 3),
            (Some(Kind::Status(503)), 3),
            (Some(Kind::ResetBefore), 3),
            (Some(Kind::TruncatedBody), cut(system, operation)),
        ] {
            let words = format!("{service} {operation} {kind:?}");
            assert_eq!(tries(system, operation, kind), wanted, "{words}");
        }
    }
    let place = place(system.places);
    let door = door(service);
    place.sandbox.set_reachable(door, false).unwrap();
    let ran = place.run(&["plan", "-vv"]);
    let address = format!("url={}", place.sandbox.url(door));
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    for line in ran.stderr.lines().filter(|line| line.contains("not answered") && line.contains(&address)) {
        let asked = &line[line.find("method=").unwrap()..];
        *lines.entry(asked).or_default() += 1;
    }
    assert!(!lines.is_empty() && lines.values().all(|tries| *tries == 3), "{service}: {lines:?}");
}

/// How often a request is sent whose answers are cut: what was made without one is found before it is made again, and
/// GitHub has nothing to cut when a secret is there already.
fn cut(system: &System, operation: &str) -> usize {
    match system.service {
        Service::Daytona | Service::RunPod if operation == system.write => 1,
        Service::GitHub if operation == system.write => 2,
        _ => 3,
    }
}

fn door(service: Service) -> Door {
    match service {
        Service::GitHub => Door::GitHub,
        Service::Daytona => Door::Daytona,
        Service::RunPod | Service::RunPodJobs => Door::RunPod,
        Service::Kubernetes => Door::Kubernetes,
        Service::Registry | Service::Token | Service::Hub => Door::Registry,
        Service::SecretsManager | Service::Ecr | Service::Sts | Service::Kms => Door::Aws,
    }
}

#[test]
fn a_request_to_secrets_manager_is_tried_three_times() {
    assert_tries(Service::SecretsManager);
}

#[test]
fn a_request_to_ecr_is_tried_three_times() {
    assert_tries(Service::Ecr);
}

#[test]
fn a_request_to_github_is_tried_three_times() {
    assert_tries(Service::GitHub);
}

#[test]
fn a_request_to_daytona_is_tried_three_times() {
    assert_tries(Service::Daytona);
}

#[test]
fn a_request_to_runpod_is_tried_three_times() {
    assert_tries(Service::RunPod);
}

#[test]
fn a_request_to_a_cluster_is_tried_three_times() {
    assert_tries(Service::Kubernetes);
}

#[test]
fn a_request_to_a_registry_is_tried_three_times_unless_it_was_answered() {
    let places = "      daytona: { name: docker-hub }\n";
    for (kind, wanted) in [
        (Kind::Status(403), 1),
        (Kind::Status(429), 1),
        (Kind::Status(500), 3),
        (Kind::Status(503), 3),
        (Kind::ResetBefore, 3),
        (Kind::TruncatedBody, 3),
    ] {
        let place = place(places);
        place.sandbox.fault(Fault::on(Service::Registry, "GET /v2/", kind.clone()).forever());
        let (_, calls) = place.watch(&["sync", "--yes"]);
        assert_eq!(sent(&calls, Service::Registry, "GET /v2/"), wanted, "{kind:?}");
        assert!(writes(&calls).is_empty());
    }
}
