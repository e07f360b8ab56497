//! What programs print that a run starts, and the profiles of AWS, which may name one.

use std::cell::OnceCell;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::Duration;

use aws_credential_types::provider::ProvideCredentials;
use regcred::aws::{Access, Way, sdk_config};
use regcred::desired::{Loaded, Request, load};
use regcred::env::Env;
use regcred::model::Problem;
use regcred::net::Http;
use regcred::sources::Shared;
use regcred::targets::github::Token;
use regcred::targets::kubernetes::login::Clients;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::files::NEXT;
use super::is_calm;

/// What takes longer waits for another try of a request, which nobody answers.
const LIMIT: Duration = Duration::from_millis(10);
/// A program is waited for as long as one is on a machine that has other work.
const STARTS: Duration = Duration::from_secs(20);
/// Where nobody listens: the discard port.
const NOBODY: &str = "http://127.0.0.1:9";
/// Seeds have it where a secret stands.
const CANARY: &str = "c4nary";

/// The program behind every name: it says and ends as three files have it. It hears first what it is asked: a fuzzer, which
/// has no `main` of Rust's, would be ended by writing to one that has gone.
const SCRIPT: &str = "#!/bin/sh\nread -r question\n[ -s DIR/stderr ] && /bin/cat DIR/stderr >&2\n\
                      /bin/cat DIR/stdout\nread -r code <DIR/code\nexit \"$code\"\n";
const PROGRAMS: [&str; 5] = ["answer", "docker-credential-fuzz", "gh", "git", "pulumi"];

/// A folder for each way in which a run is led to a program, by the first character of a text.
const FILES: [(&str, &str); 12] = [
    ("a/config", "[profile \"p\"]\nregion = us-east-2\ncredential_process = answer\n"),
    (
        "c/regcred.yaml",
        "version: 1\ncredentials: { docker-hub: { from: { command: [answer] }, to: { daytona: {} } } }\n",
    ),
    (
        "d/regcred.yaml",
        "version: 1\ncredentials: { docker-hub: { from: docker-config, to: { daytona: {} } } }\n",
    ),
    ("d/config.json", "{\"credsStore\": \"fuzz\"}"),
    ("g/Pulumi.yaml", "name: infra\nruntime: python\n"),
    ("g/Pulumi.main.yaml", "config: { aws:region: us-east-2 }\n"),
    (
        "k/regcred.yaml",
        "version: 1\ncredentials:\n  docker-hub: { from: env, \
         to: { kubernetes: [{ context: c, namespaces: [ci] }] } }\n",
    ),
    (
        "k/config",
        "contexts: [{ name: c, context: { cluster: c, user: c } }]\n\
         clusters: [{ name: c, cluster: { server: 'http://127.0.0.1:9' } }]\n\
         users: [{ name: c, user: { exec: { command: answer, interactiveMode: Never, \
         apiVersion: client.authentication.k8s.io/v1 } } }]\n",
    ),
    ("p/Pulumi.yaml", "name: infra\nruntime: python\n"),
    (
        "p/Pulumi.main.yaml",
        "config:\n  infra:dockerHubUsername: acme\n  infra:dockerHubToken: { secure: AAABANk= }\n",
    ),
    ("s/Pulumi.yaml", "name: infra\nruntime: python\n"),
    ("s/Pulumi.main.yaml", "environment: [acme/prod]\n"),
];

thread_local! {
    static WORLD: OnceCell<World> = const { OnceCell::new() };
}

