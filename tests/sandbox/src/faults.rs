//! What can go wrong between two systems, put where a test wants it.

use serde::Serialize;

use crate::calls::{Call, Service};
use crate::quote::Spelling;

/// A fault: where it strikes, what it does, and how often.
#[derive(Clone, Debug)]
pub struct Fault {
    at: At,
    kind: Kind,
    skip: usize,
    times: Option<usize>,
}

#[derive(Clone, Debug)]
enum At {
    Index(usize),
    Matching { service: Option<Service>, operation: Option<String> },
    Writes,
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Kind {
    /// Answered with this status, in the service's own shape; without effect.
    Status(u16),
    /// The service's own "too many requests", without effect: AWS `ThrottlingException`, GitHub's secondary limit
    /// (403), 429 of the registry and of RunPod. GitHub sends `retry-after` only sometimes (documented), hence the option.
    Throttle {
        /// Seconds in `retry-after`; no such header when `None`.
        retry_after: Option<u64>,
    },
    /// The same with the time at which to come again, in the form that the service is described with, or HTTP is: GitHub's
    /// `x-ratelimit-reset`, `x-retry-after` of hub.docker.com, else a date in `retry-after`. AWS sends none.
    ThrottleUntil,
    /// Redirected with 307, without effect.
    Redirect {
        /// To another server; else to where the request went.
        elsewhere: bool,
    },
    /// Answered with this status, in the service's own shape and with these words; without effect.
    Say {
        /// The status.
        status: u16,
        /// The words.
        words: String,
    },
    /// Answered with this status, in the service's own shape and with words that repeat every secret of the request in this
    /// spelling; without effect.
    Quote {
        /// The status.
        status: u16,
        /// How the secrets are written.
        spelling: Spelling,
    },
    /// Answered by something before the service, with this; without effect.
    Reply {
        /// The status.
        status: u16,
        /// What the body is called.
        content_type: &'static str,
        /// The body.
        body: String,
    },
    /// Never answered, without effect: held until the client gives up.
    TimeoutBefore,
    /// Takes effect and is never answered.
    TimeoutAfter,
    /// Connection reset, without effect.
    ResetBefore,
    /// Takes effect, then the connection is reset.
    ResetAfter,
    /// Takes effect; the answer promises its full length and ends half way.
    TruncatedBody,
    /// Takes effect; the answer has its status and headers, and a body that is not JSON.
    GarbageBody,
    /// Takes effect; the answer's body comes a byte at a time, and its last byte never.
    SlowBody,
    /// What only reads is answered as it would have been when the fault was planned; what writes, as ever.
    StaleRead,
}

impl Kind {
    /// Every kind once, for tests that go through the catalogue.
    #[must_use]
    pub fn catalogue() -> Vec<Self> {
        vec![
            Self::Status(500),
            Self::Status(503),
            Self::Status(429),
            Self::Status(401),
            Self::Status(403),
            Self::Status(404),
            Self::Status(409),
            Self::Throttle { retry_after: Some(1) },
            Self::Throttle { retry_after: None },
            Self::ThrottleUntil,
            Self::Redirect { elsewhere: true },
            Self::Redirect { elsewhere: false },
            Self::TimeoutBefore,
            Self::TimeoutAfter,
            Self::ResetBefore,
            Self::ResetAfter,
            Self::TruncatedBody,
            Self::GarbageBody,
            Self::SlowBody,
            Self::StaleRead,
        ]
    }

    /// Whether the request does its work in spite of the fault.
    #[must_use]
    pub fn takes_effect(&self) -> bool {
        matches!(
            self,
            Self::TimeoutAfter
                | Self::ResetAfter
                | Self::TruncatedBody
                | Self::GarbageBody
                | Self::SlowBody
                | Self::StaleRead
        )
    }
}

impl Fault {
    /// Strikes the request with this index in the call log, once.
    #[must_use]
    pub fn nth(index: usize, kind: Kind) -> Self {
        Self::new(At::Index(index), kind)
    }

    /// Strikes the next request for this operation, once.
    #[must_use]
    pub fn on(service: Service, operation: &str, kind: Kind) -> Self {
        Self::new(At::Matching { service: Some(service), operation: Some(operation.to_owned()) }, kind)
    }

    /// Strikes the next request for this service, whatever it asks.
    #[must_use]
    pub fn on_service(service: Service, kind: Kind) -> Self {
        Self::new(At::Matching { service: Some(service), operation: None }, kind)
    }

    /// Strikes the next request that would change something.
    #[must_use]
    pub fn on_writes(kind: Kind) -> Self {
        Self::new(At::Writes, kind)
    }

    /// Strikes the next request of all.
    #[must_use]
    pub fn on_any(kind: Kind) -> Self {
        Self::new(At::Matching { service: None, operation: None }, kind)
    }

    /// Lets the first `count` matching requests pass.
    #[must_use]
    pub fn after(mut self, count: usize) -> Self {
        self.skip = count;
        self
    }

    /// Strikes this often instead of once.
    #[must_use]
    pub fn times(mut self, count: usize) -> Self {
        self.times = Some(count);
        self
    }

    /// Whether it answers what was there when it was planned.
    pub(crate) fn is_stale(&self) -> bool {
        self.kind == Kind::StaleRead
    }

    /// Never stops.
    #[must_use]
    pub fn forever(mut self) -> Self {
        self.times = None;
        self
    }

    fn new(at: At, kind: Kind) -> Self {
        Self { at, kind, skip: 0, times: Some(1) }
    }

    fn matches(&self, call: &Call) -> bool {
        match &self.at {
            At::Index(index) => call.index == *index,
            At::Writes => call.is_write,
            At::Matching { service, operation } => {
                service.is_none_or(|wanted| wanted == call.service)
                    && operation.as_deref().is_none_or(|wanted| wanted == call.operation)
            }
        }
    }

    fn strikes(&mut self, call: &Call) -> bool {
        if self.times == Some(0) || !self.matches(call) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.times = self.times.map(|left| left - 1);
        true
    }
}

/// The first armed fault that strikes this call; one that is used up is dropped.
pub(crate) fn pick(armed: &mut Vec<Fault>, call: &Call) -> Option<Kind> {
    let kind = armed.iter_mut().find_map(|fault| fault.strikes(call).then(|| fault.kind.clone()));
    armed.retain(|fault| fault.times != Some(0));
    kind
}
