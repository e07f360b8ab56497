//! Kubernetes: clusters and contexts, what others do meanwhile, and faults.

use regcred_sandbox::kubernetes::{Context, Deed, Meanwhile};
use regcred_sandbox::{Fault, Kind, Sandbox, Service};
use serde_json::{Value, json};

use crate::client::{Answer, Kubernetes, pull_secret, start, start_with};

const ACCOUNT: &str = "/api/v1/namespaces/runai/serviceaccounts/default";
const SECRETS: &str = "/api/v1/namespaces/runai/secrets";

fn meanwhile(deed: Meanwhile) -> Sandbox {
    start_with(|world| world.kubernetes.cluster_mut("prod").meanwhile.push(deed))
}

/// Reads the service account, appends a pull secret and writes it back, with the version that was read.
fn append(prod: &Kubernetes<'_>, name: &str) -> Answer {
    let mut account = prod.get(ACCOUNT).json();
    let mut list = account["imagePullSecrets"].as_array().cloned().unwrap_or_default();
    list.push(json!({ "name": name }));
    account["imagePullSecrets"] = list.into();
    prod.put(ACCOUNT, &account)
}

#[test]
fn each_cluster_has_its_own_world_and_each_context_its_own_user() {
    let sandbox = start_with(|world| {
        world.kubernetes.add_cluster("dev");
        world.kubernetes.add_user("dev-reader", "dev", "reader");
        world
            .kubernetes
            .contexts
            .insert("exec".to_owned(), Context::with_command("dev", "/bin/login", &["--now"]));
        world.kubernetes.contexts.get_mut("dev").unwrap().namespace = Some("team".to_owned());
    });
    let dev = Kubernetes {
        cluster: "dev",
        token: "sandbox-token-of-dev-admin-0123456789",
        ..Kubernetes::new(&sandbox)
    };
    assert_eq!(dev.get("/api/v1/namespaces/default").status, 200);
    assert_eq!(dev.get("/api/v1/namespaces/runai").status, 404);
    assert_eq!(Kubernetes { cluster: "dev", ..Kubernetes::new(&sandbox) }.get("/version").status, 401);
    let path = std::env::temp_dir().join(format!("regcred-kubeconfig-{}", std::process::id()));
    sandbox.write_kubeconfig(&path).unwrap();
    let config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    std::fs::remove_file(path).unwrap();
    assert_eq!(config["current-context"], "prod");
    let names: Vec<&str> = config["contexts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|context| context["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["dev", "dev-reader", "exec", "prod"]);
    assert_eq!(
        config["contexts"][0]["context"],
        json!({ "cluster": "dev", "user": "user-of-dev", "namespace": "team" })
    );
    assert_eq!(config["users"][2]["user"]["exec"]["command"], "/bin/login");
    let server = config["clusters"][0]["cluster"]["server"].as_str().unwrap();
    assert!(server.starts_with("http://127.0.0.1:") && server.ends_with("/k8s/clusters/dev"), "{server}");
}

#[test]
fn a_rival_writes_between_read_and_write_as_often_as_it_is_told() {
    let rival =
        Meanwhile::before(&["update", "patch"], "serviceaccounts", Deed::AddPullSecret("rival".to_owned()));
    let sandbox = meanwhile(rival.times(2).in_namespace("runai").named("default"));
    let prod = Kubernetes::new(&sandbox);
    let statuses: Vec<u16> = (0..3).map(|_| append(&prod, "mine").status).collect();
    assert_eq!(statuses, [409, 409, 200]);
    let names = sandbox.state().kubernetes.clusters["prod"].pull_secrets("runai", "default");
    assert_eq!(names, ["rival", "rival-2", "mine"]);
}

#[test]
fn a_rival_keeps_to_its_place() {
    let rival = Meanwhile::before(&["update"], "serviceaccounts", Deed::Touch);
    let sandbox = meanwhile(rival.clone().in_namespace("default"));
    assert_eq!(append(&Kubernetes::new(&sandbox), "mine").status, 200);
    let sandbox = meanwhile(rival.named("builder"));
    assert_eq!(append(&Kubernetes::new(&sandbox), "mine").status, 200);
}

