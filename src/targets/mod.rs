//! The systems that a credential is put into, one folder each. All that is about a system is in its folder, under the same
//! names: `mod.rs` (what is wanted and found, and its [`Target`]) · `file.rs` (its part of `regcred.yaml`) · `validate.rs`
//! (what that part means) · `diff.rs` (the rules that compare, pure) · `undo.rs` (what of it goes again, pure) · `read.rs` · `write.rs` · `verify.rs` · its client.

pub mod aws;
pub mod daytona;
mod endpoint;
pub mod github;
pub mod kubernetes;
pub mod runpod;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::change::{Change, Finding, Inputs, Known, Operation, Options, Pull, Reason, Receipt};
use crate::env::{Env, Untrusted};
use crate::model::{Address, CredentialId, Fingerprint, Problem, Registry, Shard};
use crate::net::Http;
use crate::yaml::{At, Node, Reader, Spanned};

/// A system that a credential can be put into. Reading, deciding and writing are apart: [`Target::diff`] gets values and
/// gives a value, and only [`Target::write`] changes anything.
#[expect(async_fn_in_trait, reason = "every target is called by its own type, in this crate")]
pub trait Target {
    /// Its key under `to:`, and the first word of its addresses.
    const NAME: &'static str;
    /// What people call it.
    const TITLE: &'static str;
    /// What a proven place of it is called in a summary, and one that is not as it should be.
    const PROVEN: (&'static str, &'static str);
    /// Variables that hold its own secrets, which no program that a person names needs from regcred.
    const SECRETS: &'static [&'static str];

    /// One item of its part of the file, before it is judged.
    type Declared;
    /// What is wanted in it for one credential.
    type Desired;
    /// Its logins.
    type Client;
    /// What was found in it.
    type Observed;
    /// What can be done in it.
    type Operation: Operation;
    /// What writes to it, with what one run remembers between two writes.
    type Writer<'a>;

    /// Reads its part of the file; what is wrong goes to the reader.
    fn read(reader: &Reader, node: &Node) -> Vec<Self::Declared>;

    /// Judges an item, and adds what it wants to `validator.desired`.
    fn validate(validator: &mut Validator<'_, Self::Desired>, declared: &Self::Declared);

    /// Judges the items of all credentials together, once each has been judged by itself.
    fn finish(_: &Reader, _: &[(CredentialId, Self::Declared)], _: &mut [Self::Desired]) {}

    /// Looks at the environment that it would work in.
    fn environment(_: &[Self::Desired], _: &Env) -> Remarks {
        Remarks::default()
    }

    /// Whether a place allows requests that nobody else would make: without TLS, or without a look at a certificate.
    fn is_insecure(desired: &Self::Desired) -> bool;

    /// Takes out what a repository that is not trusted may not decide, each place with the reason. `trusted` is what the
    /// branch that was reviewed wants.
    fn refuse(desired: &mut Vec<Self::Desired>, _trusted: &[Self::Desired]) -> Vec<(Self::Desired, Problem)> {
        let insecure = desired.extract_if(.., |place| Self::is_insecure(place));
        let why = || Untrusted::refused(format!("`{}` says `insecure: true`", Self::NAME));
        insecure.map(|place| (place, why())).collect()
    }

    /// What is known of places that are not read, for this reason.
    fn unread(desired: &[Self::Desired], why: &Problem) -> Self::Observed;

    /// The credential that is wanted in a place.
    fn credential(desired: &Self::Desired) -> &CredentialId;

    /// The stacks that places are for. What belongs to no stack is not touched by a stack's own run.
    fn stacks(_: &[Self::Desired]) -> BTreeSet<String> {
        BTreeSet::new()
    }

    /// Leaves only what belongs to these stacks.
    fn keep_stacks(desired: &mut Vec<Self::Desired>, _: &[String]) {
        desired.clear();
    }

    /// The places, apart by the sites that they are at: what depends on each other, and what shares a limit, is at one. A
    /// place without a site is in every shard, and what is found there is a shard's by [`Shard::takes`]. Nothing but what is
    /// declared decides it.
    fn apart(desired: &[Self::Desired]) -> Vec<(Option<Site>, Self::Desired)>;

    /// Puts together what [`Target::apart`] took apart.
    fn together(parts: Vec<Self::Desired>) -> Vec<Self::Desired> {
        parts
    }

    /// What people should know where the places are in several shards.
    const SHARED: Option<&'static str> = None;

    /// What the addresses of a place begin with, as far as that is known before it is read.
    fn begins(_: &Self::Desired) -> String {
        Address::begin(Self::NAME, &[])
    }

    /// Where that is, in words; nothing if nothing is wanted.
    fn places(desired: &[Self::Desired]) -> Option<String> {
        (!desired.is_empty()).then(|| Self::TITLE.to_owned())
    }

    /// There is no login, because nothing is wanted.
    #[must_use]
    fn not_wanted() -> Problem {
        Problem::outside(format!("nothing is declared in {}", Self::TITLE))
    }

    /// A write was asked for that there is no login for.
    #[must_use]
    fn no_login() -> Problem {
        Problem::outside(format!("no login for {}", Self::TITLE))
    }

    /// Logs in. A failed login is data; where nothing is wanted, nothing is sent, and no file is read.
    async fn log_in(desired: &[Self::Desired], setting: &Setting<'_>) -> Self::Client;

    /// Reads what the wanted places hold. An error is data; nothing is written.
    async fn observe(client: &Self::Client, desired: &[Self::Desired], look: &Look<'_>) -> Self::Observed;

    /// The rows of the plan. Pure.
    fn diff(
        desired: &[Self::Desired],
        observed: &Self::Observed,
        terms: &Terms<'_>,
    ) -> Vec<Change<Self::Operation>>;

    /// The rows that take away what regcred made; what was there before stays, unless that is allowed. Pure.
    fn undo(
        desired: &[Self::Desired],
        observed: &Self::Observed,
        options: &Options,
    ) -> Vec<Change<Self::Operation>>;

    /// What people should know beside the rows. Pure.
    fn notes(desired: &[Self::Desired], observed: &Self::Observed) -> Vec<String>;

    /// What people could declare otherwise, by what was found and what is about to be done. Pure.
    fn advice(_: &[Self::Desired], _: &Self::Observed, _: &[&Self::Operation]) -> Vec<String> {
        Vec::new()
    }

    /// How its own limits slow these operations down, in seconds; they are of one budget.
    fn seconds(_: &[&Self::Operation]) -> usize {
        0
    }

    /// The same with these logins.
    fn seconds_of(_: &Self::Client, operations: &[&Self::Operation]) -> usize {
        Self::seconds(operations)
    }

    /// Whose limits count for an operation: those of one name share them.
    fn budget(_: &Self::Client, _: &Self::Operation) -> String {
        String::new()
    }

    /// How many requests reading the places takes, and how its own limits slow them down, in seconds.
    fn reading(_: &[Self::Desired]) -> (usize, usize) {
        (0, 0)
    }

    /// What writes with these logins.
    fn writer<'a>(client: &'a Self::Client, observed: &'a Self::Observed) -> Self::Writer<'a>;

    /// Carries out one operation. It is called only for rows whose `after` is done.
    ///
    /// # Errors
    /// What failed; whether something was written before that is in the problem's effect.
    async fn write(
        writer: &Self::Writer<'_>,
        operation: &Self::Operation,
        inputs: &Inputs<'_>,
    ) -> Result<Receipt, Problem>;

    /// Proves what is in place, as far as the system lets it be proven. Writes nothing. With [`Scope::All`] that is what is
    /// kept: what differs is the plan's to tell, and no failed proof.
    async fn verify(
        client: &Self::Client,
        desired: &[Self::Desired],
        observed: &Self::Observed,
        proof: &Proof<'_, Self::Operation>,
    ) -> Vec<Finding>;

    /// Since when the credential's value is the one that is in use there, where the system keeps versions. By it other
    /// systems' places are known to be older, whose values cannot be read back.
    async fn current_since(
        _: &Self::Client,
        _: &[Self::Desired],
        _: &Self::Observed,
        _: &CredentialId,
    ) -> Option<DateTime<Utc>> {
        None
    }

    /// Whether it remembers which value a rotation took out of use.
    const GUARDS_ROTATIONS: bool = false;

    /// The credentials whose value a rotation took out of use, each with the day. A sync does not write these, in any system.
    /// Pure.
    fn rotated_away(
        _: &[Self::Desired],
        _: &Self::Observed,
        _: &BTreeMap<CredentialId, Known>,
    ) -> BTreeMap<CredentialId, String> {
        BTreeMap::new()
    }

    /// A place of the credential that remembers which value a rotation took out of use; the same one for every shard.
    fn guard(_: &[Self::Desired], _: &CredentialId) -> Option<Self::Desired> {
        None
    }

    /// Reads of such places, which the run is otherwise not about, what they remember.
    async fn look_at_guards(_: &Self::Client, _: &[Self::Desired], _: &mut Self::Observed) {}

    /// Which of them could not be read, in words. Pure.
    fn blind(_: &[Self::Desired], _: &Self::Observed) -> Vec<String> {
        Vec::new()
    }

    /// What people should know before a value is rotated there.
    const ROTATING: Option<&'static str> = None;

    /// What may still use a value that was replaced, by what was found since and the system's own clock, as far as it shows
    /// that. Writes nothing.
    async fn still_using(_: &Self::Client, _: &[Self::Desired], _: &Self::Observed) -> StillUsing {
        StillUsing::default()
    }

    /// Since when the value is known to be in use there; it may be for longer.
    async fn used_since(
        _: &Self::Client,
        _: &[Self::Desired],
        _: &Self::Observed,
        _: &CredentialId,
        _: &Fingerprint,
    ) -> Option<DateTime<Utc>> {
        None
    }

    /// Whether it tells how it pulls images.
    const TELLS_PULLS: bool = false;

    /// How images are pulled there, as far as its list could be read.
    fn pulls(_: &[String], _: &[Self::Desired], _: &Self::Observed) -> Vec<Pull> {
        Vec::new()
    }
}

/// Judges one credential's part of the file, and collects what is wanted.
pub struct Validator<'a, D> {
    /// The file.
    pub reader: &'a Reader,
    /// The credential.
    pub id: &'a CredentialId,
    /// Where its name stands.
    pub at: At,
    /// Its registry.
    pub registry: &'a Registry,
    /// The registry as it is written, if it is.
    pub written: Option<&'a Spanned<String>>,
    /// What is wanted so far, of all credentials.
    pub desired: &'a mut Vec<D>,
}

impl<D> Validator<'_, D> {
    /// Says what is wrong, where, and what to write instead.
    pub fn refuse(&self, at: At, message: impl Into<String>, hint: impl Into<String>) {
        self.reader.problem(at, message, Some(hint.into()));
    }
}

