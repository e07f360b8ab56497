//! Which logins the kubelet tries for an image, in each namespace and for each service account, as the cluster is now.

use std::collections::BTreeSet;

use super::diff::{Wanted, WantedSecret};
use super::kubelet::{self, Try};
use super::turn::{self, Pulls};
use super::{Desired, Held, ObjectRef, Observed};
use crate::change::{Pull, PullLogin, Reason, Used};
use crate::model::{Address, CredentialId, Fingerprint, Problem, Reference, Registry};
use crate::redact;

/// How the pods of every declared service account pull these images, and the pods that name a declared pull secret
/// themselves where no service account is declared for it.
#[must_use]
pub(super) fn pulls(images: &[String], desired: &[Desired], observed: &Observed) -> Vec<Pull> {
    let wanted = Wanted::of(desired, observed);
    let mut places = Vec::new();
    let mut named = BTreeSet::new();
    for (at, account) in &wanted.accounts {
        let own: BTreeSet<ObjectRef> =
            account.secrets.iter().map(|name| ObjectRef { name: name.clone(), ..at.clone() }).collect();
        // What could not be read is the plan's to tell.
        if let Some(Ok(Some(found))) = observed.accounts.get(at) {
            places.push(Place::new(at.service_account(), at, &found.secrets, &own, &wanted, observed));
        }
        named.extend(own);
    }
    for (at, found) in &observed.secrets {
        if matches!(found, Ok(Some(_))) && !named.contains(at) {
            let (names, own) = ([at.name.clone()], [at.clone()].into());
            places.push(Place::new(at.secret(), at, &names, &own, &wanted, observed));
        }
    }
    images.iter().flat_map(|image| places.iter().map(|place| place.pull(image))).collect()
}

/// Logins in the order in which they are tried.
type Tries<'a> = Vec<Try<'a, Held>>;

/// A declared login, and the fingerprint of what is in its place.
struct Ours<'a> {
    registry: &'a Registry,
    credential: &'a CredentialId,
    fingerprint: Option<Fingerprint>,
}

/// Pods that have the same pull secrets.
struct Place<'a> {
    address: Address,
    at: ObjectRef,
    pulls: Pulls,
    ours: Vec<Ours<'a>>,
}

impl<'a> Place<'a> {
    /// The pods at `address`, which have the pull secrets of these `names`; `own` are those that are declared.
    fn new(
        address: Address,
        at: &ObjectRef,
        names: &[String],
        own: &BTreeSet<ObjectRef>,
        wanted: &'a Wanted<'_>,
        observed: &Observed,
    ) -> Self {
        let pulls = Pulls::of(at, names, |at| turn::found(observed, at));
        let declared = own.iter().filter_map(|at| Some((at, wanted.secrets.get(at)?)));
        let ours = declared.flat_map(|(at, secret)| Ours::of(at, secret, observed)).collect();
        Self { address, at: at.clone(), pulls, ours }
    }

    fn pull(&self, image: &str) -> Pull {
        let (login, then, result) = match self.look_up(image) {
            Err(problem) => (Used::Refused, Vec::new(), Err(problem)),
            Ok((tried, result)) => {
                let login = tried.first().map_or(Used::None, |first| match self.is_ours(first) {
                    true => Used::Ours(self.login(first)),
                    false => Used::Other(self.login(first)),
                });
                (login, tried.iter().skip(1).map(|tried| self.login(tried)).collect(), result)
            }
        };
        Pull { image: image.to_owned(), place: self.address.to_string(), login, then, result, instead: None }
    }

    /// The logins that are tried in order, and whether that is what the image's name means.
    ///
    /// # Errors
    /// Why it is not pulled at all.
    fn look_up(&self, image: &str) -> Result<(Tries<'_>, Result<(), Problem>), Problem> {
        let reference = Reference::parse(image).map_err(|error| Problem::from(&error))?;
        let steps = kubelet::tries(&reference.name(), &self.pulls.secrets);
        let steps = steps.map_err(|unreadable| outranked(unreadable.to_string()))?;
        let first = steps.first().map_or(0, Vec::len);
        let tried: Tries<'_> = steps.into_iter().flatten().collect();
        let result = self.judge(&reference, &tried, first);
        Ok((tried, result))
    }

    /// Whether a declared login for the image is tried before all others; `first` are those of the first step, whose order
    /// is left to chance.
    fn judge(&self, image: &Reference, tried: &[Try<'_, Held>], first: usize) -> Result<(), Problem> {
        let Some(ours) = self.ours.iter().find(|ours| ours.registry.covers(image)) else {
            return self.judge_foreign(image, tried);
        };
        let Ours { registry, credential: id, .. } = ours;
        let other = tried.iter().take(first).find(|tried| !self.is_ours(tried));
        if let Some(unread) = self.pulls.unread.first() {
            return Err(Problem::outside(format!("whether that comes first is not known: {unread}")));
        }
        match other {
            Some(other) if tried.iter().any(|tried| self.is_ours(tried)) => {
                Err(outranked(format!("{} comes before {id}", turn::words(other))))
            }
            Some(other) => {
                let words = format!("{} is tried, and {id} is not", turn::words(other));
                Err(Problem::outside(words).hint("regcred sync"))
            }
            None if tried.is_empty() => {
                Err(Problem::outside(format!("there is no login for {registry} yet")).hint("regcred sync"))
            }
            None => Ok(()),
        }
    }

    /// The same of an image of a registry for which nothing is declared.
    fn judge_foreign(&self, image: &Reference, tried: &[Try<'_, Held>]) -> Result<(), Problem> {
        let host = image.domain();
        if tried.is_empty() || !image.is_docker_hub_to_kubelet() {
            return Ok(());
        }
        let words = format!(
            "`{host}` has neither a dot nor a port, so that the kubelet logs in there as at Docker Hub"
        );
        Err(Problem::outside(words).hint(format!("give the host a port: {host}:443/{}", image.path())))
    }

    fn is_ours(&self, tried: &Try<'_, Held>) -> bool {
        self.ours.iter().any(|ours| {
            ours.fingerprint.is_some()
                && tried.login.fingerprints.get(ours.registry) == ours.fingerprint.as_ref()
        })
    }

    fn login(&self, tried: &Try<'_, Held>) -> PullLogin {
        let at = ObjectRef { name: tried.secret.to_owned(), ..self.at.clone() };
        let (name, key) = (redact::outside(tried.secret), redact::outside(tried.key));
        PullLogin { address: at.secret(), name, registry: Some(key), username: None }
    }
}

impl<'a> Ours<'a> {
    /// Those that are declared for a pull secret.
    fn of(at: &ObjectRef, secret: &'a WantedSecret<'_>, observed: &Observed) -> Vec<Self> {
        let found = observed.secrets.get(at).and_then(|found| found.as_ref().ok()?.as_ref());
        let held = |registry: &Registry| *found?.logins.get(registry.docker_config_key())?;
        let ours = |(registry, credential)| Self { registry, credential, fingerprint: held(registry) };
        secret.single().map(ours).collect()
    }
}

fn outranked(words: String) -> Problem {
    let reason = Reason::Outranked(words);
    Problem::outside(reason.to_string()).hints(reason.hint())
}
