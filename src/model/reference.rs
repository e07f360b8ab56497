//! Image references, read exactly as Docker reads them.
//!
//! The rules are those of the Go package `distribution/reference` (`ParseNormalizedNamed`), which Docker, containerd,
//! the kubelet and skopeo share: which registry an image name means is decided by it and by nothing else, so a rule
//! that is almost the same picks the wrong credential. Four that surprise:
//!
//! * only `index.docker.io` folds into `docker.io`; `registry-1.docker.io`, `DOCKER.IO` and `docker.io:443` are other hosts;
//! * an upper-case letter makes the first part a host: `Alpine/x` is the image `x` on the host `Alpine`;
//! * a name without `/` is never a host: `localhost:5000` is the image `library/localhost` with the tag `5000`;
//! * a first part with a dot that is not a valid host (`foo_bar.com/x`) leaves an image without any registry.
//!
//! The parser of `oci-spec` was not taken: it differs in four classes (an upper-case first part is taken for a Docker Hub
//! namespace, IPv6 hosts are rejected, a bare 64-digit hexadecimal name and upper-case hexadecimal digests are accepted),
//! always adds `latest`, and has no familiar form.
//!
//! This file uses nothing else of the crate, so that the fuzz target compiles it alone.

use std::fmt;
use std::str::FromStr;

/// The longest repository path, in bytes, without the registry's host (`RepositoryNameTotalLengthMax` in Go).
pub const MAX_PATH: usize = 255;

/// The longest tag, in bytes (the OCI distribution specification's `[\w][\w.-]{0,127}`).
pub const MAX_TAG: usize = 128;

/// The registry of a name that has none.
const DOCKER_HUB: &str = "docker.io";
/// The only other name that folds into [`DOCKER_HUB`].
const DOCKER_INDEX: &str = "index.docker.io";
/// The namespace of Docker Hub's official images.
const OFFICIAL: &str = "library/";

/// A normalised image reference: a registry's host, a repository path, and possibly a tag and a digest.
///
/// `Display` writes the canonical form (`docker.io/library/alpine:3`), which parses to the same value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    domain: String,
    path: String,
    tag: Option<String>,
    digest: Option<String>,
}

/// Why a text is not an image reference; the messages say what Go's do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// The text does not have the form `[host/]path[:tag][@digest]`.
    #[error("invalid reference format")]
    Format {
        /// Whether the text begins with a URL scheme, which is the usual reason.
        scheme: bool,
    },
    /// The repository path has an upper-case letter.
    #[error("invalid reference format: repository name ({}) must be lowercase", printable(path))]
    Uppercase {
        /// The path, with `library/` if that was left out.
        path: String,
        /// What was probably meant.
        lower: String,
    },
    /// The name is valid in lower case only, because its first part is not a valid host.
    #[error("repository name must be lowercase")]
    UppercaseName,
    /// Exactly 64 hexadecimal digits: that is an image id, which exists on one machine only.
    #[error("invalid repository name ({0}), cannot specify 64-byte hexadecimal strings")]
    ImageId(String),
    /// The repository path is longer than [`MAX_PATH`] bytes.
    #[error("repository name must not be more than {MAX_PATH} characters")]
    TooLong,
    /// The digest's algorithm is not one of `sha256`, `sha384` and `sha512`.
    #[error("unsupported digest algorithm")]
    DigestAlgorithm,
    /// The digest has not as many digits as its algorithm gives.
    #[error("invalid checksum digest length")]
    DigestLength,
    /// The digest is not lower-case hexadecimal.
    #[error("invalid checksum digest format")]
    DigestFormat,
}

impl ReferenceError {
    /// What to change in the text, where that can be said.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Format { scheme: true } => {
                Some("leave out the scheme: an image name begins with the registry's host".into())
            }
            Self::Uppercase { lower, .. } if Reference::parse(lower).is_ok() => {
                Some(format!("write `{lower}`"))
            }
            Self::ImageId(_) => Some("name the image: an image id exists on one machine only".into()),
            Self::DigestFormat => Some("write the digest in lower case".into()),
            Self::Format { .. }
            | Self::Uppercase { .. }
            | Self::UppercaseName
            | Self::TooLong
            | Self::DigestAlgorithm
            | Self::DigestLength => None,
        }
    }
}

