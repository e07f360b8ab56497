//! One row per image name.

use std::collections::BTreeMap;

use proptest::prelude::*;
use regcred::image::{Context, Row, rows};

use crate::{context, credentials, stack};

const SHA256: &str = "sha256:b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c";

fn row(input: &str) -> Row {
    Row::new(input, &context())
}

#[test]
fn a_row_is_one_json_object_of_the_documented_form() {
    let json = serde_json::to_string(&row("alpine:3")).unwrap();
    let expected = concat!(
        r#"{"input":"alpine:3","domain":"docker.io","path":"library/alpine","tag":"3","digest":null,"#,
        r#""familiar":"alpine:3","credential":"to-docker.io","#,
        r#""cached":{"main":"<account>.dkr.ecr.us-east-2.amazonaws.com/main-docker-hub/library/alpine:3"},"error":null}"#
    );
    assert_eq!(json, expected);
    let json = serde_json::to_string(&row("Alpine")).unwrap();
    let expected = concat!(
        r#"{"input":"Alpine","domain":null,"path":null,"tag":null,"digest":null,"familiar":null,"credential":null,"#,
        r#""cached":{},"error":"invalid reference format: repository name (library/Alpine) must be lowercase"}"#
    );
    assert_eq!(json, expected);
}

#[test]
fn one_bad_name_does_not_hide_the_others_and_the_order_is_kept() {
    let context = context();
    let inputs = ["alpine", "Alpine", "ghcr.io/acme/api", ""];
    let found: Vec<_> =
        rows(inputs, &context).map(|row| (row.input.clone(), row.error.is_some(), row.credential)).collect();
    let expected = [
        ("alpine", false, Some("to-docker.io")),
        ("Alpine", true, None),
        ("ghcr.io/acme/api", false, Some("to-ghcr.io")),
        ("", true, None),
    ];
    let expected = expected.map(|(input, bad, id)| (input.to_owned(), bad, id.map(str::to_owned)));
    assert_eq!(found, expected);
}

#[test]
fn the_cached_reference_has_library_before_official_images_and_latest_where_nothing_is_written() {
    let base = "<account>.dkr.ecr.us-east-2.amazonaws.com/main-docker-hub";
    let digest = format!("alpine@{SHA256}");
    let both = format!("acme/api:1@{SHA256}");
    for (input, expected) in [
        ("alpine", format!("{base}/library/alpine:latest")),
        ("docker.io/alpine:3", format!("{base}/library/alpine:3")),
        ("index.docker.io/library/alpine:3", format!("{base}/library/alpine:3")),
        ("grafana/grafana:11", format!("{base}/grafana/grafana:11")),
        (digest.as_str(), format!("{base}/library/alpine@{SHA256}")),
        (both.as_str(), format!("{base}/acme/api:1@{SHA256}")),
    ] {
        assert_eq!(row(input).cached, BTreeMap::from([("main".to_owned(), expected)]), "{input}");
    }
}

#[test]
fn only_images_of_the_rules_registry_are_cached() {
    for input in ["ghcr.io/acme/api", "registry-1.docker.io/library/alpine", "localhost:5000/x", "Alpine/x"] {
        assert!(row(input).cached.is_empty() && row(input).not_cached.is_empty(), "{input}");
    }
    let context = Context { stacks: vec![stack("main", "us-east-2", "ghcr.io")], ..Context::default() };
    let row = Row::new("ghcr.io/acme/api:1", &context);
    assert_eq!(row.cached["main"], "<account>.dkr.ecr.us-east-2.amazonaws.com/main-docker-hub/acme/api:1");
}

#[test]
fn each_stack_has_its_own_account_region_and_prefix() {
    let mut dev = stack("dev", "eu-central-1", "docker.io");
    dev.account = Some("222222222222".into());
    dev.prefix = "shared/".into();
    let mut bare = stack("bare", "eu-central-1", "docker.io");
    bare.prefix = "ROOT".into();
    let context = Context { stacks: vec![dev, bare], ..Context::default() };
    let cached = Row::new("alpine:3", &context).cached;
    assert_eq!(cached["dev"], "222222222222.dkr.ecr.eu-central-1.amazonaws.com/shared/library/alpine:3");
    assert_eq!(cached["bare"], "<account>.dkr.ecr.eu-central-1.amazonaws.com/library/alpine:3");
}

