//! The one list of systems, and what is done for all of them. A new system is its folder under `targets/`, its addresses in
//! `model/address/`, and one line at the end of the macro's call.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::change::{Change, Finding, Inputs, Known, Options, Pull, Receipt};
use crate::env::Env;
use crate::model::{Address, CredentialId, Fingerprint, Problem, Registry};
use crate::targets::{
    Look, Proof, Remarks, Row, Scope, Setting, Site, StillUsing, Target, Terms, Validator, aws, daytona,
    github, kubernetes, runpod,
};
use crate::yaml::{At, Fields, Reader, Spanned};

/// An operation as its own system's type.
trait Own: Sized {
    /// The operation, if it is of this system.
    fn of(operation: &Operation) -> Option<&Self>;
}

/// Writes everything that has one part for each system. Nothing can be forgotten for one of them.
macro_rules! systems {
    ($($field:ident: $target:ty, $variant:ident;)+) => {
        /// What is wanted in each system.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Places {
            $(#[doc = concat!("In ", stringify!($variant), ".")] pub $field: Vec<<$target as Target>::Desired>,)+
        }

        /// The items of the file, by credential, before they are judged together.
        #[derive(Default)]
        pub struct Declared {
            $($field: Vec<(CredentialId, <$target as Target>::Declared)>,)+
        }

        /// The logins of a run.
        pub struct Clients {
            $(#[doc = concat!("To ", stringify!($variant), ".")] pub $field: <$target as Target>::Client,)+
        }

        /// What was found in each system.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Observed {
            $(#[doc = concat!("In ", stringify!($variant), ".")] pub $field: <$target as Target>::Observed,)+
        }

        /// One convergent operation in one of the systems.
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Operation {
            $(#[doc = concat!("In ", stringify!($variant), ".")] $variant(<$target as Target>::Operation),)+
        }

        $(impl Own for <$target as Target>::Operation {
            fn of(operation: &Operation) -> Option<&Self> {
                match operation {
                    Operation::$variant(own) => Some(own),
                    #[allow(unreachable_patterns, reason = "with one system there is no other")]
                    _ => None,
                }
            }
        })+

        /// What writes to each system.
        pub struct Writers<'a> {
            $($field: <$target as Target>::Writer<'a>,)+
        }

        /// The keys under `to:`.
        pub const NAMES: &[&str] = &[$(<$target>::NAME),+];

        /// What proven places of each system are called, and those that are not as they should be.
        pub const PROVEN: &[(&str, (&str, &str))] = &[$((<$target>::NAME, <$target>::PROVEN)),+];

        /// The systems that tell how they pull images, as people call them.
        #[must_use]
        pub fn telling() -> Vec<&'static str> {
            [$(<$target>::TELLS_PULLS.then_some(<$target>::TITLE)),+].into_iter().flatten().collect()
        }

        /// The variables that hold a secret of some system.
        pub fn secrets() -> impl Iterator<Item = &'static str> {
            [$(<$target>::SECRETS),+].into_iter().flatten().copied()
        }

        impl crate::change::Operation for Operation {
            fn values(&self) -> BTreeSet<&CredentialId> {
                match self { $(Self::$variant(operation) => operation.values(),)+ }
            }

            fn requests(&self) -> usize {
                match self { $(Self::$variant(operation) => operation.requests(),)+ }
            }

            fn points(&self) -> usize {
                match self { $(Self::$variant(operation) => operation.points(),)+ }
            }

            fn records(&self) -> &[Address] {
                match self { $(Self::$variant(operation) => operation.records(),)+ }
            }
        }

        impl Places {
            /// Reads and judges what a credential's `to:` says. Whether it names a place.
            pub fn declare(&mut self, all: &mut Declared, credential: &Declaring<'_>, to: &Fields<'_>) -> bool {
                let mut somewhere = false;
                $(if let Some(node) = to.get(<$target>::NAME) {
                    let items = <$target>::read(credential.reader, node);
                    somewhere |= !items.is_empty();
                    let mut validator = credential.validator(&mut self.$field);
                    items.iter().for_each(|item| <$target>::validate(&mut validator, item));
                    all.$field.extend(items.into_iter().map(|item| (credential.id.clone(), item)));
                })+
                somewhere
            }

            /// Judges the items of all credentials together.
            pub fn finish(&mut self, all: &Declared, reader: &Reader) {
                $(<$target>::finish(reader, &all.$field, &mut self.$field);)+
            }

            /// What there is to say about the environment.
            #[must_use]
            pub fn environment(&self, env: &Env) -> Remarks {
                let mut remarks = Remarks::default();
                $({
                    let Remarks { problems, notes } = <$target>::environment(&self.$field, env);
                    remarks.problems.extend(problems);
                    remarks.notes.extend(notes);
                })+
                remarks
            }

            /// Leaves only what is wanted for one credential.
            pub fn keep_credential(&mut self, id: &str) {
                $(self.$field.retain(|place| <$target>::credential(place).0 == id);)+
            }

            /// Takes out what is wanted for one credential.
            #[must_use]
            pub fn take_credential(&mut self, id: &CredentialId) -> Self {
                Self { $($field: self.$field.extract_if(.., |place| <$target>::credential(place) == id).collect(),)+ }
            }

            /// Takes out what a repository that is not trusted may not decide, with the reason each.
            #[must_use]
            pub fn refuse(&mut self, trusted: &Self) -> Vec<(Self, Problem)> {
                let mut refused = Vec::new();
                $(for (place, why) in <$target>::refuse(&mut self.$field, &trusted.$field) {
                    refused.push((Self { $field: vec![place], ..Self::default() }, why));
                })+
                refused
            }

            /// What is known of places that are not read, for this reason.
            #[must_use]
            pub fn unread(&self, why: &Problem) -> Observed {
                Observed { $($field: <$target>::unread(&self.$field, why),)+ }
            }

            /// The stacks that places are for.
            #[must_use]
            pub fn stacks(&self) -> BTreeSet<String> {
                [$(<$target>::stacks(&self.$field)),+].into_iter().flatten().collect()
            }

            /// Takes out the places of which no address can begin with one of these prefixes.
            #[must_use]
            pub fn take_others(&mut self, prefixes: &[String]) -> Self {
                let other = |begin: String| {
                    !prefixes.iter().any(|prefix| begin.starts_with(prefix.as_str()) || prefix.starts_with(&begin))
                };
                Self { $($field: self.$field.extract_if(.., |place| other(<$target>::begins(place))).collect(),)+ }
            }

            /// Leaves only what belongs to these stacks.
            pub fn keep_stacks(&mut self, stacks: &[String]) {
                $(<$target>::keep_stacks(&mut self.$field, stacks);)+
            }

            /// The sites that places are at.
            #[must_use]
            pub fn sites(&self) -> Vec<Site> {
                [$(<$target>::apart(&self.$field).into_iter().filter_map(|(site, _)| site).collect::<Vec<_>>()),+]
                    .into_iter()
                    .flatten()
                    .collect()
            }

            /// Leaves only what is at these sites, and what is at none.
            pub fn keep_sites(&mut self, keep: impl Fn(&str) -> bool) {
                $({
                    let parts = <$target>::apart(&self.$field).into_iter();
                    let kept = parts.filter(|(site, _)| site.as_ref().is_none_or(|site| keep(&site.name)));
                    self.$field = <$target>::together(kept.map(|(_, place)| place).collect());
                })+
            }

            /// What people should know where the places are in several shards.
            #[must_use]
            pub fn shared(&self) -> Vec<&'static str> {
                let all = [$(<$target>::SHARED.filter(|_| !self.$field.is_empty())),+];
                all.into_iter().flatten().collect()
            }

            /// The places that remember, of these credentials, which value a rotation took out of use: one each.
            #[must_use]
            pub fn guards(&self, credentials: &BTreeSet<CredentialId>) -> Self {
                Self {
                    $($field: credentials.iter().filter_map(|id| <$target>::guard(&self.$field, id)).collect(),)+
                }
            }

            /// These and others.
            #[must_use]
            pub fn with(&self, others: &Self) -> Self {
                Self { $($field: self.$field.iter().chain(&others.$field).cloned().collect(),)+ }
            }

            /// The credentials that are wanted anywhere.
            #[must_use]
            pub fn credentials(&self) -> BTreeSet<&CredentialId> {
                [$(self.$field.iter().map(<$target>::credential).collect::<Vec<_>>()),+].into_iter().flatten().collect()
            }

            /// The systems that anything is wanted in.
            #[must_use]
            pub fn systems(&self) -> Vec<&'static str> {
                let all = [$((<$target>::NAME, self.$field.is_empty())),+];
                all.into_iter().filter(|(_, nothing)| !nothing).map(|(name, _)| name).collect()
            }

            /// Where all that is, in words.
            #[must_use]
            pub fn words(&self) -> Vec<String> {
                [$(<$target>::places(&self.$field)),+].into_iter().flatten().collect()
            }

            /// Logs in to each system that is wanted, all beside each other.
            pub async fn log_in(&self, setting: &Setting<'_>) -> Clients {
                let ($($field,)+) = tokio::join!($(<$target>::log_in(&self.$field, setting)),+);
                Clients { $($field),+ }
            }

            /// How many requests reading them takes, and about how many seconds by a system's own limits.
            #[must_use]
            pub fn reading(&self) -> (usize, usize) {
                let all = [$(<$target>::reading(&self.$field)),+];
                all.into_iter().max_by_key(|(_, seconds)| *seconds).unwrap_or_default()
            }

            /// Reads what the wanted places hold, all systems beside each other.
            pub async fn observe(&self, clients: &Clients, look: &Look<'_>) -> Observed {
                let ($($field,)+) =
                    tokio::join!($(<$target>::observe(&clients.$field, &self.$field, look)),+);
                Observed { $($field),+ }
            }

            /// Adds what these places remember of rotations to what was found, all systems beside each other.
            pub async fn look_at_guards(&self, clients: &Clients, observed: &mut Observed) {
                tokio::join!($(<$target>::look_at_guards(&clients.$field, &self.$field, &mut observed.$field)),+);
            }

            /// Which of these places could not be read, in words.
            #[must_use]
            pub fn blind(&self, observed: &Observed) -> Vec<String> {
                [$(<$target>::blind(&self.$field, &observed.$field)),+].into_iter().flatten().collect()
            }

            /// Since when a credential's value is the current one, where a system tells.
            pub async fn current_since(
                &self,
                clients: &Clients,
                observed: &Observed,
                id: &CredentialId,
            ) -> Option<DateTime<Utc>> {
                let ($($field,)+) = tokio::join!(
                    $(<$target>::current_since(&clients.$field, &self.$field, &observed.$field, id)),+
                );
                [$($field),+].into_iter().flatten().max()
            }

            /// Since when a value is known to be in use, where a system tells.
            pub async fn used_since(
                &self,
                clients: &Clients,
                observed: &Observed,
                id: &CredentialId,
                value: &Fingerprint,
            ) -> Option<DateTime<Utc>> {
                let ($($field,)+) = tokio::join!(
                    $(<$target>::used_since(&clients.$field, &self.$field, &observed.$field, id, value)),+
                );
                [$($field),+].into_iter().flatten().min()
            }

            /// The rows of every system.
            #[must_use]
            pub fn diff(&self, observed: &Observed, terms: &Terms<'_>) -> Vec<Change<Operation>> {
                let mut rows = Vec::new();
                $(rows.extend(<$target>::diff(&self.$field, &observed.$field, terms)
                    .into_iter()
                    .inspect(|row| debug_assert_eq!(row.address.system(), <$target>::NAME, "the word of an address is its target's"))
                    .map(|row| row.map(Operation::$variant)));)+
                rows
            }

            /// What people should know before a value is rotated.
            #[must_use]
            pub fn rotating(&self) -> Vec<&'static str> {
                let all = [$(<$target>::ROTATING.filter(|_| !self.$field.is_empty())),+];
                all.into_iter().flatten().collect()
            }

            /// What may still use a value that was replaced, all systems beside each other.
            pub async fn still_using(&self, clients: &Clients, observed: &Observed) -> StillUsing {
                let ($($field,)+) = tokio::join!(
                    $(<$target>::still_using(&clients.$field, &self.$field, &observed.$field)),+
                );
                let mut using = StillUsing::default();
                for StillUsing { words, unseen } in [$($field),+] {
                    using.words.extend(words);
                    using.unseen.extend(unseen);
                }
                using
            }

            /// Whether something is wanted in a system that remembers which value a rotation took out of use.
            #[must_use]
            pub fn guard_rotations(&self) -> bool {
                [$(<$target>::GUARDS_ROTATIONS && !self.$field.is_empty()),+].contains(&true)
            }

            /// The credentials whose value a rotation took out of use, each with the day.
            #[must_use]
            pub fn rotated_away(
                &self,
                observed: &Observed,
                known: &BTreeMap<CredentialId, Known>,
            ) -> BTreeMap<CredentialId, String> {
                let all = [$(<$target>::rotated_away(&self.$field, &observed.$field, known)),+];
                all.into_iter().flatten().collect()
            }

            /// The rows of places that are not read, for this reason.
            #[must_use]
            pub fn unread_rows(&self, why: &Problem, options: &Options) -> Vec<Change<Operation>> {
                let ids = self.credentials().into_iter().cloned();
                let known = ids.map(|id| (id, Known::nothing())).collect();
                self.diff(&self.unread(why), &Terms { known: &known, options })
            }

            /// The rows that take away what regcred made.
            #[must_use]
            pub fn undo(&self, observed: &Observed, options: &Options) -> Vec<Change<Operation>> {
                let mut rows = Vec::new();
                $(rows.extend(<$target>::undo(&self.$field, &observed.$field, options)
                    .into_iter()
                    .map(|row| row.map(Operation::$variant)));)+
                rows
            }

            /// What people should know beside the rows.
            #[must_use]
            pub fn notes(&self, observed: &Observed) -> Vec<String> {
                [$(<$target>::notes(&self.$field, &observed.$field)),+].into_iter().flatten().collect()
            }

            /// What people could declare otherwise, by what is about to be done.
            #[must_use]
            pub fn advice(&self, observed: &Observed, operations: &[&Operation]) -> Vec<String> {
                let mut advice = Vec::new();
                $({
                    let own = operations.iter().filter_map(|operation| Own::of(operation));
                    advice.extend(<$target>::advice(&self.$field, &observed.$field, &own.collect::<Vec<_>>()));
                })+
                advice
            }

            /// Proves these rows, all systems beside each other.
            pub async fn verify(&self, clients: &Clients, observed: &Observed, proof: &Proving<'_>) -> Vec<Finding> {
                let ($($field,)+) = tokio::join!($(async {
                    let rows = proof.rows.iter().filter(|row| row.address.system() == <$target>::NAME);
                    let rows = rows.map(|row| {
                        let operation = row.operation.as_ref().and_then(Own::of);
                        Row { address: &row.address, action: row.action, reason: &row.reason, operation }
                    });
                    let Proving { scope, fingerprints, concurrency, .. } = *proof;
                    let proof = Proof { rows: rows.collect(), scope, fingerprints, concurrency };
                    <$target>::verify(&clients.$field, &self.$field, &observed.$field, &proof).await
                }),+);
                [$($field),+].into_iter().flatten().collect()
            }

            /// The systems that something is wanted in and that tell how they pull images, as people call them.
            #[must_use]
            pub fn pullers(&self) -> Vec<&'static str> {
                let telling = [$((<$target>::TELLS_PULLS && !self.$field.is_empty()).then_some(<$target>::TITLE)),+];
                telling.into_iter().flatten().collect()
            }

            /// How images are pulled, where something is wanted in a system that tells.
            #[must_use]
            pub fn pulls(&self, images: &[String], observed: &Observed) -> Vec<Pull> {
                let mut pulls = Vec::new();
                $(if !self.$field.is_empty() {
                    pulls.extend(<$target>::pulls(images, &self.$field, &observed.$field));
                })+
                pulls
            }
        }

        impl<'a> Writers<'a> {
            /// Those of these logins.
            #[must_use]
            pub fn new(clients: &'a Clients, observed: &'a Observed) -> Self {
                Self { $($field: <$target>::writer(&clients.$field, &observed.$field)),+ }
            }

            /// Carries out one operation.
            ///
            /// # Errors
            /// What failed.
            pub async fn write(&self, operation: &Operation, inputs: &Inputs<'_>) -> Result<Receipt, Problem> {
                match operation {
                    $(Operation::$variant(operation) => <$target>::write(&self.$field, operation, inputs).await,)+
                }
            }
        }

        /// The longest time, in seconds, for which a system's own limits slow these operations down.
        #[must_use]
        pub fn seconds(operations: &[&Operation]) -> usize {
            let times = [$({
                let own = operations.iter().filter_map(|operation| Own::of(operation));
                <$target>::seconds(&own.collect::<Vec<_>>())
            }),+];
            times.into_iter().max().unwrap_or(0)
        }

        impl Clients {
            /// The same where the logins have limits of their own: the longest time of any of them.
            #[must_use]
            pub fn seconds(&self, operations: &[&Operation]) -> usize {
                let mut budgets: BTreeMap<(&str, String), Vec<&Operation>> = BTreeMap::new();
                for operation in operations {
                    let budget = match operation {
                        $(Operation::$variant(own) => (<$target>::NAME, <$target>::budget(&self.$field, own)),)+
                    };
                    budgets.entry(budget).or_default().push(operation);
                }
                budgets.values().map(|operations| self.seconds_of_one(operations)).max().unwrap_or(0)
            }

            /// The same of one budget.
            fn seconds_of_one(&self, operations: &[&Operation]) -> usize {
                let times = [$({
                    let own = operations.iter().filter_map(|operation| Own::of(operation));
                    <$target>::seconds_of(&self.$field, &own.collect::<Vec<_>>())
                }),+];
                times.into_iter().max().unwrap_or(0)
            }
        }
    };
}

