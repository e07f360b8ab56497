//! Which of the places are written together: those of one account and region, which share the secret and the room for rules.

use std::collections::{BTreeMap, BTreeSet};

use super::{Aws, Desired, Observed, Stack, read};
use crate::aws::Clients;
use crate::model::{Address, CredentialId, Problem};
use crate::targets::{Site, Target};

/// A secret with its policy and its value: made, guarded, put, and looked at.
const SECRET: usize = 5;
/// A rule: made, and validated.
const RULE: usize = 2;

/// The account that a stack's login is for, as far as the file says it: that of the last role, or the only one allowed.
fn account(stack: &Stack) -> Option<&str> {
    let of_role = stack.session.roles.last().and_then(|role| role.arn.split(':').nth(4));
    let mut allowed = stack.accounts.iter().map(String::as_str);
    of_role.or_else(|| allowed.next().filter(|_| stack.accounts.len() == 1))
}

/// The places by account and region. In a region in which the file does not say the account of some stack, that may be
/// the account of any other: the region is one site.
pub(super) fn apart(desired: &[Desired]) -> Vec<(Option<Site>, Desired)> {
    let unknown = desired.iter().flat_map(|place| &place.stacks).filter(|stack| account(stack).is_none());
    let unknown: BTreeSet<&str> = unknown.map(|stack| stack.session.region.as_str()).collect();
    let site = |stack: &Stack| {
        let region = stack.session.region.as_str();
        let account = account(stack).filter(|_| !unknown.contains(region));
        Address::begin(Aws::NAME, &[account.unwrap_or("?"), region])
    };
    let mut parts = Vec::new();
    for place in desired {
        let mut sites: BTreeMap<String, Vec<Stack>> = BTreeMap::new();
        for stack in &place.stacks {
            sites.entry(site(stack)).or_default().push(stack.clone());
        }
        parts.extend(sites.into_iter().map(|(name, stacks)| {
            let rules: BTreeSet<&str> = stacks.iter().map(|stack| stack.prefix.as_str()).collect();
            let cost = SECRET + RULE * rules.len();
            (Some(Site { name, cost }), Desired { stacks, ..place.clone() })
        }));
    }
    parts
}

/// One place for each credential again.
pub(super) fn together(parts: Vec<Desired>) -> Vec<Desired> {
    let mut places: Vec<Desired> = Vec::new();
    for part in parts {
        let same =
            |place: &&mut Desired| (&place.credential, &place.secret) == (&part.credential, &part.secret);
        match places.iter_mut().find(same) {
            Some(place) => place.stacks.extend(part.stacks),
            None => places.push(part),
        }
    }
    places
}

/// The first account and region of a credential: a rotation marks the secret in each of them.
pub(super) fn guard(desired: &[Desired], id: &CredentialId) -> Option<Desired> {
    let places = desired.iter().filter(|place| place.credential == *id);
    let stacks = places.flat_map(|place| place.stacks.iter().map(move |stack| (place, stack)));
    let readable = |(_, stack): &(&Desired, &Stack)| {
        stack.untouched.is_none() && stack.session.without_caches().is_none()
    };
    let first = stacks.filter(readable).min_by_key(|(_, stack)| (&stack.session, &stack.name));
    first.map(|(place, stack)| Desired { stacks: vec![stack.clone()], ..place.clone() })
}

/// One request for each: what the secret is marked with.
pub(super) async fn look_at_guards(clients: &Clients, guards: &[Desired], observed: &mut Observed) {
    let sessions =
        guards.iter().flat_map(|place| place.stacks.iter().map(move |stack| (place, &stack.session)));
    let reads = sessions.filter_map(|(place, session)| {
        let client = clients.get(session)?;
        Some(async move {
            let read = read::secret(client, &place.secret).await;
            ((session.clone(), place.secret.clone()), read.map_err(Problem::from))
        })
    });
    observed.secrets.extend(futures::future::join_all(reads).await);
}

