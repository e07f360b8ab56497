//! What an item of `github` means: a place and the names in it.

use std::collections::BTreeSet;

use super::app::Named;
use super::file::{self, Declared};
use super::names::github_fault;
use super::{Audience, Desired, Names, Place, Store};
use crate::model::CredentialId;
use crate::targets::Validator;
use crate::yaml::{At, Spanned};

impl Validator<'_, Desired> {
    pub(super) fn github(&mut self, declared: &Declared) {
        let id = self.id;
        let Some((place, audience)) = self.place(declared) else { return };
        let same_place = |other: &Desired| other.place.folded() == place.folded();
        if self.desired.iter().any(|other| same_place(other) && other.credential == *id) {
            self.refuse(declared.at, "the same place is listed twice", "leave one of them out");
        }
        let names = self.names(id, declared, &place.store);
        let taken = |other: &&Desired| {
            let same = |name: &String| [&names.username, &names.token].contains(&name);
            same_place(other)
                && other.credential != *id
                && (same(&other.names.username) || same(&other.names.token))
        };
        if let Some(other) = self.desired.iter().find(taken) {
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
        self.desired.push(Desired {
            credential: id.clone(),
            place,
            names,
            create_environment: declared.create_environment,
            audience,
            app: declared.app.as_ref().map(|app| self.app(app)),
            insecure: declared.insecure,
        });
    }

    fn app(&self, app: &file::App) -> Named {
        let file::App { id, key_file } = app;
        if !id.value.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let message = format!("`{}` is not the id of a GitHub App", id.value);
            self.refuse(id.at, message, "its number, or its client id, such as Iv23li…");
        }
        Named { id: id.value.clone(), key_file: key_file.value.clone().into() }
    }

    /// A repository, or an organization with who is to see its secrets.
    fn place(&self, declared: &Declared) -> Option<(Place, Option<Audience>)> {
        match (&declared.repository, &declared.organization) {
            (Some(repository), None) => Some((self.repository(repository, declared)?, None)),
            (None, Some(organization)) => self.organization(organization, declared),
            (Some(_), Some(organization)) => {
                self.refuse(
                    organization.at,
                    "an item is of a repository or of an organization",
                    "make it two items of the list",
                );
                None
            }
            (None, None) => {
                self.refuse(declared.at, "an item of `github` has no repository", "repository: owner/name");
                None
            }
        }
    }

    fn repository(&self, repository: &Spanned<String>, declared: &Declared) -> Option<Place> {
        let Some((owner, repo)) = split_repository(&repository.value) else {
            self.refuse(
                repository.at,
                format!("`{}` is not a repository", repository.value),
                "repository: owner/name",
            );
            return None;
        };
        if let Some(visibility) = &declared.visibility {
            self.refuse(visibility.at, "only an organization's secrets have a visibility", "leave it out");
        }
        if declared.repositories.is_some() {
            self.refuse(
                declared.at,
                "`repositories` says who sees an organization's secret",
                "make each repository an item of its own, or say `organization:`",
            );
        }
        Some(Place { owner: owner.to_owned(), repo: Some(repo.to_owned()), store: self.store(declared) })
    }

    fn organization(
        &self,
        organization: &Spanned<String>,
        declared: &Declared,
    ) -> Option<(Place, Option<Audience>)> {
        let owner = organization.value.clone();
        if !is_name(&owner) {
            self.refuse(
                organization.at,
                format!("`{owner}` is not an organization's name"),
                "organization: acme",
            );
            return None;
        }
        if let Some(environment) = &declared.environment {
            self.refuse(environment.at, "an organization has no environments", "leave it out");
        }
        let audience = self.audience(organization.at, declared)?;
        Some((Place { owner, repo: None, store: self.store(declared) }, Some(audience)))
    }

    /// GitHub asks for the visibility each time; a list of repositories says it, too.
    fn audience(&self, at: At, declared: &Declared) -> Option<Audience> {
        let visibility =
            declared.visibility.as_ref().map(|visibility| (visibility.value.as_str(), visibility.at));
        let selected = || self.selected(declared);
        match (visibility, &declared.repositories) {
            (Some(("all", _)), None) => Some(Audience::All),
            (Some(("private", _)), None) => Some(Audience::Private),
            (None | Some(("selected", _)), Some(_)) => Some(Audience::Selected(selected())),
            (Some(("all" | "private", at)), Some(_)) => {
                self.refuse(at, "`repositories` goes with `visibility: selected`", "leave one of them out");
                None
            }
            (None | Some(("selected", _)), None) => {
                self.refuse(
                    at,
                    "it is not said who sees the organization's secrets",
                    "visibility: private, or repositories: [api, web]",
                );
                None
            }
            (Some((other, at)), _) => {
                self.refuse(
                    at,
                    format!("`visibility: {other}` is not known"),
                    "visibility: all, private or selected",
                );
                None
            }
        }
    }

    fn selected(&self, declared: &Declared) -> BTreeSet<String> {
        let named = declared.repositories.iter().flatten();
        for repository in named.clone().filter(|repository| !is_name(&repository.value)) {
            let last = repository.value.rsplit('/').next().unwrap_or_default();
            self.refuse(
                repository.at,
                format!("`{}` is not the name of one of the organization's repositories", repository.value),
                format!("its name alone, such as {}", if is_name(last) { last } else { "api" }),
            );
        }
        named.map(|repository| repository.value.to_ascii_lowercase()).collect()
    }

    fn store(&self, declared: &Declared) -> Store {
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

    fn names(&self, id: &CredentialId, declared: &Declared, store: &Store) -> Names {
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
pub fn split_repository(text: &str) -> Option<(&str, &str)> {
    text.split_once('/').filter(|(owner, repo)| is_name(owner) && is_name(repo))
}

/// The name of a user, an organization or a repository.
fn is_name(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !text.is_empty() && text.chars().all(legal) && text != "." && text != ".."
}
