//! Image names are read as Docker reads them.

use proptest::prelude::*;
use regcred::model::reference::{MAX_PATH, MAX_TAG};
use regcred::model::{Reference, ReferenceError};

const SHA256: &str = "sha256:b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c";

/// Canonical form, familiar form.
fn forms(input: &str) -> (String, String) {
    let reference = Reference::parse(input).unwrap_or_else(|error| panic!("{input}: {error}"));
    (reference.to_string(), reference.familiar())
}

fn error(input: &str) -> ReferenceError {
    Reference::parse(input).expect_err(input)
}

#[test]
fn an_image_name_has_one_canonical_and_one_familiar_form() {
    let cases = [
        // Docker Hub, in every spelling that means it.
        ("redis", "docker.io/library/redis", "redis"),
        ("redis:7.4-alpine", "docker.io/library/redis:7.4-alpine", "redis:7.4-alpine"),
        ("library/redis", "docker.io/library/redis", "redis"),
        ("docker.io/redis", "docker.io/library/redis", "redis"),
        ("index.docker.io/redis", "docker.io/library/redis", "redis"),
        ("index.docker.io/library/redis:7", "docker.io/library/redis:7", "redis:7"),
        ("bitnami/redis", "docker.io/bitnami/redis", "bitnami/redis"),
        ("docker.io/bitnami/redis:7", "docker.io/bitnami/redis:7", "bitnami/redis:7"),
        ("library/distros/x", "docker.io/library/distros/x", "library/distros/x"),
        // Hosts that look like it and are not.
        (
            "registry-1.docker.io/library/redis",
            "registry-1.docker.io/library/redis",
            "registry-1.docker.io/library/redis",
        ),
        ("DOCKER.IO/redis", "DOCKER.IO/redis", "DOCKER.IO/redis"),
        ("docker.io:443/redis", "docker.io:443/redis", "docker.io:443/redis"),
        ("mydocker.io/redis", "mydocker.io/redis", "mydocker.io/redis"),
        // A name without a slash is never a host.
        ("quay.io", "docker.io/library/quay.io", "quay.io"),
        ("localhost:5000", "docker.io/library/localhost:5000", "localhost:5000"),
        ("localhost/tool", "localhost/tool", "localhost/tool"),
        // An upper-case first part is one.
        ("Acme/tool", "Acme/tool", "Acme/tool"),
        // Ports and addresses.
        (
            "registry.acme.test:8443/a/b/c:v1",
            "registry.acme.test:8443/a/b/c:v1",
            "registry.acme.test:8443/a/b/c:v1",
        ),
        ("10.1.2.3/tool", "10.1.2.3/tool", "10.1.2.3/tool"),
        ("[fd12::7]/tool", "[fd12::7]/tool", "[fd12::7]/tool"),
        ("[fd12::7]:5000/tool:1", "[fd12::7]:5000/tool:1", "[fd12::7]:5000/tool:1"),
        // Separators in a path.
        ("a.b_c__d---e/f", "a.b_c__d---e/f", "a.b_c__d---e/f"),
        ("acme/a.b_c__d---e", "docker.io/acme/a.b_c__d---e", "acme/a.b_c__d---e"),
    ];
    for (input, canonical, familiar) in cases {
        assert_eq!(forms(input), (canonical.to_owned(), familiar.to_owned()), "{input}");
    }
}

#[test]
fn tag_and_digest_are_kept_as_written_and_none_is_added() {
    let plain = Reference::parse("acme/api").unwrap();
    assert_eq!((plain.tag(), plain.digest()), (None, None));
    let both = Reference::parse(&format!("acme/api:v2@{SHA256}")).unwrap();
    assert_eq!((both.domain(), both.path()), ("docker.io", "acme/api"));
    assert_eq!((both.tag(), both.digest()), (Some("v2"), Some(SHA256)));
    assert_eq!(both.name(), "docker.io/acme/api");
    assert_eq!(both.to_string(), format!("docker.io/acme/api:v2@{SHA256}"));
}

#[test]
fn a_first_part_with_a_dot_that_is_no_host_leaves_an_image_without_a_registry() {
    let reference = Reference::parse("build_cache.acme/tool:1").unwrap();
    assert_eq!((reference.domain(), reference.path()), ("", "build_cache.acme/tool"));
    assert_eq!(reference.to_string(), "build_cache.acme/tool:1");
}

#[test]
fn a_text_that_is_no_image_name_is_refused() {
    let long_tag = format!("redis:{}", "t".repeat(MAX_TAG + 1));
    let cases = [
        "",
        " ",
        "redis ",
        " redis",
        "/redis",
        "redis/",
        "acme//api",
        ":7",
        "redis:",
        "redis:-7",
        "redis@",
        "redis@sha256:",
        "redis@sha256:abc",
        "redis:7:8",
        "redis@x@y",
        "acme/-api",
        "acme/api-",
        "acme/_api",
        "acme/a___b",
        "acme/a..b",
        "acme/a.-b",
        "acme/a^b",
        "docker.io/",
        "index.docker.io/v1/",
        "https://ghcr.io/acme/api",
        "me@ghcr.io/acme/api",
        "ghcr.io:http/api",
        "-ghcr.io/api",
        "ghcr.io-/api",
        "[fd12::7]",
        "[fd12::7%eth0]/tool",
        "fd12::7/tool",
        "[]/tool",
        "[fd12::7]x/tool",
        "[fd12::7/tool",
        "gr\u{fc}n/tool",
        "tool\n",
        "tool:1\u{0}",
        long_tag.as_str(),
    ];
    for input in cases {
        assert!(
            matches!(error(input), ReferenceError::Format { .. }),
            "{input:?}: {:?}",
            Reference::parse(input)
        );
    }
}

