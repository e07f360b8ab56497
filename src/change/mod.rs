//! One row of a plan, as every target makes it: what happens to one remote thing, why, after what, and how.
//!
//! The words are the same for all targets and the operation is the target's own, so that a target needs to know nothing of
//! the plan that its rows become part of.

mod access;
mod action;
mod details;
mod finding;
mod life;
mod pull;
mod reason;

use std::collections::{BTreeMap, BTreeSet};

pub use access::{Access, Doubt, Reader};
pub use action::Action;
pub use details::Details;
pub use finding::Finding;
pub use life::Life;
pub use pull::{Login as PullLogin, Pull, Used};
pub use reason::{Read, Reason, ReasonKind};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::model::{Address, CredentialId, Fingerprint, IN_CLUSTER, Login, Problem, TokenKind};

/// One row of the plan: one remote thing and what happens to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change<O> {
    /// The remote thing.
    pub address: Address,
    /// What tells the thing from all others where its address does not: a server that compares names without regard to
    /// case, or that has several names itself.
    pub identity: Option<String>,
    /// The credentials that it holds or serves.
    pub credentials: BTreeSet<CredentialId>,
    /// The stacks that it serves; empty for what belongs to no stack.
    pub stacks: BTreeSet<String>,
    /// What happens to it.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// What must be done (or in place) before.
    pub after: BTreeSet<Address>,
    /// What its system tells of it beside what its address says.
    pub details: Details,
    /// Who may read what it guards, once the plan is carried out.
    pub access: Option<Access>,
    /// How it is done. A row that is kept, blocked or unread has none.
    pub operation: Option<O>,
}

impl<O> Change<O> {
    /// A row that needs nothing before it, and has no operation yet.
    #[must_use]
    pub fn new(
        address: Address,
        credentials: BTreeSet<CredentialId>,
        action: Action,
        reason: Reason,
    ) -> Self {
        let (stacks, after) = (BTreeSet::new(), BTreeSet::new());
        let (identity, access, operation) = (None, None, None);
        let details = Details::default();
        Self { address, identity, credentials, stacks, action, reason, after, details, access, operation }
    }

    /// Why, behind what people know the thing by where its address does not say it.
    #[must_use]
    pub fn why(&self) -> String {
        match self.details.to_string().as_str() {
            "" => self.reason.to_string(),
            known => format!("{known}: {}", self.reason),
        }
    }

    /// What to do about it, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match (&self.reason, &self.address) {
            (Reason::NoNamespace, Address::Kubernetes { context, namespace, .. }) => {
                // Whoever reads of a pod's own cluster is not in that pod.
                let at: &[&str] = if context == IN_CLUSTER { &[] } else { &["--context", context] };
                let words = [&["kubectl"], at, &["create", "namespace", namespace]].concat();
                let words: Vec<_> =
                    words.into_iter().map(|word| shlex::try_quote(word).unwrap_or(word.into())).collect();
                Some(format!("correct it in regcred.yaml, or: {}", words.join(" ")))
            }
            _ => self.reason.hint(),
        }
    }
}

impl<O: Operation> Change<O> {
    /// Whether there is something to say of the row: it does not stay as it is, it stays though what regcred made goes,
    /// others come before it, or somebody may read that nobody listed.
    #[must_use]
    pub fn is_news(&self) -> bool {
        let told = matches!(
            self.reason,
            Reason::Theirs(_)
                | Reason::Shared(_)
                | Reason::Contested(_)
                | Reason::ByHand(_)
                | Reason::Waits(_)
        ) || self.reason.set_aside().is_some();
        self.action != Action::Keep || told || self.access.as_ref().is_some_and(Access::is_remarkable)
    }

    /// Whether executing this row writes the credential's value.
    #[must_use]
    pub fn carries_value(&self) -> bool {
        self.action.writes() && self.operation.as_ref().is_some_and(Operation::carries_value)
    }

    /// The same row with its operation as one among those of all systems.
    #[must_use]
    pub fn map<P>(self, wrap: impl FnOnce(O) -> P) -> Change<P> {
        let Self {
            address,
            identity,
            credentials,
            stacks,
            action,
            reason,
            after,
            details,
            access,
            operation,
        } = self;
        let operation = operation.map(wrap);
        Change { address, identity, credentials, stacks, action, reason, after, details, access, operation }
    }
}

/// What executing one row does: one convergent operation, fully decided. It is part of the plan's digest, so it never holds a
/// secret value, a time, or who happens to run it.
pub trait Operation: Clone + std::fmt::Debug + PartialEq + serde::Serialize {
    /// The credentials whose values it writes; it gets these and no others.
    fn values(&self) -> BTreeSet<&CredentialId>;

    /// Whether it writes a credential's value.
    fn carries_value(&self) -> bool {
        !self.values().is_empty()
    }

    /// How many requests it takes, if nothing has to be tried again; 0 where there is no network.
    fn requests(&self) -> usize;

    /// What they are worth in GitHub's points; 0 elsewhere.
    fn points(&self) -> usize {
        0
    }

    /// What it records as written.
    fn records(&self) -> &[Address] {
        &[]
    }
}

/// What is known of a credential once its value has been read; never the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The user name, which is not a secret.
    pub username: String,
    /// The value's fingerprint.
    pub fingerprint: Fingerprint,
    /// What kind of secret the value is. Of what is not a recognised token, which may be a guessable
    /// password, no fingerprint is published.
    pub kind: TokenKind,
    /// Since when the value is the current one in AWS, if that was asked.
    pub current_since: Option<DateTime<Utc>>,
}

