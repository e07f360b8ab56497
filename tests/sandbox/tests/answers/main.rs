//! The doubles answer as the real systems do: each known trap of theirs has a test here, over raw HTTP.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod client;
mod daytona;
mod docker_hub;
mod ecr;
mod faults;
mod github_access;
mod github_lists;
mod github_organizations;
mod github_runs;
mod github_secrets;
mod github_variables;
mod hub;
mod identity;
mod kms;
mod kubelet;
mod kubernetes_access;
mod kubernetes_apply;
mod kubernetes_deletions;
mod kubernetes_lists;
mod kubernetes_patches;
mod kubernetes_secrets;
mod kubernetes_world;
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
