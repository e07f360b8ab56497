//! The stacks of a fleet: one that the file names is put into each of the accounts, and into each of the regions.

use std::collections::{BTreeMap, BTreeSet};

use super::Stack;
use super::file::{self, Declared};
use crate::aws::{Role, Session, is_account, region_fault};
use crate::yaml::Spanned;

/// What stands for the number of each account.
pub(super) const ACCOUNT: &str = "{account}";

/// An account, to judge a text by that is for all of them.
const ANY: &str = "123456789012";

/// How many accounts and regions a credential can be in, times its stacks: far above any organization, and below what fills
/// a machine.
const MAX_STACKS: usize = 50_000;

/// The text for an account.
pub(super) fn filled(text: &str, account: &str) -> String {
    text.replace(ACCOUNT, account)
}

/// The text for some account.
pub(super) fn example(text: &str) -> String {
    filled(text, ANY)
}

impl super::Validator<'_, super::Desired> {
    /// Says what is wrong with the lists that stacks are put into; whether they are not too many.
    pub(super) fn fleet(&self, declared: &Declared) -> bool {
        let regions = declared.regions.iter().flat_map(|(_, regions)| regions);
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        for region in regions {
            if let Some((message, hint)) = region_fault(&region.value) {
                self.reader.problem(region.at, message, hint);
            } else if let Some(line) = known.insert(&region.value, region.at.line) {
                let message =
                    format!("region {} is here a second time: it is already on line {line}", region.value);
                self.refuse(region.at, message, "leave it out, or write the one that was meant");
            }
        }
        if !declared.stacks.is_empty() {
            self.unused(declared);
        }
        let stacks: usize = declared.stacks.iter().map(|stack| stack.sites(declared)).sum();
        let fits = stacks <= MAX_STACKS;
        if !fits {
            let message = format!(
                "each in its accounts and regions, these are {stacks} stacks; {MAX_STACKS} is the most"
            );
            let hint = "make a file for each part of the accounts: regcred sync --file FILE";
            self.refuse(declared.at, message, hint);
        }
        fits
    }

    /// A list that no stack is put into would be read as if something were in it.
    fn unused(&self, declared: &Declared) {
        let stacks = &declared.stacks;
        if let Some(accounts) =
            declared.accounts.as_ref().filter(|_| !stacks.iter().any(file::Stack::is_in_each_account))
        {
            let hint = "give a stack such a role, role: \"arn:aws:iam::{account}:role/regcred\", or leave `accounts` out";
            let message = format!("no stack is put into `accounts`: none has a role with {ACCOUNT}");
            self.refuse(accounts.at, message, hint);
        }
        if let Some((at, _)) =
            declared.regions.as_ref().filter(|_| stacks.iter().all(|stack| stack.region.is_some()))
        {
            let hint = "leave `region` out of a stack, or `regions` out of `aws`";
            self.refuse(*at, "no stack is put into `regions`: each has its own `region`", hint);
        }
    }

    /// A stack for each account and region that it is put into.
    pub(super) fn in_each_site(&self, declared: &file::Stack, fleet: &Declared, stack: &Stack) -> Vec<Stack> {
        let regions = self.regions(declared, fleet);
        if !declared.is_in_each_account() {
            return regions.into_iter().map(|region| placed(stack, None, region)).collect();
        }
        self.no_guard(declared);
        let Some(accounts) = &fleet.accounts else {
            let at = declared.roles.first().map_or(declared.name.at, |role| role.arn.at);
            let message = format!("{ACCOUNT} needs the list of accounts that it stands for");
            self.refuse(at, message, "beside `stacks`, accounts: [\"123456789012\"], or the path of a file");
            return Vec::new();
        };
        let sites =
            accounts.numbers.iter().flat_map(|account| regions.iter().map(move |region| (account, region)));
        sites.map(|(account, region)| placed(stack, Some(account), region)).collect()
    }

    /// The region of a stack, or those of all that have none.
    fn regions<'a>(&self, declared: &'a file::Stack, fleet: &'a Declared) -> Vec<&'a str> {
        if let Some(region) = &declared.region {
            let Some((message, hint)) = region_fault(&region.value) else {
                return vec![region.value.as_str()];
            };
            self.reader.problem(region.at, message, hint);
            return Vec::new();
        }
        if let Some((_, regions)) = &fleet.regions {
            // One that is listed twice has been refused.
            let regions: BTreeSet<&str> = regions.iter().map(|region| region.value.as_str()).collect();
            return regions.into_iter().collect();
        }
        let name = &declared.name.value;
        let hint = format!("{name}: {{ region: us-east-2 }}");
        self.refuse(declared.name.at, format!("stack `{name}` has no region"), hint);
        Vec::new()
    }

    /// A stack in each account is guarded in each by that account.
    fn no_guard(&self, declared: &file::Stack) {
        for Spanned { at, value } in &declared.accounts {
            if is_account(value) {
                let message = format!(
                    "`account` goes with one account, and {ACCOUNT} in the role is each of `accounts`"
                );
                self.refuse(
                    *at,
                    message,
                    "leave `account` out: a login for another account than the role's is refused",
                );
            }
        }
    }
}

impl file::Stack {
    /// Whether it is put into each account.
    fn is_in_each_account(&self) -> bool {
        let beside = [self.external_id.as_ref(), self.session_name.as_ref()];
        let texts = self.roles.iter().flat_map(texts).chain(beside);
        texts.flatten().any(|text| text.value.contains(ACCOUNT))
    }

    /// How many accounts and regions it is put into.
    fn sites(&self, fleet: &Declared) -> usize {
        let accounts = fleet.accounts.as_ref().filter(|_| self.is_in_each_account());
        let regions = fleet.regions.as_ref().filter(|_| self.region.is_none());
        let regions = regions.map_or(1, |(_, regions)| regions.len());
        accounts.map_or(1, |accounts| accounts.numbers.len()).saturating_mul(regions)
    }
}

/// What is written of a role.
fn texts(role: &file::Role) -> [Option<&Spanned<String>>; 3] {
    [Some(&role.arn), role.external_id.as_ref(), role.session_name.as_ref()]
}

/// The stack in one account, which is the only one that its login may be for, and in one region.
fn placed(stack: &Stack, account: Option<&String>, region: &str) -> Stack {
    let Session { profile, roles, .. } = stack.session.clone();
    let mut placed =
        Stack { session: Session { region: region.to_owned(), profile, roles }, ..stack.clone() };
    let Some(account) = account else { return placed };
    placed.accounts = [account.clone()].into();
    for Role { arn, external_id, session_name } in &mut placed.session.roles {
        for text in [Some(arn), external_id.as_mut(), session_name.as_mut()].into_iter().flatten() {
            *text = filled(text, account);
        }
    }
    placed
}
