//! What is wrong with the input: one clear error each, with its place and what to do; nothing is written.

use regcred_sandbox::World;

use crate::place::{Place, Ran, TOKEN, written};

/// The run ends with 3, complains with all of this, gives a hint, and asks nobody anything.
#[track_caller]
fn refused(place: &Place, words: &[&str]) -> Ran {
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(3).complains("error:").complains("hint:");
    words.iter().for_each(|words| {
        ran.complains(words);
    });
    assert_eq!(calls.len(), 0, "{:?}", calls.iter().map(|call| &call.operation).collect::<Vec<_>>());
    assert!(!ran.stderr.contains(TOKEN));
    ran
}

/// The same where the value has to be decrypted, which happens beside the reads: nothing is written.
#[track_caller]
fn refused_late(place: &Place, words: &[&str]) {
    let (ran, calls) = place.watch(&["sync", "--yes"]);
    ran.ends(3).complains("error:").complains("hint:");
    words.iter().for_each(|words| {
        ran.complains(words);
    });
    assert_eq!(written(&calls), [""; 0]);
}

#[test]
fn a_working_folder_that_is_gone() {
    let place = Place::with_one_stack(World::default());
    let gone = place.repo().join("gone");
    std::fs::create_dir(&gone).unwrap();
    let direct = place.command(&["plan"]);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "rmdir ../gone; exec \"$0\" plan"]).arg(direct.get_program()).current_dir(&gone);
    let ran = Ran::of(
        command.env_clear().envs(direct.get_envs().filter_map(|(k, v)| Some((k, v?)))).output().unwrap(),
    );
    ran.ends(3).complains("nothing is declared here");
}

#[test]
fn no_pulumi_project_and_no_file() {
    let mut place = Place::bare(World::default());
    refused(&place, &["no Pulumi project", "regcred.yaml", "--file"]);
    place.unset("DOCKER_HUB_USERNAME");
    place.unset("DOCKER_HUB_TOKEN");
    refused(&place, &["no Pulumi project"]);
}

#[test]
fn a_file_that_does_not_exist() {
    let place = Place::new();
    let (ran, calls) = place.watch(&["plan", "--file", "elsewhere.yaml"]);
    ran.ends(3).complains("elsewhere.yaml: cannot be read");
    assert_eq!(calls.len(), 0);
}

#[test]
fn a_missing_passphrase() {
    let mut place = Place::with_pulumi();
    place.unset("PULUMI_CONFIG_PASSPHRASE");
    refused(&place, &["PULUMI_CONFIG_PASSPHRASE"]);
}

#[test]
fn a_missing_passphrase_is_told_together_with_what_else_is_wrong() {
    let mut place = Place::with_pulumi();
    place.unset("PULUMI_CONFIG_PASSPHRASE");
    place.edit("infra/Pulumi.main.yaml", "dockerHubUsername: acme", "dockerHubUsername: \"\"");
    refused(&place, &["infra/Pulumi.main.yaml:4", "is empty", "PULUMI_CONFIG_PASSPHRASE"]);
}

#[test]
fn a_passphrase_file_that_is_not_there() {
    let mut place = Place::with_pulumi();
    place.unset("PULUMI_CONFIG_PASSPHRASE");
    place.set("PULUMI_CONFIG_PASSPHRASE_FILE", "/nonexistent/passphrase");
    refused(&place, &["/nonexistent/passphrase", "PULUMI_CONFIG_PASSPHRASE_FILE"]);
}

#[test]
fn a_wrong_passphrase() {
    let mut place = Place::with_pulumi();
    place.set("PULUMI_CONFIG_PASSPHRASE", "incorrect horse");
    refused_late(&place, &["infra/Pulumi.main.yaml:", "wrong passphrase", "PULUMI_CONFIG_PASSPHRASE"]);
}

#[test]
fn a_damaged_ciphertext() {
    let place = Place::with_pulumi();
    place.edit("infra/Pulumi.main.yaml", "NhGX3LFtdQUV", "NhGX3LFtdQUW");
    refused_late(&place, &["infra/Pulumi.main.yaml:5", "cannot decrypt", "pulumi config set --secret"]);
}

#[test]
fn a_missing_key() {
    let place = Place::with_pulumi();
    place.edit("infra/Pulumi.main.yaml", "  infra:dockerHubUsername: acme\n", "");
    refused(&place, &["infra/Pulumi.main.yaml", "dockerHubUsername", "pulumi config set"]);
}

#[test]
fn an_empty_key() {
    let place = Place::with_pulumi();
    place.edit("infra/Pulumi.main.yaml", "dockerHubUsername: acme", "dockerHubUsername: \"\"");
    refused(&place, &["infra/Pulumi.main.yaml:4", "is empty", "pulumi config set"]);
}

#[test]
fn a_key_in_both_its_forms() {
    let place = Place::with_pulumi();
    place.edit(
        "infra/Pulumi.main.yaml",
        "  infra:dockerHubUsername: acme",
        "  infra:dockerHubUsername: acme\n  dockerHubUsername: other",
    );
    refused(&place, &["infra/Pulumi.main.yaml:", "dockerHubUsername", "delete one of the two"]);
}

