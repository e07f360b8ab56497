//! Places that are looked for: the repositories of an owner by the patterns of their names, and environments.
//!
//! A pattern is of the owner's name, `/` and the repository's name, in which `*` stands for any characters and `?` for one.
//! GitHub compares names without regard to case. The last pattern that fits decides; one with `!` takes out.

use std::fmt;

use super::{Desired, Place, Store};

/// Which repositories of an owner are wanted, and what they have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Search {
    /// The patterns, in the order of the file; none where the place names its repository, and only environments are looked for.
    pub repositories: Vec<Pattern>,
    /// What else a repository has to be.
    pub only: Only,
}

/// A pattern of the names of an owner's repositories.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    /// Whether it takes out what it fits.
    pub out: bool,
    /// The pattern, without the owner.
    pub name: String,
}

/// What a repository that a pattern fits has to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Only {
    /// A topic that it has.
    pub topic: Option<String>,
    /// A team of the organization that has access to it, by the name in its address.
    pub team: Option<String>,
    /// `public`, `private` or `internal`.
    pub visibility: Option<String>,
}

impl Search {
    /// Whether a repository of this name is wanted, by its name alone.
    #[must_use]
    pub(super) fn takes(&self, repository: &str) -> bool {
        let last = self.repositories.iter().rev().find(|pattern| fits(&pattern.name, repository));
        last.is_some_and(|pattern| !pattern.out)
    }

    /// Leaves out the repository of this name.
    pub(super) fn leave_out(&mut self, repository: &str) {
        self.repositories.push(Pattern { out: true, name: repository.to_owned() });
    }

    /// The patterns as they are written.
    #[must_use]
    pub(super) fn words(&self, owner: &str) -> String {
        let one = |Pattern { out, name }: &Pattern| format!("{}{owner}/{name}", if *out { "!" } else { "" });
        self.repositories.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Only {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, team, visibility } = self;
        let all = [("topic", topic), ("team", team), ("visibility", visibility)];
        let words = all.iter().filter_map(|(name, value)| Some(format!("{name}: {}", value.as_ref()?)));
        f.write_str(&words.collect::<Vec<_>>().join(", "))
    }
}

impl Desired {
    /// Whether a workflow of this repository (`owner/name`) gets what is put here.
    #[must_use]
    pub fn reaches(&self, repository: &str) -> bool {
        let (owner, name) = repository.split_once('/').unwrap_or((repository, ""));
        let of_owner = owner.eq_ignore_ascii_case(&self.place.owner);
        of_owner
            && match (&self.place.repo, &self.search) {
                (Some(repo), _) => name.eq_ignore_ascii_case(repo),
                (None, Some(search)) => search.takes(name),
                // An organization's secrets reach its repositories' workflows, too.
                (None, None) => true,
            }
    }

    /// Whether anything is left of it without what is put into this repository (`owner/name`), which is left out.
    pub fn spares(&mut self, repository: &str) -> bool {
        if !self.reaches(repository) {
            return true;
        }
        let (Some(search), None) = (&mut self.search, &self.place.repo) else { return false };
        search.leave_out(repository.split_once('/').map_or("", |(_, name)| name));
        true
    }

    /// Whether both may be one place, whatever GitHub has.
    #[must_use]
    pub(super) fn meets(&self, other: &Self) -> bool {
        match (&self.search, &other.search) {
            (None, None) => self.place.folded() == other.place.folded(),
            (Some(_), Some(_)) => self.place.folded() == other.place.folded() && self.search == other.search,
            (Some(search), None) => search.finds(&self.place, &other.place),
            (None, Some(search)) => search.finds(&other.place, &self.place),
        }
    }

    /// Whether the environments of a repository are looked for: those that a pattern fits; and a named one, where the
    /// repositories are found and not each of them has it.
    #[must_use]
    pub(super) fn seeks_environments(&self) -> Option<&str> {
        let (Some(search), Store::Environment(name)) = (&self.search, &self.place.store) else { return None };
        let may_lack = !search.repositories.is_empty() && !self.create_environment;
        (may_lack || is_wild(name)).then_some(name)
    }

    /// Where it is, in words.
    #[must_use]
    pub(super) fn words(&self) -> String {
        match &self.search {
            Some(search) if self.place.repo.is_none() => search.words(&self.place.owner),
            _ => self.place.name(),
        }
    }
}

impl Search {
    /// Whether a place that is named is one of those that are looked for at `here`, as far as names say it.
    fn finds(&self, here: &Place, there: &Place) -> bool {
        let Some(name) = &there.repo else { return false };
        let repository = match &here.repo {
            Some(repo) => repo.eq_ignore_ascii_case(name),
            None => self.takes(name),
        };
        let store = match (&here.store, &there.store) {
            (Store::Environment(pattern), Store::Environment(name)) => fits(pattern, name),
            (one, other) => one == other,
        };
        here.owner.eq_ignore_ascii_case(&there.owner) && repository && store
    }
}

/// Whether a text is a pattern, and not a name.
pub(super) fn is_wild(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Whether a pattern fits a name, without regard to case. It looks at each character of the name once for each `*`, so that
/// no pattern takes long.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let folded = |text: &str| text.to_lowercase().chars().collect::<Vec<char>>();
    let (pattern, name) = (folded(pattern), folded(name));
    let (mut at, mut next) = (0, 0);
    // Where the last `*` stands, and up to where it reaches so far.
    let mut star: Option<(usize, usize)> = None;
    while at < name.len() {
        match (pattern.get(next), star) {
            (Some('*'), _) => {
                star = Some((next, at));
                next += 1;
            }
            (Some(c), _) if *c == '?' || *c == name[at] => (at, next) = (at + 1, next + 1),
            (_, Some((behind, reaches))) => {
                star = Some((behind, reaches + 1));
                (at, next) = (reaches + 1, behind + 1);
            }
            (_, None) => return false,
        }
    }
    pattern[next..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(patterns: &[&str]) -> Search {
        let pattern = |text: &&str| {
            let name = text.strip_prefix('!');
            Pattern { out: name.is_some(), name: name.unwrap_or(text).to_owned() }
        };
        Search { repositories: patterns.iter().map(pattern).collect(), only: Only::default() }
    }

    #[test]
    fn a_star_is_any_characters_and_a_question_mark_is_one_whatever_their_case() {
        for (pattern, name, fit) in [
            ("*", "", true),
            ("*", "api", true),
            ("svc-*", "SVC-a", true),
            ("svc-*", "svc-", true),
            ("svc-*", "svc", false),
            ("*-svc", "a-svc-svc", true),
            ("*a*b", "xaaxb", true),
            ("*a*b", "xaaxbc", false),
            ("?", "a", true),
            ("?", "", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("Api", "api", true),
            ("**", "x", true),
            ("prod [*]", "prod [eu]", true),
        ] {
            assert_eq!(fits(pattern, name), fit, "{pattern} {name}");
        }
        assert!(!fits(&"*a".repeat(200), &"a".repeat(199)), "and it does not take long");
    }

    #[test]
    fn the_last_pattern_that_fits_decides() {
        let search = search(&["*", "!legacy-*", "legacy-but-kept"]);
        for (name, taken) in [("api", true), ("legacy-a", false), ("Legacy-But-Kept", true)] {
            assert_eq!(search.takes(name), taken, "{name}");
        }
        assert_eq!(search.words("acme"), "acme/*, !acme/legacy-*, acme/legacy-but-kept");
    }
}
