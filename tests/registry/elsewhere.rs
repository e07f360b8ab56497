//! An answer that leads to another server, in every system: nothing is asked there, and nothing sent.

use crate::endless::planned;
use crate::server::{Server, answer};

#[test]
fn no_system_leads_a_request_to_another_server() {
    for to in [
        "aws: { stacks: { main: { region: us-east-2, profile: p } } }",
        "daytona: {}",
        "github: [{ repository: acme/api }]",
        "kubernetes: [{ context: c, namespaces: [default] }]",
        "runpod: { templates: all }",
    ] {
        for status in [301, 302, 307, 308] {
            let elsewhere = Server::start(|_, _| answer(200, "{}"));
            let location = format!("{}/x", elsewhere.origin);
            let server =
                Server::start(move |_, _| (status, vec![("Location", location.clone())], String::new()));
            let (_, asked) = planned(to, &server);
            assert!(asked > 0, "{to}");
            assert_eq!(elsewhere.calls().len(), 0, "{to} {status}");
        }
    }
}
