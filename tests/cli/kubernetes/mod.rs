//! Pull secrets in clusters, from end to end: the sandbox answers as a kube-apiserver does.

mod access;
mod broken;
mod deploy;
mod namespaces;
mod others;
mod pulls;
mod replace;
mod runai;
mod secrets;

use regcred_sandbox::kubernetes::Cluster;
use regcred_sandbox::{Call, Service, World};

use crate::place::{Place, Ran, USER};

pub(crate) const HUB: &str = "https://index.docker.io/v1/";

/// One namespace, and the service account of its pods.
pub(crate) const ONE: &str = "version: 1
credentials:
  docker-hub:
    to:
      kubernetes:
        - { context: prod, namespaces: [default], service-accounts: [default] }
";

/// The same with other items.
fn file(items: &[&str]) -> String {
    let items: String = items.iter().map(|item| format!("        - {{ {item} }}\n")).collect();
    format!("version: 1\ncredentials:\n  docker-hub:\n    to:\n      kubernetes:\n{items}")
}

/// A place with this configuration and a kubeconfig of the sandbox's clusters.
fn place(file: &str, arrange: impl FnOnce(&mut Cluster)) -> Place {
    let mut world = World::default();
    arrange(world.kubernetes.cluster_mut("prod"));
    of_world(file, world)
}

pub(crate) fn of_world(file: &str, world: World) -> Place {
    let mut place = Place::bare(world);
    place.write("regcred.yaml", file);
    write_kubeconfig(&mut place);
    place
}

/// Writes the kubeconfig of the clusters as they are now.
fn write_kubeconfig(place: &mut Place) {
    let path = place.repo().join("kubeconfig");
    place.sandbox.write_kubeconfig(&path).unwrap();
    place.set("KUBECONFIG", &path.display().to_string());
}

fn one() -> Place {
    place(ONE, |_| {})
}

/// What the kubelet would log in to Docker Hub with.
fn login(place: &Place, namespace: &str) -> Option<(String, String)> {
    place.sandbox.state().kubernetes.clusters["prod"].kubelet_login(namespace, "docker-hub", HUB)
}

/// It logs in with this token.
#[track_caller]
fn assert_pulls(place: &Place, namespace: &str, token: &str) {
    assert_eq!(login(place, namespace), Some((USER.to_owned(), token.to_owned())), "{namespace}");
}

fn pull_secrets(place: &Place, namespace: &str) -> Vec<String> {
    place.sandbox.state().kubernetes.clusters["prod"].pull_secrets(namespace, "default")
}

/// stdout without its line breaks.
fn sentence(ran: &Ran) -> String {
    ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The requests to clusters, as verb and path after the API's root.
fn asked(calls: &[Call]) -> Vec<String> {
    let of_cluster = calls.iter().filter(|call| call.service == Service::Kubernetes);
    let short = |call: &Call| {
        let path = call.path.split_once("/api/v1/").map_or(call.path.as_str(), |(_, path)| path);
        format!("{} {}", call.method, path.split('?').next().unwrap_or_default())
    };
    of_cluster.map(short).collect()
}
