//! `regcred.yaml`: everything that is wrong with it, at once, with line, column and the nearest right word.

use regcred_sandbox::World;

use crate::place::{ONE_STACK, Place};

/// Where and what is complained of: `line:column: message`, and the hints.
fn errors(text: &str) -> (Vec<String>, Vec<String>) {
    let place = Place::bare(World::default());
    place.write("regcred.yaml", text);
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(3);
    assert_eq!(calls.len(), 0);
    let of = |head: &str| -> Vec<String> {
        ran.stderr.lines().filter_map(|line| line.trim().strip_prefix(head)).map(str::to_owned).collect()
    };
    (of("error: regcred.yaml:"), of("hint: "))
}

/// The file has exactly this one fault.
#[track_caller]
fn fault(text: &str, error: &str, hint: &str) {
    let (errors, hints) = errors(text);
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0].contains(error), "{errors:#?}");
    assert!(hints.iter().any(|line| line.contains(hint)), "{hints:#?}");
}

/// A file for one stack with these fields, and what else `aws` has.
fn stack(fields: &str, aws: &str) -> String {
    format!(
        "version: 1\ncredentials:\n  docker-hub:\n    to:\n      aws:\n        stacks:\n          main: {{ {fields} }}\n{aws}"
    )
}

#[test]
fn several_faults_are_all_reported_in_the_files_order_with_their_places() {
    let (errors, hints) = errors(
        "version: 2
credentials:
  docker-hub:
    regsitry: docker.io
    to:
      aws:
        secret: docker-hub
        stacks:
          main: { reigon: us-east-2 }
          dev: { region: us-esat-2 }
      github:
        - repositroy: acme/api
",
    );
    let expected = [
        "1:10: version 2 is not known",
        "4:5: unknown key `regsitry`",
        "7:17: secret name `docker-hub` does not start with ecr-pullthroughcache/",
        "9:11: stack `main` has no region",
        "9:19: unknown key `reigon`",
        "10:26: `us-esat-2` is not a region",
        "12:11: unknown key `repositroy`",
        "12:11: an item of `github` has no repository",
    ];
    for expected in expected {
        assert!(errors.iter().any(|error| error.starts_with(expected)), "no {expected} in {errors:#?}");
    }
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    for hint in [
        "did you mean `registry`?",
        "did you mean `region`?",
        "did you mean `repository`?",
        "did you mean us-east-2?",
    ] {
        assert!(hints.iter().any(|line| line == hint), "no {hint} in {hints:#?}");
    }
}

#[test]
fn a_list_or_a_map_that_is_a_word_is_refused_with_what_to_write() {
    let file = |to: &str| format!("version: 1\ncredentials:\n  docker-hub:\n    to: {{ {to} }}\n");
    let word = file("kubernetes: [{ context: prod, namespaces: [ci], service-accounts: default }]");
    fault(&word, "`service-accounts` is text, not a list", "a list is written [ONE, OTHER]");
    fault(&file("daytona: {}, runpod: true"), "`runpod` is text, not a map", "`runpod` takes: ");
    let list = "version: 1\ncredentials: []\n";
    fault(list, "`credentials` is a list, not a map", "a map is written { NAME: VALUE }");
}

#[test]
fn a_prefix_that_is_too_long() {
    let long = "a".repeat(31);
    fault(&stack(&format!("region: us-east-2, prefix: {long}"), ""), "31 characters", "2 to 30");
}

#[test]
fn a_prefix_with_capitals() {
    fault(&stack("region: us-east-2, prefix: Main", ""), "capitals", "prefix:");
}

#[test]
fn a_secret_name_that_ecr_does_not_read() {
    let text = stack("region: us-east-2", "        secret: hub\n");
    fault(
        &text,
        "8:17: secret name `hub` does not start with ecr-pullthroughcache/",
        "secret: ecr-pullthroughcache/docker-hub",
    );
}

#[test]
fn an_invalid_region() {
    fault(&stack("region: us-east2", ""), "7:27: `us-east2` is not a region", "us-east-2");
}

