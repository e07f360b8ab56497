//! The systems that a credential is put into. One folder each, always the same file names:
//! `mod.rs` (what is wanted and found) · `diff.rs` (the rules that compare them, pure) · `read.rs` ·
//! `write.rs` · wire types.

pub mod aws;
pub mod daytona;
pub mod github;
pub mod kubernetes;
pub mod runpod;

use std::collections::BTreeMap;

use crate::model::{Address, Problem};
use crate::vault::Vault;

/// What executing one row does: one convergent operation, fully decided. It is part of the plan's
/// digest, so it never holds a secret value, a time, or who happens to run it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// In AWS.
    Aws(aws::Operation),
    /// In Daytona.
    Daytona(daytona::Operation),
    /// In GitHub.
    Github(github::Operation),
    /// In Kubernetes.
    Kubernetes(kubernetes::Operation),
    /// In RunPod.
    Runpod(runpod::Operation),
}

impl Operation {
    /// Whether it writes the credential's value.
    #[must_use]
    pub fn carries_value(&self) -> bool {
        match self {
            Self::Aws(operation) => operation.carries_value(),
            Self::Daytona(operation) => operation.carries_value(),
            Self::Github(operation) => operation.carries_value(),
            Self::Kubernetes(operation) => operation.carries_value(),
            Self::Runpod(operation) => operation.carries_value(),
        }
    }

    /// What it records as written.
    #[must_use]
    pub fn records(&self) -> &[Address] {
        match self {
            Self::Aws(_) | Self::Daytona(_) | Self::Kubernetes(_) | Self::Runpod(_) => &[],
            Self::Github(operation) => operation.records(),
        }
    }

    /// How many requests it takes, if nothing has to be tried again.
    #[must_use]
    pub fn requests(&self) -> usize {
        match self {
            Self::Aws(operation) => operation.requests(),
            Self::Daytona(operation) => operation.requests(),
            Self::Github(operation) => operation.requests(),
            Self::Kubernetes(operation) => operation.requests(),
            Self::Runpod(operation) => operation.requests(),
        }
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

/// What a write gave: the fields that later rows may refer to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt(pub BTreeMap<&'static str, String>);

/// What an operation gets beside itself.
pub struct Inputs<'a> {
    /// The credentials' values.
    pub vault: &'a Vault,
    /// The receipts of the rows that it waited for.
    pub receipts: BTreeMap<Address, Receipt>,
    /// Says a word about a wait, to whoever watches.
    pub say: &'a (dyn Fn(String) + Sync),
}

impl Inputs<'_> {
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