#[test]
fn a_path_must_be_in_lower_case_and_the_error_names_it() {
    assert_eq!(
        error("Redis").to_string(),
        "invalid reference format: repository name (library/Redis) must be lowercase"
    );
    assert_eq!(
        error("ghcr.io/Acme/api:1").to_string(),
        "invalid reference format: repository name (Acme/api) must be lowercase"
    );
    assert_eq!(error("ghcr.io/Acme/api:1").hint().unwrap(), "write `ghcr.io/acme/api:1`");
    assert_eq!(
        error("redis@SHA256:b5bb").to_string(),
        "invalid reference format: repository name (library/redis@SHA256) must be lowercase"
    );
    assert_eq!(error("Build_Cache/tool"), ReferenceError::UppercaseName);
}

#[test]
fn a_digest_must_be_one_that_exists() {
    let cases = [
        (format!("redis@sha256:{}", "a".repeat(63)), ReferenceError::DigestLength),
        (format!("redis@sha256:{}", "a".repeat(65)), ReferenceError::DigestLength),
        (format!("redis@sha512:{}", "a".repeat(64)), ReferenceError::DigestLength),
        (format!("redis@sha256:{}", "A".repeat(64)), ReferenceError::DigestFormat),
        (format!("redis:7@SHA256:{}", "a".repeat(64)), ReferenceError::DigestFormat),
        (format!("redis@sha1:{}", "a".repeat(40)), ReferenceError::DigestAlgorithm),
        (format!("redis@sha256+b64:{}", "a".repeat(64)), ReferenceError::DigestAlgorithm),
    ];
    for (input, expected) in cases {
        assert_eq!(error(&input), expected, "{input}");
    }
    for (algorithm, digits) in [("sha256", 64), ("sha384", 96), ("sha512", 128)] {
        assert!(Reference::parse(&format!("redis@{algorithm}:{}", "0f".repeat(digits / 2))).is_ok());
    }
}

#[test]
fn an_image_id_is_not_an_image_name() {
    let id = "0123456789abcdef".repeat(4);
    assert!(matches!(error(&id), ReferenceError::ImageId(_)));
    assert!(Reference::parse(&format!("docker.io/{id}")).is_ok());
    assert!(Reference::parse(&id[1..]).is_ok());
}

#[test]
fn the_longest_path_is_255_bytes_without_the_host() {
    let path = "p".repeat(MAX_PATH);
    assert!(Reference::parse(&format!("registry.acme.test/{path}")).is_ok());
    assert_eq!(error(&format!("registry.acme.test/{path}p")), ReferenceError::TooLong);
    assert_eq!(error(&path), ReferenceError::TooLong, "`library/` counts");
}

#[test]
fn an_error_says_what_to_change_where_that_is_known() {
    assert!(error("https://ghcr.io/acme/api").hint().unwrap().contains("scheme"));
    assert_eq!(error("acme//api").hint(), None);
}

#[test]
fn an_error_carries_no_control_characters() {
    let message = error("A\u{1b}[2J").to_string();
    assert!(!message.contains('\u{1b}'), "{message:?}");
}

/// Text that is an image name often enough.
fn nearly_a_name() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[a-z0-9]{1,6}",
        "[a-zA-Z0-9._-]{0,6}",
        Just("docker.io".to_owned()),
        Just("localhost".to_owned())
    ];
    let tag = prop_oneof![Just(String::new()), "[:][a-zA-Z0-9_.-]{0,5}"];
    let digest = prop_oneof![3 => Just(String::new()), 1 => Just(format!("@{SHA256}")), 1 => "@[a-zA-Z0-9]{1,6}:[a-fA-F0-9]{30,66}"];
    (prop::collection::vec(part, 1..4), "(:[0-9]{1,5})?", tag, digest).prop_map(
        |(parts, port, tag, digest)| parts.join("/").replacen('/', &format!("{port}/"), 1) + &tag + &digest,
    )
}

proptest! {
    #[test]
    fn any_text_is_an_image_name_or_an_error_and_never_a_panic(input in ".*") {
        let _ = Reference::parse(&input).map_err(|error| (error.to_string(), error.hint()));
    }

    #[test]
    fn what_is_displayed_parses_to_the_same_reference(input in nearly_a_name()) {
        if let Ok(reference) = Reference::parse(&input) {
            prop_assert_eq!(Reference::parse(&reference.to_string()), Ok(reference));
        }
    }

    #[test]
    fn the_familiar_form_means_the_same_image_unless_its_path_looks_like_a_host(input in nearly_a_name()) {
        if let Ok(reference) = Reference::parse(&input) {
            let familiar = Reference::parse(&reference.familiar());
            let first = reference.path().split('/').next().unwrap_or_default();
            let looks_like_a_host = first.contains('.') || first == "localhost";
            prop_assert!(familiar == Ok(reference.clone()) || looks_like_a_host, "{} -> {:?}", reference, familiar);
        }
    }
}
