//! What is wanted in AWS against what was found: the rules, pure.
//!
//! ```text
//! secret      absent                 create (container without a value, policy, then the value)
//!             deleted                update (restore first)
//!             our version current    keep; with --rewrite update, under another id
//!             no value               update
//!             another value          update; blocked in a stack's own run, and where a rotation took ours out of use
//!             CMK, replica, managed  blocked: ECR cannot use it, or it cannot be written
//! policy      no own statement       create or update; weakened or other list: update
//!             ECR denied by others   blocked
//! cache rule  absent                 create; blocked at 50; kept if Pulumi's
//!             other secret           update
//!             other upstream         blocked
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::fleet::filled;
use super::headroom;
use super::policy::{Guard, Verdict};
use super::sites::{RuleQuota, Site, read, sites};
use super::{
    Change, Container, Desired, Exempt, Identity, Input, Observed, Operation, Rule, RuleOwner, Secret,
    Session, Stack,
};
use crate::change::{Access, Action, Known, Options, Purpose, Read, Reason};
use crate::model::{Address, AwsItem, CredentialId, Problem, next_version_id};
use crate::redact;

/// The rows of every account and region.
#[must_use]
pub(super) fn diff(
    desired: &[Desired],
    observed: &Observed,
    known: &BTreeMap<CredentialId, Known>,
    options: &Options,
) -> Vec<Change> {
    let mut rows = Vec::new();
    let mut quota = RuleQuota::default();
    for place in sites(desired, observed) {
        let Some(known) = known.get(&place.desired.credential) else { continue };
        match place.login {
            Ok(identity) => rows
                .extend(AccountRegion { place: &place, identity, observed, known, options }.rows(&mut quota)),
            Err((action, ref reason)) => rows.extend(place.all(action, reason)),
        }
    }
    rows
}

/// The credentials whose value a rotation took out of use, each with a day that the rotation was not later than: the secret's
/// tag says that the value was there before, and another is current.
#[must_use]
pub(super) fn rotated_away(
    desired: &[Desired],
    observed: &Observed,
    known: &BTreeMap<CredentialId, Known>,
) -> BTreeMap<CredentialId, String> {
    let day = |place: &Desired| {
        let known = known.get(&place.credential)?;
        let is_ours = |id: &str| known.fingerprint.is_version(&place.secret, id);
        let keys = place.stacks.iter().map(|stack| (stack.session.clone(), place.secret.clone()));
        let secrets = keys.filter_map(|key| observed.secrets.get(&key)?.as_ref().ok()?.as_ref());
        let away = secrets.filter(|secret| {
            let is_marked = secret.rotated_from.as_deref().is_some_and(is_ours);
            is_marked && secret.current().is_some_and(|id| !is_ours(id))
        });
        away.map(|secret| secret.changed.clone()).min().map(|day| (place.credential.clone(), day))
    };
    desired.iter().filter_map(day).collect()
}

/// Facts for people: how much quota is left for rules, and what a rule of Pulumi's needs.
#[must_use]
pub(super) fn notes(desired: &[Desired], observed: &Observed) -> Vec<String> {
    let headroom = headroom::told(&sites(desired, observed), observed);
    headroom.into_iter().chain(desired.iter().filter_map(rules_of_pulumi)).collect()
}

/// ECR may read the secret as whoever makes the rule (unconfirmed), so that role should be exempted.
fn rules_of_pulumi(desired: &Desired) -> Option<String> {
    let pulumi = desired.stacks.iter().any(|stack| stack.rules == RuleOwner::Pulumi);
    (pulumi && desired.provisioners.is_none()).then(|| {
        format!(
            "{}: Pulumi makes cache rules, so list its deploying role in `provisioners`; ECR may read the secret as that role",
            desired.credential
        )
    })
}

/// One account and region that could be logged in to.
struct AccountRegion<'a> {
    place: &'a Site<'a>,
    identity: &'a Identity,
    observed: &'a Observed,
    known: &'a Known,
    options: &'a Options,
}

