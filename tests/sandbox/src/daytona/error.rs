//! Daytona's error bodies.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

use crate::message::Reply;

/// A request that is refused.
pub(crate) struct Refusal {
    status: u16,
    error: &'static str,
    message: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, error: &'static str, message: impl Into<String>) -> Self {
        Self { status, error, message: message.into() }
    }

    /// The server's own words for a status.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            401 => Self::new(401, "Unauthorized", "Invalid credentials"),
            403 => Self::new(403, "Forbidden", "Access denied"),
            404 => Self::new(404, "Not Found", "Docker registry not found"),
            409 => Self::new(409, "Conflict", "Docker registry already exists"),
            429 => Self::new(429, "Too Many Requests", "ThrottlerException: Too Many Requests"),
            503 => Self::new(503, "Service Unavailable", "Service Unavailable"),
            _ => Self::new(status, "Internal Server Error", "Internal server error"),
        }
    }
}

pub(crate) fn render(refusal: &Refusal, path: &str, now: DateTime<Utc>) -> Reply {
    let body = json!({
        "path": path,
        "timestamp": now.to_rfc3339_opts(SecondsFormat::Millis, true),
        "statusCode": refusal.status,
        "error": refusal.error,
        "message": refusal.message,
    });
    Reply::json(refusal.status, &body)
}
