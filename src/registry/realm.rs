//! Which token services a registry may send a credential to.
//!
//! The realm is text that a registry sends before anybody has logged in. Following it anywhere would hand the credential to
//! whoever can make the registry, or a machine in between, say so.

use url::{Host, Url};

use crate::model::Registry;
use crate::net::{is_loopback, redacted};
use crate::redact;

/// Token services that are known for a registry, beside its own host.
const KNOWN: [(&str, &str); 2] = [("docker.io", "auth.docker.io"), ("registry.gitlab.com", "gitlab.com")];

/// Domains under which each host is somebody else's registry, so that a neighbour is not a part of its site.
const SHARED: [&str; 9] = [
    "amazonaws.com",
    "azurecr.io",
    "cgr.dev",
    "gcr.io",
    "ghcr.io",
    "jfrog.io",
    "ocir.io",
    "pkg.dev",
    "quay.io",
];

/// Why a credential is not sent to a token service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnsafeReason {
    /// The realm is not an absolute URL of the web.
    #[error("it is not an http or https URL")]
    NotAUrl,
    /// The realm has a user name or password in it.
    #[error("it has a user name or a password in it")]
    UserInfo,
    /// The realm is plain http.
    #[error("it is not https")]
    NotHttps,
    /// The realm is on another site than the registry, and not known to be its token service.
    #[error("it is not on the registry's site")]
    OtherSite,
}

/// The realm as a URL that the credential may be sent to, or the reason why not and the realm as it may be shown.
///
/// `base` is where the registry's API is reached. A realm is safe if it is https and on the registry's host, on the known
/// token service of the registry, or on the same site as the registry (the same registrable domain of the Public Suffix
/// List). A registry on this machine may also name its own origin without TLS.
///
/// `trusted` is the host that the configuration names for this registry's tokens.
pub(super) fn check(
    registry: &Registry,
    base: &Url,
    realm: &str,
    trusted: Option<&str>,
) -> Result<Url, (UnsafeReason, String)> {
    let Some(url) =
        Url::parse(realm).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
    else {
        return Err((UnsafeReason::NotAUrl, redact::outside(realm)));
    };
    let own_origin = is_loopback(base) && url.origin() == base.origin();
    let reason = if !url.username().is_empty() || url.password().is_some() {
        UnsafeReason::UserInfo
    } else if own_origin {
        return Ok(url);
    } else if url.scheme() != "https" {
        UnsafeReason::NotHttps
    } else if is_known(registry, &url) || same_site(base, &url) || is_trusted(&url, trusted) {
        return Ok(url);
    } else {
        UnsafeReason::OtherSite
    };
    Err((reason, redacted(&url)))
}

fn is_known(registry: &Registry, realm: &Url) -> bool {
    realm.port().is_none()
        && realm.host_str().is_some_and(|host| KNOWN.contains(&(registry.canonical(), host)))
}

fn is_trusted(realm: &Url, trusted: Option<&str>) -> bool {
    let host = realm.host_str().unwrap_or_default();
    let named = realm.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    trusted.is_some_and(|trusted| trusted.eq_ignore_ascii_case(&named))
}

