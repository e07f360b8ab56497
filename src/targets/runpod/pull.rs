//! How RunPod pulls an image: each template, endpoint and pod that has it pulls it with its own auth, whatever registry the auth
//! was made for, or anonymously. By RunPod's description; no pull was seen.

use super::{Desired, Kind, Observed, Runpod, User};
use crate::change::{Pull, PullLogin, Used};
use crate::model::{Address, Problem, Reference, RunpodItem};
use crate::redact;
use crate::targets::Target;

/// How each of what has one of these images pulls it; one line for an image that nothing has.
#[must_use]
pub(super) fn pulls(images: &[String], desired: &[Desired], observed: &Observed) -> Vec<Pull> {
    images.iter().flat_map(|image| of(image, desired, observed)).collect()
}

fn of(image: &str, desired: &[Desired], observed: &Observed) -> Vec<Pull> {
    if observed.auths.is_err() {
        // What could not be read, the plan says.
        return Vec::new();
    }
    let pull = |place: String, login: Used, result: Result<(), Problem>| Pull {
        image: image.to_owned(),
        place,
        login,
        then: Vec::new(),
        result,
        instead: None,
    };
    let reference = match Reference::parse(image) {
        Ok(reference) => reference,
        Err(error) => {
            return vec![pull(Runpod::NAME.to_owned(), Used::Refused, Err(Problem::from(&error)))];
        }
    };
    let has = |user: &User| {
        user.image.as_deref().and_then(|image| Reference::parse(image).ok()).as_ref() == Some(&reference)
    };
    let users = observed.each().filter(|(_, user)| has(user));
    let pulls: Vec<Pull> = users
        .map(|(kind, user)| {
            let place = Place { kind, user, desired, observed };
            pull(user.called(kind), place.login(), place.judge())
        })
        .collect();
    let unread = observed.users.values().any(Result::is_err);
    if pulls.is_empty() && !unread {
        return vec![pull(Runpod::NAME.to_owned(), Used::Refused, Ok(()))];
    }
    pulls
}

/// A template, endpoint or pod that has the image.
struct Place<'a> {
    kind: Kind,
    user: &'a User,
    desired: &'a [Desired],
    observed: &'a Observed,
}

impl Place<'_> {
    /// The auth's name, if it has one that is there.
    fn auth(&self) -> Option<&str> {
        let auths = self.observed.auths.as_ref().ok()?;
        auths.get(self.user.registry.as_deref()?).map(String::as_str)
    }

    /// The place in the configuration whose auth it is.
    fn owner(&self) -> Option<&Desired> {
        let name = self.auth()?;
        self.desired.iter().find(|desired| desired.made(name))
    }

    fn login(&self) -> Used {
        let Some(name) = self.auth() else { return Used::None };
        let owner = self.owner();
        let theirs = || Address::Runpod { item: RunpodItem::Registry(name.to_owned()) };
        let login = PullLogin {
            address: owner.map_or_else(theirs, Desired::address),
            name: redact::outside(name),
            registry: None,
            username: None,
        };
        if owner.is_some() { Used::Ours(login) } else { Used::Other(login) }
    }

    fn judge(&self) -> Result<(), Problem> {
        let declared = self.desired.iter().find(|desired| desired.covers(self.user).is_ok());
        let cause = match (declared, self.owner(), self.user.registry.as_deref(), self.auth()) {
            (Some(declared), Some(owner), ..) if owner == declared => return Ok(()),
            (_, Some(owner), ..) => {
                format!("the auth is of {}, and for {}", owner.credential, owner.registry)
            }
            (None, None, Some(_), Some(_)) | (None, None, None, _) => return Ok(()),
            (_, None, Some(id), None) => format!("its auth {} is gone", redact::outside(id)),
            (Some(declared), None, Some(_), Some(_)) => {
                format!("it is not the auth of {}", declared.credential)
            }
            (Some(declared), None, None, _) => {
                format!("it has no auth, though {} is for it", declared.credential)
            }
        };
        Err(Problem::outside(cause).hint(self.advice(declared)))
    }

    fn advice(&self, declared: Option<&Desired>) -> String {
        if declared.is_some_and(|desired| desired.takes(self.kind, self.user)) {
            return "to point it at our auth: regcred sync".to_owned();
        }
        let key = match self.kind {
            Kind::Template => "templates",
            Kind::Endpoint => "endpoints",
            Kind::Pod => "pods",
        };
        match declared {
            Some(_) => format!("name it in regcred.yaml under `runpod: {{ {key}: [] }}`, then: regcred sync"),
            None => "give it an auth for its registry, or none, in RunPod's console".to_owned(),
        }
    }
}
