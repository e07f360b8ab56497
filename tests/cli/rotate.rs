//! A rotation: a new token everywhere, and the old one out of use once nothing needs it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use regcred_sandbox::github::WorkflowRun;
use regcred_sandbox::registry::Account;
use regcred_sandbox::{Call, Fault, Kind, Moment, Service, World};

use crate::kill::kill_at;
use crate::place::{OTHER_TOKEN, Place, TOKEN, USER, written};
use crate::world::{assert_holds, assert_values};

pub(crate) const PASSWORD: &str = "open sesame-1234";
/// Of the token that a person made, and of the one that is handed in.
pub(crate) const OLD_LABEL: &str = "by hand";

/// One stack and one repository in sync, with the token in a file, an account that has a password, and a program that prints it.
pub(crate) fn place(mint: &str) -> Place {
    let mut place = Place::bare(World::default());
    place.unset("DOCKER_HUB_USERNAME");
    place.unset("DOCKER_HUB_TOKEN");
    place.write("token", &format!("{USER}\n{TOKEN}\n"));
    owned(&place, "token");
    place.write("password", &format!("{PASSWORD}\n"));
    let places = "to:\n      aws: { stacks: { main: { region: us-east-2 } } }\n      github: [{ repository: acme/api }]\n";
    place.write(
        "regcred.yaml",
        &format!("version: 1\ncredentials:\n  docker-hub:\n    from: {{ file: token }}\n{mint}    {places}"),
    );
    {
        let mut state = place.sandbox.state();
        state.registry.add_account(USER, PASSWORD);
        let account = state.registry.accounts.get_mut(USER).unwrap();
        let old = account.credentials.iter_mut().find(|credential| credential.secret == TOKEN).unwrap();
        old.token.label = OLD_LABEL.to_owned();
    }
    place.sync();
    place
}

pub(crate) const MINT: &str = "    mint: { login: { command: [cat, password], username: acme } }\n";

pub(crate) fn owned(place: &Place, file: &str) {
    let path = place.repo().join(file);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// The same with a second token that a person has made.
fn with_another(place: &Place) -> String {
    place.sandbox.state().registry.add_account(USER, OTHER_TOKEN);
    format!("{USER}\n{OTHER_TOKEN}\n")
}

pub(crate) fn stored(place: &Place) -> String {
    in_file(&place.repo().join("token"))
}

/// The token of a file with a user name and a token.
pub(crate) fn in_file(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap().lines().nth(1).unwrap().to_owned()
}

pub(crate) fn accepts(place: &Place, token: &str) -> bool {
    place.sandbox.state().registry.accepts(USER, token)
}

/// Every token's label, and whether it is on.
pub(crate) fn labels(place: &Place) -> Vec<(String, bool)> {
    let state = place.sandbox.state();
    let tokens = state.registry.accounts[USER].credentials.iter().filter(|one| one.secret != PASSWORD);
    tokens.map(|one| (one.token.label.clone(), !one.token.inactive && !one.revoked)).collect()
}

/// A text in one line, however it was wrapped.
pub(crate) fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_token_that_is_handed_in_is_stored_and_spread_and_the_old_one_stays_on_where_nobody_may_switch_it_off() {
    let place = place("");
    let handed = with_another(&place);
    let ran = place.run_reading(&["rotate", "--from", "stdin", "--yes"], &handed);
    ran.ends(0).says("docker-hub");
    assert!(flat(&ran.stdout).contains("switch the old one off by hand, at https://app.docker.com"));
    assert_holds(&place.sandbox.state(), OTHER_TOKEN);
    assert_eq!(stored(&place), OTHER_TOKEN);
    assert!(accepts(&place, TOKEN), "it is not regcred's to switch off");
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(OTHER_TOKEN));
    place.sync_again();
    // The token alone is enough, as the user is known.
    let ran = place.run_reading(&["rotate", "--from", "stdin", "--yes"], &format!("{OTHER_TOKEN}\n"));
    ran.ends(0).says("No changes");
}

