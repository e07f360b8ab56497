//! How many cache rules each account and region has, in words: of many the fullest, and all that new rules do not fit into.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::sites::Site;
use super::{Observed, RULE_LIMIT, RuleOwner};

/// Of so many accounts and regions it is told how full they are.
const FULLEST: usize = 3;

/// An account and a region.
type Place<'a> = (&'a str, &'a str);

/// The rules of an account and region.
#[derive(Default)]
struct Rules<'a> {
    /// How many there are, of whomever.
    used: usize,
    /// The prefixes of those that are to come.
    missing: BTreeSet<&'a str>,
}

/// What people should know of it.
pub(super) fn told(sites: &[Site<'_>], observed: &Observed) -> Vec<String> {
    let rules = rules(sites, observed);
    let full = rules.iter().filter(|(_, rules)| rules.used + rules.missing.len() > RULE_LIMIT);
    let full: Vec<Place<'_>> = full.map(|(place, _)| *place).collect();
    fullest(&rules).into_iter().chain(overfull(&full)).collect()
}

fn rules<'a>(sites: &'a [Site<'_>], observed: &'a Observed) -> BTreeMap<Place<'a>, Rules<'a>> {
    let mut all: BTreeMap<Place<'a>, Rules<'a>> = BTreeMap::new();
    for site in sites {
        if let (Ok(identity), Some(Ok(found))) = (&site.login, observed.rules.get(site.session)) {
            let rules = all.entry((&identity.account, &site.session.region)).or_default();
            rules.used = found.len();
            let ours = site.stacks.iter().filter(|stack| stack.rules == RuleOwner::Regcred);
            let prefixes = ours.map(|stack| stack.prefix.as_str());
            rules.missing.extend(prefixes.filter(|prefix| !found.contains_key(*prefix)));
        }
    }
    all
}

fn fullest(rules: &BTreeMap<Place<'_>, Rules<'_>>) -> Option<String> {
    let mut places: Vec<_> = rules.iter().map(|(place, rules)| (place, rules.used)).collect();
    let more = match places.len().saturating_sub(FULLEST) {
        0 => String::new(),
        1 => ", and no more than that in one other".to_owned(),
        more => format!(", and no more than that in {more} others"),
    };
    if !more.is_empty() {
        places.sort_by_key(|(place, used)| (Reverse(*used), *place));
    }
    let told = |((account, region), used): &(&Place<'_>, usize)| {
        format!("{used} of {RULE_LIMIT} in {account}/{region}")
    };
    let told: Vec<String> = places.iter().take(FULLEST).map(told).collect();
    (!told.is_empty()).then(|| format!("cache rules used now: {}{more}", told.join(", ")))
}

/// Where they are few, their rows say it, each by itself.
fn overfull(places: &[Place<'_>]) -> Option<String> {
    let told: Vec<String> = places.iter().map(|(account, region)| format!("{account}/{region}")).collect();
    (places.len() > FULLEST)
        .then(|| format!("not all cache rules fit into {}: {RULE_LIMIT} is the most", told.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_places_the_fullest_are_told_and_how_many_more_there_are() {
        let names = ["1", "2", "3", "4", "5"];
        let rules = |used: &[usize]| {
            let places = names.iter().zip(used);
            let rules = |used: usize| Rules { used, missing: BTreeSet::new() };
            places.map(|(name, used)| ((*name, "us-east-2"), rules(*used))).collect::<BTreeMap<_, _>>()
        };
        assert_eq!(fullest(&rules(&[])), None);
        let few = fullest(&rules(&[3, 50])).expect("there are two");
        assert_eq!(few, "cache rules used now: 3 of 50 in 1/us-east-2, 50 of 50 in 2/us-east-2");
        let four = fullest(&rules(&[3, 50, 7, 0])).expect("there are four");
        let words = "50 of 50 in 2/us-east-2, 7 of 50 in 3/us-east-2, 3 of 50 in 1/us-east-2, and no more than that in one other";
        assert!(four.ends_with(words), "{four}");
        assert!(fullest(&rules(&[1; 5])).is_some_and(|words| words.ends_with("in 2 others")));
    }
}
