//! The HTTP client keeps its promises whatever the other side does.

use http::{Method, StatusCode};
use regcred::env::Env;
use regcred::model::Secret;
use regcred::net::{Http, HttpError, Request, Response, Retry, is_loopback, redacted};
use url::Url;

use crate::server::{Server, answer};

fn send(request: &Request) -> Result<Response, HttpError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(Http::new(&Env::default()).unwrap().send(request))
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

#[test]
fn a_url_is_shown_without_what_may_be_secret() {
    let shown = redacted(&url("https://me:pw@api.test:8443/v2/x?service=a&token=s3cr3t&page=2#frag"));
    assert_eq!(shown, "https://api.test:8443/v2/x?service=a&token=…&page=2");
}

#[test]
fn this_machine_is_known_by_its_addresses_and_by_localhost_only() {
    for text in [
        "http://localhost/",
        "http://a.localhost/",
        "http://127.0.0.1/",
        "http://127.255.0.3:1/",
        "http://[::1]/",
        "http://0x7f.1/",
    ] {
        assert!(is_loopback(&url(text)), "{text}");
    }
    for text in [
        "http://localhost.example.com/",
        "http://127.0.0.1.example.com/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://[::2]/",
    ] {
        assert!(!is_loopback(&url(text)), "{text}");
    }
}

#[test]
fn plain_http_to_another_machine_is_refused_before_anything_is_sent() {
    let error = send(&Request::get(url("http://registry.example.com/?token=s3cr3t"))).unwrap_err();
    assert_eq!((error.class, error.status), (Retry::Never, None));
    let text = "GET http://registry.example.com/?token=…: plain http to registry.example.com, which is not this machine, would show the credential to the network";
    assert_eq!(error.to_string(), text);
}

#[test]
fn reading_is_tried_again_when_the_server_is_busy_and_writing_is_not() {
    for status in [502, 503, 504] {
        let server = Server::start(move |_, _| answer(status, ""));
        let target = url(&server.origin);
        assert_eq!(send(&Request::get(target.clone())).unwrap().status, status);
        assert_eq!(server.calls().len(), 3);
        let response = send(&Request::new(Method::POST, target)).unwrap();
        assert_eq!(response.error().class, Retry::ObserveFirst);
        assert_eq!(server.calls().len(), 4);
    }
}

#[test]
fn a_second_try_that_succeeds_is_the_answer() {
    let tries = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |_, _| {
        let first = tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        answer(if first { 503 } else { 200 }, "{}")
    });
    assert_eq!(send(&Request::get(url(&server.origin))).unwrap().status, 200);
    assert_eq!(server.calls().len(), 2);
}

#[test]
fn no_redirect_is_followed() {
    let server =
        Server::start(|_, origin| (302, vec![("location", format!("{origin}/other"))], String::new()));
    assert_eq!(send(&Request::get(url(&server.origin))).unwrap().status, StatusCode::FOUND.as_u16());
    assert_eq!(server.calls().len(), 1);
}

#[test]
fn what_may_be_done_after_a_status_depends_on_what_was_asked() {
    for (method, status, class) in [
        (Method::GET, 500, Retry::Safe),
        (Method::POST, 500, Retry::ObserveFirst),
        (Method::DELETE, 408, Retry::ObserveFirst),
        (Method::POST, 429, Retry::Safe),
        (Method::PUT, 403, Retry::Never),
        (Method::GET, 404, Retry::Never),
    ] {
        let server = Server::start(move |_, _| answer(status, r#"{"message":"no"}"#));
        let error = send(&Request::new(method.clone(), url(&server.origin))).unwrap().error();
        assert_eq!(
            (error.class, error.status, error.detail),
            (class, Some(status), format!("{status}: no")),
            "{method}"
        );
    }
}

#[test]
fn a_body_longer_than_allowed_is_an_error_and_another_limit_can_be_asked_for() {
    let server = Server::start(|_, _| answer(200, &"x".repeat(100_000)));
    let error = send(&Request::get(url(&server.origin))).unwrap_err();
    assert_eq!((error.class, error.detail.as_str()), (Retry::Never, "the answer is longer than 65536 bytes"));
    assert_eq!(send(&Request::get(url(&server.origin)).max_body(100_000)).unwrap().body.len(), 100_000);
}

#[test]
fn a_connection_that_breaks_is_safe_to_try_again_for_reading_only() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = url(&format!("http://{}/", listener.local_addr().unwrap()));
    std::thread::spawn(move || listener.incoming().for_each(drop));
    assert_eq!(send(&Request::get(target.clone())).unwrap_err().class, Retry::Safe);
    assert_eq!(send(&Request::new(Method::POST, target)).unwrap_err().class, Retry::ObserveFirst);
}

#[test]
fn what_a_server_says_is_shown_on_one_short_line() {
    for (body, shown) in [
        (r#"{"errors":[{"code":"DENIED","message":"denied"}]}"#.to_owned(), "denied".to_owned()),
        (r#"{"error":{"message":"nested"}}"#.into(), "nested".into()),
        (r#"{"error":"plain"}"#.into(), "plain".into()),
        (r#"{"message":"two\nlines\u001b[2J"}"#.into(), "two lines\\u{1b}[2J".into()),
        (format!(r#"{{"message":"{}"}}"#, "é".repeat(900)), format!("{}…", "é".repeat(799))),
        ("<html>".into(), "forbidden".into()),
        (r#"{"message":""}"#.into(), "forbidden".into()),
    ] {
        let server = Server::start(move |_, _| answer(403, &body));
        assert_eq!(send(&Request::get(url(&server.origin))).unwrap().detail(), shown);
    }
}

#[test]
fn neither_a_request_nor_an_answer_shows_its_secrets_when_debugged() {
    let server = Server::start(|_, _| answer(200, "s3cr3t"));
    let secret = Secret::new("s3cr3t".into());
    let target = url(&format!("{}/?token=s3cr3t", server.origin));
    let request = Request::new(Method::POST, target).bearer(&secret).unwrap().form(&[("password", "s3cr3t")]);
    let response = send(&request).unwrap();
    assert!(!format!("{request:?}{response:?}{:?}{secret:?}", response.error()).contains("s3cr3t"));
    assert_eq!(server.calls()[0].authorization.as_deref(), Some("Bearer s3cr3t"));
}

#[test]
fn a_token_that_no_header_can_carry_is_an_error_that_does_not_show_it() {
    let error = Request::get(url("https://api.test/")).bearer(&Secret::new("s3cr3t\n".into())).unwrap_err();
    assert!(!format!("{error}{error:?}").contains("s3cr3t"));
}