struct World {
    runtime: Runtime,
    http: Http,
    dir: TempDir,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        // No request reaches anybody.
        let nobody = Env::from_iter([("HTTP_PROXY", NOBODY), ("HTTPS_PROXY", NOBODY)]);
        let http = Http::new(&nobody).expect("a client");
        let world = Self { runtime, http, dir: TempDir::new().expect("a folder") };
        FILES.iter().for_each(|(name, text)| drop(world.file(name, text)));
        for name in PROGRAMS {
            let file = world.file(&format!("bin/{name}"), &SCRIPT.replace("DIR", &world.path("")));
            std::fs::set_permissions(file, PermissionsExt::from_mode(0o700)).expect("it is ours");
        }
        symlink("/bin/sh", world.dir.path().join("bin/sh")).expect("a link");
        world
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let file = self.dir.path().join(name);
        std::fs::create_dir_all(file.parent().expect("it is in a folder")).expect("it can be made");
        std::fs::write(&file, text).expect("it can be written");
        file
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_string_lossy().trim_end_matches('/').to_owned()
    }

    /// An environment in which these programs are all that there are, or none is.
    fn env(&self, programs: &str, more: &[(&str, &str)]) -> Env {
        let own = [("PATH", programs), ("HOME", "home"), ("PULUMI_HOME", "home"), ("DOCKER_CONFIG", "d")];
        let own = own.map(|(name, folder)| (name, self.path(folder)));
        let own = own.iter().map(|(name, folder)| (*name, folder.as_str()));
        let logins = [("PULUMI_ACCESS_TOKEN", "pul-0123"), ("DAYTONA_API_KEY", "dtn_0123")];
        let server = [("GITHUB_API_URL", "https://ghe.example.com/api/v3")];
        own.chain(logins).chain(server).chain(more.iter().copied()).collect()
    }

    /// Why a profile of AWS is no login, if it is none. Nothing leaves the machine.
    async fn log_in(&self, env: &Env, profile: &str) -> Option<Problem> {
        let way = Way::new(&self.http, env, false);
        let access = Access { profile: Some(profile), ..Access::default() };
        let login = sdk_config(&way, &access).await.config.credentials_provider()?;
        let keys = tokio::time::timeout(LIMIT, login.provide_credentials()).await.ok()?;
        let error = keys.err()?;
        std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source())
            .find_map(|error| error.downcast_ref::<Problem>().cloned())
    }

    /// What is wrong with what a program gave, by the way that leads to it.
    async fn ask(&self, way: char) -> Vec<Problem> {
        let (aws, none) = (self.path("a/config"), self.path("none"));
        let kubeconfig = self.path("k/config");
        let here = [("GITHUB_REPOSITORY", "acme/api"), ("KUBECONFIG", &kubeconfig)];
        let login = [("DOCKER_HUB_USERNAME", "acme"), ("DOCKER_HUB_TOKEN", "dckr_pat_0123456789abcdefghi")];
        let shared = [("AWS_CONFIG_FILE", aws.as_str()), ("AWS_SHARED_CREDENTIALS_FILE", &none)];
        let env = |more: &[(&str, &str)]| self.env("bin", more);
        match way {
            'a' => self.log_in(&env(&shared), "p").await.into_iter().collect(),
            'g' => self.load("g", &env(&login)).err().unwrap_or_default(),
            'h' => Token::find(&env(&[])).await.err().into_iter().collect(),
            'k' => match self.load("k", &env(&[here, login].concat())) {
                Ok(loaded) => self.clusters(&loaded, &env(&here)).await,
                Err(problems) => panic!("it is a configuration: {problems:?}"),
            },
            _ => {
                let env = env(&here);
                match self.load(&way.to_string(), &env) {
                    Ok(loaded) => self.value(&loaded, &env).await,
                    Err(problems) => problems,
                }
            }
        }
    }

    fn load(&self, folder: &str, env: &Env) -> Result<Loaded, Vec<Problem>> {
        load(&Request::default(), env, &self.dir.path().join(folder))
    }

    async fn clusters(&self, loaded: &Loaded, env: &Env) -> Vec<Problem> {
        let clients = Clients::prepare(&loaded.desired.places.kubernetes, env, &self.http).await;
        clients.get("c").and_then(|client| client.as_ref().err().cloned()).into_iter().collect()
    }

    async fn value(&self, loaded: &Loaded, env: &Env) -> Vec<Problem> {
        let shared = Shared::new(Way::new(&self.http, env, false));
        let mut problems = Vec::new();
        for credential in &loaded.desired.credentials {
            let Some(source) = loaded.sources.get(&credential.id) else { continue };
            problems.extend(source.value(credential, &shared).await.err().into_iter().flatten());
        }
        problems
    }
}

/// Two texts are AWS's configuration and its credentials, in which a profile is a login or it is said why not. No program
/// is there that one could name.
pub fn aws_profile(text: &str) {
    let (config, credentials) = text.split_once(NEXT).unwrap_or((text, ""));
    // What a login of a machine in EC2 is asked of is next to this one.
    if text.to_ascii_lowercase().contains("credential_source") {
        return;
    }
    WORLD.with(|world| {
        let world = world.get_or_init(World::new);
        // Quotes have it read here, and not by the SDK, which looks at this machine's own variables.
        let config =
            world.file("aws/config", &format!("{config}\n[profile \"quoted\"]\nregion = us-east-2\n"));
        let credentials = world.file("aws/credentials", credentials);
        let (config, credentials) = (config.display().to_string(), credentials.display().to_string());
        let files = [("AWS_CONFIG_FILE", config.as_str()), ("AWS_SHARED_CREDENTIALS_FILE", &credentials)];
        let env = world.env("none", &files);
        for profile in ["p", "quoted"] {
            world.runtime.block_on(world.log_in(&env, profile)).iter().for_each(is_calm);
        }
    });
}

/// Whatever a program prints and however it ends, a run takes it or says why not, without a word of it where that may be a
/// secret. The first line says by which way it is asked and with what code it ends.
pub fn program(text: &str) {
    let (first, printed) = text.split_once('\n').unwrap_or((text, ""));
    let Some(way) = first.chars().next().filter(|way| "acdghkps".contains(*way)) else { return };
    let code: u8 = first[1..].trim().parse().unwrap_or(0);
    let (stdout, stderr) = printed.split_once(NEXT).unwrap_or((printed, ""));
    WORLD.with(|world| {
        let world = world.get_or_init(World::new);
        world.file("stdout", stdout);
        world.file("stderr", stderr);
        world.file("code", &format!("{code}\n"));
        let asked = async { tokio::time::timeout(STARTS, world.ask(way)).await };
        let problems = world.runtime.block_on(asked).expect("it ends");
        problems.iter().for_each(|problem| says_nothing(problem, way));
    });
}

/// What is told acts on nothing. Names of repositories, and settings that are asked for without secrets, may be in it.
fn says_nothing(problem: &Problem, way: char) {
    is_calm(problem);
    let whole = problem.to_string();
    let words = [&problem.message, &whole].into_iter().chain(&problem.causes).chain(&problem.hints);
    let is_quiet = !matches!(way, 'g' | 's');
    words.filter(|_| is_quiet).for_each(|words| assert!(!words.contains(CANARY), "{words}"));
}
