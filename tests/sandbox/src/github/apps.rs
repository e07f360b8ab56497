//! GitHub Apps: who they say they are, where they are installed, and the tokens of their installations (GitHub's REST
//! reference, "GitHub Apps"; the words of refusals as users report them, such as actions/create-github-app-token#178).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::Refusal;
use super::state::{Token, TokenKind};
use super::user::simple;
use super::{Outcome, Visit};
use crate::message::Reply;
use crate::world::World;

/// A token of an installation ends after an hour (documented).
const HOUR: TimeDelta = TimeDelta::hours(1);
/// What an App says of itself is good for ten minutes at most (documented).
const LONGEST: TimeDelta = TimeDelta::minutes(10);

/// A GitHub App.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct App {
    /// The public half of its key: PKCS#1, in base64.
    pub public_key: String,
    /// Owner -> its installation there.
    pub installations: BTreeMap<String, Installation>,
    /// How long its tokens are good for, where that is not an hour.
    pub seconds: Option<i64>,
}

/// An App at one owner.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Installation {
    /// Numeric id.
    pub id: u64,
    /// Whether the owner is a user and not an organization.
    pub is_user: bool,
    /// What the owner lets it do.
    pub permissions: BTreeMap<String, String>,
    /// The repositories that it sees, by `owner/name`; nothing for all.
    pub sees: Option<Vec<String>>,
}

/// The App that a request comes from, by what it says with its key.
pub(super) fn who(world: &mut World, assertion: &str) -> Result<String, Refusal> {
    let refused = |words: &str| Refusal::new(401, words);
    let undecodable = || refused("A JSON web token could not be decoded");
    let (text, signature) = assertion.rsplit_once('.').ok_or_else(undecodable)?;
    let read = |part: Option<&str>| {
        let bytes = URL_SAFE_NO_PAD.decode(part?).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok()
    };
    let mut parts = text.split('.');
    let (head, claims) = (read(parts.next()), read(parts.next()));
    let (Some(head), Some(claims)) = (head, claims) else { return Err(undecodable()) };
    if head["alg"] != "RS256" {
        return Err(undecodable());
    }
    let now = world.clock.now();
    let time = |name: &str| DateTime::from_timestamp(claims[name].as_i64()?, 0);
    let id = claims["iss"].as_str().map(str::to_owned).unwrap_or_else(|| claims["iss"].to_string());
    let app = world.github.apps.get(&id).ok_or_else(|| Refusal::new(404, "Integration not found"))?;
    let key = STANDARD.decode(&app.public_key).map_err(|_| undecodable())?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| undecodable())?;
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
    key.verify(text.as_bytes(), &signature).map_err(|_| undecodable())?;
    match (time("iat"), time("exp")) {
        (Some(made), _) if made > now => Err(refused(
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        )),
        (_, Some(end)) if end > now + LONGEST => {
            Err(refused("'Expiration time' claim ('exp') is too far in the future"))
        }
        (Some(_), Some(end)) if end > now => {
            let public_key = &app.public_key;
            world.github.assertions.push(
                json!({ "id": id, "public_key": public_key, "assertion": assertion, "now": now.timestamp() }),
            );
            Ok(id)
        }
        _ => Err(refused(
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
        )),
    }
}

impl Visit<'_> {
    fn app(&self) -> Result<&App, Refusal> {
        self.world.github.apps.get(&self.app).ok_or_else(Refusal::not_found)
    }

    fn app_id(&self) -> u64 {
        self.app.parse().unwrap_or_default()
    }
}

/// The App itself.
pub(super) fn get(visit: &mut Visit<'_>) -> Outcome {
    visit.app()?;
    let id = visit.app_id();
    let time = "2024-01-01T00:00:00Z";
    Ok(Reply::json(
        200,
        &json!({
            "id": id, "slug": "regcred-sandbox", "node_id": format!("A_{id}"), "client_id": "Iv23liSandbox",
            "owner": simple("acme", 1, "Organization", &visit.base), "name": "regcred sandbox",
            "description": null, "external_url": "https://example.com",
            "html_url": "https://github.com/apps/regcred-sandbox", "created_at": time, "updated_at": time,
            "permissions": {}, "events": [],
        }),
    ))
}