#[test]
fn an_old_token_that_is_named_goes_out_of_use_last_and_only_if_that_is_allowed() {
    let place = place(MINT);
    let handed = with_another(&place);
    let nobody_named = place.run_reading(&["rotate", "--from", "stdin"], &handed);
    let next = "goes out of use by: regcred rotate --old LABEL --allow-delete --from stdin";
    let told = format!("`{OLD_LABEL}`. Whichever of them held the old value {next}");
    assert!(flat(&nobody_named.ends(3).stdout).contains(&told), "{}", nobody_named.stdout);
    let args = ["rotate", "--from", "stdin", "--yes", "--old", OLD_LABEL];
    let ran = place.run_reading(&args, &handed);
    let next = "regcred rotate --allow-delete --from stdin --old 'by hand'";
    ran.ends(5).says("was not made by regcred").says(next);
    assert_holds(&place.sandbox.state(), OTHER_TOKEN);
    assert!(accepts(&place, TOKEN));
    let args = ["rotate", "--yes", "--old", OLD_LABEL, "--allow-delete"];
    let (ran, calls) = place.watch(&args);
    ran.ends(0);
    assert_eq!(written(&calls), ["PATCH /v2/access-tokens/{uuid}"]);
    assert!(!accepts(&place, TOKEN) && accepts(&place, OTHER_TOKEN));
    assert!(labels(&place).iter().any(|(label, on)| label.starts_with("by hand retired 20") && !on));
}

#[test]
fn a_token_is_made_stored_spread_and_at_the_next_rotation_out_of_use() {
    let place = place(MINT);
    let ran = place.run(&["rotate", "--mint", "--yes"]);
    ran.ends(0);
    let first = stored(&place);
    assert!(first.starts_with("dckr_pat_") && first != TOKEN);
    assert_holds(&place.sandbox.state(), &first);
    assert!(accepts(&place, TOKEN), "nobody named it");
    let made = |(label, on): &(String, bool)| label.starts_with("regcred docker-hub ") && *on;
    assert_eq!(labels(&place).iter().filter(|label| made(label)).count(), 1);

    place.run(&["rotate", "--mint", "--yes"]).ends(0);
    let second = stored(&place);
    assert_holds(&place.sandbox.state(), &second);
    assert!(second != first && accepts(&place, &second) && !accepts(&place, &first));
    assert_eq!(labels(&place).iter().filter(|label| made(label)).count(), 1, "{:?}", labels(&place));
    assert_eq!(place.sandbox.violations(), [""; 0]);
}

#[test]
fn a_token_that_was_made_and_never_stored_is_deleted_by_the_next_rotation() {
    const MINTED: &[&str] = &["rotate", "--mint", "--yes"];
    let named = |call: &regcred_sandbox::Call| call.operation == "PATCH /v2/access-tokens/{uuid}";
    let (_, calls) = place(MINT).watch(MINTED);
    let places: Vec<usize> = (0..calls.len()).filter(|index| named(&calls[*index])).collect();
    let [given, stored_one] = places[..] else { panic!("{places:?}") };
    for (index, is_stored) in [(given, false), (stored_one, true)] {
        let place = place(MINT);
        assert!(kill_at(&place, MINTED, index, Moment::BeforeEffect));
        assert_eq!(stored(&place) != TOKEN, is_stored);
        place.run(MINTED).ends(0);
        let made: Vec<_> = labels(&place).into_iter().filter(|(label, _)| label != OLD_LABEL).collect();
        let [(label, true)] = made.as_slice() else { panic!("{made:?}") };
        assert!(label.starts_with("regcred docker-hub ") && !label.ends_with("new"), "{label}");
        assert_holds(&place.sandbox.state(), &stored(&place));
    }
    let place = place(MINT);
    let refused = Fault::on(Service::Hub, "PATCH /v2/access-tokens/{uuid}", Kind::Status(500)).forever();
    assert!(kill_at(&place, MINTED, stored_one, Moment::BeforeEffect));
    place.sandbox.fault(refused);
    place.run(MINTED).ends(0).complains("stays as it is until the next rotation");
}

#[test]
fn nothing_is_made_before_a_yes_and_no_secret_is_in_any_output() {
    let place = place(MINT);
    let (ran, calls) = place.watch(&["rotate", "--mint"]);
    ran.ends(3).complains("regcred rotate --expect").says("made once you say yes");
    assert!(!ran.stdout.contains("00000000"), "{}", ran.stdout);
    assert_eq!(written(&calls), [""; 0]);
    let digest = ran.stderr.split("--expect ").nth(1).unwrap()[..12].to_owned();
    let ran = place.run(&["rotate", "--mint", "--expect", &digest, "--json"]);
    ran.ends(0);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!said.contains(PASSWORD) && !said.contains(&stored(&place)));
    assert!(
        ran.lines()
            .iter()
            .any(|line| line["type"] == "apply_complete" && line["address"] == "source:docker-hub")
    );
}

