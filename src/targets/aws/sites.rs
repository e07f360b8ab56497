//! Where the rows of a credential are: each account and region, its login, and its quota for rules.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Desired, Identity, Observed, RULE_LIMIT, Session, Stack};
use crate::change::{Action, Read, Reason};
use crate::env::Untrusted;
use crate::model::{Address, AwsItem, Problem};

/// The stacks of one credential that share an account and region.
pub(super) struct Site<'a> {
    pub(super) desired: &'a Desired,
    pub(super) session: &'a Session,
    /// Who is logged in there, or what keeps every row from happening.
    pub(super) login: Result<&'a Identity, (Action, Reason)>,
    /// The account, if it is known: by the login, or as the only one that a failed login could have been for.
    pub(super) account: Option<&'a str>,
    pub(super) stacks: Vec<&'a Stack>,
}

/// Account and region; or the session, and why it is not touched.
type Key<'a> = Result<(&'a str, &'a str), (&'a Session, Option<&'a str>)>;

/// Groups each credential's stacks by account and region; stacks whose login failed by session. In one
/// order, whatever that of the configuration: it decides who gets the last quota for a rule, and which of
/// several logins for one account is used.
pub(super) fn sites<'a>(desired: &'a [Desired], observed: &'a Observed) -> Vec<Site<'a>> {
    let mut sites: Vec<Site<'a>> = Vec::new();
    let mut desired: Vec<&Desired> = desired.iter().collect();
    desired.sort_by_key(|desired| (&desired.credential, &desired.secret));
    for desired in desired {
        let begin = sites.len();
        let mut known: BTreeMap<Key<'_>, usize> = BTreeMap::new();
        let mut stacks: Vec<&Stack> = desired.stacks.iter().collect();
        stacks.sort_by_key(|stack| (&stack.session, &stack.name));
        for stack in stacks {
            let session = &stack.session;
            let untouched = stack.untouched.as_deref();
            let login = match untouched {
                Some(words) => Err((Action::Blocked, Reason::OtherProvider(words.to_owned()))),
                None => login(session, observed),
            };
            let key = login.as_ref().map(|identity| (identity.account.as_str(), session.region.as_str()));
            let next = sites.len();
            let at = *known.entry(key.map_err(|_| (session, untouched))).or_insert(next);
            if at == next {
                let account = login.as_ref().ok().map(|identity| identity.account.as_str());
                sites.push(Site { desired, session, login, account, stacks: Vec::new() });
            }
            sites[at].stacks.push(stack);
        }
        expect(&mut sites[begin..]);
    }
    sites
}

