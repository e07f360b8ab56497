//! A fleet at GitHub's limits: this program and the sandbox's GitHub on one clock, which goes on when nobody has anything to do.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use octocrab::OctoBody;
use regcred_sandbox::World;
use regcred_sandbox::github::{self, Limits};
use tokio::time::Instant;
use tower::{BoxError, Service};

use crate::change::{Known, Options};
use crate::desired;
use crate::env::Env;
use crate::execute::{Event, execute};
use crate::model::{CredentialId, Login, Secret};
use crate::net::{Body, Http};
use crate::plan::{Plan, plan};
use crate::report::Outcome;
use crate::systems::{self, Places, Writers};
use crate::targets::github::{Client, Clients, Desired, Names, Place, Store, Token};
use crate::targets::{Look, Setting};
use crate::vault::Vault;
use crate::view::Progress;

const TOKEN: &str = "github_pat_simulated0123456789";
/// From this machine to GitHub and back.
const ROUND_TRIP: Duration = Duration::from_millis(100);
const AT_ONCE: usize = 16;

/// The sandbox's GitHub, by the runtime's clock.
#[derive(Clone)]
struct GitHub {
    world: Arc<Mutex<World>>,
    begun: (Instant, DateTime<Utc>),
}

impl GitHub {
    fn with(repositories: usize) -> Self {
        let mut world = World::empty();
        world.github.tokens.insert(TOKEN.to_owned(), github::Token::full("octocat"));
        world.github.add_organization("acme");
        for repository in 0..repositories {
            world.github.add_repository(&format!("acme/r{repository:04}"));
        }
        world.github.limits = Some(Limits::default());
        let noon = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        Self { world: Arc::new(Mutex::new(world)), begun: (Instant::now(), noon) }
    }

    fn refused(&self) -> usize {
        let world = self.world.lock().expect("nobody panicked");
        world.github.limits.as_ref().map_or(0, |limits| limits.refused)
    }

    fn answer(&self, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
        let mut world = self.world.lock().expect("nobody panicked");
        let since = TimeDelta::from_std(self.begun.0.elapsed()).expect("no run is that long");
        world.clock.fixed = Some(self.begun.1 + since);
        github::ask(&mut world, request)
    }
}

impl Service<Request<OctoBody>> for GitHub {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<OctoBody>) -> Self::Future {
        let github = self.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            parts.headers.insert(http::header::USER_AGENT, http::HeaderValue::from_static("regcred"));
            let body = body.collect().await?.to_bytes().to_vec();
            tokio::time::sleep(ROUND_TRIP / 2).await;
            let answer = github.answer(Request::from_parts(parts, body));
            tokio::time::sleep(ROUND_TRIP / 2).await;
            Ok(answer.map(|body| Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed()))
        })
    }
}

/// What a run needs.
struct Fleet {
    github: GitHub,
    desired: desired::Desired,
    clients: systems::Clients,
    vault: Vault,
    known: BTreeMap<CredentialId, Known>,
}

impl Fleet {
    async fn of(repositories: usize) -> Self {
        let id = CredentialId("docker-hub".to_owned());
        let place = |number: usize| Desired {
            credential: id.clone(),
            place: Place {
                owner: "acme".to_owned(),
                repo: Some(format!("r{number:04}")),
                store: Store::Actions,
            },
            search: None,
            names: Names::of(&id),
            create_environment: false,
            audience: None,
            app: None,
            insecure: false,
        };
        let places: Vec<Desired> = (0..repositories).map(place).collect();
        let github = GitHub::with(repositories);
        let (env, http) = (Env::default(), Http::new(&Env::default()).expect("a client"));
        let setting = Setting { env: &env, http: &http, base: Path::new("") };
        let mut clients = Places::default().log_in(&setting).await;
        let token = Token { value: Secret::new(TOKEN.to_owned()), source: "GITHUB_TOKEN" };
        let client = Client::by(github.clone(), &http, &token).map(|client| client.of_run(places.len()));
        clients.github = Clients::of_all(client, &places);
        let (mut vault, token) =
            (Vault::default(), Secret::new("dckr_pat_0123456789abcdefghijklmnopq".to_owned()));
        vault.insert(id.clone(), Login { username: "acme".to_owned(), token });
        let places = Places { github: places, ..Places::default() };
        let desired = desired::Desired { places, ..desired::Desired::default() };
        Self { github, desired, clients, vault, known: [(id, Known::nothing())].into() }
    }

