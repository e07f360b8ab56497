//! Through which proxy a request leaves: that of the environment, read as Go and curl read it, or a kubeconfig's own.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

use super::guard::{is_login_service, is_loopback};
use crate::env::Env;
use crate::model::Problem;

/// What a proxy may speak.
const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

/// A proxy, and what named it. The address may hold a password, so that neither form of text shows more than host and port.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    url: Url,
    name: String,
}

impl Proxy {
    /// Reads an address such as `http://proxy.example.com:3128`; without a scheme it is http.
    ///
    /// # Errors
    /// It is none, by the name of what holds it. The address itself is not repeated.
    pub(crate) fn read(name: &str, address: &str) -> Result<Self, Problem> {
        let refused = |what: &str| {
            Problem::input(format!("{name} {what}"))
                .hint(format!("{name}: an address such as http://proxy.example.com:3128"))
        };
        let address = address.trim();
        let with_scheme = match address.contains("://") {
            true => address.to_owned(),
            false => format!("http://{address}"),
        };
        let url = Url::parse(&with_scheme).map_err(|_| refused("is not the address of a proxy"))?;
        if !SCHEMES.contains(&url.scheme()) {
            return Err(refused(&format!("has the scheme `{}`, which no proxy has", url.scheme())));
        }
        let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        if !bare || !url.has_host() {
            return Err(refused("is not the address of a proxy"));
        }
        Ok(Self { url, name: name.to_owned() })
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Whether the proxy is this machine.
    pub(super) fn is_local(&self) -> bool {
        is_loopback(&self.url)
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let Self { url, name } = self;
        write!(f, "{}://{}{port} ({name})", url.scheme(), url.host_str().unwrap_or_default())
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Which proxy leads where.
#[derive(Debug, Default)]
pub(super) struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    except: Vec<Exception>,
    /// Whoever names a proxy for one server means it for this machine, too, which may be another at its end.
    always: bool,
}

impl Proxies {
    /// Those of `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in capitals first.
    ///
    /// # Errors
    /// An address that is none, by the variable's name.
    pub(super) fn of(env: &Env) -> Result<Self, Problem> {
        let named = |name: &str| {
            let names = [name.to_owned(), name.to_lowercase()];
            names.into_iter().find_map(|name| Some((env.filled(&name)?.to_owned(), name)))
        };
        let proxy = |name: &str| {
            let named = named(name).or_else(|| named("ALL_PROXY"));
            named.map(|(address, name)| Proxy::read(&name, &address)).transpose()
        };
        let except = named("NO_PROXY").map(|(list, _)| exceptions(&list)).unwrap_or_default();
        Ok(Self { http: proxy("HTTP_PROXY")?, https: proxy("HTTPS_PROXY")?, except, always: false })
    }

    /// This one for everything.
    pub(super) fn only(proxy: Proxy) -> Self {
        Self { http: Some(proxy.clone()), https: Some(proxy), except: Vec::new(), always: true }
    }

    /// The proxy on the way to a URL. To this machine and the login services of AWS there is none.
    pub(super) fn to(&self, url: &Url) -> Option<&Proxy> {
        let proxy = if url.scheme() == "https" { &self.https } else { &self.http };
        let direct = || is_loopback(url) || is_login_service(url) || self.excepts(url);
        proxy.as_ref().filter(|_| self.always || !direct())
    }

    fn excepts(&self, url: &Url) -> bool {
        let Some(host) = url.host() else { return false };
        let port = url.port_or_known_default();
        self.except.iter().any(|exception| exception.holds(&host, port))
    }
}

/// An entry of `NO_PROXY`, by the rules of golang.org/x/net/http/httpproxy; a dot in front means, as for curl, the name
/// itself, too.
#[derive(Debug, PartialEq)]
enum Exception {
    All,
    Network(IpNet, Option<u16>),
    /// A name, whether it counts itself and not only what is below it, and its port.
    Name(String, bool, Option<u16>),
}

fn exceptions(list: &str) -> Vec<Exception> {
    let entries = list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty());
    entries.filter_map(|entry| exception(&entry.to_lowercase())).collect()
}

fn exception(entry: &str) -> Option<Exception> {
    if entry == "*" {
        return Some(Exception::All);
    }
    if let Ok(network) = entry.parse() {
        return Some(Exception::Network(network, None));
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port.parse().ok()?)),
        _ => (entry, None),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(Exception::Network(address.into(), port));
    }
    let below = host.strip_prefix("*.");
    let name = below.unwrap_or(host).trim_matches('.');
    (!name.is_empty()).then(|| Exception::Name(name.to_owned(), below.is_none(), port))
}