/// Says of which account those are that could not be logged in to, where another login has not shown what is there: its rows
/// would be taken for the same.
fn expect(sites: &mut [Site<'_>]) {
    let read: BTreeSet<_> = sites.iter().filter_map(|site| Some(site.of(site.account?))).collect();
    for site in sites.iter_mut().filter(|site| site.account.is_none()) {
        site.account = site.expected().filter(|account| !read.contains(&site.of(account)));
    }
}

impl<'a> Site<'a> {
    pub(super) fn address(&self, item: AwsItem) -> Address {
        let (account, region) = (self.account.map(str::to_owned), self.session.region.clone());
        Address::Aws { account, region, item }
    }

    /// The site, if it is in this account.
    fn of(&self, account: &'a str) -> (&'a str, &'a str) {
        (account, &self.session.region)
    }

    /// The one account that the login may be for, if it is one.
    fn expected(&self) -> Option<&'a str> {
        let mut accounts = self.stacks.iter().map(|stack| match stack.accounts.len() {
            1 => stack.accounts.first().map(String::as_str),
            _ => None,
        });
        let first = accounts.next()??;
        accounts.all(|account| account == Some(first)).then_some(first)
    }

    /// The guards of `account:`, `aws:allowedAccountIds` and `aws:forbiddenAccountIds`: every stack of the site has to agree.
    pub(super) fn foreign_account(&self, account: &str) -> Option<Reason> {
        let words = self.stacks.iter().find_map(|stack| {
            let allowed: Vec<&str> = stack.accounts.iter().map(String::as_str).collect();
            if stack.forbidden.contains(account) {
                Some(format!("stack {} forbids it", stack.name))
            } else {
                let refused = !allowed.is_empty() && !allowed.contains(&account);
                refused.then(|| format!("stack {} allows only {}", stack.name, allowed.join(", ")))
            }
        })?;
        Some(Reason::WrongAccount(format!("the login is for account {account}, but {words}")))
    }

    /// The stacks by the prefix of their rules: those that name the same one share its rule.
    pub(super) fn by_prefix(&self) -> BTreeMap<&str, Vec<&Stack>> {
        let mut by_prefix: BTreeMap<&str, Vec<&Stack>> = BTreeMap::new();
        for stack in &self.stacks {
            by_prefix.entry(&stack.prefix).or_default().push(stack);
        }
        by_prefix
    }

    pub(super) fn row(&self, item: AwsItem, stacks: &[&Stack]) -> Change {
        let credentials = BTreeSet::from([self.desired.credential.clone()]);
        let row = Change::new(self.address(item), credentials, Action::Keep, Reason::InSync);
        Change { stacks: stacks.iter().map(|stack| stack.name.clone()).collect(), ..row }
    }

    /// Rows that all have the same obstacle.
    pub(super) fn all(&self, action: Action, reason: &Reason) -> Vec<Change> {
        let shared =
            [AwsItem::Policy(self.desired.secret.clone()), AwsItem::Secret(self.desired.secret.clone())];
        let shared = shared.map(|item| self.row(item, &self.stacks));
        let rules =
            self.stacks.iter().map(|stack| self.row(AwsItem::CacheRule(stack.prefix.clone()), &[stack]));
        let rows = shared.into_iter().chain(rules);
        rows.map(|row| Change { action, reason: reason.clone(), ..row }).collect()
    }
}

/// Takes out the places that are insecure, and the stacks with a login that the branch that was reviewed does not have.
pub(super) fn refuse(desired: &mut Vec<Desired>, trusted: &[Desired]) -> Vec<(Desired, Problem)> {
    let insecure = desired.extract_if(.., |place| place.insecure);
    let why = || Untrusted::refused("`aws` says `insecure: true`");
    let mut refused: Vec<_> = insecure.map(|place| (place, why())).collect();
    let login = |stack: &Stack| (stack.session.profile.clone(), stack.session.roles.clone());
    let known: BTreeSet<_> = trusted.iter().flat_map(|place| &place.stacks).map(login).collect();
    for place in desired.iter_mut() {
        let foreign = |stack: &mut Stack| {
            let login = login(stack);
            login != (None, Vec::new()) && !known.contains(&login)
        };
        let stacks: Vec<Stack> = place.stacks.extract_if(.., foreign).collect();
        refused.extend(stacks.into_iter().map(|stack| {
            let message =
                format!("the `role:` or `profile:` of stack `{}` is not in the base branch", stack.name);
            (Desired { stacks: vec![stack], ..place.clone() }, Untrusted::refused(message))
        }));
    }
    desired.retain(|place| !place.stacks.is_empty());
    refused
}

fn login<'a>(session: &Session, observed: &'a Observed) -> Result<&'a Identity, (Action, Reason)> {
    if let Some(partition) = session.without_caches() {
        return Err((Action::Blocked, Reason::NoCaches(partition)));
    }
    let identity = read(observed.identities.get(session));
    identity.map_err(|unreadable| (Action::Unread, Reason::Unreadable(unreadable)))
}

/// How many rules each account and region will have, over all credentials.
#[derive(Default)]
pub(super) struct RuleQuota(BTreeMap<(String, String), usize>);

impl RuleQuota {
    /// Whether one more rule fits beside the `existing` ones; counts it if so.
    pub(super) fn take(&mut self, account: &str, region: &str, existing: usize) -> Result<(), usize> {
        let used = self.0.entry((account.to_owned(), region.to_owned())).or_insert(existing);
        if *used >= RULE_LIMIT {
            return Err(*used);
        }
        *used += 1;
        Ok(())
    }
}

/// What was read; a read that never happened counts as failed.
pub(super) fn read<T>(found: Option<&Read<T>>) -> Read<&T> {
    match found {
        Some(found) => found.as_ref().map_err(Clone::clone),
        None => Err(Problem::outside("was not read")),
    }
}
