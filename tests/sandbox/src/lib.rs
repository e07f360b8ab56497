//! Loopback doubles of the systems that regcred writes to: AWS (Secrets Manager, ECR, STS), GitHub and Docker Hub.
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

mod body;
mod calls;
mod faults;
mod gate;
mod message;
mod sandbox;
mod server;
mod shared;
mod world;

pub mod aws;
pub mod github;
pub mod registry;

pub use calls::{Call, Service, longest_chain, writes};
pub use faults::{Fault, Kind};
pub use gate::{Moment, Pause};
pub use sandbox::{Ports, Sandbox};
pub use server::Door;
pub use world::{Clock, World};
