//! What an item of `github` means: a place and the names in it.

use std::collections::BTreeSet;

use super::app::Named;
use super::file::{self, Declared};
use super::names::github_fault;
use super::pattern::{Search, is_wild};
use super::{Audience, Desired, Names, Place, Store};
use crate::model::CredentialId;
use crate::targets::Validator;
use crate::yaml::{At, Spanned};

/// A place of an item, or what is looked for.
pub(super) struct Wanted {
    pub(super) place: Place,
    pub(super) audience: Option<Audience>,
    pub(super) search: Option<Search>,
}

impl Validator<'_, Desired> {
    pub(super) fn github(&mut self, declared: &Declared) {
        let wanted = self.wanted(declared);
        let Some(first) = wanted.first() else { return };
        let names = self.names(self.id, declared, &first.place.store);
        if names.username == names.token {
            self.refuse(
                declared.at,
                format!("`{}` cannot hold both the user name and the token", names.token),
                "give the two different `names:`",
            );
        }
        let app = declared.app.as_ref().map(|app| self.app(app));
        for Wanted { place, audience, search } in wanted {
            let desired = Desired {
                credential: self.id.clone(),
                place,
                search,
                names: names.clone(),
                create_environment: declared.create_environment,
                audience,
                app: app.clone(),
                insecure: declared.insecure,
            };
            self.compare(declared.at, &desired);
            self.desired.push(desired);
        }
    }

    /// Refuses what is wanted already, and what another credential wants under the same names.
    fn compare(&self, at: At, new: &Desired) {
        let same = |other: &Desired| other.search.is_some() == new.search.is_some() && other.meets(new);
        if self.desired.iter().any(|other| other.credential == new.credential && same(other)) {
            self.refuse(at, "the same place is listed twice", "leave one of them out");
        }
        let taken = |other: &&Desired| {
            let same = |name: &String| [&new.names.username, &new.names.token].contains(&name);
            other.credential != new.credential
                && other.meets(new)
                && (same(&other.names.username) || same(&other.names.token))
        };
        if let Some(other) = self.desired.iter().find(taken) {
            let message = format!(
                "`{}` or `{}` is already a secret of credential `{}` here",
                new.names.username, new.names.token, other.credential
            );
            let hint = "give each credential `names:` of its own";
            let exact = [other, new].into_iter().find(|place| place.search.is_none());
            match exact.filter(|_| other.search.is_some() || new.search.is_some()) {
                Some(exact) => {
                    self.refuse(at, message, format!("{hint}, or take out \"!{}\"", exact.place.name()));
                }
                None => self.refuse(at, message, hint),
            }
        }
    }

    fn app(&self, app: &file::App) -> Named {
        let file::App { id, key_file } = app;
        if !id.value.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let message = format!("`{}` is not the id of a GitHub App", id.value);
            self.refuse(id.at, message, "its number, or its client id, such as Iv23li…");
        }
        Named { id: id.value.clone(), key_file: key_file.value.clone().into() }
    }

    /// A repository, those that patterns name, or an organization with who is to see its secrets.
    fn wanted(&self, declared: &Declared) -> Vec<Wanted> {
        if let (Some(only), false) = (&declared.only, is_of_patterns(declared)) {
            let hint = "repositories: [\"acme/*\"], or leave `only` out";
            self.refuse(only.at, "`only` chooses among the repositories that a pattern fits", hint);
        }
        let one = |place, audience| Some(Wanted { place, audience, search: None });
        match (&declared.repository, &declared.organization, &declared.repositories) {
            (Some(repository), None, None) => {
                let place = self.repository(repository, declared);
                let wanted = place.and_then(|place| one(place, None)).map(Wanted::by_environment);
                wanted.into_iter().collect()
            }
            (None, Some(organization), _) => {
                let found = self.organization(organization, declared);
                found.and_then(|(place, audience)| one(place, audience)).into_iter().collect()
            }
            (None, None, Some(patterns)) => self.patterns(patterns, declared),
            (Some(_), Some(organization), _) => {
                self.refuse(
                    organization.at,
                    "an item is of a repository or of an organization",
                    "make it two items of the list",
                );
                Vec::new()
            }
            (Some(repository), None, Some(_)) => {
                self.refuse(
                    repository.at,
                    "an item has one of `repository` and `repositories`",
                    "leave one of them out, or make it two items of the list",
                );
                Vec::new()
            }
            (None, None, None) => {
                self.refuse(declared.at, "an item of `github` has no repository", "repository: owner/name");
                Vec::new()
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

    pub(super) fn store(&self, declared: &Declared) -> Store {
        if let Some(environment) = declared.environment.as_ref().filter(|name| is_wild(&name.value))
            && declared.create_environment
        {
            let message = format!("`{}` is a pattern, of which no environment is made", environment.value);
            self.refuse(environment.at, message, "name the environment, or leave `create-environment` out");
        }
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

/// Whether an item says by patterns which repositories it is of.
fn is_of_patterns(declared: &Declared) -> bool {
    declared.repository.is_none() && declared.organization.is_none() && declared.repositories.is_some()
}

/// `owner/name`, as GitHub allows them.
pub fn split_repository(text: &str) -> Option<(&str, &str)> {
    text.split_once('/').filter(|(owner, repo)| is_name(owner) && is_name(repo))
}

/// The name of a user, an organization or a repository.
pub(super) fn is_name(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !text.is_empty() && text.chars().all(legal) && text != "." && text != ".."
}
