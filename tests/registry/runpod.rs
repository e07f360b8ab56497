//! What is between regcred and RunPod.

use regcred::env::Env;
use regcred::model::{Problem, Secret};
use regcred::net::Http;
use regcred::targets::runpod::Client;
use url::Url;

use crate::server::{Server, answer};

fn problem(status: u16, body: &'static str) -> Problem {
    asked(status, body).0
}

/// What is said of a list that is answered so, and how often it was asked for.
fn asked(status: u16, body: &'static str) -> (Problem, usize) {
    let server = Server::start(move |_, _| answer(status, body));
    let base = Url::parse(&server.origin).unwrap();
    let client =
        Client::new(&Http::new(&Env::default()).unwrap(), base, Secret::new("rpa_canary-key".into()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let problem = Problem::from(runtime.block_on(client.auths(&|_| {})).unwrap_err());
    (problem, server.calls().len())
}

#[test]
fn a_read_that_is_answered_503_is_sent_three_times_in_all() {
    let (problem, requests) = asked(503, r#"{"title":"Service Unavailable","status":503,"detail":"busy"}"#);
    assert_eq!(requests, 3, "{problem}");
    assert_eq!(asked(403, r#"{"title":"Forbidden","status":403,"detail":"no"}"#).1, 1);
}

#[test]
fn a_page_in_front_of_runpod_is_no_word_of_runpods_and_gives_no_hint_about_the_key() {
    for (status, body, words) in [
        (403, "error code: 1010\n", "blocked before RunPod: 403 error code: 1010"),
        (403, "<html><title>Just a moment...</title></html>", "blocked before RunPod: 403 Just a moment..."),
        (401, "<h1>Proxy login</h1>", "blocked before RunPod: 401 Proxy login"),
    ] {
        let problem = problem(status, body);
        assert!(problem.message.contains(words), "{problem}");
        assert!(problem.hints.iter().all(|hint| !hint.contains("RUNPOD_API_KEY")), "{:?}", problem.hints);
    }
}

#[test]
fn what_runpod_itself_says_keeps_its_hint() {
    let forbidden = problem(403, r#"{"title":"Forbidden","status":403,"detail":"no"}"#);
    assert!(forbidden.message.contains("403 no") && forbidden.hints[0].contains("is not allowed to do this"));
    let credit = problem(402, r#"{"title":"Payment Required","status":402,"detail":"balance"}"#);
    assert!(credit.message.contains("402 balance") && credit.hints[0].contains("credit"), "{credit:?}");
}
