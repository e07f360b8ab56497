//! What holds of the project itself: its dependencies and its documentation.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod dependencies;
mod docs;
mod package;
mod pages;
mod reference;
mod release;
mod style;
mod workflows;
