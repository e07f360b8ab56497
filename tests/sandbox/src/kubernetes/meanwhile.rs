//! What other clients and controllers do between two requests of the client.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::routes::Resource;
use super::state::Cluster;
use super::{Visit, state};

/// Something that somebody else does just before a request of the client takes effect, and so after its read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Meanwhile {
    verbs: Vec<String>,
    resource: String,
    namespace: Option<String>,
    name: Option<String>,
    left: u32,
    done: u32,
    deed: Deed,
}

/// What they do, to the object or the namespace that our request is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// Appends a pull secret to the service account; from the second time on with `-2`, `-3`, … after the name.
    AddPullSecret(String),
    /// Sets a label.
    SetLabel(String, String),
    /// Writes something that we do not care about.
    Touch,
    /// Deletes the object.
    Delete,
    /// Deletes the object and makes one like it, with a uid of its own.
    Recreate,
    /// Starts the deletion of the namespace.
    TerminateNamespace,
    /// Takes the namespace away.
    RemoveNamespace,
    /// Puts a pull secret with this Docker config there, of the name that our request carries.
    PutPullSecret(Value),
}

impl Meanwhile {
    /// Before the next request with one of these verbs (`get`, `list`, `create`, `update`, `patch`, `delete`) for
    /// this resource (`secrets`, …), once.
    #[must_use]
    pub fn before(verbs: &[&str], resource: &str, deed: Deed) -> Self {
        Self {
            verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
            resource: resource.to_owned(),
            namespace: None,
            name: None,
            left: 1,
            done: 0,
            deed,
        }
    }

    /// Only in this namespace.
    #[must_use]
    pub fn in_namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// Only to the object of this name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// So often, each before another request.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.left = times;
        self
    }

    fn fits(&self, verb: &str, resource: Resource, namespace: &str, name: &str) -> bool {
        self.left > 0
            && self.verbs.iter().any(|known| known == verb)
            && self.resource == resource.plural()
            && self.namespace.as_deref().is_none_or(|wanted| wanted == namespace)
            && self.name.as_deref().is_none_or(|wanted| wanted == name)
    }
}

/// Does the first deed that fits this request.
pub(crate) fn strike(visit: &mut Visit<'_>) {
    let (verb, resource) = (visit.route.verb, visit.resource());
    let (namespace, name) = (visit.namespace.clone(), target(visit));
    let Some(planned) =
        visit.cluster.meanwhile.iter_mut().find(|planned| planned.fits(verb, resource, &namespace, &name))
    else {
        return;
    };
    planned.left -= 1;
    planned.done += 1;
    let (deed, nth) = (planned.deed.clone(), planned.done);
    visit.cluster.meanwhile.retain(|planned| planned.left > 0);
    act(visit.cluster, resource, &namespace, &name, &deed, nth);
}

/// The object's name: in the path, or in the body of a create.
fn target(visit: &Visit<'_>) -> String {
    if !visit.name.is_empty() {
        return visit.name.clone();
    }
    let body: Value = serde_json::from_slice(&visit.request.body).unwrap_or_default();
    body["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}

fn act(cluster: &mut Cluster, resource: Resource, namespace: &str, name: &str, deed: &Deed, nth: u32) {
    match deed {
        Deed::TerminateNamespace => return cluster.terminate_namespace(namespace),
        Deed::RemoveNamespace => return cluster.remove_namespace(namespace),
        Deed::PutPullSecret(config) => {
            cluster.put_pull_secret(namespace, name, config);
            return;
        }
        _ => {}
    }
    let revision = cluster.next_revision().to_string();
    let objects = cluster.namespaces.get_mut(namespace).and_then(|namespace| namespace.objects_mut(resource));
    let Some(objects) = objects else { return };
    if *deed == Deed::Delete {
        objects.remove(name);
    } else if let Some(object) = objects.get_mut(name) {
        object["metadata"]["resourceVersion"] = revision.as_str().into();
        change(object, deed, nth, &revision);
    }
}

fn change(object: &mut Value, deed: &Deed, nth: u32, revision: &str) {
    match deed {
        Deed::AddPullSecret(name) => {
            let name = if nth == 1 { name.clone() } else { format!("{name}-{nth}") };
            if object["imagePullSecrets"].is_null() {
                object["imagePullSecrets"] = json!([]);
            }
            object["imagePullSecrets"]
                .as_array_mut()
                .into_iter()
                .for_each(|list| list.push(json!({ "name": name })));
        }
        Deed::SetLabel(key, value) => object["metadata"]["labels"][key] = value.as_str().into(),
        Deed::Recreate => object["metadata"]["uid"] = state::uid(revision).into(),
        _ => object["metadata"]["annotations"]["sandbox/touched"] = nth.to_string().into(),
    }
}
