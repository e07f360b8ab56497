//! `deploy/kubernetes`, whose roles are made from the program: `REGCRED_TEST_WRITE=1 cargo test --test cli kubernetes::deploy`
//! writes them.

use std::path::Path;

use regcred_sandbox::World;

use super::access::manifests;
use super::{assert_pulls, of_world, sentence};
use crate::place::{Place, TOKEN};

/// The overlay that users copy.
const PLAIN: &str = "deploy/kubernetes/overlays/plain";

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PLAIN).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The committed file is this one; with `REGCRED_TEST_WRITE` set it is from now on.
#[allow(clippy::disallowed_methods, reason = "whether files are written is up to whoever starts the tests")]
fn kept(name: &str, made: &str) {
    if std::env::var_os("REGCRED_TEST_WRITE").is_some() {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(PLAIN).join(name), made).unwrap();
    }
    let again = "REGCRED_TEST_WRITE=1 cargo test --test cli kubernetes::deploy";
    assert_eq!(read(name), made, "{PLAIN}/{name} is out of date: {again}");
}

/// A cluster with a namespace that asks for pull secrets, and the service account as a user of it.
fn deployed() -> Place {
    let mut world = World::default();
    world.kubernetes.add_user("in-cluster", "prod", "system:serviceaccount:regcred:regcred");
    world.kubernetes.cluster_mut("prod").add_namespace("web", &[("regcred", "pulls")]);
    of_world(&read("regcred.yaml"), world)
}

#[test]
fn the_roles_of_the_deployment_are_those_that_are_printed_for_its_file_and_bound_to_its_account() {
    let printed = deployed().run(&["rbac"]).ends(0).stdout.clone();
    kept("roles.yaml", &printed);
    let roles = manifests(&printed);
    let [role] = &roles[..] else { panic!("{roles:?}") };
    let name = role["metadata"]["name"].as_str().unwrap();
    assert!(printed.contains(&format!(
        "#   kubectl create clusterrolebinding {name} --clusterrole={name} --serviceaccount=NAMESPACE:NAME\n"
    )));
    let binding = format!(
        "# As roles.yaml says it: kubectl create clusterrolebinding … --dry-run=client -o yaml\n\
         apiVersion: rbac.authorization.k8s.io/v1\n\
         kind: ClusterRoleBinding\n\
         metadata: {{ name: {name} }}\n\
         roleRef: {{ apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {name} }}\n\
         subjects: [{{ kind: ServiceAccount, name: regcred, namespace: regcred }}]\n"
    );
    kept("binding.yaml", &binding);
}

#[test]
fn with_the_roles_of_the_deployment_its_jobs_do_what_its_file_says() {
    let place = deployed();
    let refused = place.run(&["plan"]);
    assert!(
        sentence(&refused).contains("regcred rbac in-cluster | kubectl apply -f -"),
        "{}",
        refused.stdout
    );
    for role in manifests(&read("roles.yaml")) {
        let mut state = place.sandbox.state();
        state.kubernetes.cluster_mut("prod").grant_role("system:serviceaccount:regcred:regcred", &role);
    }
    place.run(&["sync", "--yes"]).ends(0);
    assert_pulls(&place, "web", TOKEN);
    place.run(&["verify"]).ends(0);
}
