//! A secret's kind is known from its form.

use regcred::model::{Registry, Secret, TokenKind, token_kind};

fn kind(registry: &str, username: &str, secret: &str) -> TokenKind {
    token_kind(&Registry::parse(registry).unwrap(), username, &Secret::new(secret.into()))
}

const TAIL: &str = "0123456789abcdefghijklmn";

#[test]
fn each_registrys_own_tokens_are_recognised() {
    let tail = |prefix: &str| format!("{prefix}{TAIL}");
    let cases = [
        ("docker.io", "acme", tail("dckr_pat_"), TokenKind::DockerPersonal),
        ("index.docker.io", "acme", "3f1c9a52-7b1e-4c0d-9a55-0c1d2e3f4a5b".into(), TokenKind::DockerPersonal),
        ("docker.io", "acme", tail("dckr_oat_"), TokenKind::DockerOrganization),
        ("ghcr.io", "acme", tail("ghp_"), TokenKind::GitHubClassic),
        ("ghcr.io", "acme", tail("github_pat_"), TokenKind::GitHubFineGrained),
        ("ghcr.io", "x", tail("ghs_"), TokenKind::GitHubApp),
        ("registry.gitlab.com", "acme", tail("glpat-"), TokenKind::GitLabPersonal),
        ("registry.acme.test", "acme", tail("gldt-"), TokenKind::GitLabDeploy),
        ("registry.gitlab.com", "gitlab-ci-token", tail("glcbt-"), TokenKind::GitLabJob),
        (
            "us-central1-docker.pkg.dev",
            "_json_key",
            "{\"type\":\"service_account\"}".into(),
            TokenKind::GoogleKey,
        ),
        ("eu.gcr.io", "_json_key_base64", tail("e30"), TokenKind::GoogleKey),
        ("europe-docker.pkg.dev", "_dcgcloud_token", tail("ya29."), TokenKind::GoogleAccess),
        ("123456789012.dkr.ecr.us-east-2.amazonaws.com", "AWS", tail("eyJ"), TokenKind::EcrLogin),
        ("public.ecr.aws", "AWS", tail("eyJ"), TokenKind::EcrLogin),
        ("registry.gitlab.com", "gitlab-ci-token", tail("x"), TokenKind::GitLabJob),
        // {"iat":1700000000,"exp":1700010800}: three hours.
        (
            "acme.azurecr.io",
            "00000000-0000-0000-0000-000000000000",
            "eyJhbGciOiJSUzI1NiJ9.eyJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAxMDgwMH0.c2lnbmF0dXJl".into(),
            TokenKind::Signed,
        ),
        ("gcr.io", "oauth2accesstoken", tail("ya29."), TokenKind::GoogleAccess),
        ("quay.io", "acme+puller", tail(""), TokenKind::QuayRobot),
        ("acme.azurecr.io", "<token>", tail("eyJ"), TokenKind::Identity),
    ];
    for (registry, username, secret, expected) in cases {
        assert_eq!(kind(registry, username, &secret), expected, "{registry} {username}");
        assert!(expected.is_access_token());
    }
}

#[test]
fn anything_else_may_be_a_password() {
    let foreign = format!("ghp_{TAIL}");
    for (registry, username, secret) in [
        ("docker.io", "acme", "hunter2"),
        ("docker.io", "acme", "dckr_pat_short"),
        ("docker.io", "acme", "dckr_pat_with white space in it"),
        ("docker.io", "acme", foreign.as_str()),
        ("docker.io", "acme", "3f1c9a52-7b1e-4c0d-9a55-0c1d2e3f4a5z"),
        ("docker.io", "acme", "3f1c9a52-7b1e-4c0d-9a550c1d2e3f4a5b-"),
        ("docker.io", "acme", "3f1c9a527b1e4c0d9a550c1d2e3f4a5b3f1c"),
        ("quay.io", "acme", TAIL),
        ("quay.io", "+", TAIL),
        ("gcr.io", "_json_key", "not json"),
        ("registry.acme.test", "acme", "hunter2"),
    ] {
        assert_eq!(kind(registry, username, secret), TokenKind::Unknown, "{registry} {secret}");
    }
    assert!(!TokenKind::Unknown.is_access_token());
}

#[test]
fn a_token_that_dies_within_a_day_is_known_to() {
    assert!(kind("ghcr.io", "x", &format!("ghs_{TAIL}")).is_short_lived());
    for user in ["oauth2accesstoken", "_dcgcloud_token"] {
        assert!(kind("europe-docker.pkg.dev", user, &format!("ya29.{TAIL}")).is_short_lived());
    }
    assert!(!kind("docker.io", "acme", &format!("dckr_pat_{TAIL}")).is_short_lived());
}