impl Reference {
    /// Reads an image name as a user writes it (`alpine`, `ghcr.io/acme/api:1`, `postgres@sha256:…`).
    ///
    /// No default tag is added: [`Reference::tag`] is what was written.
    ///
    /// # Errors
    /// [`ReferenceError`] if Docker would refuse the name, too.
    pub fn parse(input: &str) -> Result<Self, ReferenceError> {
        if is_image_id(input) {
            return Err(ReferenceError::ImageId(input.to_owned()));
        }
        let (domain, remainder) = split_domain(input);
        let remote = before(&remainder, ':');
        if has_uppercase(remote) {
            let lower = lowered(input, &remainder);
            return Err(ReferenceError::Uppercase { path: remote.to_owned(), lower });
        }
        parse_qualified(&format!("{domain}/{remainder}")).map_err(|error| match error {
            ReferenceError::Format { .. } => ReferenceError::Format { scheme: input.contains("://") },
            other => other,
        })
    }

    /// The registry's host, with its port if one was written; empty if the first part of the name is not a valid host
    /// although it has a dot (`foo_bar.com/x`): then no registry is meant at all.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The repository's path on its registry; official images of Docker Hub have `library/` before their name.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The tag that was written.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest that was written, with its algorithm: `sha256:…`.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The short form that people write: without `docker.io/`, and without `library/` before an official image.
    ///
    /// For a path on Docker Hub whose first part looks like a host (`docker.io/ghcr.io/x`) the short form means
    /// another image. That is Go's answer too.
    pub fn familiar(&self) -> String {
        let (domain, path) = if self.domain == DOCKER_HUB {
            ("", familiar_path(&self.path))
        } else {
            (self.domain.as_str(), self.path.as_str())
        };
        let mut text = joined(domain, path);
        self.push_version(&mut text);
        text
    }

    /// The name without tag and digest: `docker.io/library/alpine`.
    pub fn name(&self) -> String {
        joined(&self.domain, &self.path)
    }

    /// Whether the kubelet tries a login for Docker Hub for it though it is on another host: one that has neither a dot nor a
    /// port, such as `localhost` (`isDefaultRegistryMatch` in `pkg/credentialprovider/keyring.go`).
    pub fn is_docker_hub_to_kubelet(&self) -> bool {
        let name = self.name();
        self.domain != DOCKER_HUB && !name.split('/').next().is_some_and(|host| host.contains(['.', ':']))
    }

    /// The same image, with the port of its host.
    pub fn with_port(&self, port: u16) -> String {
        Self { domain: format!("{}:{port}", self.domain), ..self.clone() }.to_string()
    }

    fn push_version(&self, text: &mut String) {
        for (mark, part) in [(':', &self.tag), ('@', &self.digest)] {
            if let Some(part) = part {
                text.push(mark);
                text.push_str(part);
            }
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.name();
        self.push_version(&mut text);
        f.write_str(&text)
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(input: &str) -> Result<Self, Self::Err> {
        Self::parse(input)
    }
}

/// Whether a text is a registry's host in an image name: labels, an IPv4 address or `[IPv6]`, and possibly `:port`.
pub(super) fn is_domain(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            (!address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':'), port)
        }
        None => {
            let name = before(text, ':');
            (name.split('.').all(is_host_label), &text[name.len()..])
        }
    };
    host && (port.is_empty() || port.strip_prefix(':').is_some_and(is_digits))
}

/// Splits what was written into the registry's host and the rest, as `splitDockerDomain` does.
fn split_domain(input: &str) -> (&str, String) {
    let (domain, rest) = match input.split_once('/') {
        Some((DOCKER_INDEX, rest)) => (DOCKER_HUB, rest),
        Some((first, rest)) if first == "localhost" || first.contains(['.', ':']) || has_uppercase(first) => {
            (first, rest)
        }
        Some(_) | None => (DOCKER_HUB, input),
    };
    let official = domain == DOCKER_HUB && !rest.contains('/');
    (domain, if official { format!("{OFFICIAL}{rest}") } else { rest.to_owned() })
}

