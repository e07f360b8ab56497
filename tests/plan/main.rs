//! The planner as a pure function: what is wanted and what was found, as values, to the plan.
//!
//! Each scenario is one row of the decision tables in `src/targets/*/diff.rs`; `coverage.rs` fails if an
//! action or a reason occurs in none of them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod aws_policy;
mod aws_readers;
mod aws_rules;
mod aws_secret;
mod case;
mod coverage;
mod daytona;
mod daytona_pulls;
mod github;
mod kubernetes;
mod kubernetes_properties;
mod model;
mod properties;
mod rotate;
mod runpod;
mod runpod_case;
mod runpod_worlds;
mod runs;
mod shards;
mod undo;
mod view;
mod view_json;

/// Makes a test of each function, and a list of them all: each gives the plan that it looked at.
macro_rules! scenarios {
    ($($(#[$meta:meta])* fn $name:ident() -> Plan $body:block)*) => {
        $($(#[$meta])* fn $name() -> Plan $body)*

        pub(crate) const ALL: &[fn() -> Plan] = &[$($name),*];

        mod tests {
            $(#[test] fn $name() { let _ = super::$name(); })*
        }
    };
}
pub(crate) use scenarios;
