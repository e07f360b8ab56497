//! Lists and answers that have no end are given up, in every system.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use regcred::aws::Way;
use regcred::change::Options;
use regcred::desired::{Request, load};
use regcred::env::Env;
use regcred::model::CredentialId;
use regcred::net::Http;
use regcred::plan::plan;
use regcred::sources::{Shared, known};
use regcred::targets::{Look, Setting};
use serde_json::json;

use crate::server::{Answer, Call, Server, answer, without_limits};

const CALLER: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
    <Arn>arn:aws:iam::123456789012:user/x</Arn><UserId>A</UserId><Account>123456789012</Account>\
    </GetCallerIdentityResult></GetCallerIdentityResponse>";

/// What a plan says of the credential's only place, read from this server, and how often it was asked.
pub(crate) fn planned(to: &str, server: &Server) -> (String, usize) {
    let dir = tempfile::TempDir::new().unwrap();
    let text = format!("version: 1\ncredentials: {{ docker-hub: {{ to: {{ {to} }} }} }}\n");
    std::fs::write(dir.path().join("regcred.yaml"), text).unwrap();
    let origin = &server.origin;
    let kubeconfig = dir.path().join("kubeconfig");
    let cluster = json!({
        "contexts": [{ "name": "c", "context": { "cluster": "c", "user": "u" } }],
        "clusters": [{ "name": "c", "cluster": { "server": origin } }],
        "users": [{ "name": "u", "user": { "token": "a-clusters-own-token" } }],
    });
    std::fs::write(&kubeconfig, cluster.to_string()).unwrap();
    let (nowhere, kubeconfig) =
        (dir.path().join("none").display().to_string(), kubeconfig.display().to_string());
    // The SDK reads no variables but the process's own; a file with quotes is read for it.
    let profile = dir.path().join("aws");
    let keys = "aws_access_key_id = AKIA0123456789ABCDEF\naws_secret_access_key = 0123456789abcdef0123\n";
    std::fs::write(&profile, format!("[profile \"p\"]\nendpoint_url = {origin}\n{keys}")).unwrap();
    let profile = profile.display().to_string();
    let env = Env::from_iter([
        ("HOME", nowhere.as_str()),
        ("AWS_CONFIG_FILE", &profile),
        ("AWS_SHARED_CREDENTIALS_FILE", &nowhere),
        ("KUBECONFIG", &kubeconfig),
        ("DOCKER_HUB_USERNAME", "acme"),
        ("DOCKER_HUB_TOKEN", "dckr_pat_0123456789abcdefghijklmn"),
        ("GITHUB_API_URL", origin),
        ("GITHUB_TOKEN", "ghp_0123456789"),
        ("DAYTONA_API_URL", origin),
        ("DAYTONA_API_KEY", "dtn_0123456789"),
        ("RUNPOD_API_URL", origin),
        ("RUNPOD_API_KEY", "rpa_0123456789"),
    ]);
    let loaded = load(&Request::default(), &env, dir.path()).unwrap();
    let (places, id) = (loaded.desired, CredentialId("docker-hub".to_owned()));
    let http = Http::new(&env).unwrap();
    let shared = Shared::new(Way::new(&http, &env, false));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let credential = &places.credentials[0];
    let value = runtime.block_on(loaded.sources[&id].value(credential, &shared)).unwrap();
    let known = runtime.block_on(known(credential, &value)).unwrap();
    let observed = runtime.block_on(async {
        let clients =
            places.places.log_in(&Setting { env: &env, http: &http, base: std::path::Path::new("") }).await;
        let look = Look { shard: None, concurrency: 4, wait: Duration::ZERO, say: &|_| {} };
        places.places.observe(&clients, &look).await
    });
    let plan = plan(&places, &observed, &BTreeMap::from([(id, known)]), &Options::default());
    assert!(!plan.changes.is_empty() && !plan.writes(), "{plan:?}");
    (format!("{:?}", plan.changes), server.calls().len())
}

/// A server whose every page of a list names another one.
fn pages(page: impl Fn(&Call, usize) -> Answer + Send + Sync + 'static) -> Server {
    let number = AtomicUsize::new(0);
    Server::start(move |call, _| page(call, number.fetch_add(1, Ordering::Relaxed)))
}

#[test]
fn cache_rules_whose_pages_have_no_end_are_unread_after_a_thousand() {
    let denied = r#"{"__type":"AccessDeniedException","Message":"not this"}"#;
    let server = pages(move |call, number| match call.body.as_str() {
        body if body.contains("Action=GetCallerIdentity") => answer(200, CALLER),
        body if body.contains("SecretId") => answer(400, denied),
        _ => {
            answer(200, &json!({ "nextToken": number.to_string(), "pullThroughCacheRules": [] }).to_string())
        }
    });
    let (said, asked) = planned("aws: { stacks: { main: { region: us-east-2, profile: p } } }", &server);
    assert!(said.contains("the list has no end: 1000 pages were read"), "{said}");
    assert!(asked < 1010, "{asked} requests");
}

#[test]
fn secrets_whose_pages_have_no_end_are_unread_after_a_thousand() {
    let time = "2026-01-01T00:00:00Z";
    let secrets = vec![json!({ "name": "OTHER", "created_at": time, "updated_at": time }); 100];
    let page = json!({ "total_count": u32::MAX, "secrets": secrets }).to_string();
    let server = pages(move |call, _| match call.target.contains("/secrets") {
        true => without_limits(200, &page),
        false => without_limits(404, r#"{"message":"Not Found"}"#),
    });
    let (said, asked) = planned("github: [{ repository: acme/api }]", &server);
    assert!(said.contains("the list of secrets has no end: 1000 pages were read"), "{said}");
    assert!(asked < 1010, "{asked} requests");
}

#[test]
fn namespaces_whose_pages_have_no_end_are_unread_after_a_thousand() {
    for kind in ["selector: a=b", "runai: { projects: all }"] {
        let server = pages(|_, number| {
            answer(200, &json!({ "items": [], "metadata": { "continue": number.to_string() } }).to_string())
        });
        let (said, asked) = planned(&format!("kubernetes: [{{ context: c, {kind} }}]"), &server);
        assert!(said.contains("the list has no end: 1000 pages were read"), "{said}");
        // The namespaces, and what is in all of them.
        assert!(asked < 2010, "{asked} requests");
    }
}

#[test]
fn lists_without_pages_are_unread_if_they_are_longer_than_any_real_one() {
    for (to, most) in [("daytona: {}", 16 * 1024 * 1024), ("runpod: { templates: all }", 32 * 1024 * 1024)] {
        let body = " ".repeat(most + 1);
        let server = Server::start(move |_, _| answer(200, &body));
        let (said, asked) = planned(to, &server);
        assert!(said.contains(&format!("the answer is longer than {most} bytes")), "{said}");
        assert!(asked < 10, "{asked} requests");
    }
}
