//! What GitHub remembers, as plain data.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use crypto_box::SecretKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::apps::App;
use super::limits::Limits;

/// Accounts, repositories, organizations and tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct GitHub {
    /// Token -> what it may do.
    pub tokens: BTreeMap<String, Token>,
    /// Id -> GitHub App.
    pub apps: BTreeMap<String, App>,
    /// The token that `Sandbox::env` exports.
    pub exported_token: String,
    /// `owner/name` -> repository.
    pub repositories: BTreeMap<String, Repository>,
    /// Login -> organization.
    pub organizations: BTreeMap<String, Organization>,
    /// Old `owner/name` -> new `owner/name`.
    pub renamed: BTreeMap<String, String>,
    /// Reads of a secret show what was before its last write this many times: "eventually consistent" (known from
    /// terraform-provider-github's polling; undocumented).
    pub stale_reads: u32,
    /// The next public key that is handed out is replaced right after.
    pub rotate_key_after_next_read: bool,
    /// The version of a server of one's own, which it tells with every answer; before 3.8 it has no variables.
    pub server: Option<String>,
    /// Requests an hour.
    pub rate_limit: u64,
    /// The secondary limits and the hour's, where they count.
    pub limits: Option<Limits>,
    /// The last numeric id given out.
    pub last_id: u64,
    /// What Apps have said to prove who they are, in order: for another implementation to read.
    pub assertions: Vec<serde_json::Value>,
    /// Every sealed box that was taken, in order: for another implementation to open.
    pub boxes: Vec<SealedBox>,
}

impl Default for GitHub {
    fn default() -> Self {
        let mut github = Self::empty();
        let token = "github_pat_sandbox0123456789".to_owned();
        github.tokens.insert(token.clone(), Token::full("octocat"));
        github.exported_token = token;
        github.add_organization("acme");
        github.add_repository("acme/api");
        github.add_repository("acme/web");
        github
    }
}

impl GitHub {
    /// Nothing and nobody.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            tokens: BTreeMap::new(),
            apps: BTreeMap::new(),
            exported_token: String::new(),
            repositories: BTreeMap::new(),
            organizations: BTreeMap::new(),
            renamed: BTreeMap::new(),
            stale_reads: 0,
            rotate_key_after_next_read: false,
            server: None,
            rate_limit: 5000,
            limits: None,
            last_id: 1_296_268,
            assertions: Vec::new(),
            boxes: Vec::new(),
        }
    }

    /// Puts a private repository there.
    pub fn add_repository(&mut self, full_name: &str) -> &mut Repository {
        self.last_id += 1;
        let repository = Repository { id: self.last_id, ..Repository::default() };
        self.repositories.entry(full_name.to_owned()).or_insert(repository)
    }

    /// Puts an organization there.
    pub fn add_organization(&mut self, login: &str) -> &mut Organization {
        self.last_id += 1;
        let organization = Organization { id: self.last_id, ..Organization::default() };
        self.organizations.entry(login.to_owned()).or_insert(organization)
    }

    /// Renames a repository; the old name redirects from then on (documented).
    pub fn rename_repository(&mut self, from: &str, to: &str) {
        if let Some(repository) = self.repositories.remove(from) {
            self.repositories.insert(to.to_owned(), repository);
            self.renamed.insert(from.to_owned(), to.to_owned());
        }
    }
}

/// What kind of token it is; the words of a refusal depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenKind {
    /// A fine-grained personal access token.
    #[default]
    Pat,
    /// A GitHub App's installation token.
    App,
    /// A workflow's `GITHUB_TOKEN`, which never reaches secrets: no `secrets` among the workflow permissions (documented).
    Actions,
}

/// A token.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Token {
    /// Whose it is.
    pub login: String,
    /// What kind.
    pub kind: TokenKind,
    /// Repositories and organizations it sees; empty means all.
    pub sees: Vec<String>,
    /// Permission (`secrets`, `actions_variables`, `environments`, `dependabot_secrets`, `administration`,
    /// `organization_secrets`, …) -> `read` or `write`. `*` stands for all that are not listed.
    pub permissions: BTreeMap<String, String>,
    /// Requests made with it.
    pub used: u64,
    /// When it ends, if it does.
    pub ends: Option<DateTime<Utc>>,
}

impl Token {
    /// May do everything.
    #[must_use]
    pub fn full(login: &str) -> Self {
        Self {
            login: login.to_owned(),
            permissions: BTreeMap::from([("*".to_owned(), "write".to_owned())]),
            ..Self::default()
        }
    }

    /// A workflow's `GITHUB_TOKEN` for one repository.
    #[must_use]
    pub fn actions(repository: &str) -> Self {
        Self {
            login: "github-actions[bot]".to_owned(),
            kind: TokenKind::Actions,
            sees: vec![repository.to_owned()],
            permissions: BTreeMap::from([("metadata".to_owned(), "read".to_owned())]),
            used: 0,
            ends: None,
        }
    }

    /// Sets one permission; `level` is `none`, `read` or `write`.
    #[must_use]
    pub fn with(mut self, permission: &str, level: &str) -> Self {
        self.permissions.insert(permission.to_owned(), level.to_owned());
        self
    }

    /// Whether it has this permission at this level.
    #[must_use]
    pub fn has(&self, permission: &str, level: &str) -> bool {
        let given = self.permissions.get(permission).or_else(|| self.permissions.get("*"));
        given.is_some_and(|given| given == level || given == "write")
    }

    pub(crate) fn sees(&self, name: &str) -> bool {
        self.sees.is_empty() || self.sees.iter().any(|seen| seen.eq_ignore_ascii_case(name))
    }
}

