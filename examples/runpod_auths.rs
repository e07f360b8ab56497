//! Makes a registry auth in RunPod, lists all of them, and deletes it again:
//!
//! ```sh
//! export RUNPOD_API_KEY=… REGISTRY_USERNAME=acme REGISTRY_TOKEN=dckr_pat_…
//! cargo run --example runpod_auths
//! ```
#![allow(clippy::print_stderr, reason = "it is a program for a terminal")]

use std::error::Error;
use std::io::Write;

use regcred::env::Env;
use regcred::model::Secret;
use regcred::redact;
use regcred::targets::runpod::{Client, ContainerRegistryAuthCreateInput};

/// The name of the auth that is made.
pub(crate) const NAME: &str = "regcred-example";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    story(&Env::of_process(), &mut std::io::stdout()).await
}

/// What the program does, with what it says.
///
/// # Errors
/// A variable is not set, or RunPod refuses a request.
pub(crate) async fn story(env: &Env, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let client = Client::from_env(env)?;
    let filled = |name: &str| env.filled(name).ok_or_else(|| format!("{name} is not set"));
    let auth = ContainerRegistryAuthCreateInput {
        name: NAME.to_owned(),
        username: filled("REGISTRY_USERNAME")?.to_owned(),
        password: Secret::new(filled("REGISTRY_TOKEN")?.to_owned()),
    };
    // A wait for RunPod's quota is told here.
    let say = |words: String| eprintln!("{words}");

    let made = client.create_auth(&auth, &say).await?;
    for auth in client.auths(&say).await? {
        // What comes from outside may hold characters that a terminal acts on.
        writeln!(out, "{}  {}", redact::outside(&auth.id), redact::outside(&auth.name))?;
    }
    client.delete_auth(&made.id, &say).await?;
    writeln!(out, "deleted {}", redact::outside(&made.id))?;
    Ok(())
}
