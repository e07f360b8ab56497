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
    /// Whether there was no answer to look at: nothing is known, and the result says why.
    pub unread: bool,
}

impl Finding {
    /// A proof, with nothing to add.
    #[must_use]
    pub fn proof(address: Address, means: &'static str, result: Result<(), Problem>) -> Self {
        Self { address, means, result, state: None, unread: false }
    }

    /// A proof that could not be had, and why.
    #[must_use]
    pub fn unread(address: Address, means: &'static str, why: Problem) -> Self {
        Self { unread: true, ..Self::proof(address, means, Err(why)) }
    }
}
