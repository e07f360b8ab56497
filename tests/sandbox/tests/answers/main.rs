//! The doubles answer as the real systems do: each known trap of theirs has a test here, over raw HTTP.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod client;
mod daytona;
mod docker_hub;
mod ecr;
mod faults;
mod github_access;
mod github_organizations;
mod github_secrets;
mod github_variables;
mod identity;
mod kms;
mod pauses;
mod program;
mod request_checks;
mod resource_policies;
mod runpod_auths;
mod runpod_endpoints;
mod runpod_quotas;
mod runpod_users;
mod secrets;
mod versions;
mod world;
