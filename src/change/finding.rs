//! What is proven of a place.

use crate::model::{Address, Problem};

/// A proof after the fact: whether what is in place works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was proven.
    pub address: Address,
    /// By what, in words: `by ECR`.
    pub means: &'static str,
    /// The remote's own words where it does not work.
    pub result: Result<(), Problem>,
    /// What it is, in words, beside the proof; nothing is proven by it.
    pub state: Option<String>,
}

impl Finding {
    /// A proof, with nothing beside it.
    #[must_use]
    pub fn proof(address: Address, means: &'static str, result: Result<(), Problem>) -> Self {
        Self { address, means, result, state: None }
    }
}