impl AccountRegion<'_> {
    fn rows(&self, quota: &mut RuleQuota) -> Vec<Change> {
        if let Some(reason) = self.place.foreign_account(&self.identity.account) {
            return self.place.all(Action::Blocked, &reason);
        }
        let secret = self.secret_state();
        let mut rows = vec![self.policy(secret.clone()), self.secret(secret.clone())];
        rows.extend(self.rules(secret, quota));
        rows
    }

    fn row(&self, item: AwsItem) -> Change {
        self.place.row(item, &self.place.stacks)
    }

    fn address(&self, item: AwsItem) -> Address {
        self.place.address(item)
    }

    fn name(&self) -> &str {
        &self.place.desired.secret
    }

    fn key(&self) -> (Session, String) {
        (self.place.session.clone(), self.name().to_owned())
    }

    fn secret_state(&self) -> Result<Option<&Secret>, Problem> {
        read(self.observed.secrets.get(&self.key())).map(Option::as_ref)
    }

    fn version(&self) -> String {
        self.known.fingerprint.version_id(self.name())
    }

    fn secret(&self, state: Result<Option<&Secret>, Problem>) -> Change {
        let row = self.row(AwsItem::Secret(self.name().to_owned()));
        let policy = self.address(AwsItem::Policy(self.name().to_owned()));
        let after = BTreeSet::from([policy]);
        let (action, reason) = match &state {
            Err(unreadable) => return unread(row, unreadable.clone()),
            Ok(secret) => self.secret_verdict(*secret),
        };
        let operation = action.writes().then(|| self.make_current(state.ok().flatten()));
        Change { action, reason, after, operation, ..row }
    }

    fn secret_verdict(&self, secret: Option<&Secret>) -> (Action, Reason) {
        let Some(secret) = secret else { return (Action::Create, Reason::Absent) };
        if let Some(obstacle) = self.unusable(secret) {
            return (Action::Blocked, obstacle);
        }
        let another = self.holds_another(secret);
        match (&secret.deleted, secret.current()) {
            (_, Some(_)) if another && self.options.stack_run => (Action::Blocked, Reason::OtherCredential),
            (Some(day), _) => (Action::Update, Reason::PendingDeletion(day.clone())),
            (None, None) => (Action::Update, Reason::NoValue),
            (None, Some(_)) if another => (Action::Update, Reason::ValueDiffers),
            (None, Some(_)) if self.rewrites() => (Action::Update, Reason::Rewrite),
            (None, Some(_)) => (Action::Keep, Reason::InSync),
        }
    }

    fn holds_another(&self, secret: &Secret) -> bool {
        secret.current().is_some_and(|id| !self.known.fingerprint.is_version(self.name(), id))
    }

    /// Whether regcred's value is put again: not by a stack's own run, and not where nobody knows who may read it.
    fn rewrites(&self) -> bool {
        let guarded = read(self.observed.policies.get(&self.key())).is_ok();
        self.options.rewrite && !self.options.stack_run && guarded
    }

    /// What makes a secret useless for ECR, or impossible to write.
    fn unusable(&self, secret: &Secret) -> Option<Reason> {
        let region = &self.place.session.region;
        if let Some(service) = &secret.owning_service {
            return Some(Reason::ManagedBy(redact::outside(service)));
        }
        if let Some(primary) = secret.primary_region.as_ref().filter(|primary| *primary != region) {
            return Some(Reason::Replica(redact::outside(primary)));
        }
        secret.kms_key.as_deref().map(redact::outside).map(Reason::CustomerKey)
    }

    /// The policy's row makes or restores the secret, because it comes first. A value that is ours already is put under
    /// another id, as that of a version cannot be changed.
    fn make_current(&self, secret: Option<&Secret>) -> Operation {
        let ours = |id: &&str| self.known.fingerprint.is_version(self.name(), id);
        let current = secret.and_then(Secret::current).filter(ours);
        let rewritten = current.filter(|_| self.rewrites());
        Operation::MakeCurrent {
            session: self.place.session.clone(),
            secret: self.name().to_owned(),
            credential: self.place.desired.credential.clone(),
            version: rewritten.map_or_else(|| self.version(), next_version_id),
            rotated_from: self.rotated_from(secret),
        }
    }

    /// The version whose value a rotation takes out of use: the old value's, if that is known, else the one that is current.
    fn rotated_from(&self, secret: Option<&Secret>) -> Option<String> {
        if self.options.purpose != Purpose::Rotate {
            return None;
        }
        let old = self.options.old.map(|old| old.version_id(self.name()));
        let current = || secret.and_then(Secret::current).map(str::to_owned);
        old.or_else(current).filter(|id| !self.known.fingerprint.is_version(self.name(), id))
    }

    fn policy(&self, secret: Result<Option<&Secret>, Problem>) -> Change {
        let row = self.row(AwsItem::Policy(self.name().to_owned()));
        let secret = match secret {
            Err(unreadable) => return unread(row, unreadable),
            Ok(secret) => secret,
        };
        if let Some(reason) = secret.and_then(|secret| self.unusable(secret)) {
            return Change { action: Action::Blocked, reason, ..row };
        }
        let exempt = self.exempt(secret);
        let (action, reason, access) = match self.policy_verdict(secret, &exempt) {
            Err(unreadable) => return unread(row, unreadable),
            Ok(verdict) => verdict,
        };
        let operation = action.writes().then(|| self.ensure_policy(container(secret), exempt));
        Change { action, reason, access, operation, ..row }
    }

    fn policy_verdict(
        &self,
        secret: Option<&Secret>,
        exempt: &Exempt,
    ) -> Read<(Action, Reason, Option<Access>)> {
        let Some(secret) = secret else {
            let access = Guard::new(None, exempt, self.identity, None)?.access(false);
            return Ok((Action::Create, Reason::Absent, Some(access)));
        };
        if let Some(day) = &secret.deleted {
            if self.holds_another(secret) && self.options.stack_run {
                return Ok((Action::Blocked, Reason::OtherCredential, None));
            }
            // The policy of a deleted secret cannot be read: it is judged again once restored.
            return Ok((Action::Update, Reason::PendingDeletion(day.clone()), None));
        }
        let policy = read(self.observed.policies.get(&self.key()))?.as_deref();
        let guard = Guard::new(policy, exempt, self.identity, Some(&secret.arn))?;
        let (action, reason) = match guard.verdict() {
            Verdict::InSync => (Action::Keep, Reason::InSync),
            Verdict::EcrShutOut(statement) => (Action::Blocked, Reason::EcrShutOut(statement)),
            Verdict::Missing => {
                let action = if policy.is_some() { Action::Update } else { Action::Create };
                (action, Reason::Unrestricted(excluded(secret.ours)))
            }
            Verdict::Weakened(how) => (Action::Update, Reason::Weakened(how)),
            Verdict::Exemptions(how) => (Action::Update, Reason::Exemptions(how)),
        };
        let reason = with(reason, guard.left_out());
        Ok((action, reason, Some(guard.access(!action.writes()))))
    }

    fn exempt(&self, secret: Option<&Secret>) -> Exempt {
        let Desired { provisioners, readers, .. } = self.place.desired;
        let named = provisioners.iter().chain(readers).flatten();
        let declared = || named.map(|arn| filled(arn, &self.identity.account)).collect();
        Exempt {
            listed: (provisioners.is_some() || readers.is_some()).then(declared),
            allowed: secret.is_some_and(|secret| !secret.ours),
        }
    }

    fn ensure_policy(&self, container: Container, exempt: Exempt) -> Operation {
        Operation::EnsurePolicy {
            session: self.place.session.clone(),
            secret: self.name().to_owned(),
            container,
            tags: if container == Container::Create {
                self.place.desired.tags.clone()
            } else {
                BTreeMap::new()
            },
            exempt,
        }
    }

    fn rules(&self, secret: Result<Option<&Secret>, Problem>, quota: &mut RuleQuota) -> Vec<Change> {
        let arn = secret.ok().flatten().map(|secret| secret.arn.as_str());
        let rules = self.place.by_prefix().into_iter();
        rules.map(|(prefix, stacks)| self.rule(prefix, &stacks, arn, quota)).collect()
    }

    fn rule(&self, prefix: &str, stacks: &[&Stack], arn: Option<&str>, quota: &mut RuleQuota) -> Change {
        let row = self.place.row(AwsItem::CacheRule(prefix.to_owned()), stacks);
        let row =
            Change { after: BTreeSet::from([self.address(AwsItem::Secret(self.name().to_owned()))]), ..row };
        let rules = match read(self.observed.rules.get(self.place.session)) {
            Err(unreadable) => return unread(row, unreadable),
            Ok(rules) => rules,
        };
        let owner = if stacks.iter().any(|stack| stack.rules == RuleOwner::Regcred) {
            RuleOwner::Regcred
        } else {
            RuleOwner::Pulumi
        };
        let (action, reason) = match rules.get(prefix) {
            None if owner == RuleOwner::Pulumi => (Action::Keep, Reason::LeftToPulumi),
            None => match quota.take(&self.identity.account, &self.place.session.region, rules.len()) {
                Ok(()) => (Action::Create, Reason::Absent),
                Err(used) => (Action::Blocked, Reason::RuleLimit(used)),
            },
            Some(rule) => self.rule_verdict(rule, arn),
        };
        let operation = action.writes().then(|| self.rule_operation(action, prefix, arn)).flatten();
        Change { action, reason, operation, ..row }
    }

    fn rule_verdict(&self, rule: &Rule, arn: Option<&str>) -> (Action, Reason) {
        let upstream = self.place.desired.registry.ecr_upstream();
        let same = upstream.is_some_and(|upstream| upstream.1.eq_ignore_ascii_case(&rule.upstream_url));
        match (same, arn == rule.credential_arn.as_deref() && arn.is_some()) {
            (false, _) => (Action::Blocked, Reason::OtherUpstream(redact::outside(&rule.upstream_url))),
            (true, true) => (Action::Keep, Reason::InSync),
            (true, false) => (Action::Update, Reason::OtherSecret),
        }
    }

    fn rule_operation(&self, action: Action, prefix: &str, arn: Option<&str>) -> Option<Operation> {
        let secret = self.address(AwsItem::Secret(self.name().to_owned()));
        let credential_arn = match arn {
            Some(arn) => Input::Known(arn.to_owned()),
            None => Input::Ref { address: secret, field: super::write::ARN },
        };
        let (session, prefix) = (self.place.session.clone(), prefix.to_owned());
        let (upstream, upstream_url) = self.place.desired.registry.ecr_upstream()?;
        Some(match action {
            Action::Create => {
                Operation::CreateRule { session, prefix, upstream, upstream_url, credential_arn }
            }
            _ => Operation::UpdateRule { session, prefix, credential_arn },
        })
    }
}

/// Who loses access, in words.
fn excluded(ours: bool) -> String {
    let whose = if ours { "" } else { "a secret that regcred did not make: " };
    format!("{whose}everybody else in the account loses read access")
}

/// A reason to put the policy, with what else comes of it.
fn with(reason: Reason, more: Option<String>) -> Reason {
    let and = |words: String| more.iter().fold(words, |words, more| format!("{words}; {more}"));
    match reason {
        Reason::Unrestricted(words) => Reason::Unrestricted(and(words)),
        Reason::Weakened(words) => Reason::Weakened(and(words)),
        Reason::Exemptions(words) => Reason::Exemptions(and(words)),
        other => other,
    }
}

fn container(secret: Option<&Secret>) -> Container {
    match secret {
        None => Container::Create,
        Some(secret) if secret.deleted.is_some() => Container::Restore,
        Some(_) => Container::Exists,
    }
}

fn unread(row: Change, unreadable: Problem) -> Change {
    Change { action: Action::Unread, reason: Reason::Unreadable(unreadable), ..row }
}