#[test]
fn stacks_that_collide() {
    let text = "credentials:\n  docker-hub:\n    to:\n      aws:\n        stacks:\n          a_b: { region: us-east-2 }\n          a.b: { region: us-east-2 }\n";
    fault(text, "7:11: stacks `a_b` and `a.b` come to the same prefix", "prefix:");
}

#[test]
fn two_credentials_that_want_the_same_secret() {
    let text = "credentials:
  docker-hub:
    to: { aws: { stacks: { main: { region: us-east-2 } } } }
  other:
    registry: ghcr.io
    to: { aws: { secret: ecr-pullthroughcache/docker-hub, stacks: { main: { region: us-east-2 } } } }
";
    fault(text, "ecr-pullthroughcache/docker-hub", "secret");
}

#[test]
fn two_credentials_that_want_the_same_name_in_github() {
    let text = "credentials:
  docker-hub:
    to: { github: [{ repository: acme/api }] }
  other:
    registry: ghcr.io
    to: { github: [{ repository: acme/api, names: { token: docker_hub_token } }] }
";
    fault(text, "DOCKER_HUB_TOKEN", "names");
}

#[test]
fn a_registry_that_ecr_has_no_cache_for() {
    let text = "credentials:\n  quay:\n    registry: quay.io\n    to: { aws: { stacks: { main: { region: us-east-2 } } } }\n";
    fault(text, "quay.io", "docker.io, ghcr.io");
}

#[test]
fn a_role_an_account_and_a_reader_that_are_none() {
    fault(&stack("region: us-east-2, role: regcred", ""), "`regcred` is not a role's ARN", "arn:aws:iam::");
    fault(&stack("region: us-east-2, account: 123", ""), "`123` is not an account", "123456789012");
    let readers = "        readers: [\"arn:aws:iam::123456789012:role/*\"]\n";
    fault(&stack("region: us-east-2", readers), "is not the ARN of one role or user", "role/deploy");
    for pattern in ["user/${aws:username}", "role/${aws:PrincipalTag/r}", "role/deplo?", "role/*/deploy"] {
        let readers = format!("        provisioners: [\"arn:aws:iam::123456789012:{pattern}\"]\n");
        let error = format!("8:24: `arn:aws:iam::123456789012:{pattern}` is not the ARN of one role or user");
        fault(&stack("region: us-east-2", &readers), &error, "without `*`, `?` and `${…}`");
    }
}

/// A file with these lines in `aws`.
fn fleet(lines: &[&str]) -> String {
    let lines: String = lines.iter().map(|line| format!("        {line}\n")).collect();
    format!("version: 1\ncredentials:\n  docker-hub:\n    to:\n      aws:\n{lines}")
}

#[test]
fn accounts_and_regions_that_are_none_or_that_no_stack_is_put_into() {
    let role = "stacks: { main: { role: 'arn:aws:iam::{account}:role/regcred' } }";
    let own = "stacks: { main: { region: us-east-2 } }";
    let accounts = "accounts: ['111111111111']";
    for (lines, error, hint) in [
        (
            &["accounts: [12345678901]", "regions: [us-east-2]", role][..],
            "6:20: `12345678901` has 11 digits",
            "\"012345678901\"",
        ),
        (
            &["accounts: ['111111111111', '111111111111']", "regions: [us-east-2]", role],
            "6:36: account 111111111111 is here a second time",
            "leave it out",
        ),
        (&["accounts: nowhere.txt", "regions: [us-east-2]", role], "6:19: nowhere.txt: cannot be read", ""),
        (&["accounts: []", "regions: [us-east-2]", role], "6:19: `accounts` lists none", "accounts: ["),
        (&[accounts, "regions: [us-esat-2]", role], "7:19: `us-esat-2` is not a region", "us-east-2"),
        (
            &[accounts, "regions: [us-east-2, us-east-2]", role],
            "7:30: region us-east-2 is here a second time: it is already on line 7",
            "leave it out",
        ),
        (&[accounts, "regions: []", role], "7:18: `regions` lists none", "regions: ["),
        (&[accounts, role], "7:19: stack `main` has no region", "main: { region: us-east-2 }"),
        (&["regions: [us-east-2]", role], "7:33: {account} needs the list of accounts", "accounts: ["),
        (&[accounts, own], "6:19: no stack is put into `accounts`", "arn:aws:iam::{account}:role/regcred"),
        (&["regions: [us-east-2]", own], "6:18: no stack is put into `regions`", "leave `region` out"),
        (
            &[accounts, "stacks: { main: { region: us-east-2, role: 'arn:aws:iam::{acount}:role/x' } }"],
            "no stack",
            "{account}",
        ),
    ] {
        let (errors, hints) = errors(&fleet(lines));
        assert!(errors.iter().any(|line| line.contains(error)), "{lines:?}: no {error} in {errors:#?}");
        assert!(hints.iter().any(|line| line.contains(hint)) || hint.is_empty(), "{lines:?}: {hints:#?}");
        assert!(errors.len() == 1 || error == "no stack", "{lines:?}: {errors:#?}");
    }
    let guard = "stacks: { main: { region: us-east-2, account: '111111111111', role: 'arn:aws:iam::{account}:role/x' } }";
    fault(&fleet(&[accounts, guard]), "7:55: `account` goes with one account", "leave `account` out");
}

