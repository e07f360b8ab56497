//! The program, run as people run it, against the loopback doubles of every system.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod again;
mod aws_traps;
mod bad_file;
mod bad_input;
mod daytona;
mod daytona_faults;
mod daytona_images;
mod daytona_login;
mod exit_codes;
mod faults;
mod generated;
mod github_traps;
mod images;
mod injection;
mod json;
mod kill;
mod kubernetes;
mod leak;
mod main_job;
mod organization;
mod place;
mod programs;
mod proxy;
mod quotes;
mod refresh;
mod runpod;
mod scan;
mod selection;
mod source_traps;
mod sources;
mod stacks;
mod strike;
mod tries;
mod untrusted;
mod world;
