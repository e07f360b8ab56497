//! With which row Daytona pulls an image, by its own matching, and where that is not what the image's name means.
//!
//! Its server (0.190; held to its source by `tests/fixtures/daytona.json`) chooses twice, and only the second choice is the
//! pull:
//!
//! ```text
//!             a name with a host                   a name without one
//! looks up    the first row that it begins with    the row for docker.io (before 0.171: none)
//! pulls       the first row that it begins with    none: no row's url begins a short name
//! ```
//!
//! A name begins with a row's url, without its scheme, up to a `/`, a `:` or the end. Nothing is folded: `index.docker.io/…`
//! matches no row. Where no row of the organization is for an image, an operator's may be, which no list shows.

use super::image::{has_host, refusal};
use super::{Daytona, Desired, Observed, Row, Version, address, stored};
use crate::change::{Pull, PullLogin, Used};
use crate::model::registry::DOCKER_HUB;
use crate::model::{Problem, Reference, Registry};
use crate::redact;
use crate::targets::Target;

/// The rows and what they should be.
pub struct Rows<'a> {
    desired: &'a [Desired],
    rows: Vec<&'a Row>,
    version: Option<Version>,
}

/// How Daytona pulls these images.
#[must_use]
pub fn pulls(images: &[String], desired: &[Desired], observed: &Observed) -> Vec<Pull> {
    // Where the list could not be read, the plan says so.
    let Ok(rows) = &observed.rows else { return Vec::new() };
    let mut rows: Vec<&Row> = rows.iter().collect();
    // Which one comes first is not defined; a table most likely gives first what was written longest ago.
    rows.sort_by_key(|row| (row.updated, &row.id));
    let rows = Rows { desired, rows, version: observed.version };
    images.iter().map(|image| rows.pull(image)).collect()
}

impl Rows<'_> {
    fn pull(&self, image: &str) -> Pull {
        let place = Daytona::NAME.to_owned();
        let of = |login, result, instead| Pull {
            image: image.to_owned(),
            place,
            login,
            then: Vec::new(),
            result,
            instead,
        };
        if let Some(refusal) = refusal(image) {
            let instead = self.instead(image);
            let hint = instead.as_ref().map(|instead| format!("write {instead}")).or_else(|| refusal.hint());
            let why = Problem::outside(refusal.to_string()).hints(hint);
            return of(Used::Refused, Err(why), instead);
        }
        let pulled = self.pulled(image);
        let login = pulled.map_or(Used::None, |row| self.login(row));
        let result = self.judge(image, pulled);
        let instead = result.is_err().then(|| self.instead(image)).flatten();
        of(login, result, instead)
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

    /// The row whose login the image is pulled with.
    fn pulled(&self, image: &str) -> Option<&Row> {
        self.rows.iter().copied().find(|row| begins_with(image, stored::bare(&row.url)))
    }

    /// The row whose login Daytona looks the image up with before it pulls. A server that does not tell its version is
    /// taken for a new one.
    fn looked_up(&self, image: &str) -> Option<&Row> {
        if has_host(image) {
            return self.pulled(image);
        }
        let is_old = self.version.is_some_and(|version| version < Version::LOOKS_UP_SHORT_NAMES);
        let hub = |row: &&Row| stored::bare(&row.url) == DOCKER_HUB || is_below_hub(&row.url);
        self.rows.iter().copied().filter(|_| !is_old).find(hub)
    }

    /// The place in the configuration that a row is: its registry's, if regcred named the row.
    fn owner(&self, row: &Row) -> Option<&Desired> {
        let ours = |place: &&Desired| place.names(&row.name) && stored::matches(&row.url, &place.registry);
        self.desired.iter().find(ours)
    }

    fn judge(&self, image: &str, used: Option<&Row>) -> Result<(), Problem> {
        // A name that cannot be read is refused before.
        let Ok(reference) = Reference::parse(image) else { return Ok(()) };
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
            (Some(place), None) if !has_host(image) && !self.is_left_over(place) => {
                self.short_name(image, place)
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
        Err(Problem::outside(cause).hints(self.advice(image, declared, used)))
    }

    /// Why an image without a host gets no login of regcred's.
    fn short_name(&self, image: &str, place: &Desired) -> String {
        let ours = self.looked_up(image).and_then(|row| self.owner(row)) == Some(place);
        let with = if ours { " with our login" } else { "" };
        format!(
            "without a host it matches no row: Daytona looks it up{with}, and pulls it anonymously or with an operator's login"
        )
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
    fn advice(&self, image: &str, declared: Option<&Desired>, used: Option<&Row>) -> Option<String> {
        if let Some(instead) = self.instead(image) {
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

    /// The full form of the same image that is pulled with a declared row: of the name as it is, in small letters, or
    /// without a port; of one by tag and digest that by its tag.
    fn instead(&self, image: &str) -> Option<String> {
        let tagged = image.split('@').next().unwrap_or_default();
        let (host, path) = tagged.split_once('/').unwrap_or(("", tagged));
        let without_port = format!("{}/{path}", host.split(':').next().unwrap_or_default());
        let spellings = [tagged.to_owned(), tagged.to_lowercase(), without_port];
        let full =
            |spelling: String| Reference::parse(&spelling).ok().map(|other| (other.to_string(), other));
        let is_ours = |(spelling, other): &(String, Reference)| {
            let place = self.desired.iter().find(|place| place.registry.covers(other));
            let owner = self.pulled(spelling).and_then(|row| self.owner(row));
            spelling != image && refusal(spelling).is_none() && place.is_some() && owner == place
        };
        spellings.into_iter().filter_map(full).find(is_ours).map(|(spelling, _)| spelling)
    }
}

fn begins_with(image: &str, url: &str) -> bool {
    image.strip_prefix(url).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':']))
}

/// Whether a url is for a part of Docker Hub.
fn is_below_hub(url: &str) -> bool {
    stored::bare(url).strip_prefix(DOCKER_HUB).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a url is for a part of the image's own registry.
fn is_below(url: &str, reference: &Reference) -> bool {
    reference.domain().parse::<Registry>().is_ok_and(|registry| stored::is_part_of(url, &registry))
}

/// The host of an image, for people.
fn host_of(reference: &Reference) -> &str {
    if reference.domain().is_empty() { "none" } else { reference.domain() }
}