#[test]
fn where_there_are_no_pull_through_caches_the_row_says_so() {
    let stacks = ["cn-north-1", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1", "us-east-1"];
    let stacks = stacks.map(|region| stack(region, region, "docker.io")).to_vec();
    let row = Row::new("alpine", &Context { stacks, ..Context::default() });
    assert_eq!(row.cached.keys().collect::<Vec<_>>(), ["us-east-1"]);
    let reason = "cn-north-1 is in the AWS China partition, where ECR has no pull-through caches";
    assert_eq!(row.not_cached["cn-north-1"], reason);
    assert!(row.not_cached["us-gov-west-1"].contains("GovCloud"));
    assert_eq!(row.not_cached.len(), 4);
}

#[test]
fn a_name_that_ecr_has_no_room_for_is_not_cached() {
    let fits = "p".repeat(256 - "main-docker-hub/acme/".len());
    assert!(row(&format!("acme/{fits}")).not_cached.is_empty());
    let reason = "the repository's name in ECR would have 257 characters, and the limit is 256";
    assert_eq!(row(&format!("acme/{fits}p")).not_cached["main"], reason);
}

/// Why the pull is anonymous, and what to write instead.
fn anonymous(input: &str) -> (String, Option<String>) {
    let row = row(input);
    assert!(row.is_anonymous(), "{row:?}");
    (row.anonymous_why.unwrap(), row.instead)
}

#[test]
fn an_anonymous_pull_has_its_reason_and_the_name_that_is_not_where_there_is_one() {
    for (input, why, instead) in [
        ("quay.io/acme/api:1", "no credential for quay.io", None),
        ("mydocker.io/alpine", "no credential for mydocker.io", None),
        (
            "registry-1.docker.io/library/alpine:3",
            "`registry-1.docker.io` is not Docker Hub in an image name",
            Some("alpine:3"),
        ),
        (
            "registry.hub.docker.com/acme/api",
            "`registry.hub.docker.com` is not Docker Hub in an image name",
            Some("acme/api"),
        ),
        ("DOCKER.IO/alpine", "`DOCKER.IO` is not Docker Hub in an image name", Some("alpine")),
        ("docker.io:443/alpine", "`docker.io:443` is not Docker Hub in an image name", Some("alpine")),
        ("Alpine/x:1", "an upper-case first part is read as a host: `Alpine`", Some("alpine/x:1")),
        (
            "GHCR.io/acme/api",
            "a host is compared as it is written: `GHCR.io` is not `ghcr.io`",
            Some("ghcr.io/acme/api"),
        ),
        ("QUAY.io/acme/api", "a host is compared as it is written: `QUAY.io` is not `quay.io`", None),
        (
            "ghcr.io:443/acme/api",
            "a port makes it another host: `ghcr.io:443` is not `ghcr.io`",
            Some("ghcr.io/acme/api"),
        ),
        ("quay.io:443/acme/api", "no credential for quay.io:443", None),
        ("build_cache.acme/x", "`build_cache.acme` is not a valid host, so the name means no registry", None),
    ] {
        assert_eq!(anonymous(input), (why.to_owned(), instead.map(str::to_owned)), "{input}");
    }
    let context = Context { credentials: credentials(&["registry.acme.test:443"]), ..Context::default() };
    let row = Row::new("registry.acme.test/x", &context);
    assert_eq!(row.instead.as_deref(), Some("registry.acme.test:443/x"));
    assert_eq!(Row::new("alpine", &context).anonymous_why.as_deref(), Some("no credential for docker.io"));
}

#[test]
fn of_several_credentials_for_one_registry_the_first_is_used() {
    let mut context = context();
    context.credentials.insert(0, ("first".into(), context.credentials[0].1.clone()));
    assert_eq!(Row::new("alpine", &context).credential.as_deref(), Some("first"));
}

#[test]
fn a_name_that_is_wrong_has_a_hint_where_there_is_one() {
    for (input, hint) in [
        ("ghcr.io/Acme/Api:Dev", Some("write `ghcr.io/acme/api:Dev`")),
        ("Alpine:3", Some("write `alpine:3`")),
        ("docker.io/library/Alpine", Some("write `docker.io/library/alpine`")),
        ("Acme/Api", Some("write `acme/api`")),
        ("acme/Api:", None),
    ] {
        assert_eq!(row(input).hint.as_deref(), hint, "{input}");
    }
    assert!(row("https://ghcr.io/acme/api").hint.unwrap().contains("scheme"));
}

proptest! {
    #[test]
    fn every_text_has_a_row_that_says_how_it_is_pulled_or_why_it_is_wrong(input in ".*") {
        let row = row(&input);
        let ways = [row.credential.is_some(), row.is_anonymous(), row.error.is_some()];
        prop_assert_eq!(ways.iter().filter(|way| **way).count(), 1, "{:?}", row);
        prop_assert!(!row.is_anonymous() || row.cached.is_empty());
    }

    #[test]
    fn what_to_write_instead_is_pulled_with_a_credential(host in "(DOCKER.IO|registry-1.docker.io|Ghcr.io|ghcr.io:443|[A-Z][a-z]{1,5})", path in "[a-z]{1,5}(/[a-z]{1,5})?") {
        let row = row(&format!("{host}/{path}:1"));
        if let Some(instead) = row.instead {
            prop_assert!(Row::new(&instead, &context()).credential.is_some(), "{}", instead);
        }
    }
}