#[test]
fn a_token_in_plain_text_is_refused_and_not_repeated() {
    let place = Place::with_pulumi();
    place.write(
        "infra/Pulumi.main.yaml",
        &format!("config:\n  aws:region: us-east-2\n  infra:dockerHubUsername: acme\n  infra:dockerHubToken: {TOKEN}\n"),
    );
    refused(&place, &["infra/Pulumi.main.yaml:4", "plain text", "pulumi config set --secret"]);
}

#[test]
fn white_space_that_was_pasted_with_the_credential() {
    let mut place = Place::new();
    place.set("DOCKER_HUB_TOKEN", &format!("{TOKEN}\n"));
    refused(&place, &["DOCKER_HUB_TOKEN", "line break"]);
    let place = Place::with_pulumi();
    place.edit("infra/Pulumi.main.yaml", "dockerHubUsername: acme", "dockerHubUsername: \"acme \"");
    refused(&place, &["infra/Pulumi.main.yaml:4", "ends with a space"]);
}

#[test]
fn an_invalid_region_with_the_nearest_right_one() {
    let place = Place::new();
    place.edit("infra/Pulumi.main.yaml", "us-east-2", "us-esat-2");
    refused(&place, &["infra/Pulumi.main.yaml:3:3", "`us-esat-2` is not a region", "us-east-2"]);
}

#[test]
fn stacks_whose_names_come_to_the_same_prefix() {
    let place = Place::new();
    place.write("infra/Pulumi.a_b.yaml", "config:\n  aws:region: us-east-2\n");
    place.write("infra/Pulumi.a.b.yaml", "config:\n  aws:region: us-east-2\n");
    refused(&place, &["infra/Pulumi.a", "come to the same prefix `a-b-docker-hub`", "prefix:"]);
}

#[test]
fn an_http_endpoint_that_is_not_this_machine() {
    for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "GITHUB_API_URL"] {
        let mut place = Place::new();
        place.set(name, "http://192.0.2.1:8080");
        refused(&place, &[name, "192.0.2.1", "https"]);
    }
}

#[test]
fn a_registry_endpoint_over_http_that_is_not_this_machine() {
    let mut place = Place::new();
    place.set("REGCRED_REGISTRY_ENDPOINTS", "docker.io=http://192.0.2.1:5000");
    refused(&place, &["REGCRED_REGISTRY_ENDPOINTS"]);
}

#[test]
fn one_of_the_two_environment_variables() {
    for (there, other) in
        [("DOCKER_HUB_TOKEN", "DOCKER_HUB_USERNAME"), ("DOCKER_HUB_USERNAME", "DOCKER_HUB_TOKEN")]
    {
        let mut place = Place::new();
        place.unset(other);
        refused(&place, &[&format!("{there} is set, but {other} is not set"), &format!("export {other}")]);
        place.set(other, "");
        refused(&place, &[&format!("{there} is set, but {other} is empty")]);
    }
}

#[test]
fn environment_variables_that_are_both_empty_count_as_unset_and_that_is_said() {
    let mut place = Place::with_pulumi();
    place.set("DOCKER_HUB_USERNAME", "");
    place.set("DOCKER_HUB_TOKEN", "");
    place.run(&["plan"]).ends(0).says("DOCKER_HUB_TOKEN is set, but empty").says("pulumi:infra/main");
}

#[test]
fn several_stacks_that_hold_the_credential_are_listed() {
    let place = Place::with_pulumi();
    let main = std::fs::read_to_string(place.repo().join("infra/Pulumi.main.yaml")).unwrap();
    place.write("infra/Pulumi.prod.yaml", &main);
    refused(&place, &["main, prod", "PULUMI_STACK"]);
}

#[test]
fn git_remotes_of_several_repositories() {
    let mut place = Place::new();
    place.unset("GITHUB_REPOSITORY");
    let git = |args: &[&str]| {
        let status = std::process::Command::new("git")
            .args(args)
            .current_dir(place.repo())
            .env("HOME", place.repo())
            .status();
        assert!(status.unwrap().success());
    };
    git(&["init", "-q"]);
    git(&["remote", "add", "origin", "git@github.com:acme/api.git"]);
    git(&["remote", "add", "fork", "https://github.com/octocat/api"]);
    refused(&place, &["acme/api", "octocat/api", "GITHUB_REPOSITORY="]);
}

#[test]
fn a_variable_that_is_no_text_does_not_count_as_one_that_is_not_set() {
    use std::os::unix::ffi::OsStringExt;
    let place = Place::new();
    for name in ["DAYTONA_API_URL", "REGCRED_REGISTRY_ENDPOINTS", "HTTPS_PROXY", "DOCKER_HUB_TOKEN"] {
        let value = std::ffi::OsString::from_vec(b"http://127.0.0.1:1/\xff".to_vec());
        let output = place.command(&["plan"]).env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{name}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(&format!("the variable {name} is not text")), "{said}");
    }
}
