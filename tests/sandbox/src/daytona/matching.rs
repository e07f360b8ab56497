//! Which row the server gives its runner for an image. Written from the description of its rules alone, and apart from
//! regcred's own reading of them: a test compares the two.

use super::Row;

/// What the server makes of an image's name before it looks for a row.
struct Parsed {
    registry: Option<String>,
}

fn parse(image: &str) -> Parsed {
    let without_digest = image.split("@sha256:").next().unwrap_or_default();
    let parts: Vec<&str> = without_digest.split('/').collect();
    let is_registry = |part: &str| part.contains('.') || part.contains(':') || part == "localhost";
    match parts.as_slice() {
        [first, _, ..] if is_registry(first) => Parsed { registry: Some((*first).to_owned()) },
        _ => Parsed { registry: None },
    }
}

/// The first of the organization's rows, in the table's own order, that is for the image; none for an anonymous pull.
#[must_use]
pub fn pulls_with<'r>(rows: &'r [Row], organization: &str, image: &str) -> Option<&'r Row> {
    let own = rows.iter().filter(|row| row.organization == organization);
    let mut candidates = own.filter(|row| row.registry_type == "organization");
    if parse(image).registry.is_none() {
        return candidates.find(|row| row.url == "docker.io" || row.url.starts_with("docker.io/"));
    }
    candidates.find(|row| {
        let without_scheme = row.url.trim_start_matches("https://").trim_start_matches("http://");
        if !image.starts_with(without_scheme) {
            return false;
        }
        let next = image.as_bytes().get(without_scheme.len());
        matches!(next, None | Some(b'/' | b':'))
    })
}