#[test]
fn an_object_can_be_labelled_deleted_made_anew_and_made_first() {
    let write = |deed: Deed| {
        let sandbox = meanwhile(Meanwhile::before(&["update"], "serviceaccounts", deed));
        let answer = append(&Kubernetes::new(&sandbox), "mine");
        (answer.status, answer.message(), sandbox)
    };
    let (status, _, sandbox) = write(Deed::SetLabel("a".to_owned(), "b".to_owned()));
    assert_eq!(status, 409);
    let state = sandbox.state();
    assert_eq!(
        state.kubernetes.clusters["prod"].service_account("runai", "default").unwrap()["metadata"]["labels"]
            ["a"],
        "b"
    );
    let (status, message, _) = write(Deed::Delete);
    assert!(status == 409 && message.ends_with("UID in object meta: "), "{message}");
    let (status, message, _) = write(Deed::Recreate);
    assert!(status == 409 && message.contains("Precondition failed"), "{message}");
    let first = Meanwhile::before(&["create"], "secrets", Deed::PutPullSecret(json!({ "auths": {} })));
    let sandbox = meanwhile(first.named("docker-hub"));
    let made = Kubernetes::new(&sandbox).post(SECRETS, &pull_secret("docker-hub", &json!({})));
    assert_eq!(made.json()["reason"], "AlreadyExists");
}

#[test]
fn a_namespace_can_go_between_a_list_and_a_write() {
    let create = |deed: Deed| {
        let sandbox = meanwhile(Meanwhile::before(&["create"], "secrets", deed).in_namespace("runai"));
        Kubernetes::new(&sandbox).post(SECRETS, &pull_secret("docker-hub", &json!({}))).json()
    };
    let going = create(Deed::TerminateNamespace);
    assert_eq!(going["details"]["causes"][0]["reason"], "NamespaceTerminating");
    let gone = create(Deed::RemoveNamespace);
    assert_eq!(gone["message"], "namespaces \"runai\" not found");
}

#[test]
fn a_service_account_may_come_late() {
    let sandbox =
        start_with(|world| world.kubernetes.cluster_mut("prod").late_service_account("runai", "default", 2));
    let prod = Kubernetes::new(&sandbox);
    let statuses: Vec<u16> = (0..4).map(|_| prod.get(ACCOUNT).status).collect();
    assert_eq!(statuses, [404, 404, 200, 200]);
    let sandbox = start_with(|world| world.kubernetes.cluster_mut("prod").add_bare_namespace("bare", &[]));
    let none = Kubernetes::new(&sandbox).get("/api/v1/namespaces/bare/serviceaccounts/default");
    assert_eq!(none.message(), "serviceaccounts \"default\" not found");
}

#[test]
fn faults_come_in_the_servers_shape() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    let struck = |kind: Kind| {
        sandbox.fault(Fault::on_service(Service::Kubernetes, kind));
        prod.get(ACCOUNT)
    };
    let expected = [
        (500, "InternalError"),
        (503, "ServiceUnavailable"),
        (504, "Timeout"),
        (401, "Unauthorized"),
        (404, "NotFound"),
        (409, "Conflict"),
    ];
    for (status, reason) in expected {
        let answer = struck(Kind::Status(status));
        assert_eq!((answer.status, answer.json()["reason"].clone()), (status, json!(reason)));
    }
    assert_eq!(
        struck(Kind::Status(403)).message(),
        "serviceaccounts \"default\" is forbidden: User \"prod-admin\" cannot get resource \"serviceaccounts\" in API group \
         \"\" in the namespace \"runai\""
    );
    let busy = struck(Kind::Throttle { retry_after: Some(3) });
    assert_eq!((busy.status, busy.header("retry-after")), (429, Some("3")));
    assert_eq!(busy.text(), "Too many requests, please try again later.\n");
}

#[test]
fn operations_are_named_as_the_server_documents_them() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    append(&prod, "mine");
    let operations: Vec<String> = sandbox.calls().into_iter().map(|call| call.operation).collect();
    let path = "/api/v1/namespaces/{namespace}/serviceaccounts/{name}";
    assert_eq!(operations, [format!("GET {path}"), format!("PUT {path}")]);
    assert!(sandbox.calls()[1].is_write);
    assert!(sandbox.violations().is_empty());
}
