//! How one rich plan looks: to people at two widths, and as Markdown.

use std::collections::BTreeMap;

use regcred::plan::Plan;
use regcred::prove::Proofs;
use regcred::registry::{Accepted, Quota};
use regcred::targets::aws::Rule;
use regcred::view::{Again, Shown, human, json, markdown};

use crate::case::*;
use regcred::model::Problem;

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
    let expired = Problem::outside(
        "sts:GetCallerIdentity: ExpiredToken: The <security> token | included in the request is expired"
            .to_owned(),
    )
    .hint(
        "log in (aws sso login, or export AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"
            .to_owned(),
    )
    .login(true);
    case.observed.aws.identities.insert(session("eu-west-1"), Err(expired));
    case.marker().fingerprint = earlier();
    case.desired.places.github.push(place("web"));
    let web = regcred::targets::github::Found { archived: true, ..empty_place() };
    case.observed.github.places.insert(place("web").key(), web);
    case.desired
        .notes
        .push("no cache rule for scratch: no aws:region in the stack file or the project".to_owned());
    case
}

/// Renders with everything that is known of the rich case.
pub(crate) fn render(view: impl FnOnce(&Shown<'_>, &Plan) -> String) -> String {
    render_case(&rich(), view)
}

fn render_case(case: &Case, view: impl FnOnce(&Shown<'_>, &Plan) -> String) -> String {
    let quota = Quota { limit: Some(200), remaining: Some(197), window_s: Some(21_600) };
    render_proven(case, Accepted { quota: Some(quota), ..Accepted::default() }, view)
}

fn render_proven(case: &Case, login: Accepted, view: impl FnOnce(&Shown<'_>, &Plan) -> String) -> String {
    let plan = case.plan();
    let proofs: Proofs = BTreeMap::from([(id(), Ok(login))]);
    let again = Again::default();
    let shown = Shown {
        credentials: &case.desired.credentials,
        known: &case.known,
        proofs: &proofs,
        plan: &plan,
        lives: &BTreeMap::new(),
        again: &again,
    };
    anstream::adapter::strip_str(&view(&shown, &plan)).to_string()
}

fn people(width: usize, keeps: bool) -> String {
    render(|shown, _| {
        let layout = human::Layout { width, keeps, causes: false, states: false };
        human::plan(shown, layout) + &human::plan_summary(shown, None)
    })
}

#[test]
fn whatever_the_proof_learned_is_shown_to_people_in_markdown_and_to_machines() {
    let quota = Quota { limit: Some(200), remaining: Some(0), window_s: Some(21_600) };
    let (warning, note) = (Some("no pull is left".to_owned()), Some("it may read only".to_owned()));
    let login = Accepted { quota: Some(quota), warning, note, date: None };
    let people = |shown: &Shown<'_>, _: &Plan| {
        human::plan(shown, human::Layout { width: 200, keeps: false, causes: false, states: false })
    };
    let text = render_proven(&rich(), login.clone(), people);
    assert!(text.contains("0 of 200 pulls left in 6 h; no pull is left; it may read only"), "{text}");
    for text in [
        render_proven(&rich(), login.clone(), |shown, _| markdown::plan(shown)),
        render_proven(&rich(), login, |shown, _| json::plan(shown)),
    ] {
        assert!(text.contains("no pull is left") && text.contains("it may read only"), "{text}");
    }
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
fn the_statement_is_shown_where_more_is_wanted() {
    let layout = human::Layout { width: 100, keeps: true, causes: true, states: false };
    let text = render(|shown, _| human::plan(shown, layout));
    let statement = "      may be read by ECR, user regcred\n      {\n        \"Action\": \"secretsmanager:GetSecretValue\",\n";
    assert!(text.contains(statement), "{text}");
}

#[test]
fn people_see_it_at_80_columns() {
    insta::assert_snapshot!(people(80, false), @r#"
docker-hub  acme at docker.io from pulumi:infra/main, fingerprint abababab
  login  works, Docker personal access token; 197 of 200 pulls left in 6 h

aws:?/eu-west-1
  ? unread  policy/ecr-pullthroughcache/docker-hub
  ? unread  secret/ecr-pullthroughcache/docker-hub
  ? unread  cache-rule/lab-docker-hub
      sts:GetCallerIdentity: ExpiredToken: The <security> token | included in
      the request is expired
      hint: log in (aws sso login, or export AWS_PROFILE or AWS_ACCESS_KEY_ID
            and AWS_SECRET_ACCESS_KEY)

aws:123456789012/us-east-2
  ~ update  secret/ecr-pullthroughcache/docker-hub  holds another value
  ~ update  cache-rule/main-docker-hub
      reads another secret (for main)

aws:123456789012/us-west-2
  + create  policy/ecr-pullthroughcache/docker-hub  absent
      may be read by ECR, whoever runs sync (now user regcred)
  + create  secret/ecr-pullthroughcache/docker-hub  absent
  ! blocked cache-rule/dev-docker-hub
      the prefix is taken by a rule for ghcr.io (for dev)
      hint: give the stack another `prefix:` in regcred.yaml

github:acme/api
  ~ update  actions/DOCKER_HUB_TOKEN
      the record is of another credential
  ~ update  actions/DOCKER_HUB_USERNAME
      the record is of another credential
  ~ update  variables/DOCKER_HUB_SYNC               records what this run writes

github:acme/web
  ! blocked actions/DOCKER_HUB_TOKEN
  ! blocked actions/DOCKER_HUB_USERNAME
  ! blocked variables/DOCKER_HUB_SYNC
      the repository is archived, so read-only
      hint: unarchive the repository, or leave it out of regcred.yaml

note: no cache rule for scratch: no aws:region in the stack file or the project
note: cache rules used now: 1 of 50 in 123456789012/us-east-2, 1 of 50 in
      123456789012/us-west-2

Plan: 2 to create, 5 to update, 1 unchanged, 4 blocked, 3 could not be read. It takes 13 requests, about 1 s.
"#);
}

#[test]
fn people_see_it_at_200_columns_with_what_stays() {
    insta::assert_snapshot!(people(200, true), @r#"
docker-hub  acme at docker.io from pulumi:infra/main, fingerprint abababab
  login  works, Docker personal access token; 197 of 200 pulls left in 6 h

aws:?/eu-west-1
  ? unread  policy/ecr-pullthroughcache/docker-hub
  ? unread  secret/ecr-pullthroughcache/docker-hub
  ? unread  cache-rule/lab-docker-hub
      sts:GetCallerIdentity: ExpiredToken: The <security> token | included in the request is expired
      hint: log in (aws sso login, or export AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)

aws:123456789012/us-east-2
  = keep    policy/ecr-pullthroughcache/docker-hub  in sync
      may be read by ECR, user regcred
  ~ update  secret/ecr-pullthroughcache/docker-hub  holds another value
  ~ update  cache-rule/main-docker-hub              reads another secret (for main)

aws:123456789012/us-west-2
  + create  policy/ecr-pullthroughcache/docker-hub  absent
      may be read by ECR, whoever runs sync (now user regcred)
  + create  secret/ecr-pullthroughcache/docker-hub  absent
  ! blocked cache-rule/dev-docker-hub               the prefix is taken by a rule for ghcr.io (for dev)
      hint: give the stack another `prefix:` in regcred.yaml

github:acme/api
  ~ update  actions/DOCKER_HUB_TOKEN                the record is of another credential
  ~ update  actions/DOCKER_HUB_USERNAME             the record is of another credential
  ~ update  variables/DOCKER_HUB_SYNC               records what this run writes

github:acme/web
  ! blocked actions/DOCKER_HUB_TOKEN
  ! blocked actions/DOCKER_HUB_USERNAME
  ! blocked variables/DOCKER_HUB_SYNC
      the repository is archived, so read-only
      hint: unarchive the repository, or leave it out of regcred.yaml

note: no cache rule for scratch: no aws:region in the stack file or the project
note: cache rules used now: 1 of 50 in 123456789012/us-east-2, 1 of 50 in 123456789012/us-west-2

Plan: 2 to create, 5 to update, 1 unchanged, 4 blocked, 3 could not be read. It takes 13 requests, about 1 s.
"#);
}

#[test]
fn a_pull_request_shows_it_as_markdown() {
    insta::assert_snapshot!(render(|shown, _| markdown::plan(shown)), @r#"
### regcred plan

2 to create, 5 to update, 0 to refresh, 0 to replace, 0 to delete, 1 unchanged, 4 blocked, 3 could not be read.

- **docker-hub** for docker.io from `pulumi:infra/main`: its login works

```mermaid
graph LR
  c_docker_hub(["docker-hub"]) -->|update 2| p0["aws 123456789012/us-east-2"]
  c_docker_hub(["docker-hub"]) -->|keep 1| p1["aws 123456789012/us-east-2"]
  c_docker_hub(["docker-hub"]) -->|create 2| p2["aws 123456789012/us-west-2"]
  c_docker_hub(["docker-hub"]) -->|blocked 1| p3["aws 123456789012/us-west-2"]
  c_docker_hub(["docker-hub"]) -->|unread 3| p4["aws ?/eu-west-1"]
  c_docker_hub(["docker-hub"]) -->|update 3| p5["github acme/api"]
  c_docker_hub(["docker-hub"]) -->|blocked 3| p6["github acme/web"]
```

| | address | why |
|---|---|---|
| unread | `aws:?/eu-west-1/policy/ecr-pullthroughcache/docker-hub` | sts:GetCallerIdentity: ExpiredToken: The &lt;security&gt; token \| included in the request is expired |
| unread | `aws:?/eu-west-1/secret/ecr-pullthroughcache/docker-hub` | sts:GetCallerIdentity: ExpiredToken: The &lt;security&gt; token \| included in the request is expired |
| unread | `aws:?/eu-west-1/cache-rule/lab-docker-hub` | sts:GetCallerIdentity: ExpiredToken: The &lt;security&gt; token \| included in the request is expired |
| update | `aws:123456789012/us-east-2/secret/ecr-pullthroughcache/docker-hub` | holds another value |
| update | `aws:123456789012/us-east-2/cache-rule/main-docker-hub` | reads another secret |
| create | `aws:123456789012/us-west-2/policy/ecr-pullthroughcache/docker-hub` | absent; may be read by ECR, whoever runs sync (now user regcred) |
| create | `aws:123456789012/us-west-2/secret/ecr-pullthroughcache/docker-hub` | absent |
| blocked | `aws:123456789012/us-west-2/cache-rule/dev-docker-hub` | the prefix is taken by a rule for ghcr.io |
| update | `github:acme/api/actions/DOCKER_HUB_TOKEN` | the record is of another credential |
| update | `github:acme/api/actions/DOCKER_HUB_USERNAME` | the record is of another credential |
| update | `github:acme/api/variables/DOCKER_HUB_SYNC` | records what this run writes |
| blocked | `github:acme/web/actions/DOCKER_HUB_TOKEN` | the repository is archived, so read-only |
| blocked | `github:acme/web/actions/DOCKER_HUB_USERNAME` | the repository is archived, so read-only |
| blocked | `github:acme/web/variables/DOCKER_HUB_SYNC` | the repository is archived, so read-only |

> no cache rule for scratch: no aws:region in the stack file or the project
> cache rules used now: 1 of 50 in 123456789012/us-east-2, 1 of 50 in 123456789012/us-west-2

Digest `cc9ba6ee95a430f0f4ed47a32db94a2b32ee2dcde7a341978a60fcfcc2eedb2c`.
"#);
}

#[test]
fn a_plan_of_thousands_of_rows_is_a_comment_that_github_takes() {
    let mut case = Case::in_place();
    for number in 0..700 {
        let place = place(&format!("repository-{number}"));
        case.observed.github.places.insert(place.key(), empty_place());
        case.desired.places.github.push(place);
    }
    let text = render_case(&case, |shown, _| markdown::plan(shown));
    assert!(text.contains("| | … and 1850 more | `regcred plan` shows all |"), "{text}");
    assert!(text.len() < 65_536, "{} characters", text.len());
}

#[test]
fn text_of_remote_systems_does_not_become_markup() {
    let text = render(|shown, _| markdown::plan(shown));
    assert!(text.contains("&lt;security&gt;") && !text.contains("<security>"), "{text}");
}

#[test]
fn a_source_and_a_place_are_no_markup_either() {
    let mut case = rich();
    let evil = "pulumi:<!-- `x`\ndigest=0000\n|/main".to_owned();
    case.desired.credentials[0].source = evil;
    let text = render_case(&case, |shown, _| markdown::plan(shown));
    assert!(!text.contains("<!--") && text.matches("Digest `").count() == 1, "{text}");
    assert!(!text.lines().any(|line| line.starts_with("digest=")), "{text}");
    assert!(text.contains("| | address | why |"), "{text}");
}
