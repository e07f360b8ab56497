//! Which row's login the server uses for an image. Written from a description of its rules alone, and apart from regcred's
//! own reading of them; both are held to what the server's source answers (`tests/fixtures/daytona.json`).

use super::Row;

/// The first version that looks an image without a host up with the organization's row for Docker Hub.
const LOOKS_UP_SHORT_NAMES: u32 = 171;

/// The row of the look-up, which comes before the pull; none for an anonymous one. `version` is the server's, `0.190.0`.
#[must_use]
pub fn looked_up_with<'r>(
    rows: &'r [Row],
    organization: &str,
    image: &str,
    version: &str,
) -> Option<&'r Row> {
    let (before_version, _) = image.split_once("@sha256:").unwrap_or((image, ""));
    let named_host = before_version.split_once('/').map(|(first, _)| first);
    if named_host.is_some_and(|first| first == "localhost" || first.chars().any(|c| c == '.' || c == ':')) {
        return first_that_begins(rows, organization, image);
    }
    let minor = version.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
    if minor.is_some_and(|minor| minor < LOOKS_UP_SHORT_NAMES) {
        return None;
    }
    let hub = |row: &&Row| matches!(without_scheme(&row.url).split('/').next(), Some("docker.io"));
    rows.iter().filter(|row| is_own(row, organization)).find(hub)
}

/// The row that the image is pulled with; none for an anonymous pull. Where no row is for the image, the operator's for
/// Docker Hub is handed over.
#[must_use]
pub fn pulls_with<'r>(rows: &'r [Row], organization: &str, image: &str) -> Option<&'r Row> {
    let of_hub = |row: &&Row| is_shared(row) && row.url == "docker.io" && row.project.is_empty();
    first_that_begins(rows, organization, image).or_else(|| rows.iter().find(of_hub))
}

/// The first of the organization's rows, then of the operator's, in the table's own order, that the image begins with.
fn first_that_begins<'r>(rows: &'r [Row], organization: &str, image: &str) -> Option<&'r Row> {
    let own = rows.iter().filter(|row| is_own(row, organization));
    own.chain(rows.iter().filter(|row| is_shared(row))).find(|row| {
        let url = without_scheme(&row.url);
        image.starts_with(url) && matches!(image.as_bytes().get(url.len()), None | Some(b'/' | b':'))
    })
}

fn is_own(row: &Row, organization: &str) -> bool {
    row.organization == organization && row.registry_type == "organization"
}

/// An operator's row, which belongs to no organization.
fn is_shared(row: &Row) -> bool {
    row.organization.is_empty() && row.registry_type == "internal"
}

fn without_scheme(url: &str) -> &str {
    ["https://", "http://"].into_iter().find_map(|scheme| url.strip_prefix(scheme)).unwrap_or(url)
}
