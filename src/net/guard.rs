//! What may leave: the one judgement of an address, asked where every request leaves and, for a better message, where an
//! address is read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use url::{Host, Url};

use super::Proxy;
use crate::model::Problem;

/// The services that give AWS logins to a machine, a container and a pod (IMDS, ECS, EKS Pod Identity). They are of the
/// machine's own network and speak plain http only.
const LOGIN_SERVICES: [IpAddr; 5] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
];

/// Whether a URL's host is this machine: an address of the loopback network, `localhost` or a name under it (RFC 6761).
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(host) => address(&host).is_some_and(|address| address.is_loopback()),
        None => false,
    }
}

/// Whether a URL is one of the SDK's own login services.
pub(super) fn is_login_service(url: &Url) -> bool {
    let address = url.host().and_then(|host| address(&host));
    url.scheme() == "http" && address.is_some_and(|address| LOGIN_SERVICES.contains(&address))
}

/// Whether a request only asks a login service for a login: it carries neither a body nor a signature of regcred's.
pub(super) fn is_login(url: &Url, headers: &HeaderMap, body: &[u8]) -> bool {
    let signed = headers.get(AUTHORIZATION).is_some_and(|value| value.as_bytes().starts_with(b"AWS4-"));
    is_login_service(url) && body.is_empty() && !signed
}

fn address(host: &Host<&str>) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(*address)),
        Host::Ipv6(address) => Some(IpAddr::V6(*address)),
    }
}

/// Judges an address: https, or plain http to this machine, or to any where the target is declared `insecure`.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check(url: &Url, insecure: bool) -> Result<(), Problem> {
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        "https" => Ok(()),
        "http" if insecure || is_loopback(url) => Ok(()),
        "http" => Err(Problem::input(format!(
            "plain http to {host}, which is not this machine, would show the credential to the network"
        ))
        .hint("use https, or say `insecure: true` at the target in regcred.yaml")),
        other => Err(Problem::input(format!("has the scheme `{other}`, not https"))),
    }
}

/// The same where a request leaves, where the proxy on its way is known: it would read what is not encrypted.
pub(super) fn leave(url: &Url, insecure: bool, proxy: Option<&Proxy>) -> Result<(), Problem> {
    check(url, insecure)?;
    match proxy {
        Some(proxy) if url.scheme() == "http" && !(proxy.is_local() && is_loopback(url)) => {
            let host = url.host_str().unwrap_or_default();
            Err(Problem::input(format!(
                "plain http to {host} would show the credential to the proxy {proxy}"
            ))
            .hint(format!("use https, or add {host} to NO_PROXY")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    #[test]
    fn plain_http_goes_to_this_machine_and_to_what_is_declared_insecure() {
        for (text, insecure, ok) in [
            ("https://vm.example/", false, true),
            ("http://localhost:4566/", false, true),
            ("http://[::1]/", false, true),
            ("http://vm.example:4566/", false, false),
            ("http://vm.example:4566/", true, true),
            ("http://169.254.169.254/", false, false),
            ("ftp://vm.example/", true, false),
        ] {
            assert_eq!(check(&url(text), insecure).is_ok(), ok, "{text}");
        }
    }

    #[test]
    fn a_proxy_sees_no_secret_that_is_not_encrypted() {
        let far = Proxy::read("HTTP_PROXY", "http://proxy.example:3128").expect("good");
        let near = Proxy::read("`proxy-url`", "127.0.0.1:3128").expect("good");
        let problem = leave(&url("http://vm.example/"), true, Some(&far)).expect_err("it would be seen");
        assert_eq!(
            problem.message,
            "plain http to vm.example would show the credential to the proxy http://proxy.example:3128 (HTTP_PROXY)"
        );
        assert_eq!(problem.hints, ["use https, or add vm.example to NO_PROXY"]);
        assert!(leave(&url("http://vm.example/"), true, Some(&near)).is_err());
        assert!(leave(&url("http://127.0.0.1/"), false, Some(&near)).is_ok());
        assert!(leave(&url("https://vm.example/"), false, Some(&far)).is_ok());
        assert!(leave(&url("http://vm.example/"), true, None).is_ok());
    }

    #[test]
    fn the_login_services_of_the_sdk_are_known_by_address() {
        for text in [
            "http://169.254.169.254/latest/api/token",
            "http://169.254.170.2/v2/credentials",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::254]/",
            "http://[fd00:ec2::23]/",
        ] {
            assert!(is_login_service(&url(text)), "{text}");
        }
        let signed = HeaderMap::from_iter([(AUTHORIZATION, "AWS4-HMAC-SHA256 x".parse().expect("a header"))]);
        let service = url("http://169.254.169.254/");
        assert!(is_login(&service, &HeaderMap::new(), b""));
        assert!(!is_login(&service, &HeaderMap::new(), b"{}") && !is_login(&service, &signed, b""));
        for text in ["https://169.254.169.254/", "http://169.254.169.253/", "http://imds.example/"] {
            assert!(!is_login_service(&url(text)), "{text}");
        }
    }
}
