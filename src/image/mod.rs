//! What an image name means for the credentials and caches that are configured. Needs no network.

pub mod cached;
pub mod explain;
pub mod scan;

use crate::model::{Reference, ReferenceError, Registry};
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub use cached::{NotCached, Stack};
pub use explain::{Pull, explain};

/// What image names are looked at with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// The credentials' names and registries; of several for one registry, the first is the one that is used.
    pub credentials: Vec<(String, Registry)>,
    /// The stacks whose caches can be pulled through.
    pub stacks: Vec<Stack>,
    /// The names of the credentials that Daytona's registry list has.
    pub in_daytona: BTreeSet<String>,
}

/// What one image name means. Serialised, it is one line of `regcred image --json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The name as it was written.
    pub input: String,
    /// The registry's host; nothing if the name is not valid, empty if it means no registry.
    pub domain: Option<String>,
    /// The repository's path on its registry.
    pub path: Option<String>,
    /// The tag as written.
    pub tag: Option<String>,
    /// The digest as written.
    pub digest: Option<String>,
    /// The short form of the name.
    pub familiar: Option<String>,
    /// The credential that a pull presents; nothing if the pull is anonymous.
    pub credential: Option<String>,
    /// Per stack whose cache is for this registry, what to write to pull through it.
    pub cached: BTreeMap<String, String>,
    /// Why the name is not valid.
    pub error: Option<String>,
    /// Why it is that one, where the name does not say it.
    #[serde(skip)]
    pub why: Option<String>,
    /// Why the pull is anonymous.
    #[serde(skip)]
    pub anonymous_why: Option<String>,
    /// The name of the same image that a credential is for.
    #[serde(skip)]
    pub instead: Option<String>,
    /// Per stack whose cache is for this registry but cannot be used, why.
    #[serde(skip)]
    pub not_cached: BTreeMap<String, String>,
    /// What to change in a name that is not valid, or beside one that is pulled without a login.
    #[serde(skip)]
    pub hint: Option<String>,
}

impl Row {
    /// Looks at one image name.
    pub fn new(input: &str, context: &Context) -> Self {
        match Reference::parse(input) {
            Ok(image) => Self::valid(input, &image, context),
            Err(error) => Self::invalid(input, &error),
        }
    }

    /// Whether the image would be pulled without a credential.
    pub fn is_anonymous(&self) -> bool {
        self.anonymous_why.is_some()
    }

    fn valid(input: &str, image: &Reference, context: &Context) -> Self {
        let (credential, anonymous_why, instead) = match explain(image, &context.credentials) {
            Pull::With(id) => (Some(id.to_owned()), None, None),
            Pull::Anonymous { why, instead } => (None, Some(why), instead),
        };
        let mut row = Self {
            input: input.to_owned(),
            domain: Some(image.domain().to_owned()),
            path: Some(image.path().to_owned()),
            tag: image.tag().map(str::to_owned),
            digest: image.digest().map(str::to_owned),
            familiar: Some(image.familiar()),
            credential,
            anonymous_why,
            instead,
            ..Self::default()
        };
        for stack in &context.stacks {
            match stack.cached(image) {
                Some(Ok(reference)) => row.cached.insert(stack.name.clone(), reference),
                Some(Err(reason)) => row.not_cached.insert(stack.name.clone(), reason.to_string()),
                None => None,
            };
        }
        row
    }

    fn invalid(input: &str, error: &ReferenceError) -> Self {
        let (input, hint) = (input.to_owned(), error.hint());
        Self { input, error: Some(error.to_string()), hint, ..Self::default() }
    }

    /// The row of a name whose version is only known when it is used: the version as written takes its place.
    fn with_version(mut self, version: &str) -> Self {
        self.input.push_str(version);
        for name in [&mut self.familiar, &mut self.instead].into_iter().flatten() {
            name.push_str(version);
        }
        for reference in self.cached.values_mut() {
            // A name without a version is cached as `latest`.
            let name = reference.strip_suffix(":latest").unwrap_or(reference).to_owned();
            *reference = name + version;
        }
        self
    }
}

/// Looks at image names, in their order: one row each, whatever is wrong with any of them.
pub fn rows<'a, I>(inputs: I, context: &'a Context) -> impl Iterator<Item = Row> + use<'a, I>
where
    I: IntoIterator + 'a,
    I::Item: AsRef<str>,
{
    inputs.into_iter().map(|input| Row::new(input.as_ref(), context))
}