#[test]
fn stacks_that_collide_in_every_account_are_told_once() {
    let accounts = "accounts: ['111111111111', '222222222222', '333333333333']";
    let role = "role: 'arn:aws:iam::{account}:role/regcred'";
    let stacks = format!("stacks: {{ a_b: {{ {role} }}, a.b: {{ {role} }} }}");
    fault(
        &fleet(&[accounts, "regions: [us-east-2, eu-west-1]", &stacks]),
        "stacks `a_b` and `a.b` come to the same prefix",
        "prefix:",
    );
}

#[test]
fn a_fault_in_the_file_of_accounts_is_told_with_its_line_and_nothing_of_its_text() {
    let place = Place::bare(World::default());
    let aws = [
        "accounts: accounts.txt",
        "regions: [us-east-2]",
        "stacks: { main: { role: 'arn:aws:iam::{account}:role/x' } }",
    ];
    place.write("conf/regcred.yaml", &fleet(&aws));
    place.write("conf/accounts.txt", "# ours\n111111111111\n  aws_secret_access_key = wJalrXUtn\n");
    let (ran, calls) = place.watch(&["sync", "--yes", "--file", "conf/regcred.yaml"]);
    ran.ends(3).complains("error: conf/accounts.txt:3:3: not an account of twelve digits");
    assert_eq!((calls.len(), ran.stderr.contains("wJalr")), (0, false), "{}", ran.stderr);
}

#[test]
fn a_source_that_is_unknown() {
    let text =
        "credentials:\n  docker-hub:\n    from: pulmi\n    to: { github: [{ repository: acme/api }] }\n";
    fault(text, "3:11: unknown source `pulmi`", "did you mean `pulumi`?");
}

#[test]
fn a_credential_that_goes_nowhere() {
    fault(
        "credentials:\n  docker-hub:\n    registry: docker.io\n",
        "2:3: credential `docker-hub` goes nowhere",
        "add `to:`",
    );
}

#[test]
fn of_a_place_that_cannot_be_read_it_is_not_said_as_well_that_there_is_none() {
    for (to, error) in [
        ("{ runpod: true }", "`runpod` is text, not a map"),
        ("{ daytona: true }", "`daytona` is text, not a map"),
        ("{ aws: true }", "`aws` is text, not a map"),
        ("{ github: true }", "`github` is text, not a list"),
        ("{ kubernetes: true }", "`kubernetes` is text, not a list"),
        ("{ kubernetes: [prod] }", "an item of `kubernetes` is text, not a map"),
        ("{ runpdo: {} }", "unknown key `runpdo` in `to`"),
        ("runpod", "is text, not a map"),
    ] {
        let (errors, _) = errors(&format!("credentials:\n  docker-hub:\n    to: {to}\n"));
        assert_eq!(errors.len(), 1, "{errors:#?}");
        assert!(errors[0].contains(error), "{errors:#?}");
    }
    for to in ["{}", "{ github: [] }"] {
        let text = format!("credentials:\n  docker-hub:\n    to: {to}\n");
        fault(&text, "2:3: credential `docker-hub` goes nowhere", "add `to:`");
    }
}

