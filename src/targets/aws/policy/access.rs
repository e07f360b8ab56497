//! Who may read the value: what our statement and those of other people come to.

use std::collections::BTreeSet;

use serde_json::Value;

use super::principal::{Kind, Principal, account};
use super::request::Request;
use super::statement::Statement;
use super::{Guard, Told, exempted, statement, texts};
use crate::change::{Access, Doubt, Reader};
use crate::redact;

/// What foreign statements make of somebody whom regcred's statement exempts.
enum Fate {
    Reads,
    KeptOut(String),
    Unknown(String),
}

impl Guard<'_> {
    /// Who may read once regcred's statement is as it should be; `kept` is whether it stays as it was found.
    #[must_use]
    pub fn access(&self, kept: bool) -> Access {
        let found = self.found.ours().filter(|_| kept);
        let patterns = found.and_then(exempted).unwrap_or_else(|| self.wanted());
        let statement = shown(found.cloned().unwrap_or_else(|| statement(&patterns)));
        let mut access = Access { statement, ..Access::default() };
        // Where the statement stays as it is, nobody is in it for carrying out this plan.
        let runs = if kept { BTreeSet::new() } else { self.runner() };
        for (name, pattern) in self.named(&patterns) {
            let fate = self.principal(&pattern).map_or(Fate::Reads, |principal| self.fate(&principal));
            match fate {
                Fate::Reads => access.readers.push(reader(name, &pattern, runs.contains(&pattern))),
                Fate::KeptOut(why) => access.kept_out.push(Doubt { name, why }),
                Fate::Unknown(why) => access.unknown.push(Doubt { name, why }),
            }
        }
        access.kept_out.extend(self.outvoted(&patterns));
        access.runner = !kept && self.exempt.listed.is_none();
        // Somebody is exempted who does not run this, and whom the foreign Allows do not account for.
        access.unlisted = kept && self.exempt.listed.is_none() && !patterns.is_subset(&self.wanted());
        access
    }

    /// The statement of other people that keeps ECR from reading, by its name.
    pub(super) fn shuts_ecr_out(&self) -> Option<String> {
        let ecr = self.principal(&super::ecr_role(self.identity))?;
        self.denies(&ecr).find(|(_, told)| *told == Told::Yes).map(|(title, _)| title)
    }

    /// The principals that Allow statements let read and no Deny keeps out: on a secret that regcred did
    /// not make, they keep their access. Whole accounts, everybody and services cannot be exempted by name.
    pub(super) fn allowed_readers(&self) -> BTreeSet<String> {
        let foreign = self.found.foreign();
        let named = foreign.iter().flat_map(|allow| texts(&allow.value["Principal"]["AWS"]));
        let reads = |name: &String| {
            Principal::parse(name).is_some_and(|principal| {
                principal.kind != Kind::Root
                    && self.allows(&principal) != Told::No
                    && self.denied(&principal).1 != Told::Yes
            })
        };
        named.filter(reads).collect()
    }

    /// The patterns of whoever carries out the plan, without those that it has for another reason.
    fn runner(&self) -> BTreeSet<String> {
        let listed: BTreeSet<String> =
            self.readers().iter().flat_map(|reader| super::patterns(reader)).collect();
        super::patterns(&self.identity.arn).into_iter().filter(|pattern| !listed.contains(pattern)).collect()
    }

    /// Each principal of the exemptions once, with its name and its first pattern, ECR first.
    fn named(&self, patterns: &BTreeSet<String>) -> Vec<(String, String)> {
        let names = self.names(patterns).into_iter();
        let first = |name: &String| patterns.iter().find(|pattern| self.title(pattern) == *name).cloned();
        names.filter_map(|name| first(&name).map(|pattern| (name, pattern))).collect()
    }

    /// What foreign statements make of a principal: a Deny keeps it out, and one of another account needs
    /// an Allow, too.
    fn fate(&self, principal: &Principal) -> Fate {
        match self.denied(principal) {
            (title, Told::Yes) => return Fate::KeptOut(format!("{title} denies it")),
            (title, Told::Depends(on)) => return Fate::Unknown(format!("{title}: {}", redact::outside(&on))),
            (_, Told::No) => {}
        }
        if principal.account == self.identity.account {
            return Fate::Reads;
        }
        match self.allows(principal) {
            Told::Yes => Fate::Reads,
            Told::No => Fate::KeptOut("no statement allows another account's".to_owned()),
            Told::Depends(on) => Fate::Unknown(redact::outside(&on)),
        }
    }

    /// The statement that decides whether a principal is denied, by its name.
    fn denied(&self, principal: &Principal) -> (String, Told) {
        let mut decisive = (String::new(), Told::No);
        for (title, told) in self.denies(principal) {
            match told {
                Told::Yes => return (title, told),
                Told::Depends(_) if decisive.1 == Told::No => decisive = (title, told),
                _ => {}
            }
        }
        decisive
    }

    fn denies<'p>(&'p self, principal: &'p Principal) -> impl Iterator<Item = (String, Told)> + 'p {
        let denies = self.found.foreign().into_iter().filter(|statement| statement.has_effect("Deny"));
        denies.map(|statement| (statement.title(), self.hits(&statement, principal)))
    }

    fn allows(&self, principal: &Principal) -> Told {
        let foreign = self.found.foreign();
        let allows = foreign.iter().filter(|statement| statement.has_effect("Allow"));
        Told::any(allows.map(|statement| self.hits(statement, principal)))
    }

    /// Whether a statement is about a principal. Of one whose path is not known, all paths have to agree
    /// that the statement names.
    fn hits(&self, statement: &Statement<'_>, principal: &Principal) -> Told {
        let mut told: Vec<Told> = self
            .arns(statement, principal)
            .iter()
            .map(|arn| {
                statement.hits(&Request {
                    principal,
                    arn,
                    account: &self.identity.account,
                    secret: self.secret,
                })
            })
            .collect();
        told.dedup();
        match told.as_slice() {
            [one] => one.clone(),
            _ => Told::depends("the path of the role"),
        }
    }

    /// The ARNs that a principal may have, as far as a statement tells them apart.
    fn arns(&self, statement: &Statement<'_>, principal: &Principal) -> Vec<String> {
        let mut arns = vec![principal.arn.clone()];
        if let (true, Some((role, name))) = (principal.any_path, principal.arn.split_once(":role/")) {
            arns.push(format!("{role}:role/some-path/{name}"));
            let mut all = Vec::new();
            all_texts(statement.value, &mut all);
            arns.extend(
                all.into_iter().filter(|text| text.starts_with(role) && text.ends_with(&format!("/{name}"))),
            );
        }
        arns
    }

    /// Whom foreign statements let read, and our statement does not.
    fn outvoted(&self, patterns: &BTreeSet<String>) -> BTreeSet<Doubt> {
        let foreign = self.found.foreign();
        let reading =
            foreign.iter().filter(|statement| statement.has_effect("Allow") && self.opens(statement));
        let named = reading.flat_map(|statement| {
            let who = self.allowed(statement.value);
            who.into_iter().map(move |who| (who, statement.title()))
        });
        let exempt: Vec<String> = self.names(patterns);
        let kept_out = named.filter(|(who, _)| !exempt.contains(who));
        kept_out.map(|(name, title)| Doubt { name, why: format!("{title} allows it") }).collect()
    }

    /// Whether reading the secret is among what a statement is about, for whomever.
    fn opens(&self, statement: &Statement<'_>) -> bool {
        let Some(ecr) = self.principal(&super::ecr_role(self.identity)) else { return false };
        let account = &self.identity.account;
        let request = Request { principal: &ecr, arn: &ecr.arn, account, secret: self.secret };
        statement.covers_reading() != Told::No && statement.covers_secret(&request) != Told::No
    }

    /// Whom an Allow names, as people call them; dead ones are nobody.
    fn allowed(&self, statement: &Value) -> Vec<String> {
        let Some(kinds) = statement["Principal"].as_object() else { return vec!["everybody".to_owned()] };
        let title = |kind: &str, name: &String| match (kind, account(name)) {
            ("AWS", _) if name == "*" => "everybody".to_owned(),
            ("AWS", Some(account)) if account == self.identity.account => "this account".to_owned(),
            ("AWS", Some(account)) => format!("account {account}"),
            ("AWS", None) => self.title(name),
            (kind, _) => redact::outside(&format!("{} {name}", kind.to_lowercase())),
        };
        let named = kinds
            .iter()
            .flat_map(|(kind, names)| texts(names).into_iter().map(move |name| (kind.clone(), name)));
        named
            .filter(|(_, name)| !super::principal::is_dead(name))
            .map(|(kind, name)| title(&kind, &name))
            .collect()
    }
}

fn reader(name: String, pattern: &str, runner: bool) -> Reader {
    Reader { name, arn: redact::outside(pattern), runner }
}

/// A statement with its texts as they may be shown.
fn shown(value: Value) -> Value {
    match value {
        Value::String(text) => redact::outside(&text).into(),
        Value::Array(list) => list.into_iter().map(shown).collect(),
        Value::Object(map) => {
            map.into_iter().map(|(key, value)| (redact::outside(&key), shown(value))).collect()
        }
        other => other,
    }
}

fn all_texts(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) => all.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|item| all_texts(item, all)),
        Value::Object(map) => map.values().for_each(|item| all_texts(item, all)),
        _ => {}
    }
}