/// How much earlier than its credential in AWS a place may be written: one run writes them in any order, by several clocks.
const BEHIND: TimeDelta = TimeDelta::minutes(10);

impl Known {
    /// What is known of a value that was not read. It counts as a token, so that its places have all the rows that they may have.
    #[must_use]
    pub fn nothing() -> Self {
        let (username, fingerprint) = (String::new(), Fingerprint::default());
        Self { username, fingerprint, kind: TokenKind::DockerPersonal, current_since: None }
    }

    /// What happens to what can be neither read back nor known by a record, last written at this time.
    #[must_use]
    pub fn refresh(&self, written: Option<DateTime<Utc>>) -> (Action, Reason) {
        match self.current_since.zip(written) {
            Some((since, written)) if written + BEHIND < since => {
                (Action::Update, Reason::Behind(written.to_rfc3339_opts(SecondsFormat::Secs, true)))
            }
            _ => (Action::Refresh, Reason::Unknown),
        }
    }
}

/// What a run is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// What is declared is put in place.
    #[default]
    Sync,
    /// What regcred made of it is taken away.
    Remove,
    /// What is declared is put in place with a new value, and the old one goes out of use.
    Rotate,
}

impl Purpose {
    /// The command that carries it out.
    #[must_use]
    pub fn command(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Remove => "remove",
            Self::Rotate => "rotate",
        }
    }
}

/// How this run was asked to plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What the run is for.
    pub purpose: Purpose,
    /// A stack's own run (`--stack`): what is missing is made, a shared value is never changed.
    pub stack_run: bool,
    /// Address prefixes to restrict the run to; empty means all.
    pub only: Vec<String>,
    /// Write values that are recorded, too.
    pub rewrite: bool,
    /// Delete what is in the way though it is not ours.
    pub allow_delete: bool,
    /// Delete and make again what cannot be changed in place.
    pub allow_replace: bool,
    /// The value that a rotation takes out of use, where it is known.
    pub old: Option<Fingerprint>,
}

impl Options {
    /// Whether the run is about this address.
    #[must_use]
    pub fn selects(&self, address: &Address) -> bool {
        self.only.is_empty() || self.only.iter().any(|prefix| address.starts_with(prefix))
    }
}

/// A value that is known now, or once another row is done.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// Known.
    Known(String),
    /// A field of what another row makes.
    Ref {
        /// The row.
        address: Address,
        /// The field of its receipt.
        field: &'static str,
    },
}

/// What a write gave: the fields that later rows may refer to, and what other programs' calls do: ids and ARNs. Nothing of it
/// is secret; its words are as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt(pub BTreeMap<&'static str, String>);

impl Receipt {
    /// The field that holds a word for people.
    const NOTE: &'static str = "note";

    /// With a word for people about what was done, if there is one.
    #[must_use]
    pub fn noted(mut self, words: Option<String>) -> Self {
        self.0.extend(words.map(|words| (Self::NOTE, words)));
        self
    }

    /// What people should know of what was done.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.0.get(Self::NOTE).map(String::as_str)
    }
}

/// What an operation gets beside itself.
pub struct Inputs<'a> {
    /// The values that it writes, by credential.
    pub logins: BTreeMap<&'a CredentialId, &'a Login>,
    /// The receipts of the rows that it waited for.
    pub receipts: BTreeMap<Address, Receipt>,
    /// Says a word about a wait, to whoever watches.
    pub say: &'a (dyn Fn(String) + Sync),
}

impl Inputs<'_> {
    /// The value of a credential that the operation names.
    ///
    /// # Errors
    /// If it was not read.
    pub fn login(&self, id: &CredentialId) -> Result<&Login, Problem> {
        let login = self.logins.get(id).copied();
        login.ok_or_else(|| Problem::outside(format!("the value of {id} was not read")))
    }

    /// The value, from another row's receipt if it was not known before.
    ///
    /// # Errors
    /// If the row gave no such field.
    pub fn resolve(&self, input: &Input) -> Result<String, Problem> {
        match input {
            Input::Known(value) => Ok(value.clone()),
            Input::Ref { address, field } => self.field(address, field),
        }
    }

    /// A field of another row's receipt.
    ///
    /// # Errors
    /// If the row gave no such field.
    pub fn field(&self, address: &Address, field: &'static str) -> Result<String, Problem> {
        let receipt = self.receipts.get(address);
        let value = receipt.and_then(|receipt| receipt.0.get(field)).cloned();
        value.ok_or_else(|| Problem::outside(format!("{address} gave no {field}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_comes_from_the_receipt_of_its_own_row_or_it_is_said_that_it_is_missing() {
        let address = |name: &str| -> Address {
            format!("kubernetes:prod/ci/secret/{name}").parse().expect("an address")
        };
        let receipt = Receipt(BTreeMap::from([("id", "x1".to_owned())]));
        let receipts = BTreeMap::from([(address("ours"), receipt)]);
        let inputs = Inputs { logins: BTreeMap::new(), receipts, say: &|_| {} };
        assert_eq!(inputs.field(&address("ours"), "id"), Ok("x1".to_owned()));
        for (name, field) in [("ours", "arn"), ("other", "id")] {
            let problem = inputs.field(&address(name), field).expect_err("there is none");
            assert_eq!(problem.message, format!("kubernetes:prod/ci/secret/{name} gave no {field}"));
        }
    }
}
