//! Where a request goes: which repository, environment or organization, and whether the token may.

use super::error::Refusal;
use super::state::{Repository, SecretStore, TokenKind, Variable};
use super::{GitHub, Visit};

/// Something that has secrets and variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Repository(String),
    Environment(String, String),
    Organization(String),
    None,
}

impl Visit<'_> {
    pub(crate) fn place(&self) -> Place {
        let full_name = || format!("{}/{}", self.param("owner"), self.param("repo"));
        if self.params.contains_key("org") {
            Place::Organization(self.param("org").to_owned())
        } else if self.params.contains_key("environment_name") {
            Place::Environment(full_name(), self.param("environment_name").to_owned())
        } else if self.params.contains_key("owner") {
            Place::Repository(full_name())
        } else {
            Place::None
        }
    }

    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.param("owner"), self.param("repo"))
    }

    pub(crate) fn repository(&mut self) -> Result<&mut Repository, Refusal> {
        let full_name = self.full_name();
        self.world.github.repositories.get_mut(&full_name).ok_or_else(Refusal::not_found)
    }

    /// The secrets of the place, and the name from which their key follows.
    pub(crate) fn store(&mut self) -> Result<(&mut SecretStore, String), Refusal> {
        let dependabot = self.route.path().contains("/dependabot/");
        let place = self.place();
        let scope = format!("{place:?} dependabot: {dependabot}");
        store(&mut self.world.github, &place, dependabot)
            .map(|store| (store, scope))
            .ok_or_else(Refusal::not_found)
    }

    pub(crate) fn variables(&mut self) -> Result<&mut std::collections::BTreeMap<String, Variable>, Refusal> {
        let place = self.place();
        let github = &mut self.world.github;
        let variables = match &place {
            Place::Repository(name) => {
                github.repositories.get_mut(name).map(|repository| &mut repository.variables)
            }
            Place::Environment(name, environment) => github
                .repositories
                .get_mut(name)
                .and_then(|repository| repository.environments.get_mut(environment))
                .map(|environment| &mut environment.variables),
            Place::Organization(login) => github.organizations.get_mut(login).map(|org| &mut org.variables),
            Place::None => None,
        };
        variables.ok_or_else(Refusal::not_found)
    }
}

fn store<'g>(github: &'g mut GitHub, place: &Place, dependabot: bool) -> Option<&'g mut SecretStore> {
    match place {
        Place::Repository(name) => {
            let repository = github.repositories.get_mut(name)?;
            Some(if dependabot { &mut repository.dependabot } else { &mut repository.actions })
        }
        Place::Environment(name, environment) => {
            Some(&mut github.repositories.get_mut(name)?.environments.get_mut(environment)?.secrets)
        }
        Place::Organization(login) => {
            let organization = github.organizations.get_mut(login)?;
            Some(if dependabot { &mut organization.dependabot } else { &mut organization.actions })
        }
        Place::None => None,
    }
}

/// Brings owner and name to how GitHub writes them, turns a numeric id into them, and redirects from an old name.
pub(crate) fn resolve(visit: &mut Visit<'_>, segments: &[String]) -> Result<(), Refusal> {
    if let Some(id) = visit.params.get("repository_id").filter(|_| visit.route.path().starts_with("/repos/"))
    {
        let found =
            visit.world.github.repositories.iter().find(|(_, repository)| repository.id.to_string() == *id);
        let full_name = found.map(|(name, _)| name.clone()).ok_or_else(Refusal::not_found)?;
        set_full_name(visit, &full_name);
        return Ok(());
    }
    redirect(visit, segments)?;
    let full_name = visit.full_name();
    // Names of repositories and organizations compare without case (documented).
    let spelled =
        visit.world.github.repositories.keys().find(|name| name.eq_ignore_ascii_case(&full_name)).cloned();
    spelled.into_iter().for_each(|name| set_full_name(visit, &name));
    let login = visit.param("org").to_owned();
    let spelled =
        visit.world.github.organizations.keys().find(|name| name.eq_ignore_ascii_case(&login)).cloned();
    spelled.into_iter().for_each(|name| drop(visit.params.insert("org", name)));
    Ok(())
}

fn set_full_name(visit: &mut Visit<'_>, full_name: &str) {
    if let Some((owner, name)) = full_name.split_once('/') {
        visit.params.insert("owner", owner.to_owned());
        visit.params.insert("repo", name.to_owned());
    }
}

/// 301 for a GET, 307 for everything else (documented: "Follow redirects").
fn redirect(visit: &Visit<'_>, segments: &[String]) -> Result<(), Refusal> {
    let full_name = visit.full_name();
    let github = &visit.world.github;
    let renamed = github.renamed.iter().find(|(old, _)| old.eq_ignore_ascii_case(&full_name));
    let Some(repository) = renamed.and_then(|(_, new)| github.repositories.get(new)) else {
        return Ok(());
    };
    let rest: String = segments.iter().skip(3).map(|segment| format!("/{}", encode(segment))).collect();
    let url = format!("{}/repositories/{}{rest}", visit.base, repository.id);
    Err(Refusal::moved(if visit.route.is_write() { 307 } else { 301 }, url))
}

/// A path segment, percent-encoded.
pub(crate) fn encode(segment: &str) -> String {
    percent_encoding::utf8_percent_encode(segment, percent_encoding::NON_ALPHANUMERIC)
        .to_string()
        .replace("%2D", "-")
        .replace("%2E", ".")
        .replace("%5F", "_")
        .replace("%7E", "~")
}

/// What a token may not see is not found; what it sees and may not do is forbidden. A workflow's token never reaches
/// secrets, whatever its permissions say (documented).
pub(crate) fn authorize(visit: &Visit<'_>) -> Result<(), Refusal> {
    check_visible(visit)?;
    let token = visit.token();
    let reserved = |permission: &str| token.kind == TokenKind::Actions && permission.contains("secrets");
    let lacks = |need: &&(&str, &str)| reserved(need.0) || !token.has(need.0, need.1);
    if visit.route.needs.iter().any(|need| lacks(&need)) {
        return Err(Refusal::new(403, format!("Resource not accessible by {}", token.kind.word())));
    }
    check_archived(visit)
}

fn check_visible(visit: &Visit<'_>) -> Result<(), Refusal> {
    let (token, github) = (visit.token(), &visit.world.github);
    let visible = match visit.place() {
        Place::Repository(name) | Place::Environment(name, _) => {
            github.repositories.get(&name).is_some_and(|repository| !repository.private || token.sees(&name))
        }
        Place::Organization(login) => github.organizations.contains_key(&login) && token.sees(&login),
        Place::None => true,
    };
    if visible { Ok(()) } else { Err(Refusal::not_found()) }
}

fn check_archived(visit: &Visit<'_>) -> Result<(), Refusal> {
    let archived = match visit.place() {
        Place::Repository(name) | Place::Environment(name, _) => {
            visit.world.github.repositories.get(&name).is_some_and(|repository| repository.archived)
        }
        _ => false,
    };
    if archived && visit.route.is_write() {
        return Err(Refusal::new(403, "Repository was archived so is read-only."));
    }
    Ok(())
}

impl TokenKind {
    /// The word in "Resource not accessible by …".
    fn word(self) -> &'static str {
        match self {
            Self::Pat => "personal access token",
            Self::App | Self::Actions => "integration",
        }
    }
}
