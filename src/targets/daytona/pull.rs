//! Which row Daytona pulls an image with, by its own matching, and where that is not what the image's name means.
//!
//! Daytona (0.190) looks for a registry in the part before the first `/`: it is one if it has a `.` or a `:` or is
//! `localhost`. Without one, the row of `docker.io` is used. With one, the first row whose url, without its scheme, the
//! name begins with, up to a `/`, a `:` or the end. Nothing is folded: `index.docker.io/…` matches no row.

use super::{Daytona, Desired, Observed, Row, address, stored};
use crate::change::{Pull, PullLogin, Used};
use crate::model::registry::DOCKER_HUB;
use crate::model::{Problem, Reference, Registry};
use crate::redact;
use crate::targets::Target;

/// The rows and what they are to be.
pub struct Rows<'a> {
    desired: &'a [Desired],
    rows: Vec<&'a Row>,
}

/// How Daytona pulls these images.
#[must_use]
pub fn pulls(images: &[String], desired: &[Desired], observed: &Observed) -> Vec<Pull> {
    // Where the list could not be read, the plan says so.
    let Ok(rows) = &observed.rows else { return Vec::new() };
    let mut rows: Vec<&Row> = rows.iter().collect();
    // Which one comes first is not defined; a table most likely gives first what was written longest ago.
    rows.sort_by_key(|row| (row.updated, &row.id));
    let rows = Rows { desired, rows };
    images.iter().map(|image| rows.pull(image)).collect()
}

impl Rows<'_> {
    fn pull(&self, image: &str) -> Pull {
        let used = self.used(image);
        let login = used.map_or(Used::None, |row| self.login(row));
        let result = self.judge(image, used);
        let instead = result.is_err().then(|| Reference::parse(image).ok()).flatten();
        let instead = instead.and_then(|reference| self.instead(image, &reference));
        let place = Daytona::NAME.to_owned();
        Pull { image: image.to_owned(), place, login, then: Vec::new(), result, instead }
    }

    fn login(&self, row: &Row) -> Used {
        let owner = self.owner(row);
        let login = PullLogin {
            address: owner.map_or_else(|| address(&row.id), Desired::address),
            name: redact::outside(&row.name),
            registry: Some(redact::outside(stored::bare(&row.url))),
            username: Some(redact::outside(&row.username)),
        };
        if owner.is_some() { Used::Ours(login) } else { Used::Other(login) }
    }

    /// The row that Daytona takes.
    fn used(&self, image: &str) -> Option<&Row> {
        let host = image.split_once('/').map(|(first, _)| first).filter(|first| is_host(first));
        self.rows.iter().copied().find(|row| match host {
            None => row.url == DOCKER_HUB || row.url.starts_with("docker.io/"),
            Some(_) => begins_with(image, stored::bare(&row.url)),
        })
    }

    /// The place in the configuration that a row is: its registry's, if regcred named the row.
    fn owner(&self, row: &Row) -> Option<&Desired> {
        let ours = |place: &&Desired| place.names(&row.name) && stored::matches(&row.url, &place.registry);
        self.desired.iter().find(ours)
    }

    fn judge(&self, image: &str, used: Option<&Row>) -> Result<(), Problem> {
        let reference = Reference::parse(image).map_err(|error| {
            Problem::outside(format!("not the name of an image: {error}")).hints(error.hint())
        })?;
        let declared = self.desired.iter().find(|place| place.registry.covers(&reference));
        let cause = match (declared, used) {
            (None, None) => return Ok(()),
            (Some(place), Some(row)) if self.owner(row) == Some(place) => return Ok(()),
            (None, Some(row))
                if stored::meant(&row.url).is_some_and(|registry| registry.covers(&reference)) =>
            {
                return Ok(());
            }
            (None, Some(row)) if is_below(&row.url, &reference) => return Ok(()),
            (Some(place), None) if !self.is_in_place(place) => {
                format!("there is no row for {} yet", place.registry)
            }
            (Some(place), None) => format!("no row matches it, though {} has one", place.registry),
            (Some(place), Some(row)) => format!(
                "the row `{}` of user {} comes before that of {}",
                redact::outside(&row.name),
                redact::outside(&row.username),
                place.credential
            ),
            (None, Some(row)) => format!(
                "its registry is {}, and Daytona pulls it with the login for {}",
                host_of(&reference),
                redact::outside(stored::bare(&row.url))
            ),
        };
        Err(Problem::outside(cause).hints(self.advice(image, &reference, declared, used)))
    }

    fn is_in_place(&self, place: &Desired) -> bool {
        self.rows.iter().any(|row| self.owner(row) == Some(place))
    }

    /// Whether the place's row is one that an old server stored, and that newer ones do not match.
    fn is_left_over(&self, place: &Desired) -> bool {
        let ours = |row: &&&Row| self.owner(row) == Some(place);
        self.rows.iter().filter(ours).all(|row| stored::is_of_old_server(&row.url))
    }

    /// What to write, or to do, instead.
    fn advice(
        &self,
        image: &str,
        reference: &Reference,
        declared: Option<&Desired>,
        used: Option<&Row>,
    ) -> Option<String> {
        if let Some(instead) = self.instead(image, reference) {
            return Some(format!("write {instead}"));
        }
        match (declared, used) {
            (Some(place), _) if !self.is_in_place(place) => Some("regcred sync".to_owned()),
            (Some(place), None) if self.is_left_over(place) => Some("regcred sync --rewrite".to_owned()),
            (Some(place), Some(row)) if stored::matches(&row.url, &place.registry) => {
                Some("to remove it: regcred sync --allow-delete".to_owned())
            }
            (_, Some(row)) if self.owner(row).is_none() => {
                Some(format!("delete the row `{}` in Daytona's dashboard", redact::outside(&row.name)))
            }
            _ => None,
        }
    }

    /// Another spelling that Daytona and everybody else read alike, and that a declared row is for: the short one, the
    /// full one, one in small letters, or one without a port.
    fn instead(&self, image: &str, reference: &Reference) -> Option<String> {
        let (host, path) = image.split_once('/').unwrap_or(("", image));
        let without_port = format!("{}/{path}", host.split(':').next().unwrap_or_default());
        let spellings = [reference.familiar(), reference.to_string(), image.to_lowercase(), without_port];
        spellings.into_iter().filter(|spelling| spelling != image).find(|spelling| {
            let Ok(other) = Reference::parse(spelling) else { return false };
            let place = self.desired.iter().find(|place| place.registry.covers(&other));
            let owner = self.used(spelling).and_then(|row| self.owner(row));
            place.is_some() && owner == place
        })
    }
}

/// Whether Daytona takes the part before the first `/` for a registry.
fn is_host(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':'])
}

fn begins_with(image: &str, url: &str) -> bool {
    let rest = image.strip_prefix(url).filter(|_| !url.is_empty());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':']))
}

/// Whether a url is for a part of the image's own registry.
fn is_below(url: &str, reference: &Reference) -> bool {
    reference.domain().parse::<Registry>().is_ok_and(|registry| stored::is_part_of(url, &registry))
}

/// The host of an image, for people.
fn host_of(reference: &Reference) -> &str {
    if reference.domain().is_empty() { "none" } else { reference.domain() }
}