/// What there is to say about a target's environment.
#[derive(Debug, Default)]
pub struct Remarks {
    /// What is wrong with it.
    pub problems: Vec<Problem>,
    /// What people should know.
    pub notes: Vec<String>,
}

/// What may still use a value that was replaced.
#[derive(Debug, Default)]
pub struct StillUsing {
    /// What does, in words.
    pub words: Vec<String>,
    /// What could not be seen.
    pub unseen: Vec<Problem>,
}

/// What a login is made with.
pub struct Setting<'a> {
    /// The environment.
    pub env: &'a Env,
    /// The way out.
    pub http: &'a Http,
    /// The folder of the configuration.
    pub base: &'a Path,
}

/// Where places are that are written together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Its name; that of one system is not that of another.
    pub name: String,
    /// The requests that writing what is declared there takes, roughly.
    pub cost: usize,
}

/// Of places that are at one site each.
fn at_sites<D: Clone>(desired: &[D], site: impl Fn(&D) -> Site) -> Vec<(Option<Site>, D)> {
    desired.iter().map(|place| (Some(site(place)), place.clone())).collect()
}

/// How systems are read.
pub struct Look<'a> {
    /// The part of what is declared that the run is about, if it is not all of it.
    pub shard: Option<Shard>,
    /// Requests at once, for each system.
    pub concurrency: usize,
    /// How long to wait for a system that is still starting.
    pub wait: Duration,
    /// Says a word about a wait.
    pub say: &'a dyn Fn(&str),
}

/// What a plan is made with, beside what is wanted and found.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// What is known of each credential.
    pub known: &'a BTreeMap<CredentialId, Known>,
    /// How the run was asked to plan.
    pub options: &'a Options,
}

/// Which rows are proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All that exist: nothing was written.
    All,
    /// Those that this run touched, by themselves or by what they depend on.
    Touched,
}

/// What there is to prove of one target.
pub struct Proof<'a, O> {
    /// Its rows.
    pub rows: Vec<Row<'a, O>>,
    /// Which rows those are.
    pub scope: Scope,
    /// The fingerprint of each credential.
    pub fingerprints: &'a BTreeMap<CredentialId, Fingerprint>,
    /// Requests at once.
    pub concurrency: usize,
}

/// A row of the plan, as its own target sees it.
pub struct Row<'a, O> {
    /// The remote thing.
    pub address: &'a Address,
    /// What happens to it.
    pub action: crate::change::Action,
    /// Why.
    pub reason: &'a Reason,
    /// How.
    pub operation: Option<&'a O>,
}
