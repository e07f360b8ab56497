//! Answers of remote systems: read, planned with, shown, and written to.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::time::Duration;

use regcred::aws::Way;
use regcred::change::{Known, Options};
use regcred::desired::{Loaded, Request, load};
use regcred::env::Env;
use regcred::execute::execute;
use regcred::model::{CredentialId, Registry, Secret};
use regcred::net::Http;
use regcred::plan::{Plan, plan};
use regcred::prove::Proofs;
use regcred::registry::{Endpoints, LoginError, login};
use regcred::report::Report;
use regcred::sources::{Shared, known as known_of};
use regcred::systems::Writers;
use regcred::targets::{Look, Setting};
use regcred::vault::Vault;
use regcred::view::{Again, Shown, human, json, markdown};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::server::Server;

/// What takes longer waits for another try. Writes are waited for less: RunPod's wait for one another.
const LIMIT: Duration = Duration::from_millis(700);
const WRITES: Duration = Duration::from_millis(150);
const TOKEN: &str = "dckr_pat_fuzz-0123456789abcdefghi";

/// The credential's places in each system, by the first character of a text.
const SYSTEMS: [(char, &str); 5] = [
    ('a', "aws: { stacks: { main: { region: us-east-2, profile: p } } }"),
    ('d', "daytona: {}"),
    (
        'g',
        "github: [{ repository: acme/api }, { organization: acme, visibility: selected, repositories: [api] }]",
    ),
    (
        'k',
        "kubernetes: [{ context: c, namespaces: [ci], service-accounts: [default] }, \
         { context: c, runai: { projects: all } }]",
    ),
    ('r', "runpod: { templates: all, endpoints: all, pods: all, create: [{ name: t, image: acme/x }] }"),
];

thread_local! {
    static WORLD: OnceCell<World> = const { OnceCell::new() };
}

/// What is made once: a server, and a run's configuration and value for each system.
struct World {
    runtime: Runtime,
    server: Server,
    http: Http,
    runs: BTreeMap<char, Run>,
    _dir: TempDir,
}

struct Run {
    env: Env,
    loaded: Loaded,
    vault: Vault,
    known: BTreeMap<CredentialId, Known>,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let server = runtime.block_on(Server::start());
        let dir = TempDir::new().expect("a folder");
        let http = Http::new(&Env::default()).expect("a client");
        let runs = SYSTEMS
            .map(|(name, to)| (name, runtime.block_on(Run::new(to, &server.origin, dir.path(), &http))));
        Self { runtime, server, http, runs: runs.into(), _dir: dir }
    }
}

impl Run {
    async fn new(to: &str, origin: &str, dir: &std::path::Path, http: &Http) -> Self {
        let file = dir.join("regcred.yaml");
        let text = format!("version: 1\ncredentials:\n  docker-hub:\n    to:\n      {to}\n");
        std::fs::write(&file, text).expect("it can be written");
        let kubeconfig = dir.join("kubeconfig");
        let cluster = format!(
            "contexts: [{{ name: c, context: {{ cluster: c, user: c }} }}]\n\
             clusters: [{{ name: c, cluster: {{ server: '{origin}' }} }}]\n\
             users: [{{ name: c, user: {{ token: a-clusters-own-token }} }}]\n"
        );
        std::fs::write(&kubeconfig, cluster).expect("it can be written");
        // The SDK reads no variables but the process's own; a file with quotes is read for it.
        let profile = dir.join("aws");
        let keys = "aws_access_key_id = AKIAFUZZFUZZFUZZFUZZ\n\
                    aws_secret_access_key = a-secret-of-the-fuzzer-0123456789\n";
        std::fs::write(&profile, format!("[profile \"p\"]\nendpoint_url = {origin}\n{keys}"))
            .expect("it can be written");
        let home = dir.join("home").display().to_string();
        let env = Env::from_iter([
            ("HOME", home.as_str()),
            ("PATH", &home),
            ("KUBECONFIG", &kubeconfig.display().to_string()),
            ("DOCKER_HUB_USERNAME", "acme"),
            ("DOCKER_HUB_TOKEN", TOKEN),
            ("AWS_CONFIG_FILE", &profile.display().to_string()),
            ("AWS_SHARED_CREDENTIALS_FILE", &home),
            ("DAYTONA_API_URL", &format!("{origin}/api")),
            ("DAYTONA_API_KEY", "dtn_fuzz-0123456789"),
            ("GITHUB_API_URL", origin),
            ("GH_ENTERPRISE_TOKEN", "ghp_fuzz0123456789"),
            ("RUNPOD_API_URL", origin),
            ("RUNPOD_API_KEY", "rpa_fuzz0123456789"),
        ]);
        let loaded = load(&Request::default(), &env, dir).expect("a configuration");
        let shared = Shared::new(Way::new(http, &env, false));
        let (mut vault, mut known) = (Vault::default(), BTreeMap::new());
        for credential in &loaded.desired.credentials {
            let login = loaded.sources[&credential.id].value(credential, &shared).await.expect("a value");
            let of_value = known_of(credential, &login).await.expect("a fingerprint");
            known.insert(credential.id.clone(), of_value);
            vault.insert(credential.id.clone(), login);
        }
        Self { env, loaded, vault, known }
    }

