//! Lists of repositories: an organization's, a user's, one's own, a team's, and what an App sees (GitHub's OpenAPI
//! description, `repos/list-for-org`, `repos/list-for-user`, `repos/list-for-authenticated-user`, `teams/list-repos-in-org`,
//! `apps/list-repos-accessible-to-installation`).

use serde_json::Value;

use super::error::Refusal;
use super::repositories::{full, minimal};
use super::secrets::Page;
use super::state::{Repository, TokenKind};
use super::{Outcome, Visit};

/// GitHub's default and largest page here.
const SIZES: (usize, usize) = (30, 100);

pub(crate) fn of_organization(visit: &mut Visit<'_>) -> Outcome {
    let owner = visit.param("org").to_owned();
    listed(visit, |name, private, sees| of(name, &owner) && (!private || sees))
}

/// Only the public ones, and those of an organization, too (documented: "Lists public repositories for the specified user").
pub(crate) fn of_user(visit: &mut Visit<'_>) -> Outcome {
    let owner = visit.param("username").to_owned();
    listed(visit, |name, private, _| of(name, &owner) && !private)
}

pub(crate) fn own(visit: &mut Visit<'_>) -> Outcome {
    let token = visit.token();
    if token.kind != TokenKind::Pat {
        return Err(Refusal::new(403, "Resource not accessible by integration"));
    }
    let rows = bare(visit, |name, _, sees| of(name, &token.login) && sees).into_iter();
    let rows = rows.map(|(name, repository)| whole(visit, name, repository));
    Ok(Page::of(visit, SIZES.0, SIZES.1).bare(&rows.collect::<Vec<Value>>()))
}

pub(crate) fn of_team(visit: &mut Visit<'_>) -> Outcome {
    let (org, team) = (visit.param("org").to_owned(), visit.param("team_slug").to_owned());
    let teams = visit.world.github.organizations.get(&org).map(|organization| &organization.teams);
    let names = teams.and_then(|teams| teams.get(&team)).cloned().ok_or_else(Refusal::not_found)?;
    listed(visit, |name, private, sees| names.iter().any(|one| one == name) && (!private || sees))
}

/// What the App of this token sees.
pub(crate) fn of_installation(visit: &mut Visit<'_>) -> Outcome {
    let token = visit.token();
    if token.kind != TokenKind::App {
        let words = "You must authenticate with an installation access token in order to list repositories for an installation.";
        return Err(Refusal::new(403, words));
    }
    let page = Page::of(visit, SIZES.0, SIZES.1);
    let github = &visit.world.github;
    let seen = github.repositories.iter().filter(|(name, _)| token.sees(name));
    let rows = seen.map(|(name, repository)| whole(visit, name, repository));
    Ok(page.reply("repositories", &rows.collect::<Vec<Value>>()))
}

/// A repository as the lists of what is one's own have it: GitHub's `repository`.
fn whole(visit: &Visit<'_>, name: &str, repository: &Repository) -> Value {
    let writes = visit.token().has("secrets", "write");
    full(name, repository, is_organization(visit, name), &visit.base, writes)
}

/// A list without anything around it, of GitHub's `minimal-repository`.
fn listed(visit: &Visit<'_>, wanted: impl Fn(&str, bool, bool) -> bool) -> Outcome {
    let rows = bare(visit, wanted).into_iter();
    let rows = rows.map(|(name, row)| minimal(name, row, is_organization(visit, name), &visit.base));
    Ok(Page::of(visit, SIZES.0, SIZES.1).bare(&rows.collect::<Vec<Value>>()))
}

/// The repositories that are wanted by name, by whether they are private, and by whether the token sees them.
fn bare<'v>(
    visit: &'v Visit<'_>,
    wanted: impl Fn(&str, bool, bool) -> bool,
) -> Vec<(&'v String, &'v Repository)> {
    let token = visit.token();
    let all = visit.world.github.repositories.iter();
    all.filter(|(name, repository)| wanted(name, repository.private, token.sees(name))).collect()
}

fn of(name: &str, owner: &str) -> bool {
    name.split_once('/').is_some_and(|(of, _)| of.eq_ignore_ascii_case(owner))
}

fn is_organization(visit: &Visit<'_>, name: &str) -> bool {
    let owner = name.split_once('/').map_or(name, |(owner, _)| owner);
    visit.world.github.organizations.contains_key(owner)
}