impl Exception {
    fn holds(&self, host: &Host<&str>, port: Option<u16>) -> bool {
        let same = |wanted: &Option<u16>| wanted.is_none() || *wanted == port;
        match (self, host) {
            (Self::All, _) => true,
            (Self::Network(network, wanted), Host::Ipv4(address)) => {
                network.contains(&IpAddr::V4(*address)) && same(wanted)
            }
            (Self::Network(network, wanted), Host::Ipv6(address)) => {
                network.contains(&IpAddr::V6(*address)) && same(wanted)
            }
            (Self::Name(name, itself, wanted), Host::Domain(host)) => {
                let host = host.trim_end_matches('.');
                let below = host
                    .strip_suffix(name.as_str())
                    .map(|rest| rest.ends_with('.') || (*itself && rest.is_empty()));
                below.unwrap_or(false) && same(wanted)
            }
            (Self::Network(..), Host::Domain(_)) | (Self::Name(..), Host::Ipv4(_) | Host::Ipv6(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct(no_proxy: &str, url: &str) -> bool {
        let env =
            Env::from_iter([("HTTPS_PROXY", "p:3128"), ("HTTP_PROXY", "p:3128"), ("no_proxy", no_proxy)]);
        Proxies::of(&env).expect("good").to(&Url::parse(url).expect("a URL")).is_none()
    }

    #[test]
    fn no_proxy_means_what_it_means_to_go_and_curl() {
        for (list, inside, outside) in [
            ("example.com", "https://example.com/", "https://notexample.com/"),
            ("example.com", "https://a.b.example.com./", "https://example.com.evil.net/"),
            (".example.com", "https://example.com/", "https://aexample.com/"),
            ("*.example.com", "https://a.example.com/", "https://example.com/"),
            ("example.com:8443", "https://example.com:8443/", "https://example.com/"),
            ("example.com:443", "https://example.com/", "http://example.com/"),
            ("10.0.0.0/8", "http://10.20.30.40/", "http://11.0.0.1/"),
            ("10.0.0.1:80", "http://10.0.0.1/", "https://10.0.0.1/"),
            ("fd00::/8", "https://[fd12::1]/", "https://[2001::1]/"),
            ("[fd00::1]:443", "https://[fd00::1]/", "https://[fd00::1]:8443/"),
            ("fd00::1", "https://[fd00::1]/", "https://[fd00::2]/"),
            (" A.COM ,b.com,,", "https://B.com/", "https://c.com/"),
            ("a.com b.com", "https://b.com/", "https://c.com/"),
        ] {
            assert!(direct(list, inside), "{list}: {inside}");
            assert!(!direct(list, outside), "{list}: {outside}");
        }
        assert!(direct("*", "https://10.0.0.1/") && direct("*", "https://example.com/"));
    }

    #[test]
    fn this_machine_and_the_login_services_of_aws_are_reached_directly() {
        for url in [
            "http://localhost:1/",
            "http://127.0.0.2/",
            "https://[::1]/",
            "http://169.254.169.254/",
            "http://[fd00:ec2::23]/",
        ] {
            assert!(direct("", url), "{url}");
        }
        let own = Proxies::only(Proxy::read("`proxy-url`", "socks5://127.0.0.1:1080").expect("good"));
        assert!(own.to(&Url::parse("https://127.0.0.1:6443/").expect("a URL")).is_some());
    }

    #[test]
    fn the_first_variable_that_is_filled_counts() {
        let to = |pairs: &[(&str, &str)], url: &str| {
            let proxies = Proxies::of(&pairs.iter().copied().collect()).expect("good");
            proxies.to(&Url::parse(url).expect("a URL")).map(ToString::to_string)
        };
        let pairs = [("HTTPS_PROXY", ""), ("https_proxy", "lower:1"), ("ALL_PROXY", "http://u:p@all:2")];
        assert_eq!(to(&pairs, "https://a.test/").as_deref(), Some("http://lower:1 (https_proxy)"));
        assert_eq!(to(&pairs, "http://a.test/").as_deref(), Some("http://all:2 (ALL_PROXY)"));
        assert_eq!(to(&[("HTTP_PROXY", "p")], "https://a.test/"), None);
    }

    #[test]
    fn an_address_that_is_no_proxys_is_refused_by_name_and_not_repeated() {
        for address in
            ["not a url", "ftp://p", "http://p:99999", "http://user:s3cr3t@p/path", "http//p:1", "://"]
        {
            let env = Env::from_iter([("https_proxy", address)]);
            let problem = Proxies::of(&env).expect_err(address);
            assert!(problem.message.starts_with("https_proxy "), "{problem}");
            assert!(!format!("{problem:?}").contains("s3cr3t"));
        }
    }
}
