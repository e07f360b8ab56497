//! The way out as kube takes it: each kubeconfig with its own authority, client certificate, proxy and server name.

use std::sync::Arc;

use http::Uri;
use http::header::{HOST, HeaderValue};
use kube::Config;
use kube::client::{ClientBuilder, ConfigExt};
use rustls::pki_types::ServerName;
use tower::util::option_layer;
use url::Url;

use super::error::unmade;
use crate::change::Read;
use crate::model::Problem;
use crate::net::{Http, Proxy, Roots, Verifier};

/// Makes kube's client. A login plugin is run here.
pub(super) fn client(mut config: Config, http: &Http, proxy: Option<Proxy>) -> Read<kube::Client> {
    let url =
        Url::parse(&config.cluster_url.to_string()).map_err(|error| Problem::outside(error.to_string()))?;
    config.root_cert_file = None;
    let roots = match config.root_cert.replace(Vec::new()) {
        Some(certificates) => Arc::new(given(certificates)),
        None => http.roots(),
    };
    let name = config.tls_server_name.take().map(|name| {
        ServerName::try_from(name).map_err(|error| Problem::outside(format!("`tls-server-name`: {error}")))
    });
    let name = name.transpose()?;
    // Without authorities of its own this reads no certificates: which are trusted is decided here.
    let mut tls = config.rustls_client_config().map_err(|error| unmade(&error))?;
    if !config.accept_invalid_certs {
        let verifier = Verifier::new(Arc::clone(&roots), name.clone());
        tls.dangerous().set_certificate_verifier(Arc::new(verifier));
    }
    let http = match alias(&mut config, name, proxy.is_none() && http.proxy_to(&url).is_none()) {
        Some(host) => http.naming(tls, roots, host)?,
        None => http.speaking(tls, roots, proxy)?,
    };
    let namespace = config.default_namespace.clone();
    Ok(ClientBuilder::new(http, namespace)
        .with_layer(&option_layer(config.auth_layer().map_err(|error| unmade(&error))?))
        .with_layer(&config.extra_headers_layer().map_err(|error| unmade(&error))?)
        .with_layer(&config.base_uri_layer())
        .build())
}

/// Puts the name that the server is to show in the place of its host, which is given back: so it is in the TLS greeting, by
/// which some servers are found. A proxy has to be told the host, and the greeting has it then.
fn alias(config: &mut Config, name: Option<ServerName<'static>>, direct: bool) -> Option<String> {
    let tls = config.cluster_url.scheme_str() == Some("https");
    let name = name.filter(|name| direct && tls && matches!(name, ServerName::DnsName(_)))?;
    let authority = config.cluster_url.authority()?.clone();
    let port = authority.port().map(|port| format!(":{port}")).unwrap_or_default();
    let mut parts = config.cluster_url.clone().into_parts();
    parts.authority = format!("{}{port}", name.to_str()).parse().ok();
    let host = HeaderValue::from_str(authority.as_str()).ok()?;
    config.cluster_url = Uri::from_parts(parts).ok()?;
    config.headers.push((HOST, host));
    Some(authority.host().trim_start_matches('[').trim_end_matches(']').to_owned())
}

fn given(certificates: Vec<Vec<u8>>) -> Roots {
    let hint =
        "write the authority of the server's certificate into the kubeconfig (certificate-authority-data)";
    Roots::given("the kubeconfig's `certificate-authority`", certificates, hint.to_owned())
}
