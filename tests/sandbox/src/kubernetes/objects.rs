//! Reading, creating and replacing one object, and what every write of one comes down to.

use serde_json::{Map, Value};

use super::error::Refusal;
use super::routes::Resource;
use super::state::uid;
use super::{Outcome, Visit, fields, list, present, schema, validation};
use crate::message::{Reply, Request};

/// 3 MiB: what the server reads of a body.
const BODY_LIMIT: usize = 3 << 20;

impl Visit<'_> {
    pub(crate) fn not_found(&self) -> Refusal {
        Refusal::not_found(self.resource().plural(), &self.name)
    }

    /// The object that the path names.
    pub(crate) fn object(&self) -> Option<&Value> {
        let namespace = self.cluster.namespaces.get(&self.namespace)?;
        match self.resource() {
            Resource::Namespaces => Some(&namespace.object),
            resource => namespace.objects(resource)?.get(&self.name),
        }
    }

    /// Stores it under the name that the path has, with a version of its own.
    pub(crate) fn store(&mut self, mut object: Value) -> Value {
        object["metadata"]["resourceVersion"] = self.cluster.next_revision().to_string().into();
        self.slot().into_iter().for_each(|objects| {
            objects
                .insert(object["metadata"]["name"].as_str().unwrap_or_default().to_owned(), object.clone());
        });
        object
    }

    /// The objects of this kind in this namespace.
    pub(crate) fn slot(&mut self) -> Option<&mut std::collections::BTreeMap<String, Value>> {
        let resource = self.route.resource;
        self.cluster.namespaces.get_mut(&self.namespace)?.objects_mut(resource)
    }
}

pub(crate) fn get(visit: &mut Visit<'_>) -> Outcome {
    if visit.resource() == Resource::ServiceAccounts {
        let name = visit.name.clone();
        list::be_late(visit, |late| late == name);
    }
    let object = visit.object().ok_or_else(|| visit.not_found())?;
    Ok(Reply::json(200, &present(visit, object)))
}

pub(crate) fn create(visit: &mut Visit<'_>) -> Outcome {
    let body = body(visit.request)?;
    let mut object = read(visit, &body)?;
    check_namespace(visit, &object)?;
    name_it(visit, &mut object);
    object["metadata"]["name"].as_str().unwrap_or_default().clone_into(&mut visit.name);
    let manager = visit.manager();
    let object = insert(visit, object, &manager)?;
    Ok(Reply::json(201, &present(visit, &object)))
}

/// `generateName` and five letters, where there is no name.
fn name_it(visit: &Visit<'_>, object: &mut Value) {
    let prefix = object["metadata"]["generateName"].as_str();
    if let (Some(prefix), true) = (prefix, object["metadata"]["name"].is_null()) {
        let name = format!("{prefix}{}", &uid(&visit.cluster.revision.to_string())[..5]);
        object["metadata"]["name"] = name.into();
    }
}

/// Admission, validation and storage of a new object, in the server's order.
pub(crate) fn insert(visit: &mut Visit<'_>, mut object: Value, manager: &str) -> Result<Value, Refusal> {
    let (plural, name) = (visit.resource().plural(), visit.name.clone());
    let namespace = visit.cluster.namespaces.get(&visit.namespace);
    let namespace = namespace.ok_or_else(|| Refusal::not_found("namespaces", &visit.namespace))?;
    if namespace.is_terminating() {
        return Err(Refusal::terminating(plural, &name, &visit.namespace));
    }
    if let (Some(status), "secrets") = (visit.cluster.quoting_webhook, plural) {
        return Err(Refusal::denied(status, &object["data"].to_string()));
    }
    validation::check(visit.resource(), &name, None, &object)?;
    check_quota(visit)?;
    if !object["metadata"]["resourceVersion"].is_null() {
        return Err(Refusal::plain("resourceVersion should not be set on objects to be created"));
    }
    if let Some(known) = visit.object() {
        let leaving = known["metadata"]["deletionTimestamp"].is_string();
        let before = if leaving { "object is being deleted: " } else { "" };
        return Err(Refusal::already_exists(plural, &name, before));
    }
    let seed = format!("{} {} {name}", visit.cluster.revision, visit.namespace);
    let metadata = members(&mut object["metadata"]);
    for system in ["selfLink", "generation", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        metadata.remove(system);
    }
    metadata.insert("uid".to_owned(), uid(&seed).into());
    metadata.insert("namespace".to_owned(), visit.namespace.clone().into());
    metadata.insert("creationTimestamp".to_owned(), visit.now.clone().into());
    if !manager.is_empty() {
        fields::record(None, &mut object, manager, &visit.now);
    }
    Ok(visit.store(object))
}

/// A quota is asked before the name is looked up, for a dry run, too (apiserver, `rest.Create` and
/// `plugin/resourcequota/controller.go`).
fn check_quota(visit: &mut Visit<'_>) -> Result<(), Refusal> {
    let plural = visit.resource().plural();
    let Some(limit) = visit.cluster.quota.filter(|_| plural == "secrets") else { return Ok(()) };
    let used = visit.slot().map_or(0, |secrets| secrets.len());
    if used < limit {
        return Ok(());
    }
    let words = format!(
        "exceeded quota: team, requested: count/secrets=1, used: count/secrets={used}, limited: count/secrets={limit}"
    );
    Err(Refusal::forbidden(plural, &visit.name, &words))
}

