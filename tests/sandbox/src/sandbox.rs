//! Starting, arranging, watching and stopping the doubles.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::calls::Call;
use crate::evidence::Evidence;
use crate::faults::Fault;
use crate::gate::{Moment, Pause, gate};
use crate::proxy::{Fronts, Proxy};
use crate::server::{Command, Door, Wanted, serve};
use crate::shared::{Refusal, Shared};
use crate::turns::Turns;
use crate::world::World;

/// Ports to listen on; 0 lets the system choose.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ports {
    /// For AWS.
    pub aws: u16,
    /// For Daytona.
    pub daytona: u16,
    /// For GitHub.
    pub github: u16,
    /// For Kubernetes.
    pub kubernetes: u16,
    /// For Docker Hub.
    pub registry: u16,
    /// For RunPod.
    pub runpod: u16,
}

/// Running doubles, on loopback only. Dropped, they stop.
pub struct Sandbox {
    shared: Arc<Shared>,
    doors: [DoorHandle; 6],
    runtime: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    evidence: Option<Evidence>,
}

struct DoorHandle {
    door: Door,
    address: SocketAddr,
    commands: mpsc::UnboundedSender<Command>,
}

type Opened = (DoorHandle, TcpListener, mpsc::UnboundedReceiver<Command>);

impl Sandbox {
    /// Starts every double on a free port, on a thread and runtime of its own. Does not block, so that synchronous
    /// and asynchronous tests can call it; requests are served whatever the caller's thread does.
    pub fn start(world: World) -> io::Result<Self> {
        Self::start_on(world, Ports::default())
    }

    /// Starts every double on the given ports.
    pub fn start_on(world: World, ports: Ports) -> io::Result<Self> {
        Self::start_with(Shared::new(Arc::new(Mutex::new(world))), ports)
    }

    /// A second way into the same world, with a log, faults and pauses of its own: for a program that runs beside another.
    pub fn beside(&self) -> io::Result<Self> {
        let mut beside = Self::start_with(Shared::new(self.shared.same_world()), Ports::default())?;
        // The conformance checks get the boxes of the world from the first one.
        beside.evidence = None;
        Ok(beside)
    }

    fn start_with(shared: Shared, ports: Ports) -> io::Result<Self> {
        let opened = [
            open(Door::Aws, ports.aws)?,
            open(Door::Daytona, ports.daytona)?,
            open(Door::GitHub, ports.github)?,
            open(Door::Kubernetes, ports.kubernetes)?,
            open(Door::Registry, ports.registry)?,
            open(Door::RunPod, ports.runpod)?,
        ];
        let shared = Arc::new(shared);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let mut served = Vec::new();
        let doors = opened.map(|(door, listener, commands)| {
            served.push((door.door, listener, commands));
            door
        });
        let thread = run(runtime, shared.clone(), served, stopped)?;
        Ok(Self {
            shared,
            doors,
            runtime: handle,
            stop: Some(stop),
            thread: Some(thread),
            evidence: Evidence::wanted(),
        })
    }

