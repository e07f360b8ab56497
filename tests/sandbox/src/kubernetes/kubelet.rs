//! What a node's kubelet tries for an image, from its pull secrets: a reading of its code (`pkg/credentialprovider` of
//! Kubernetes 1.36.2: keyring.go, config.go, secrets/secrets.go) that knows nothing of the product's. Both are held to what
//! the kubelet's code itself answers: `tests/fixtures/kubelet.json`.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A login that is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The pull secret that has it.
    pub secret: String,
    /// The key that it is filed under.
    pub key: String,
    /// The user name; empty for a pull without a login.
    pub username: String,
    /// The password.
    pub password: String,
}

/// A user name and a password.
pub(super) type Pair = (String, String);

/// The entries of a pull secret of this type; nothing if it, or one of them, cannot be read.
pub(super) fn entries(kind: &str, bytes: &[u8]) -> Option<BTreeMap<String, Pair>> {
    let text = repaired(bytes);
    match kind {
        "kubernetes.io/dockerconfigjson" | "kubernetes.io/dockercfg" if bytes.is_empty() => {
            Some(BTreeMap::new())
        }
        "kubernetes.io/dockercfg" => all(&[text]),
        "kubernetes.io/dockerconfigjson" => {
            let config = pairs(&text)?;
            let fields = |name: &'static str| {
                let named = config.iter().filter(move |(key, _)| fold(key) == fold(name));
                named.map(|(_, value)| value.get().to_owned()).collect::<Vec<_>>()
            };
            let headers: Vec<_> =
                fields("HttpHeaders").iter().map(|text| pairs(text)).collect::<Option<_>>()?;
            let texts = headers.iter().flatten().all(|(_, value)| text_of(value).is_some());
            texts.then(|| all(&fields("auths"))).flatten()
        }
        _ => Some(BTreeMap::new()),
    }
}

/// The logins that are tried for an image, step by step; several in one step change places by chance.
///
/// # Errors
/// The name of the first secret that cannot be read: nothing is pulled then.
pub fn tries<'a>(
    image: &str,
    secrets: impl IntoIterator<Item = (&'a str, &'a str, &'a [u8])>,
) -> Result<Vec<Vec<Tried>>, String> {
    let mut creds: BTreeMap<String, Vec<Vec<Tried>>> = BTreeMap::new();
    for (name, kind, bytes) in secrets {
        let mut added: BTreeMap<String, Vec<Tried>> = BTreeMap::new();
        for (key, (username, password)) in entries(kind, bytes).ok_or(name)? {
            let schemeless = ["https://", "http://"].iter().find_map(|scheme| key.strip_prefix(scheme));
            let Some((host, path)) = url(schemeless.unwrap_or(&key)) else { continue };
            let versioned = path.starts_with("/v1/") || path.starts_with("/v2/");
            let path = if versioned { &path[3..] } else { &path };
            let place = if path == "/" { host } else { format!("{host}{path}") };
            let secret = name.to_owned();
            added.entry(place).or_default().push(Tried { secret, key, username, password });
        }
        added.into_iter().for_each(|(place, tried)| creds.entry(place).or_default().push(tried));
    }
    let image = full_name(image);
    let matching = creds.iter().rev().filter(|(place, _)| matches(place, &image));
    let found: Vec<Vec<Tried>> = matching.flat_map(|(_, tried)| tried.clone()).collect();
    let host = image.split('/').next().unwrap_or_default();
    if found.is_empty() && (host == "docker.io" || !host.contains(['.', ':'])) {
        return Ok(creds.remove("index.docker.io").unwrap_or_default());
    }
    Ok(found)
}

/// `alpine:3` as `docker.io/library/alpine`.
fn full_name(image: &str) -> String {
    let name = image.split('@').next().unwrap_or_default();
    let tag = name.rfind(':').filter(|colon| !name[*colon..].contains('/'));
    let name = &name[..tag.unwrap_or(name.len())];
    let host = name.split_once('/').filter(|(first, _)| {
        first.contains(['.', ':']) || *first == "localhost" || first.chars().any(char::is_uppercase)
    });
    match host {
        Some(("index.docker.io" | "docker.io", rest)) => full_name_of_hub(rest),
        Some(_) => name.to_owned(),
        None => full_name_of_hub(name),
    }
}

fn full_name_of_hub(path: &str) -> String {
    if path.contains('/') { format!("docker.io/{path}") } else { format!("docker.io/library/{path}") }
}

/// `URLsMatch`.
fn matches(glob: &str, image: &str) -> bool {
    let (Some((glob, path)), Some((host, image_path))) = (url(glob), url(image)) else { return false };
    let ((glob, port), (host, image_port)) = (host_and_port(&glob), host_and_port(&host));
    let (parts, host): (Vec<&str>, Vec<&str>) = (glob.split('.').collect(), host.split('.').collect());
    port == image_port
        && parts.len() == host.len()
        && image_path.starts_with(&path)
        && parts.iter().zip(&host).all(|(glob, part)| glob_match(glob.as_bytes(), part.as_bytes()))
}