#[test]
fn text_that_is_no_yaml() {
    let (errors, _) = errors("credentials:\n  docker-hub: [\n");
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0].contains("is not valid YAML"), "{errors:#?}");
}

#[test]
fn a_key_that_is_there_twice() {
    let text = "version: 1\nversion: 1\ncredentials: {}\n";
    fault(
        text,
        "2:1: the key `version` is here a second time: it is already on line 1",
        "delete one of the two lines",
    );
    let text = "credentials:\n  a: { from: env, to: {}, from: env }\n";
    fault(text, "2:27: the key `from` is here a second time", "delete one");
}

#[test]
fn a_second_document_is_refused_whatever_is_in_it() {
    for second in ["---\ncredentials: {}\n", "---\n", "--- # nothing\n", "...\n---\nx\n"] {
        fault(&format!("{ONE_STACK}{second}"), "a second YAML document begins here", "one document");
    }
}

#[test]
fn a_list_as_a_key() {
    fault("? [version]\n: 1\ncredentials: {}\n", "1:3: a list or a map cannot be a key", "put it in quotes");
}

#[test]
fn what_an_alias_or_a_merge_key_brings_is_judged_where_it_stands() {
    let stacks = "main: &main { region: us-east-2, role: x }\n          dev: { <<: *main, prefix: dev }";
    let text =
        format!("credentials:\n  docker-hub:\n    to:\n      aws:\n        stacks:\n          {stacks}\n");
    let (errors, _) = errors(&text);
    assert_eq!(errors.len(), 2, "each stack has it: {errors:#?}");
    assert!(errors.iter().all(|error| error.starts_with("6:50: `x` is not a role's ARN")), "{errors:#?}");
}

/// A file with one item of `github`.
fn github(item: &str) -> String {
    format!("version: 1\ncredentials:\n  docker-hub:\n    to:\n      github:\n        - {{ {item} }}\n")
}

#[test]
fn an_organization_says_who_sees_its_secrets() {
    fault(&github("organization: acme"), "6:27: it is not said who sees", "visibility: private");
    fault(
        &github("organization: acme, visibility: public"),
        "`visibility: public` is not known",
        "all, private",
    );
    fault(
        &github("organization: acme, visibility: all, repositories: [api]"),
        "goes with `visibility: selected`",
        "leave one",
    );
    fault(
        &github("organization: acme, repositories: [acme/api]"),
        "`acme/api` is not the name",
        "such as api",
    );
}

#[test]
fn an_organization_is_no_repository_and_has_no_environments() {
    fault(
        &github("organization: acme, repository: acme/api, visibility: all"),
        "a repository or of an organization",
        "two items",
    );
    fault(
        &github("organization: acme, visibility: all, environment: production"),
        "an organization has no environments",
        "leave it out",
    );
    fault(&github("repository: acme/api, visibility: all"), "only an organization's secrets", "leave it out");
    fault(
        &github("repository: acme/api, repositories: [api]"),
        "an item has one of `repository` and `repositories`",
        "leave one of them out",
    );
}

/// A file with one item of `kubernetes`.
fn kubernetes(item: &str) -> String {
    format!("credentials:\n  docker-hub:\n    to:\n      kubernetes:\n        - {item}\n")
}

