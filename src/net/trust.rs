//! Which authorities vouch for a server: the system's, or those that a variable, a profile or a kubeconfig names, each in
//! the system's stead. They are read once, when the first server shows a certificate.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};

use super::p521;
use crate::env::Env;
use crate::files;

/// Where authorities come from.
#[derive(Debug)]
enum Origin {
    System,
    /// Files and folders of certificates (PEM).
    Paths {
        files: Vec<PathBuf>,
        folders: Vec<PathBuf>,
    },
    Given(Vec<CertificateDer<'static>>),
}

/// The authorities that vouch for a server.
#[derive(Debug)]
pub(crate) struct Roots {
    origin: Origin,
    /// What names them, for people.
    name: String,
    /// What to do about a server that they do not vouch for.
    hint: String,
    trusted: OnceLock<Result<Trusted, String>>,
}

#[derive(Debug)]
struct Trusted {
    judge: Arc<WebPkiServerVerifier>,
    certificates: Vec<CertificateDer<'static>>,
}

impl Roots {
    /// Those of `SSL_CERT_FILE` and `SSL_CERT_DIR`, else the system's.
    pub(super) fn of(env: &Env) -> Self {
        let paths = |name: &str| -> Vec<PathBuf> {
            env.filled(name).map(|list| std::env::split_paths(list).collect()).unwrap_or_default()
        };
        let file = env.filled("SSL_CERT_FILE").map(PathBuf::from);
        let folders = paths("SSL_CERT_DIR");
        let name = match (&file, folders.is_empty()) {
            (None, true) => {
                let hint = "export SSL_CERT_FILE=FILE, with its authority's certificate in it (PEM)";
                return Self::new(Origin::System, "the system's certificates", hint.to_owned());
            }
            (Some(_), true) => "SSL_CERT_FILE",
            (None, false) => "SSL_CERT_DIR",
            (Some(_), false) => "SSL_CERT_FILE and SSL_CERT_DIR",
        };
        let hint =
            format!("add its authority's certificate (PEM) to {name}, which is used instead of the system's");
        Self::new(Origin::Paths { files: file.into_iter().collect(), folders }, name, hint)
    }

    /// Those of one file (PEM), which `name` names.
    pub(crate) fn of_file(name: &str, file: PathBuf) -> Self {
        let hint = format!(
            "add its authority's certificate (PEM) to the file of {name}, which is used instead of the system's"
        );
        Self::new(Origin::Paths { files: vec![file], folders: Vec::new() }, name, hint)
    }

    /// These (DER), which `name` names.
    pub(crate) fn given(name: &str, certificates: Vec<Vec<u8>>, hint: String) -> Self {
        let certificates = certificates.into_iter().map(CertificateDer::from).collect();
        Self::new(Origin::Given(certificates), name, hint)
    }

    fn new(origin: Origin, name: &str, hint: String) -> Self {
        Self { origin, name: name.to_owned(), hint, trusted: OnceLock::new() }
    }

    fn trusted(&self) -> Result<&Trusted, Error> {
        let trusted = self.trusted.get_or_init(|| self.load());
        trusted.as_ref().map_err(|words| Error::General(words.clone()))
    }

    fn load(&self) -> Result<Trusted, String> {
        let CertificateResult { certs, errors, .. } = match &self.origin {
            Origin::System => load_native_certs(),
            Origin::Paths { files, folders } => {
                for file in files {
                    // A pipe would be waited for, at every server.
                    let fault = files::check(file).err();
                    if let Some(fault) = fault.filter(|fault| fault.kind() == ErrorKind::InvalidInput) {
                        return Err(format!("no certificate could be read from {}: {fault}", self.name));
                    }
                }
                from_paths(files, folders)
            }
            Origin::Given(certificates) => {
                let mut given = CertificateResult::default();
                given.certs.clone_from(certificates);
                given
            }
        };
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(certs.iter().cloned());
        let name = &self.name;
        let judge = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider()).build();
        let judge = judge.map_err(|_| match errors.first() {
            Some(error) => format!("no certificate could be read from {name}: {error}"),
            None => format!("there is no certificate in {name}"),
        })?;
        Ok(Trusted { judge, certificates: certs })
    }