/// Go's `filepath.Match` of one part of a host: no `?`, which begins a query, and no set of letters, which has no end.
fn glob_match(glob: &[u8], part: &[u8]) -> bool {
    match (glob.split_first(), part.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => (0..=part.len()).any(|at| glob_match(rest, &part[at..])),
        (Some((letter, rest)), Some((first, after))) => {
            *letter != b'[' && letter == first && glob_match(rest, after)
        }
        _ => false,
    }
}

/// Go's `net.SplitHostPort`.
fn host_and_port(host: &str) -> (&str, &str) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => {
            (name.trim_start_matches('[').trim_end_matches(']'), port)
        }
        _ => (host, ""),
    }
}

/// Host and path of what follows a scheme, as Go's `url.Parse` takes it apart; nothing if it does not read it.
fn url(text: &str) -> Option<(String, String)> {
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    let text = if text.chars().any(|c| c.is_ascii_control()) { return None } else { text };
    let text = text.split('?').next().unwrap_or_default();
    let (authority, path) = text.split_at(text.find('/').unwrap_or(text.len()));
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let sound_user = user.chars().all(|c| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c));
    let escaped = [path, user, fragment].into_iter().all(escapes);
    let path = percent_decode_str(path).decode_utf8().ok()?;
    (sound_user && escaped && is_host(host)).then(|| (host.to_owned(), path.into_owned()))
}

fn escapes(text: &str) -> bool {
    text.split('%')
        .skip(1)
        .all(|rest| rest.len() > 1 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

fn is_host(host: &str) -> bool {
    let end = if host.starts_with('[') { host.rfind(']').map(|end| end + 1) } else { host.find(':') };
    let (name, port) = host.split_at(end.unwrap_or(host.len()));
    let sound = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.~!$&'()*+,;=]<>\"".contains(c)),
    };
    let digits = |port: &str| port.chars().all(|c| c.is_ascii_digit());
    sound && (port.is_empty() || port.strip_prefix(':').is_some_and(digits))
}

/// The entries of maps that follow each other in one field: a later one counts, `null` empties it, and all have to be sound.
fn all(maps: &[String]) -> Option<BTreeMap<String, Pair>> {
    let mut entries = BTreeMap::new();
    for map in maps {
        if map.trim() == "null" {
            entries.clear();
        }
        for (key, value) in pairs(map)? {
            entries.insert(key, entry(value.get())?);
        }
    }
    Some(entries)
}

fn entry(text: &str) -> Option<Pair> {
    let fields = pairs(text)?;
    let field = |name: &str| {
        let values =
            fields.iter().filter(|(key, _)| fold(key) == fold(name)).map(|(_, value)| text_of(value));
        values
            .collect::<Option<Vec<_>>>()
            .map(|texts| texts.into_iter().flatten().next_back().unwrap_or_default())
    };
    let (username, password, auth, _) =
        (field("username")?, field("password")?, field("auth")?, field("email")?);
    if auth.is_empty() {
        return Some((username, password));
    }
    let padding = match auth.trim().ends_with('=') {
        true => DecodePaddingMode::RequireCanonical,
        false => DecodePaddingMode::RequireNone,
    };
    let config =
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(padding);
    let bytes = GeneralPurpose::new(&STANDARD, config).decode(auth.replace(['\r', '\n'], "")).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

/// A text, or nothing in its place; `None` for anything else.
fn text_of(value: &RawValue) -> Option<Option<String>> {
    serde_json::from_str(value.get()).ok()
}

/// Go takes a key for a field in any case, and two letters beyond ASCII for one of it.
fn fold(key: &str) -> String {
    key.replace('\u{17f}', "s").replace('\u{212a}', "k").to_ascii_lowercase()
}

/// Bytes as JSON that Go reads: what is not UTF-8 and halves of pairs are replaced.
fn repaired(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lone = regex_lite::Regex::new(r"(\\\\)|(\\u[dD][89abAB]..\\u[dD][c-fC-F]..)|\\u[dD][89a-fA-F]..");
    let keep = |found: &regex_lite::Captures<'_>| {
        let kept = found.get(1).or_else(|| found.get(2));
        kept.map_or(r"\ufffd", |kept| kept.as_str()).to_owned()
    };
    lone.map_or_else(|_| text.to_string(), |lone| lone.replace_all(&text, keep).into_owned())
}

/// The pairs of an object in their order, of equal keys all; none for `null`. Nothing if it is not an object.
fn pairs(text: &str) -> Option<Vec<(String, Box<RawValue>)>> {
    if text.trim() == "null" {
        return Some(Vec::new());
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let pairs = reader.deserialize_map(Pairs).ok()?;
    reader.end().ok().map(|()| pairs)
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(String, Box<RawValue>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}