#[test]
fn items_of_kubernetes_that_cannot_be_right() {
    for (item, error, hint) in [
        ("{ namespaces: [default] }", "5:11: an item of `kubernetes` names no context", "context: NAME"),
        ("{ context: prod }", "an item of `kubernetes` has no namespaces", "runai: cluster"),
        ("{ context: prod, namespaces: [] }", "`namespaces` is empty", "namespaces: [NAME]"),
        (
            "{ context: prod, namespaces: [a], selector: b }",
            "one of `namespaces`, `selector` and `runai`",
            "two items",
        ),
        ("{ context: prod, namespaces: [Team] }", "5:41: `Team` is not a namespace's name", "a-z, 0-9"),
        ("{ context: prod, namespaces: [a], secret: Hub }", "`Hub` is not a secret's name", "docker-hub"),
        (
            "{ context: prod, namespaces: [a], service-accounts: [b_c] }",
            "`b_c` is not a service account's name",
            "a-z",
        ),
        (
            "{ context: prod, selector: \"team in a\" }",
            "5:38: `team in a` selects no labels",
            "team in (a, b)",
        ),
        ("{ context: prod, runai: clutser }", "5:35: `clutser` is not known to `runai`", "runai: cluster"),
        ("{ context: prod, runai: { projects: every } }", "`every` is not known to `runai`", "projects: all"),
        ("{ context: prod, runai: {} }", "`projects` is missing in `runai`", "runai: cluster"),
        (
            "{ context: prod, namspaces: [a], namespaces: [a] }",
            "unknown key `namspaces`",
            "did you mean `namespaces`?",
        ),
    ] {
        fault(&kubernetes(item), error, hint);
    }
}

#[test]
fn a_login_of_the_run_is_no_credential_of_a_registry() {
    let file = |id: &str, from: &str| {
        format!(
            "version: 1\ncredentials:\n  {id}:\n    registry: ghcr.io\n{from}    to: {{ github: [{{ repository: acme/api }}] }}\n"
        )
    };
    for name in [
        "GITHUB_TOKEN",
        "GH_ENTERPRISE_TOKEN",
        "GITHUB_APP_PRIVATE_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "RUNPOD_API_KEY",
        "DAYTONA_API_KEY",
        "PULUMI_ACCESS_TOKEN",
        "PULUMI_CONFIG_PASSPHRASE",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "ACTIONS_RUNTIME_TOKEN",
        "VAULT_TOKEN",
        "ARM_CLIENT_SECRET",
        "AZURE_CLIENT_SECRET",
        "GOOGLE_OAUTH_ACCESS_TOKEN",
    ] {
        for half in ["username", "token"] {
            let from = format!("    from: {{ env: {{ {half}: {name} }} }}\n");
            let column = 22 + half.len();
            fault(
                &file("images", &from),
                &format!("5:{column}: {name} is a login of this run"),
                "token: IMAGES_TOKEN",
            );
        }
    }
    fault(&file("github", "    from: env\n"), "GITHUB_TOKEN is a login of this run", "ends with its job");
    fault(&file("github", ""), "3:3: GITHUB_TOKEN is a login of this run", "token: GITHUB_REGISTRY_TOKEN");
}

#[test]
fn one_place_of_github_in_two_spellings_is_one_place() {
    let github = |items: &str| {
        format!("version: 1\ncredentials:\n  docker-hub:\n    from: env\n    to:\n      github: [{items}]\n")
    };
    for items in [
        "{ repository: acme/api }, { repository: Acme/API }",
        "{ repository: acme/api, environment: prod }, { repository: acme/api, environment: Prod }",
        "{ organization: acme, visibility: all }, { organization: ACME, visibility: all }",
    ] {
        fault(&github(items), "the same place is listed twice", "leave one of them out");
    }
    let other = "  other:\n    from: env\n    to:\n      github: [{ repository: Acme/Api, names: { token: DOCKER_HUB_TOKEN } }]\n";
    fault(
        &(github("{ repository: acme/api }") + other),
        "is already a secret of credential `docker-hub` here",
        "`names:` of its own",
    );
}

#[test]
fn one_pull_secret_holds_one_credential_for_a_registry() {
    let item = "{ context: prod, namespaces: [a, b], secret: pulls }";
    let twice = format!("{}        - {item}\n", kubernetes(item));
    fault(&twice, "6:11: the same place is listed twice", "leave one of them out");
    let other = "  other:\n    from: env\n    to: { kubernetes: [{ context: prod, namespaces: [b, c], secret: pulls }] }\n";
    let error = "secret `pulls` holds credential `docker-hub` for docker.io here already";
    fault(&(kubernetes(item) + other), error, "a `secret:` of its own");
}