    /// What is wrong with a server's certificate, in words, and what to do about it.
    pub(super) fn refusal(&self, error: &Error) -> Option<(String, Option<String>)> {
        let why = match error {
            Error::General(words) => return Some((words.clone(), None)),
            Error::InvalidCertificate(why) => why,
            _ => return None,
        };
        let words = match why {
            // The other is an authority of the same name with another key.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                let words = format!("its certificate is not trusted: its authority is not in {}", self.name);
                return Some((words, Some(self.hint.clone())));
            }
            CertificateError::Other(_) if is_authority(why) => {
                let words = format!("its certificate is an authority's own, and not in {}", self.name);
                return Some((words, Some(self.hint.clone())));
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired (or the clock of this machine is wrong)"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet (or the clock of this machine is wrong)"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another name"
            }
            CertificateError::Revoked => "its certificate is revoked",
            other => return Some((format!("its certificate cannot be used: {other}"), None)),
        };
        Some((words.to_owned(), None))
    }
}

fn from_paths(files: &[PathBuf], folders: &[PathBuf]) -> CertificateResult {
    let mut all = CertificateResult::default();
    let files = files.iter().map(|file| load_certs_from_paths(Some(file), None));
    for mut read in files.chain(folders.iter().map(|folder| load_certs_from_paths(None, Some(folder)))) {
        all.certs.append(&mut read.certs);
        all.errors.append(&mut read.errors);
    }
    all
}

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
        let ring = rustls::crypto::ring::default_provider();
        let algorithms = p521::beside(ring.signature_verification_algorithms);
        Arc::new(CryptoProvider { signature_verification_algorithms: algorithms, ..ring })
    });
    Arc::clone(&PROVIDER)
}

/// webpki takes no authority's certificate for a server's, whoever trusts it.
fn is_authority(error: &CertificateError) -> bool {
    let CertificateError::Other(other) = error else { return false };
    other.0.downcast_ref::<webpki::Error>() == Some(&webpki::Error::CaUsedAsEndEntity)
}

/// Judges servers' certificates by [`Roots`]. A certificate that is byte for byte one of them is trusted as such, as it is
/// by Go and OpenSSL: a self-signed one of `openssl req -x509`, or one that is pinned.
#[derive(Debug)]
pub(crate) struct Verifier {
    roots: Arc<Roots>,
    /// The name that the certificate has to have, if not the server's.
    name: Option<ServerName<'static>>,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    pub(crate) fn new(roots: Arc<Roots>, name: Option<ServerName<'static>>) -> Self {
        Self { roots, name, provider: provider() }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let name = self.name.as_ref().unwrap_or(server_name);
        let Trusted { judge, certificates } = self.roots.trusted()?;
        let verdict = judge.verify_server_cert(end_entity, intermediates, name, ocsp_response, now);
        match verdict {
            Err(Error::InvalidCertificate(why))
                if (is_authority(&why) || why == CertificateError::UnknownIssuer)
                    && certificates.contains(end_entity) =>
            {
                rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// TLS with these authorities and no certificate of our own.
pub(super) fn client_config(roots: Arc<Roots>) -> Result<ClientConfig, Error> {
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier::new(roots, None)))
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authoritys_own_certificate_is_told_from_what_else_is_wrong_with_one() {
        let other = |error: webpki::Error| CertificateError::Other(rustls::OtherError(Arc::new(error)));
        assert!(is_authority(&other(webpki::Error::CaUsedAsEndEntity)));
        assert!(!is_authority(&other(webpki::Error::EndEntityUsedAsCa)));
        assert!(!is_authority(&CertificateError::UnknownIssuer));
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_told_and_nothing_else_is_taken_for_that() {
        let roots = Roots::given("the kubeconfig", Vec::new(), "correct it".to_owned());
        let told = |error: Error| roots.refusal(&error);
        let known = Some("correct it".to_owned());
        let unknown = "its certificate is not trusted: its authority is not in the kubeconfig".to_owned();
        let unknown_issuer = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        assert_eq!(told(unknown_issuer), Some((unknown, known)));
        let expired = "its certificate has expired (or the clock of this machine is wrong)".to_owned();
        assert_eq!(told(Error::InvalidCertificate(CertificateError::Expired)), Some((expired, None)));
        assert_eq!(
            told(Error::General("there is none".to_owned())),
            Some(("there is none".to_owned(), None))
        );
        assert_eq!(told(Error::HandshakeNotComplete), None);
    }
}
