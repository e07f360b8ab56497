//! Which image names Daytona takes, as its server (0.170 to 0.190) judges them.

use crate::model::{Problem, Reference, ReferenceError};

/// Why Daytona does not pull an image at all.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Its server looks at `name:sha256:…` for `name@sha256:…`, which is not the name of an image.
    Digest,
    /// There is no tag.
    NoTag,
    /// The tag is `latest`.
    Latest,
    /// A part is empty, or has another character than letters, digits and `_ . - :`.
    Characters,
    /// The name is none.
    Invalid(ReferenceError),
}

/// Why Daytona refuses the name, if it does.
pub(super) fn refusal(image: &str) -> Option<Refusal> {
    if image.contains("@sha256:") {
        Some(Refusal::Digest)
    } else if !image.contains(':') || image.trim_end().ends_with(':') {
        Some(Refusal::NoTag)
    } else if image.ends_with(":latest") {
        Some(Refusal::Latest)
    } else if !image.split('/').all(is_part) {
        Some(Refusal::Characters)
    } else {
        // A name without a host is looked at under docker.io.
        let asked = if has_host(image) { image.to_owned() } else { format!("docker.io/{image}") };
        Reference::parse(&asked).err().map(Refusal::Invalid)
    }
}

fn is_part(part: &str) -> bool {
    !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_.-:".contains(c))
}

impl Refusal {
    /// What to write instead.
    pub(super) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Digest => "write its tag instead of the digest".to_owned(),
            Self::NoTag | Self::Latest => "write the tag of a version, such as :3.20".to_owned(),
            Self::Characters => return None,
            Self::Invalid(error) => return error.hint(),
        })
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Digest => f.write_str("Daytona takes no image by its digest"),
            Self::NoTag => f.write_str("Daytona takes no image without a tag"),
            Self::Latest => f.write_str("Daytona refuses the tag `latest`"),
            Self::Characters => {
                f.write_str("Daytona takes names of letters, digits and _ . - : between single slashes only")
            }
            Self::Invalid(error) => f.write_str(&Problem::from(error).message),
        }
    }
}

/// Whether the name begins with a registry, as Daytona reads it: a first part with a `.` or a `:`, or `localhost`.
pub(super) fn has_host(image: &str) -> bool {
    image.split_once('/').is_some_and(|(first, _)| first == "localhost" || first.contains(['.', ':']))
}
