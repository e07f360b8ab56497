//! What regcred says about registries: image names, registry names, endpoints and logins.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod elsewhere;
mod endless;
mod endpoints;
mod github;
mod http;
mod hub;
mod interop;
mod kinds;
mod login;
mod reference;
mod registry_name;
mod runpod;
mod server;
mod tls;
mod token_kind;
