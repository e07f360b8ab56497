//! Which part of what is declared a shard is. Nothing but what is declared decides it, so that every machine comes to the
//! same parts, and no request is needed for it.
//!
//! A site is never taken apart (an account and region, a repository, an organization, a cluster, an account of RunPod or
//! Daytona): its rows depend on each other and share limits. The dearest site goes first, each to the shard that has the
//! least so far; so no shard has more than its part and one site.

use std::collections::{BTreeMap, BTreeSet};

use super::Desired;
use crate::model::{CredentialId, Shard};
use crate::systems::Places;
use crate::targets::Site;

/// Leaves only what a shard has, and gives all that there was.
#[must_use]
pub fn keep(desired: &mut Desired, shard: Shard) -> Places {
    let all = desired.places.clone();
    let shards = split(all.sites(), shard.count());
    desired.places.keep_sites(|site| shards.get(site) == Some(&shard.index()));
    desired.shard = Some(shard);
    all
}

/// Which of so many shards each site is in, by its number.
#[must_use]
pub fn split(sites: Vec<Site>, count: u16) -> BTreeMap<String, u16> {
    let mut costs: BTreeMap<String, usize> = BTreeMap::new();
    for Site { name, cost } in sites {
        *costs.entry(name).or_default() += cost;
    }
    let mut dearest: Vec<(String, usize)> = costs.into_iter().collect();
    dearest.sort_by(|(one, cost), (other, costs)| costs.cmp(cost).then_with(|| one.cmp(other)));
    // By what it has so far, then by its number.
    let mut shards: BTreeSet<(usize, u16)> = (1..=count).map(|index| (0, index)).collect();
    let mut split = BTreeMap::new();
    for (name, cost) in dearest {
        let Some((taken, index)) = shards.pop_first() else { break };
        shards.insert((taken + cost, index));
        split.insert(name, index);
    }
    split
}

/// Has the shard look at one place that remembers rotations for each of its credentials, of `all` places, where it has none
/// itself.
pub fn guard(desired: &mut Desired, all: &Places) {
    let used: BTreeSet<CredentialId> = desired.places.credentials().into_iter().cloned().collect();
    let own = desired.places.guards(&used);
    let own = own.credentials();
    let without = used.iter().filter(|id| !own.contains(id)).cloned().collect();
    desired.guards = all.guards(&without);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(name: &str, cost: usize) -> Site {
        Site { name: name.to_owned(), cost }
    }

    #[test]
    fn the_dearest_sites_go_first_each_to_the_shard_that_has_the_least() {
        let sites = vec![site("a", 3), site("b", 3), site("c", 9), site("d", 3), site("e", 1), site("a", 2)];
        let shards = split(sites, 2);
        let of = |index: u16| -> Vec<&str> {
            shards.iter().filter(|(_, shard)| **shard == index).map(|(name, _)| name.as_str()).collect()
        };
        assert_eq!((of(1), of(2)), (vec!["c", "e"], vec!["a", "b", "d"]));
        assert_eq!(split(vec![site("a", 1)], 256), [("a".to_owned(), 1)].into());
    }
}
