//! Personal access tokens: those of the account that has logged in.

use http::Method;
use serde_json::{Value, json};

use super::{Outcome, Visit, error, invalid};
use crate::message::Reply;
use crate::registry::state::{Account, Credential, CredentialKind};
use crate::registry::token::{self, Token};

const SCOPES: [&str; 4] = ["repo:admin", "repo:write", "repo:read", "repo:public_read"];
/// How long a label may be.
const LABEL: std::ops::RangeInclusive<usize> = 1..=100;
/// The status and the words are unconfirmed.
const TOO_MANY: &str = "maximum number of access tokens reached";

impl Visit<'_> {
    pub(super) fn personal(&mut self) -> Outcome {
        let owner = self.owner()?;
        if self.request.method == Method::POST {
            self.create_personal(&owner)
        } else {
            self.list_personal(&owner)
        }
    }

    /// The newest first (unconfirmed).
    fn list_personal(&self, owner: &str) -> Outcome {
        let account = &self.registry.accounts[owner];
        let active =
            account.tokens(CredentialKind::Pat).filter(|credential| !credential.token.inactive).count();
        let all: Vec<Value> = account.tokens(CredentialKind::Pat).map(Credential::personal).rev().collect();
        let page = self.page("/v2/access-tokens", all, 10)?;
        let (next, previous) = (page.next, page.previous);
        Ok(Reply::json(
            200,
            &json!({
                "count": page.total, "next": next, "previous": previous, "active_count": active, "results": page.results,
            }),
        ))
    }

    fn create_personal(&mut self, owner: &str) -> Outcome {
        let scopes = self.texts("scopes")?;
        if scopes.is_empty() || scopes.iter().any(|scope| !SCOPES.contains(&scope.as_str())) {
            return Err(invalid("scopes", "invalid scopes"));
        }
        let made = Token {
            label: self.label("token_label")?,
            scopes,
            created_by: owner.to_owned(),
            created_at: self.now,
            expires_at: self.expiry()?,
            ..Token::default()
        };
        let credential = self.add(owner, "dckr_pat_", made)?;
        let mut shown = credential.personal();
        shown["token"] = credential.secret.into();
        Ok(Reply::json(201, &shown))
    }

    pub(super) fn personal_token(&mut self, id: &str) -> Outcome {
        let owner = self.owner()?;
        match self.request.method {
            Method::DELETE => {
                self.take(&owner, CredentialKind::Pat, id)?;
                Ok(Reply::empty(204))
            }
            Method::PATCH => {
                let label = self.given("token_label").then(|| self.label("token_label")).transpose()?;
                let active = self.flag("is_active")?;
                let credential = self.found(&owner, CredentialKind::Pat, id)?;
                credential.token.change(label, active);
                Ok(Reply::json(200, &credential.personal()))
            }
            _ => Ok(Reply::json(200, &self.found(&owner, CredentialKind::Pat, id)?.personal())),
        }
    }

    /// Makes a token for an account. Expired ones count (docs.docker.com, "Organization access tokens").
    pub(super) fn add(&mut self, owner: &str, prefix: &str, made: Token) -> Result<Credential, Reply> {
        let secret = token::value(prefix, self.registry.hub.made + 1);
        let credential = Credential { token: made, ..Credential::new(&secret) };
        let account = self.registry.accounts.get_mut(owner).ok_or_else(|| error(404, "not found"))?;
        if account.tokens(credential.kind).count() >= account.token_limit {
            return Err(invalid("", TOO_MANY));
        }
        account.credentials.push(credential.clone());
        self.registry.hub.made += 1;
        Ok(credential)
    }

    pub(super) fn found(
        &mut self,
        owner: &str,
        kind: CredentialKind,
        id: &str,
    ) -> Result<&mut Credential, Reply> {
        let all = self.registry.accounts.get_mut(owner).map(|account| account.credentials.iter_mut());
        let mut all = all.into_iter().flatten();
        let found = all.find(|each| each.kind == kind && !each.revoked && each.uuid() == id);
        found.ok_or_else(|| error(404, "access token not found"))
    }

    /// Takes a token away for ever.
    pub(super) fn take(&mut self, owner: &str, kind: CredentialKind, id: &str) -> Result<Token, Reply> {
        let taken = self.found(owner, kind, id)?.clone();
        let account = self.registry.accounts.get_mut(owner).ok_or_else(|| error(404, "not found"))?;
        account.credentials.retain(|credential| credential.secret != taken.secret);
        Ok(taken.token)
    }

    pub(super) fn given(&self, name: &str) -> bool {
        !self.body[name].is_null()
    }

    pub(super) fn label(&self, name: &str) -> Result<String, Reply> {
        let label = self.text(name);
        let fits = LABEL.contains(&label.chars().count());
        fits.then_some(label).ok_or_else(|| invalid(name, "must have 1 to 100 characters"))
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Reply> {
        match &self.body[name] {
            Value::Null => Ok(None),
            Value::Bool(flag) => Ok(Some(*flag)),
            _ => Err(invalid(name, "must be a boolean")),
        }
    }

    pub(super) fn expiry(&self) -> Result<Option<chrono::DateTime<chrono::Utc>>, Reply> {
        let Value::String(text) = &self.body["expires_at"] else { return Ok(None) };
        let time = chrono::DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc());
        let time = time.filter(|time| *time > self.now);
        time.map(Some).ok_or_else(|| invalid("expires_at", "must be a time in the future"))
    }

    fn texts(&self, name: &str) -> Result<Vec<String>, Reply> {
        serde_json::from_value(self.body[name].clone()).map_err(|_| invalid(name, "must be a list of texts"))
    }
}

impl Account {
    /// Its tokens of a kind, the oldest first.
    pub(super) fn tokens(&self, kind: CredentialKind) -> impl DoubleEndedIterator<Item = &Credential> {
        self.credentials.iter().filter(move |credential| credential.kind == kind && !credential.revoked)
    }
}

impl Token {
    pub(super) fn change(&mut self, label: Option<String>, active: Option<bool>) {
        self.label = label.unwrap_or_else(|| std::mem::take(&mut self.label));
        self.inactive = active.map_or(self.inactive, |active| !active);
    }
}
