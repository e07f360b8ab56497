//! Daytona: the registry list of its API server 0.190.

use chrono::DateTime;
use regcred_sandbox::daytona::{ApiKey, Row, looked_up_with, pulls_with};
use regcred_sandbox::{Door, Fault, Kind, Sandbox, Service};
use serde_json::{Value, json};

use crate::client::{Answer, send, start, start_with};

const LIST: &str = "/api/docker-registry";

fn key(sandbox: &Sandbox) -> String {
    sandbox.env()["DAYTONA_API_KEY"].clone()
}

fn request(sandbox: &Sandbox, method: &str, path: &str, body: &Value) -> Answer {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    raw(sandbox, &key(sandbox), method, path, &body)
}

fn raw(sandbox: &Sandbox, key: &str, method: &str, path: &str, body: &[u8]) -> Answer {
    let authorization = format!("Bearer {key}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    send(&sandbox.url(Door::Daytona), method, path, &headers, body).unwrap()
}

fn row(url: &str) -> Value {
    json!({ "name": "hub", "url": url, "username": "acme", "password": "s3cret" })
}

fn post(sandbox: &Sandbox, body: &Value) -> Answer {
    request(sandbox, "POST", LIST, body)
}

#[test]
fn a_row_is_made_listed_read_changed_and_deleted_and_its_password_is_never_shown() {
    let sandbox = start();
    let made = post(&sandbox, &row("docker.io"));
    assert_eq!(made.status, 201);
    let made = made.json();
    let names: Vec<&String> = made.as_object().unwrap().keys().collect();
    let shown = ["createdAt", "id", "name", "project", "registryType", "updatedAt", "url", "username"];
    assert_eq!(names, shown);
    assert_eq!((&made["registryType"], &made["project"]), (&json!("organization"), &json!("")));
    let path = format!("{LIST}/{}", made["id"].as_str().unwrap());
    assert_eq!(request(&sandbox, "GET", LIST, &Value::Null).json(), json!([made]));
    assert_eq!(request(&sandbox, "GET", &path, &Value::Null).json(), made);
    let changed = json!({ "name": "other", "url": "ghcr.io", "username": "bob", "password": "" });
    let changed = request(&sandbox, "PATCH", &path, &changed);
    assert_eq!((changed.status, changed.json()["url"].clone()), (200, json!("ghcr.io")));
    assert!(changed.json().get("project").is_none(), "a change without a project is answered without one");
    assert_eq!(
        sandbox.state().daytona.registries[0].password,
        "s3cret",
        "an empty password keeps the old one"
    );
    let gone = request(&sandbox, "DELETE", &path, &Value::Null);
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    let again = request(&sandbox, "DELETE", &path, &Value::Null);
    assert_eq!(again.status, 404);
    assert!(again.message().starts_with("Docker registry with ID "), "{}", again.message());
}

#[test]
fn the_same_row_may_be_made_twice_and_the_newest_is_listed_first() {
    let sandbox = start();
    post(&sandbox, &row("docker.io"));
    sandbox.state().clock.advance(std::time::Duration::from_secs(1));
    let second = post(&sandbox, &row("docker.io")).json();
    let listed = request(&sandbox, "GET", LIST, &Value::Null).json();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]), (2, &second));
}

#[test]
fn a_change_needs_name_url_and_user_too() {
    let sandbox = start();
    let id = post(&sandbox, &row("docker.io")).json()["id"].as_str().unwrap().to_owned();
    let refused = request(&sandbox, "PATCH", &format!("{LIST}/{id}"), &json!({ "password": "new" }));
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.message(),
        "name must be a string, url must be a URL address, username must be a string"
    );
    let body = refused.json();
    assert_eq!((&body["statusCode"], &body["error"]), (&json!(400), &json!("Bad Request")));
    assert!(body["path"].is_string() && body["timestamp"].is_string());
}