/// Where it is installed: at an organization, or a user.
pub(super) fn installation(visit: &mut Visit<'_>) -> Outcome {
    let (login, is_user) = match visit.param("org") {
        "" => (visit.param("username").to_owned(), true),
        org => (org.to_owned(), false),
    };
    let found =
        visit.app()?.installations.iter().find(|(owner, found)| {
            owner.eq_ignore_ascii_case(&login) && (found.is_user == is_user || is_user)
        });
    let (owner, Installation { id, permissions, sees, .. }) = found.ok_or_else(Refusal::not_found)?;
    let kind = if found.is_some_and(|(_, found)| found.is_user) { "User" } else { "Organization" };
    let time = "2024-01-01T00:00:00Z";
    let (base, app) = (&visit.base, visit.app_id());
    Ok(Reply::json(
        200,
        &json!({
            "id": id, "account": simple(owner, 1, kind, base), "app_id": app, "app_slug": "regcred-sandbox",
            "repository_selection": if sees.is_some() { "selected" } else { "all" },
            "access_tokens_url": format!("{base}/app/installations/{id}/access_tokens"),
            "repositories_url": format!("{base}/installation/repositories"),
            "html_url": format!("https://github.com/organizations/{owner}/settings/installations/{id}"),
            "target_id": 1, "target_type": kind, "permissions": permissions, "events": [],
            "created_at": time, "updated_at": time, "single_file_name": null,
            "suspended_by": null, "suspended_at": null,
        }),
    ))
}

/// A token of the installation: for no more than it may, and no other repositories than it sees.
pub(super) fn token(visit: &mut Visit<'_>) -> Outcome {
    let wanted = visit.param("installation_id").to_owned();
    let app = visit.app()?.clone();
    let found = app.installations.iter().find(|(_, found)| found.id.to_string() == wanted);
    let (owner, found) = found.ok_or_else(Refusal::not_found)?;
    let permissions = granted(&visit.body["permissions"], found)?;
    let all = || visit.world.github.repositories.keys().filter(|name| is_of(name, owner)).cloned();
    let visible: Vec<String> = found.sees.clone().unwrap_or_else(|| all().collect());
    let named = visit.body["repositories"].as_array();
    let seen: Vec<String> = match named {
        None => visible,
        Some(names) => names
            .iter()
            .map(|name| {
                let full = format!("{owner}/{}", name.as_str().unwrap_or_default());
                visible.iter().find(|seen| seen.eq_ignore_ascii_case(&full)).cloned().ok_or_else(|| {
                    Refusal::unprocessable("There is at least one repository that does not exist or is not accessible to the parent installation.")
                })
            })
            .collect::<Result<_, _>>()?,
    };
    let now = visit.world.clock.now();
    let github = &mut visit.world.github;
    github.last_id += 1;
    let token = format!("ghs_{:036}", github.last_id);
    let end = now + app.seconds.map_or(HOUR, TimeDelta::seconds);
    let ends = end.to_rfc3339_opts(SecondsFormat::Secs, true);
    let sees = seen.into_iter().chain([owner.clone()]).collect();
    let (login, kind) = ("regcred-sandbox[bot]".to_owned(), TokenKind::App);
    let answer = json!({
        "token": token, "expires_at": ends, "permissions": permissions,
        "repository_selection": if named.is_some() || found.sees.is_some() { "selected" } else { "all" },
    });
    let made = Token { login, kind, sees, permissions, used: 0, ends: Some(end) };
    github.tokens.insert(token, made);
    Ok(Reply::json(201, &answer))
}

fn is_of(name: &str, owner: &str) -> bool {
    name.split_once('/').is_some_and(|(of, _)| of.eq_ignore_ascii_case(owner))
}

/// What is asked for, if it was given; all of it where nothing is.
fn granted(asked: &Value, found: &Installation) -> Result<BTreeMap<String, String>, Refusal> {
    let Some(asked) = asked.as_object() else { return Ok(found.permissions.clone()) };
    let refused =
        || Refusal::unprocessable("The permissions requested are not granted to this installation.");
    let level = |(name, level): (&String, &Value)| {
        let level = level.as_str().ok_or_else(refused)?;
        let given = found.permissions.get(name).ok_or_else(refused)?;
        if given == level || given == "write" { Ok((name.clone(), level.to_owned())) } else { Err(refused()) }
    };
    asked.iter().map(level).collect()
}

/// Whether a token has not ended.
pub(super) fn is_good(token: &Token, now: DateTime<Utc>) -> bool {
    token.ends.is_none_or(|end| now < end)
}
