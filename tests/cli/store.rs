//! Where a new token can be stored, so that the source gives it from then on, and where not. A rotation works with it.

use regcred::aws::Way;
use regcred::env::Env;
use regcred::model::{Credential, CredentialId, Problem, Registry, Secret};
use regcred::net::Http;
use regcred::sources::{AwsSecret, Keeper, Names, Shared, Source, Spec, locate};
use regcred_sandbox::World;

use crate::place::{OTHER_TOKEN, PASSPHRASE, Place, TOKEN, USER};
use crate::sources::{program, project, seen};
use crate::world::{ACCOUNT, REGION};

fn credential() -> Credential {
    Credential {
        id: CredentialId("docker-hub".to_owned()),
        registry: Registry::docker_hub(),
        token_service: None,
        source: "test".to_owned(),
    }
}

fn found(place: &Place, spec: &Spec) -> Source {
    locate(&credential(), spec, &place.environment(), &place.repo(), &place.repo()).unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn store(place: &Place, spec: &Spec) -> Result<(), Vec<Problem>> {
    let env = place.environment();
    let shared = Shared::new(Way::new(&Http::new(&env).unwrap(), &env, false));
    let [old, new] = [TOKEN, OTHER_TOKEN].map(|token| Secret::new(token.to_owned()));
    run(found(place, spec).store(&old, &new, &shared))
}

/// What is said where it is not stored.
fn refusal(place: &Place, spec: &Spec) -> String {
    let problems = store(place, spec).unwrap_err();
    let told: Vec<String> = problems
        .iter()
        .map(|problem| format!("{problem} [{}]", problem.advice().unwrap_or_default()))
        .collect();
    let told = told.join("\n");
    assert!(!told.contains(TOKEN) && !told.contains(OTHER_TOKEN), "{told}");
    told
}

fn pulumi() -> Spec {
    let (project, stack) = (Some("infra".to_owned()), Some("main".to_owned()));
    Spec::Pulumi { project, stack, keys: Names::default() }
}

/// A stack whose secrets only the program can read.
const VAULT: &str = "secretsprovider: hashivault://k\nencryptedkey: AQ==\nconfig:\n  dockerHubUsername: acme\n  dockerHubToken: {secure: 'v1:AAAAAAAAAAAAAAAA:AAAA'}\n";

/// A project of such a stack, and a `pulumi` program.
fn with_program(stack: &str, script: &str) -> Place {
    project(Place::bare(World::default()), stack, script)
}

#[test]
fn a_stack_of_a_passphrase_gives_the_new_token_to_the_next_run() {
    let mut place = Place::with_pulumi();
    place.set("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE);
    let file = place.repo().join("infra/Pulumi.main.yaml");
    let before = std::fs::read_to_string(&file).unwrap();
    store(&place, &pulumi()).unwrap();
    let after = std::fs::read_to_string(&file).unwrap();
    let changed: Vec<_> = before.lines().zip(after.lines()).filter(|(one, other)| one != other).collect();
    assert_eq!((changed.len(), before.lines().count()), (1, after.lines().count()));
    assert!(
        after.lines().any(|line| line.trim_start().starts_with("secure: v1:"))
            && !after.contains(OTHER_TOKEN)
    );
    place.sandbox.state().registry.add_account(USER, OTHER_TOKEN);
    place.sandbox.state().registry.revoke(TOKEN);
    place.run(&["plan"]).ends(0).says("login  works");
}

/// What a program of Pulumi's does: it prints the configuration, with the token under this key, and takes a new value so.
fn answering(key: &str, set: &str) -> String {
    format!(
        r#"case "$*" in
*" set "*) {set} ;;
*) echo '{{"infra:{key}": {{"value": "{TOKEN}", "secret": true}}, "infra:dockerHubUsername": {{"value": "{USER}"}}}}' ;;
esac"#
    )
}

#[test]
fn what_only_the_pulumi_program_encrypts_it_stores_and_reads_from_its_input() {
    let place = with_program(VAULT, &answering("dockerHubToken", "exit 0"));
    store(&place, &pulumi()).unwrap();
    let seen = seen(&place, "pulumi");
    assert!(
        seen.contains("args: config set --secret --non-interactive dockerHubToken --stack main\n"),
        "{seen}"
    );
    assert!(seen.contains(&format!("input: {OTHER_TOKEN}\n")), "{seen}");
    assert!(seen.contains("VAULT_TOKEN=hvs-0123\n") && !seen.contains("AWS_SECRET_ACCESS_KEY"), "{seen}");
    assert_eq!(seen.matches(OTHER_TOKEN).count(), 1, "nowhere but on its input");
    let failing = answering("dockerHubToken", "echo \"no $0\" >&2; exit 3");
    let refused = refusal(&with_program(VAULT, &failing), &pulumi());
    assert!(
        refused.contains("`pulumi config set` did not store the new token: it ended with code 3"),
        "{refused}"
    );
}

#[test]
fn the_pulumi_program_stores_the_token_under_the_key_that_it_is_under() {
    let stack = VAULT.replace("dockerHubToken", "dockerHubAccessToken");
    let place = with_program(&stack, &answering("dockerHubAccessToken", "exit 0"));
    store(&place, &pulumi()).unwrap();
    assert!(
        seen(&place, "pulumi")
            .contains("config set --secret --non-interactive dockerHubAccessToken --stack main")
    );
}