/// What was written, in lower case but for a tag and a host that looks like one. The remainder is its end, but for `library/`.
fn lowered(input: &str, remainder: &str) -> String {
    let written = if input.ends_with(remainder) {
        remainder
    } else {
        remainder.strip_prefix(OFFICIAL).unwrap_or(remainder)
    };
    let (host, _) = input.split_at(input.len() - written.len());
    let path = before(written, ':');
    let host = if host.contains(['.', ':']) { host.to_owned() } else { host.to_lowercase() };
    format!("{host}{}{}", path.to_lowercase(), &written[path.len()..])
}

/// Reads `host/path[:tag][@digest]`, where the host may turn out to be the first part of a path.
fn parse_qualified(text: &str) -> Result<Reference, ReferenceError> {
    let Some(reference) = shape(text) else {
        let lower = text.to_lowercase();
        let only_case = lower != text && shape(&lower).is_some();
        return Err(if only_case {
            ReferenceError::UppercaseName
        } else {
            ReferenceError::Format { scheme: false }
        });
    };
    if reference.path.len() > MAX_PATH {
        return Err(ReferenceError::TooLong);
    }
    reference.digest.as_deref().map_or(Ok(()), check_digest)?;
    Ok(reference)
}

/// The grammar alone: what Go's regular expression matches.
fn shape(text: &str) -> Option<Reference> {
    let (named, digest) = cut(text, '@');
    let (first, rest) = named.split_once('/')?;
    let (rest_path, tag) = cut(rest, ':');
    let (domain, path) =
        if is_domain(first) { (first, rest_path) } else { ("", &named[..first.len() + 1 + rest_path.len()]) };
    let valid =
        path.split('/').all(is_path_component) && tag.is_none_or(is_tag) && digest.is_none_or(is_digest);
    valid.then(|| Reference {
        domain: domain.to_owned(),
        path: path.to_owned(),
        tag: tag.map(str::to_owned),
        digest: digest.map(str::to_owned),
    })
}

/// What `go-digest` asks of a digest beyond the reference's grammar.
fn check_digest(digest: &str) -> Result<(), ReferenceError> {
    let (algorithm, encoded) = digest.split_once(':').ok_or(ReferenceError::DigestFormat)?;
    let digits = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        other if has_uppercase(other) => return Err(ReferenceError::DigestFormat),
        _ => return Err(ReferenceError::DigestAlgorithm),
    };
    if encoded.len() != digits {
        return Err(ReferenceError::DigestLength);
    }
    if encoded.bytes().all(is_lower_hex) { Ok(()) } else { Err(ReferenceError::DigestFormat) }
}

/// `[a-z0-9]+` runs, separated by `.`, `_`, `__` or any number of `-`.
fn is_path_component(text: &str) -> bool {
    let is_word = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    let is_separator =
        |run: &[u8]| matches!(run, b"" | b"." | b"_" | b"__") || run.iter().all(|b| *b == b'-');
    bytes.first().is_some_and(is_word)
        && bytes.last().is_some_and(is_word)
        && bytes.split(is_word).all(is_separator)
}

fn is_host_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    is_edge(bytes.first())
        && is_edge(bytes.last())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
}

fn is_tag(text: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let starts_well = text.bytes().next().is_some_and(is_word);
    starts_well && text.len() <= MAX_TAG && text.bytes().all(|b| is_word(b) || matches!(b, b'.' | b'-'))
}

fn is_digest(text: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    text.split_once(':').is_some_and(|(algorithm, encoded)| {
        algorithm.split(['-', '_', '+', '.']).all(is_part)
            && encoded.len() >= 32
            && encoded.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

fn is_image_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(is_lower_hex)
}

fn is_lower_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'a'..=b'f')
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether lower-casing changes the text; of all Unicode, as Go's `strings.ToLower`.
fn has_uppercase(text: &str) -> bool {
    text.chars().any(|c| !c.to_lowercase().eq([c]))
}

fn before(text: &str, mark: char) -> &str {
    cut(text, mark).0
}

fn cut(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(head, tail)| (head, Some(tail)))
}

fn familiar_path(path: &str) -> &str {
    path.strip_prefix(OFFICIAL).filter(|rest| !rest.contains('/')).unwrap_or(path)
}

fn joined(domain: &str, path: &str) -> String {
    if domain.is_empty() { path.to_owned() } else { format!("{domain}/{path}") }
}

/// A text of unknown origin without control characters, which could write over a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
