//! What becomes of a request that arrived: what it asks for, or what a fault does instead.

use std::future::pending;
use std::io;

use chrono::{DateTime, Duration, Utc};
use http::StatusCode;

use crate::body::Cut;
use crate::calls::Service;
use crate::faults::Kind;
use crate::message::{Reply, Request, http_date};
use crate::quote::{quoted, reworded};
use crate::server::Door;
use crate::shared::Shared;

/// Does what the request asks, unless the fault forbids it.
pub(crate) async fn effect(
    door: Door,
    shared: &Shared,
    index: usize,
    request: &Request,
    fault: Option<&Kind>,
) -> io::Result<Reply> {
    match fault {
        Some(Kind::TimeoutBefore) => pending().await,
        Some(Kind::ResetBefore) => Err(hang_up()),
        Some(Kind::ThrottleUntil) => Ok(throttled(door, shared, request)),
        Some(Kind::Redirect { elsewhere }) => Ok(redirected(request, *elsewhere)),
        Some(Kind::StaleRead) if !door.asked(request).is_write => {
            Ok(door.answer(&mut shared.earlier(), request).reply)
        }
        Some(Kind::Reply { status, content_type, body }) => {
            Ok(Reply::text(*status, content_type, body.clone()))
        }
        Some(Kind::Say { status, words }) => {
            let refused = door.refuse(&mut shared.world(), request, &Kind::Status(*status));
            Ok(reworded(refused, words))
        }
        Some(Kind::Quote { status, spelling }) => {
            let refused = door.refuse(&mut shared.world(), request, &Kind::Status(*status));
            Ok(reworded(refused, &quoted(request, *spelling)))
        }
        Some(kind) if !kind.takes_effect() => Ok(door.refuse(&mut shared.world(), request, kind)),
        _ => {
            let answer = door.answer(&mut shared.world(), request);
            shared.note(index, answer.violations);
            Ok(answer.reply)
        }
    }
}

/// "Too many requests", and when to come again: in a second.
fn throttled(door: Door, shared: &Shared, request: &Request) -> Reply {
    let mut world = shared.world();
    let until = world.clock.now() + Duration::seconds(1);
    let reply = door.refuse(&mut world, request, &Kind::Throttle { retry_after: None });
    when(door.asked(request).service, until)
        .into_iter()
        .fold(reply, |reply, (name, value)| reply.with(name, value))
}

/// A time in the headers that a service is described with, or else in HTTP's own.
fn when(service: Service, until: DateTime<Utc>) -> Vec<(&'static str, String)> {
    let seconds = (until.timestamp() + 1).to_string();
    match Door::of(service) {
        Door::Aws => vec![],
        Door::GitHub => vec![("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset", seconds)],
        _ if service == Service::Hub => vec![("x-retry-after", seconds)],
        _ => vec![("retry-after", http_date(until))],
    }
}

fn redirected(request: &Request, elsewhere: bool) -> Reply {
    let server = if elsewhere { "https://elsewhere.example" } else { "" };
    let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    Reply::empty(307).with("location", format!("{server}{}{query}", request.path))
}

/// The answer as it is sent.
pub(crate) fn response(reply: Reply, fault: Option<Kind>) -> io::Result<hyper::Response<Cut>> {
    let body = match fault {
        Some(Kind::ResetAfter) => return Err(hang_up()),
        Some(Kind::TruncatedBody) => Cut::half(reply.body),
        Some(Kind::SlowBody) => Cut::slow(reply.body),
        Some(Kind::GarbageBody) => Cut::whole(b"<html>\0\xff{\"".to_vec()),
        _ => Cut::whole(reply.body),
    };
    let mut response =
        hyper::Response::builder().status(StatusCode::from_u16(reply.status).map_err(io::Error::other)?);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(body).map_err(io::Error::other)
}

fn hang_up() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}