#[test]
fn a_file_that_declares_nothing_is_not_in_order() {
    for text in ["", "\n", "# regcred\n", "version: 1\n", "version: 1\ncredentials: {}\n"] {
        let place = Place::bare(regcred_sandbox::World::default());
        place.write("regcred.yaml", text);
        for command in ["plan", "sync", "verify"] {
            let ran = place.run(&[command]);
            ran.ends(3);
            assert!(ran.stderr.contains("credentials"), "{text:?}: {}", ran.stderr);
        }
    }
}

#[test]
fn a_file_with_the_other_ending_is_not_passed_over() {
    let place = Place::new();
    place.write("regcred.yml", "version: 1\n");
    for command in [&["plan"][..], &["sync", "--yes"], &["image", "alpine"]] {
        place.run(command).ends(3).complains("regcred.yml: is not read: the file is called regcred.yaml");
    }
    for name in [".regcred.yaml", ".regcred.yml", "Regcred.yaml", "regcred.YAML", "regcred.json"] {
        let place = Place::new();
        place.write(name, "version: 1\n");
        let hint = format!("mv {name} regcred.yaml");
        place.run(&["plan"]).ends(3).complains("is not read").complains(&hint);
    }
    // Of a folder above it is not passed over either, and beside one that is read it is nobody's business.
    let place = Place::new();
    place.write("regcred.yml", "version: 1\n");
    for folder in [".git", "sub/deeper"] {
        std::fs::create_dir_all(place.repo().join(folder)).unwrap();
    }
    let words = "../../regcred.yml: is not read: the file is called regcred.yaml";
    place
        .run(&["-C", "sub/deeper", "plan"])
        .ends(3)
        .complains(words)
        .complains("mv ../../regcred.yml ../../regcred.yaml");
    place.write("regcred.yaml", ONE_STACK);
    place.run(&["plan"]).ends(0);
}

#[test]
fn an_empty_selection_is_a_variable_that_is_not_set() {
    let place = Place::new();
    for flag in ["--only", "--stack", "--credential"] {
        place.run(&["plan", flag, ""]).ends(3);
    }
    place.run(&["plan", "--only", "aws:,"]).ends(3);
}

#[test]
fn run_ai_as_a_target_is_shown_the_way_through_its_cluster() {
    let file = "credentials:\n  docker-hub:\n    to: { runai: {} }\n";
    fault(
        file,
        "3:11: Run:ai is reached through its cluster",
        "kubernetes: { context: CONTEXT, runai: cluster }",
    );
}

#[test]
fn a_value_in_the_file_is_refused_with_where_it_is_read_and_is_not_repeated() {
    let to = "    to: { daytona: { name: hub } }\n";
    let hint = "say where it is read: from: stdin";
    for key in ["username", "password", "token"] {
        let told = format!("`{key}`: a value is never in the file");
        let beside = format!("credentials:\n  docker-hub:\n    {key}: hunter-2-is-mine\n{to}");
        fault(&beside, &format!("3:5: {told}"), hint);
        let within = format!("credentials:\n  docker-hub:\n    from: {{ {key}: hunter-2-is-mine }}\n{to}");
        fault(&within, &format!("3:13: {told}"), hint);
        let (errors, hints) = errors(&beside);
        assert!(!format!("{errors:?}{hints:?}").contains("hunter"), "{errors:?}");
    }
    let both = format!("credentials:\n  docker-hub:\n    username: a\n    password: b\n{to}");
    assert_eq!(errors(&both).0.len(), 2, "each is told once");
}

/// A file with these lines about rotating its credential, from line 4 on.
fn rotation(lines: &str) -> String {
    let lines: String = lines.lines().map(|line| format!("    {line}\n")).collect();
    format!("credentials:\n  docker-hub:\n    from: env\n{lines}    to: {{ daytona: {{ name: hub }} }}\n")
}

