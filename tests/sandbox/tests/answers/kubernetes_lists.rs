//! Kubernetes: lists, selectors and pages.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regcred_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::client::{Kubernetes, start, start_with};

const NAMESPACES: &str = "/api/v1/namespaces";

fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

/// With `n-000` to `n-129` beside those that are always there.
fn many() -> Sandbox {
    start_with(|world| {
        let prod = world.kubernetes.cluster_mut("prod");
        (0..130).for_each(|number| prod.add_namespace(&format!("n-{number:03}"), &[("team", "x")]));
    })
}

#[test]
fn a_list_has_its_kind_once_and_a_version() {
    let sandbox = start();
    let list = Kubernetes::new(&sandbox).get(NAMESPACES).json();
    assert_eq!(names(&list), ["default", "kube-system", "runai", "runai-team-a", "runai-team-b"]);
    assert_eq!((&list["kind"], &list["apiVersion"]), (&json!("NamespaceList"), &json!("v1")));
    assert!(list["items"][0]["kind"].is_null());
    assert!(list["metadata"]["resourceVersion"].is_string());
    assert!(list["metadata"]["continue"].is_null());
}

#[test]
fn label_selectors_select() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    let select = |selector: &str| {
        let answer = prod.get(&format!("{NAMESPACES}?labelSelector={selector}"));
        assert_eq!(answer.status, 200, "{selector}");
        names(&answer.json())
    };
    assert_eq!(select("runai/queue"), ["runai-team-a", "runai-team-b"]);
    assert_eq!(select("runai/queue%3Dteam-a"), ["runai-team-a"]);
    assert_eq!(select("runai/queue==team-a"), ["runai-team-a"]);
    assert_eq!(select("runai/queue%20in%20(team-a,team-b)"), ["runai-team-a", "runai-team-b"]);
    assert_eq!(select("runai/queue,runai/queue!=team-a"), ["runai-team-b"]);
    assert_eq!(
        select("!runai/queue,kubernetes.io/metadata.name%20notin%20(runai)"),
        ["default", "kube-system"]
    );
    assert!(select("runai/queue=nobody").is_empty());
    for wrong in ["a%20b", "a%20in%20(b", "a%20near%20(b)", "a/b/c"] {
        let answer = prod.get(&format!("{NAMESPACES}?labelSelector={wrong}"));
        assert_eq!(answer.json()["reason"], "BadRequest", "{wrong}");
    }
}

#[test]
fn field_selectors_know_a_few_fields() {
    let sandbox = start_with(|world| {
        let prod = world.kubernetes.cluster_mut("prod");
        prod.put_pull_secret("runai", "pull", &json!({}));
        prod.put_secret("runai", "other", "Opaque", &[]);
        prod.put_pull_secret("default", "pull", &json!({}));
    });
    let prod = Kubernetes::new(&sandbox);
    let select =
        |selector: &str| names(&prod.get(&format!("/api/v1/secrets?fieldSelector={selector}")).json());
    assert_eq!(select("metadata.name=pull"), ["pull", "pull"]);
    assert_eq!(select("metadata.namespace=runai,type=Opaque"), ["other"]);
    assert_eq!(select("metadata.namespace!=runai"), ["pull"]);
    let unknown = prod.get("/api/v1/secrets?fieldSelector=spec.x=1");
    assert_eq!(unknown.message(), "field label not supported: spec.x");
}

#[test]
fn a_list_of_all_namespaces_is_by_namespace_and_name() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    let list = prod.get("/api/v1/serviceaccounts").json();
    let places: Vec<&str> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["metadata"]["namespace"].as_str().unwrap())
        .collect();
    assert_eq!(places, ["default", "kube-system", "runai", "runai-team-a", "runai-team-b"]);
    // Nothing is known of a namespace that is not there: an empty list.
    assert!(names(&prod.get("/api/v1/namespaces/nowhere/serviceaccounts").json()).is_empty());
}

