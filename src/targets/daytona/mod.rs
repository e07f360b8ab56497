//! Daytona: one row of an organization's registry list, so that images, those without a registry in their names too, are
//! pulled with the credential. A row's password cannot be read back; its name records the credential's fingerprint.

mod client;
mod diff;
mod file;
mod image;
mod names;
pub mod pull;
pub mod read;
pub mod stored;
mod undo;
mod validate;
pub mod verify;
mod version;
pub mod write;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
pub use client::{Client, DaytonaError, Key, KeyFacts, List};
pub use version::Version;

use super::{Look, Proof, Remarks, Setting, Site, Target, Terms, Validator, at_sites, endpoint};
use crate::change::{Finding, Inputs, Known, Options, Pull, Read, Receipt};
use crate::env::Env;
use crate::model::{Address, CredentialId, DaytonaItem, Fingerprint, Problem, Registry};
use crate::yaml::{Node, Reader};

/// Rows that an organization may have; one more is refused (Daytona's API server, as of 0.190).
pub const ROW_LIMIT: usize = 100;

/// The row that the configuration wants for one credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The credential.
    pub credential: CredentialId,
    /// Its registry.
    pub registry: Registry,
    /// The row's name in the configuration, without the fingerprint.
    pub name: String,
    /// Whether plain http may go to another machine: the system is self-hosted without TLS.
    pub insecure: bool,
}

impl Desired {
    /// The row's address.
    #[must_use]
    pub fn address(&self) -> Address {
        address(&self.name)
    }

    /// The name that Daytona sees: with the fingerprint's first 8 digits, unless the value may be a password, of which
    /// no fingerprint is published.
    #[must_use]
    pub fn recorded_name(&self, known: &Known) -> String {
        if known.kind.is_access_token() {
            format!("{}-{}", self.name, known.fingerprint)
        } else {
            self.name.clone()
        }
    }

    /// Whether regcred gave a row this name, for this or an earlier value.
    #[must_use]
    pub fn names(&self, name: &str) -> bool {
        name == self.name || Fingerprint::ends(name, &self.name)
    }
}

/// The address of a row: by its name in the configuration, or by its id where it is in none.
#[must_use]
pub fn address(name: &str) -> Address {
    Address::Daytona { item: DaytonaItem::Registry(name.to_owned()) }
}

/// A row of the registry list, as Daytona shows it: without the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Daytona's own name of it.
    pub id: String,
    /// What people call it; several may have one name.
    pub name: String,
    /// The registry, in the form in which Daytona stored it.
    pub url: String,
    /// The user name.
    pub username: String,
    /// The last write.
    pub updated: DateTime<Utc>,
}

/// What was found in the key's organization.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// The rows of the registry list.
    pub rows: Read<Vec<Row>>,
    /// The key that was used, where the server tells what it is.
    pub key: Option<KeyFacts>,
    /// The API's address.
    pub api: String,
    /// The server's version, where it told it.
    pub version: Option<Version>,
}

impl Default for Observed {
    fn default() -> Self {
        Self { rows: Ok(Vec::new()), key: None, api: String::new(), version: None }
    }
}

/// One convergent operation in Daytona.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// The row has this name and url, and the credential's user name and value.
    PutRow {
        /// The row that is changed; none where it is made.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// The name, which records the fingerprint.
        name: String,
        /// The url to send.
        url: String,
        /// The credential.
        credential: CredentialId,
    },
    /// The row is gone.
    DeleteRow {
        /// Which row.
        id: String,
        /// The name of the row for the same registry without which it stays.
        #[serde(skip_serializing_if = "Option::is_none")]
        behind: Option<String>,
    },
}

/// One row of the plan, of this target.
pub type Change = crate::change::Change<Operation>;

impl crate::change::Operation for Operation {
    fn values(&self) -> BTreeSet<&CredentialId> {
        if let Self::PutRow { credential, .. } = self { [credential].into() } else { BTreeSet::new() }
    }

    fn requests(&self) -> usize {
        match self {
            // The list is read again afterwards: Daytona takes a second row for a registry without a word. It is read before
            // a row goes that another one takes the place of.
            Self::PutRow { id: None, .. } | Self::DeleteRow { behind: Some(_), .. } => 2,
            Self::PutRow { id: Some(_), .. } | Self::DeleteRow { behind: None, .. } => 1,
        }
    }
}