    /// Reads and plans.
    async fn planned(&self) -> (systems::Observed, Plan) {
        let look = Look { shard: None, concurrency: AT_ONCE, wait: Duration::ZERO, say: &|_| () };
        let observed = self.desired.places.observe(&self.clients, &look).await;
        let plan = plan(&self.desired, &observed, &self.known, &Options::default()).paced(&self.clients);
        (observed, plan)
    }

    /// Writes, and notes at each row how long the run took so far and how long the rest was said to take.
    async fn written(&self, observed: &systems::Observed, plan: &Plan) -> Vec<(Duration, Option<Duration>)> {
        let (_stop, stopped) = tokio::sync::watch::channel(false);
        let progress =
            Mutex::new((Progress::new(plan.changes.len(), plan.pace(&self.clients, 400)), Vec::new()));
        let begun = Instant::now();
        let note = |event: Event| {
            let (progress, said) = &mut *progress.lock().expect("nobody panicked");
            progress.note(&event, true);
            said.push((begun.elapsed(), progress.left(begun.elapsed())));
        };
        let writers = Writers::new(&self.clients, observed);
        let outcomes = execute(plan, &writers, &self.vault, AT_ONCE, stopped, &note).await;
        let failed: Vec<_> = outcomes.values().filter(|outcome| **outcome != Outcome::Applied).collect();
        assert!(failed.is_empty(), "{failed:?}");
        progress.into_inner().expect("nobody panicked").1
    }
}

/// How long so many writes take at least, by the published limits: 80 in any minute, 500 in any hour.
fn optimum(writes: u64) -> Duration {
    let last = writes - 1;
    Duration::from_secs(last / 500 * 3600 + last % 500 / 80 * 60)
}

#[tokio::test(start_paused = true)]
async fn a_thousand_repositories_take_what_githubs_limits_make_them_take_and_none_is_met() {
    let fleet = Fleet::of(1000).await;
    let begun = Instant::now();
    let (observed, plan) = fleet.planned().await;
    let reading = begun.elapsed();
    assert!(reading < Duration::from_secs(200), "3,000 requests are three minutes of points: {reading:?}");
    assert!(plan.writes(), "{:?}", &plan.changes[..2]);
    let said = fleet.written(&observed, &plan).await;
    let took = begun.elapsed();
    assert_eq!(fleet.github.refused(), 0, "a limit was met");
    assert!(took < optimum(3000).mul_f64(1.05), "{took:?}, and the optimum is {:?}", optimum(3000));
    let planned = Duration::from_secs(plan.cost().seconds as u64);
    assert!(planned.abs_diff(took) < took / 20, "{planned:?} was said, and it took {took:?}");
    let end = said.last().expect("rows").0;
    for (at, left) in said {
        let (Some(left), true) = (left, end - at > Duration::from_secs(600)) else { continue };
        assert!(
            left.abs_diff(end - at) < (end - at) / 10,
            "at {at:?} it was {left:?}, and was {:?}",
            end - at
        );
    }

    tokio::time::advance(Duration::from_secs(2 * 3600)).await;
    let begun = Instant::now();
    let (_, plan) = fleet.planned().await;
    let took = begun.elapsed();
    assert!(!plan.writes(), "what was written is in sync");
    assert_eq!(fleet.github.refused(), 0, "a limit was met");
    assert!(took < Duration::from_secs(144), "2,000 requests are two minutes of points: {took:?}");
}
