//! Loopback doubles of the systems that regcred writes to: AWS (Secrets Manager, ECR, STS, KMS), Daytona, GitHub,
//! Kubernetes, Docker Hub and RunPod.
//!
//! They answer at the wire as the real systems do, their traps included. Where the real behaviour is documented, the
//! code says by whom; where nobody could confirm it, it says "unconfirmed". Nothing here was compared with the real
//! systems directly.
//!
//! ```no_run
//! use regcred_sandbox::{Fault, Kind, Sandbox, Service, World};
//!
//! let sandbox = Sandbox::start(World::default())?;
//! sandbox.fault(Fault::on(Service::Ecr, "CreatePullThroughCacheRule", Kind::Status(500)));
//! // … run the program with `sandbox.env()` …
//! assert_eq!(sandbox.state().aws.rules.len(), 1);
//! assert!(sandbox.violations().is_empty());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! As a program, `regcred-sandbox` prints the environment to export, so that other clients can be pointed at it too:
//!
//! ```text
//! regcred-sandbox --state world.json > env.sh &          # stays until Ctrl-C
//! . ./env.sh
//! aws secretsmanager list-secrets --region us-east-2     # an aws CLI that knows AWS_ENDPOINT_URL
//! GH_ENTERPRISE_TOKEN=$GITHUB_TOKEN gh api "$GITHUB_API_URL/repos/acme/api/actions/secrets"
//! curl "$GITHUB_API_URL/_sandbox/state"                  # what landed where, GitHub's secrets opened
//! ```
//!
//! With `--kubeconfig FILE`, the clusters are behind the exported `KUBECONFIG`; see [`kubernetes`] for how a test drives
//! them. `gh secret set` speaks https only: with `--tls FILE` everything but the clusters does.
//!
//! How a request goes: `server` reads it whole, `shared` logs it, `faults` may strike, the double's `answer` changes the
//! [`World`] and replies. Doubles are plain functions on the world, without waiting and without a clock of their own.

mod body;
mod calls;
mod effect;
mod evidence;
mod faults;
mod gate;
mod message;
mod proxy;
mod quote;
mod sandbox;
mod server;
mod shape;
mod shared;
mod turns;
mod world;

pub mod aws;
pub mod daytona;
pub mod github;
pub mod kubernetes;
pub mod registry;
pub mod runpod;

pub use calls::{Call, Service, longest_chain, writes};
pub use faults::{Fault, Kind};
pub use gate::{Moment, Pause};
pub use proxy::{Authority, Fronts, Identity, Proxy, TlsServer};
pub use quote::Spelling;
pub use sandbox::{Ports, Sandbox};
pub use server::Door;
pub use turns::Turns;
pub use world::{Clock, World};
