//! Which logins the kubelet tries for an image, in each namespace and for each service account, as the cluster is now.

use std::collections::BTreeSet;

use super::diff::{Wanted, WantedSecret};
use super::kubelet::{self, Try};
use super::turn::{self, Pulls};
use super::{Desired, Held, ObjectRef, Observed, State};
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
        // What could not be read is the plan's to tell, and that a namespace is being deleted.
        if let Some(Ok(Some(found))) = observed.accounts.get(at)
            && account.namespace.state == State::There
        {
            places.push(Place::new(at.service_account(), at, &found.secrets, &own, &wanted, observed));
        }
        named.extend(own);
    }
    for (at, found) in &observed.secrets {
        let is_there = wanted.secrets.get(at).is_none_or(|secret| secret.namespace.state == State::There);
        if matches!(found, Ok(Some(_))) && is_there && !named.contains(at) {
            let (names, own) = ([at.name.clone()], [at.clone()].into());
            places.push(Place::new(at.secret(), at, &names, &own, &wanted, observed));
        }
    }
    images.iter().flat_map(|image| places.iter().map(|place| place.pull(image))).collect()
}

/// Logins in the order in which they are tried.
type Tries<'a> = Vec<Try<'a, Held>>;

/// What is tried for an image, whether that is right, and another name of the same image for which it is.
type LookUp<'a> = (Tries<'a>, Result<(), Problem>, Option<String>);

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
        let (login, then, result, instead) = match self.look_up(image) {
            Err(problem) => (Used::Refused, Vec::new(), Err(problem), None),
            Ok((tried, result, instead)) => {
                let login = tried.first().map_or(Used::None, |first| match self.is_ours(first) {
                    true => Used::Ours(self.login(first)),
                    false => Used::Other(self.login(first)),
                });
                (login, tried.iter().skip(1).map(|tried| self.login(tried)).collect(), result, instead)
            }
        };
        Pull { image: image.to_owned(), place: self.address.to_string(), login, then, result, instead }
    }

    /// The logins that are tried in order, whether that is what the image's name means, and a name that means it.
    ///
    /// # Errors
    /// Why it is not pulled at all.
    fn look_up(&self, image: &str) -> Result<LookUp<'_>, Problem> {
        let reference = Reference::parse(image).map_err(|error| Problem::from(&error))?;
        let steps = kubelet::tries(&reference.name(), &self.pulls.secrets);
        let steps = steps.map_err(|unreadable| outranked(unreadable.to_string()))?;
        let first = steps.first().map_or(0, Vec::len);
        let tried: Tries<'_> = steps.into_iter().flatten().collect();
        let instead = self.instead(&reference, &tried);
        let result = match &instead {
            Some(instead) => Err(taken_for_hub(&reference, instead)),
            None => self.judge(&reference, &tried, first),
        };
        Ok((tried, result, instead))
    }

    /// Whether a declared login for the image is tried before all others; `first` are those of the first step, whose order
    /// is left to chance.
    fn judge(&self, image: &Reference, tried: &[Try<'_, Held>], first: usize) -> Result<(), Problem> {
        let Some(ours) = self.ours.iter().find(|ours| ours.registry.covers(image)) else {
            return Ok(());
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

    /// The name of an image that the kubelet takes for one of Docker Hub's, so that it does not.
    fn instead(&self, image: &Reference, tried: &[Try<'_, Held>]) -> Option<String> {
        let declared = self.ours.iter().any(|ours| ours.registry.covers(image));
        let of_hub = tried.iter().any(|tried| kubelet::reach(tried.key, image.domain()).is_none());
        (!declared && of_hub && image.is_docker_hub_to_kubelet()).then(|| image.with_port(443))
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

fn taken_for_hub(image: &Reference, instead: &str) -> Problem {
    let words = format!(
        "`{}` has neither a dot nor a port, so that the kubelet logs in there as at Docker Hub",
        image.domain()
    );
    Problem::outside(words).hint(format!("give the host a port: {instead}"))
}

fn outranked(words: String) -> Problem {
    let reason = Reason::Outranked(words);
    Problem::outside(reason.to_string()).hints(reason.hint())
}
