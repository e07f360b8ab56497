//! Secrets of a repository, an environment or an organization: Actions and Dependabot.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::Refusal;
use super::place::Place;
use super::state::{SealedBox, Secret, Visibility};
use super::{Outcome, Visit};
use crate::message::Reply;

/// Documented: 48 KB. Whether it is counted before or after sealing is unconfirmed; here before.
const SIZE_LIMIT: usize = 48 * 1024;
/// The schema's pattern, in the words of GitHub's own refusal (github/rest-api-description#1688).
const BASE64: &str =
    r"/^(?:[A-Za-z0-9+\/]{4})*(?:[A-Za-z0-9+\/]{2}==|[A-Za-z0-9+\/]{3}=|[A-Za-z0-9+\/]{4})$/";

pub(crate) fn list(visit: &mut Visit<'_>) -> Outcome {
    let page = Page::of(visit, 30, 100);
    let base = secrets_url(visit);
    let (store, _) = visit.store()?;
    let rows: Vec<Value> =
        store.secrets.iter_mut().filter_map(|(name, secret)| row(name, secret, &base)).collect();
    Ok(page.reply("secrets", &rows))
}

pub(crate) fn get(visit: &mut Visit<'_>) -> Outcome {
    let name = name(visit);
    let base = secrets_url(visit);
    let (store, _) = visit.store()?;
    let secret = store.secrets.get_mut(&name).ok_or_else(Refusal::not_found)?;
    let row = row(&name, secret, &base).ok_or_else(Refusal::not_found)?;
    Ok(Reply::json(200, &row))
}

/// Never the value, and no digest of it (documented).
fn row(name: &str, secret: &mut Secret, base: &str) -> Option<Value> {
    let updated_at = shown_time(secret)?;
    let mut row =
        json!({ "name": name, "created_at": time(secret.created_at), "updated_at": time(updated_at) });
    if let Some(visibility) = secret.visibility {
        row["visibility"] = json!(visibility);
        if visibility == Visibility::Selected {
            row["selected_repositories_url"] = format!("{base}/{name}/repositories").into();
        }
    }
    Some(row)
}

/// What this read shows; a read of a secret just written may still show what was before.
fn shown_time(secret: &mut Secret) -> Option<DateTime<Utc>> {
    if secret.stale_reads == 0 {
        return Some(secret.updated_at);
    }
    secret.stale_reads -= 1;
    secret.stale_updated_at
}

pub(crate) fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn secrets_url(visit: &Visit<'_>) -> String {
    let store = if visit.route.path().contains("/dependabot/") { "dependabot" } else { "actions" };
    format!("{}/orgs/{}/{store}/secrets", visit.base, visit.param("org"))
}

pub(crate) fn public_key(visit: &mut Visit<'_>) -> Outcome {
    let rotate = std::mem::take(&mut visit.world.github.rotate_key_after_next_read);
    let (store, scope) = visit.store()?;
    let key = store.key(&scope);
    store.key_generation += u32::from(rotate);
    Ok(Reply::json(200, &json!({ "key_id": key.id, "key": key.public_base64() })))
}

#[derive(Deserialize)]
struct Put {
    encrypted_value: Option<String>,
    key_id: Option<String>,
    visibility: Option<Visibility>,
    #[serde(default)]
    selected_repository_ids: Vec<Id>,
}

/// A number, or for Dependabot a string too (schema; `gh` sends strings there).
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Id {
    Number(u64),
    Text(String),
}

