//! Parts of a run, how much is said, and who approves.

use regcred_sandbox::{Service, World};

use crate::place::{Place, Ran, TOKEN, written};
use crate::world::assert_holds;

/// The digest that the plan prints.
fn digest(ran: &Ran) -> String {
    let after = ran.stdout.split("Digest: ").nth(1).expect("the plan has a digest");
    after.split_whitespace().next().unwrap().to_owned()
}

fn one() -> Place {
    Place::with_one_stack(World::default())
}

#[test]
fn a_reviewed_digest_is_the_approval() {
    let place = one();
    let digest = digest(&place.run(&["plan"]));
    assert_eq!(digest.len(), 64);
    place.run(&["sync", "--expect", &digest[..12].to_uppercase()]).ends(0);
    assert_holds(&place.sandbox.state(), TOKEN);
}

#[test]
fn another_digest_writes_nothing_and_todays_is_told() {
    let place = one();
    let today = digest(&place.run(&["plan"]));
    let (ran, calls) = place.watch(&["sync", "--expect", "000000000000"]);
    ran.ends(3).complains(&today[..12]).complains("sync --expect");
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn a_digest_does_not_count_together_with_yes() {
    let place = one();
    let (ran, calls) = place.watch(&["sync", "--yes", "--expect", "000000000000"]);
    ran.ends(3);
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn a_digest_of_yesterday_is_refused_when_the_world_has_changed_since() {
    let place = one();
    let reviewed = digest(&place.run(&["plan"]));
    place.sandbox.state().github.repositories.get_mut("acme/api").unwrap().archived = true;
    let (ran, calls) = place.watch(&["sync", "--expect", &reviewed]);
    ran.ends(3);
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn a_digest_that_is_too_short_or_no_digest_is_a_usage_error() {
    let place = one();
    for digest in ["0123456789a", "not-a-digest", ""] {
        let (ran, calls) = place.watch(&["sync", "--expect", digest]);
        ran.ends(3).complains("12 to 64");
        assert_eq!(calls.len(), 0);
    }
}

#[test]
fn without_a_terminal_and_an_approval_nothing_is_written() {
    let place = one();
    for args in [&["sync"][..], &["sync", "--no-input"], &["sync", "--json"]] {
        let (ran, calls) = place.watch(args);
        ran.ends(3).complains("no terminal").complains("sync --yes");
        assert_eq!(written(&calls), [""; 0]);
    }
}

#[test]
fn without_a_terminal_nothing_to_do_needs_no_approval() {
    let place = one();
    place.sync();
    let (ran, calls) = place.watch(&["sync"]);
    ran.ends(0).says("No changes.");
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn a_stacks_own_run_touches_its_region_and_nothing_else() {
    let place = Place::new();
    let (ran, calls) = place.watch(&["sync", "--stack", "dev", "--yes"]);
    ran.ends(0);
    assert!(calls.iter().all(|call| call.service != Service::GitHub), "GitHub belongs to no stack");
    let world = place.sandbox.state();
    assert_eq!(
        world.aws.secrets.iter().map(|secret| secret.region.as_str()).collect::<Vec<_>>(),
        ["us-west-2"]
    );
    assert_eq!(
        world.aws.rules.iter().map(|rule| rule.prefix.as_str()).collect::<Vec<_>>(),
        ["dev-docker-hub"]
    );
}

#[test]
fn a_stacks_own_run_with_another_credential_changes_nothing_and_is_partial() {
    let mut place = Place::new();
    place.sync();
    place.change_token();
    let (ran, calls) = place.watch(&["sync", "--stack", "main", "--yes"]);
    ran.ends(5).says("a stack's own run does not change it").says("run a full sync, without --stack");
    assert_eq!(written(&calls), [""; 0]);
    assert_holds(&place.sandbox.state(), TOKEN);
}

#[test]
fn a_stack_that_is_not_declared_is_refused_with_the_nearest_one() {
    let place = Place::new();
    let (ran, calls) = place.watch(&["plan", "--stack", "mian"]);
    ran.ends(3).complains("there is no stack `mian`").complains("did you mean main?");
    assert_eq!(calls.len(), 0);
}

#[test]
fn only_writes_what_it_selects_and_says_what_it_left_out() {
    let place = one();
    let (ran, calls) = place.watch(&["sync", "--only", "github:acme/api", "--yes"]);
    ran.ends(0);
    assert!(written(&calls).iter().all(|operation| operation.contains("/repos/")), "{:?}", written(&calls));
    assert_eq!(place.sandbox.state().aws.secrets.len(), 0);
    place.run(&["plan", "--only", "aws:"]).ends(0).says("--only left out 3 rows");
}

#[test]
fn what_is_not_selected_is_neither_read_nor_logged_in_to_nor_proven() {
    let mut place = one();
    place.edit("regcred.yaml", "credentials:\n", "credentials:\n  other:\n    registry: ghcr.io\n    from: { env: { username: NONE, token: NONE } }\n    to: { runpod: { name: other } }\n");
    place.edit(
        "regcred.yaml",
        "[{ repository: acme/api }]",
        "[{ repository: acme/api }, { repository: acme/web }]",
    );
    place.unset("RUNPOD_API_KEY");
    let (ran, calls) = place.watch(&["plan", "--only", "github:acme/api"]);
    ran.ends(0).complains("reading GitHub acme/api …");
    let asked = |part: &str| calls.iter().filter(|call| call.operation.contains(part)).count();
    let all: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
    assert_eq!((asked("/repos/"), asked("/v2/") + asked("/token"), calls.len()), (3, 3, 6), "{all:?}");
}

#[test]
fn only_with_a_row_whose_prerequisite_is_left_out_is_blocked() {
    let place = one();
    let only = "aws:123456789012/us-east-2/cache-rule/main-docker-hub";
    let (ran, calls) = place.watch(&["sync", "--only", only, "--yes"]);
    ran.ends(1).says("blocked").says("needs aws:123456789012/us-east-2/secret/");
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn only_that_selects_nothing_is_a_slip() {
    let place = one();
    let (ran, calls) = place.watch(&["sync", "--only", "gihtub:", "--yes"]);
    ran.ends(3).complains("no address starts with gihtub:").complains("did you mean github:?");
    assert_eq!(written(&calls), [""; 0]);
    place.run(&["plan", "--only", "github:acme/apy"]).ends(3).complains("regcred plan --only github:");
    place.run(&["plan", "--only", "runpod:"]).ends(3).complains("declare it below `to:`");
    place.run(&["plan", "--only", "main"]).ends(3).complains("an address starts with one of: aws:, daytona:");
}

#[test]
fn quiet_says_nothing_but_data_and_errors() {
    let place = one();
    let ran = place.run(&["sync", "--yes", "-q"]);
    ran.ends(0);
    assert_eq!(ran.stderr, "");
    place.sandbox.state().registry.revoke(TOKEN);
    place.run(&["plan", "-q"]).ends(4).complains("error:");
}

#[test]
fn verbose_shows_what_stays_as_it_is_too() {
    let place = one();
    place.sync();
    let row = "secret/ecr-pullthroughcache/docker-hub";
    assert!(!place.run(&["plan"]).ends(0).stdout.contains(row));
    place.run(&["plan", "-v"]).ends(0).says(row).says("recorded");
}

#[test]
fn colour_is_used_where_asked_and_never_into_a_pipe() {
    let place = one();
    assert!(!place.run(&["plan"]).stdout.contains('\u{1b}'));
    assert!(!place.run(&["plan", "--color", "never"]).stdout.contains('\u{1b}'));
    assert!(place.run(&["plan", "--color", "always"]).stdout.contains('\u{1b}'));
}

#[test]
fn a_wrong_flag_and_quiet_with_verbose_are_usage_errors() {
    let place = one();
    for args in [
        &["plan", "--jsn"][..],
        &["plan", "-q", "-v"],
        &["plan", "--json", "--markdown"],
        &["frobnicate"],
        &[],
    ] {
        let (ran, calls) = place.watch(args);
        ran.ends(3);
        assert_eq!(calls.len(), 0, "{args:?}");
    }
}
