//! What an item of `github` means: a place and the names in it.

use super::Validator;
use crate::desired::file;
use crate::desired::names::github_fault;
use crate::desired::node::Spanned;
use crate::model::CredentialId;
use crate::targets::github::{self, Names, Place, Store};

impl Validator {
    pub(super) fn github(&mut self, id: &CredentialId, declared: &file::Github) {
        if let Some(organization) = &declared.organization {
            self.refuse(
                organization.at,
                "organization secrets are not supported yet",
                "list the repositories instead",
            );
            return;
        }
        let Some(repository) = &declared.repository else {
            self.refuse(declared.at, "an item of `github` has no repository", "repository: owner/name");
            return;
        };
        let Some((owner, repo)) = split_repository(&repository.value) else {
            self.refuse(
                repository.at,
                format!("`{}` is not a repository", repository.value),
                "repository: owner/name",
            );
            return;
        };
        let place = Place { owner: owner.to_owned(), repo: repo.to_owned(), store: self.store(declared) };
        if self.desired.github.iter().any(|other| other.place == place && other.credential == *id) {
            self.refuse(declared.at, "the same place is listed twice", "leave one of them out");
        }
        let names = self.names(id, declared, &place.store);
        let taken = |other: &&github::Desired| {
            let same = |name: &String| [&names.username, &names.token].contains(&name);
            other.place == place
                && other.credential != *id
                && (same(&other.names.username) || same(&other.names.token))
        };
        if let Some(other) = self.desired.github.iter().find(taken) {
            let message = format!(
                "`{}` or `{}` is already a secret of credential `{}` here",
                names.username, names.token, other.credential
            );
            self.refuse(declared.at, message, "give each credential `names:` of its own");
        }
        if names.username == names.token {
            self.refuse(
                declared.at,
                format!("`{}` cannot hold both the user name and the token", names.token),
                "give the two different `names:`",
            );
        }
        self.desired.insecure.github |= declared.insecure;
        self.desired.github.push(github::Desired {
            credential: id.clone(),
            place,
            names,
            create_environment: declared.create_environment,
        });
    }

    fn store(&self, declared: &file::Github) -> Store {
        let store = declared.store.as_ref().map(|store| (store.value.as_str(), store.at));
        match (&declared.environment, store) {
            (None, None | Some(("actions", _))) => Store::Actions,
            (None, Some(("dependabot", _))) => Store::Dependabot,
            (Some(environment), None | Some(("actions", _))) => Store::Environment(environment.value.clone()),
            (Some(_), Some(("dependabot", at))) => {
                self.refuse(at, "Dependabot has no environments", "leave `environment` or `store` out");
                Store::Dependabot
            }
            (_, Some((other, at))) => {
                self.refuse(
                    at,
                    format!("`store: {other}` is not known"),
                    "store: actions, or store: dependabot",
                );
                Store::Actions
            }
        }
    }

    fn names(&self, id: &CredentialId, declared: &file::Github, store: &Store) -> Names {
        let default = Names::of(id);
        let named = |name: Option<&Spanned<String>>, default: String| match name {
            Some(name) => {
                if let Some(fault) = github_fault(&name.value) {
                    self.refuse(
                        name.at,
                        format!("`{}` {fault}", name.value),
                        "see GitHub's documentation, \"Naming your secrets\"",
                    );
                }
                name.value.to_ascii_uppercase()
            }
            None => default,
        };
        let marker = if *store == Store::Dependabot {
            format!("{}_DEPENDABOT", default.marker)
        } else {
            default.marker
        };
        Names {
            username: named(declared.username.as_ref(), default.username),
            token: named(declared.token.as_ref(), default.token),
            marker,
        }
    }
}

/// `owner/name`, as GitHub allows them.
pub(in crate::desired) fn split_repository(text: &str) -> Option<(&str, &str)> {
    let (owner, repo) = text.split_once('/')?;
    let legal =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    (legal(owner) && legal(repo) && repo != "." && repo != "..").then_some((owner, repo))
}