/// Daytona.
pub struct Daytona;

impl Target for Daytona {
    const NAME: &'static str = "daytona";
    const TITLE: &'static str = "Daytona";
    const PROVEN: (&'static str, &'static str) = ("proven by Daytona", "invalid at Daytona");
    const SECRETS: &'static [&'static str] = &[client::KEY, "DAYTONA_JWT_TOKEN"];
    const TELLS_PULLS: bool = true;

    type Declared = file::Declared;
    type Desired = Desired;
    type Client = Read<Client>;
    type Observed = Observed;
    type Operation = Operation;
    type Writer<'a> = Option<write::Writer<'a>>;

    fn read(reader: &Reader, node: &Node) -> Vec<file::Declared> {
        file::read(reader, node).into_iter().collect()
    }

    fn validate(validator: &mut Validator<'_, Desired>, declared: &file::Declared) {
        validator.daytona(declared);
    }

    /// Only whoever uses Daytona is told.
    fn environment(desired: &[Desired], env: &Env) -> Remarks {
        let mut remarks = Remarks::default();
        if desired.is_empty() {
            return remarks;
        }
        remarks.problems.extend(endpoint::fault(client::URL, &client::address(env), insecure(desired)));
        if env.filled("DAYTONA_ORGANIZATION_ID").is_some() {
            let words =
                "DAYTONA_ORGANIZATION_ID changes nothing: an API key works in its own organization alone";
            remarks.notes.push(words.to_owned());
        }
        remarks
    }

    fn is_insecure(desired: &Desired) -> bool {
        desired.insecure
    }

    fn unread(_: &[Desired], why: &Problem) -> Observed {
        Observed { rows: Err(why.clone()), ..Observed::default() }
    }

    fn credential(desired: &Desired) -> &CredentialId {
        &desired.credential
    }

    /// The organization of the key.
    fn apart(desired: &[Desired]) -> Vec<(Option<Site>, Desired)> {
        /// The row, and the list again.
        const COST: usize = 2;
        at_sites(desired, |_| Site { name: Address::begin(Self::NAME, &[]), cost: COST })
    }

    async fn log_in(desired: &[Desired], setting: &Setting<'_>) -> Read<Client> {
        if desired.is_empty() {
            return Err(Self::not_wanted());
        }
        let Setting { env, http, .. } = *setting;
        Client::new(&http.insecure(insecure(desired)), &client::address(env), Key::find(env)?)
    }

    async fn observe(client: &Read<Client>, desired: &[Desired], look: &Look<'_>) -> Observed {
        read::observe(client, desired, look).await
    }

    fn diff(desired: &[Desired], observed: &Observed, terms: &Terms<'_>) -> Vec<Change> {
        diff::diff(desired, observed, terms)
    }

    fn undo(desired: &[Desired], observed: &Observed, options: &Options) -> Vec<Change> {
        undo::undo(desired, observed, options)
    }

    fn notes(desired: &[Desired], observed: &Observed) -> Vec<String> {
        diff::notes(desired, observed)
    }

    fn writer<'a>(client: &'a Read<Client>, _: &'a Observed) -> Option<write::Writer<'a>> {
        client.as_ref().ok().map(write::Writer::new)
    }

    async fn write(
        writer: &Self::Writer<'_>,
        operation: &Operation,
        inputs: &Inputs<'_>,
    ) -> Result<Receipt, Problem> {
        writer.as_ref().ok_or_else(Self::no_login)?.write(operation, inputs).await
    }

    async fn verify(
        client: &Read<Client>,
        desired: &[Desired],
        _: &Observed,
        proof: &Proof<'_, Operation>,
    ) -> Vec<Finding> {
        verify::verify(proof, client, desired).await
    }

    fn pulls(images: &[String], desired: &[Desired], observed: &Observed) -> Vec<Pull> {
        pull::pulls(images, desired, observed)
    }
}

fn insecure(desired: &[Desired]) -> bool {
    desired.iter().any(|desired| desired.insecure)
}
