//! Whose certificates are trusted, and what is said of others.

use regcred::env::Env;
use regcred::net::{Http, HttpError, Request, Retry};
use regcred_sandbox::{Authority, TlsServer};
use url::Url;

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
