//! The way out as kube takes it: each kubeconfig with its own authority, client certificate, proxy and server name.

use std::sync::Arc;

use kube::Config;
use kube::client::{AuthError, ClientBuilder, ConfigExt};
use rustls::pki_types::ServerName;
use tower::util::option_layer;

use crate::model::Problem;
use crate::net::{Http, Proxy, Roots, Verifier};

/// Why there is no client.
pub(super) enum Unmade {
    /// The login of the kubeconfig cannot be used.
    Login(AuthError),
    /// Anything else, in words.
    Other(String),
}

impl From<kube::Error> for Unmade {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Auth(error) => Self::Login(error),
            error => Self::Other(error.to_string()),
        }
    }
}

impl From<Problem> for Unmade {
    fn from(problem: Problem) -> Self {
        Self::Other(problem.message)
    }
}

/// Makes kube's client. A login plugin is run here.
pub(super) fn client(mut config: Config, http: &Http, proxy: Option<Proxy>) -> Result<kube::Client, Unmade> {
    let roots = match config.root_cert.replace(Vec::new()) {
        Some(certificates) => Arc::new(given(certificates)),
        None => http.roots(),
    };
    let name = match config.tls_server_name.take() {
        Some(name) => Some(ServerName::try_from(name).map_err(|error| Unmade::Other(error.to_string()))?),
        None => None,
    };
    // Without authorities of its own this reads no certificates: which are trusted is decided here.
    let mut tls = config.rustls_client_config()?;
    if !config.accept_invalid_certs {
        let verifier = Verifier::new(Arc::clone(&roots), name);
        tls.dangerous().set_certificate_verifier(Arc::new(verifier));
    }
    let http = http.speaking(tls, roots, proxy)?;
    let namespace = config.default_namespace.clone();
    Ok(ClientBuilder::new(http, namespace)
        .with_layer(&option_layer(config.auth_layer()?))
        .with_layer(&config.extra_headers_layer()?)
        .with_layer(&config.base_uri_layer())
        .build())
}

fn given(certificates: Vec<Vec<u8>>) -> Roots {
    let hint =
        "write the authority of the server's certificate into the kubeconfig (certificate-authority-data)";
    Roots::given("the kubeconfig's `certificate-authority`", certificates, hint.to_owned())
}
