//! Debian's `docker-registry` and `skopeo` agree with regcred on which credentials work.
//!
//! Two registries are started on this machine: one that knows passwords itself, and one that leaves that to a token service
//! (a few lines here, which sign what the registry then checks). skopeo and regcred try the same credentials on both.
//! With tokens there are rights, too: one of the two users may only read.
//! Without the two programs this prints `NOT RUN`; with `CI=true` it fails.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use crate::server::{Answer, Call, Server, answer};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use regcred::env::Env;
use regcred::model::{Registry, Secret};
use regcred::net::Http;
use regcred::registry::{Accepted, Endpoints, LoginError, login};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};
use url::Url;

/// Who may log in; the same to both registries.
const USERS: [(&str, &str, &str); 2] = [
    ("alice", "correct horse", "$2y$05$v2PyVXmXGNOzNLccP1zB/uRl9r8PeY2/3g/NaVGD5gihP89vw.4YS"),
    ("bob", "pa:ss%w ö/rd", "$2y$05$R.wA8kCiNKJX9o1jNc8O/e/L06XpKskyrC/hcAbn27b1E7ILTHUqC"),
];

/// What alice may do with an image, and what bob may.
const RIGHTS: [(&str, &[&str]); 2] = [("alice", &["pull", "push"]), ("bob", &["pull"])];

/// Who is tried, and whether it should work.
const TRIED: [(&str, &str, bool); 7] = [
    ("alice", "correct horse", true),
    ("bob", "pa:ss%w ö/rd", true),
    ("alice", "wrong", false),
    ("alice", "pa:ss%w ö/rd", false),
    ("bob", "pa:ss%w", false),
    ("carol", "correct horse", false),
    ("Alice", "correct horse", false),
];

#[test]
fn skopeo_and_regcred_agree_on_a_registry_that_knows_passwords() {
    let Some(folder) = programs() else { return };
    let registry = DockerRegistry::start(folder.path(), &passwords(folder.path()));
    agree(&format!("127.0.0.1:{}", registry.port), folder.path());
}

#[test]
fn skopeo_and_regcred_agree_on_a_registry_with_a_token_service() {
    let Some(folder) = programs() else { return };
    let signer = Signer::new(folder.path());
    let service = TokenService::start(signer);
    let registry = DockerRegistry::start(folder.path(), &service.configuration(folder.path()));
    service.stand_before(registry.port);
    agree(&service.host(), folder.path());
}

#[test]
fn a_user_who_may_only_read_is_accepted_by_both_and_cannot_push() {
    let Some(folder) = programs() else { return };
    let service = TokenService::start(Signer::new(folder.path()));
    let registry = DockerRegistry::start(folder.path(), &service.configuration(folder.path()));
    service.stand_before(registry.port);
    let host = format!("127.0.0.1:{}", registry.port);
    let layout = format!("oci:{}", empty_image(folder.path()).display());
    let image = format!("docker://{host}/acme/empty:1");
    for (username, may_push) in [("alice", true), ("bob", false)] {
        let password = USERS.iter().find(|(name, ..)| *name == username).unwrap().1;
        assert!(regcred(&service.host(), username, password).is_ok(), "{username}");
        assert!(skopeo_login(&host, username, password, folder.path()), "{username}");
        let copy = ["copy", "--insecure-policy", "--dest-tls-verify=false", &layout, &image];
        assert_eq!(skopeo(&copy, folder.path()), may_push, "{username}");
        assert!(skopeo(&["inspect", "--tls-verify=false", &image], folder.path()), "{username}");
    }
}

#[test]
fn a_registry_without_a_login_proves_nothing_to_regcred_although_skopeo_is_content() {
    let Some(folder) = programs() else { return };
    let registry = DockerRegistry::start(folder.path(), "");
    let host = format!("127.0.0.1:{}", registry.port);
    assert!(skopeo_login(&host, "anybody", "anything", folder.path()));
    let error = regcred(&host, "anybody", "anything").unwrap_err();
    assert!(matches!(error, LoginError::NothingProven { .. }), "{error}");
}