pub(crate) fn replace(visit: &mut Visit<'_>) -> Outcome {
    let body = body(visit.request)?;
    let object = read(visit, &body)?;
    check_namespace(visit, &object)?;
    match object["metadata"]["name"].as_str() {
        None => {
            return Err(Refusal::bad_request(format!(
                "the name of the object ({} based on URL) was undeterminable: name must be provided",
                visit.name
            )));
        }
        Some(name) if name != visit.name => {
            return Err(Refusal::bad_request(format!(
                "the name of the object ({name}) does not match the name on the URL ({})",
                visit.name
            )));
        }
        Some(_) => {}
    }
    if let Some(wanted) = object["metadata"]["uid"].as_str() {
        // Checked before whether there is anything at all: a deleted object is a conflict too.
        check_uid(visit, wanted)?;
    }
    let manager = visit.manager();
    let object = update(visit, object, Some(&manager))?;
    Ok(Reply::json(200, &present(visit, &object)))
}

fn check_uid(visit: &Visit<'_>, wanted: &str) -> Result<(), Refusal> {
    let found = visit.object().and_then(|object| object["metadata"]["uid"].as_str()).unwrap_or_default();
    if found == wanted {
        return Ok(());
    }
    let (plural, name) = (visit.resource().plural(), &visit.name);
    let words = format!(
        "StorageError: invalid object, Code: 4, Key: /registry/{plural}/{}/{name}, ResourceVersion: 0, \
         AdditionalErrorMsg: Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}",
        visit.namespace
    );
    Err(Refusal::conflict(plural, name, &words))
}

/// Compares versions, validates and stores; `manager` is whom the change is written down for, unless that is done.
/// What changes nothing is not stored and keeps its version.
pub(crate) fn update(visit: &mut Visit<'_>, mut new: Value, manager: Option<&str>) -> Result<Value, Refusal> {
    let old = visit.object().cloned().ok_or_else(|| visit.not_found())?;
    let version = new["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    if !version.is_empty() && new["metadata"]["resourceVersion"] != old["metadata"]["resourceVersion"] {
        return Err(Refusal::modified(visit.resource().plural(), &visit.name));
    }
    let metadata = members(&mut new["metadata"]);
    for system in ["uid", "namespace", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"]
    {
        if let Some(value) = old["metadata"].get(system) {
            metadata.entry(system).or_insert_with(|| value.clone());
        }
    }
    metadata.insert("resourceVersion".to_owned(), old["metadata"]["resourceVersion"].clone());
    validation::check(visit.resource(), &visit.name, Some(&old), &new)?;
    if let Some(manager) = manager {
        fields::record(Some(&old), &mut new, manager, &visit.now);
    }
    if fields::without_times(&old) == fields::without_times(&new) {
        return Ok(old);
    }
    let is_leaving = new["metadata"]["deletionTimestamp"].is_string();
    let new = visit.store(new);
    if is_leaving && new["metadata"]["finalizers"].is_null() {
        let name = visit.name.clone();
        visit.slot().into_iter().for_each(|objects| drop(objects.remove(&name)));
    }
    Ok(new)
}

pub(crate) fn members(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    #[expect(clippy::unwrap_used, reason = "it has just been made one")]
    value.as_object_mut().unwrap()
}

/// The body as JSON.
pub(crate) fn body(request: &Request) -> Result<Value, Refusal> {
    let kind = request.header("content-type").unwrap_or("application/json");
    if !kind.starts_with("application/json") {
        let accepted = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
        return Err(Refusal::unsupported_media(accepted));
    }
    parse(request)
}

pub(crate) fn parse(request: &Request) -> Result<Value, Refusal> {
    if request.body.len() > BODY_LIMIT {
        return Err(Refusal::too_large());
    }
    serde_json::from_slice(&request.body).map_err(|error| {
        let words = format!("couldn't get version/kind; json parse error: {error}");
        Refusal::bad_request(words)
    })
}

/// The body as an object of the path's kind, ready to be stored but for what the server adds.
fn read(visit: &mut Visit<'_>, body: &Value) -> Result<Value, Refusal> {
    let wanted = visit.resource().kind();
    let (kind, version) =
        (body["kind"].as_str().unwrap_or(wanted), body["apiVersion"].as_str().unwrap_or("v1"));
    let refuse = |words: &str| {
        Refusal::bad_request(format!(
            "{kind} in version {version:?} cannot be handled as a {wanted}: {words}"
        ))
    };
    if kind != wanted || version != "v1" {
        let words = format!("converting ({version}.{kind}) to (core.{wanted}): unknown conversion");
        return Err(refuse(&words));
    }
    let decoded = schema::decode(visit.resource(), body).map_err(|words| refuse(&words))?;
    visit.settle_strictness(decoded.strict).map_err(|words| refuse(&words))?;
    Ok(schema::settled(visit.resource(), decoded.object))
}

fn check_namespace(visit: &Visit<'_>, object: &Value) -> Result<(), Refusal> {
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) if namespace != visit.namespace => Err(Refusal::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        )),
        _ => Ok(()),
    }
}
