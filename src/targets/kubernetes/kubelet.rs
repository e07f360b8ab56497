//! Which logins the kubelet tries for an image, in which order, and where each comes from: its own look-up over the pull
//! secrets of a service account (`pkg/credentialprovider/keyring.go` and `secrets/secrets.go` of Kubernetes 1.36.2, as Go
//! 1.26 runs them). `tests/fixtures/README.md` says how the answers were made that hold it.
//!
//! Four rules that surprise:
//!
//! * the login filed under `index.docker.io` is looked for only if no other key covers the image, in whichever secret;
//! * of the keys that cover an image the last one in the order of bytes comes first, whichever secret it is in;
//! * an entry that names no user is tried like any other: one under `docker.io` is enough to keep the login under
//!   `index.docker.io` from being tried;
//! * one secret that cannot be read costs all of them.
//!
//! What a node knows by itself (its own configuration, credential providers) comes after all of these, and is not seen from
//! outside.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use percent_encoding::percent_decode_str;

use super::{KEY, KIND, OLDER_KEY, docker_config};
use crate::model::registry::DOCKER_HUB;
use crate::redact;

/// The older type of a pull secret (Kubernetes API reference, `SecretTypeDockercfg`).
const OLDER_KIND: &str = "kubernetes.io/dockercfg";
/// Where a login for Docker Hub is looked for last.
const DOCKER_INDEX: &str = "index.docker.io";

/// A pull secret that a service account names.
#[derive(Clone, Debug)]
pub struct PullSecret<L> {
    /// Its name.
    pub name: String,
    /// Its logins by their keys, or what the kubelet cannot read in it, in words.
    pub logins: Result<BTreeMap<String, L>, String>,
}

/// A login that is tried. Its words are as they were found: what shows them sends them through the door first.
#[derive(Debug)]
pub struct Try<'a, L> {
    /// The pull secret that has it.
    pub secret: &'a str,
    /// The key that it is filed under there, as it is written.
    pub key: &'a str,
    /// The login.
    pub login: &'a L,
}

impl<L> Clone for Try<'_, L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for Try<'_, L> {}

/// The pull secret because of which a pod pulls nothing at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pull secret {secret}: {why}")]
pub struct Unreadable {
    /// Its name.
    pub secret: String,
    /// What is wrong with it, in words.
    pub why: String,
}

/// What is tried one after the other, until one is taken.
pub type Steps<'a, L> = Vec<Vec<Try<'a, L>>>;

/// The logins that are tried for an image, step by step until one is taken; none is a pull without a login. In a step with
/// several, which are keys of one secret for the same place, their order is left to chance at each pull. `image` is the
/// image's full name without tag and digest.
///
/// # Errors
/// The first secret that the kubelet cannot read.
pub fn tries<'a, L>(image: &str, secrets: &'a [PullSecret<L>]) -> Result<Steps<'a, L>, Unreadable> {
    let mut index = index(secrets)?;
    let target = Place::parse(image);
    let covers =
        |key: &str| matches!((Place::parse(key), &target), (Some(key), Some(image)) if key.covers(image));
    let found: Vec<_> =
        index.iter().rev().filter(|(key, _)| covers(key)).flat_map(|(_, steps)| steps.clone()).collect();
    match found.is_empty() && is_docker_hub(image) {
        true => Ok(index.remove(DOCKER_INDEX).unwrap_or_default()),
        false => Ok(found),
    }
}

/// The logins of all secrets, by the place that their keys are read as.
fn index<L>(secrets: &[PullSecret<L>]) -> Result<BTreeMap<String, Steps<'_, L>>, Unreadable> {
    let mut index: BTreeMap<String, Steps<'_, L>> = BTreeMap::new();
    for secret in secrets {
        let unreadable =
            |why: &String| Unreadable { secret: redact::outside(&secret.name), why: why.clone() };
        let mut own: BTreeMap<String, Vec<Try<'_, L>>> = BTreeMap::new();
        for (key, login) in secret.logins.as_ref().map_err(unreadable)? {
            // A key that is not an address is ignored.
            if let Some(place) = filed(key) {
                own.entry(place).or_default().push(Try { secret: &secret.name, key, login });
            }
        }
        for (place, tries) in own {
            index.entry(place).or_default().push(tries);
        }
    }
    Ok(index)
}

/// The key of a pull secret's data that is read, by its type; nothing if a secret of that type is not looked at.
#[must_use]
pub fn data_key(kind: &str) -> Option<&'static str> {
    match kind {
        KIND => Some(KEY),
        OLDER_KIND => Some(OLDER_KEY),
        _ => None,
    }
}