    /// The environment that points regcred, the AWS CLI and SDKs and GitHub clients at the sandbox.
    #[must_use]
    pub fn env(&self) -> BTreeMap<String, String> {
        let state = self.state();
        let mut env = BTreeMap::from([
            ("AWS_ENDPOINT_URL".to_owned(), self.url(Door::Aws)),
            // Else an SDK without credentials asks the network for an instance's role, and waits.
            ("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned()),
            ("DAYTONA_API_URL".to_owned(), format!("{}/api", self.url(Door::Daytona))),
            ("GITHUB_API_URL".to_owned(), self.url(Door::GitHub)),
            ("REGCRED_REGISTRY_ENDPOINTS".to_owned(), format!("docker.io={}", self.url(Door::Registry))),
            ("DOCKER_HUB_API_URL".to_owned(), self.url(Door::Registry)),
            ("RUNPOD_API_URL".to_owned(), self.url(Door::RunPod)),
        ]);
        if let Some(key) = state.aws.access_keys.get(&state.aws.exported_key) {
            env.insert("AWS_ACCESS_KEY_ID".to_owned(), state.aws.exported_key.clone());
            env.insert("AWS_SECRET_ACCESS_KEY".to_owned(), key.secret.clone());
            env.extend(key.session_token.clone().map(|token| ("AWS_SESSION_TOKEN".to_owned(), token)));
        }
        if !state.daytona.exported_key.is_empty() {
            env.insert("DAYTONA_API_KEY".to_owned(), state.daytona.exported_key.clone());
        }
        if !state.github.exported_token.is_empty() {
            env.insert("GITHUB_TOKEN".to_owned(), state.github.exported_token.clone());
        }
        if !state.runpod.exported_key.is_empty() {
            env.insert("RUNPOD_API_KEY".to_owned(), state.runpod.exported_key.clone());
        }
        env
    }

    /// Writes the kubeconfig with every context of the world, to be passed on as `KUBECONFIG`: the environment that
    /// `env` gives has none, so that a run without Kubernetes meets no cluster.
    pub fn write_kubeconfig(&self, path: &Path) -> io::Result<()> {
        let config = self.state().kubernetes.kubeconfig(&self.url(Door::Kubernetes));
        std::fs::write(path, serde_json::to_vec_pretty(&config)?)
    }

    /// `http://127.0.0.1:PORT` of a listener.
    #[must_use]
    pub fn url(&self, door: Door) -> String {
        format!("http://{}", self.door(door).address)
    }

    /// A proxy behind which every system is under its real name: the only way to it, as in an office.
    pub fn proxy(&self) -> io::Result<Proxy> {
        let doors: Vec<(Door, SocketAddr)> =
            self.doors.iter().map(|door| (door.door, door.address)).collect();
        Proxy::start(move |host| {
            let door = Door::of_host(host)?;
            doors.iter().find(|(other, _)| *other == door).map(|(_, address)| *address)
        })
    }

    /// TLS before every listener.
    pub fn fronts(&self) -> io::Result<Fronts> {
        Fronts::before(self.doors.iter().map(|door| door.address))
    }

    /// The world, to arrange or to look at. Requests wait while the guard is held.
    pub fn state(&self) -> MutexGuard<'_, World> {
        self.shared.world()
    }

    /// A copy of the world, to go back to with `restore`.
    #[must_use]
    pub fn snapshot(&self) -> World {
        self.state().clone()
    }

