//! What is to use a credential's auth: what the file chooses, as far as it is pulled with that credential.

use crate::model::Reference;
use std::collections::BTreeSet;

use super::{Desired, Kind, NewTemplate, User};
use crate::redact;

/// All, or those of these ids and names; none of them by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Every one whose image is on the credential's registry.
    All,
    /// Those of these ids or names.
    Named(BTreeSet<String>),
}

impl Default for Choice {
    fn default() -> Self {
        Self::Named(BTreeSet::new())
    }
}

impl Choice {
    /// Whether nothing is chosen.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Named(names) if names.is_empty())
    }

    /// Whether something is chosen by both.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, other) | (other, Self::All) => !other.is_none(),
            (Self::Named(one), Self::Named(two)) => !one.is_disjoint(two),
        }
    }

    /// Whether this one is chosen by its id or its name.
    #[must_use]
    pub fn names(&self, user: &User) -> bool {
        matches!(self, Self::Named(names) if names.contains(&user.id) || names.contains(&user.name))
    }
}

impl Desired {
    /// Whether the file chooses it, whatever its image.
    pub(super) fn chooses(&self, kind: Kind, user: &User) -> bool {
        let choice = self.choice(kind);
        *choice == Choice::All || choice.names(user) || self.declares(kind, user).is_some()
    }

    /// The template of `create` that has this name.
    pub(super) fn declares(&self, kind: Kind, user: &User) -> Option<&NewTemplate> {
        self.create.iter().find(|template| kind == Kind::Template && template.name == user.name)
    }

    /// Whether it is pulled with this credential; else why not, in words.
    pub(super) fn covers(&self, user: &User) -> Result<(), String> {
        let Some(image) = &user.image else { return Err("RunPod shows no image for it".to_owned()) };
        match Reference::parse(image) {
            Ok(reference) if self.registry.covers(&reference) => Ok(()),
            Ok(reference) => Err(format!("its image is on {}", redact::outside(reference.domain()))),
            Err(error) => {
                let error = redact::outside(&error.to_string());
                Err(format!("its image is not a name that can be pulled ({error})"))
            }
        }
    }

    /// Whether it is to use this credential's auth; nothing if it is not chosen, else why not.
    pub(super) fn verdict(&self, kind: Kind, user: &User) -> Option<Result<(), String>> {
        if !self.chooses(kind, user) {
            return None;
        }
        let by_name = self.choice(kind).names(user) || self.declares(kind, user).is_some();
        let covered = self.covers(user);
        Some(if covered.is_ok() && user.public && !by_name {
            Err("it is public: everybody who deploys it gets regcred's auth; name it to change it".to_owned())
        } else {
            covered
        })
    }

    pub(super) fn takes(&self, kind: Kind, user: &User) -> bool {
        self.verdict(kind, user) == Some(Ok(()))
    }
}