/// What the source gave at each request, and what the request was.
fn history(place: &Place, args: &[&str]) -> Vec<(Call, String)> {
    let (found, source) = (Arc::<Mutex<Vec<(Call, String)>>>::default(), place.repo().join("token"));
    let seen = found.clone();
    place.sandbox.on_call(move |call| seen.lock().unwrap().push((call.clone(), in_file(&source))));
    place.run(args).ends(0);
    place.sandbox.on_call(|_| {});
    std::mem::take(&mut *found.lock().unwrap())
}

#[test]
fn the_new_token_is_proven_then_stored_then_spread_and_the_places_are_proven_before_the_old_one_goes() {
    let place = place(MINT);
    with_another(&place);
    place.write("new", &format!("{USER}\n{OTHER_TOKEN}\n"));
    owned(&place, "new");
    let history =
        history(&place, &["rotate", "--from", "file=new", "--old", OLD_LABEL, "--allow-delete", "--yes"]);
    let first = |is: &dyn Fn(&Call, &str) -> bool| {
        history.iter().position(|(call, source)| is(call, source)).expect("it comes to that")
    };
    let is_place = |call: &Call| call.is_write && call.service != Service::Hub;
    let proven = first(&|call, _| call.service == Service::Token && call.status == Some(200));
    let stored = first(&|_, source| source == OTHER_TOKEN);
    let spread = first(&|call, _| is_place(call));
    let last = history.iter().rposition(|(call, _)| is_place(call)).unwrap();
    let looked =
        history.iter().rposition(|(call, _)| call.operation == "ValidatePullThroughCacheRule").unwrap();
    let off = first(&|call, _| call.operation.starts_with("PATCH /v2/access-tokens"));
    let order = [proven, stored, spread, last, looked, off];
    assert!(order.is_sorted() && proven < stored && last < looked, "{order:?}");
}

#[test]
fn the_old_token_stays_on_while_a_place_was_not_written_or_is_not_proven() {
    for (service, operation) in [
        (Service::GitHub, "PUT /repos/{owner}/{repo}/actions/secrets/{secret_name}"),
        (Service::SecretsManager, "PutSecretValue"),
        (Service::Ecr, "ValidatePullThroughCacheRule"),
    ] {
        let place = place(MINT);
        let handed = with_another(&place);
        place.sandbox.fault(Fault::on(service, operation, Kind::Status(403)).forever());
        let args = ["rotate", "--from", "stdin", "--old", OLD_LABEL, "--allow-delete", "--yes"];
        let next = "To continue: regcred rotate --allow-delete --from stdin --old 'by hand'";
        place.run_reading(&args, &handed).ends(5).says(next);
        assert!(accepts(&place, TOKEN), "{operation}");
        place.sandbox.clear_faults();
        place.run(OLD_OFF).ends(0);
        assert!(!accepts(&place, TOKEN), "{operation}");
        assert_holds(&place.sandbox.state(), OTHER_TOKEN);
    }
}

#[test]
fn a_token_that_is_made_and_then_refused_is_stored_and_spread_nowhere_and_the_next_run_makes_another() {
    let place = place(MINT);
    place.sandbox.fault(Fault::on(Service::Token, "GET /token", Kind::Status(401)).forever());
    let (ran, calls) = place.watch(&["rotate", "--mint", "--yes"]);
    ran.ends(5);
    assert_eq!(written(&calls), ["POST /v2/access-tokens", "PATCH /v2/access-tokens/{uuid}"]);
    assert_eq!(stored(&place), TOKEN);
    assert_values(&place.sandbox.state(), TOKEN);
    place.sandbox.clear_faults();
    place.run(&["rotate", "--mint", "--yes"]).ends(0);
    assert_holds(&place.sandbox.state(), &stored(&place));
    let made = |(label, on): &&(String, bool)| label.starts_with("regcred docker-hub ") && *on;
    assert_eq!(labels(&place).iter().filter(made).count(), 1, "{:?}", labels(&place));
}

