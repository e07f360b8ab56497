//! The listeners: reads a request whole, logs it, does what the faults say, and lets the double answer.

use std::future::pending;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use crate::body::Cut;
use crate::calls::{Call, Service};
use crate::effect::{effect, response};
use crate::faults::Kind;
use crate::gate::Moment;
use crate::message::{Reply, Request};
use crate::shared::Shared;
use crate::world::World;
use crate::{aws, daytona, github, kubernetes, registry, runpod};

/// No request of the real systems comes near this; a bigger one is a fault of the program under test.
const BODY_LIMIT: usize = 4 << 20;

/// One listener: the systems that share an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Secrets Manager, ECR and STS, told apart by the signature's scope.
    Aws,
    /// Daytona, under `/api`.
    Daytona,
    /// GitHub, also under `/api/v3`.
    GitHub,
    /// Every cluster's API server, each under `/k8s/clusters/{name}`.
    Kubernetes,
    /// Docker Hub: registry, token service and hub API.
    Registry,
    /// RunPod: REST v2 and the job API.
    RunPod,
}

/// What a request asks, before it is answered.
pub(crate) struct Asked {
    pub(crate) service: Service,
    pub(crate) operation: String,
    pub(crate) is_write: bool,
}

/// A double's answer, and what its model does not allow in the request.
pub(crate) struct Answer {
    pub(crate) reply: Reply,
    pub(crate) violations: Vec<String>,
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self { reply, violations: Vec::new() }
    }
}

impl Door {
    /// The listener of a system by its real name; clusters are called `*.cluster.example`.
    pub(crate) fn of_host(host: &str) -> Option<Self> {
        Some(match host {
            "api.github.com" => Self::GitHub,
            "app.daytona.io" => Self::Daytona,
            "api.runpod.io" | "api.runpod.ai" => Self::RunPod,
            "registry-1.docker.io" | "auth.docker.io" | "hub.docker.com" | "tokens.example.com" => {
                Self::Registry
            }
            host if host.ends_with(".amazonaws.com") => Self::Aws,
            host if host.ends_with(".cluster.example") => Self::Kubernetes,
            _ => return None,
        })
    }

    /// The listener of a system.
    #[must_use]
    pub fn of(service: Service) -> Self {
        match service {
            Service::SecretsManager | Service::Ecr | Service::Sts | Service::Kms => Self::Aws,
            Service::Daytona => Self::Daytona,
            Service::GitHub => Self::GitHub,
            Service::Kubernetes => Self::Kubernetes,
            Service::Registry | Service::Token | Service::Hub => Self::Registry,
            Service::RunPod | Service::RunPodJobs => Self::RunPod,
        }
    }

    pub(crate) fn asked(self, request: &Request) -> Asked {
        match self {
            Self::Aws => aws::asked(request),
            Self::Daytona => daytona::asked(request),
            Self::GitHub => github::asked(request),
            Self::Kubernetes => kubernetes::asked(request),
            Self::Registry => registry::asked(request),
            Self::RunPod => runpod::asked(request),
        }
    }

    pub(crate) fn answer(self, world: &mut World, request: &Request) -> Answer {
        match self {
            Self::Aws => aws::answer(world, request),
            Self::Daytona => daytona::answer(world, request),
            Self::GitHub => github::answer(world, request).into(),
            Self::Kubernetes => kubernetes::answer(world, request),
            Self::Registry => registry::answer(world, request),
            Self::RunPod => runpod::answer(world, request),
        }
    }

    pub(crate) fn refuse(self, world: &mut World, request: &Request, kind: &Kind) -> Reply {
        match self {
            Self::Aws => aws::refuse(request, kind),
            Self::Daytona => daytona::refuse(world, request, kind),
            Self::GitHub => github::refuse(world, kind),
            Self::Kubernetes => kubernetes::refuse(world, request, kind),
            Self::Registry => registry::refuse(request, kind),
            Self::RunPod => runpod::refuse(world, kind),
        }
    }
}

/// What becomes of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// It takes connections.
    Open,
    /// It takes none, and those that it has are reset.
    Closed,
    /// It takes none, and those that it has end with the answer to what was asked.
    Refusing,
}

/// What becomes of a listener, and whom to tell when it is so.
pub(crate) type Command = (Wanted, Box<dyn FnOnce(io::Result<()>) + Send + Sync>);

/// Serves one listener until the runtime ends.
pub(crate) async fn serve(
    door: Door,
    shared: Arc<Shared>,
    listener: StdListener,
    mut commands: mpsc::UnboundedReceiver<Command>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let mut listening = Some(Listening::Open(TcpListener::from_std(listener)?));
    let (state, _) = watch::channel(Wanted::Open);
    loop {
        tokio::select! {
            Some((wanted, done)) = commands.recv() => {
                let result = switch(&mut listening, address, wanted == Wanted::Open).await;
                if result.is_ok() {
                    state.send_replace(wanted);
                }
                done(result);
            }
            Ok((stream, _)) = accept(listening.as_ref()) => {
                tokio::spawn(connection(door, shared.clone(), stream, state.subscribe()));
            }
        }
    }
}

