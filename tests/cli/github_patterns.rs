//! Many repositories of GitHub by patterns of their names, and environments: what is found, what is skipped, what is said.

use regcred_sandbox::github::{Environment, Repository, Token};
use regcred_sandbox::{Call, Fault, Kind, Service, World};

use crate::github_app::{ID, TOKENS, app, key};
use crate::kill::kill_everywhere;
use crate::place::{Place, TOKEN, written};
use crate::strike::{Start, in_parallel};
use crate::world::watch;

const LIST: &str = "GET /orgs/{org}/repos";

/// A file with these items of `github`.
fn file(items: &str) -> String {
    format!("version: 1\ncredentials:\n  docker-hub:\n    to:\n      github:\n{items}")
}

/// The repositories of a fleet: some services, one of them archived, one a fork; and what else acme has.
fn world() -> World {
    let mut world = World::default();
    for name in ["svc-a", "svc-b", "svc-old", "svc-fork"] {
        world.github.add_repository(&format!("acme/{name}"));
    }
    let repositories = &mut world.github.repositories;
    repositories.get_mut("acme/svc-old").unwrap().archived = true;
    repositories.get_mut("acme/svc-fork").unwrap().fork = true;
    world
}

fn place_in(world: World, items: &str) -> Place {
    let place = Place::bare(world);
    place.write("regcred.yaml", &file(items));
    place
}

fn place(items: &str) -> Place {
    place_in(world(), items)
}

/// The repositories that have the token.
fn holders(place: &Place) -> Vec<String> {
    let state = place.sandbox.state();
    let holds = |repository: &Repository| repository.actions.value("DOCKER_HUB_TOKEN") == Some(TOKEN);
    let all = state.github.repositories.iter().filter(|(_, repository)| holds(repository));
    all.map(|(name, _)| name.clone()).collect()
}

fn asked(calls: &[Call], operation: &str) -> usize {
    calls.iter().filter(|call| call.operation == operation).count()
}

#[test]
fn every_repository_that_a_pattern_fits_gets_it_and_a_second_run_writes_nothing() {
    let place = place("        - repositories: [\"acme/SVC-*\", acme/web, \"!acme/svc-b\"]\n");
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0)
        .says("github:acme: 1 archived repository is skipped: svc-old")
        .says("github:acme: 1 fork is skipped: svc-fork");
    assert_eq!(holders(&place), ["acme/svc-a", "acme/web"]);
    assert_eq!(asked(&calls, LIST), 1);
    assert_eq!(place.sandbox.violations(), [""; 0]);
    place.sync_again();
    place.run(&["verify"]).ends(0);
}

#[test]
fn a_new_repository_is_found_by_the_next_run() {
    let place = place("        - repositories: [\"acme/svc-?\"]\n");
    place.sync();
    place.sandbox.state().github.add_repository("acme/svc-c");
    place.run(&["plan", "--detailed-exitcode"]).ends(2).says("github:acme/svc-c");
    assert_eq!(written(&place.sync()).len(), 3);
    assert_eq!(holders(&place), ["acme/svc-a", "acme/svc-b", "acme/svc-c"]);
}

#[test]
fn a_topic_a_team_and_a_visibility_choose_among_them() {
    let mut world = world();
    let repositories = &mut world.github.repositories;
    repositories.get_mut("acme/svc-a").unwrap().topics = vec!["docker".to_owned()];
    repositories.get_mut("acme/svc-b").unwrap().internal = true;
    repositories.get_mut("acme/api").unwrap().private = false;
    let team = vec!["acme/web".to_owned(), "acme/svc-a".to_owned()];
    world.github.organizations.get_mut("acme").unwrap().teams.insert("platform".to_owned(), team);
    for (only, held) in [
        ("topic: docker", &["acme/svc-a"][..]),
        ("team: platform", &["acme/svc-a", "acme/web"]),
        ("visibility: internal", &["acme/svc-b"]),
        ("visibility: public", &["acme/api"]),
        ("team: platform, visibility: private, topic: docker", &["acme/svc-a"]),
    ] {
        let place = place_in(
            world.clone(),
            &format!("        - {{ repositories: [\"acme/*\"], only: {{ {only} }} }}\n"),
        );
        place.sync();
        assert_eq!(holders(&place), held, "{only}");
        place.sync_again();
    }
}