#[test]
fn a_token_that_the_registry_refuses_is_stored_nowhere() {
    let place = place(MINT);
    let ran = place.run_reading(&["rotate", "--from", "stdin", "--yes"], &format!("{USER}\n{OTHER_TOKEN}\n"));
    ran.ends(4);
    assert_eq!(stored(&place), TOKEN);
    assert_values(&place.sandbox.state(), TOKEN);
}

#[test]
fn a_token_of_another_user_is_refused() {
    let place = place("");
    place.sandbox.state().registry.add_account("zoe", OTHER_TOKEN);
    let ran = place.run_reading(&["rotate", "--from", "stdin", "--yes"], &format!("zoe\n{OTHER_TOKEN}\n"));
    ran.ends(3).complains("the new token is of user zoe, and the source has user acme");
}

/// Rotated to the other token, which regcred did not make either.
fn rotated() -> Place {
    let place = place(MINT);
    let handed = with_another(&place);
    place.run_reading(&["rotate", "--from", "stdin", "--yes"], &handed).ends(0);
    place
}

const OLD_OFF: &[&str] = &["rotate", "--yes", "--old", OLD_LABEL, "--allow-delete"];

#[test]
fn the_previous_token_is_taken_back_and_a_sync_with_the_other_one_is_blocked_then() {
    let place = rotated();
    let ran = place.run(&["rotate", "--from", "previous", "--yes"]);
    ran.ends(0).says("what AWS had before");
    assert_eq!(stored(&place), TOKEN);
    assert_holds(&place.sandbox.state(), TOKEN);
    place.sync_again();
    place.write("token", &format!("{USER}\n{OTHER_TOKEN}\n"));
    for args in [&["sync", "--yes"][..], &["rotate", "--yes"]] {
        let (ran, calls) = place.watch(args);
        ran.ends(5).says("rotated away on 20");
        assert_eq!(written(&calls), [""; 0], "{args:?}");
    }
    assert_holds(&place.sandbox.state(), TOKEN);
}

#[test]
fn a_previous_token_that_is_switched_off_is_told_and_taken_back_once_it_is_on_again() {
    let place = place(MINT);
    place.run(&["rotate", "--mint", "--yes"]).ends(0);
    let first = stored(&place);
    place.run(&["rotate", "--mint", "--yes"]).ends(0);
    let second = stored(&place);
    const BACK: &[&str] = &["rotate", "--from", "previous", "--yes"];
    let (ran, calls) = place.watch(BACK);
    ran.ends(4).complains("which is switched off").complains("switch it on at https://app.docker.com/");
    assert!(
        ran.stderr.contains("`regcred docker-hub ") && ran.stderr.contains(" retired 20"),
        "{}",
        ran.stderr
    );
    assert_eq!(written(&calls), [""; 0]);
    {
        let mut state = place.sandbox.state();
        let credentials = &mut state.registry.accounts.get_mut(USER).unwrap().credentials;
        credentials.iter_mut().find(|one| one.secret == first).unwrap().token.inactive = false;
    }
    place.run(BACK).ends(0);
    assert_eq!(stored(&place), first);
    assert!(accepts(&place, &first) && !accepts(&place, &second));
    let on: Vec<_> = labels(&place).into_iter().filter(|(_, on)| *on).map(|(label, _)| label).collect();
    assert!(!on.iter().any(|label| label.contains("retired")), "{on:?}");
}

#[test]
fn workflow_runs_that_may_still_have_the_old_token_keep_it_on_until_they_end() {
    let place = rotated();
    let now = place.sandbox.state().clock.now();
    let run = WorkflowRun { id: 7, status: "queued".to_owned(), created_at: now - Duration::from_secs(600) };
    place.sandbox.state().github.repositories.get_mut("acme/api").unwrap().runs.push(run);
    let ran = place.run(OLD_OFF);
    ran.ends(5)
        .says("the old token may still be in use")
        .says("regcred rotate --drain 30m --allow-delete --old 'by hand'");
    assert!(accepts(&place, TOKEN));
    let mut drained = OLD_OFF.to_vec();
    drained.extend(["--drain", "20ms"]);
    place.run(&drained).ends(5);
    place.sandbox.state().github.repositories.get_mut("acme/api").unwrap().runs.clear();
    place.run(&drained).ends(0);
    assert!(!accepts(&place, TOKEN));
}

