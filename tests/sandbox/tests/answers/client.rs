//! The smallest HTTP client that shows everything: one request per connection, nothing retried, nothing followed.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto_box::PublicKey;
use crypto_box::aead::OsRng;
use regcred_sandbox::{Door, Sandbox, World};
use serde_json::{Value, json};

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const REGION: &str = "us-east-2";
pub(crate) const NAME: &str = "ecr-pullthroughcache/docker-hub";
pub(crate) const TOKEN: &str = "dckr_pat_sandbox-0123456789abcdefghi";

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// Sends one request and reads until the server closes. Fewer bytes than promised are an error.
pub(crate) fn send(
    base: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Answer> {
    let mut stream = connect(base)?;
    write_request(&mut stream, base, method, path, headers, body)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parse(&bytes, method == "HEAD")
}

pub(crate) fn connect(base: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(base.trim_start_matches("http://"))?;
    // Only a broken server makes a test wait this long.
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(stream)
}

pub(crate) fn write_request(
    stream: &mut TcpStream,
    base: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<()> {
    let host = base.trim_start_matches("http://");
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    stream.write_all(&[head.as_bytes(), body].concat())
}

fn parse(bytes: &[u8], is_head: bool) -> io::Result<Answer> {
    let end =
        bytes.windows(4).position(|window| window == b"\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok())
        .ok_or(io::ErrorKind::InvalidData)?;
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let body = bytes[end + 4..].to_vec();
    let promised: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    if !is_head && body.len() < promised {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Answer { status, headers, body })
}

pub(crate) fn start() -> Sandbox {
    start_with(|_| {})
}

/// A default world, changed by `arrange`; signatures are not checked, since this client does not sign.
pub(crate) fn start_with(arrange: impl FnOnce(&mut World)) -> Sandbox {
    let mut world = World::default();
    world.aws.verify_signatures = false;
    arrange(&mut world);
    Sandbox::start(world).unwrap()
}

/// An AWS client of one access key in one region.
pub(crate) struct Aws<'s> {
    pub(crate) sandbox: &'s Sandbox,
    pub(crate) key: &'s str,
    pub(crate) token: Option<&'s str>,
    pub(crate) region: &'s str,
}

/// Code and message of an AWS error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AwsError {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl<'s> Aws<'s> {
    pub(crate) fn new(sandbox: &'s Sandbox) -> Self {
        Self { sandbox, key: "AKIASANDBOXREGCRED00", token: None, region: REGION }
    }

    pub(crate) fn secrets(&self, operation: &str, input: &Value) -> Result<Value, AwsError> {
        self.json(&format!("secretsmanager.{operation}"), "secretsmanager", input)
    }

    pub(crate) fn ecr(&self, operation: &str, input: &Value) -> Result<Value, AwsError> {
        self.json(&format!("AmazonEC2ContainerRegistry_V20150921.{operation}"), "ecr", input)
    }

    pub(crate) fn kms(&self, operation: &str, input: &Value) -> Result<Value, AwsError> {
        self.json(&format!("TrentService.{operation}"), "kms", input)
    }

    pub(crate) fn sts(&self, form: &str) -> Answer {
        self.post("sts", &[("content-type", "application/x-www-form-urlencoded")], form.as_bytes())
    }

    fn json(&self, target: &str, service: &str, input: &Value) -> Result<Value, AwsError> {
        let headers = [("x-amz-target", target), ("content-type", "application/x-amz-json-1.1")];
        let answer = self.post(service, &headers, input.to_string().as_bytes());
        let body = answer.json();
        if answer.status == 200 {
            return Ok(body);
        }
        let code = body["__type"].as_str().unwrap().rsplit('#').next().unwrap().to_owned();
        let message = body["Message"].as_str().or(body["message"].as_str()).unwrap_or_default().to_owned();
        Err(AwsError { status: answer.status, code, message })
    }

    fn post(&self, service: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/20261121/{}/{service}/aws4_request, SignedHeaders=host, Signature=none",
            self.key, self.region
        );
        let mut all = vec![("authorization", authorization.as_str())];
        all.extend(self.token.map(|token| ("x-amz-security-token", token)));
        all.extend_from_slice(headers);
        send(&self.sandbox.url(Door::Aws), "POST", "/", &all, body).unwrap()
    }

    /// A secret with a credential that logs in; its ARN.
    pub(crate) fn make_secret(&self) -> String {
        let value = json!({ "username": "acme", "accessToken": TOKEN }).to_string();
        let input = json!({ "Name": NAME, "SecretString": value, "ClientRequestToken": version("a") });
        self.secrets("CreateSecret", &input).unwrap()["ARN"].as_str().unwrap().to_owned()
    }

    pub(crate) fn make_rule(&self, prefix: &str, arn: &str) -> Result<Value, AwsError> {
        let input = json!({
            "ecrRepositoryPrefix": prefix, "upstreamRegistryUrl": "registry-1.docker.io", "credentialArn": arn,
        });
        self.ecr("CreatePullThroughCacheRule", &input)
    }
}