#[test]
fn what_is_named_is_not_found_a_second_time_and_is_wanted_even_if_it_is_a_fork() {
    let place = place(
        "        - { repositories: [\"acme/*\"] }
        - { repository: acme/API, names: { username: HUB_USER, token: HUB_TOKEN } }
        - { repositories: [\"acme/svc-*\", acme/svc-fork] }
        - { repository: acme/svc-old }\n",
    );
    let ran = place.run(&["sync", "--yes"]);
    ran.ends(5).says("archived");
    assert!(!ran.stdout.contains("skipped"), "{}", ran.stdout);
    assert_eq!(holders(&place), ["acme/svc-a", "acme/svc-b", "acme/svc-fork", "acme/web"]);
    let state = place.sandbox.state();
    let api = &state.github.repositories["acme/api"].actions.secrets;
    assert_eq!(api.keys().collect::<Vec<_>>(), ["HUB_TOKEN", "HUB_USER"]);
}

#[test]
fn a_pattern_that_fits_nothing_is_told_with_the_nearest_name() {
    let place = place(
        "        - { repositories: [\"acme/svcs-*\"], only: { visibility: private } }
        - { repository: acme/api, environment: \"prod-*\" }
        - { repositories: [\"acme/svc-?\"], environment: production }\n",
    );
    place
        .run(&["plan"])
        .ends(0)
        .says("github:acme: no repository fits acme/svcs-* with visibility: private; acme has 6, and the")
        .says("github:acme/api: no environment fits `prod-*`")
        .says("github:acme: no environment of the 2 repositories that fit is `production`")
        .says("No changes. Nothing that is declared was found.");
    let ran = place.run(&["verify"]);
    assert_eq!(ran.ends(0).stdout.lines().last(), Some("Nothing that is declared was found."));
}

#[test]
fn environments_are_found_by_pattern_and_a_named_one_only_where_it_is() {
    let place = place(
        "        - { repository: acme/api, environment: \"prod-*\" }
        - { repositories: [\"acme/svc-?\"], environment: Staging }\n",
    );
    let mut state = place.sandbox.state();
    let mut add = |name: &str, environment: &str| {
        let environments = &mut state.github.repositories.get_mut(name).unwrap().environments;
        environments.insert(environment.to_owned(), Environment::default());
    };
    add("acme/api", "prod-eu");
    add("acme/api", "prod-us");
    add("acme/api", "dev");
    add("acme/svc-b", "staging");
    drop(state);
    place.run(&["sync", "--yes"]).ends(0);
    let state = place.sandbox.snapshot();
    let holding = |name: &str| {
        let environments = state.github.repositories[name].environments.iter();
        let holding = environments.filter(|(_, one)| one.secrets.value("DOCKER_HUB_TOKEN") == Some(TOKEN));
        holding.map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(holding("acme/api"), ["prod-eu", "prod-us"]);
    assert_eq!(holding("acme/svc-b"), ["staging"]);
    assert!(holding("acme/svc-a").is_empty());
    place.sync_again();
}

#[test]
fn an_environment_that_may_be_made_is_made_in_every_repository() {
    let place = place(
        "        - { repositories: [\"acme/svc-?\"], environment: production, create-environment: true }\n",
    );
    place.sync();
    let state = place.sandbox.snapshot();
    for name in ["acme/svc-a", "acme/svc-b"] {
        let environment = &state.github.repositories[name].environments["production"];
        assert_eq!(environment.secrets.value("DOCKER_HUB_TOKEN"), Some(TOKEN), "{name}");
    }
    place.sync_again();
}

#[test]
fn a_list_that_cannot_be_read_is_one_row_and_keeps_nothing_else() {
    let place = place(
        "        - { repositories: [\"gone/*\"] }
        - { repositories: [\"acme/*\"], only: { team: nobody } }
        - { repository: acme/web }\n",
    );
    let ran = place.run(&["sync", "--yes"]);
    ran.ends(5)
        .says("github:gone/?")
        .says("GitHub shows neither an organization nor a user gone")
        .says("github:acme/?")
        .says("`members: read` of acme");
    assert_eq!(holders(&place), ["acme/web"]);
    let unread = place.run(&["plan", "--json"]).ends(5).stdout.matches("\"unread\"").count();
    assert!(unread >= 2, "{unread}");
}

#[test]
fn whatever_befalls_the_list_nobody_is_left_out_in_silence() {
    // Which is waited for, a minute long.
    let kinds = Kind::catalogue().into_iter().filter(|kind| *kind != Kind::Throttle { retry_after: None });
    in_parallel(&kinds.collect::<Vec<_>>(), |kind| {
        let place = place("        - repositories: [\"acme/*\"]\n");
        let all = ["acme/api", "acme/svc-a", "acme/svc-b", "acme/web"];
        place.sandbox.fault(Fault::on(Service::GitHub, LIST, kind.clone()));
        let ran = place.run(&["sync", "--yes"]);
        match ran.code {
            0 => assert_eq!(holders(&place), all, "{kind:?}"),
            // Nobody else is in the list.
            1 | 4 | 5 => {
                ran.says("github:acme/?");
            }
            code => panic!("{kind:?}: {code}"),
        }
        place.sandbox.clear_faults();
        place.sync();
        assert_eq!(holders(&place), all, "{kind:?}");
    });
}

#[test]
fn a_sync_of_what_is_found_that_is_killed_at_any_request_is_finished_by_the_next_run() {
    let configured = |world| place_in(world, "        - repositories: [\"acme/*\"]\n");
    let start = Start { what: "patterns", world: World::default(), token: TOKEN, configured };
    let finished = |place: &Place, at: &str| {
        place.run(&["sync", "--yes"]).ends(0);
        assert_eq!(holders(place), ["acme/api", "acme/web"], "{at}");
        place.sync_again();
    };
    kill_everywhere(&start, 10, |place| watch(&place.sandbox), finished);
}

#[test]
fn ones_own_private_repositories_are_found_and_of_another_user_the_public_ones() {
    let mut world = world();
    for (name, private) in [("octocat/a", true), ("octocat/b", false), ("hubot/a", true), ("hubot/b", false)]
    {
        world.github.add_repository(name).private = private;
    }
    let place = place_in(
        world,
        "        - repositories: [\"octocat/*\", \"hubot/*\"]\n        - repository: acme/api\n",
    );
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0);
    assert_eq!(holders(&place), ["acme/api", "hubot/b", "octocat/a", "octocat/b"]);
    assert_eq!((asked(&calls, "GET /user/repos"), asked(&calls, "GET /users/{username}/repos")), (1, 1));
    place.sync_again();
}

#[test]
fn an_app_finds_what_it_sees_with_a_token_for_all_of_it() {
    let mut world = world();
    let mut app = app();
    let installation = app.installations.get_mut("acme").unwrap();
    installation.sees = Some(vec!["acme/svc-a".to_owned(), "acme/web".to_owned()]);
    installation.permissions.insert("members".to_owned(), "read".to_owned());
    world.github.apps.insert(ID.to_owned(), app);
    let mut place = place_in(world, "        - repositories: [\"acme/*\"]\n");
    place.set("GITHUB_APP_ID", ID);
    place.set("GITHUB_APP_PRIVATE_KEY", &key().replace('\n', "\\n"));
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(0);
    assert_eq!(holders(&place), ["acme/svc-a", "acme/web"]);
    assert_eq!(asked(&calls, "GET /installation/repositories"), 1);
    assert_eq!(asked(&calls, TOKENS), 2, "one to read, one to write");
    let team = vec!["acme/web".to_owned()];
    place.sandbox.state().github.organizations.get_mut("acme").unwrap().teams.insert("web".to_owned(), team);
    place.write("regcred.yaml", &file("        - { repositories: [\"acme/*\"], only: { team: web } }\n"));
    place.run(&["plan"]).ends(0).says("No changes");
    assert_eq!(place.sandbox.violations(), [""; 0]);
}

#[test]
fn a_part_of_what_is_found_is_selected_by_its_address() {
    let place = place("        - repositories: [\"acme/*\"]\n");
    place.run(&["sync", "--yes", "--only", "github:acme/svc-a/"]).ends(0);
    assert_eq!(holders(&place), ["acme/svc-a"]);
    place.run(&["plan", "--only", "github:acme/svc-x"]).ends(3).complains("no address starts with");
    let (ran, calls) = place.watch(&["plan", "--only", "github:other/"]);
    ran.ends(3);
    assert_eq!(asked(&calls, LIST), 0);
}

#[test]
fn what_regcred_wrote_into_them_is_taken_away_and_what_holds_nothing_is_not_told() {
    let place = place("        - repositories: [\"acme/*\"]\n");
    place.run(&["sync", "--yes", "--only", "github:acme/svc-a"]).ends(0);
    let now = place.sandbox.state().clock.now();
    let theirs = |world: &mut World| {
        let web = world.github.repositories.get_mut("acme/web").unwrap();
        web.actions.set("DOCKER_HUB_TOKEN", "by hand", now);
    };
    theirs(&mut place.sandbox.state());
    let ran = place.run(&["remove", "--yes"]);
    ran.ends(0).says("github:acme/svc-a").says("github:acme/web");
    assert!(!ran.stdout.contains("acme/svc-b") && !ran.stdout.contains("acme/api"), "{}", ran.stdout);
    let state = place.sandbox.state();
    assert!(state.github.repositories["acme/svc-a"].actions.secrets.is_empty());
    assert_eq!(state.github.repositories["acme/web"].actions.value("DOCKER_HUB_TOKEN"), Some("by hand"));
}

#[test]
fn three_hundred_repositories_in_sync_cost_three_requests_and_two_for_each() {
    let mut world = World::default();
    for number in 0..298 {
        world.github.add_repository(&format!("acme/r{number:03}"));
    }
    let place = place_in(world, "        - repositories: [\"acme/*\"]\n");
    let now = place.sandbox.state().clock.now();
    place.run(&["sync", "--yes", "--only", "github:acme/api/"]).ends(0);
    let mut state = place.sandbox.state();
    let record = state.github.repositories["acme/api"].variables["DOCKER_HUB_SYNC"].clone();
    for repository in state.github.repositories.values_mut() {
        repository.actions.set("DOCKER_HUB_TOKEN", TOKEN, now);
        repository.actions.set("DOCKER_HUB_USERNAME", "acme", now);
        repository.variables.insert("DOCKER_HUB_SYNC".to_owned(), record.clone());
    }
    drop(state);
    let (ran, calls) = place.watch(&["plan", "--detailed-exitcode"]);
    ran.ends(0);
    let to_github =
        calls.iter().filter(|call| call.operation.starts_with("GET /") && call.path.contains("acme"));
    let (lists, reads) =
        (asked(&calls, LIST), to_github.filter(|call| call.path.contains("/repos/acme/")).count());
    assert_eq!((lists, reads), (3, 600));
}

#[test]
fn two_items_of_one_owner_share_one_list() {
    let place = place(
        "        - repositories: [\"acme/svc-*\"]\n        - { repositories: [\"Acme/*\"], store: dependabot }\n",
    );
    assert_eq!(asked(&place.sync(), LIST), 1);
    place.sync_again();
}

#[test]
fn what_an_organizations_secret_would_save_is_told_where_five_repositories_are_written() {
    let place = place("        - repositories: [\"acme/*\", acme/svc-fork]\n");
    place
        .run(&["plan"])
        .ends(0)
        .says("github:acme: docker-hub goes into 5 repositories with 15 writes; as a secret of the")
        .says("{ organization: acme, visibility: private }");
    place.sync();
    assert!(
        !place.run(&["plan"]).stdout.contains("as a secret of the organization"),
        "nothing is written any more"
    );
    let place = self::place("        - repositories: [\"acme/svc-*\"]\n");
    assert!(!place.run(&["plan"]).stdout.contains("as a secret of the organization"), "2 are not many");
}

#[test]
fn inside_a_workflow_its_own_repository_is_left_out_of_what_is_found() {
    let mut place = place("        - repositories: [\"acme/*\"]\n");
    place.set("GITHUB_ACTIONS", "true");
    place.run(&["sync", "--yes"]).ends(0).says("github:acme/api is left alone");
    assert_eq!(holders(&place), ["acme/svc-a", "acme/svc-b", "acme/web"]);
}

#[test]
fn what_the_token_does_not_see_is_not_found() {
    let place = place("        - repositories: [\"acme/*\"]\n");
    let mut state = place.sandbox.state();
    let exported = state.github.exported_token.clone();
    let sees = ["acme", "acme/svc-a", "acme/web"].map(str::to_owned).to_vec();
    state.github.tokens.insert(exported, Token { sees, ..Token::full("octocat") });
    state.github.repositories.get_mut("acme/api").unwrap().private = false;
    drop(state);
    place.run(&["sync", "--yes"]).ends(0);
    assert_eq!(holders(&place), ["acme/api", "acme/svc-a", "acme/web"]);
}

#[test]
fn two_credentials_that_want_the_same_name_in_one_repository_block_each_other_there() {
    let place = Place::bare(world());
    let credential = |name: &str, pattern: &str| {
        format!(
            "  {name}:\n    from: {{ env: {{ username: DOCKER_HUB_USERNAME, token: DOCKER_HUB_TOKEN }} }}\n    to:\n      github:\n        \
             - {{ repositories: [\"{pattern}\"], names: {{ username: U, token: T }} }}\n"
        )
    };
    let both = format!(
        "version: 1\ncredentials:\n{}{}",
        credential("one", "acme/svc-*"),
        credential("two", "acme/*-a")
    );
    place.write("regcred.yaml", &both);
    place.run(&["sync", "--yes"]).ends(5).says("one and two want different things of this one place");
    let state = place.sandbox.state();
    assert!(state.github.repositories["acme/svc-a"].actions.secrets.is_empty());
    assert!(state.github.repositories["acme/svc-b"].actions.value("T").is_some());
}

#[test]
fn what_is_wrong_with_a_pattern_is_told_where_it_stands_with_what_to_write() {
    let place = Place::bare(World::default());
    for (item, at, words, hint) in [
        ("{ repositories: [\"*/x\"] }", "6:28", "`*/x` does not name the owner", "\"acme/x\""),
        ("{ repositories: [svc] }", "6:28", "`svc` does not say whose repositories", "\"acme/svc\""),
        (
            "{ repositories: [\"!acme/x\"] }",
            "6:28",
            "`!acme/x` takes something out of nothing",
            "put \"acme/*\" before it",
        ),
        ("{ repositories: [\"a/*\", \"!b/x\"] }", "6:35", "`!b/x` takes something out of nothing", "\"b/*\""),
        (
            "{ repositories: [\"a/b c*\"] }",
            "6:28",
            "`a/b c*` is neither a repository nor a pattern",
            "\"acme/svc-*\"",
        ),
        ("{ repositories: [] }", "6:11", "`repositories` names no repository", "acme/svc-*"),
        ("{ repositories: [a/b, \"!a/b\"] }", "6:11", "`repositories` names no repository", "acme/svc-*"),
        ("{ repositories: [a/b, a/B] }", "6:11", "the same place is listed twice", "leave one of them out"),
        (
            "{ repositories: [a/b], only: { topic: x } }",
            "6:40",
            "`only` chooses among",
            "make one of them a pattern",
        ),
        (
            "{ repository: a/b, only: { topic: x } }",
            "6:36",
            "`only` chooses among",
            "repositories: [\"acme/*\"]",
        ),
        (
            "{ repository: a/b, repositories: [\"a/*\"] }",
            "6:25",
            "one of `repository` and `repositories`",
            "two items",
        ),
        (
            "{ repositories: [\"a/*\"], only: { topik: x } }",
            "6:44",
            "unknown key `topik` in `only`",
            "`topic`",
        ),
        ("{ repositories: [\"a/*\"], only: {} }", "6:42", "`only` says nothing", "topic: docker"),
        (
            "{ repositories: [\"a/*\"], only: { topic: \"Big One\" } }",
            "6:51",
            "`Big One` is not a topic",
            "docker",
        ),
        (
            "{ repositories: [\"a/*\"], only: { visibility: secret } }",
            "6:56",
            "is not a visibility",
            "internal",
        ),
        (
            "{ repositories: [\"a/*\"], only: { team: a/b } }",
            "6:50",
            "`a/b` is not the name in a team's address",
            "team:",
        ),
        (
            "{ repositories: [\"a/*\"], visibility: private }",
            "6:48",
            "only an organization's secrets",
            "only: { visibility: private }",
        ),
        (
            "{ repositories: [\"a/*\"], environment: \"x*\", create-environment: true }",
            "6:49",
            "`x*` is a pattern, of which no environment is made",
            "name the environment",
        ),
    ] {
        place.write("regcred.yaml", &file(&format!("        - {item}\n")));
        let (ran, calls) = place.watch(&["sync", "--yes"]);
        ran.ends(3).complains(&format!("regcred.yaml:{at}: ")).complains(words).complains(hint);
        assert_eq!((ran.stderr.matches("error:").count(), calls.len()), (1, 0), "{item}: {}", ran.stderr);
    }
}

#[test]
fn a_name_of_another_credential_is_refused_where_a_pattern_fits_the_repository() {
    let place = Place::bare(World::default());
    let names = "names: { username: U, token: T }";
    place.write(
        "regcred.yaml",
        &format!(
            "version: 1\ncredentials:\n  one:\n    to:\n      github: [{{ repositories: [\"acme/*\"], {names} }}]\n  \
             two:\n    to:\n      github: [{{ repository: acme/api, {names} }}]\n"
        ),
    );
    place
        .run(&["plan"])
        .ends(3)
        .complains("`U` or `T` is already a secret of credential `one` here")
        .complains("or take out \"!acme/api\"");
}
