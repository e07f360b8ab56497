//! GitHub's client keeps its promises whatever the other side does.

use http::Method;
use regcred::env::Env;
use regcred::model::{CredentialId, Problem, Secret};
use regcred::net::Http;
use regcred::targets::Look;
use regcred::targets::github::{
    Answer, Client, Clients, Desired, GithubError, Names, Place, Store, Token, read,
};
use serde_json::json;

use crate::server::{Server, answer, without_limits};

fn client(server: &Server) -> Client {
    let token = Token { value: Secret::new("gh-canary".to_owned()), source: "GITHUB_TOKEN" };
    Client::new(&Http::new(&Env::default()).unwrap(), &format!("{}/api/v3", server.origin), &token).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn put(server: &Server) -> Result<Answer, GithubError> {
    runtime().block_on(async { client(server).write(Method::PUT, "/repos/a/b", &json!({ "x": 1 })).await })
}

#[test]
fn a_repository_that_moved_since_it_was_read_gets_no_write() {
    let server = Server::start(|_, origin| {
        (307, vec![("location", format!("{origin}/api/v3/repositories/7?x=1"))], String::new())
    });
    let problem = Problem::from(put(&server).unwrap_err());
    assert!(problem.message.contains("now has another name, and maybe another owner"), "{}", problem.message);
    assert_eq!(problem.hints, ["see who owns it: regcred plan"]);
    assert_eq!(server.log(), ["PUT /api/v3/repos/a/b"], "and not a second try");
}

#[test]
fn a_redirect_to_another_server_is_told_and_not_followed() {
    let other = Server::start(|_, _| answer(201, "{}"));
    let target = format!("{}/api/v3/repos/a/b", other.origin);
    let server = Server::start(move |_, _| (307, vec![("location", target.clone())], String::new()));
    let error = put(&server).unwrap_err();
    let wanted =
        format!("PUT /repos/a/b: it redirects to {}/api/v3/repos/a/b, where nothing is sent", other.origin);
    assert_eq!(error.to_string(), wanted);
    let hints = Problem::from(error).hints;
    assert!(hints[0].starts_with("if that is the right address, write it instead of"), "{hints:?}");
    assert!(other.calls().is_empty());
    assert_eq!(server.calls().len(), 1, "another try would say the same");
}

fn secrets_of(server: &Server) -> String {
    let credential = CredentialId("docker-hub".to_owned());
    let place = Place { owner: "a".to_owned(), repo: Some("b".to_owned()), store: Store::Actions };
    let names = Names::of(&credential);
    let desired = Desired {
        credential,
        place,
        names,
        create_environment: false,
        audience: None,
        search: None,
        app: None,
        insecure: false,
    };
    let observed = runtime().block_on(async {
        let clients = Clients::of_all(Ok(client(server)), std::slice::from_ref(&desired));
        let look = Look { shard: None, concurrency: 1, wait: std::time::Duration::ZERO, say: &|_| () };
        read::observe(&clients, std::slice::from_ref(&desired), &look).await
    });
    observed.places[&desired.key()].secrets.as_ref().unwrap_err().message.clone()
}

#[test]
fn an_answer_that_is_no_object_is_an_error_and_no_panic() {
    for body in ["[]", "\"x\"", "5", "true"] {
        let server = Server::start(move |_, _| answer(200, body));
        assert!(secrets_of(&server).ends_with("the answer is not a JSON object"), "{body}");
    }
    let server = Server::start(|_, _| answer(200, "{}"));
    assert!(secrets_of(&server).ends_with("the answer has no list of secrets"));
}

#[test]
fn a_list_without_an_end_is_given_up() {
    let rows: Vec<_> = (0..100)
        .map(|row| json!({ "name": format!("S{row}"), "updated_at": "2026-01-01T00:00:00Z" }))
        .collect();
    let body = json!({ "total_count": u64::MAX, "secrets": rows }).to_string();
    let server = Server::start(move |_, _| without_limits(200, &body));
    assert!(secrets_of(&server).ends_with("the list of secrets has no end: 1000 pages were read"));
}