#[test]
fn a_token_that_was_named_by_mistake_and_is_the_new_one_is_switched_on_again() {
    let place = rotated();
    let mut state = place.sandbox.state();
    let credentials = &mut state.registry.accounts.get_mut(USER).unwrap().credentials;
    credentials.iter_mut().find(|one| one.secret == OTHER_TOKEN).unwrap().token.label = "new one".to_owned();
    drop(state);
    let args = ["rotate", "--yes", "--old", "new one", "--allow-delete"];
    // It has just been proven.
    place.run(&args).ends(5).says("somebody has logged in with it since this run began");
    place.sandbox.state().registry.hub.lags = true;
    let ran = place.run(&args);
    ran.ends(5).says("it was switched on again");
    assert!(accepts(&place, OTHER_TOKEN) && labels(&place).contains(&("new one".to_owned(), true)));
}

#[test]
fn what_is_only_a_part_or_asked_to_stay_keeps_the_old_token_on() {
    let place = rotated();
    let mut part = OLD_OFF.to_vec();
    part.extend(["--only", "github:"]);
    place.run(&part).ends(0).says("a run without --only and --stack");
    let mut kept = OLD_OFF.to_vec();
    kept.push("--keep-old");
    let told = flat(&place.run(&kept).ends(0).stdout);
    assert!(told.contains("the old token stays on, as asked"), "{told}");
    assert!(
        told.contains("with everything in place: regcred rotate --allow-delete --old 'by hand'"),
        "{told}"
    );
    assert!(accepts(&place, TOKEN));
}

#[test]
fn what_went_out_of_use_long_enough_ago_is_deleted_when_that_is_asked() {
    let place = rotated();
    place.run(OLD_OFF).ends(0);
    let on_the_day = ["rotate", "--yes", "--delete-after", "1d"];
    place.run(&on_the_day).ends(0);
    assert_eq!(labels(&place).len(), 2, "{:?}", labels(&place));
    let mut state = place.sandbox.state();
    let credentials = &mut state.registry.accounts.get_mut(USER).unwrap().credentials;
    let old = credentials.iter_mut().find(|one| one.secret == TOKEN).unwrap();
    old.token.label = "by hand retired 2026-01-01".to_owned();
    drop(state);
    place.run(&["rotate", "--yes", "--delete-after", "30d"]).ends(0).says("out of use since 2026-01-01");
    assert_eq!(labels(&place).len(), 1);
}

#[test]
fn a_source_that_takes_nothing_is_changed_by_hand_and_the_old_token_stays_on_until_then() {
    let mut place = place(MINT);
    place.edit("regcred.yaml", "from: { file: token }", "from: env");
    place.set("DOCKER_HUB_USERNAME", USER);
    place.set("DOCKER_HUB_TOKEN", TOKEN);
    let handed = with_another(&place);
    let args = ["rotate", "--from", "stdin", "--yes", "--old", OLD_LABEL, "--allow-delete"];
    let ran = place.run_reading(&args, &handed);
    assert!(
        flat(&ran.ends(0).stdout).contains("set the variable to the new one wherever it is set"),
        "{}",
        ran.stdout
    );
    assert_holds(&place.sandbox.state(), OTHER_TOKEN);
    assert!(accepts(&place, TOKEN));
    // On a runner nobody can change it meanwhile.
    place.set("GITHUB_ACTIONS", "true");
    place.set("GITHUB_REPOSITORY", "acme/other");
    place.run_reading(&args, &handed).ends(5);
    place.set("DOCKER_HUB_TOKEN", OTHER_TOKEN);
    place.run(OLD_OFF).ends(0);
    assert!(!accepts(&place, TOKEN));
    let ran = place.run(&["rotate", "--mint", "--yes"]);
    ran.ends(3).complains("the new token cannot be stored where the old one is");
}

