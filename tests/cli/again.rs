//! A command that is printed does what was shown: it is taken from the screen and run as it stands.

use regcred_sandbox::{Call, Fault, Kind, Service, World};

use crate::place::{ONE_STACK, OTHER_TOKEN, Place, Ran, USER, written};
use crate::world::assert_holds;

/// Runs a command as it was printed, and gives its requests.
fn again(place: &Place, command: &[String]) -> (Ran, Vec<Call>) {
    place.watch(&command.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The one command that a run printed.
#[track_caller]
fn only(ran: &Ran) -> Vec<String> {
    let commands = ran.commands();
    assert_eq!(commands.len(), 1, "{commands:?}\n{}{}", ran.stdout, ran.stderr);
    commands.into_iter().next().unwrap()
}

/// Plans this part, runs the command that the plan prints, and a second plan finds nothing to do. What was written.
fn planned_and_done(place: &Place, selection: &[&str]) -> Vec<String> {
    let plan = [&["plan"], selection].concat();
    let command = only(place.run(&plan).ends(0));
    for word in selection {
        assert!(command.iter().any(|other| other == word), "{command:?} lacks {word}");
    }
    let (ran, calls) = again(place, &command);
    ran.ends(0);
    assert_eq!(place.run(&plan).ends(0).commands(), [[""; 0]; 0], "there is nothing left to do");
    written(&calls).into_iter().map(str::to_owned).collect()
}

#[test]
fn the_command_that_a_plan_prints_writes_the_part_that_was_planned() {
    let place = Place::new();
    let dev = planned_and_done(&place, &["--stack", "dev"]);
    assert!(dev.iter().any(|call| call.contains("CreatePullThroughCacheRule")), "{dev:?}");
    let github = planned_and_done(&place, &["--only", "github:"]);
    assert!(
        github.iter().all(|call| call.contains("/secrets/") || call.contains("/variables")),
        "{github:?}"
    );
    let rest = planned_and_done(&place, &[]);
    assert!(rest.iter().all(|call| !call.contains("/secrets/")), "the other stack alone: {rest:?}");
}

#[test]
fn a_printed_command_names_the_file_and_the_credential_as_a_shell_takes_them() {
    let place = Place::bare(World::default());
    place.write("the team's file.yaml", ONE_STACK);
    let selection = ["--file", "the team's file.yaml", "--credential", "docker-hub"];
    assert!(!planned_and_done(&place, &selection).is_empty());
    let plan = place.run(&["plan", "--markdown", "--file", "the team's file.yaml", "--rewrite"]);
    assert!(only(plan.ends(0)).ends_with(&["--rewrite".to_owned()]));
}

#[test]
fn what_a_refused_sync_prints_is_of_the_same_part() {
    let place = Place::new();
    let part = ["--stack", "dev"].map(str::to_owned);
    let unattended = place.run(&["sync", "--stack", "dev"]);
    let commands = unattended.ends(3).commands();
    assert_eq!(commands.len(), 2, "the digest, or --yes: {commands:?}");
    assert!(commands.iter().all(|command| command.ends_with(&part)), "{commands:?}");
    let other = place.run(&["sync", "--expect", "000000000000", "--stack", "dev"]);
    let (ran, calls) = again(&place, &only(other.ends(3)));
    ran.ends(0);
    assert!(!written(&calls).is_empty());
    let (ran, calls) = again(&place, &commands[1]);
    ran.ends(0);
    assert_eq!(written(&calls), [""; 0], "all of the part is in place");
}

#[test]
fn verify_says_what_is_not_in_place_and_the_command_that_mends_it() {
    let place = Place::new();
    place.sync();
    place.run(&["verify"]).ends(0).says("Done:");
    place.sandbox.state().github.repositories.get_mut("acme/api").unwrap().actions.secrets.clear();
    let ran = place.run(&["verify", "--only", "github:acme/api"]);
    ran.ends(2).says("missing").says("Not in place:").says("Next: regcred sync --only github:acme/api");
    assert!(!ran.stdout.contains("+ create") && !ran.stdout.contains("Done:"), "{}", ran.stdout);
    ran.says("does not match the secrets");
    assert!(!ran.stdout.contains("this run writes"), "verify writes nothing: {}", ran.stdout);
    let command = [only(&ran), vec!["--yes".to_owned()]].concat();
    let (ran, calls) = again(&place, &command);
    ran.ends(0);
    assert!(!written(&calls).is_empty());
    place.run(&["verify"]).ends(0).says("Done:");
}

#[test]
fn no_command_is_printed_while_the_credential_is_not_proven_or_a_place_could_not_be_read() {
    let mut place = Place::new();
    place.set("DAYTONA_API_URL", "https://closed.example/api");
    place.set("DOCKER_HUB_TOKEN", "dckr_pat_no-longer-valid-0123456789");
    for args in [&["plan"][..], &["plan", "--markdown"], &["verify"]] {
        let ran = place.run(args);
        assert_eq!(ran.ends(4).commands(), [[""; 0]; 0], "{args:?}: {}", ran.stdout);
    }
    let mut place = Place::new();
    place.set("GITHUB_TOKEN", "ghp_no-longer-valid");
    for args in [&["plan"][..], &["plan", "--markdown"], &["verify"]] {
        let ran = place.run(args);
        ran.ends(5).complains("error: 3 rows of github:acme/api could not be read: ");
        assert_eq!(ran.commands(), [[""; 0]; 0], "{args:?}: {}", ran.stdout);
    }
}

#[test]
fn a_credential_that_is_not_proven_is_not_said_to_be_in_place() {
    let place = Place::new();
    place.sync();
    place.run(&["plan"]).ends(0).says("Everything declared is in place");
    place.sandbox.state().registry.accounts.clear();
    let ran = place.run(&["plan"]);
    ran.ends(4).says("No changes: 9 unchanged.");
    assert!(!ran.stdout.contains("in place"), "{}", ran.stdout);
}

#[test]
fn what_is_left_of_an_approved_plan_is_written_by_the_command_that_is_printed() {
    let place = Place::new();
    let approved = only(place.run(&["plan", "--stack", "dev"]).ends(0));
    let refused = Kind::Say { status: 400, words: "no".to_owned() };
    place.sandbox.fault(Fault::on(Service::Ecr, "CreatePullThroughCacheRule", refused));
    let (ran, _) = again(&place, &approved);
    ran.ends(5).says("What is done stays done. To continue: regcred sync --stack dev");
    again(&place, &approved).0.ends(3).complains("today's plan has the digest");
    let (ran, calls) = again(&place, &[only(&ran), vec!["--yes".to_owned()]].concat());
    ran.ends(0);
    assert!(!written(&calls).is_empty());
}

#[test]
fn a_record_that_is_missing_is_not_said_to_differ() {
    let place = Place::new();
    let ran = place.run(&["verify"]);
    ran.ends(2).says("missing variables/DOCKER_HUB_SYNC               absent");
}

#[test]
fn the_command_that_approves_a_rotation_is_of_the_same_rotation() {
    let place = Place::with_one_stack(World::default());
    place.sync();
    place.sandbox.state().registry.add_account(USER, OTHER_TOKEN);
    let input = format!("{USER}\n{OTHER_TOKEN}\n");
    let unattended = place.run_reading(&["rotate", "--from", "stdin", "--keep-old"], &input);
    let commands = unattended.ends(3).commands();
    assert_eq!(commands.len(), 2, "the digest, or --yes: {commands:?}");
    for command in &commands {
        assert!(command.ends_with(&["--from", "stdin", "--keep-old"].map(str::to_owned)), "{command:?}");
    }
    let approved: Vec<&str> = commands[0].iter().map(String::as_str).collect();
    place.run_reading(&approved, &input).ends(0);
    assert_holds(&place.sandbox.state(), OTHER_TOKEN);
}