#[test]
fn pages_go_on_where_the_one_before_ended() {
    let sandbox = many();
    let prod = Kubernetes::new(&sandbox);
    let (mut all, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = prod.get(&format!("{NAMESPACES}?limit=50&continue={token}")).json();
        all.extend(names(&page));
        pages += 1;
        let left = page["metadata"]["remainingItemCount"].as_u64().unwrap_or(0);
        assert_eq!(left, 135 - u64::try_from(all.len()).unwrap());
        match page["metadata"]["continue"].as_str() {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }
    assert_eq!((pages, all.len()), (3, 135));
    assert!(all.is_sorted());
}

#[test]
fn a_page_of_a_selection_does_not_say_how_much_is_left() {
    let sandbox = many();
    let page = Kubernetes::new(&sandbox).get(&format!("{NAMESPACES}?limit=50&labelSelector=team")).json();
    assert_eq!(names(&page).len(), 50);
    assert!(page["metadata"]["continue"].is_string());
    assert!(page["metadata"]["remainingItemCount"].is_null());
}

#[test]
fn an_expired_token_is_410_with_one_that_goes_on_anyway() {
    let sandbox = many();
    let prod = Kubernetes::new(&sandbox);
    let page = |token: &Value| {
        let token = token.as_str().unwrap_or_default();
        prod.get(&format!("{NAMESPACES}?limit=100&continue={token}"))
    };
    let first = page(&Value::Null).json();
    sandbox.state().kubernetes.cluster_mut("prod").expired_continues = 1;
    let expired = page(&first["metadata"]["continue"]);
    assert_eq!((expired.status, expired.json()["reason"].clone()), (410, json!("Expired")));
    assert!(
        expired
            .message()
            .starts_with("The provided continue parameter is too old to display a consistent list")
    );
    let rest = page(&expired.json()["metadata"]["continue"]);
    assert_eq!(names(&rest.json()).len(), 35);
}

#[test]
fn a_token_that_the_server_did_not_make_is_refused_and_so_is_a_limit_that_is_no_number() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    for token in ["%25".to_owned(), URL_SAFE_NO_PAD.encode("{}")] {
        assert_eq!(prod.get(&format!("{NAMESPACES}?continue={token}")).status, 400);
    }
    assert_eq!(prod.get(&format!("{NAMESPACES}?limit=ten")).status, 400);
    assert_eq!(prod.get(&format!("{NAMESPACES}?watch=true")).status, 400);
}

#[test]
fn metadata_alone_can_be_asked_for() {
    let sandbox = start();
    let prod = Kubernetes::new(&sandbox);
    let get = |path: &str, list: &str| {
        let accept = format!("application/json;as=PartialObjectMetadata{list};g=meta.k8s.io;v=v1");
        prod.send("GET", path, &[("accept", &accept)], &Value::Null).json()
    };
    let list = get(NAMESPACES, "List");
    assert_eq!(
        (&list["kind"], &list["apiVersion"]),
        (&json!("PartialObjectMetadataList"), &json!("meta.k8s.io/v1"))
    );
    assert_eq!(list["items"][0]["metadata"]["name"], "default");
    assert!(list["items"][0]["status"].is_null());
    assert_eq!(get(&format!("{NAMESPACES}/runai"), "")["kind"], "PartialObjectMetadata");
}

#[test]
fn a_namespace_is_read_with_its_phase() {
    let sandbox = start_with(|world| world.kubernetes.cluster_mut("prod").terminate_namespace("runai"));
    let prod = Kubernetes::new(&sandbox);
    assert_eq!(prod.get(&format!("{NAMESPACES}/runai")).json()["status"]["phase"], "Terminating");
    assert_eq!(names(&prod.get(&format!("{NAMESPACES}?fieldSelector=status.phase=Active")).json()).len(), 4);
    assert_eq!(prod.get(&format!("{NAMESPACES}/nowhere")).message(), "namespaces \"nowhere\" not found");
}
