//! What a GitHub App may do for one owner: the tokens of its installation there, each with no more than is needed, made again
//! before they end (GitHub's documentation, "Generating an installation access token for a GitHub App").

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;

use super::app::App;
use super::{Answer, Audience, Client, Desired, GithubError, Store};
use crate::model::{Problem, Secret};
use crate::net::{header, segment};
use crate::redact;

/// How long before its end a token is made again; the longest request and its tries end within it.
const MARGIN: Duration = Duration::from_secs(300);
/// How long a token is used whose end is not said: they end after an hour.
const UNSAID: Duration = Duration::from_secs(50 * 60);
/// A token is for at most so many repositories, or for all that the App sees.
const MOST: usize = 500;
/// A clock that is off by less than that is not what was refused.
const OFF: TimeDelta = TimeDelta::seconds(30);

/// What is done with a token. Each kind has one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Places are read.
    Read,
    /// Places are written.
    Write,
    /// Workflow runs are listed.
    Runs,
}

impl Access {
    /// What a request needs.
    pub(super) fn of(method: &Method, path: &str) -> Self {
        match *method {
            Method::GET if path.contains("/actions/runs?") => Self::Runs,
            Method::GET => Self::Read,
            _ => Self::Write,
        }
    }
}

/// Permissions and whether they are to write.
type Permissions = BTreeMap<&'static str, bool>;

/// What the places of one owner need (GitHub's documentation, "Permissions required for GitHub Apps").
#[derive(Debug, Default)]
pub(super) struct Needs {
    permissions: Permissions,
    repositories: BTreeSet<String>,
    /// Whether which repositories those are is found with the token: it is for all that the App sees.
    any: bool,
}

impl Needs {
    pub(super) fn of<'a>(places: impl Iterator<Item = &'a Desired>) -> Self {
        let mut needs = Self::default();
        for desired in places {
            let Desired { place, search, audience, create_environment, .. } = desired;
            let of_repository = place.repo.is_some() || search.is_some();
            let names: &[&str] = match (of_repository, &place.store) {
                (true, Store::Actions) => &["secrets", "actions_variables"],
                (true, Store::Environment(_)) => &["secrets", "environments", "actions_variables"],
                (true, Store::Dependabot) => &["dependabot_secrets", "actions_variables"],
                (false, Store::Dependabot) => {
                    &["organization_dependabot_secrets", "organization_actions_variables"]
                }
                (false, _) => &["organization_secrets", "organization_actions_variables"],
            };
            needs.permissions.extend(names.iter().map(|name| (*name, true)));
            if *create_environment {
                // To make it, and to see whether it is there.
                needs.permissions.extend([("administration", true), ("actions", false)]);
            }
            if desired.seeks_environments().is_some() {
                needs.permissions.entry("actions").or_insert(false);
            }
            if search.as_ref().is_some_and(|search| search.only.team.is_some()) {
                needs.permissions.insert("members", false);
            }
            needs.any |= place.repo.is_none() && search.is_some();
            needs.repositories.extend(place.repo.clone());
            if let Some(Audience::Selected(names)) = audience {
                needs.repositories.extend(names.iter().cloned());
            }
        }
        needs
    }

    /// What a token is asked for, as far as the App was given it: more would be refused.
    fn body(&self, access: Access, granted: &BTreeMap<String, String>) -> Value {
        let mut wanted = match access {
            Access::Runs => Permissions::from([("actions", false)]),
            Access::Read | Access::Write => self.permissions.clone(),
        };
        wanted.insert("metadata", false);
        let level = |(name, writes): (&'static str, bool)| {
            let may_write = matches!(granted.get(name)?.as_str(), "write" | "admin");
            let level = if writes && may_write && access == Access::Write { "write" } else { "read" };
            Some((name.to_owned(), Value::from(level)))
        };
        let permissions: serde_json::Map<String, Value> = wanted.into_iter().filter_map(level).collect();
        let mut body = json!({ "permissions": permissions });
        if !self.any && (1..=MOST).contains(&self.repositories.len()) {
            body["repositories"] = self.repositories.iter().map(String::as_str).collect();
        }
        body
    }
}

