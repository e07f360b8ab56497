//! A proxy as the only way out, certificates of one's own, and what is refused on the way.

use std::io::Read;
use std::net::TcpListener;

use base64::Engine as _;
use regcred_sandbox::kubernetes::Cluster;
use regcred_sandbox::{Authority, Door, Proxy, TlsServer, World};

use crate::kubernetes::of_world;
use crate::place::{ONE_STACK, Place, Ran};

/// The variables that name the sandbox's own addresses.
const ADDRESSES: [&str; 5] =
    ["AWS_ENDPOINT_URL", "DAYTONA_API_URL", "GITHUB_API_URL", "REGCRED_REGISTRY_ENDPOINTS", "RUNPOD_API_URL"];

/// One credential and these places.
fn file(places: &str) -> String {
    format!("version: 1\ncredentials:\n  docker-hub:\n    to:\n{places}")
}

/// A place in which every system is under its real name, behind a proxy.
fn office(places: &str, world: World) -> (Place, Proxy) {
    let mut place = of_world(&file(places), world);
    let proxy = place.sandbox.proxy().unwrap();
    ADDRESSES.iter().for_each(|name| place.unset(name));
    let authority = place.repo().join("office.pem");
    std::fs::write(&authority, proxy.authority()).unwrap();
    place.set("SSL_CERT_FILE", &authority.display().to_string());
    place.set("HTTPS_PROXY", &format!("http://{}", proxy.address()));
    (place, proxy)
}

/// A sync through the proxy alone: all is done, and it was asked for these hosts.
#[track_caller]
fn done(places: &str, world: World, hosts: &[&str]) {
    let (place, proxy) = office(places, world);
    place.run(&["sync", "--yes"]).ends(0);
    assert_eq!(place.sandbox.violations(), [""; 0]);
    let asked = proxy.asked();
    for host in hosts {
        assert!(asked.contains(&format!("CONNECT {host}:443")), "{host}: {asked:?}");
    }
}

#[test]
fn the_registry_is_reached_through_a_proxy() {
    done("      daytona: { name: docker-hub }\n", World::default(), &["registry-1.docker.io"]);
}

#[test]
fn aws_is_reached_through_a_proxy() {
    let hosts = [
        "sts.us-east-2.amazonaws.com",
        "secretsmanager.us-east-2.amazonaws.com",
        "api.ecr.us-east-2.amazonaws.com",
    ];
    done("      aws: { stacks: { main: { region: us-east-2 } } }\n", World::default(), &hosts);
}

#[test]
fn github_is_reached_through_a_proxy() {
    done("      github: [{ repository: acme/api }]\n", World::default(), &["api.github.com"]);
}

#[test]
fn daytona_is_reached_through_a_proxy() {
    done("      daytona: { name: docker-hub }\n", World::default(), &["app.daytona.io"]);
}

#[test]
fn runpod_is_reached_through_a_proxy() {
    let mut world = World::default();
    world.runpod.add_template("web", "acme/web:1");
    done("      runpod: { name: docker-hub-acme, templates: all }\n", world, &["api.runpod.io"]);
}

#[test]
fn a_token_service_on_another_site_issues_tokens_exactly_where_the_file_names_it() {
    let named = |line: &str| {
        let (place, proxy) = office("      daytona: { name: docker-hub }\n", World::default());
        place.sandbox.state().registry.token_host = Some("tokens.example.com".to_owned());
        place.edit("regcred.yaml", "    to:", &format!("{line}    to:"));
        (place, proxy)
    };
    let asked = |proxy: &Proxy| proxy.asked().contains(&"CONNECT tokens.example.com:443".to_owned());
    let (place, proxy) = named("    token-service: tokens.example.com\n");
    place.run(&["sync", "--yes"]).ends(0);
    assert!(asked(&proxy), "{:?}", proxy.asked());
    for line in ["", "    token-service: example.com\n", "    token-service: tokens.example.com:8443\n"] {
        let (place, proxy) = named(line);
        let (ran, calls) = place.watch(&["sync", "--yes"]);
        assert_eq!(ran.code, 1, "{line}: {}", said(&ran));
        for words in ["it is not on the registry's site", "token-service: tokens.example.com"] {
            assert!(said(&ran).contains(words), "{line}: {words}: {}", said(&ran));
        }
        assert!(!asked(&proxy), "{line}: it was sent there");
        assert!(regcred_sandbox::writes(&calls).is_empty(), "{line}");
    }
}