systems! {
    aws: aws::Aws, Aws;
    daytona: daytona::Daytona, Daytona;
    github: github::Github, Github;
    kubernetes: kubernetes::Kubernetes, Kubernetes;
    runpod: runpod::Runpod, Runpod;
}

/// The credential whose places are read from the file.
pub struct Declaring<'a> {
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
}

impl<'a> Declaring<'a> {
    fn validator<'v, D>(&'v self, desired: &'v mut Vec<D>) -> Validator<'v, D>
    where
        'a: 'v,
    {
        let Self { reader, id, at, registry, written } = *self;
        Validator { reader, id, at, registry, written, desired }
    }
}

/// What there is to prove.
pub struct Proving<'a> {
    /// The rows.
    pub rows: Vec<&'a Change<Operation>>,
    /// Which rows those are.
    pub scope: Scope,
    /// The fingerprint of each credential.
    pub fingerprints: &'a BTreeMap<CredentialId, Fingerprint>,
    /// Requests at once, for each system.
    pub concurrency: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_every_system_can_be_read() {
        // Behind them what a rotation writes beside the places.
        let all = NAMES.iter().copied().chain(["hub", "source"]);
        assert!(Address::systems().eq(all), "{:?}", Address::systems().collect::<Vec<_>>());
    }
}
