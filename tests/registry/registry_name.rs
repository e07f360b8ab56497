//! One registry, however it is written.

use proptest::prelude::*;
use regcred::model::{Reference, Registry, RegistryError};

fn registry(text: &str) -> Registry {
    Registry::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn every_spelling_of_docker_hub_is_docker_hub() {
    let spellings = [
        "docker.io",
        "DOCKER.IO",
        "docker.io/",
        "https://docker.io",
        "http://docker.io/",
        "index.docker.io",
        "index.docker.io/v1/",
        "https://index.docker.io/v1/",
        "https://index.docker.io/v1",
        "HTTPS://Index.Docker.IO/v1/",
        "registry-1.docker.io",
        "https://registry-1.docker.io/v2/",
        "registry.hub.docker.com",
        "https://registry.hub.docker.com/",
        " docker.io\n",
    ];
    for text in spellings {
        assert_eq!(registry(text), Registry::docker_hub(), "{text:?}");
    }
}

#[test]
fn a_host_that_only_contains_the_text_is_another_registry() {
    for text in [
        "mydocker.io.example.com",
        "docker.io.example.com",
        "mydocker.io",
        "docker.io:443",
        "x.index.docker.io",
        "registry-2.docker.io",
    ] {
        assert_eq!(registry(text).canonical(), text);
        assert!(!registry(text).is_docker_hub());
    }
}

#[test]
fn scheme_case_and_the_api_root_make_no_difference_and_the_port_does() {
    let cases = [
        ("https://GHCR.io/v2/", "ghcr.io"),
        ("ghcr.io:443", "ghcr.io:443"),
        ("http://localhost:5000/", "localhost:5000"),
        ("localhost", "localhost"),
        ("registry:5000", "registry:5000"),
        ("[FD12::7]:5000", "[fd12::7]:5000"),
        ("[::1]", "[::1]"),
        ("10.0.0.1", "10.0.0.1"),
        ("us-central1-docker.pkg.dev", "us-central1-docker.pkg.dev"),
    ];
    for (text, canonical) in cases {
        assert_eq!(registry(text).canonical(), canonical, "{text}");
    }
}

#[test]
fn what_names_no_registry_is_refused_with_what_to_write() {
    let cases = [
        ("", "a registry is named by its host, and nothing is written", Some("write `registry: docker.io`")),
        (
            "https://",
            "a registry is named by its host, and nothing is written",
            Some("write `registry: docker.io`"),
        ),
        (
            "us-central1-docker.pkg.dev/acme/images",
            "registry `us-central1-docker.pkg.dev` has the path `/acme/images`: a credential is for a host",
            Some("write `registry: us-central1-docker.pkg.dev`"),
        ),
        (
            "docker.io/acme",
            "registry `docker.io` has the path `/acme`: a credential is for a host",
            Some("write `registry: docker.io`"),
        ),
        (
            "ghcr.io?x=1",
            "registry `ghcr.io` has the path `?x=1`: a credential is for a host",
            Some("write `registry: ghcr.io`"),
        ),
        (
            "oci://ghcr.io/x",
            "registry `ghcr.io`: the scheme `oci` is neither `https` nor `http`",
            Some("write `registry: ghcr.io`"),
        ),
        (
            "hub.docker.com",
            "`hub.docker.com` is not the name of Docker Hub's registry",
            Some("write `registry: docker.io`"),
        ),
        (
            "docker-hub",
            "`docker-hub` is not the name of Docker Hub's registry",
            Some("write `registry: docker.io`"),
        ),
        (
            "registry",
            "`registry` has neither a dot nor a port: in an image name it would be a namespace of Docker Hub",
            Some("write its full host name, or a port: `registry: registry:443`"),
        ),
        ("ghcr.io:0", "`ghcr.io:0` is not a host, with or without a port", None),
        ("ghcr.io:65536", "`ghcr.io:65536` is not a host, with or without a port", None),
        ("ghcr.io:", "`ghcr.io:` is not a host, with or without a port", None),
        ("gh cr.io", "`gh cr.io` is not a host, with or without a port", None),
        ("build_cache.acme", "`build_cache.acme` is not a host, with or without a port", None),
    ];
    for (text, message, hint) in cases {
        let error = Registry::parse(text).expect_err(text);
        assert_eq!((error.to_string().as_str(), error.hint().as_deref()), (message, hint), "{text}");
    }
}

#[test]
fn a_password_written_into_the_registry_is_not_repeated() {
    let error = Registry::parse("https://me:hunter2@ghcr.io/").expect_err("user information");
    assert_eq!(error, RegistryError::UserInfo { host: "ghcr.io".into() });
    let oci = Registry::parse("oci://me:hunter2@ghcr.io/").expect_err("scheme");
    assert!(!format!("{error}{error:?}{oci}{oci:?}").contains("hunter2"));
}

#[test]
fn each_system_is_told_the_name_it_knows() {
    let hub = Registry::docker_hub();
    assert_eq!(
        (hub.api_host(), hub.docker_config_key()),
        ("registry-1.docker.io", "https://index.docker.io/v1/")
    );
    let other = registry("https://registry.acme.test:8443/");
    assert_eq!(
        (other.api_host(), other.docker_config_key()),
        ("registry.acme.test:8443", "registry.acme.test:8443")
    );
}

#[test]
fn ecr_caches_five_kinds_of_registry_that_need_a_login() {
    let upstream = |text: &str| registry(text).ecr_upstream();
    let some = |name: &'static str, url: &str| Some((name, url.to_owned()));
    assert_eq!(upstream("docker.io"), some("docker-hub", "registry-1.docker.io"));
    assert_eq!(upstream("ghcr.io"), some("github-container-registry", "ghcr.io"));
    assert_eq!(upstream("registry.gitlab.com"), some("gitlab-container-registry", "registry.gitlab.com"));
    assert_eq!(upstream("acme.azurecr.io"), some("azure-container-registry", "acme.azurecr.io"));
    assert_eq!(upstream("cgr.dev"), some("chainguard", "cgr.dev"));
    for other in ["quay.io", "registry.acme.test", "ghcr.io:443", "azurecr.io", "gitlab.com"] {
        assert_eq!(upstream(other), None, "{other}");
    }
}

#[test]
fn a_credential_covers_the_images_that_docker_would_present_it_for() {
    let covers = |name: &str, image: &str| registry(name).covers(&Reference::parse(image).unwrap());
    for image in [
        "alpine",
        "library/alpine",
        "acme/api:1",
        "docker.io/alpine",
        "index.docker.io/acme/api",
        "localhost:5000",
    ] {
        assert!(covers("https://index.docker.io/v1/", image), "{image}");
    }
    for image in [
        "registry-1.docker.io/library/alpine",
        "registry.hub.docker.com/library/alpine",
        "DOCKER.IO/alpine",
        "Alpine/x",
        "ghcr.io/x",
    ] {
        assert!(!covers("docker.io", image), "{image}");
    }
    assert!(covers("localhost:5000", "localhost:5000/x"));
    assert!(!covers("ghcr.io", "ghcr.io:443/x"));
    assert!(!covers("ghcr.io", "GHCR.IO/x"));
}

proptest! {
    #[test]
    fn any_text_is_a_registry_or_an_error_and_never_a_panic(text in ".*") {
        let _ = Registry::parse(&text).map_err(|error| (error.to_string(), error.hint()));
    }

    #[test]
    fn the_canonical_name_and_the_docker_key_name_the_same_registry(text in "(https://)?[a-zA-Z0-9.-]{1,12}(:[0-9]{1,5})?/?") {
        if let Ok(registry) = Registry::parse(&text) {
            prop_assert_eq!(Registry::parse(registry.canonical()), Ok(registry.clone()));
            prop_assert_eq!(Registry::parse(registry.docker_config_key()), Ok(registry.clone()));
            prop_assert_eq!(Registry::parse(registry.api_host()), Ok(registry));
        }
    }
}
