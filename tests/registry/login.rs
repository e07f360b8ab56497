//! A login proves that the registry accepts the credential, and nothing else counts as one.

use regcred::env::Env;
use regcred::model::{Registry, Secret};
use regcred::net::Http;
use regcred::registry::{Accepted, Endpoints, LoginError, Quota, UnsafeReason, login};

use crate::server::{Answer, Call, Server, answer, basic, challenge};

const USER: &str = "acme";
const TOKEN: &str = "dckr_pat_0123456789abcdefghijklmn";

pub(crate) fn try_login(
    registry: &str,
    server: &Server,
    username: &str,
    secret: &str,
) -> Result<Accepted, LoginError> {
    let endpoints = Endpoints::parse(&format!("{registry}={}", server.origin)).unwrap();
    let registry = Registry::parse(registry).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let secret = Secret::new(secret.into());
    runtime.block_on(login(&Http::new(&Env::default()).unwrap(), &endpoints, &registry, username, &secret))
}

fn refusal(result: Result<Accepted, LoginError>) -> (u16, String) {
    match result {
        Err(LoginError::Refused { status, detail, .. }) => (status, detail),
        other => panic!("not refused: {other:?}"),
    }
}

fn protocol(result: Result<Accepted, LoginError>) -> String {
    match result {
        Err(LoginError::Protocol { detail, source, .. }) => {
            source.map_or(detail.clone(), |source| format!("{detail}: {source}"))
        }
        other => panic!("not a protocol error: {other:?}"),
    }
}

fn path(call: &Call) -> &str {
    call.target.split('?').next().unwrap_or_default()
}

