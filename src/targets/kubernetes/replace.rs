//! Making a secret again whose type or data cannot be changed, so that nothing in it is lost wherever the run ends:
//!
//! ```text
//! copy what is there under another name          (beside it, so that a quota has room for two)
//! ask the server whether it takes the new one    (a dry run)
//! delete the old one, of the version that was copied
//! make the new one, which names the copy         (refused: the old one is put back)
//! delete the copy, and name it no more
//! ```
//!
//! Ended in between, the next run finds the copy where the secret is absent, or the copy's name at the secret.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1 as core;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::ApiRequest;
use super::diff::{is_ours, own_labels};
use super::read::encoded;
use super::write::{Content, Site};
use super::{KubeError, ObjectRef, owner};
use crate::model::Problem;

/// On a copy: what it does not have itself of what it is a copy of.
const COPY_OF: &str = "regcred/copy-of";
/// On a secret that was made again: the name of its copy, as long as there is one.
const COPY: &str = "regcred/copy";

/// What a copy, which is opaque and of our own labels, tells of the secret.
#[derive(Serialize, Deserialize)]
struct Original {
    r#type: Option<String>,
    immutable: Option<bool>,
    labels: Option<BTreeMap<String, String>>,
}

/// The name of the copy of a secret.
pub(super) fn copy_name(secret: &str) -> String {
    format!("{secret}.before-replace")
}

/// The name of the copy that a secret says it has.
pub(super) fn copy_of(secret: &core::Secret) -> Option<&String> {
    secret.metadata.annotations.as_ref()?.get(COPY)
}

