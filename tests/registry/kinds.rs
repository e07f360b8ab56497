//! The registries that people have: what each asks for, where its token service is, and how that answers.

use regcred::registry::{Accepted, LoginError};

use crate::login::try_login;
use crate::server::{Call, Server, answer, basic, challenge};

struct Kind {
    registry: &'static str,
    /// The token service's path; on this machine it is on the registry's own origin.
    realm: &'static str,
    /// What follows the realm in the challenge.
    asks: &'static str,
    username: &'static str,
    secret: &'static str,
    /// The request that the challenge leads to.
    request: &'static str,
    accepts: &'static str,
    refuses: (u16, &'static str, &'static str),
}

static KINDS: [Kind; 6] = [
    Kind {
        registry: "ghcr.io",
        realm: "/token",
        asks: r#",service="ghcr.io",scope="repository:user/image:pull""#,
        username: "acme",
        secret: "a classic token",
        request: "GET /token?service=ghcr.io&scope=repository%3Auser%2Fimage%3Apull",
        accepts: r#"{"token":"good"}"#,
        refuses: (403, r#"{"errors":[{"code":"DENIED","message":"denied: denied"}]}"#, "denied: denied"),
    },
    Kind {
        registry: "us-central1-docker.pkg.dev",
        realm: "/v2/token",
        asks: r#",service="us-central1-docker.pkg.dev""#,
        username: "_json_key",
        secret: "{\n  \"type\": \"service_account\",\n  \"project_id\": \"acme\"\n}\n",
        request: "GET /v2/token?service=us-central1-docker.pkg.dev",
        accepts: r#"{"expires_in":3599,"issued_at":"2025-01-01T00:00:00Z","token":"good"}"#,
        refuses: (
            401,
            r#"{"errors":[{"code":"UNAUTHENTICATED","message":"authentication failed"}]}"#,
            "authentication failed",
        ),
    },
    Kind {
        registry: "registry.gitlab.com",
        realm: "/jwt/auth",
        asks: r#",service="container_registry",error="invalid_token""#,
        username: "gitlab+deploy-token-7",
        secret: "a deploy token",
        request: "GET /jwt/auth?service=container_registry",
        accepts: r#"{"token":"good"}"#,
        refuses: (
            403,
            r#"{"errors":[{"code":"UNAUTHORIZED","message":"HTTP Basic: Access denied"}]}"#,
            "HTTP Basic: Access denied",
        ),
    },
    Kind {
        registry: "quay.io",
        realm: "/v2/auth",
        asks: r#",service="quay.io""#,
        username: "acme+robot",
        secret: "a robot's token",
        request: "GET /v2/auth?service=quay.io",
        accepts: r#"{"token":"good"}"#,
        refuses: (401, r#"{"error":"Invalid robot credentials"}"#, "Invalid robot credentials"),
    },
    Kind {
        registry: "acme.azurecr.io",
        realm: "/oauth2/token",
        asks: r#",service="acme.azurecr.io""#,
        username: "a-token-name",
        secret: "a password",
        request: "GET /oauth2/token?service=acme.azurecr.io",
        accepts: r#"{"access_token":"good"}"#,
        refuses: (401, r#"{"errors":[{"message":"authentication required"}]}"#, "authentication required"),
    },
    Kind {
        registry: "registry.acme.test:5000",
        realm: "/auth",
        asks: "",
        username: "acme",
        secret: "a password",
        request: "GET /auth",
        accepts: r#"{"token":"good","access_token":"good"}"#,
        refuses: (401, "Auth failed.", "Auth failed."),
    },
];

/// A registry of a kind, which takes one credential.
fn start(kind: &'static Kind) -> Server {
    let path = |call: &Call| call.target.split('?').next().unwrap_or_default().to_owned();
    Server::start(move |call, origin| match (path(call).as_str(), &call.authorization) {
        ("/v2/", Some(sent)) if sent == "Bearer good" => answer(200, "{}"),
        ("/v2/", _) => challenge(format!(r#"Bearer realm="{origin}{}"{}"#, kind.realm, kind.asks)),
        (realm, sent) if realm == kind.realm && *sent == basic(kind.username, kind.secret) => {
            answer(200, kind.accepts)
        }
        (realm, Some(_)) if realm == kind.realm => answer(kind.refuses.0, kind.refuses.1),
        _ => answer(404, ""),
    })
}

#[test]
fn each_kind_of_registry_accepts_its_credential_in_three_requests() {
    for kind in &KINDS {
        let server = start(kind);
        let login = try_login(kind.registry, &server, kind.username, kind.secret).unwrap();
        assert_eq!(login, Accepted { date: login.date, ..Accepted::default() });
        assert_eq!(server.log(), ["GET /v2/", kind.request, "GET /v2/"], "{}", kind.registry);
    }
}

#[test]
fn each_kind_of_registry_refuses_another_credential_in_its_own_words() {
    for kind in &KINDS {
        let server = start(kind);
        let error = try_login(kind.registry, &server, kind.username, "something else").unwrap_err();
        let LoginError::Refused { status, detail, .. } = error else { panic!("{}: {error}", kind.registry) };
        assert_eq!((status, detail.as_str()), (kind.refuses.0, kind.refuses.2), "{}", kind.registry);
    }
}
