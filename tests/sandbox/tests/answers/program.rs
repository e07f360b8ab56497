//! The sandbox as a program.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use regcred_sandbox::World;

use crate::client::{TOKEN, send};

/// A running program and what it printed. Killed when dropped.
struct Program {
    child: Child,
    env: BTreeMap<String, String>,
}

impl Program {
    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_regcred-sandbox"))
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut env = BTreeMap::new();
        for line in lines {
            let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
            env.insert(name.to_owned(), value.trim_matches('\'').to_owned());
            // The last of them by name; the program stays, so there is no end to read to.
            if name == "RUNPOD_API_URL" {
                break;
            }
        }
        Self { child, env }
    }

    /// SIGTERM, as `kill` sends it, and the exit code.
    fn terminate(&mut self) -> Option<i32> {
        Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn path(directory: &Path, name: &str) -> String {
    directory.join(name).display().to_string()
}

#[test]
fn the_program_prints_what_to_export_serves_and_ends_on_sigterm() {
    let mut program = Program::start(&["--docker-hub-user", "bob", "--docker-hub-token", "s3cret"]);
    let hub = program.env["DOCKER_HUB_API_URL"].clone();
    let login = |user: &str, secret: &str| {
        let body = format!(r#"{{"identifier":"{user}","secret":"{secret}"}}"#);
        send(&hub, "POST", "/v2/auth/token", &[], body.as_bytes()).unwrap().status
    };
    assert_eq!((login("bob", "s3cret"), login("bob", "other")), (200, 401));
    assert_eq!(program.terminate(), Some(0));
}

#[test]
fn the_program_keeps_its_world_and_its_calls_in_files() {
    let directory = std::env::temp_dir().join(format!("regcred-sandbox-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let (state, calls) = (path(&directory, "world.json"), path(&directory, "calls.jsonl"));
    let post = |program: &Program| {
        let headers = [("authorization", "Bearer github_pat_sandbox0123456789"), ("user-agent", "test")];
        let url = &program.env["GITHUB_API_URL"];
        let body = br#"{"name":"KEPT","value":"v1"}"#;
        send(url, "POST", "/repos/acme/api/actions/variables", &headers, body).unwrap().status
    };
    let mut first = Program::start(&["--state", &state, "--calls", &calls]);
    assert_eq!(post(&first), 201);
    assert_eq!(first.terminate(), Some(0));
    let second = Program::start(&["--state", &state, "--calls", &calls]);
    assert_eq!(post(&second), 409);
    drop(second);
    let lines = std::fs::read_to_string(&calls).unwrap();
    assert_eq!(lines.lines().count(), 2);
    assert!(lines.lines().all(|line| line.contains("POST /repos/{owner}/{repo}/actions/variables")));
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn the_program_writes_a_kubeconfig_and_reports_who_pulls_with_what() {
    let directory = std::env::temp_dir().join(format!("regcred-sandbox-clusters-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let (state, config) = (path(&directory, "world.json"), path(&directory, "kubeconfig"));
    let mut program = Program::start(&["--state", &state, "--kubeconfig", &config]);
    assert_eq!(program.env["KUBECONFIG"], config);
    let config: serde_json::Value = serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
    let server = config["clusters"][0]["cluster"]["server"].as_str().unwrap().to_owned();
    let token = config["users"][0]["user"]["token"].as_str().unwrap();
    let (base, cluster) = server.split_once("/k8s").unwrap();
    let authorization = format!("Bearer {token}");
    let call = |method: &str, rest: &str, kind: &str, body: &serde_json::Value| {
        let headers = [("authorization", authorization.as_str()), ("content-type", kind)];
        let path = format!("/k8s{cluster}/api/v1/namespaces/runai/{rest}");
        send(base, method, &path, &headers, body.to_string().as_bytes()).unwrap().status
    };
    let login = serde_json::json!({ "username": "acme", "password": crate::client::TOKEN });
    let auths = serde_json::json!({ "auths": { "https://index.docker.io/v1/": login } });
    let pull = serde_json::json!({ "imagePullSecrets": [{ "name": "hub" }] });
    assert_eq!(call("POST", "secrets", "application/json", &crate::client::pull_secret("hub", &auths)), 201);
    assert_eq!(call("PATCH", "serviceaccounts/default", "application/merge-patch+json", &pull), 200);
    assert_eq!(program.terminate(), Some(0));
    let report =
        Command::new(env!("CARGO_BIN_EXE_regcred-sandbox")).args(["report", "--state", &state]).output();
    let expected = "Kubernetes prod, runai\n  secret    hub: acme and a token *** that Docker Hub accepts\n  account   \
                    default pulls with it\n";
    assert_eq!(String::from_utf8(report.unwrap().stdout).unwrap(), expected);
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn the_report_tells_what_pulls_with_which_registry_auth_and_no_token() {
    let directory = std::env::temp_dir().join(format!("regcred-sandbox-report-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let mut world = World::default();
    let id = world.runpod.add_auth("docker-hub-acme", "acme", TOKEN);
    world.runpod.add_endpoint("infer", "acme/infer:1").container.registry = Some(id);
    world.runpod.add_template("web", "acme/web:1");
    std::fs::write(path(&directory, "world.json"), serde_json::to_vec(&world).unwrap()).unwrap();
    let mut report = Command::new(env!("CARGO_BIN_EXE_regcred-sandbox"));
    let output = report.args(["report", "--state", &path(&directory, "world.json")]).output().unwrap();
    let expected = "RunPod\n  registry  docker-hub-acme\n            holds acme and a token *** that Docker Hub accepts\n  \
                    endpoint  infer pulls with it\n";
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    std::fs::remove_dir_all(directory).unwrap();
}