    /// A function that copies the world, for use in a hook.
    pub fn watcher(&self) -> impl Fn() -> World + Send + Sync + 'static + use<> {
        let shared = self.shared.clone();
        move || shared.world().clone()
    }

    /// Replaces this world with another.
    pub fn restore(&self, world: World) {
        let before = std::mem::replace(&mut *self.state(), world);
        self.evidence.iter().for_each(|evidence| evidence.keep_boxes(&before.github.boxes));
    }

    /// The requests so far, by arrival.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls()
    }

    /// Forgets the requests so far; the next one has index 0.
    pub fn clear_calls(&self) {
        self.evidence.iter().for_each(|evidence| evidence.keep_calls(&self.calls()));
        self.shared.clear_calls();
    }

    /// Everything in the requests so far that a service's own model does not allow.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        let calls = self.calls();
        calls
            .iter()
            .flat_map(|call| call.violations.iter().map(|text| format!("{}: {text}", call.operation)))
            .collect()
    }

    /// Adds this to every request.
    pub fn set_latency(&self, latency: Duration) {
        self.shared.set_latency(latency);
    }

    /// Plans a fault. Several may be planned; the first that fits a request strikes.
    pub fn fault(&self, fault: Fault) {
        self.shared.arm(fault);
    }

    /// Takes back every planned fault.
    pub fn clear_faults(&self) {
        self.shared.disarm();
    }

    /// Stops the request with this index until the returned pause is released or dropped.
    #[must_use]
    pub fn pause_at(&self, index: usize, moment: Moment) -> Pause {
        let (gate, pause) = gate(index, moment, self.runtime.clone());
        self.shared.add_gate(gate);
        pause
    }

    /// Makes every request from now on wait for its turn.
    #[must_use]
    pub fn take_turns(&self) -> Turns {
        self.shared.take_turns()
    }

    /// Calls `hook` with every finished call, on the sandbox's thread.
    pub fn on_call(&self, hook: impl Fn(&Call) + Send + Sync + 'static) {
        self.shared.set_hook(Arc::new(hook));
    }

    /// The number of requests that have arrived, as it grows.
    #[must_use]
    pub fn arrivals(&self) -> watch::Receiver<usize> {
        self.shared.arrivals()
    }

    /// Waits until `count` requests have arrived; false after `limit`. For synchronous tests.
    #[must_use]
    pub fn wait_for_arrivals(&self, count: usize, limit: Duration) -> bool {
        let mut arrivals = self.arrivals();
        self.runtime.block_on(async {
            matches!(timeout(limit, arrivals.wait_for(|seen| *seen >= count)).await, Ok(Ok(_)))
        })
    }

    /// Closes a listener and its connections, so that it refuses new ones, or opens it again on the same port.
    pub fn set_reachable(&self, door: Door, reachable: bool) -> io::Result<()> {
        self.command(door, if reachable { Wanted::Open } else { Wanted::Closed })
    }

    /// Makes a listener refuse connections once this many requests of all were answered, until `set_reachable` opens it
    /// again. Those that it has are closed as a server does that ends: nothing on its way is lost.
    pub fn refuse_after(&self, requests: usize, door: Door) -> io::Result<()> {
        let Some(after) = requests.checked_sub(1) else { return self.command(door, Wanted::Refusing) };
        let door = self.door(door).commands.clone();
        self.shared.add_refusal(Refusal { after, door });
        Ok(())
    }

    fn command(&self, door: Door, wanted: Wanted) -> io::Result<()> {
        let (done, result) = sync_channel(1);
        let tell = move |result: io::Result<()>| drop(done.send(result));
        self.door(door).commands.send((wanted, Box::new(tell))).map_err(io::Error::other)?;
        result.recv().map_err(io::Error::other)?
    }

    fn door(&self, door: Door) -> &DoorHandle {
        let [aws, daytona, github, kubernetes, registry, runpod] = &self.doors;
        match door {
            Door::Aws => aws,
            Door::Daytona => daytona,
            Door::GitHub => github,
            Door::Kubernetes => kubernetes,
            Door::Registry => registry,
            Door::RunPod => runpod,
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server has been printed by its own thread.
            thread.join().ok();
        }
        if let Some(evidence) = &self.evidence {
            evidence.keep_calls(&self.calls());
            let github = &self.state().github;
            evidence.keep_boxes(&github.boxes);
            evidence.keep_assertions(&github.assertions);
        }
    }
}

fn open(door: Door, port: u16) -> io::Result<Opened> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    let (commands, receiver) = mpsc::unbounded_channel();
    Ok((DoorHandle { door, address: listener.local_addr()?, commands }, listener, receiver))
}

fn run(
    runtime: Runtime,
    shared: Arc<Shared>,
    doors: Vec<(Door, TcpListener, mpsc::UnboundedReceiver<Command>)>,
    stopped: oneshot::Receiver<()>,
) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("regcred-sandbox".to_owned()).spawn(move || {
        runtime.block_on(async {
            for (door, listener, commands) in doors {
                tokio::spawn(serve(door, shared.clone(), listener, commands));
            }
            // The sender is dropped with the sandbox: that is the signal.
            stopped.await.ok();
        });
    })
}
