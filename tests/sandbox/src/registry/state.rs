//! What Docker Hub remembers, as plain data.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::hub::Hub;
use super::lockout::{Failures, Lockout};
use super::token::Token;

/// Limits count over six hours (documented).
pub const WINDOW_SECONDS: u32 = 21_600;

/// Accounts and limits.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Registry {
    /// Login in lower case -> account.
    pub accounts: BTreeMap<String, Account>,
    /// Pulls without a login, by address.
    pub anonymous: Plan,
    /// Offers HTTP Basic only, and no token service.
    pub basic_only: bool,
    /// Where its token service is, if not at its own host: a host under which this same double is found.
    pub token_host: Option<String>,
    /// How an account is locked by failed logins.
    pub lockout: Lockout,
    /// hub.docker.com's API beyond the accounts themselves.
    pub hub: Hub,
}

impl Default for Registry {
    fn default() -> Self {
        let mut registry = Self::empty();
        registry.add_account("acme", "dckr_pat_sandbox-0123456789abcdefghi");
        registry
    }
}

impl Registry {
    /// No accounts.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            accounts: BTreeMap::new(),
            anonymous: Plan::limited(100),
            basic_only: false,
            token_host: None,
            lockout: Lockout::default(),
            hub: Hub::default(),
        }
    }

    /// Puts an account with one valid credential there.
    pub fn add_account(&mut self, login: &str, secret: &str) -> &mut Account {
        let account = self.accounts.entry(login.to_lowercase()).or_default();
        account.credentials.push(Credential::new(secret));
        account
    }

    /// Revokes a credential, as its owner would on hub.docker.com.
    pub fn revoke(&mut self, secret: &str) {
        let credentials = self.accounts.values_mut().flat_map(|account| &mut account.credentials);
        credentials
            .filter(|credential| credential.secret == secret)
            .for_each(|credential| credential.revoked = true);
    }

    /// Whether this user and secret log in, as long as the secret has not expired and the account is not locked.
    #[must_use]
    pub fn accepts(&self, user: &str, secret: &str) -> bool {
        self.credential(user, secret).is_some()
    }

    /// The credential that this is, if it is one that is active. Users compare without case: Docker IDs are lower-case, and
    /// Docker Hub takes them in any (unconfirmed for the token service).
    pub(crate) fn credential(&self, user: &str, secret: &str) -> Option<&Credential> {
        let account = self.accounts.get(&user.to_lowercase())?;
        account.credentials.iter().find(|credential| credential.is_active() && credential.secret == secret)
    }

    /// Whether a token for this scope is given: an organization's token pulls only what it names, and the token service
    /// answers 200 anyway.
    pub(crate) fn grants(&self, user: &str, secret: &str, scope: &str) -> bool {
        let repository = scope.strip_prefix("repository:").and_then(|rest| rest.split(':').next());
        let may_pull = |credential: &Credential| {
            repository.is_none_or(|repository| credential.token.may_pull(repository))
        };
        self.credential(user, secret).is_some_and(may_pull)
    }

    pub(crate) fn plan_mut(&mut self, login: Option<&str>) -> &mut Plan {
        match login.and_then(|login| self.accounts.get_mut(login)) {
            Some(account) => &mut account.plan,
            None => &mut self.anonymous,
        }
    }

    /// `docker-ratelimit-source`: the address without a login; with one, that it is the account's id is unconfirmed.
    pub(crate) fn source(&self, login: Option<&str>) -> String {
        login
            .and_then(|login| self.accounts.get(login))
            .map_or_else(|| "192.0.2.1".to_owned(), |account| account.id.clone())
    }
}

/// An account, personal or of an organization.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Account {
    /// What the limits are counted by.
    pub id: String,
    /// Tokens and passwords.
    pub credentials: Vec<Credential>,
    /// Pull limit.
    pub plan: Plan,
    /// Who owns it, in lower case, if it is an organization's.
    pub owners: Vec<String>,
    /// The code that a login with the password also needs, if any.
    pub second_factor: Option<String>,
    /// Its organization enforces single sign-on: no login with a password.
    pub sso: bool,
    /// Tokens that it may have, expired ones too; the numbers of the documentation differ from page to page.
    pub token_limit: usize,
    /// Failed logins.
    pub failures: Failures,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            id: "0f7f1d6e-4f5f-4f0a-8a86-7c4f9fd2c3a1".to_owned(),
            credentials: Vec::new(),
            plan: Plan::limited(200),
            owners: Vec::new(),
            second_factor: None,
            sso: false,
            token_limit: 10,
            failures: Failures::default(),
        }
    }
}

/// A secret that an account logs in with.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Credential {
    /// Token or password.
    pub secret: String,
    /// Which of the two.
    pub kind: CredentialKind,
    /// No longer accepted.
    pub revoked: bool,
    /// What hub.docker.com knows of it, if it is a token.
    pub token: Token,
}

impl Credential {
    /// A valid credential; its kind follows from its prefix.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        let kind = match secret {
            _ if secret.starts_with("dckr_pat_") => CredentialKind::Pat,
            _ if secret.starts_with("dckr_oat_") => CredentialKind::Oat,
            _ => CredentialKind::Password,
        };
        Self { secret: secret.to_owned(), kind, ..Self::default() }
    }

    fn is_active(&self) -> bool {
        !self.revoked && !self.token.inactive
    }

    /// Whether it has ended.
    pub(crate) fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.token.expires_at.is_some_and(|end| end <= now)
    }
}

/// What a credential is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CredentialKind {
    /// A personal access token, `dckr_pat_…`.
    #[default]
    Pat,
    /// An organization's access token, `dckr_oat_…` (the prefix is unconfirmed); the user is the organization.
    Oat,
    /// A password.
    Password,
}

/// How much may be pulled. Paid accounts have no limit, and no headers that tell of one (documented).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan {
    /// Pulls in six hours; `None` for a paid account.
    pub limit: Option<u32>,
    /// Pulls left.
    pub remaining: u32,
}

impl Plan {
    /// This many pulls in six hours, all of them left.
    #[must_use]
    pub fn limited(limit: u32) -> Self {
        Self { limit: Some(limit), remaining: limit }
    }

    /// No limit.
    #[must_use]
    pub fn paid() -> Self {
        Self { limit: None, remaining: 0 }
    }

    pub(crate) fn is_used_up(&self) -> bool {
        self.limit.is_some() && self.remaining == 0
    }

    pub(crate) fn count_pull(&mut self) {
        self.remaining = self.remaining.saturating_sub(1);
    }

    /// The headers, as `docs.docker.com` shows them.
    pub(crate) fn headers(&self, source: &str) -> Vec<(&'static str, String)> {
        let Some(limit) = self.limit else {
            return Vec::new();
        };
        vec![
            ("ratelimit-limit", format!("{limit};w={WINDOW_SECONDS}")),
            ("ratelimit-remaining", format!("{};w={WINDOW_SECONDS}", self.remaining)),
            ("docker-ratelimit-source", source.to_owned()),
        ]
    }
}