const CLUSTER: &str = "      kubernetes: [{ context: prod, namespaces: [default] }]\n";

/// A world with a cluster.
fn with_cluster() -> World {
    let mut world = World::default();
    let _: &mut Cluster = world.kubernetes.cluster_mut("prod");
    world
}

/// Writes the kubeconfig of a cluster under a name of its own, with these further keys.
fn name_cluster(place: &Place, more: &serde_json::Value) {
    let mut config = place.sandbox.state().kubernetes.kubeconfig("https://prod.cluster.example");
    for cluster in config["clusters"].as_array_mut().unwrap() {
        let cluster = cluster["cluster"].as_object_mut().unwrap();
        cluster.extend(more.as_object().unwrap().clone());
    }
    std::fs::write(place.repo().join("kubeconfig"), config.to_string()).unwrap();
}

#[test]
fn a_cluster_is_reached_through_a_proxy() {
    let (place, proxy) = office(CLUSTER, with_cluster());
    name_cluster(&place, &serde_json::json!({}));
    place.run(&["sync", "--yes"]).ends(0);
    assert!(proxy.asked().contains(&"CONNECT prod.cluster.example:443".to_owned()));
}

#[test]
fn the_proxy_of_a_kubeconfig_leads_to_its_cluster_alone() {
    let (mut place, proxy) = office(CLUSTER, with_cluster());
    let own = place.sandbox.proxy().unwrap();
    let authority = place.repo().join("own.pem");
    std::fs::write(&authority, own.authority()).unwrap();
    let more = serde_json::json!({
        "proxy-url": format!("http://{}", own.address()),
        "certificate-authority": authority,
    });
    name_cluster(&place, &more);
    place.set("NO_PROXY", "cluster.example");
    place.run(&["sync", "--yes"]).ends(0);
    let only = |asked: Vec<String>, host: &str| {
        asked.iter().all(|line| line.starts_with(&format!("CONNECT {host}")))
    };
    assert!(!own.asked().is_empty() && only(own.asked(), "prod.cluster.example"), "{:?}", own.asked());
    assert!(!proxy.asked().is_empty() && only(proxy.asked(), "registry-1.docker.io"), "{:?}", proxy.asked());

    name_cluster(&place, &serde_json::json!({ "proxy-url": "not a url" }));
    place.run(&["plan"]).says("`proxy-url` of the cluster of prod is not the address of a proxy");
}

#[test]
fn a_cluster_that_is_its_own_authority_is_trusted_where_the_kubeconfig_has_its_certificate() {
    let authority = Authority::of_server("localhost").unwrap();
    let place = of_world(&file(CLUSTER), with_cluster());
    let door = place.sandbox.url(Door::Kubernetes);
    let address = door.trim_start_matches("http://").parse().unwrap();
    let server = TlsServer::before(authority.itself().unwrap(), address).unwrap();
    let pem = place.repo().join("cluster.pem");
    std::fs::write(&pem, server.pem()).unwrap();
    let url = format!("https://localhost:{}", server.address().port());
    let with = |key: &str, value: &str| {
        let mut config = place.sandbox.state().kubernetes.kubeconfig(&url);
        config["clusters"][0]["cluster"][key] = value.into();
        std::fs::write(place.repo().join("kubeconfig"), config.to_string()).unwrap();
    };
    let data = |pem: &str| base64::engine::general_purpose::STANDARD.encode(pem);
    with("certificate-authority", &pem.display().to_string());
    place.run(&["sync", "--yes"]).ends(0);
    with("certificate-authority-data", &data(&server.pem()));
    place.run(&["verify"]).ends(0);

    let other = Authority::of_server("localhost").unwrap();
    with("certificate-authority-data", &data(&other.pem()));
    let ran = place.run(&["plan"]);
    let words = "its certificate is an authority's own, and not in the kubeconfig's `certificate-authority`";
    assert!(ran.code == 1 && said(&ran).contains(words), "{}: {}", ran.code, said(&ran));
    with("tls-server-name", "other.example");
    assert_ne!(place.run(&["plan"]).code, 0);
}