/// What a secret held, by its copy; nothing if that is none.
pub(super) fn original(copy: &core::Secret) -> Option<core::Secret> {
    let mut original = copy.clone();
    let metadata = &mut original.metadata;
    let written = metadata.annotations.as_mut()?.remove(COPY_OF)?;
    let Original { r#type, immutable, labels } = serde_json::from_str(&written).ok()?;
    is_ours(metadata.labels.as_ref()).then_some(())?;
    metadata.labels = labels;
    metadata.annotations = metadata.annotations.take().filter(|annotations| !annotations.is_empty());
    Some(core::Secret { type_: r#type, immutable, ..original })
}

/// A secret as it is made: what it holds, and nothing of what the server adds.
pub(super) fn made_of(secret: &core::Secret, at: &ObjectRef) -> Value {
    let core::Secret { metadata, .. } = secret;
    let data: BTreeMap<&String, String> =
        secret.data.iter().flatten().map(|(key, value)| (key, encoded(&value.0))).collect();
    let mut object = json!({
        "apiVersion": "v1", "kind": "Secret", "type": secret.type_, "data": data,
        "metadata": { "name": at.name, "namespace": at.namespace },
    });
    let parts = [
        ("labels", json!(metadata.labels)),
        ("annotations", json!(metadata.annotations)),
        ("ownerReferences", json!(metadata.owner_references)),
    ];
    for (name, part) in parts.into_iter().filter(|(_, part)| !part.is_null()) {
        object["metadata"][name] = part;
    }
    if let Some(immutable) = secret.immutable {
        object["immutable"] = immutable.into();
    }
    object
}

fn copied(secret: &core::Secret, at: &ObjectRef) -> Value {
    let metadata = &secret.metadata;
    let original = Original {
        r#type: secret.type_.clone(),
        immutable: secret.immutable,
        labels: metadata.labels.clone(),
    };
    let mut copy = made_of(secret, at);
    copy["type"] = "Opaque".into();
    copy["metadata"]["labels"] = json!(own_labels(&BTreeMap::new()));
    copy["metadata"]["annotations"][COPY_OF] = json!(original).to_string().into();
    copy.as_object_mut().into_iter().for_each(|fields| drop(fields.remove("immutable")));
    copy
}

impl Site<'_> {
    /// Makes the secret again with what it held, or what a copy of it holds.
    pub(super) async fn replace(&self, content: &Content<'_>) -> Result<(), Problem> {
        for _ in 0..super::write::CONFLICTS {
            let Some(found) = self.secret().await? else { return self.restore(content).await };
            if content.fits(&found)? {
                return self.update(content).await;
            }
            if let Some(words) = owner::keeps(&found) {
                return Err(self.changed(&format!("the secret cannot be made again: {words}")));
            }
            let object = self.naming_copy(content.object(self.at, Some(&found))?);
            self.copy(&found).await?;
            if let Err(problem) = self.try_out(&object).await {
                // What the server says of the new one counts.
                let _ = self.drop_copy().await;
                return Err(problem);
            }
            match self.client.delete(self.ask("delete", "secrets"), &super::write::precondition(&found)).await
            {
                Err(error) if error.is("Conflict") => {
                    self.drop_copy().await?;
                    continue;
                }
                // An earlier attempt of this run may have deleted it.
                Err(error) if error.code() != Some(404) => return Err(self.failed(error)),
                _ => {}
            }
            return match self.make("secrets", &object).await {
                Ok(()) => self.forget_copy().await,
                // An earlier attempt of this run, or somebody else.
                Err(error) if error.is("AlreadyExists") => self.settle().await,
                Err(error) => Err(self.put_back(&found, error).await),
            };
        }
        Err(self.changed("somebody else writes the secret again and again"))
    }

    /// Makes the secret of what a copy holds, which an interrupted run left; without one, of nothing.
    async fn restore(&self, content: &Content<'_>) -> Result<(), Problem> {
        let Some(old) = self.found_copy().await?.as_ref().and_then(original) else {
            return self.create(content).await;
        };
        let object = self.naming_copy(content.object(self.at, Some(&old))?);
        match self.make("secrets", &object).await {
            Ok(()) => self.forget_copy().await,
            Err(error) if error.is("AlreadyExists") => self.settle().await,
            Err(error) => Err(self.failed(error)),
        }
    }

    /// What is there now is the one that was to be made, or somebody else's.
    async fn settle(&self) -> Result<(), Problem> {
        let found = self.secret().await?;
        if found.as_ref().and_then(copy_of).is_some() {
            return self.forget_copy().await;
        }
        let words = "somebody else made the secret while it was made again";
        Err(Problem::outside(words).hint(self.where_copy()))
    }

    /// Deletes the copy that the secret names, and names it no more.
    pub(super) async fn finish(&self, found: &core::Secret) -> Result<(), Problem> {
        match copy_of(found) {
            Some(_) => self.forget_copy().await,
            None => Ok(()),
        }
    }

    async fn forget_copy(&self) -> Result<(), Problem> {
        self.drop_copy().await?;
        let patch = json!({ "metadata": { "annotations": { COPY: null } } });
        match self.patch("secrets", &patch).await {
            Err(error) if error.code() != Some(404) => Err(self.failed(error)),
            _ => Ok(()),
        }
    }

    /// The new one was refused though the server said that it takes it.
    async fn put_back(&self, old: &core::Secret, error: KubeError) -> Problem {
        let problem = self.failed(error);
        match self.make("secrets", &made_of(old, self.at)).await {
            Ok(()) => {
                let left = self.drop_copy().await.err().map(|_| self.where_copy());
                let message = format!("{}; what was there is put back", problem.message);
                Problem { message, ..problem }.hints(left)
            }
            Err(_) => problem.hint(self.where_copy()),
        }
    }

    fn where_copy(&self) -> String {
        let ObjectRef { context, namespace, name } = self.at;
        format!(
            "what it held is in the secret {}, and the next run takes it from there if {name} is absent: \
             {} -n {namespace} get secret {0}",
            copy_name(name),
            super::error::kubectl(context)
        )
    }

    fn copy_at(&self) -> ObjectRef {
        ObjectRef { name: copy_name(&self.at.name), ..self.at.clone() }
    }

    /// Keeps what is there under another name.
    async fn copy(&self, found: &core::Secret) -> Result<(), Problem> {
        let at = self.copy_at();
        let ask = ApiRequest { verb: "create", ..super::read::get("secrets", &at) };
        match self.client.create(ask, &copied(found, &at)).await {
            Ok(_) => Ok(()),
            Err(error) if error.is("AlreadyExists") => {
                let same = |old: &core::Secret| made_of(old, self.at) == made_of(found, self.at);
                match self.found_copy().await?.as_ref().and_then(original).as_ref().is_some_and(same) {
                    true => Ok(()),
                    false => Err(self.other_copy()),
                }
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    fn other_copy(&self) -> Problem {
        let ObjectRef { context, namespace, name } = self.at;
        let copy = copy_name(name);
        let kubectl = format!("{} -n {namespace}", super::error::kubectl(context));
        Problem::outside(format!(
            "the secret {copy} is there already, and holds something else than {name} does"
        ))
        .hint(format!("look at it, and delete it if nobody needs it: {kubectl} delete secret {copy}"))
    }

    async fn found_copy(&self) -> Result<Option<core::Secret>, Problem> {
        let at = self.copy_at();
        self.client.get(super::read::get("secrets", &at)).await.map_err(|error| self.failed(error))
    }

    async fn drop_copy(&self) -> Result<(), Problem> {
        let Some(found) = self.found_copy().await?.filter(|found| original(found).is_some()) else {
            return Ok(());
        };
        let at = self.copy_at();
        let ask = ApiRequest { verb: "delete", ..super::read::get("secrets", &at) };
        match self.client.delete(ask, &super::write::precondition(&found)).await {
            Err(error) if error.code() != Some(404) => Err(self.failed(error)),
            _ => Ok(()),
        }
    }

    fn naming_copy(&self, mut object: Value) -> Value {
        object["metadata"]["annotations"][COPY] = copy_name(&self.at.name).into();
        object
    }

    /// Whether the server takes a secret of this name: everything is checked and nothing stays. What it refuses only
    /// because the name is taken yet, it takes (apiserver, `DryRunnableStorage.Create`, which is asked last).
    async fn try_out(&self, object: &Value) -> Result<(), Problem> {
        match self.client.try_create(self.ask("create", "secrets"), object).await {
            Err(error) if !error.is("AlreadyExists") => Err(self.failed(error)),
            _ => Ok(()),
        }
    }
}