fn same_site(base: &Url, realm: &Url) -> bool {
    if base.host() == realm.host() {
        // Another port of this machine may be another user's program.
        return !is_loopback(base);
    }
    let (Some(Host::Domain(own)), Some(Host::Domain(other))) = (base.host(), realm.host()) else {
        return false;
    };
    let shared = SHARED
        .iter()
        .any(|suffix| own.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
    !shared && psl::domain_str(own).is_some_and(|site| psl::domain_str(other) == Some(site))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(registry: &str, realm: &str) -> Result<(), UnsafeReason> {
        let registry = Registry::parse(registry).expect(registry);
        let scheme =
            if registry.canonical().starts_with("localhost") || registry.canonical().starts_with("127.") {
                "http"
            } else {
                "https"
            };
        let base = Url::parse(&format!("{scheme}://{}/", registry.api_host())).expect("a URL");
        check(&registry, &base, realm, None).map(drop).map_err(|(reason, _)| reason)
    }

    #[test]
    fn the_token_services_of_the_known_registries_are_safe() {
        for (registry, realm) in [
            ("docker.io", "https://auth.docker.io/token"),
            ("ghcr.io", "https://ghcr.io/token"),
            ("registry.gitlab.com", "https://gitlab.com/jwt/auth"),
            ("quay.io", "https://quay.io/v2/auth"),
            ("acme.azurecr.io", "https://acme.azurecr.io/oauth2/token"),
            ("us-central1-docker.pkg.dev", "https://us-central1-docker.pkg.dev/v2/token"),
            ("gcr.io", "https://gcr.io/v2/token"),
            ("cgr.dev", "https://cgr.dev/token"),
        ] {
            assert_eq!(checked(registry, realm), Ok(()), "{registry}");
        }
    }

    #[test]
    fn a_token_service_on_the_registrys_own_site_is_safe() {
        for (registry, realm) in [
            ("registry.acme.com", "https://gitlab.acme.com/jwt/auth"),
            ("registry.acme.com:5000", "https://registry.acme.com:5001/token"),
            ("registry.acme.co.uk", "https://auth.acme.co.uk/token"),
            ("10.1.2.3:5000", "https://10.1.2.3/token"),
        ] {
            assert_eq!(checked(registry, realm), Ok(()), "{registry}");
        }
    }

    #[test]
    fn another_site_is_not() {
        for (registry, realm) in [
            ("docker.io", "https://auth.docker.io.example.com/token"),
            ("docker.io", "https://gitlab.com/jwt/auth"),
            ("ghcr.io", "https://evil.ghcr.io/token"),
            ("acme.azurecr.io", "https://evil.azurecr.io/oauth2/token"),
            ("acme.co.uk", "https://evil.co.uk/token"),
            ("acme.github.io", "https://evil.github.io/token"),
            ("registry.acme.com", "https://acme.com.evil.org/token"),
            ("10.1.2.3", "https://10.1.2.4/token"),
            ("10.1.2.3", "https://3.10.1.2.3.example/token"),
            ("docker.io", "https://127.0.0.1/token"),
        ] {
            assert_eq!(checked(registry, realm), Err(UnsafeReason::OtherSite), "{realm}");
        }
    }

    #[test]
    fn a_host_that_the_configuration_names_may_issue_tokens_by_https() {
        let registry = Registry::parse("rg.fr-par.scw.cloud").expect("a registry");
        let base = Url::parse("https://rg.fr-par.scw.cloud/").expect("a URL");
        let check =
            |realm: &str, trusted| check(&registry, &base, realm, trusted).map_err(|(reason, _)| reason);
        let realm = "https://api.scaleway.com/registry-internal/v1/regions/fr-par/tokens";
        assert_eq!(check(realm, None).map(drop), Err(UnsafeReason::OtherSite));
        assert!(check(realm, Some("api.scaleway.com")).is_ok());
        assert_eq!(
            check("https://api.scaleway.com:444/", Some("api.scaleway.com")).map(drop),
            Err(UnsafeReason::OtherSite)
        );
        assert_eq!(
            check("http://api.scaleway.com/", Some("api.scaleway.com")).map(drop),
            Err(UnsafeReason::NotHttps)
        );
    }

    #[test]
    fn only_https_is_safe_and_no_address_with_a_password_in_it() {
        assert_eq!(checked("docker.io", "http://auth.docker.io/token"), Err(UnsafeReason::NotHttps));
        assert_eq!(checked("docker.io", "http://127.0.0.1:5000/token"), Err(UnsafeReason::NotHttps));
        assert_eq!(checked("docker.io", "https://me:pw@auth.docker.io/token"), Err(UnsafeReason::UserInfo));
        for realm in ["", "/token", "auth.docker.io/token", "ftp://auth.docker.io/", "file:///token"] {
            assert_eq!(checked("docker.io", realm), Err(UnsafeReason::NotAUrl), "{realm}");
        }
    }

    #[test]
    fn a_registry_on_this_machine_may_name_its_own_origin_and_no_other_port() {
        assert_eq!(checked("localhost:5000", "http://localhost:5000/token"), Ok(()));
        assert_eq!(checked("127.0.0.1:5000", "http://127.0.0.1:5000/token"), Ok(()));
        assert_eq!(checked("127.0.0.1:5000", "http://127.0.0.1:6000/token"), Err(UnsafeReason::NotHttps));
        assert_eq!(checked("127.0.0.1:5000", "https://127.0.0.1:6000/token"), Err(UnsafeReason::OtherSite));
        assert_eq!(checked("127.0.0.1:5000", "http://localhost:5000/token"), Err(UnsafeReason::NotHttps));
    }
}