/// A door's socket.
enum Listening {
    Open(TcpListener),
    /// Bound and not listening: connections are refused, and nobody else gets the port meanwhile.
    Closed(TcpSocket),
}

async fn accept(listening: Option<&Listening>) -> io::Result<(TcpStream, SocketAddr)> {
    match listening {
        Some(Listening::Open(listener)) => listener.accept().await,
        Some(Listening::Closed(_)) | None => pending().await,
    }
}

async fn switch(listening: &mut Option<Listening>, address: SocketAddr, open: bool) -> io::Result<()> {
    *listening = Some(match (listening.take(), open) {
        (Some(Listening::Closed(socket)), true) => Listening::Open(socket.listen(1024)?),
        (None, true) => Listening::Open(bound(address).await?.listen(1024)?),
        (Some(unchanged @ Listening::Open(_)), true) | (Some(unchanged @ Listening::Closed(_)), false) => {
            unchanged
        }
        (listener, false) => {
            drop(listener);
            Listening::Closed(bound(address).await?)
        }
    });
    Ok(())
}

/// A socket on the address. A program that another thread is just starting holds on to the one before until it runs.
async fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Connections that were just closed hold on to the port for a while.
    socket.set_reuseaddr(true)?;
    let mut left = 1000;
    while let Err(error) = socket.bind(address) {
        if error.kind() != io::ErrorKind::AddrInUse || left == 0 {
            return Err(error);
        }
        left -= 1;
        sleep(Duration::from_millis(1)).await;
    }
    Ok(socket)
}

/// Serves one connection. When a request was to be hung up on, the socket is closed with a reset, as a middlebox does.
async fn connection(door: Door, shared: Arc<Shared>, stream: TcpStream, state: watch::Receiver<Wanted>) {
    // Without it, Nagle and delayed acknowledgements add 40 ms to an answer on a kept connection.
    stream.set_nodelay(true).ok();
    let service = service_fn(move |incoming| respond(door, shared.clone(), incoming));
    let mut http = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let (mut closed, mut refusing) = (state.clone(), state);
    let mut ending = false;
    let failed = loop {
        tokio::select! {
            result = &mut http => break result.is_err(),
            _ = closed.wait_for(|state| *state == Wanted::Closed) => break true,
            _ = refusing.wait_for(|state| *state == Wanted::Refusing), if !ending => {
                ending = true;
                Pin::new(&mut http).graceful_shutdown();
            }
        }
    };
    if failed {
        http.into_parts().io.into_inner().set_zero_linger().ok();
    }
}

async fn respond(
    door: Door,
    shared: Arc<Shared>,
    incoming: hyper::Request<Incoming>,
) -> io::Result<hyper::Response<Cut>> {
    let request = read(incoming).await?;
    if let Some(reply) = shared.inspect(&request) {
        return response(reply, None);
    }
    let asked = door.asked(&request);
    let index = shared.begin(asked, &request);
    let _turn = shared.turn().await;
    shared.delay().await;
    shared.pause(index, Moment::BeforeEffect).await;
    let fault = shared.strike(index);
    let reply = effect(door, &shared, index, &request, fault.as_ref()).await?;
    shared.pause(index, Moment::AfterEffect).await;
    if matches!(fault, Some(Kind::TimeoutAfter)) {
        pending::<()>().await;
    }
    shared.end(index, &reply, fault != Some(Kind::ResetAfter));
    shared.refuse(index).await;
    response(reply, fault)
}

async fn read(incoming: hyper::Request<Incoming>) -> io::Result<Request> {
    let (parts, body) = incoming.into_parts();
    // Whoever runs the sandbox may put any world into it.
    let limit = if parts.uri.path().starts_with("/_sandbox/") { usize::MAX } else { BODY_LIMIT };
    let body = Limited::new(body, limit).collect().await.map_err(io::Error::other)?.to_bytes();
    Ok(Request {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    })
}

/// A call as it stands when it has arrived.
pub(crate) fn arrived(index: usize, asked: Asked, request: &Request, started: std::time::Duration) -> Call {
    let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    Call {
        index,
        service: asked.service,
        operation: asked.operation,
        method: request.method.to_string(),
        path: format!("{}{query}", request.path),
        is_write: asked.is_write,
        started,
        ended: None,
        status: None,
        fault: None,
        violations: Vec::new(),
        request_headers: request.header_map(),
        request_body: request.body.to_vec(),
        response_headers: std::collections::BTreeMap::new(),
        response_body: Vec::new(),
    }
}