/// A repository.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Repository {
    /// Numeric id.
    pub id: u64,
    /// Private repositories do not show to those who may not see them.
    pub private: bool,
    /// Private, and seen by all members of an enterprise.
    pub internal: bool,
    /// Archived: read-only.
    pub archived: bool,
    /// Made of another repository.
    pub fork: bool,
    /// Its topics.
    pub topics: Vec<String>,
    /// Actions secrets.
    pub actions: SecretStore,
    /// Dependabot secrets.
    pub dependabot: SecretStore,
    /// Actions variables.
    pub variables: BTreeMap<String, Variable>,
    /// Name -> environment.
    pub environments: BTreeMap<String, Environment>,
    /// Workflow runs, in any order.
    pub runs: Vec<WorkflowRun>,
}

/// A run of a workflow.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkflowRun {
    /// Numeric id.
    pub id: u64,
    /// `queued`, `in_progress`, `completed`, …
    pub status: String,
    /// When it was made, in whole seconds.
    pub created_at: DateTime<Utc>,
}

impl Repository {
    /// `public`, `private` or `internal`.
    #[must_use]
    pub fn visibility(&self) -> &'static str {
        match (self.private, self.internal) {
            (false, _) => "public",
            (true, false) => "private",
            (true, true) => "internal",
        }
    }
}

impl Default for Repository {
    fn default() -> Self {
        Self {
            id: 0,
            private: true,
            internal: false,
            archived: false,
            fork: false,
            topics: Vec::new(),
            actions: SecretStore::default(),
            dependabot: SecretStore::default(),
            variables: BTreeMap::new(),
            environments: BTreeMap::new(),
            runs: Vec::new(),
        }
    }
}

/// A deployment environment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// Its secrets.
    pub secrets: SecretStore,
    /// Its variables.
    pub variables: BTreeMap<String, Variable>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// An organization.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Organization {
    /// Numeric id.
    pub id: u64,
    /// The name in a team's address -> the repositories (`owner/name`) that it has access to.
    pub teams: BTreeMap<String, Vec<String>>,
    /// Actions secrets.
    pub actions: SecretStore,
    /// Dependabot secrets.
    pub dependabot: SecretStore,
    /// Actions variables.
    pub variables: BTreeMap<String, Variable>,
}

/// Secrets that share a key pair; each scope has its own (documented).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SecretStore {
    /// Raised, it replaces the key pair.
    pub key_generation: u32,
    /// Name in capitals -> secret.
    pub secrets: BTreeMap<String, Secret>,
}

impl SecretStore {
    /// The plaintext that a box opened to.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.secrets.get(name).map(|secret| secret.value.as_str())
    }

    /// Puts a secret there as somebody else would have, by hand.
    pub fn set(&mut self, name: &str, value: &str, at: DateTime<Utc>) {
        let created_at = self.secrets.get(name).map_or(at, |secret| secret.created_at);
        let secret = Secret { value: value.to_owned(), created_at, updated_at: at, ..Secret::default() };
        self.secrets.insert(name.to_owned(), secret);
    }

    /// The scope's current key pair. It follows from the scope's name, so that a world need not hold it.
    pub(crate) fn key(&self, scope: &str) -> KeyPair {
        KeyPair::derive(scope, self.key_generation)
    }
}

/// A scope's X25519 key pair.
pub(crate) struct KeyPair {
    pub(crate) id: String,
    pub(crate) secret: SecretKey,
}

impl KeyPair {
    fn derive(scope: &str, generation: u32) -> Self {
        let digest: [u8; 32] = Sha256::digest(format!("{scope}#{generation}")).into();
        let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        // GitHub's ids are decimal numbers of 18 or 19 digits.
        Self { id: (number / 4 + 100_000_000_000_000_000).to_string(), secret: SecretKey::from(digest) }
    }

    pub(crate) fn secret_base64(&self) -> String {
        STANDARD.encode(self.secret.to_bytes())
    }

    pub(crate) fn public_base64(&self) -> String {
        STANDARD.encode(self.secret.public_key().as_bytes())
    }
}

/// A secret.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Secret {
    /// The plaintext, which real GitHub never shows.
    pub value: String,
    /// When it was made, in whole seconds.
    pub created_at: DateTime<Utc>,
    /// When it was written last, in whole seconds.
    pub updated_at: DateTime<Utc>,
    /// On an organization's secret.
    pub visibility: Option<Visibility>,
    /// Repository ids, where visibility is `selected`.
    pub selected: Vec<u64>,
    /// How many more reads show it as it was before.
    pub stale_reads: u32,
    /// What those reads show as `updated_at`; `None`: that it does not exist.
    pub stale_updated_at: Option<DateTime<Utc>>,
}

/// A secret as it was sent, with the key that opens it and what it opened to here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SealedBox {
    /// The path that it was put to.
    pub path: String,
    /// As sent, in base64.
    pub encrypted_value: String,
    /// The scope's private key, in base64; real GitHub keeps it to itself.
    pub private_key: String,
    /// The plaintext.
    pub value: String,
}

/// Which of an organization's repositories get a secret or variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// All.
    All,
    /// Private and internal ones.
    Private,
    /// Those that are listed.
    Selected,
}

/// A variable.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Variable {
    /// Its value.
    pub value: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was written last.
    pub updated_at: DateTime<Utc>,
    /// On an organization's variable.
    pub visibility: Option<Visibility>,
    /// Repository ids, where visibility is `selected`.
    pub selected: Vec<u64>,
}
