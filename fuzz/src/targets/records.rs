//! What regcred keeps with others: records, addresses, and the policy of a secret.

use std::collections::BTreeSet;

use regcred::model::Address;
use regcred::registry::Endpoints;
use regcred::targets::aws::policy::{Guard, Verdict};
use regcred::targets::aws::{Exempt, Identity};
use regcred::targets::github::Marker;
use serde_json::Value;

use super::is_calm;

/// A text is a record or none, an address or none; what is displayed means the same.
pub fn record(text: &str) {
    if let Ok(marker) = text.parse::<Marker>() {
        let displayed = marker.to_string();
        assert_eq!(displayed.parse::<Marker>().map(|marker| marker.to_string()), Ok(displayed));
    }
    match text.parse::<Address>() {
        Ok(address) => {
            let displayed = address.to_string();
            assert_eq!(displayed.parse::<Address>().as_ref(), Ok(&address), "{displayed:?}");
            assert!(Address::systems().any(|system| system == address.system()));
        }
        Err(error) => assert!(!error.to_string().chars().any(char::is_control), "{error}"),
    }
    if let Err(error) = Endpoints::parse(text) {
        drop(error.to_string());
    }
}

/// Whatever policy somebody has put, it is none and stays, or it is in sync once our statement is in it, unless it keeps
/// ECR itself out.
pub fn policy(text: &str) {
    let identity = Identity {
        account: "123456789012".to_owned(),
        arn: "arn:aws:iam::123456789012:role/deploy".to_owned(),
    };
    let reader = "arn:aws:iam::123456789012:role/reader".to_owned();
    for (listed, allowed) in [(None, false), (None, true), (Some(BTreeSet::from([reader])), true)] {
        let exempt = Exempt { listed, allowed };
        let guard = match Guard::new(Some(text), &exempt, &identity, None) {
            Ok(guard) => guard,
            Err(problem) => return is_calm(&problem),
        };
        shows_calmly(&guard);
        let once = guard.merged();
        let guard = Guard::new(Some(&once), &exempt, &identity, None).expect("what we put is a policy");
        let verdict = guard.verdict();
        assert!(
            matches!(verdict, Verdict::InSync | Verdict::EcrShutOut(_)),
            "{exempt:?}: {verdict:?} of {once}"
        );
        assert_eq!(meaning(&guard.merged()), meaning(&once), "{exempt:?}");
        assert_eq!(guard.left_out(), None, "{exempt:?}: {once}");
    }
}

/// What is said of a policy acts on nothing.
fn shows_calmly(guard: &Guard<'_>) {
    let verdict = match guard.verdict() {
        Verdict::InSync | Verdict::Missing => None,
        Verdict::Weakened(words) | Verdict::Exemptions(words) | Verdict::EcrShutOut(words) => Some(words),
    };
    let left_out = guard.left_out();
    let access = [true, false].map(|kept| guard.access(kept));
    let doubts = access.iter().flat_map(|access| access.kept_out.iter().chain(&access.unknown));
    let doubts = doubts.flat_map(|doubt| [&doubt.name, &doubt.why]);
    let readers =
        access.iter().flat_map(|access| &access.readers).flat_map(|reader| [&reader.name, &reader.arn]);
    for words in verdict.iter().chain(&left_out).chain(doubts).chain(readers) {
        assert!(!words.chars().any(char::is_control), "{words:?}");
    }
}

fn meaning(policy: &str) -> Value {
    serde_json::from_str(policy).expect("a policy is JSON")
}