/// The App at one owner.
#[derive(Debug)]
pub(super) struct Installation {
    app: Arc<App>,
    owner: String,
    needs: Needs,
    /// Its number, and what the owner lets it do.
    found: OnceCell<(u64, BTreeMap<String, String>)>,
    held: [Mutex<Option<Held>>; 3],
    /// How far GitHub's clock is ahead of this machine's, in seconds, as far as that has mattered.
    ahead: AtomicI64,
}

/// A token, and until when it is used.
#[derive(Clone, Debug)]
struct Held {
    token: Secret,
    until: Instant,
}

impl Installation {
    pub(super) fn new(app: Arc<App>, owner: &str, needs: Needs) -> Self {
        let (found, held, ahead) = (OnceCell::new(), Default::default(), AtomicI64::new(0));
        Self { app, owner: owner.to_owned(), needs, found, held, ahead }
    }

    /// The token for this access: the one that is held, or a new one.
    ///
    /// # Errors
    /// The App is not installed at the owner, or GitHub gives no token.
    pub(super) async fn token(&self, client: &Client, access: Access) -> Result<Secret, GithubError> {
        let mut held = self.held[access as usize].lock().await;
        if let Some(Held { token, until }) = held.as_ref()
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let (number, granted) = self.found.get_or_try_init(|| self.find(client)).await?;
        let path = format!("/app/installations/{number}/access_tokens");
        let mut body = self.needs.body(access, granted);
        let mut answer = self.asked(client, Method::POST, &path, Some(&body)).await;
        // One of the repositories is not the App's: the places say which.
        if is(&answer, StatusCode::UNPROCESSABLE_ENTITY) && body["repositories"].is_array() {
            body.as_object_mut().map(|body| body.remove("repositories"));
            answer = self.asked(client, Method::POST, &path, Some(&body)).await;
        }
        let answer = answer?;
        let token = answer.body["token"].as_str().ok_or_else(|| {
            let problem = Problem::outside("GitHub's answer has no token");
            GithubError::unusable(&Method::POST, &path, problem)
        })?;
        let made = Held { token: Secret::new(token.to_owned()), until: Instant::now() + good_for(&answer) };
        Ok(held.insert(made).token.clone())
    }

    /// Its number at the owner, an organization or a user.
    async fn find(&self, client: &Client) -> Result<(u64, BTreeMap<String, String>), GithubError> {
        let owner = segment(&self.owner);
        let mut path = format!("/orgs/{owner}/installation");
        let mut answer = self.asked(client, Method::GET, &path, None).await;
        if let Err(GithubError::Status { refusal, .. }) = &answer
            && refusal.message == "Integration not found"
        {
            let message = format!("GitHub knows no App with the id {}", self.app.id);
            let hint = format!("take the id from the App's page; the key is that of {}", self.app.source);
            let problem = Problem::outside(message).hint(hint).login(true);
            return Err(GithubError::unusable(&Method::GET, &path, problem));
        }
        if is(&answer, StatusCode::NOT_FOUND) {
            path = format!("/users/{owner}/installation");
            answer = self.asked(client, Method::GET, &path, None).await;
        }
        if is(&answer, StatusCode::NOT_FOUND) {
            return Err(GithubError::unusable(&Method::GET, &path, self.absent(client).await));
        }
        let Answer { body, .. } = answer?;
        let number = body["id"].as_u64().ok_or_else(|| {
            let problem = Problem::outside("GitHub's answer has no installation's id");
            GithubError::unusable(&Method::GET, &path, problem)
        })?;
        let granted = body["permissions"].as_object().into_iter().flatten();
        let granted = granted.filter_map(|(name, level)| Some((name.clone(), level.as_str()?.to_owned())));
        Ok((number, granted.collect()))
    }

    /// It is not there; the App's own page is where it is put there.
    async fn absent(&self, client: &Client) -> Problem {
        let page = self.asked(client, Method::GET, "/app", None).await;
        let page = page.ok().and_then(|answer| Some(answer.body["html_url"].as_str()?.to_owned()));
        let page = page.filter(|page| page.starts_with("https://")).map(|page| redact::outside(&page));
        let hint = page.map_or_else(
            || "install it there, on the App's page".to_owned(),
            |page| format!("install it there: {page}/installations/new"),
        );
        let message = format!("the GitHub App {} is not installed at {}", self.app.id, self.owner);
        Problem::outside(message).hint(hint).login(true)
    }