#[test]
fn what_is_said_about_rotating_a_credential_is_judged() {
    for (lines, error, hint) in [
        ("max-age: 90", "4:14: `max-age: 90` is not a number of days", "max-age: 90d"),
        ("max-age: 0d", "`max-age: 0d` is not a number of days, such as 90d, up to 3650d", "max-age: 90d"),
        ("max_age: 90d", "4:5: unknown key `max_age`", "did you mean `max-age`?"),
        ("mint: true", "4:11: `mint` is text, not a map", "`mint` takes: login"),
        ("mint:", "`mint` is nothing, not a map", "without them: {}"),
        (
            "mint: { login: { comand: [op] } }",
            "4:22: unknown key `comand` in `login`",
            "did you mean `command`?",
        ),
        ("mint: { login: { command: op } }", "4:31: `command` is text, not a list", "[ONE, OTHER]"),
        ("mint: { login: { command: [] } }", "4:31: `command` names no program", "command: [PROGRAM"),
        (
            "mint: { expires: 2027-01-01 }",
            "4:22: `expires: 2027-01-01` is not a number of days",
            "expires: 90d",
        ),
        ("mint: { organization: acme }", "4:11: a token of an organization pulls only what", "*/*/public"),
        ("mint: { organization: acme, pulls: [] }", "4:11: a token of an organization pulls only", "acme/*"),
        ("mint: { organization: Acme, pulls: [acme/*] }", "4:27: `Acme` is not an organization's", "acme"),
        ("mint: { organization: a/b, pulls: [acme/*] }", "`a/b` is not an organization's name", "acme"),
        (
            "mint: { organization: acme, pulls: [api] }",
            "4:41: `api` is no repository of Docker Hub",
            "acme/api",
        ),
        ("mint: { organization: acme, pulls: [\"*\"] }", "`*` is no repository of Docker Hub", "*/*/public"),
        ("mint: { organization: acme, pulls: [acme/api:1] }", "`acme/api:1` is no repository", "acme/api"),
        (
            "mint: { pulls: [acme/api] }",
            "4:21: a token of an account cannot be limited to `acme/api`",
            "organization: NAME",
        ),
        ("store: { command: vault }", "4:23: `command` is text, not a list", "[ONE, OTHER]"),
        ("store: {}", "4:12: `command` is missing in `store`", "command: [PROGRAM, ARGUMENT]"),
        ("store: [vault, put]", "4:12: `store` is a list, not a map", "`store` takes: command"),
        (
            "registry: ghcr.io\nmint: {}",
            "5:11: `mint` makes tokens at Docker Hub, and this credential is for ghcr.io",
            "regcred rotate --from stdin",
        ),
    ] {
        fault(&rotation(lines), error, hint);
    }
    let all =
        "max-age: 3 months\nstore: { command: [] }\nmint: { pulls: [acme/api], expires: never, logn: {} }";
    let (errors, _) = errors(&rotation(all));
    let places: Vec<&str> = errors.iter().filter_map(|error| error.split(": ").next()).collect();
    assert_eq!(places, ["4:14", "5:23", "6:21", "6:41", "6:48"], "{errors:#?}");
}

#[test]
fn the_password_of_the_login_that_makes_tokens_is_never_in_the_file() {
    let lines = "mint: { login: { username: acme-owner, password: hunter-2-is-mine } }";
    let told = "4:44: `password`: a value is never in the file";
    fault(&rotation(lines), told, "let a program print it: login: { command: [PROGRAM, ARGUMENT] }");
    let (errors, hints) = errors(&rotation(lines));
    assert!(!format!("{errors:?}{hints:?}").contains("hunter"), "{errors:?}");
}

#[test]
fn a_token_that_stands_where_none_belongs_is_never_repeated() {
    let token = "dckr_pat_0123456789abcdefghi";
    let file = |from: &str| {
        format!("version: 1\ncredentials:\n  docker-hub:\n    from: {from}\n    to: {{ daytona: {{}} }}\n")
    };
    fault(&file(token), "unknown source `***`", "one of: ");
    fault(&file(&format!("{{ {token}: x }}")), "unknown source `***`", "one of: ");
    let place = Place::bare(World::default());
    place.write("regcred.yaml", &file(&format!("{{ env: {{ username: WHO, token: {token} }} }}")));
    for args in [
        &["plan"][..],
        &["rotate", "--from", token],
        &["init", "--to", "github", "--from", token],
        &["plan", token],
    ] {
        let ran = place.run(args);
        assert!(!ran.stdout.contains(token) && !ran.ends(3).stderr.contains(token), "{args:?}");
    }
}