/// A registry with a token service on its own origin, which knows one credential; anybody else gets a token that is good
/// for nothing, as real services do when no credential is sent.
fn token_registry(
    challenge_tail: &'static str,
    last: impl Fn(&Call) -> Answer + Send + Sync + 'static,
) -> Server {
    Server::start(move |call, origin| match (path(call), &call.authorization) {
        ("/token", sent) if *sent == basic(USER, TOKEN) => {
            answer(200, r#"{"token":"good","expires_in":300}"#)
        }
        ("/token", None) => answer(200, r#"{"token":"anonymous"}"#),
        ("/token", Some(_)) => answer(401, r#"{"details":"incorrect username or password"}"#),
        (_, Some(sent)) if sent == "Bearer good" => last(call),
        ("/v2/", None) => challenge(format!(r#"Bearer realm="{origin}/token"{challenge_tail}"#)),
        _ => challenge(format!(r#"Bearer realm="{origin}/token",error="invalid_token""#)),
    })
}

fn basic_registry() -> Server {
    Server::start(|call, _| match &call.authorization {
        sent if *sent == basic(USER, TOKEN) => answer(200, "{}"),
        _ => (
            401,
            vec![("www-authenticate", r#"Basic realm="r""#.into())],
            r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#.into(),
        ),
    })
}

fn quota_answer(status: u16, headers: &[(&'static str, &str)]) -> Answer {
    (status, headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(), String::new())
}

#[test]
fn docker_hub_accepts_a_credential_in_three_requests_and_tells_the_quota_without_a_pull() {
    let headers = [("ratelimit-limit", "200;w=21600"), ("ratelimit-remaining", "196;w=21600")];
    let server = token_registry(r#",service="registry.docker.io""#, move |_| quota_answer(200, &headers));
    let login = try_login("docker.io", &server, USER, TOKEN).unwrap();
    let quota = Quota { limit: Some(200), remaining: Some(196), window_s: Some(21_600) };
    assert_eq!(login, Accepted { quota: Some(quota), date: login.date, ..Accepted::default() });
    let expected = [
        "GET /v2/",
        "GET /token?service=registry.docker.io&scope=repository%3Aratelimitpreview%2Ftest%3Apull",
        "HEAD /v2/ratelimitpreview/test/manifests/latest",
    ];
    assert_eq!(server.log(), expected);
    let sent: Vec<_> = server.calls().into_iter().map(|call| call.authorization).collect();
    assert_eq!(sent, [None, basic(USER, TOKEN), Some("Bearer good".into())]);
}

#[test]
fn a_wrong_password_is_refused_with_what_the_registry_says() {
    let tokens = token_registry("", |_| answer(200, ""));
    assert_eq!(
        refusal(try_login("docker.io", &tokens, USER, "wrong")),
        (401, "incorrect username or password".into())
    );
    assert_eq!(
        refusal(try_login("ghcr.io", &tokens, USER, "wrong")),
        (401, "incorrect username or password".into())
    );
    let direct = basic_registry();
    assert_eq!(
        refusal(try_login("registry.acme.test", &direct, USER, "wrong")),
        (401, "authentication required".into())
    );
}

#[test]
fn an_account_at_its_limit_has_a_valid_credential() {
    let server = token_registry("", |_| quota_answer(429, &[("ratelimit-limit", "200;w=21600")]));
    let quota = try_login("docker.io", &server, USER, TOKEN).unwrap().quota.unwrap();
    assert!(quota.is_used_up());
    assert_eq!(quota.limit, Some(200));
}

#[test]
fn an_account_without_a_limit_has_no_quota_headers() {
    let server = token_registry("", |_| answer(200, ""));
    assert!(try_login("docker.io", &server, USER, TOKEN).unwrap().quota.unwrap().is_unlimited());
}

#[test]
fn a_quota_that_cannot_be_read_does_not_undo_the_proof() {
    for status in [404, 500] {
        let server = token_registry("", move |_| answer(status, ""));
        let login = try_login("docker.io", &server, USER, TOKEN).unwrap();
        assert_eq!(login.quota, None);
        assert_eq!(login.note, Some(format!("the pull limit could not be read: status {status}")));
    }
}

#[test]
fn other_registries_are_asked_for_their_scopes_and_see_the_token_once() {
    let tail = r#",service="reg",scope="registry:catalog:* repository:a/b:pull""#;
    let server = token_registry(tail, |_| answer(200, "{}"));
    let login = try_login("ghcr.io", &server, USER, TOKEN).unwrap();
    assert_eq!(login, Accepted { date: login.date, ..Accepted::default() });
    let token = "GET /token?service=reg&scope=registry%3Acatalog%3A*&scope=repository%3Aa%2Fb%3Apull";
    assert_eq!(server.log(), ["GET /v2/", token, "GET /v2/"]);
}

#[test]
fn a_token_that_the_registry_does_not_take_is_a_refusal() {
    let server = token_registry("", |_| answer(403, r#"{"errors":[{"message":"denied"}]}"#));
    assert_eq!(refusal(try_login("quay.io", &server, USER, TOKEN)), (403, "denied".into()));
}

#[test]
fn a_registry_without_a_token_service_takes_the_credential_itself() {
    let server = basic_registry();
    assert_eq!(try_login("registry.acme.test:5000", &server, USER, TOKEN).unwrap(), Accepted::default());
    assert_eq!(server.log(), ["GET /v2/", "GET /v2/"]);
}

#[test]
fn a_key_file_is_a_password_like_any_other() {
    let key = "{\n  \"type\": \"service_account\",\n  \"private_key\": \"-----BEGIN\\n\"\n}\n";
    let server = Server::start(move |call, _| match &call.authorization {
        sent if *sent == basic("_json_key", key) => answer(200, ""),
        _ => challenge(r#"Basic realm="r""#.into()),
    });
    assert!(try_login("us-central1-docker.pkg.dev", &server, "_json_key", key).is_ok());
}

#[test]
fn a_registry_that_lets_anybody_in_proves_nothing() {
    let server = Server::start(|_, _| answer(200, "{}"));
    let error = try_login("registry.acme.test", &server, USER, TOKEN).unwrap_err();
    assert_eq!(error.to_string(), "registry.acme.test asks for no login: nothing is proven");
    assert!(server.calls().iter().all(|call| call.authorization.is_none()), "nor does it get the credential");
}

#[test]
fn an_identity_token_is_exchanged_and_asked_for_with_get_where_the_service_knows_no_post() {
    let post = Server::start(|call, origin| match (call.method.as_str(), path(call), &call.authorization) {
        ("POST", "/token", None) if call.body.contains("refresh_token=id%2Btoken") => {
            answer(200, r#"{"access_token":"good"}"#)
        }
        ("POST", ..) => answer(400, r#"{"error":"invalid_grant"}"#),
        (_, "/v2/", Some(sent)) if sent == "Bearer good" => answer(200, ""),
        _ => challenge(format!(r#"Bearer realm="{origin}/token",service="reg",scope="a b""#)),
    });
    assert!(try_login("acme.azurecr.io", &post, "<token>", "id+token").is_ok());
    let body = "grant_type=refresh_token&service=reg&client_id=regcred&scope=a+b&refresh_token=id%2Btoken";
    assert_eq!(post.calls()[1].body, body);
    assert_eq!(
        refusal(try_login("acme.azurecr.io", &post, "<token>", "wrong")),
        (400, "invalid_grant".into())
    );

    let get = Server::start(|call, origin| match (call.method.as_str(), path(call), &call.authorization) {
        ("POST", ..) => answer(404, ""),
        (_, "/token", sent) if *sent == basic("<token>", "id") => answer(200, r#"{"token":"good"}"#),
        (_, "/v2/", Some(sent)) if sent == "Bearer good" => answer(200, ""),
        _ => challenge(format!(r#"Bearer realm="{origin}/token""#)),
    });
    assert!(try_login("acme.azurecr.io", &get, "<token>", "id").is_ok());
    assert_eq!(get.log(), ["GET /v2/", "POST /token", "GET /token", "GET /v2/"]);
}

#[test]
fn a_realm_keeps_its_own_parameters() {
    let server = Server::start(|call, origin| match call.target.as_str() {
        "/token?tenant=7&service=s" => answer(200, r#"{"token":"good"}"#),
        "/v2/" if call.authorization.is_some() => answer(200, ""),
        "/v2/" => challenge(format!(r#"Bearer realm="{origin}/token?tenant=7",service="s""#)),
        _ => answer(404, ""),
    });
    assert!(try_login("registry.acme.test", &server, USER, TOKEN).is_ok());
}

#[test]
fn a_token_service_on_another_site_never_gets_the_credential() {
    let elsewhere = Server::start(|_, _| answer(200, r#"{"token":"good"}"#));
    let realm = elsewhere.origin.clone();
    let server = Server::start(move |_, _| challenge(format!(r#"Bearer realm="{realm}/token""#)));
    let error = try_login("docker.io", &server, USER, TOKEN).unwrap_err();
    assert!(matches!(error, LoginError::UnsafeRealm { reason: UnsafeReason::NotHttps, .. }), "{error}");
    assert!(elsewhere.calls().is_empty());
    let evil =
        Server::start(|_, _| challenge(r#"Bearer realm="https://auth.docker.io.example.com/token""#.into()));
    let error = try_login("docker.io", &evil, USER, TOKEN).unwrap_err();
    assert_eq!(
        error.to_string(),
        "docker.io names a token service that the credential is not sent to, https://auth.docker.io.example.com/token: \
         it is not on the registry's site"
    );
}

#[test]
fn a_redirect_to_another_origin_never_gets_the_credential() {
    let elsewhere = Server::start(|_, _| answer(200, r#"{"token":"good"}"#));
    let target = format!("{}/token", elsewhere.origin);
    let to = target.clone();
    let tokens = Server::start(move |call, origin| match path(call) {
        "/token" => (307, vec![("location", to.clone())], String::new()),
        _ => challenge(format!(r#"Bearer realm="{origin}/token""#)),
    });
    let detail = protocol(try_login("docker.io", &tokens, USER, TOKEN));
    assert_eq!(detail, format!("it redirects to {target}, where the credential is not sent"));
    let direct = Server::start(move |call, _| match call.authorization {
        Some(_) => (302, vec![("location", target.clone())], String::new()),
        None => challenge(r#"Basic realm="r""#.into()),
    });
    assert!(protocol(try_login("registry.acme.test", &direct, USER, TOKEN)).starts_with("it redirects to"));
    assert!(elsewhere.calls().is_empty());
}

#[test]
fn a_redirect_within_the_registry_is_followed_a_few_times() {
    let server = Server::start(|call, _| match (path(call), &call.authorization) {
        ("/v2/", _) => (308, vec![("location", "/registry/v2/".into())], String::new()),
        (_, sent) if *sent == basic(USER, TOKEN) => answer(200, ""),
        _ => challenge(r#"Basic realm="r""#.into()),
    });
    assert!(try_login("registry.acme.test", &server, USER, TOKEN).is_ok());
    let endless = Server::start(|_, _| (302, vec![("location", "/v2/".into())], String::new()));
    assert_eq!(
        protocol(try_login("registry.acme.test", &endless, USER, TOKEN)),
        "it redirects more than 3 times"
    );
    assert_eq!(endless.calls().len(), 4);
}

#[test]
fn what_answers_as_no_registry_is_not_called_a_refusal() {
    let not_found = Server::start(|_, _| answer(404, "<html>"));
    assert!(protocol(try_login("registry.acme.test", &not_found, USER, TOKEN)).ends_with("404: not found"));
    let mute = Server::start(|_, _| answer(401, ""));
    assert_eq!(
        protocol(try_login("registry.acme.test", &mute, USER, TOKEN)),
        "its 401 asks for no kind of login"
    );
    let odd = Server::start(|_, _| challenge("Negotiate".into()));
    let detail = protocol(try_login("registry.acme.test", &odd, USER, TOKEN));
    assert_eq!(detail, "it asks for a login of a kind that is not supported: Negotiate");
    for body in ["", "{}", r#"{"token":""}"#, r#"{"token":7}"#, "[]", "token"] {
        let empty = Server::start(move |call, origin| match path(call) {
            "/token" => answer(200, body),
            _ => challenge(format!(r#"Bearer realm="{origin}/token""#)),
        });
        let detail = protocol(try_login("docker.io", &empty, USER, TOKEN));
        assert_eq!(detail, "its token service accepted the login and gave no token", "{body}");
    }
}

#[test]
fn an_answer_without_end_is_not_read_to_its_end() {
    let server = Server::start(|_, _| answer(401, &"x".repeat(70_000)));
    assert!(
        protocol(try_login("registry.acme.test", &server, USER, TOKEN))
            .ends_with("the answer is longer than 65536 bytes")
    );
}

#[test]
fn a_registry_that_is_busy_is_tried_three_times_and_is_no_refusal() {
    let server = Server::start(|_, _| answer(503, ""));
    let error = try_login("docker.io", &server, USER, TOKEN).unwrap_err();
    assert!(matches!(error, LoginError::Unreachable { .. }) && !error.is_refusal(), "{error:?}");
    assert_eq!(server.calls().len(), 3);
}

#[test]
fn a_registry_that_is_not_there_is_no_refusal() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::start(|_, _| answer(200, ""));
    let mut moved = server;
    moved.origin = format!("http://{gone}");
    let error = try_login("docker.io", &moved, USER, TOKEN).unwrap_err();
    assert!(matches!(error, LoginError::Unreachable { .. }), "{error:?}");
    assert_eq!(error.to_string(), "docker.io cannot be reached now");
}

/// What a login ends with whose token service answers so.
fn answered(status: u16, body: &'static str) -> LoginError {
    let server = Server::start(move |call, origin| match path(call) {
        "/token" => answer(status, body),
        _ => challenge(format!(r#"Bearer realm="{origin}/token""#)),
    });
    let error = try_login("docker.io", &server, USER, TOKEN).unwrap_err();
    assert_eq!(server.calls().len(), 2, "nothing is sent again");
    error
}

#[test]
fn a_locked_account_is_known_by_the_words_whatever_the_status_and_is_no_refusal() {
    let words = "too many failed login attempts for username or IP address";
    for status in [401, 403, 429] {
        let error =
            answered(status, r#"{"details":"too many failed login attempts for username or IP address"}"#);
        let expected =
            format!("docker.io has locked {USER} after too many failed logins (status {status}): {words}");
        assert_eq!(error.to_string(), expected);
        assert!(!error.is_refusal() && error.hint().unwrap().contains("still sends an old token"));
    }
    let other = answered(
        429,
        r#"{"detail":"Too many failed login attempts. You have been locked out for one hour."}"#,
    );
    assert!(matches!(other, LoginError::LockedOut { .. }), "{other:?}");
}

#[test]
fn too_many_requests_are_neither_a_refusal_nor_a_locked_account() {
    let error = answered(429, r#"{"message":"slow down"}"#);
    assert_eq!(error.to_string(), "docker.io accepts no login for now (status 429): slow down");
    assert!(!error.is_refusal() && !error.hint().unwrap().contains("old token"));
}

#[test]
fn a_few_of_those_that_probably_send_the_dead_token_are_named() {
    let locked = || answered(429, r#"{"details":"too many failed login attempts"}"#);
    let hint = |places: &[&str]| {
        let places = || places.iter().map(|place| (*place).to_owned()).collect();
        locked().sent_by(places).hint().unwrap()
    };
    assert!(hint(&[]).starts_with("stop what still sends an old token: each of its tries"));
    assert!(hint(&["a", "b"]).contains("(probably a, b, where another value is)"));
    assert!(
        hint(&["a", "b", "c", "d", "e"])
            .contains("(probably a, b, c or one of 2 more, where another value is)")
    );
}

#[test]
fn a_page_in_front_of_the_token_service_is_no_refusal_and_is_told() {
    let server = Server::start(|call, origin| match path(call) {
        "/token" => answer(403, "<html><title>Not available in your region</title></html>"),
        _ => challenge(format!(r#"Bearer realm="{origin}/token""#)),
    });
    let error = try_login("docker.io", &server, USER, TOKEN).unwrap_err();
    assert_eq!(
        error.to_string(),
        "docker.io cannot be used from here: Not available in your region (status 403)"
    );
    assert!(!error.is_refusal());
}

#[test]
fn a_token_that_cannot_pull_public_images_works_with_a_warning() {
    let scope = r#"Bearer realm="https://auth.docker.io/token",error="insufficient_scope""#;
    let server = Server::start(move |call, origin| match path(call) {
        "/token" => answer(200, r#"{"token":"t0ken-of-the-service"}"#),
        "/v2/" => challenge(format!(r#"Bearer realm="{origin}/token""#)),
        _ => challenge(scope.to_owned()),
    });
    let login = try_login("docker.io", &server, USER, TOKEN).unwrap();
    let warning = login.warning.unwrap();
    assert!(
        warning.starts_with("this token cannot pull public images (401 insufficient_scope)"),
        "{warning}"
    );
}

#[test]
fn an_e_mail_address_for_a_user_name_is_told_to_be_no_docker_id() {
    let server = Server::start(|call, origin| match path(call) {
        "/token" => answer(401, r#"{"details":"incorrect username or password"}"#),
        _ => challenge(format!(r#"Bearer realm="{origin}/token""#)),
    });
    let error = try_login("docker.io", &server, "me@acme.example", TOKEN).unwrap_err();
    assert!(error.is_refusal() && error.hint().unwrap().contains("Docker ID, not the e-mail address"));
}

#[test]
fn a_server_that_repeats_the_credential_is_quoted_without_it() {
    let long = "x".repeat(190);
    for (body, secret, shown) in [
        (format!(r#"{{"message":"bad password {TOKEN}"}}"#), TOKEN, "bad password ***".to_owned()),
        (format!(r#"{{"message":"{long} {TOKEN}"}}"#), TOKEN, format!("{long} ***")),
        (format!(r#"{{"message":"{}"}}"#, &basic(USER, TOKEN).unwrap()), TOKEN, "Basic ***".to_owned()),
        (r#"{"message":"bad p\u0061ssw/rd"}"#.to_owned(), "passw/rd", "bad ***".to_owned()),
        (
            r#"{"message":"/token?password=passw%2Frd"}"#.to_owned(),
            "passw/rd",
            "/token?password=***".to_owned(),
        ),
    ] {
        let server = Server::start(move |call, _| match call.authorization {
            Some(_) => answer(403, &body),
            None => challenge(r#"Basic realm="r""#.into()),
        });
        assert_eq!(refusal(try_login("registry.acme.test", &server, USER, secret)), (403, shown));
    }
    let moved = Server::start(|call, _| match call.authorization {
        Some(_) => (302, vec![("location", format!("http://127.0.0.1:1/{TOKEN}"))], String::new()),
        None => challenge(r#"Basic realm="r""#.into()),
    });
    let error = try_login("registry.acme.test", &moved, USER, TOKEN).unwrap_err();
    assert!(!format!("{error}{error:?}").contains(TOKEN), "{error:?}");
}

#[test]
fn no_error_shows_the_secret_in_any_form() {
    let server = token_registry("", |_| answer(500, ""));
    for registry in ["docker.io", "ghcr.io"] {
        for secret in [TOKEN, "wrong-but-secret"] {
            let shown = format!("{:?}", try_login(registry, &server, USER, secret));
            let encoded = basic(USER, secret).unwrap();
            assert!(
                !shown.contains(secret) && !shown.contains(encoded.trim_start_matches("Basic ")),
                "{shown}"
            );
        }
    }
}
