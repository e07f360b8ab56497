//! The log of requests: what was asked, answered and when.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// The system that a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// AWS Secrets Manager.
    SecretsManager,
    /// Amazon ECR.
    Ecr,
    /// AWS STS.
    Sts,
    /// AWS KMS.
    Kms,
    /// Daytona's REST API.
    Daytona,
    /// GitHub's REST API.
    GitHub,
    /// A kube-apiserver.
    Kubernetes,
    /// registry-1.docker.io.
    Registry,
    /// auth.docker.io, the registry's token service.
    Token,
    /// hub.docker.com.
    Hub,
    /// RunPod's REST API, api.runpod.io.
    RunPod,
    /// RunPod's job API, api.runpod.ai: health of endpoints.
    RunPodJobs,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SecretsManager => "secretsmanager",
            Self::Ecr => "ecr",
            Self::Sts => "sts",
            Self::Kms => "kms",
            Self::Daytona => "daytona",
            Self::GitHub => "github",
            Self::Kubernetes => "kubernetes",
            Self::Registry => "registry",
            Self::Token => "token",
            Self::Hub => "hub",
            Self::RunPod => "runpod",
            Self::RunPodJobs => "runpodjobs",
        })
    }
}

/// One request and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// Place in the log, from 0, by arrival.
    pub index: usize,
    /// The system it was for.
    pub service: Service,
    /// `CreateSecret`, or for REST `PUT /repos/{owner}/{repo}/actions/secrets/{secret_name}`: the method and the
    /// path as the vendor's documentation writes it.
    pub operation: String,
    /// HTTP method.
    pub method: String,
    /// Path and query as sent.
    pub path: String,
    /// Whether the operation changes something when it succeeds.
    pub is_write: bool,
    /// When the request had arrived, counted from the sandbox's start.
    pub started: Duration,
    /// When the answer was ready; `None` while it is held, or when the client gave up.
    pub ended: Option<Duration>,
    /// `None` when no answer was sent.
    pub status: Option<u16>,
    /// The fault that was done to it, if any.
    pub fault: Option<String>,
    /// What the service's own model does not allow in this request. Tests assert that there is none.
    pub violations: Vec<String>,
    /// Names in lower case.
    pub request_headers: BTreeMap<String, String>,
    /// As received.
    #[serde(serialize_with = "as_text")]
    pub request_body: Vec<u8>,
    /// Names in lower case, without those that the server itself adds.
    pub response_headers: BTreeMap<String, String>,
    /// As answered, before a fault cut or spoiled it.
    #[serde(serialize_with = "as_text")]
    pub response_body: Vec<u8>,
}

impl Call {
    /// The request body as JSON; `Null` where it is none.
    #[must_use]
    pub fn request_json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.request_body).unwrap_or_default()
    }

    /// The response body as JSON; `Null` where it is none.
    #[must_use]
    pub fn response_json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.response_body).unwrap_or_default()
    }
}

fn as_text<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(bytes))
}

/// The calls that changed something, or tried to.
#[must_use]
pub fn writes(calls: &[Call]) -> Vec<&Call> {
    calls.iter().filter(|call| call.is_write).collect()
}

/// The length of the longest chain in which each request started after the answer to the one before: with latency
/// injected, wall time is at least this many latencies. Without latency, chance makes it longer than what depends.
#[must_use]
pub fn longest_chain(calls: &[Call]) -> usize {
    let mut answered: Vec<&Call> = calls.iter().filter(|call| call.ended.is_some()).collect();
    answered.sort_by_key(|call| call.started);
    let mut lengths: Vec<usize> = Vec::with_capacity(answered.len());
    for (position, call) in answered.iter().enumerate() {
        let before = answered[..position].iter().zip(&lengths);
        let longest = before
            .filter(|(earlier, _)| earlier.ended <= Some(call.started))
            .map(|(_, length)| *length)
            .max();
        lengths.push(longest.unwrap_or(0) + 1);
    }
    lengths.into_iter().max().unwrap_or(0)
}