#[test]
fn a_file_in_git_keeps_the_old_token_on_until_it_is_committed() {
    let place = place(MINT);
    let git = |args: &[&str]| {
        let mut command = std::process::Command::new("git");
        let home = place.repo();
        let ran = command.args(args).current_dir(place.repo()).env("HOME", home).output().unwrap();
        assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    };
    let author = ["-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qm"];
    git(&["init", "-q"]);
    git(&["add", "token"]);
    git(&[&author[..], &["before"]].concat());
    let handed = with_another(&place);
    let args = ["rotate", "--from", "stdin", "--yes", "--old", OLD_LABEL, "--allow-delete"];
    let ran = place.run_reading(&args, &handed);
    assert!(
        flat(&ran.ends(0).stdout).contains("stays on until token is committed with the new token"),
        "{}",
        ran.stdout
    );
    assert!(flat(&ran.stdout).contains("and then: regcred rotate --allow-delete --old 'by hand'"));
    assert_holds(&place.sandbox.state(), OTHER_TOKEN);
    place.run(OLD_OFF).ends(0);
    assert!(accepts(&place, TOKEN), "it is still not committed");
    git(&[&author[..], &["after", "-a"]].concat());
    place.run(OLD_OFF).ends(0);
    assert!(!accepts(&place, TOKEN));
}

#[test]
fn a_program_takes_the_new_token_where_the_source_is_a_program() {
    let place = place("    store: { command: [tee, token] }\n");
    place.edit(
        "regcred.yaml",
        "from: { file: token }",
        "from: { command: { run: [cat, token], username: acme } }",
    );
    place.write("token", &format!("{TOKEN}\n"));
    with_another(&place);
    let ran = place.run_reading(&["rotate", "--from", "stdin", "--yes"], &format!("{OTHER_TOKEN}\n"));
    ran.ends(0);
    assert_eq!(std::fs::read_to_string(place.repo().join("token")).unwrap().trim_end(), OTHER_TOKEN);
    assert_holds(&place.sandbox.state(), OTHER_TOKEN);
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(OTHER_TOKEN));
}

#[test]
fn who_may_not_make_tokens_is_told_why_and_nothing_happens() {
    for (arrange, words) in [
        ((|account| account.sso = true) as fn(&mut Account), "single sign-on"),
        (|account| account.second_factor = Some("123456".to_owned()), "second factor"),
        (|account| account.token_limit = 1, "makes no more tokens there"),
    ] {
        let place = place(MINT);
        arrange(place.sandbox.state().registry.accounts.get_mut(USER).unwrap());
        place.run(&["rotate", "--mint", "--yes"]).ends(1).complains(words);
        assert_eq!(stored(&place), TOKEN);
    }
    let place = place(MINT);
    place.write("password", &format!("{TOKEN}\n"));
    place.run(&["rotate", "--mint", "--yes"]).ends(1).complains("by an access token");
    let place = self::place("");
    place.run(&["rotate", "--mint", "--yes"]).ends(3).complains("mint: { login: { command");
}

#[test]
fn of_several_credentials_one_is_named() {
    let place = place("");
    place.edit(
        "regcred.yaml",
        "credentials:\n",
        "credentials:\n  ghcr:\n    registry: ghcr.io\n    from: { file: token }\n    to: { daytona: {} }\n",
    );
    place
        .run(&["rotate", "--yes"])
        .ends(3)
        .complains("one is rotated at a time")
        .complains("regcred rotate --credential");
}

#[test]
fn other_stacks_that_hold_the_old_token_are_named_and_left_as_they_are() {
    let place = Place::with_pulumi();
    let dev = std::fs::read_to_string(place.repo().join("infra/Pulumi.main.yaml")).unwrap();
    place.write("infra/Pulumi.dev.yaml", &dev);
    place.write(
        "regcred.yaml",
        &crate::place::ONE_STACK
            .replace("    to:", "    from: { pulumi: { project: infra, stack: main } }\n    to:"),
    );
    with_another(&place);
    let ran = place.run_reading(&["rotate", "--from", "stdin", "--yes"], &format!("{OTHER_TOKEN}\n"));
    let said = flat(&ran.ends(0).stdout);
    assert!(said.contains("pulumi:infra/dev holds the token that goes out of use, too"), "{said}");
    assert_holds(&place.sandbox.state(), OTHER_TOKEN);
    assert_eq!(std::fs::read_to_string(place.repo().join("infra/Pulumi.dev.yaml")).unwrap(), dev);
    let main = std::fs::read_to_string(place.repo().join("infra/Pulumi.main.yaml")).unwrap();
    let changed = main.lines().zip(dev.lines()).filter(|(one, other)| one != other).count();
    assert_eq!((changed, main.lines().count()), (1, dev.lines().count()));
    place.sync_again();
}