#[test]
fn urls_are_stored_as_the_server_was_seen_to_store_them() {
    for (sent, stored) in [
        ("docker.io", "docker.io"),
        ("DOCKER.IO", "docker.io"),
        ("index.docker.io", "docker.io"),
        ("index.docker.io/v1/", "docker.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
        ("mydocker.io.example.com", "docker.io"),
        ("ghcr.io", "ghcr.io"),
        ("https://ghcr.io/", "https://ghcr.io"),
        ("https://ghcr.io/v2/", "https://ghcr.io/v2"),
        ("https://hub.docker.com", "https://hub.docker.com"),
        ("us-central1-docker.pkg.dev/proj/repo", "us-central1-docker.pkg.dev/proj/repo"),
        ("127.0.0.1:5000", "127.0.0.1:5000"),
        ("ghcr.io:443", "ghcr.io:443"),
        ("user@ghcr.io", "user@ghcr.io"),
        ("HTTPS://ghcr.io", "HTTPS://ghcr.io"),
    ] {
        let sandbox = start();
        let answer = post(&sandbox, &row(sent));
        assert_eq!((answer.status, answer.json()["url"].as_str().unwrap()), (201, stored), "{sent}");
    }
    let sandbox = start();
    for sent in [
        "localhost:5000",
        "http://localhost:5000",
        "registry:5000",
        "reg_istry.example.com",
        "",
        " ",
        "//ghcr.io",
    ] {
        let answer = post(&sandbox, &row(sent));
        assert_eq!((answer.status, answer.message().as_str()), (400, "url must be a URL address"), "{sent}");
    }
    assert!(sandbox.state().daytona.registries.is_empty());
}

#[test]
fn names_with_links_or_markup_are_refused_and_empty_ones_are_not() {
    let sandbox = start();
    let named = |name: &str| {
        let mut body = row("docker.io");
        body["name"] = name.into();
        post(&sandbox, &body)
    };
    for name in ["https://acme.com", "www.acme.com", "mailto:x", "<b>x</b>", "a\u{7}"] {
        let answer = named(name);
        assert_eq!(answer.status, 400, "{name}");
        assert_eq!(
            answer.message(),
            "name must not contain HTML tags, URLs, or control characters",
            "{name}"
        );
    }
    for name in ["", "docker-hub-3f9a12c4", "Our hub (prod)"] {
        assert_eq!(named(name).status, 201, "{name}");
    }
}

#[test]
fn what_is_no_json_is_told_as_that() {
    let sandbox = start();
    let answer = raw(&sandbox, &key(&sandbox), "POST", LIST, b"{");
    assert_eq!((answer.status, answer.message().as_str()), (400, "Invalid JSON in request body"));
}

#[test]
fn the_key_decides_the_organization_and_the_header_does_not() {
    let sandbox = start_with(|world| {
        let other = ApiKey { organization: "other".to_owned(), permissions: Vec::new(), ..ApiKey::default() };
        world.daytona.keys.insert("dtn_other".to_owned(), other);
    });
    let id = post(&sandbox, &row("docker.io")).json()["id"].as_str().unwrap().to_owned();
    let headers = [("authorization", "Bearer dtn_other"), ("x-daytona-organization-id", "acme")];
    let listed = send(&sandbox.url(Door::Daytona), "GET", LIST, &headers, b"").unwrap();
    assert_eq!((listed.status, listed.json()), (200, json!([])));
    let foreign = raw(&sandbox, "dtn_other", "GET", &format!("{LIST}/{id}"), b"");
    assert_eq!(foreign.status, 404);
    let refused = raw(&sandbox, "dtn_other", "POST", LIST, row("docker.io").to_string().as_bytes());
    assert_eq!((refused.status, refused.message().as_str()), (403, "Access denied"));
    let unknown = raw(&sandbox, "dtn_wrong", "GET", LIST, b"");
    assert_eq!((unknown.status, unknown.message().as_str()), (401, "Invalid credentials"));
    let current = request(&sandbox, "GET", "/api/api-keys/current", &Value::Null).json();
    assert_eq!(current["name"], "ci");
}

#[test]
fn a_hundred_rows_are_all_that_an_organization_may_have() {
    let sandbox = start();
    let codes: Vec<u16> = (0..101).map(|_| post(&sandbox, &row("ghcr.io")).status).collect();
    assert!(codes[..100].iter().all(|code| *code == 201));
    let refused = post(&sandbox, &row("ghcr.io"));
    assert_eq!(refused.message(), "You have reached the maximum number of registries");
    assert_eq!((codes[100], refused.status), (400, 400));
}

#[test]
fn there_are_no_other_addresses() {
    let sandbox = start();
    let answer = request(&sandbox, "GET", "/api/region", &Value::Null);
    assert_eq!((answer.status, answer.message()), (404, "Cannot GET /api/region".to_owned()));
    // Outside it there is the dashboard, for any path.
    for path in ["/docker-registry", "/api"] {
        assert_eq!(request(&sandbox, "GET", path, &Value::Null).status, 200, "{path}");
    }
}

/// What the server's own source answers (`tests/interop/daytona_pulls.cjs`).
const SOURCE: &str = include_str!("../../../fixtures/daytona.json");

fn source() -> Value {
    serde_json::from_str(SOURCE).unwrap()
}

/// A list of texts.
fn texts(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

/// The rows of a table of the cases: `operator` before a url that belongs to no organization.
fn table(urls: &Value) -> Vec<Row> {
    let row = |(at, text): (usize, &str)| {
        let url = text.strip_prefix("operator ");
        let (organization, kind) = if url.is_some() { ("", "internal") } else { ("acme", "organization") };
        let [id, url, organization, kind] =
            [&at.to_string(), url.unwrap_or(text), organization, kind].map(str::to_owned);
        Row { id, url, organization, registry_type: kind, ..Row::default() }
    };
    texts(urls).into_iter().enumerate().map(row).collect()
}

#[test]
fn every_image_is_looked_up_and_pulled_with_the_row_that_the_servers_source_takes() {
    let source = source();
    let images = texts(&source["images"]);
    let mut compared = 0;
    for (version, answers) in source["answers"].as_object().unwrap() {
        for (at, urls) in source["tables"].as_array().unwrap().iter().enumerate() {
            let rows = table(urls);
            for (image, name) in images.iter().enumerate() {
                let told = |which: &str| answers[which][at][image].as_u64().map(|row| row.to_string());
                let id = |row: Option<&Row>| row.map(|row| row.id.clone());
                let pulled = pulls_with(&rows, "acme", name);
                assert_eq!(id(pulled), told("pulled"), "{version}: {name} is pulled, of {urls}");
                // What the server cannot read at all it looks up nowhere.
                if !answers["asked"][image].is_null() {
                    let looked_up = looked_up_with(&rows, "acme", name, version);
                    assert_eq!(id(looked_up), told("looked_up"), "{version}: {name} is looked up, of {urls}");
                }
                compared += 2;
            }
        }
    }
    assert!(compared > 6000, "only {compared} combinations");
}

#[test]
fn urls_and_names_are_taken_as_the_servers_source_takes_them() {
    let source = source();
    let answers = &source["answers"]["0.190.0"];
    for (url, stored) in texts(&source["urls"]).into_iter().zip(texts(&answers["stored"])) {
        let sandbox = start();
        let made = post(&sandbox, &row(url));
        // A url without a host is refused before it would be stored.
        assert_eq!(made.status == 201, url.trim() == url && !url.is_empty(), "{url}");
        if made.status == 201 {
            assert_eq!(made.json()["url"], stored, "{url}");
        }
    }
    let sandbox = start();
    for (name, taken) in texts(&source["names"]).into_iter().zip(answers["names"].as_array().unwrap()) {
        let mut body = row("docker.io");
        body["name"] = name.into();
        assert_eq!(Value::from(post(&sandbox, &body).status == 201), *taken, "{name:?}");
    }
}

#[test]
fn what_the_server_looks_at_first_is_what_it_refuses_for() {
    let sandbox = start();
    let missing = format!("{LIST}/0b5f8a1e-0000-4000-8000-00000000dead");
    assert_eq!(request(&sandbox, "PATCH", &missing, &json!({ "name": 1 })).status, 404);
    let mut body = row("docker.io");
    body["project"] = Value::Null;
    assert_eq!(post(&sandbox, &body).status, 500);
    body["project"] = "library".into();
    let made = post(&sandbox, &body);
    assert_eq!(made.status, 201);
    let headers = &sandbox.calls()[0].response_headers;
    assert_eq!(headers["x-daytona-api-version"], "0.190.0");
}

#[test]
fn rows_of_the_organization_that_the_list_does_not_show_count_as_well() {
    let sandbox = start_with(|world| {
        for number in 0..100 {
            let row = world.daytona.add_row(&number.to_string(), "quay.io", "u", DateTime::UNIX_EPOCH);
            row.registry_type = "backup".to_owned();
        }
    });
    assert_eq!(request(&sandbox, "GET", LIST, &Value::Null).json(), json!([]));
    assert_eq!(post(&sandbox, &row("ghcr.io")).status, 400);
}

#[test]
fn the_first_row_of_the_table_whose_url_an_image_begins_with_is_used() {
    let sandbox = start_with(|world| {
        for (name, url) in [
            ("all", "https://ghcr.io"),
            ("team", "ghcr.io/acme"),
            ("hub", "docker.io"),
            ("again", "docker.io"),
        ] {
            world.daytona.add_row(name, url, "u", DateTime::UNIX_EPOCH);
        }
    });
    let with = |image: &str| {
        let state = sandbox.state();
        pulls_with(&state.daytona.registries, "acme", image).map(|row| row.name.clone())
    };
    for (image, name) in [
        ("alpine:3", None),
        ("acme/api:1", None),
        ("Alpine/x", None),
        ("docker.io/library/alpine", Some("hub")),
        ("docker.io:443/library/alpine", Some("hub")),
        ("index.docker.io/library/alpine", None),
        ("ghcr.io/acme/api", Some("all")),
        ("ghcr.iox/acme/api", None),
        ("localhost:5000/x", None),
    ] {
        assert_eq!(with(image).as_deref(), name, "{image}");
    }
    // A row that is written again comes last.
    let id = sandbox.state().daytona.registries[2].id.clone();
    request(&sandbox, "PATCH", &format!("{LIST}/{id}"), &row("docker.io"));
    assert_eq!(with("docker.io/library/alpine:3").as_deref(), Some("again"));
}

#[test]
fn a_request_that_the_description_does_not_know_is_a_violation() {
    let sandbox = start();
    let mut body = row("docker.io");
    body["id"] = "mine".into();
    assert_eq!(post(&sandbox, &body).status, 201);
    assert_eq!(sandbox.violations(), ["POST /docker-registry: unknown field id"]);
}

#[test]
fn faults_have_the_servers_own_shape_and_the_proxys() {
    let sandbox = start();
    for (kind, status, kept) in [
        (Kind::Status(500), 500, "Internal server error"),
        (Kind::Status(503), 503, "Service Unavailable"),
        (Kind::Throttle { retry_after: Some(7) }, 429, "ThrottlerException: Too Many Requests"),
    ] {
        sandbox.fault(Fault::on_service(Service::Daytona, kind));
        let answer = post(&sandbox, &row("docker.io"));
        assert_eq!((answer.status, answer.message().as_str()), (status, kept));
    }
    assert_eq!(sandbox.calls()[2].response_headers["retry-after-authenticated"], "7");
    sandbox.fault(Fault::on_service(Service::Daytona, Kind::Status(502)));
    assert!(post(&sandbox, &row("docker.io")).text().contains("502 Bad Gateway"));
    assert!(sandbox.state().daytona.registries.is_empty());
}