#[test]
fn a_proxy_whose_address_is_none_is_refused_by_name() {
    let mut place = Place::with_one_stack(World::default());
    for address in ["not a url", "ftp://proxy.example", "http://user:hunter2@proxy.example:99999"] {
        place.set("https_proxy", address);
        let (ran, calls) = place.watch(&["plan"]);
        ran.ends(3).complains("https_proxy");
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("hunter2"));
        assert!(calls.is_empty());
    }
}

#[test]
fn a_certificate_that_is_not_trusted_is_told_in_words_with_the_way_out() {
    let (mut place, _proxy) = office("      github: [{ repository: acme/api }]\n", World::default());
    place.unset("SSL_CERT_FILE");
    let ran = place.run(&["plan"]);
    for text in [
        "its certificate is not trusted: its authority is not in the system's certificates",
        "export SSL_CERT_FILE=FILE",
    ] {
        assert!(said(&ran).contains(text), "{text}: {}", said(&ran));
    }
    place.set("SSL_CERT_FILE", "/nowhere/office.pem");
    let ran = place.run(&["plan"]);
    assert!(said(&ran).contains("no certificate could be read from SSL_CERT_FILE"), "{}", said(&ran));
}

/// Everything that was said, in one line.
fn said(ran: &Ran) -> String {
    format!("{} {}", ran.stdout, ran.stderr).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn aws_trusts_its_own_bundle_instead_of_the_others() {
    let places = "      aws: { stacks: { main: { region: us-east-2 } } }\n";
    let (mut place, proxy) = office(places, World::default());
    let other = place.sandbox.proxy().unwrap();
    let wrong = place.repo().join("wrong.pem");
    std::fs::write(&wrong, other.authority()).unwrap();
    let right = place.repo().join("office.pem").display().to_string();

    place.set("AWS_CA_BUNDLE", &wrong.display().to_string());
    let ran = place.run(&["plan"]);
    let words = "its certificate is not trusted: its authority is not in AWS_CA_BUNDLE";
    assert!(said(&ran).contains(words), "{}", said(&ran));

    let config = place.repo().join("aws-config");
    std::fs::write(&config, format!("[default]\nca_bundle = {}\n", wrong.display())).unwrap();
    place.set("AWS_CONFIG_FILE", &config.display().to_string());
    place.unset("AWS_CA_BUNDLE");
    let ran = place.run(&["plan"]);
    assert!(
        said(&ran).contains("its authority is not in `ca_bundle` of the profile default"),
        "{}",
        said(&ran)
    );

    place.set("AWS_CA_BUNDLE", &right);
    place.run(&["sync", "--yes"]).ends(0);
    drop(proxy);
}

#[test]
fn plain_http_to_another_machine_is_refused_whatever_way_its_address_came_in() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let mut ways: Vec<(&str, Place)> = Vec::new();
    for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "GITHUB_API_URL"] {
        let mut place = Place::with_one_stack(World::default());
        place.set(name, "http://vm.example:4566");
        ways.push((name, place));
    }
    for (name, places) in [
        ("DAYTONA_API_URL", "      daytona: { name: docker-hub }\n"),
        ("RUNPOD_API_URL", "      runpod: { name: docker-hub-acme, templates: all }\n"),
    ] {
        let mut place = Place::bare(World::default());
        place.write("regcred.yaml", &file(places));
        place.set(name, "http://vm.example:4566");
        ways.push((name, place));
    }
    let mut mirror = Place::with_one_stack(World::default());
    mirror.set("REGCRED_REGISTRY_ENDPOINTS", "docker.io=http://vm.example:4566");
    ways.push(("REGCRED_REGISTRY_ENDPOINTS", mirror));
    for (name, text) in [
        ("endpoint_url", "[default]\nendpoint_url = http://vm.example:4566\n"),
        (
            "services",
            "[default]\nservices = here\n[services here]\nsts =\n  endpoint_url = http://vm.example:4566\nsecrets_manager =\n  endpoint_url = http://vm.example:4566\necr =\n  endpoint_url = http://vm.example:4566\n",
        ),
    ] {
        let mut place = Place::with_one_stack(World::default());
        place.unset("AWS_ENDPOINT_URL");
        let config = place.repo().join("aws-config");
        std::fs::write(&config, text).unwrap();
        place.set("AWS_CONFIG_FILE", &config.display().to_string());
        ways.push((name, place));
    }
    let cluster = of_world(&file(CLUSTER), with_cluster());
    let config = cluster.sandbox.state().kubernetes.kubeconfig("http://vm.example:4566");
    std::fs::write(cluster.repo().join("kubeconfig"), config.to_string()).unwrap();
    ways.push(("kubeconfig", cluster));

    for (name, place) in &mut ways {
        // Whoever would send it has to ask the proxy, since the name resolves nowhere.
        place.set("HTTP_PROXY", &proxy);
        place.set("HTTPS_PROXY", &proxy);
        let ran = place.run(&["sync", "--yes"]);
        assert!(!matches!(ran.code, 0 | 101 | 134), "{name}: {}", said(&ran));
        let refused =
            ["would show the credential to the network", "the credential would be shown", "is plain http"];
        assert!(refused.iter().any(|words| said(&ran).contains(words)), "{name}: {}", said(&ran));
        let sent = listener.accept().map(|(mut stream, _)| {
            let mut head = [0; 200];
            let length = stream.read(&mut head).unwrap_or_default();
            String::from_utf8_lossy(&head[..length]).into_owned()
        });
        assert!(sent.is_err(), "{name}: something was sent: {sent:?}\n{}", said(&ran));
    }
}

