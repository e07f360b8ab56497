//! Putting things there by hand, as their owners would in the console.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::rollout::Worker;
use super::state::{Auth, Container, Endpoint, EndpointKind, Login, Pod, PodStatus, RunPod, Template};

/// When everything was made that a test puts there: 2026-06-01, noon.
const MADE_AT: i64 = 1_780_315_200;

impl RunPod {
    /// Puts a registry auth there; its id.
    pub fn add_auth(&mut self, name: &str, username: &str, password: &str) -> String {
        let id = self.next_id();
        self.auths.push(Auth {
            id: id.clone(),
            name: name.to_owned(),
            username: username.to_owned(),
            password: password.to_owned(),
            hidden_reads: 0,
        });
        id
    }

    /// Deletes an auth as its owner would in the console: what refers to it loses the reference, pods keep it.
    pub fn remove_auth(&mut self, id: &str) {
        self.auths.retain(|auth| auth.id != id);
        let templates = self.templates.iter_mut().map(|template| &mut template.container);
        // That endpoints lose theirs as templates do is unconfirmed, and the worse of the two ways.
        let endpoints = self.endpoints.iter_mut().map(|endpoint| &mut endpoint.container);
        for container in templates.chain(endpoints) {
            if container.registry.as_deref() == Some(id) {
                container.registry = None;
            }
        }
    }

    /// A user and password for a registry other than Docker Hub.
    pub fn add_login(&mut self, host: &str, username: &str, password: &str) {
        self.elsewhere.push(Login {
            host: host.to_owned(),
            username: username.to_owned(),
            password: password.to_owned(),
        });
    }

    /// Puts a template for pods there, without an auth.
    pub fn add_template(&mut self, name: &str, image: &str) -> &mut Template {
        let template = Template {
            id: self.next_id(),
            name: name.to_owned(),
            container: Container::of(image),
            settings: template_settings(),
            foreign: false,
        };
        push(&mut self.templates, template)
    }

    /// Puts a queue endpoint there, without an auth and without workers.
    pub fn add_endpoint(&mut self, name: &str, image: &str) -> &mut Endpoint {
        let endpoint = Endpoint {
            id: self.next_id(),
            name: name.to_owned(),
            container: Container::of(image),
            settings: endpoint_settings(),
            created_at: made_at(),
            version: 2,
            ..Endpoint::default()
        };
        push(&mut self.endpoints, endpoint)
    }

    /// Puts an endpoint there with what the template holds now.
    pub fn add_endpoint_from(&mut self, template: &str, name: &str) -> &mut Endpoint {
        let container = self.template(template).map(|template| template.container.clone());
        let endpoint = self.add_endpoint(name, "");
        endpoint.container = container.unwrap_or_default();
        endpoint
    }

    /// Puts a running pod there, without an auth.
    pub fn add_pod(&mut self, name: &str, image: &str) -> &mut Pod {
        let pod = Pod {
            id: self.next_id(),
            name: name.to_owned(),
            container: Container::of(image),
            created_at: made_at(),
            ..Pod::default()
        };
        push(&mut self.pods, pod)
    }

    /// Puts a running pod there with what the template holds now.
    pub fn add_pod_from(&mut self, template: &str, name: &str) -> &mut Pod {
        let found = self.template(template).map(|template| (template.id.clone(), template.container.clone()));
        let pod = self.add_pod(name, "");
        if let Some((id, container)) = found {
            (pod.template, pod.container) = (Some(id), container);
        }
        pod
    }

    /// Restarts every running pod: its container is pulled with what is set now.
    pub fn restart_pods(&mut self) {
        let running = self.pods.iter_mut().filter(|pod| pod.status == PodStatus::Running);
        running.for_each(|pod| pod.holds = None);
    }

    /// Eight letters and digits, as RunPod's ids are; the same in every run.
    pub(crate) fn next_id(&mut self) -> String {
        const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        self.last_id += 1;
        let digest = Sha256::digest(format!("runpod#{}", self.last_id));
        digest
            .iter()
            .take(8)
            .filter_map(|byte| DIGITS.get(usize::from(*byte) % 36))
            .map(|c| char::from(*c))
            .collect()
    }
}

/// The record, in its place at the end of the list.
fn push<T>(list: &mut Vec<T>, item: T) -> &mut T {
    let last = list.len();
    list.push(item);
    &mut list[last]
}

fn made_at() -> DateTime<Utc> {
    DateTime::from_timestamp(MADE_AT, 0).unwrap_or_default()
}

impl Container {
    /// An image with what else RunPod's console puts there.
    #[must_use]
    pub fn of(image: &str) -> Self {
        Self {
            image: image.to_owned(),
            disk: 20,
            ports: vec!["8888/http".to_owned()],
            env: [("MODEL_NAME".to_owned(), "sdxl".to_owned())].into(),
            ..Self::default()
        }
    }
}

impl Template {
    /// Makes it one for endpoints.
    pub fn serverless(&mut self) -> &mut Self {
        self.settings.insert("serverless".to_owned(), Value::Bool(true));
        self
    }

    /// Somebody else's, open to everybody.
    pub fn foreign(&mut self) -> &mut Self {
        self.foreign = true;
        self.settings.insert("public".to_owned(), Value::Bool(true));
        self
    }

    pub(crate) fn is(&self, setting: &str) -> bool {
        self.settings.get(setting) == Some(&Value::Bool(true))
    }
}

impl Endpoint {
    /// Puts idle workers there that have pulled with what is set now.
    pub fn add_workers(&mut self, count: usize) -> &mut Self {
        for _ in 0..count {
            let worker = Worker::of(self);
            self.workers.push(worker);
        }
        self
    }

    /// Makes it one whose requests go straight to the workers.
    pub fn load_balanced(&mut self) -> &mut Self {
        self.kind = EndpointKind::LoadBalancer;
        self.settings.insert("scaling".to_owned(), json!({ "type": "REQUEST_COUNT", "requestCount": 4 }));
        self
    }
}

pub(crate) fn template_settings() -> Map<String, Value> {
    members(json!({
        "mounts": {},
        "serverless": false,
        "public": false,
        "category": "NVIDIA",
        "startSsh": true,
        "startJupyter": true,
        "allowedCudaVersions": [],
    }))
}

fn endpoint_settings() -> Map<String, Value> {
    members(json!({
        "gpu": { "pools": ["ADA_24"], "count": 1, "allowedCudaVersions": [], "minCudaVersion": null },
        "workers": { "min": 0, "max": 5, "idleTimeout": 5 },
        "scaling": { "type": "QUEUE_DELAY", "queueDelay": 4 },
        "dataCenterIds": ["US-KS-2"],
        "networkVolumes": [],
        "timeout": 300_000,
        "flashboot": "OFF",
    }))
}

/// The members of an object.
pub(crate) fn members(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
