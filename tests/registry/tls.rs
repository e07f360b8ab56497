//! Whose certificates are trusted, and what is said of others.

use std::sync::Arc;

use p521::ecdsa::DerSignature;
use p521::ecdsa::signature::Signer as _;
use regcred::env::Env;
use regcred::net::{Http, HttpError, Request, Retry};
use regcred_sandbox::{Authority, Identity, TlsServer};
use rustls::sign::{Signer, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};
use url::Url;

/// A key on P-521, which signs handshakes: rustls and ring have none.
#[derive(Clone, Debug)]
struct Key(p521::ecdsa::SigningKey);

impl SigningKey for Key {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered.contains(&self.scheme()).then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let signature: DerSignature = self.0.sign(message);
        Ok(signature.as_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP521_SHA512
    }
}

#[test]
fn certificates_with_keys_on_p521_are_checked_as_others_are() {
    let authority = include_str!("../fixtures/p521/authority.pem");
    let certificate = include_str!("../fixtures/p521/server.pem");
    let own = hex::decode(include_str!("../fixtures/p521/server.key.hex").trim()).unwrap();
    let ask = |certificate: &str, key: &[u8], trusted: &str| {
        let key = Key(p521::ecdsa::SigningKey::from_slice(key).unwrap());
        ask(&TlsServer::start(Identity::with_key(certificate, Arc::new(key)).unwrap()).unwrap(), trusted)
    };
    assert_eq!(ask(certificate, &own, authority).unwrap(), 200);
    assert_eq!(ask(certificate, &own, certificate).unwrap(), 200, "pinned");

    let other = Authority::new("another authority").unwrap();
    let untrusted = "localhost: its certificate is not trusted: its authority is not in SSL_CERT_FILE";
    assert_eq!(ask(certificate, &own, &other.pem()).unwrap_err().detail, untrusted);
    // Its signature ends on the last line.
    let (head, end) = certificate.trim_end().split_at(certificate.len() - 40);
    let (last, mark) = end.split_once("-----END").unwrap();
    let swapped: String = last
        .chars()
        .map(|letter| {
            if letter == 'A' {
                'B'
            } else if letter.is_ascii_lowercase() {
                'A'
            } else {
                letter
            }
        })
        .collect();
    let spoiled = format!("{head}{swapped}-----END{mark}");
    assert_ne!(spoiled, certificate.trim_end());
    assert_eq!(ask(&spoiled, &own, authority).unwrap_err().detail, untrusted);
    // Whoever shows the certificate has to have its key.
    let mut foreign = own.clone();
    foreign[65] ^= 1;
    assert!(ask(certificate, &foreign, authority).is_err());
}

/// Asks a server with the authorities of this file (PEM).
fn ask(server: &TlsServer, trusted: &str) -> Result<u16, HttpError> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("trusted.pem");
    std::fs::write(&file, trusted).unwrap();
    ask_with(server, "SSL_CERT_FILE", &file)
}

fn ask_with(server: &TlsServer, variable: &str, path: &std::path::Path) -> Result<u16, HttpError> {
    let env = Env::from_iter([(variable, path.display().to_string())]);
    let url = Url::parse(&format!("https://localhost:{}/", server.address().port())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(Http::new(&env).unwrap().send(&Request::get(url)));
    answer.map(|answer| answer.status)
}

#[test]
fn a_server_is_trusted_by_its_authority_and_by_its_own_certificate_alone() {
    let authority = Authority::new("an authority").unwrap();
    let server = TlsServer::start(authority.server("localhost").unwrap()).unwrap();
    assert_eq!(ask(&server, &authority.pem()).unwrap(), 200);
    assert_eq!(ask(&server, &server.pem()).unwrap(), 200, "pinned, as by Go and OpenSSL");

    let error = ask(&server, &Authority::new("another authority").unwrap().pem()).unwrap_err();
    assert_eq!(
        error.detail,
        "localhost: its certificate is not trusted: its authority is not in SSL_CERT_FILE"
    );
    assert_eq!(error.hints.len(), 1);
    assert_eq!(error.class, Retry::Never);
}

#[test]
fn a_server_that_is_its_own_authority_is_trusted_where_its_certificate_is_given() {
    let authority = Authority::of_server("localhost").unwrap();
    let server = TlsServer::start(authority.itself().unwrap()).unwrap();
    assert_eq!(ask(&server, &authority.pem()).unwrap(), 200);

    let error = ask(&server, &Authority::of_server("localhost").unwrap().pem()).unwrap_err();
    assert_eq!(error.detail, "localhost: its certificate is an authority's own, and not in SSL_CERT_FILE");

    let elsewhere = Authority::of_server("other.example").unwrap();
    let server = TlsServer::start(elsewhere.itself().unwrap()).unwrap();
    let error = ask(&server, &elsewhere.pem()).unwrap_err();
    assert_eq!(error.detail, "localhost: its certificate is for another name");
}

#[test]
fn the_certificates_of_a_folder_stand_instead_of_the_systems_too() {
    let authority = Authority::new("an authority").unwrap();
    let server = TlsServer::start(authority.server("localhost").unwrap()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    // A folder of OpenSSL's has names that are made of the subject.
    std::fs::write(dir.path().join("0123abcd.0"), authority.pem()).unwrap();
    assert_eq!(ask_with(&server, "SSL_CERT_DIR", dir.path()).unwrap(), 200);
    std::fs::write(dir.path().join("0123abcd.0"), Authority::new("another").unwrap().pem()).unwrap();
    let error = ask_with(&server, "SSL_CERT_DIR", dir.path()).unwrap_err();
    assert!(error.detail.contains("its authority is not in SSL_CERT_DIR"), "{}", error.detail);
}

#[test]
fn a_pipe_in_the_place_of_certificates_is_told_and_not_waited_for() {
    let authority = Authority::new("an authority").unwrap();
    let server = TlsServer::start(authority.server("localhost").unwrap()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let error = ask_with(&server, "SSL_CERT_FILE", &pipe).unwrap_err();
    let words = "no certificate could be read from SSL_CERT_FILE: it is a named pipe, not a file";
    assert_eq!(error.detail, format!("localhost: {words}"));
}

#[test]
fn a_file_without_a_certificate_is_told_by_name() {
    let authority = Authority::new("an authority").unwrap();
    let server = TlsServer::start(authority.server("localhost").unwrap()).unwrap();
    let error = ask(&server, "nothing").unwrap_err();
    assert_eq!(error.detail, "localhost: there is no certificate in SSL_CERT_FILE");
}
