//! Where a registry is reached.

use regcred::model::Registry;
use regcred::registry::Endpoints;

fn base(endpoints: &Endpoints, registry: &str) -> String {
    endpoints.base(&Registry::parse(registry).unwrap()).unwrap().to_string()
}

#[test]
fn a_registry_is_reached_at_its_own_host_over_tls() {
    let none = Endpoints::default();
    assert_eq!(base(&none, "docker.io"), "https://registry-1.docker.io/");
    assert_eq!(base(&none, "ghcr.io"), "https://ghcr.io/");
    assert_eq!(base(&none, "registry.acme.test:8443"), "https://registry.acme.test:8443/");
    assert_eq!(base(&none, "[fd12::7]:5000"), "https://[fd12::7]:5000/");
}

#[test]
fn a_registry_on_this_machine_is_reached_without_tls() {
    let none = Endpoints::default();
    for (registry, url) in [
        ("localhost:5000", "http://localhost:5000/"),
        ("127.0.0.1:5000", "http://127.0.0.1:5000/"),
        ("127.9.9.9:5000", "http://127.9.9.9:5000/"),
        ("[::1]:5000", "http://[::1]:5000/"),
        ("registry.localhost:5000", "http://registry.localhost:5000/"),
    ] {
        assert_eq!(base(&none, registry), url);
    }
    assert_eq!(base(&none, "localhost.example.com"), "https://localhost.example.com/");
}

#[test]
fn an_endpoint_is_found_under_any_spelling_of_its_registry() {
    let endpoints =
        Endpoints::parse(" docker.io=http://127.0.0.1:5000 , ghcr.io = https://mirror.example.com,").unwrap();
    assert_eq!(base(&endpoints, "https://index.docker.io/v1/"), "http://127.0.0.1:5000/");
    assert_eq!(base(&endpoints, "ghcr.io"), "https://mirror.example.com/");
    assert_eq!(base(&endpoints, "quay.io"), "https://quay.io/");
    assert_eq!(Endpoints::parse("").unwrap(), Endpoints::default());
}

#[test]
fn everything_that_is_wrong_is_said_at_once_and_no_password_is_repeated() {
    let text = "docker.io,hub.docker.com=https://a.test,ghcr.io=http://mirror.example.com,quay.io=https://me:hunter2@q.test,\
                cgr.dev=https://c.test/path,docker.io=https://d.test,index.docker.io=https://e.test,gcr.io=ftp://x";
    let error = Endpoints::parse(text).unwrap_err();
    assert_eq!(error.0.len(), 7, "{error}");
    assert_eq!(
        error.to_string(),
        "REGCRED_REGISTRY_ENDPOINTS: entry 1 is not of the form `docker.io=https://mirror.example.com`; \
         `hub.docker.com` is not the name of Docker Hub's registry; \
         the endpoint of ghcr.io is plain http, which only this machine may be reached by; \
         the endpoint of quay.io is not an http or https URL of a host, without path, query and user name; \
         the endpoint of cgr.dev is not an http or https URL of a host, without path, query and user name; \
         docker.io has two endpoints; \
         the endpoint of gcr.io is not an http or https URL of a host, without path, query and user name"
    );
}
