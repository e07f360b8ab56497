//! AWS: Secrets Manager, ECR's pull-through cache rules, STS and KMS behind one address, told apart by the request's target;
//! account and region come from the access key and the scope of its signature, as with the real endpoints.

mod auth;
mod check;
mod credential;
mod deletion;
mod ecr;
mod error;
mod ids;
mod kms;
mod policy;
mod regions;
mod rename;
mod resource_policy;
mod secrets_manager;
mod signature;
mod state;
mod sts;
mod tags;
mod versions;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use state::{AccessKey, Aws, Replica, Role, Rule, Secret, Version, Wrapped, service_linked_role};

use crate::calls::Service;
use crate::faults::Kind;
use crate::message::{Reply, Request, http_date};
use crate::server::{Answer, Asked};
use crate::world::World;
use auth::Caller;
use error::AwsError;

/// What an operation answers: the output's members, or an error.
type Outcome = Result<Value, AwsError>;

/// One authenticated request on its way through a service.
struct Visit<'w> {
    world: &'w mut World,
    caller: Caller,
    region: String,
    now: DateTime<Utc>,
    operation: String,
    input: Value,
}

impl Visit<'_> {
    /// The input as the operation's own type. The model has been checked before, so this hardly ever fails.
    fn input<T: DeserializeOwned>(&self) -> Result<T, AwsError> {
        serde_json::from_value(self.input.clone())
            .map_err(|error| AwsError::serialization(&error.to_string()))
    }
}

pub(crate) fn asked(request: &Request) -> Asked {
    let (service, operation) = name(request);
    let is_write = !["Get", "Describe", "List", "Validate", "Assume", "Decrypt"]
        .iter()
        .any(|verb| operation.starts_with(verb));
    Asked { service, operation, is_write }
}

pub(crate) fn answer(world: &mut World, request: &Request) -> Answer {
    let (service, operation) = name(request);
    let mut violations = Vec::new();
    let outcome = perform(world, request, service, &operation, &mut violations);
    let now = world.clock.now();
    let reply = match outcome {
        Ok(output) if service == Service::Sts => sts::render(&operation, &output),
        Ok(output) => json(200, &output),
        Err(error) => error.render(service),
    };
    let reply =
        reply.with("x-amzn-requestid", ids::request_id(&request.body, now)).with("date", http_date(now));
    Answer { reply, violations }
}

/// A fault's answer, in the service's own shape.
pub(crate) fn refuse(request: &Request, kind: &Kind) -> Reply {
    let (service, operation) = name(request);
    AwsError::for_fault(service, &operation, kind).render(service)
}

fn perform(
    world: &mut World,
    request: &Request,
    service: Service,
    operation: &str,
    violations: &mut Vec<String>,
) -> Outcome {
    let (caller, region) = auth::authenticate(&world.aws, request, service)?;
    let input = if service == Service::Sts { sts::input(request) } else { parse(request)? };
    let found = check::check(service, operation, &input)?;
    violations.extend(found.iter().map(ToString::to_string));
    if let Some(refused) = found.iter().find(|violation| violation.is_refused()) {
        return Err(check::error(refused, service));
    }
    let now = world.clock.now();
    let visit = Visit { world, caller, region, now, operation: operation.to_owned(), input };
    match service {
        Service::Sts => sts::dispatch(visit),
        Service::Ecr => ecr::dispatch(visit),
        Service::Kms => kms::dispatch(&visit),
        _ => secrets_manager::dispatch(visit),
    }
}

fn parse(request: &Request) -> Outcome {
    if request.body.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_slice(&request.body).map_err(|error| AwsError::serialization(&error.to_string()))
}

/// Service and operation. An unsigned request is told apart by its target, or else taken for STS.
fn name(request: &Request) -> (Service, String) {
    let target = request.header("x-amz-target").unwrap_or_default();
    match target.split_once('.') {
        Some((api, operation)) if api.starts_with("AmazonEC2ContainerRegistry") => {
            (Service::Ecr, operation.to_owned())
        }
        Some(("TrentService", operation)) => (Service::Kms, operation.to_owned()),
        Some((_, operation)) => (Service::SecretsManager, operation.to_owned()),
        None => (Service::Sts, sts::action(request)),
    }
}

fn json(status: u16, body: &Value) -> Reply {
    Reply::text(status, "application/x-amz-json-1.1", body.to_string())
}

/// AWS JSON's times: seconds since 1970, with milliseconds.
#[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double for 280,000 years")]
fn seconds(time: DateTime<Utc>) -> f64 {
    time.timestamp_millis() as f64 / 1000.0
}
