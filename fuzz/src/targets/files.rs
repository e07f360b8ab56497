//! Files that somebody else writes: the configuration, Pulumi's, Docker's, kubeconfigs, and those with a secret.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use regcred::aws::Way;
use regcred::desired::{Loaded, Request, load, places};
use regcred::env::Env;
use regcred::model::{Credential, Problem};
use regcred::net::Http;
use regcred::sources::Shared;
use regcred::sources::pulumi::{DataKey, EncryptionSalt};
use regcred::targets::kubernetes::docker_config as pull_secret;
use regcred::targets::kubernetes::kubeconfig::Files;
use tempfile::TempDir;

use super::is_calm;

/// What parts the two files of a Pulumi project.
pub(super) const NEXT: &str = "\n=====\n";

/// A folder with these files, which nobody else may read.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().expect("a folder");
    for (name, text) in files {
        let file = dir.path().join(name);
        std::fs::write(&file, text).expect("it can be written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
    }
    dir
}

/// An environment in which nothing of this machine is read, and no program is found.
fn env(dir: &Path, more: &[(&str, &str)]) -> Env {
    let home = dir.join("home").display().to_string();
    let own =
        [("HOME", home.as_str()), ("PULUMI_HOME", &home), ("PATH", &home), ("GITHUB_REPOSITORY", "acme/api")];
    own.iter().chain(more).copied().collect()
}

fn told(problems: &[Problem]) {
    assert!(!problems.is_empty(), "what is wrong is told");
    problems.iter().for_each(is_calm);
}

/// A text is a configuration, or what is wrong with it is told.
pub fn configuration(text: &str) {
    let dir = folder(&[("regcred.yaml", text)]);
    let env =
        env(dir.path(), &[("DOCKER_HUB_USERNAME", "acme"), ("DOCKER_HUB_TOKEN", "dckr_pat_fuzz-0123456789")]);
    let request = Request::default();
    match (places(&request, &env, dir.path()), load(&request, &env, dir.path())) {
        (Ok(wanted), Ok(loaded)) => {
            let named = |credentials: &[Credential]| {
                credentials.iter().map(|credential| credential.id.clone()).collect::<Vec<_>>()
            };
            assert_eq!(named(&wanted.credentials), named(&loaded.desired.credentials));
        }
        (Ok(_), Err(problems)) => told(&problems),
        (Err(problems), Err(more)) => {
            told(&problems);
            told(&more);
        }
        (Err(problems), Ok(_)) => panic!("half of it is wrong: {problems:?}"),
    }
}

/// Two texts are a project and a stack of Pulumi, or what is wrong with them is told.
pub fn pulumi(text: &str) {
    let (project, stack) = text.split_once(NEXT).unwrap_or(("name: infra\nruntime: python\n", text));
    let dir = folder(&[("Pulumi.yaml", project), ("Pulumi.main.yaml", stack)]);
    let env = env(dir.path(), &[("PULUMI_CONFIG_PASSPHRASE", "fuzz")]);
    if let Err(problems) = load(&Request::default(), &env, dir.path()) {
        told(&problems);
    }
}

/// A text is one of Pulumi's ciphertexts, or a stack's salt, or it is said that it is not.
pub fn ciphertext(text: &str) {
    if let Err(error) = DataKey::from_bytes([7; 32]).decrypt(text) {
        assert!(!error.to_string().chars().any(char::is_control), "{error}");
    }
    if let Err(error) = EncryptionSalt::parse(text) {
        assert!(!error.to_string().chars().any(char::is_control), "{error}");
    }
}

/// A text is a Docker configuration, as a pull secret and as a source.
pub fn docker_config(text: &str) {
    match pull_secret::read(text.as_bytes()) {
        Ok(entries) => drop(entries.keys().map(|key| pull_secret::registry(key)).collect::<Vec<_>>()),
        Err(words) => assert!(!words.chars().any(char::is_control), "{words}"),
    }
    let dir = folder(&[("regcred.yaml", &with_source("docker-config"))]);
    let env = env(dir.path(), &[("DOCKER_AUTH_CONFIG", text)]);
    match load(&Request::default(), &env, dir.path()) {
        // A helper is a program, which nobody is to start here.
        Ok(loaded) if !text.contains(['\\']) && !text.contains("cred") => value_of(&loaded, &env),
        Ok(_) => {}
        Err(problems) => told(&problems),
    }
}

/// A text is a kubeconfig, and each of its contexts can be used or it is said why not.
pub fn kubeconfig(text: &str) {
    match Files::of(text, Path::new("/home/somebody/.kube/config")) {
        Ok(files) => {
            let contexts: Vec<&str> = files.contexts().into_iter().take(4).collect();
            for context in contexts.into_iter().chain(["none"]) {
                if let Err(problem) = files.context(context) {
                    is_calm(&problem);
                }
            }
        }
        Err(problem) => is_calm(&problem),
    }
}

/// A text has variables, each with a name that can be one.
pub fn dotenv(text: &str) {
    for variable in regcred::dotenv::variables(text) {
        assert!(
            !variable.name.is_empty() && !variable.name.contains(['=', '\n', ' ']),
            "{:?}",
            variable.name
        );
        assert!(text.contains(variable.written));
        match variable.value {
            Ok(value) => assert!(text.contains(value)),
            Err(flaw) => assert!(!flaw.to_string().is_empty()),
        }
    }
}

/// A text is a file with a credential, or it is said what is wrong with it.
pub fn secret_file(text: &str) {
    let dir = folder(&[("regcred.yaml", &with_source("{ file: token }")), ("token", text)]);
    let env = env(dir.path(), &[]);
    match load(&Request::default(), &env, dir.path()) {
        Ok(loaded) => value_of(&loaded, &env),
        Err(problems) => told(&problems),
    }
}

fn with_source(from: &str) -> String {
    format!("version: 1\ncredentials: {{ docker-hub: {{ from: {from}, to: {{ daytona: {{}} }} }} }}\n")
}

/// Reads the value: whole, or it is said why not.
fn value_of(loaded: &Loaded, env: &Env) {
    let http = Http::new(env).expect("a client");
    let shared = Shared::new(Way::new(&http, env, false));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for credential in &loaded.desired.credentials {
        let Some(source) = loaded.sources.get(&credential.id) else { continue };
        match runtime.block_on(source.value(credential, &shared)) {
            Ok(login) => assert!(!login.username.contains([':', '\n'])),
            Err(problems) => told(&problems),
        }
    }
}
