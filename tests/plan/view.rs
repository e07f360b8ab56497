//! How one rich plan looks: to people at two widths, as JSON, and as Markdown.

use std::collections::BTreeMap;

use regcred::model::CredentialId;
use regcred::plan::{Plan, Unreadable};
use regcred::prove::Proofs;
use regcred::registry::{Login, Quota, Registry, Scheme};
use regcred::targets::aws::Rule;
use regcred::view::{Shown, human, json, markdown};

use crate::case::*;

/// One of each: create, update, keep, blocked, unread, a note, and a name that could be markup.
fn rich() -> Case {
    let mut case = Case::in_place();
    case.hold_another();
    case.rules().get_mut(PREFIX).unwrap().credential_arn = None;
    case.add_stack(stack("dev", "us-west-2"), ACCOUNT);
    let dev = case.observed.aws.rules.get_mut(&session("us-west-2")).unwrap().as_mut().unwrap();
    dev.insert(
        "dev-docker-hub".to_owned(),
        Rule { upstream_url: "ghcr.io".to_owned(), credential_arn: None },
    );
    case.add_stack(stack("lab", "eu-west-1"), ACCOUNT);
    let expired = Unreadable {
        reason:
            "sts:GetCallerIdentity: ExpiredToken: The <security> token | included in the request is expired"
                .to_owned(),
        hint: Some(
            "log in (aws sso login, or export AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"
                .to_owned(),
        ),
        login: true,
    };
    case.observed.aws.identities.insert(session("eu-west-1"), Err(expired));
    case.marker().fingerprint = earlier();
    case.desired.github.push(place("web"));
    let web = regcred::targets::github::Found { archived: true, ..empty_place() };
    case.observed.github.places.insert(place("web").place, web);
    case.desired
        .notes
        .push("no cache rule for scratch: no aws:region in the stack file or the project".to_owned());
    case
}

/// Renders with everything that is known of the rich case.
fn render(view: impl FnOnce(&Shown<'_>, &Plan) -> String) -> String {
    let case = rich();
    let plan = case.plan();
    let quota = Quota { limit: Some(200), remaining: Some(197), window_s: Some(21_600) };
    let login =
        Login { registry: Registry::docker_hub(), scheme: Scheme::Bearer, quota: Some(quota), note: None };
    let proofs: Proofs = BTreeMap::from([(id(), Ok(login))]);
    let usernames: BTreeMap<CredentialId, String> = BTreeMap::from([(id(), "acme".to_owned())]);
    let shown = Shown {
        credentials: &case.desired.credentials,
        known: &case.known,
        usernames: &usernames,
        proofs: &proofs,
        plan: &plan,
    };
    anstream::adapter::strip_str(&view(&shown, &plan)).to_string()
}

fn people(width: usize, keeps: bool) -> String {
    render(|shown, plan| human::plan(shown, human::Layout { width, keeps }) + &human::plan_summary(plan))
}

#[test]
fn no_line_for_people_is_wider_than_the_terminal_where_words_can_be_wrapped() {
    for width in [80, 100, 200] {
        for line in people(width, true).lines() {
            let fits = line.chars().count() <= width || !line.trim_start().contains("  ");
            assert!(fits, "{width}: {line}");
        }
    }
}

#[test]
fn people_see_it_at_80_columns() {
    insta::assert_snapshot!(people(80, false), @"");
}

#[test]
fn people_see_it_at_200_columns_with_what_stays() {
    insta::assert_snapshot!(people(200, true), @"");
}

#[test]
fn machines_see_it_as_one_json_document() {
    let text = render(|shown, _| json::plan(shown));
    assert_eq!(text.lines().count(), 1);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&value).unwrap(), @"");
}

#[test]
fn a_pull_request_shows_it_as_markdown() {
    insta::assert_snapshot!(render(|shown, _| markdown::plan(shown)), @"");
}

#[test]
fn text_of_remote_systems_does_not_become_markup() {
    let text = render(|shown, _| markdown::plan(shown));
    assert!(text.contains("\\<security\\>") && !text.contains("<security>"), "{text}");
}