    /// Asks as the App itself. Where the time was refused, once more by GitHub's own clock.
    async fn asked(
        &self,
        client: &Client,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, GithubError> {
        let first = self.by_clock(client, &method, path, body).await;
        let Err(GithubError::Status { status: StatusCode::UNAUTHORIZED, refusal, .. }) = &first else {
            return first;
        };
        let Some(ahead) = refusal.date.map(|date| date - here()).filter(|ahead| ahead.abs() > OFF) else {
            return first;
        };
        self.ahead.store(ahead.num_seconds(), Ordering::Relaxed);
        self.by_clock(client, &method, path, body).await
    }

    async fn by_clock(
        &self,
        client: &Client,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, GithubError> {
        let now = here() + TimeDelta::seconds(self.ahead.load(Ordering::Relaxed));
        let said = self.app.assertion(now);
        let said = said.map_err(|problem| GithubError::unusable(method, path, problem))?;
        client.ask_with(&said, method, path, body).await
    }
}

#[expect(clippy::disallowed_methods, reason = "GitHub wants the time before it has said what its own is")]
fn here() -> DateTime<Utc> {
    Utc::now()
}

fn is(answer: &Result<Answer, GithubError>, status: StatusCode) -> bool {
    answer.as_ref().is_err_and(|error| error.status() == Some(status))
}

/// How long a new token is used, by the clock of whoever made it.
fn good_for(answer: &Answer) -> Duration {
    let end = answer.body["expires_at"].as_str().and_then(|end| DateTime::parse_from_rfc3339(end).ok());
    let left = end.zip(header::date(&answer.headers)).map(|(end, now)| end.to_utc() - now);
    left.and_then(|left| left.to_std().ok()).map_or(UNSAID, |left| left.saturating_sub(MARGIN))
}

#[cfg(test)]
mod tests {
    use super::super::{Names, Place};
    use super::*;
    use crate::model::CredentialId;

    fn desired(repo: Option<&str>, store: Store, audience: Option<Audience>) -> Desired {
        let credential = CredentialId("docker-hub".to_owned());
        let place = Place { owner: "acme".to_owned(), repo: repo.map(str::to_owned), store };
        let names = Names::of(&credential);
        Desired {
            credential,
            place,
            names,
            create_environment: false,
            audience,
            search: None,
            app: None,
            insecure: false,
        }
    }

    #[test]
    fn a_token_is_asked_for_what_its_places_need_and_was_granted_and_for_their_repositories() {
        let granted = |names: &[(&str, &str)]| {
            names.iter().map(|(name, level)| ((*name).to_owned(), (*level).to_owned())).collect()
        };
        let all = granted(&[
            ("secrets", "write"),
            ("actions_variables", "read"),
            ("metadata", "read"),
            ("actions", "write"),
        ]);
        let one = desired(Some("api"), Store::Actions, None);
        let needs = Needs::of([&one].into_iter());
        let permissions = json!({ "secrets": "write", "actions_variables": "read", "metadata": "read" });
        let wanted = json!({ "permissions": permissions, "repositories": ["api"] });
        assert_eq!(needs.body(Access::Write, &all), wanted, "no more than was granted");
        assert_eq!(needs.body(Access::Read, &all)["permissions"]["secrets"], "read");
        let runs = json!({ "actions": "read", "metadata": "read" });
        assert_eq!(needs.body(Access::Runs, &all)["permissions"], runs);
        let selected = Audience::Selected(["web".to_owned()].into());
        let organization = desired(None, Store::Actions, Some(selected));
        let both = Needs::of([&one, &organization].into_iter());
        assert_eq!(both.body(Access::Read, &all)["repositories"], json!(["api", "web"]));
        let alone = Needs::of([&desired(None, Store::Dependabot, Some(Audience::All))].into_iter());
        let granted = granted(&[("organization_dependabot_secrets", "write")]);
        let wanted = json!({ "permissions": { "organization_dependabot_secrets": "write" } });
        assert_eq!(alone.body(Access::Write, &granted), wanted);
        let many: Vec<Desired> =
            (0..=MOST).map(|number| desired(Some(&format!("r{number}")), Store::Actions, None)).collect();
        assert!(
            Needs::of(many.iter()).body(Access::Read, &all)["repositories"].is_null(),
            "for all that it sees"
        );
    }
}