/// Those that could not be looked at.
pub(super) fn blind(guards: &[Desired], observed: &Observed) -> Vec<String> {
    let words = |place: &Desired| {
        let mut keys = place.stacks.iter().map(|stack| (stack.session.clone(), place.secret.clone()));
        let failed = keys.find_map(|key| observed.secrets.get(&key)?.as_ref().err().cloned())?;
        Some(format!(
            "whether a rotation took the value of {} away is not known, as its secret in AWS is in another shard and \
             cannot be read: {failed}",
            place.credential
        ))
    };
    guards.iter().filter_map(words).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::{Role, Session};
    use crate::targets::aws::RuleOwner;

    fn stack(name: &str, region: &str, account: Option<&str>) -> Stack {
        let role = account.map(|account| Role::new(format!("arn:aws:iam::{account}:role/regcred")));
        Stack {
            name: name.to_owned(),
            session: Session { region: region.to_owned(), profile: None, roles: role.into_iter().collect() },
            accounts: BTreeSet::new(),
            forbidden: BTreeSet::new(),
            untouched: None,
            prefix: format!("{name}-docker-hub"),
            rules: RuleOwner::Regcred,
        }
    }

    fn place(id: &str, stacks: Vec<Stack>) -> Desired {
        Desired {
            credential: CredentialId(id.to_owned()),
            registry: "docker.io".parse().expect("a registry"),
            secret: format!("ecr-pullthroughcache/{id}"),
            provisioners: None,
            readers: None,
            tags: BTreeMap::new(),
            stacks,
            insecure: false,
        }
    }

    fn sites(desired: &[Desired]) -> Vec<(String, usize)> {
        apart(desired).into_iter().filter_map(|(site, _)| site).map(|site| (site.name, site.cost)).collect()
    }

    #[test]
    fn an_account_and_region_is_a_site_and_a_region_is_one_where_an_account_is_not_declared() {
        let (one, two) = (Some("111111111111"), Some("222222222222"));
        let known = vec![
            stack("a", "us-east-2", one),
            stack("b", "us-east-2", one),
            stack("c", "us-east-2", two),
            stack("d", "eu-west-1", two),
        ];
        let hub = place("hub", known);
        let expected = [
            ("aws:111111111111/us-east-2/".to_owned(), 9),
            ("aws:222222222222/eu-west-1/".to_owned(), 7),
            ("aws:222222222222/us-east-2/".to_owned(), 7),
        ];
        assert_eq!(sites(std::slice::from_ref(&hub)), expected);
        let parts: Vec<Desired> =
            apart(std::slice::from_ref(&hub)).into_iter().map(|(_, part)| part).collect();
        let [whole] = <[Desired; 1]>::try_from(together(parts)).expect("one place");
        assert_eq!(whole.stacks.len(), hub.stacks.len());

        let allowed = Stack { accounts: ["111111111111".to_owned()].into(), ..stack("e", "us-east-2", None) };
        let other = sites(&[hub.clone(), place("ghcr", vec![allowed])]);
        assert_eq!(other[3].0, "aws:111111111111/us-east-2/", "two credentials share the room for rules");
        let unknown = sites(&[hub, place("ghcr", vec![stack("f", "us-east-2", None)])]);
        let names: BTreeSet<&str> = unknown.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["aws:222222222222/eu-west-1/", "aws:?/us-east-2/"].into());
    }

    #[test]
    fn every_shard_asks_the_same_account_and_region_about_rotations() {
        let stacks = vec![
            stack("b", "us-east-2", None),
            stack("a", "eu-west-1", None),
            stack("c", "cn-north-1", None),
        ];
        let id = CredentialId("hub".to_owned());
        let mut places = [place("ghcr", Vec::new()), place("hub", stacks)];
        for _ in 0..2 {
            let guard = guard(&places, &id).expect("a place");
            assert_eq!(guard.stacks.iter().map(|stack| stack.name.as_str()).collect::<Vec<_>>(), ["a"]);
            places[1].stacks.reverse();
        }
        assert_eq!(guard(&places, &CredentialId("ghcr".to_owned())), None);
    }
}