#[test]
fn an_environment_of_pulumi_esc_is_not_written_and_the_command_for_it_is_named() {
    let place = with_program("environment: [acme/prod]\nconfig: {aws:region: us-east-2}\n", "");
    let refused = refusal(&place, &pulumi());
    assert!(
        refused.contains("pulumi env set ORG/ENVIRONMENT pulumiConfig.dockerHubToken --secret"),
        "{refused}"
    );
    assert_eq!(seen(&place, "pulumi"), "");
}

fn with_secret(value: &str) -> Place {
    let place = Place::bare(World::default());
    let at = chrono::DateTime::UNIX_EPOCH;
    place.sandbox.state().aws.add_secret(ACCOUNT, REGION, "shared/hub").put("v", value, at);
    place
}

/// The same as [`store`] in a process of its own: the SDK of AWS reads the variables of the process. What it says of a failure.
fn store_in_secret(place: &Place) -> Result<(), String> {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    let words =
        ["--exact", "--ignored", "--nocapture", "store::a_secret_of_aws_in_the_environment_of_the_process"];
    let output = command.args(words).env_clear().envs(place.environment().iter()).output().unwrap();
    if output.status.success() {
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
        return Ok(());
    }
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!said.contains(TOKEN) && !said.contains(OTHER_TOKEN), "{said}");
    Err(said)
}

#[test]
#[ignore = "the tests beside it run it, in an environment of its own"]
fn a_secret_of_aws_in_the_environment_of_the_process() {
    let env = Env::of_process();
    let shared = Shared::new(Way::new(&Http::new(&env).unwrap(), &env, false));
    let spec = Spec::AwsSecret(AwsSecret {
        secret: "shared/hub".to_owned(),
        region: REGION.to_owned(),
        role: None,
        names: Names::default(),
    });
    let [old, new] = [TOKEN, OTHER_TOKEN].map(|token| Secret::new(token.to_owned()));
    let here = std::path::Path::new(".");
    let source = locate(&credential(), &spec, &env, here, here).unwrap();
    run(source.store(&old, &new, &shared)).unwrap();
}

#[test]
fn a_secret_of_aws_gets_a_new_version_in_which_the_token_alone_is_another() {
    let value =
        |token: &str| format!(r#"{{ "more": [1], "username": "{USER}",  "accessToken": "{token}" }}"#);
    let place = with_secret(&value(TOKEN));
    store_in_secret(&place).unwrap();
    assert_eq!(place.sandbox.state().aws.secrets[0].value(), Some(value(OTHER_TOKEN).as_str()));
    assert_eq!(place.sandbox.violations(), [""; 0]);
    let told = store_in_secret(&place).unwrap_err();
    assert!(told.contains("shared/hub has changed since it was read"), "{told}");
}

#[test]
fn a_secret_of_aws_that_may_not_be_written_is_told_with_the_right_that_it_takes() {
    let place = with_secret(&format!(r#"{{"username":"{USER}","token":"{TOKEN}"}}"#));
    let denied = |key: &mut regcred_sandbox::aws::AccessKey| {
        key.denied.push("secretsmanager:PutSecretValue".to_owned())
    };
    place.sandbox.state().aws.access_keys.values_mut().for_each(denied);
    let told = store_in_secret(&place).unwrap_err();
    assert!(
        told.contains("cannot be written") && told.contains("allow secretsmanager:PutSecretValue"),
        "{told}"
    );
}

#[test]
fn what_cannot_take_a_new_token_says_what_to_change_by_hand() {
    let mut place = Place::bare(World::default());
    place.write("docker/config.json", r#"{"auths":{"https://index.docker.io/v1/":{"auth":"YWNtZTp4"}}}"#);
    place.set("DOCKER_CONFIG", &place.repo().join("docker").display().to_string());
    let command = Spec::Command { run: vec!["vault".to_owned()], username: None };
    for (spec, words) in [
        (Spec::Env(Names::default()), "it comes from the environment"),
        (Spec::Stdin, "it comes from standard input"),
        (Spec::DockerConfig, "docker login, with the new token"),
        (command, "store: { command: [PROGRAM, ARGUMENT] }"),
    ] {
        let told = refusal(&place, &spec);
        assert!(told.contains(words) && told.contains("the new token cannot be stored"), "{told}");
    }
    assert_eq!(place.sandbox.calls().len(), 0);
}

#[test]
fn a_program_that_a_person_names_gets_the_token_on_its_input_and_nothing_else() {
    let mut place = Place::bare(World::default());
    program(&mut place, "vault", "");
    let keep = |place: &Place| {
        let words = ["vault", "kv", "put", "secret/hub", "token=-"].map(str::to_owned);
        run(Keeper::new(&words, &place.environment(), &place.repo())
            .store(&Secret::new(OTHER_TOKEN.to_owned())))
    };
    keep(&place).unwrap();
    let seen = seen(&place, "vault");
    assert!(seen.contains("args: kv put secret/hub token=-\n"), "{seen}");
    assert!(seen.contains(&format!("input: {OTHER_TOKEN}\n")), "{seen}");
    for other in ["AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", TOKEN] {
        assert!(!seen.contains(other), "{other} in {seen}");
    }
    program(&mut place, "vault", "cat >&2; exit 2");
    let told = keep(&place).unwrap_err().to_string();
    assert!(told.contains("vault did not take the new token: it ended with code 2"), "{told}");
    assert!(!told.contains(OTHER_TOKEN));
}
