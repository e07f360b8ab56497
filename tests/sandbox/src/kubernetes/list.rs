//! Lists, in pages where the client asks for that.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::error::Refusal;
use super::routes::Resource;
use super::selector::Selector;
use super::state::Cluster;
use super::{Outcome, Visit, wants_metadata};
use crate::message::Reply;

pub(crate) fn list(visit: &mut Visit<'_>) -> Outcome {
    if visit.resource() == Resource::ServiceAccounts {
        be_late(visit, |_| true);
    }
    let option = |name: &str| visit.query.get(name).map_or("", String::as_str).to_owned();
    let selector = Selector::parse(visit.resource(), &option("labelSelector"), &option("fieldSelector"))?;
    let limit = limit(&option("limit"))?;
    let from = Position::parse(visit, &option("continue"))?;
    let rows: Vec<(String, &Value)> = objects(visit.cluster, visit.resource(), &visit.namespace)
        .filter(|(key, object)| *key >= from.start && selector.holds(object))
        .collect();
    let end = rows.len().min(limit);
    let mut metadata = json!({ "resourceVersion": from.revision.to_string() });
    if let Some((last, _)) = rows.get(..end).and_then(<[_]>::last).filter(|_| end < rows.len()) {
        let next = Position { start: format!("{last}\0"), ..from };
        metadata["continue"] = next.token(from.revision.cast_signed()).into();
        if selector.is_everything() {
            metadata["remainingItemCount"] = (rows.len() - end).into();
        }
    }
    let bare = wants_metadata(visit.request);
    let items: Vec<Value> = rows[..end].iter().map(|(_, object)| item(object, bare)).collect();
    let (kind, version) = if bare {
        ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1")
    } else {
        (format!("{}List", visit.resource().kind()), "v1")
    };
    Ok(Reply::json(
        200,
        &json!({ "kind": kind, "apiVersion": version, "metadata": metadata, "items": items }),
    ))
}

/// In a list, an object does not say its kind.
fn item(object: &Value, bare: bool) -> Value {
    if bare {
        json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] })
    } else {
        object.clone()
    }
}

/// By key, as etcd has them; of all namespaces where none is named.
fn objects<'c>(
    cluster: &'c Cluster,
    resource: Resource,
    namespace: &'c str,
) -> impl Iterator<Item = (String, &'c Value)> {
    let wanted = cluster.namespaces.iter().filter(move |(name, _)| {
        resource == Resource::Namespaces || namespace.is_empty() || *name == namespace
    });
    wanted.flat_map(move |(name, namespace)| {
        let itself = (resource == Resource::Namespaces).then(|| (name.clone(), &namespace.object));
        let inside = namespace.objects(resource).into_iter().flatten();
        itself.into_iter().chain(inside.map(move |(key, object)| (format!("{name}/{key}"), object)))
    })
}

/// 0 and nothing mean no limit.
fn limit(text: &str) -> Result<usize, Refusal> {
    let wrong = || Refusal::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax"));
    match text {
        "" | "0" => Ok(usize::MAX),
        text => text.parse().map_err(|_| wrong()),
    }
}

/// Where a list goes on, and the version that its pages are of.
struct Position {
    start: String,
    revision: u64,
}

impl Position {
    fn parse(visit: &mut Visit<'_>, token: &str) -> Result<Self, Refusal> {
        let now = visit.cluster.revision;
        if token.is_empty() {
            return Ok(Self { start: String::new(), revision: now });
        }
        if visit.query.get("resourceVersion").is_some_and(|version| !matches!(version.as_str(), "" | "0")) {
            return Err(Refusal::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        let wrong = || Refusal::bad_request("continue key is not valid: illegal base64 data or JSON");
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| wrong())?;
        let token: Value = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
        let revision = token["rv"].as_i64().ok_or_else(wrong)?;
        let start = token["start"].as_str().ok_or_else(wrong)?.to_owned();
        // A token without a version is one of those that an expired list is gone on with.
        if revision > 0 && visit.cluster.expired_continues > 0 {
            visit.cluster.expired_continues -= 1;
            return Err(Refusal::expired(Self { start, revision: now }.token(-1)));
        }
        Ok(Self { start, revision: u64::try_from(revision).unwrap_or(now) })
    }

    fn token(&self, revision: i64) -> String {
        let token = json!({ "v": "meta.k8s.io/v1", "rv": revision, "start": self.start });
        URL_SAFE_NO_PAD.encode(token.to_string())
    }
}

/// Counts a read of service accounts that are still to come, and makes those whose time has come.
pub(crate) fn be_late(visit: &mut Visit<'_>, wanted: impl Fn(&str) -> bool) {
    let here = visit.namespace.clone();
    let in_reach = visit.cluster.namespaces.iter_mut().filter(|(name, _)| here.is_empty() || **name == here);
    let mut due = Vec::new();
    for (namespace, content) in in_reach {
        for (name, left) in content.late.iter_mut().filter(|(name, _)| wanted(name)) {
            match left.checked_sub(1) {
                Some(less) => *left = less,
                None => due.push((namespace.clone(), name.clone())),
            }
        }
    }
    for (namespace, name) in due {
        if let Some(content) = visit.cluster.namespaces.get_mut(&namespace) {
            content.late.remove(&name);
        }
        visit.cluster.put_service_account(&namespace, &name, &[]);
    }
}