#[test]
fn a_target_that_is_insecure_is_not_spoken_to_through_a_proxy() {
    let text = ONE_STACK.replace("aws: {", "aws: { insecure: true,");
    assert_ne!(text, ONE_STACK);
    let mut place = Place::with_one_stack(World::default());
    place.write("regcred.yaml", &text);
    place.set("AWS_ENDPOINT_URL", "http://vm.example:4566");
    place.set("HTTP_PROXY", "http://proxy.example:3128");
    let ran = place.run(&["plan"]);
    for words in [
        "plain http to vm.example would show the credential to the proxy http://proxy.example:3128 (HTTP_PROXY)",
        "add vm.example to NO_PROXY",
    ] {
        assert!(said(&ran).contains(words), "{words}: {}", said(&ran));
    }
    place.set("NO_PROXY", "vm.example");
    let ran = place.run(&["plan"]);
    assert!(said(&ran).contains("no connection could be made: "), "{}", said(&ran));
}

#[test]
fn this_machine_is_never_asked_through_a_proxy() {
    let mut place = Place::with_one_stack(World::default());
    place.set("HTTP_PROXY", "http://proxy.example:3128");
    place.set("ALL_PROXY", "http://proxy.example:3128");
    place.sync();
}

#[test]
fn a_login_that_no_header_can_carry_is_told_by_name() {
    for (variable, places, words) in [
        (
            "GITHUB_TOKEN",
            "      github: [{ repository: acme/api }]\n",
            "the token of GITHUB_TOKEN has a line break in it",
        ),
        (
            "DAYTONA_API_KEY",
            "      daytona: { name: docker-hub }\n",
            "the key of DAYTONA_API_KEY has a line break in it",
        ),
        (
            "RUNPOD_API_KEY",
            "      runpod: { name: docker-hub-acme, templates: all }\n",
            "the key of RUNPOD_API_KEY has a line break in it",
        ),
        (
            "AWS_ACCESS_KEY_ID",
            "      aws: { stacks: { main: { region: us-east-2 } } }\n",
            "AWS_ACCESS_KEY_ID, or the login's own) has a line break in it",
        ),
        (
            "AWS_SESSION_TOKEN",
            "      aws: { stacks: { main: { region: us-east-2 } } }\n",
            "AWS_SESSION_TOKEN, or the login's own) has a line break in it",
        ),
    ] {
        let mut place = Place::bare(World::default());
        place.write("regcred.yaml", &file(places));
        place.set(variable, "canary-one\ncanary-two");
        let ran = place.run(&["plan"]);
        assert!(!matches!(ran.code, 0 | 101 | 134), "{variable}: {}", said(&ran));
        assert!(said(&ran).contains(words), "{variable}: {}", said(&ran));
        assert!(!said(&ran).contains("canary"), "{variable}: {}", said(&ran));
    }
    let place = of_world(&file(CLUSTER), with_cluster());
    let path = place.repo().join("kubeconfig");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
    config["users"][0]["user"] = serde_json::json!({ "token": "canary\n" });
    std::fs::write(&path, config.to_string()).unwrap();
    let ran = place.run(&["plan"]);
    assert!(said(&ran).contains("the token of context prod has a line break in it"), "{}", said(&ran));
}
