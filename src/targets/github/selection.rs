//! What `repositories:` of an item means where it has no `organization`: repositories by name, and patterns of them.

use super::file::{Declared, Only as Written};
use super::pattern::{Only, Pattern, Search, fits, is_wild};
use super::validate::{Wanted, is_name};
use super::{Desired, Place, Store};
use crate::targets::Validator;
use crate::yaml::Spanned;

/// One pattern, taken apart.
struct Said<'a> {
    out: bool,
    owner: &'a str,
    name: &'a str,
}

impl Said<'_> {
    fn fits(&self, name: &str) -> bool {
        fits(self.name, name)
    }

    fn is_a_pattern(&self) -> bool {
        !self.out && is_wild(self.name)
    }
}

impl Wanted {
    /// Environments of a repository are looked for where they are not named.
    pub(super) fn by_environment(self) -> Self {
        let wild = matches!(&self.place.store, Store::Environment(name) if is_wild(name));
        if wild { Self { search: Some(Search::default()), ..self } } else { self }
    }
}

impl Validator<'_, Desired> {
    /// The repositories that are named, and a search at each owner of whom there is a pattern.
    pub(super) fn patterns(&self, patterns: &[Spanned<String>], declared: &Declared) -> Vec<Wanted> {
        if let Some(visibility) = &declared.visibility {
            let hint = format!("only: {{ visibility: {} }}", visibility.value);
            self.refuse(visibility.at, "only an organization's secrets have a visibility", hint);
        }
        let problems = self.reader.found();
        let store = self.store(declared);
        let only = declared.only.as_ref().map(|only| self.only(only)).unwrap_or_default();
        let owners = self.by_owner(patterns);
        let mut wanted = Vec::new();
        for said in &owners {
            wanted.extend(named(said, &store));
            wanted.extend(looked_for(said, &store, &only));
        }
        let searches = owners.iter().flatten().any(Said::is_a_pattern);
        if let (Some(only), false) = (&declared.only, searches) {
            let hint = "make one of them a pattern, such as \"acme/*\", or leave `only` out";
            self.refuse(only.at, "`only` chooses among the repositories that a pattern fits", hint);
        }
        if wanted.is_empty() && self.reader.found() == problems {
            let hint = "repositories: [\"acme/svc-*\", \"!acme/svc-old\"]";
            self.refuse(declared.at, "`repositories` names no repository", hint);
        }
        wanted
    }

    /// The patterns of each owner, in their order. What an owner is called first is how the owner is called.
    fn by_owner<'a>(&self, patterns: &'a [Spanned<String>]) -> Vec<Vec<Said<'a>>> {
        let mut owners: Vec<Vec<Said<'a>>> = Vec::new();
        for pattern in patterns {
            let Some(said) = self.said(pattern) else { continue };
            let known = owners.iter_mut().find(|known| known[0].owner.eq_ignore_ascii_case(said.owner));
            match known {
                Some(known) => known.push(Said { owner: known[0].owner, ..said }),
                None if said.out => {
                    let message = format!("`{}` takes something out of nothing", pattern.value);
                    self.refuse(pattern.at, message, format!("put \"{}/*\" before it", said.owner));
                }
                None => owners.push(vec![said]),
            }
        }
        owners
    }

    fn said<'a>(&self, pattern: &'a Spanned<String>) -> Option<Said<'a>> {
        let text = pattern.value.as_str();
        let (out, rest) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let not = if out { "!" } else { "" };
        let (message, hint) = match rest.split_once('/') {
            None => (format!("`{text}` does not say whose repositories"), format!("\"{not}acme/{rest}\"")),
            Some((owner, name)) if is_wild(owner) => {
                (format!("`{text}` does not name the owner"), format!("\"{not}acme/{name}\""))
            }
            Some((owner, name)) if is_name(owner) && is_name(&name.replace(['*', '?'], "x")) => {
                return Some(Said { out, owner, name });
            }
            Some(_) => (
                format!("`{text}` is neither a repository nor a pattern of them"),
                "\"acme/api\", or \"acme/svc-*\"".to_owned(),
            ),
        };
        self.refuse(pattern.at, message, hint);
        None
    }

    fn only(&self, only: &Written) -> Only {
        let Written { topic, team, visibility, .. } = only;
        let checked =
            |value: &Option<Spanned<String>>, good: &dyn Fn(&str) -> bool, what: &str, hint: &str| {
                let Spanned { value, at } = value.as_ref()?;
                if !good(value) {
                    self.refuse(*at, format!("`{value}` is not {what}"), hint);
                }
                Some(value.clone())
            };
        let is_topic = |text: &str| {
            text.len() <= 50
                && !text.starts_with('-')
                && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        };
        Only {
            topic: checked(
                topic,
                &is_topic,
                "a topic of repositories",
                "small letters, digits and -: docker",
            ),
            team: checked(team, &is_name, "the name in a team's address", "team: platform-team"),
            visibility: checked(
                visibility,
                &|text| matches!(text, "public" | "private" | "internal"),
                "a visibility of repositories",
                "visibility: public, private or internal",
            ),
        }
    }
}

/// The repositories that are named, but those that a later pattern takes out.
fn named(said: &[Said<'_>], store: &Store) -> Vec<Wanted> {
    let stays = |name: &str| said.iter().rev().find(|other| other.fits(name)).is_some_and(|last| !last.out);
    let names = said.iter().filter(|one| !one.out && !is_wild(one.name) && stays(one.name));
    let wanted = names.map(|Said { owner, name, .. }| {
        let repo = Some((*name).to_owned());
        let place = Place { owner: (*owner).to_owned(), repo, store: store.clone() };
        Wanted { place, audience: None, search: None }.by_environment()
    });
    wanted.collect()
}

/// What is looked for: the patterns, and what is taken out.
fn looked_for(said: &[Said<'_>], store: &Store, only: &Only) -> Option<Wanted> {
    said.iter().find(|one| one.is_a_pattern())?;
    let patterns = said.iter().filter(|one| one.out || one.is_a_pattern());
    let repositories = patterns.map(|one| Pattern { out: one.out, name: one.name.to_owned() }).collect();
    let place = Place { owner: said[0].owner.to_owned(), repo: None, store: store.clone() };
    Some(Wanted { place, audience: None, search: Some(Search { repositories, only: only.clone() }) })
}