/// Tries everybody with both.
fn agree(host: &str, folder: &Path) {
    for (username, password, works) in TRIED {
        let ours = regcred(host, username, password);
        assert_eq!(skopeo_login(host, username, password, folder), works, "skopeo: {username}");
        match ours {
            Ok(_) => assert!(works, "{username}"),
            Err(error) => assert!(error.is_refusal() && !works, "{username}: {error}"),
        }
    }
}

fn regcred(host: &str, username: &str, password: &str) -> Result<Accepted, LoginError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (http, registry) = (Http::new(&Env::default()).unwrap(), Registry::parse(host).unwrap());
    let secret = Secret::new(password.into());
    runtime.block_on(login(&http, &Endpoints::default(), &registry, username, &secret))
}

/// Whether skopeo can log in; from then on it uses that login.
fn skopeo_login(host: &str, username: &str, password: &str, folder: &Path) -> bool {
    let login = ["login", "--tls-verify=false", "--password-stdin", "--username", username, host];
    let mut child = skopeo_command(&login, folder).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
    child.wait().unwrap().success()
}

/// Whether skopeo succeeds with what it has logged in with.
fn skopeo(words: &[&str], folder: &Path) -> bool {
    skopeo_command(words, folder).status().unwrap().success()
}

fn skopeo_command(words: &[&str], folder: &Path) -> Command {
    let mut command = Command::new("skopeo");
    command.args(words).arg("--authfile").arg(folder.join("auth.json"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// An image of no layers, as a folder that skopeo can push from.
fn empty_image(folder: &Path) -> PathBuf {
    let layout = folder.join("layout");
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let blob = |kind: &str, content: Value| {
        let text = content.to_string();
        let digest = hex::encode(digest(&SHA256, text.as_bytes()));
        fs::write(blobs.join(&digest), &text).unwrap();
        json!({
            "mediaType": format!("application/vnd.oci.image.{kind}.v1+json"),
            "digest": format!("sha256:{digest}"),
            "size": text.len(),
        })
    };
    let no_layers = json!({ "type": "layers", "diff_ids": [] });
    let config = blob("config", json!({ "architecture": "amd64", "os": "linux", "rootfs": no_layers }));
    let manifest = blob("manifest", json!({ "schemaVersion": 2, "config": config, "layers": [] }));
    let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
    fs::write(layout.join("index.json"), index.to_string()).unwrap();
    fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    layout
}

/// A folder to work in, if both programs are there.
#[allow(clippy::disallowed_methods, reason = "whether this runs in CI is a fact of the machine")]
fn programs() -> Option<tempfile::TempDir> {
    let missing: Vec<_> = ["docker-registry", "skopeo"].into_iter().filter(|name| !is_there(name)).collect();
    if missing.is_empty() {
        return Some(tempfile::tempdir().unwrap());
    }
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!in_ci, "{} must be installed in CI", missing.join(" and "));
    // Not by a macro: the harness would keep it to itself.
    let _ =
        writeln!(std::io::stderr(), "NOT RUN: interop with registries: {} not found", missing.join(" and "));
    None
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Debian's registry; it ends with the test.
struct DockerRegistry {
    process: Child,
    port: u16,
}

impl DockerRegistry {
    fn start(folder: &Path, auth: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let storage = folder.join("storage");
        let text = format!(
            "version: 0.1\nlog: {{ level: error }}\nstorage: {{ filesystem: {{ rootdirectory: {} }} }}\n\
             http: {{ addr: 127.0.0.1:{port} }}\n{auth}",
            storage.display()
        );
        let file = folder.join("registry.yml");
        fs::write(&file, text).unwrap();
        let mut command = Command::new("docker-registry");
        let process =
            command.arg("serve").arg(file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let registry = Self { process, port };
        registry.wait();
        registry
    }

    fn wait(&self) {
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < end, "docker-registry does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn passwords(folder: &Path) -> String {
    let lines: String = USERS.iter().map(|(name, _, hash)| format!("{name}:{hash}\n")).collect();
    let file = folder.join("htpasswd");
    fs::write(&file, lines).unwrap();
    format!("auth: {{ htpasswd: {{ realm: test, path: {} }} }}\n", file.display())
}

/// What signs the tokens, and its certificate, which the registry trusts.
struct Signer {
    key: EcdsaKeyPair,
    certificate: String,
}

impl Signer {
    fn new(folder: &Path) -> Self {
        let made = rcgen::generate_simple_self_signed(["regcred test".to_owned()]).unwrap();
        fs::write(folder.join("roots.pem"), made.cert.pem()).unwrap();
        let pkcs8 = made.signing_key.serialize_der();
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &SystemRandom::new()).unwrap();
        Self { key, certificate: STANDARD.encode(made.cert.der()) }
    }

    /// A token that the registry takes, for this user and these rights.
    fn token(&self, username: &str, access: &[Value]) -> String {
        let now = unix_time();
        let header = json!({ "typ": "JWT", "alg": "ES256", "x5c": [self.certificate] });
        let claims = json!({
            "iss": "regcred-test", "aud": "registry.test", "sub": username, "jti": "1",
            "iat": now, "nbf": now - 60, "exp": now + 300, "access": access,
        });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

#[allow(clippy::disallowed_methods, reason = "the registry looks at the clock, too")]
fn unix_time() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

/// A token service and, on the same origin, the registry that it is for.
struct TokenService {
    front: Server,
    registry: std::sync::Arc<std::sync::OnceLock<u16>>,
}

impl TokenService {
    fn start(signer: Signer) -> Self {
        let registry = std::sync::Arc::new(std::sync::OnceLock::new());
        let behind = registry.clone();
        let front = Server::start(move |call, origin| match call.target.split('?').next() {
            Some("/token") => give(&signer, call),
            _ => pass_on(call, origin, *behind.get().unwrap()),
        });
        Self { front, registry }
    }

    fn host(&self) -> String {
        self.front.origin.trim_start_matches("http://").to_owned()
    }

    fn configuration(&self, folder: &Path) -> String {
        format!(
            "auth: {{ token: {{ realm: \"{}/token\", service: registry.test, issuer: regcred-test, rootcertbundle: {} }} }}\n",
            self.front.origin,
            folder.join("roots.pem").display()
        )
    }

    fn stand_before(&self, port: u16) {
        self.registry.set(port).unwrap();
    }
}

/// A token for whoever is known, as a token service gives it; and one for nobody to nobody.
fn give(signer: &Signer, call: &Call) -> Answer {
    let known =
        USERS.iter().find(|(name, password, _)| call.authorization == crate::server::basic(name, password));
    match (known, &call.authorization) {
        (Some((name, ..)), _) => {
            answer(200, &json!({ "token": signer.token(name, &access(call, name)) }).to_string())
        }
        (None, None) => answer(200, &json!({ "token": signer.token("", &[]) }).to_string()),
        (None, Some(_)) => answer(401, r#"{"details":"incorrect username or password"}"#),
    }
}

/// What of the scopes that are asked for a user gets.
fn access(call: &Call, username: &str) -> Vec<Value> {
    let rights = RIGHTS.iter().find(|(name, _)| *name == username).unwrap().1;
    let url = Url::parse("http://token.test").unwrap().join(&call.target).unwrap();
    let scopes = url.query_pairs().filter(|(key, _)| key == "scope").map(|(_, scope)| scope.into_owned());
    let granted = scopes.filter_map(|scope| {
        let (rest, asked) = scope.rsplit_once(':')?;
        let (kind, name) = rest.split_once(':')?;
        let actions: Vec<&str> = asked.split(',').filter(|action| rights.contains(action)).collect();
        Some(json!({ "type": kind, "name": name, "actions": actions }))
    });
    granted.collect()
}

fn pass_on(call: &Call, origin: &str, port: u16) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let host = origin.trim_start_matches("http://");
    let authorization =
        call.authorization.iter().map(|value| format!("authorization: {value}\r\n")).collect::<String>();
    let head = format!("{} {} HTTP/1.0\r\nhost: {host}\r\n{authorization}\r\n", call.method, call.target);
    stream.write_all(head.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
    let challenge = head.lines().find_map(|line| line.strip_prefix("Www-Authenticate: "));
    let headers = challenge.map(|value| ("www-authenticate", value.to_owned()));
    let version = ("docker-distribution-api-version", "registry/2.0".to_owned());
    (status, headers.into_iter().chain([version]).collect(), body.to_owned())
}