/// The entries of a pull secret by its type, of what is filed under [`data_key`].
///
/// # Errors
/// Why nothing at all is read.
pub fn read(kind: &str, bytes: &[u8]) -> Result<BTreeMap<String, docker_config::Entry>, String> {
    match kind {
        _ if bytes.is_empty() => Ok(BTreeMap::new()),
        KIND | OLDER_KIND if bytes.trim_ascii().is_empty() => Err("is not a JSON object".to_owned()),
        KIND => docker_config::read(bytes),
        OLDER_KIND => docker_config::read_older(bytes),
        _ => Ok(BTreeMap::new()),
    }
}

/// What the names of the images on a host begin with that a login under this key is tried for: `docker.io/` for all of them,
/// `docker.io/acme` for a part; nothing if it is tried for none.
#[must_use]
pub fn reach(key: &str, host: &str) -> Option<String> {
    let place = filed(key)?;
    if place == DOCKER_INDEX && host == DOCKER_HUB {
        return Some(format!("{host}/"));
    }
    let place = Place::parse(&place)?;
    let all = Place { host: host.to_owned(), path: place.path.clone() };
    // What no name of an image has in it is for none.
    let named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"/._-".contains(&byte);
    let reached = place.covers(&all) && place.path.bytes().all(named);
    reached.then(|| if place.path.is_empty() { format!("{host}/") } else { format!("{host}{}", place.path) })
}

/// The place that a key is read as: without its scheme, and without `/v1` or `/v2` before a path.
fn filed(key: &str) -> Option<String> {
    let address = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://"));
    let Place { host, path } = Place::parse(address.unwrap_or(key))?;
    let version = ["/v1/", "/v2/"].iter().any(|version| path.starts_with(version));
    let path = if version { &path[3..] } else { path.as_str() };
    Some(if path == "/" { host } else { host + path })
}

/// Whether an image by this name is one of Docker Hub's: also one on a host without a dot, such as `localhost`.
fn is_docker_hub(name: &str) -> bool {
    let host = name.split('/').next().unwrap_or(name);
    host == "docker.io" || !(host.is_empty() || host.contains(['.', ':']))
}

/// The host, with its port, and the path of an address without a scheme, as Go's `url.Parse` takes it apart.
struct Place {
    host: String,
    path: String,
}

impl Place {
    /// Nothing if Go does not read it, or reads what no image is on: a host with escapes or beyond ASCII, a path that is no
    /// text.
    fn parse(address: &str) -> Option<Self> {
        let (address, fragment) = address.split_once('#').unwrap_or((address, ""));
        if address.bytes().any(|byte| byte.is_ascii_control()) || !is_escaped(fragment) {
            return None;
        }
        let address = address.split_once('?').map_or(address, |(address, _)| address);
        let (authority, path) = address.split_at(address.find('/').unwrap_or(address.len()));
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let path = is_escaped(path).then(|| percent_decode_str(path).decode_utf8().ok()).flatten()?;
        (is_user(user) && is_host(host)).then(|| Self { host: host.to_owned(), path: path.into_owned() })
    }

    /// Whether an image is below this place, whose host may have `*` in each of its parts.
    fn covers(&self, image: &Self) -> bool {
        let ((host, port), (image_host, image_port)) = (split(&self.host), split(&image.host));
        let parts = host.split('.').count() == image_host.split('.').count();
        let alike = || host.split('.').zip(image_host.split('.')).all(|(glob, part)| fits(glob, part));
        port == image_port && parts && image.path.starts_with(&self.path) && alike()
    }
}

/// Host and port, as Go's `net.SplitHostPort` splits them; brackets stay where no port follows.
fn split(host: &str) -> (&str, &str) {
    match host.rsplit_once(':') {
        Some((address, port)) if !port.ends_with(']') => {
            (address.strip_prefix('[').and_then(|address| address.strip_suffix(']')).unwrap_or(address), port)
        }
        _ => (host, ""),
    }
}

/// Whether each `%` begins an escape.
fn is_escaped(text: &str) -> bool {
    let digits = |after: &str| after.len() >= 2 && after.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    text.split('%').skip(1).all(digits)
}

fn is_user(user: &str) -> bool {
    user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte))
        && is_escaped(user)
}

fn is_host(host: &str) -> bool {
    let (name, port) = match host.rfind(']').filter(|_| host.starts_with('[')) {
        Some(end) => host.split_at(end + 1),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let digits = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let named =
        || name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=]<>\"".contains(&byte));
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let sound = address.map_or_else(named, |address| address.parse::<Ipv6Addr>().is_ok());
    sound && (port.is_empty() || port.strip_prefix(':').is_some_and(digits))
}

