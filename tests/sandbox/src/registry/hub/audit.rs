//! What an organization's audit log has of access tokens.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Outcome, Visit, error};
use crate::message::Reply;
use crate::registry::token::time;

/// Something that was done to a token.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Event {
    /// The organization.
    pub account: String,
    /// Such as `org.access_token.create`.
    pub action: String,
    /// Who did it.
    pub actor: String,
    /// The token's label.
    pub label: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl Event {
    /// What `data` holds and how the sentence goes is unconfirmed.
    fn shown(&self) -> Value {
        json!({
            "account": self.account, "action": self.action, "name": self.account, "actor": self.actor,
            "data": { "token_label": self.label }, "timestamp": time(self.at),
            "action_description": format!("{} by {}", self.action, self.actor),
        })
    }
}

impl Visit<'_> {
    pub(super) fn log(&mut self, org: &str, action: &str, actor: &str, label: &str) {
        self.registry.hub.audit.push(Event {
            account: org.to_owned(),
            action: format!("org.access_token.{action}"),
            actor: actor.to_owned(),
            label: label.to_owned(),
            at: self.now,
        });
    }

    /// The newest first.
    pub(super) fn audit(&self, account: &str) -> Outcome {
        self.reader(account)?;
        let query = self.request.query_map();
        let is = |name: &str, value: &str| query.get(name).is_none_or(|wanted| wanted == value);
        let at = |name: &str| query.get(name).and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        let events = self.registry.hub.audit.iter().rev().filter(|event| {
            let named =
                is("action", &event.action) && is("actor", &event.actor) && is("name", &event.account);
            let timely =
                at("from").is_none_or(|from| event.at >= from) && at("to").is_none_or(|to| event.at <= to);
            event.account == account && named && timely
        });
        let page = self.page("", events.map(Event::shown).collect(), 25)?;
        Ok(Reply::json(200, &json!({ "logs": page.results })))
    }

    pub(super) fn audit_actions(&self, account: &str) -> Outcome {
        self.reader(account)?;
        let action = |name: &str, what: &str| {
            json!({ "name": format!("access_token.{name}"), "label": format!("Access token {what}"),
                    "description": format!("Access token {what} in organization") })
        };
        let actions = [action("create", "created"), action("update", "updated"), action("delete", "deleted")];
        Ok(Reply::json(
            200,
            &json!({ "actions": { "org": { "label": "Organization", "actions": actions } } }),
        ))
    }

    /// An owner, or the organization itself by one of its tokens (by the description's label).
    fn reader(&self, account: &str) -> Result<(), Reply> {
        let (login, _) = self.bearer()?;
        let owners = self.registry.accounts.get(account).map(|account| &account.owners);
        let may = login == account || owners.is_some_and(|owners| owners.contains(&login));
        if may { Ok(()) } else { Err(error(403, "forbidden")) }
    }
}
