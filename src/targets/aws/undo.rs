//! What regcred made in AWS goes: its rules, and then the secret, which can be restored for 30 days. Pure.
//!
//! ```text
//! cache rule  reads our secret                      delete
//!             Pulumi's, or reads another secret     keep
//! secret      a rule that stays reads it            blocked
//!             without regcred's tag                 keep, unless --allow-delete
//!             a stack's own run                     keep: other stacks share it
//! policy      goes with the secret; stays with one that stays, as it guards the value
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::sites::{Site, read, sites};
use super::{Change, Desired, Observed, Operation, RECOVERY_DAYS, Rule, RuleOwner, Secret, Stack};
use crate::change::{Action, Options, Reason};
use crate::model::{Address, AwsItem};
use crate::redact;

/// The rows of every account and region.
#[must_use]
pub(super) fn undo(desired: &[Desired], observed: &Observed, options: &Options) -> Vec<Change> {
    let rows = |site: Site<'_>| match site.login {
        Ok(identity) => match site.foreign_account(&identity.account) {
            Some(reason) => site.all(Action::Blocked, &reason),
            None => Undo { site: &site, observed, options }.rows(),
        },
        Err((action, ref reason)) => site.all(action, reason),
    };
    sites(desired, observed).into_iter().flat_map(rows).collect()
}

/// One account and region that could be logged in to.
struct Undo<'a> {
    site: &'a Site<'a>,
    observed: &'a Observed,
    options: &'a Options,
}

impl Undo<'_> {
    fn rows(&self) -> Vec<Change> {
        let name = || self.site.desired.secret.clone();
        let key = (self.site.session.clone(), name());
        let found = read(self.observed.secrets.get(&key));
        let rules = read(self.observed.rules.get(self.site.session));
        let (secret, rules) = match (found, rules) {
            (Ok(secret), Ok(rules)) => (secret.as_ref(), rules),
            (Err(unreadable), _) | (_, Err(unreadable)) => {
                let reason = Reason::Unreadable(unreadable);
                return self.site.all(Action::Unread, &reason);
            }
        };
        let mut rows = self.rules(rules, secret);
        let gone: BTreeSet<Address> =
            rows.iter().filter(|row| row.action.writes()).map(|row| row.address.clone()).collect();
        let secret = self.secret(secret, rules.keys().zip(rules.values()), &gone);
        let policy = match (secret.action, &secret.reason) {
            (Action::Delete, _) => Reason::Shared("goes with the secret".to_owned()),
            (_, Reason::Absent | Reason::Leaving(_)) => secret.reason.clone(),
            _ => Reason::Shared("stays with the secret, whose value it guards".to_owned()),
        };
        rows.push(Change { reason: policy, ..self.row(AwsItem::Policy(name())) });
        rows.push(secret);
        rows
    }

    fn row(&self, item: AwsItem) -> Change {
        self.site.row(item, &self.site.stacks)
    }

    fn rules(&self, rules: &BTreeMap<String, Rule>, secret: Option<&Secret>) -> Vec<Change> {
        let rule = |(prefix, stacks): (&str, Vec<&Stack>)| {
            let item = AwsItem::CacheRule(prefix.to_owned());
            let row = self.site.row(item, &stacks);
            let pulumis = stacks.iter().any(|stack| stack.rules == RuleOwner::Pulumi);
            let reads = rules.get(prefix).map(|rule| rule.credential_arn.as_deref());
            let ours = secret.map(|secret| secret.arn.as_str());
            match (reads, pulumis) {
                (None, _) => Change { reason: Reason::Absent, ..row },
                (Some(_), true) => {
                    Change { reason: Reason::Shared("left to Pulumi, which made it".to_owned()), ..row }
                }
                (Some(Some(arn)), false) if ours == Some(arn) => self.delete_rule(row, prefix, arn),
                // Without the secret nobody knows who made it.
                (Some(_), false) => {
                    Change { reason: Reason::Shared("reads another secret".to_owned()), ..row }
                }
            }
        };
        self.site.by_prefix().into_iter().map(rule).collect()
    }

    fn delete_rule(&self, row: Change, prefix: &str, arn: &str) -> Change {
        let operation = Operation::DeleteRule {
            session: self.site.session.clone(),
            prefix: prefix.to_owned(),
            credential_arn: arn.to_owned(),
        };
        let reason = Reason::Made(format!("pulls through {prefix}/ fail then; what is cached stays"));
        Change { action: Action::Delete, reason, operation: Some(operation), ..row }
    }

    /// The secret, after the rules that go.
    fn secret<'r>(
        &self,
        secret: Option<&Secret>,
        rules: impl Iterator<Item = (&'r String, &'r Rule)>,
        gone: &BTreeSet<Address>,
    ) -> Change {
        let row = self.row(AwsItem::Secret(self.site.desired.secret.clone()));
        let Some(secret) = secret else { return Change { reason: Reason::Absent, ..row } };
        let stays = |reason: Reason| Change { reason, ..row.clone() };
        if let Some(day) = &secret.deleted {
            return stays(Reason::Leaving(day.clone()));
        }
        if let Some(service) = &secret.owning_service {
            return stays(Reason::ManagedBy(redact::outside(service)));
        }
        if !secret.ours && !self.options.allow_delete {
            return stays(Reason::Theirs("it does not have regcred's tag".to_owned()));
        }
        if self.options.stack_run {
            return stays(Reason::Shared(
                "stays for other stacks: run a full remove, without --stack".to_owned(),
            ));
        }
        let staying = rules.filter(|(prefix, rule)| {
            let at = self.site.address(AwsItem::CacheRule((*prefix).clone()));
            rule.credential_arn.as_deref() == Some(&secret.arn) && !gone.contains(&at)
        });
        let users: Vec<String> = staying.map(|(prefix, _)| redact::outside(prefix)).collect();
        if !users.is_empty() {
            let words = format!("the cache rule {}", users.join(", "));
            return Change { action: Action::Blocked, reason: Reason::InUse(words), ..row };
        }
        let reason = Reason::Made(format!("can be restored for {RECOVERY_DAYS} days: sync does"));
        let operation =
            Operation::ScheduleDeletion { session: self.site.session.clone(), arn: secret.arn.clone() };
        Change { action: Action::Delete, reason, after: gone.clone(), operation: Some(operation), ..row }
    }
}