/// Whether a part of a host fits one that may have `*` in it. One in brackets fits nothing: Go takes it for a set of letters.
fn fits(glob: &str, part: &str) -> bool {
    let mut pieces = glob.split('*');
    let begin = pieces.next().unwrap_or_default();
    let Some(mut rest) = part.strip_prefix(begin).filter(|_| !glob.starts_with('[')) else { return false };
    let Some(end) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
    }
    rest.ends_with(end)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::Deserialize;

    use super::*;
    use crate::model::{Login, Reference};

    /// Cases of our own, with the answers of the kubelet's code. `made` in the file says how.
    #[derive(Deserialize)]
    struct Table {
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        what: String,
        image: String,
        secrets: Vec<Given>,
        tries: Vec<Vec<Tried>>,
        error: Option<String>,
    }

    #[derive(Deserialize)]
    struct Given {
        name: String,
        r#type: String,
        #[serde(default)]
        data: String,
        base64: Option<String>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Tried {
        secret: String,
        key: String,
        username: String,
        password: String,
    }

    impl Given {
        fn bytes(&self) -> Vec<u8> {
            match &self.base64 {
                Some(base64) => STANDARD.decode(base64).unwrap(),
                None => self.data.clone().into_bytes(),
            }
        }
    }

    impl Case {
        fn answer(&self) -> Result<Vec<Vec<Tried>>, &'static str> {
            let image = Reference::parse(&self.image).map_err(|_| "image")?;
            let secrets: Vec<_> = self
                .secrets
                .iter()
                .map(|secret| pull_secret(&secret.name, &secret.r#type, &secret.bytes()))
                .collect();
            let steps = tries(&image.name(), &secrets).map_err(|_| "secrets")?;
            Ok(steps.into_iter().map(|step| step.into_iter().map(tried).collect()).collect())
        }
    }

    fn pull_secret(name: &str, kind: &str, bytes: &[u8]) -> PullSecret<Option<Login>> {
        let sound = |(key, entry): (String, docker_config::Entry)| Ok((key, entry?));
        let logins = read(kind, bytes).and_then(|entries| entries.into_iter().map(sound).collect());
        PullSecret { name: name.to_owned(), logins }
    }

    fn tried(tried: Try<'_, Option<Login>>) -> Tried {
        let login =
            tried.login.as_ref().map(|login| (login.username.clone(), login.token.expose().to_owned()));
        let (username, password) = login.unwrap_or_default();
        Tried { secret: tried.secret.to_owned(), key: tried.key.to_owned(), username, password }
    }

    #[test]
    fn every_case_is_answered_as_the_kubelet_answers_it() {
        let table: Table =
            serde_json::from_str(include_str!("../../../tests/fixtures/kubelet.json")).unwrap();
        assert!(table.cases.len() >= 200, "the table was read");
        let mut faults = Vec::new();
        for case in &table.cases {
            let mut expected = match &case.error {
                Some(error) => Err(error.as_str()),
                None => Ok(Vec::new()),
            };
            if let Ok(steps) = &mut expected {
                // Without a user name it is a pull without a login, whatever the password.
                for step in &case.tries {
                    steps.push(step.iter().map(without_user).collect::<Vec<_>>());
                }
            }
            let answer = case.answer();
            if answer != expected {
                faults.push(format!(
                    "{}: {}\n  ours {answer:?}\n  kubelet {expected:?}",
                    case.what, case.image
                ));
            }
        }
        assert!(faults.is_empty(), "{} of {}\n{}", faults.len(), table.cases.len(), faults.join("\n"));
    }

    fn without_user(tried: &Tried) -> Tried {
        let Tried { secret, key, username, password } = tried;
        let password = if username.is_empty() { "" } else { password };
        Tried {
            secret: secret.clone(),
            key: key.clone(),
            username: username.clone(),
            password: password.to_owned(),
        }
    }

    #[test]
    fn the_part_of_a_registry_that_a_key_is_tried_for_is_known_by_the_beginning_of_its_names() {
        for (key, host, part) in [
            ("docker.io", "docker.io", Some("docker.io/")),
            ("https://index.docker.io/v1/", "docker.io", Some("docker.io/")),
            ("http://docker.io/v2/acme", "docker.io", Some("docker.io/acme")),
            ("*.io", "docker.io", Some("docker.io/")),
            ("*.io", "ghcr.io", Some("ghcr.io/")),
            ("*.docker.io", "docker.io", None),
            ("ghcr.io", "docker.io", None),
            ("registry-1.docker.io", "docker.io", None),
            ("docker.io/Acme", "docker.io", None),
            ("quay.io:8443/acme", "quay.io:8443", Some("quay.io:8443/acme")),
            ("quay.io/acme", "quay.io:8443", None),
        ] {
            assert_eq!(reach(key, host).as_deref(), part, "{key} on {host}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_key_makes_it_panic(key in r"[a-z*\[\]:%@/#?. é\\]{0,24}", image in "([a-z]{1,3}/)?[a-z]{1,3}") {
            let config = serde_json::json!({ "auths": { key: { "auth": "YTpi" } } }).to_string();
            let secret = pull_secret("ours", KIND, config.as_bytes());
            let image = Reference::parse(&image).unwrap();
            proptest::prop_assert!(tries(&image.name(), std::slice::from_ref(&secret)).unwrap().len() <= 1);
            for key in secret.logins.unwrap().keys() {
                let _ = reach(key, "docker.io");
            }
        }
    }
}
