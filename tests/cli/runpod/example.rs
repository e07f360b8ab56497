//! The program for Rust developers that speaks RunPod with regcred's types, against the sandbox.

#[path = "../../../examples/runpod_auths.rs"]
#[expect(dead_code, reason = "a test runs the story, and not the program around it")]
mod runpod_auths;

use regcred::env::Env;
use regcred_sandbox::{Fault, Kind, Sandbox};

use super::*;

/// Whether the example went well, and what it said.
fn tell(sandbox: &Sandbox) -> (Result<(), String>, String) {
    let login = [("REGISTRY_USERNAME", USER), ("REGISTRY_TOKEN", TOKEN)];
    let login = login.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let env: Env = sandbox.env().into_iter().chain(login).collect();
    let mut out = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ended = runtime.block_on(runpod_auths::story(&env, &mut out));
    (ended.map_err(|error| error.to_string()), String::from_utf8(out).unwrap())
}

#[test]
fn the_example_makes_an_auth_that_runpod_takes_lists_it_by_its_id_and_deletes_it_again() {
    let sandbox = Sandbox::start(account()).unwrap();
    let theirs = sandbox.state().runpod.add_auth("by-hand", USER, TOKEN);
    let (ended, said) = tell(&sandbox);
    assert_eq!(ended, Ok(()));
    let calls = sandbox.calls();
    let operations: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
    assert_eq!(operations, ["POST /v2/registries", "GET /v2/registries", "DELETE /v2/registries/{id}"]);
    let sent = calls[0].request_json();
    assert_eq!(sent["name"], runpod_auths::NAME);
    assert_eq!((&sent["username"], &sent["password"]), (&USER.into(), &TOKEN.into()));
    assert!(said.contains(&format!("{theirs}  by-hand")) && said.contains("deleted "), "{said}");
    assert!(!said.contains(TOKEN), "{said}");
    let state = sandbox.state();
    let left: Vec<&str> = state.runpod.auths.iter().map(|auth| auth.id.as_str()).collect();
    assert_eq!((left, sandbox.violations()), (vec![theirs.as_str()], Vec::new()));
}

#[test]
fn an_auth_is_sent_once_whatever_is_answered() {
    let sandbox = Sandbox::start(account()).unwrap();
    sandbox.fault(Fault::on(Service::RunPod, "POST /v2/registries", Kind::Status(503)).forever());
    let (ended, _) = tell(&sandbox);
    assert!(ended.unwrap_err().contains("503"));
    assert_eq!(sandbox.calls().len(), 1);
}