impl Id {
    pub(crate) fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

/// 201 when it is new, 204 when it was there; no time stamps in the answer, and no way to read the value back.
pub(crate) fn put(visit: &mut Visit<'_>) -> Outcome {
    let name = name(visit);
    check_name(&name)?;
    let put: Put =
        serde_json::from_value(visit.body.clone()).map_err(|error| Refusal::invalid(&error.to_string()))?;
    let visibility = visibility(visit, put.visibility)?;
    let sealed = sealed(&put)?;
    let (now, lag) = (visit.world.clock.second(), visit.world.github.stale_reads);
    let (store, scope) = visit.store()?;
    let key = store.key(&scope);
    if put.key_id.as_deref() != Some(&key.id) {
        return Err(improper());
    }
    let value =
        String::from_utf8(key.secret.unseal(&sealed).map_err(|_| improper())?).map_err(|_| improper())?;
    if value.len() > SIZE_LIMIT {
        return Err(Refusal::unprocessable("Secret value is too large. The limit is 48 KB."));
    }
    let opened = SealedBox {
        path: String::new(),
        encrypted_value: STANDARD.encode(&sealed),
        private_key: key.secret_base64(),
        value: value.clone(),
    };
    let before = store.secrets.get(&name);
    let secret = Secret {
        value,
        created_at: before.map_or(now, |secret| secret.created_at),
        updated_at: now,
        visibility,
        // An update that leaves the list out clears it (external-secrets/external-secrets#6514).
        selected: put.selected_repository_ids.iter().filter_map(Id::number).collect(),
        stale_reads: lag,
        stale_updated_at: before.map(|secret| secret.updated_at),
    };
    let known = store.secrets.insert(name, secret).is_some();
    let path = visit.actual_path();
    visit.world.github.boxes.push(SealedBox { path, ..opened });
    Ok(if known { Reply::empty(204) } else { Reply::json(201, &json!({})) })
}

/// The text that users quote for a box that does not open (integrations/terraform-provider-github#2315); that a stale
/// `key_id` gets the same is unconfirmed.
fn improper() -> Refusal {
    Refusal::unprocessable("Bad request - validation failed due to an improperly encrypted secret")
}

fn sealed(put: &Put) -> Result<Vec<u8>, Refusal> {
    let text = put
        .encrypted_value
        .as_deref()
        .ok_or_else(|| Refusal::invalid("\"encrypted_value\" wasn't supplied."))?;
    let decoded =
        STANDARD.decode(text).map_err(|_| Refusal::invalid(&format!("{text} does not match {BASE64}.")))?;
    match put.key_id {
        Some(_) => Ok(decoded),
        None => Err(Refusal::invalid("\"key_id\" wasn't supplied.")),
    }
}

/// Required for an organization, and only there.
fn visibility(visit: &Visit<'_>, given: Option<Visibility>) -> Result<Option<Visibility>, Refusal> {
    match visit.place() {
        Place::Organization(_) if given.is_none() => Err(Refusal::invalid("\"visibility\" wasn't supplied.")),
        Place::Organization(_) => Ok(given),
        _ => Ok(None),
    }
}

pub(crate) fn delete(visit: &mut Visit<'_>) -> Outcome {
    let name = name(visit);
    let (store, _) = visit.store()?;
    store.secrets.remove(&name).map(|_| Reply::empty(204)).ok_or_else(Refusal::not_found)
}

/// Names compare without case and are kept in capitals (documented).
pub(crate) fn name(visit: &Visit<'_>) -> String {
    visit.param("secret_name").to_uppercase()
}

/// Letters, digits and `_`; not starting with a digit or `GITHUB_` (documented).
pub(crate) fn check_name(name: &str) -> Result<(), Refusal> {
    let allowed = name.chars().all(|symbol| symbol.is_ascii_alphanumeric() || symbol == '_');
    if !allowed || name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(Refusal::unprocessable(
            "Secret names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). Spaces are \
             not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_).",
        ));
    }
    if name.to_uppercase().starts_with("GITHUB_") {
        return Err(Refusal::unprocessable("Secret names must not start with GITHUB_."));
    }
    Ok(())
}

/// The page of a list that was asked for.
pub(crate) struct Page {
    number: usize,
    size: usize,
    url: String,
}

impl Page {
    /// `per_page` above the limit is cut down to it, without a word.
    pub(crate) fn of(visit: &Visit<'_>, default: usize, limit: usize) -> Self {
        let number = |name: &str| visit.query.get(name).and_then(|text| text.parse::<usize>().ok());
        Self {
            number: number("page").unwrap_or(1).max(1),
            size: number("per_page").unwrap_or(default).clamp(1, limit),
            url: format!("{}{}", visit.base, visit.actual_path()),
        }
    }

    /// The rows of this page, the count of all, and a `Link` to the next.
    pub(crate) fn reply(&self, member: &str, rows: &[Value]) -> Reply {
        let mut body = Map::new();
        body.insert("total_count".to_owned(), rows.len().into());
        body.insert(member.to_owned(), rows[self.range(rows)].into());
        self.linked(&Value::Object(body), rows)
    }

    /// The same without anything around the rows.
    pub(crate) fn bare(&self, rows: &[Value]) -> Reply {
        self.linked(&rows[self.range(rows)].into(), rows)
    }

    fn range(&self, rows: &[Value]) -> std::ops::Range<usize> {
        let start = (self.number - 1).saturating_mul(self.size).min(rows.len());
        start..(start + self.size).min(rows.len())
    }

    fn linked(&self, body: &Value, rows: &[Value]) -> Reply {
        let reply = Reply::json(200, body);
        if self.range(rows).end == rows.len() {
            return reply;
        }
        let last = rows.len().div_ceil(self.size);
        let link = |page: usize, name: &str| {
            format!("<{}?per_page={}&page={page}>; rel=\"{name}\"", self.url, self.size)
        };
        reply.with("link", format!("{}, {}", link(self.number + 1, "next"), link(last, "last")))
    }
}

impl Visit<'_> {
    /// The path of this request, with its parameters put in.
    fn actual_path(&self) -> String {
        self.params.iter().fold(self.route.path().to_owned(), |path, (name, value)| {
            path.replace(&format!("{{{name}}}"), &super::place::encode(value))
        })
    }
}