/// A version id of the right length.
pub(crate) fn version(letter: &str) -> String {
    letter.repeat(64)
}

/// A GitHub client of one token.
pub(crate) struct GitHub<'s> {
    pub(crate) sandbox: &'s Sandbox,
    pub(crate) token: &'s str,
}

impl<'s> GitHub<'s> {
    pub(crate) fn new(sandbox: &'s Sandbox) -> Self {
        Self { sandbox, token: "github_pat_sandbox0123456789" }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &Value::Null)
    }

    pub(crate) fn request(&self, method: &str, path: &str, body: &Value) -> Answer {
        let authorization = format!("Bearer {}", self.token);
        let headers = [("authorization", authorization.as_str()), ("user-agent", "test")];
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        send(&self.sandbox.url(Door::GitHub), method, path, &headers, &body).unwrap()
    }

    /// Seals `value` with the key of this list of secrets and puts it there, with `more` in the body.
    pub(crate) fn put_secret(&self, list: &str, name: &str, value: &str, more: &Value) -> Answer {
        let body = self.sealed(list, value, more);
        self.request("PUT", &format!("{list}/{name}"), &body)
    }

    pub(crate) fn sealed(&self, list: &str, value: &str, more: &Value) -> Value {
        let key = self.get(&format!("{list}/public-key")).json();
        let mut body =
            json!({ "encrypted_value": seal(key["key"].as_str().unwrap(), value), "key_id": key["key_id"] });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        body
    }
}

/// A client of one cluster with one token.
pub(crate) struct Kubernetes<'s> {
    pub(crate) sandbox: &'s Sandbox,
    pub(crate) cluster: &'s str,
    pub(crate) token: &'s str,
}

impl<'s> Kubernetes<'s> {
    pub(crate) fn new(sandbox: &'s Sandbox) -> Self {
        Self { sandbox, cluster: "prod", token: "sandbox-token-of-prod-admin-0123456789" }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &Value::Null)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.request("POST", path, body)
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        self.request("PUT", path, body)
    }

    pub(crate) fn request(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send(method, path, &[("content-type", "application/json")], body)
    }

    /// `kind` is what comes before `+json` or `+yaml`: `merge-patch`, `json-patch`, `strategic-merge-patch`, `apply-patch`.
    pub(crate) fn patch(&self, kind: &str, path: &str, body: &Value) -> Answer {
        let suffix = if kind == "apply-patch" { "yaml" } else { "json" };
        self.send("PATCH", path, &[("content-type", &format!("application/{kind}+{suffix}"))], body)
    }

    pub(crate) fn send(&self, method: &str, path: &str, more: &[(&str, &str)], body: &Value) -> Answer {
        let authorization = format!("Bearer {}", self.token);
        let mut headers = vec![("user-agent", "test/1.0")];
        if !self.token.is_empty() {
            headers.push(("authorization", authorization.as_str()));
        }
        headers.extend_from_slice(more);
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let path = format!("/k8s/clusters/{}{path}", self.cluster);
        send(&self.sandbox.url(Door::Kubernetes), method, &path, &headers, &body).unwrap()
    }
}

/// A pull secret as a body.
pub(crate) fn pull_secret(name: &str, config: &Value) -> Value {
    json!({
        "metadata": { "name": name }, "type": "kubernetes.io/dockerconfigjson",
        "data": { ".dockerconfigjson": STANDARD.encode(config.to_string()) },
    })
}

/// A RunPod client of one key.
pub(crate) struct RunPod<'s> {
    pub(crate) sandbox: &'s Sandbox,
    pub(crate) key: String,
}

impl<'s> RunPod<'s> {
    pub(crate) fn new(sandbox: &'s Sandbox) -> Self {
        Self { sandbox, key: sandbox.env()["RUNPOD_API_KEY"].clone() }
    }

    pub(crate) fn url(&self) -> String {
        self.sandbox.url(Door::RunPod)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &Value::Null)
    }

    pub(crate) fn request(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.try_request(method, path, body).unwrap()
    }

    pub(crate) fn try_request(&self, method: &str, path: &str, body: &Value) -> io::Result<Answer> {
        let authorization = format!("Bearer {}", self.key);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        send(&self.url(), method, path, &headers, &body)
    }
}

/// A sealed box in base64.
pub(crate) fn seal(key: &str, value: &str) -> String {
    let key: [u8; 32] = STANDARD.decode(key).unwrap().try_into().unwrap();
    STANDARD.encode(PublicKey::from(key).seal(&mut OsRng, value.as_bytes()).unwrap())
}