    /// Reads the system, plans, shows it, and writes, as a `sync` does.
    async fn go(&self, http: &Http) {
        let desired = &self.loaded.desired;
        let clients =
            desired.places.log_in(&Setting { env: &self.env, http, base: std::path::Path::new("") }).await;
        let look = Look { shard: None, concurrency: 4, wait: Duration::ZERO, say: &|_| {} };
        let observed = desired.places.observe(&clients, &look).await;
        let options = Options::default();
        let plan = plan(desired, &observed, &self.known, &options);
        self.is_calm(&plan);
        for id in plan.unknown() {
            desired.places.current_since(&clients, &observed, &id).await;
        }
        let (_stop, stopped) = tokio::sync::watch::channel(false);
        let writers = Writers::new(&clients, &observed);
        let told = |event| acts_on_nothing(&human::event(&event, false, true).unwrap_or_default());
        let written = execute(&plan, &writers, &self.vault, 4, stopped, &told);
        if let Ok(outcomes) = tokio::time::timeout(WRITES, written).await {
            acts_on_nothing(&human::report(
                &plan,
                &Report::new(&plan, outcomes),
                &Again::default(),
                human::Said::default(),
            ));
        }
    }

    /// Whatever was found, what is shown of it acts on nothing, and JSON is JSON.
    fn is_calm(&self, plan: &Plan) {
        let (credentials, known, proofs) = (&self.loaded.desired.credentials, &self.known, &Proofs::new());
        let again = &Again::default();
        let lives = &BTreeMap::new();
        let shown = Shown { credentials, known, proofs, plan, lives, again };
        let layout = human::Layout { width: 100, keeps: true, causes: true, states: false };
        acts_on_nothing(&(human::plan(&shown, layout) + &human::plan_summary(&shown, None)));
        acts_on_nothing(&markdown::plan(&shown));
        serde_json::from_str::<serde_json::Value>(&json::plan(&shown)).expect("JSON");
        plan.changes
            .iter()
            .for_each(|change| assert_eq!(change.address.to_string().parse(), Ok(change.address.clone())));
    }
}

/// A text without anything that a terminal would obey but its own colours, and without any secret.
#[track_caller]
fn acts_on_nothing(text: &str) {
    let plain = anstream::adapter::strip_str(text).to_string();
    let acts = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    assert!(!plain.chars().any(acts), "{plain:?}");
    assert!(!plain.contains(TOKEN), "{plain}");
}

/// Whatever a system answers, a run reads it, plans, shows and writes without a panic. The first character says which
/// system.
pub fn answers(text: &str) {
    let mut rest = text.chars();
    let Some(system) = rest.next() else { return };
    WORLD.with(|world| {
        let world = world.get_or_init(World::new);
        let Some(run) = world.runs.get(&system) else { return };
        world.server.play(rest.as_str().trim_start_matches('\n'));
        let _ = world.runtime.block_on(async { tokio::time::timeout(LIMIT, run.go(&world.http)).await });
    });
}

/// Whatever a registry and its token service answer, the credential is accepted, refused, or it is said why neither.
pub fn challenge(text: &str) {
    WORLD.with(|world| {
        let world = world.get_or_init(World::new);
        let endpoints = Endpoints::parse(&format!("docker.io={}", world.server.origin)).expect("an endpoint");
        let registry = Registry::parse("docker.io").expect("a registry");
        let token = Secret::new(TOKEN.to_owned());
        world.server.play(&text.replace("ORIGIN", &world.server.origin));
        let proof = login(&world.http, &endpoints, &registry, "acme", &token);
        let proof = world.runtime.block_on(async { tokio::time::timeout(LIMIT, proof).await });
        if let Ok(Err(error)) = proof {
            told(&error);
        }
    });
}

fn told(error: &LoginError) {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    for words in causes.map(ToString::to_string).chain(error.hint()) {
        assert!(!words.chars().any(char::is_control), "{words:?}");
        assert!(!words.contains(TOKEN), "{words}");
    }
}
