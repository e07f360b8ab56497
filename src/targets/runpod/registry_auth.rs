//! A model of RunPod's container registry auths, for whoever speaks REST v2 from Rust: what is sent and what comes back.
//! A [`Client`](super::Client) lists, makes and deletes them, and regcred itself uses nothing else.
//! `examples/runpod_auths.rs` is a program of its own with it.
//!
//! An auth is a name, a user and a value. Which registry it is for, RunPod is not told: it logs in with it wherever the
//! image of a template, endpoint or pod is that has the auth's id as its `registry` (v1 and GraphQL:
//! `containerRegistryAuthId`). Neither user nor value is ever told again, and nothing of an auth can be changed: a new
//! value is a new auth.
//!
//! The source of each field is RunPod's own description of REST v2, <https://api.runpod.io/v2/openapi.json>, unless another
//! one is named. Members that are not here may come, and are ignored.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::Secret;

/// A registry auth, as RunPod tells it (`GET /v2/registries/{id}`): nothing of it is secret.
///
/// ```
/// use regcred::targets::runpod::ContainerRegistryAuth;
///
/// let auth: ContainerRegistryAuth = serde_json::from_str(r#"{"id": "cm0example", "name": "ghcr-acme"}"#)?;
/// assert_eq!(auth.id, "cm0example");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerRegistryAuth {
    /// What templates, endpoints and pods name it by, in their `registry`. RunPod chooses it.
    pub id: String,
    /// What people call it. REST v1 says that it has to be unique in the account; v2 says nothing of that.
    pub name: String,
}

/// Every registry auth of the account (`GET /v2/registries`). The list has no pages.
///
/// ```
/// use regcred::targets::runpod::ContainerRegistryAuths;
///
/// let text = r#"{"registries": [{"id": "cm0example", "name": "ghcr-acme"}]}"#;
/// let auths: ContainerRegistryAuths = serde_json::from_str(text)?;
/// assert_eq!(auths.named("ghcr-acme").map(|auth| auth.id.as_str()), Some("cm0example"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerRegistryAuths {
    /// The auths, in no order.
    pub registries: Vec<ContainerRegistryAuth>,
}

impl ContainerRegistryAuths {
    /// The auth of this name. Of several it is the one whose id comes first, whatever their order in the list.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&ContainerRegistryAuth> {
        self.registries.iter().filter(|auth| auth.name == name).min_by(|one, other| one.id.cmp(&other.id))
    }
}

impl IntoIterator for ContainerRegistryAuths {
    type Item = ContainerRegistryAuth;
    type IntoIter = std::vec::IntoIter<ContainerRegistryAuth>;

    fn into_iter(self) -> Self::IntoIter {
        self.registries.into_iter()
    }
}

/// What a registry auth is made of (`POST /v2/registries`). All three are required, of one character or more, and no other
/// member is taken.
///
/// The password is wiped from memory when this is dropped, and `Debug` shows `Secret(***)` for it:
///
/// ```
/// use regcred::targets::runpod::ContainerRegistryAuthCreateInput;
///
/// let auth = ContainerRegistryAuthCreateInput {
///     name: "docker-hub-acme".to_owned(),
///     username: "acme".to_owned(),
///     password: "dckr_pat_example".to_owned().into(),
/// };
/// assert!(!format!("{auth:?}").contains("dckr_pat_example"));
/// ```
///
/// # What each registry wants
///
/// Docker Hub: the user's name with an access token that may read (`Read-only` is enough for private images). With an
/// organization's token the user is the organization's name. Source: Docker's manual, "Personal access tokens" and
/// "Organization access tokens".
///
/// GitHub (`ghcr.io`): the login name with a classic token that has `read:packages`. Source: GitHub's manual, "Working with
/// the Container registry".
///
/// ```
/// # use regcred::targets::runpod::ContainerRegistryAuthCreateInput;
/// let github = ContainerRegistryAuthCreateInput {
///     name: "ghcr-acme".to_owned(),
///     username: "octocat".to_owned(),
///     password: "ghp_example".to_owned().into(),
/// };
/// ```
///
/// Amazon ECR: the user is always `AWS`, with what `aws ecr get-login-password` prints. It is good for 12 hours, and so is
/// the auth. Source: Amazon ECR's user guide, "Private registry authentication".
///
/// ```
/// # use regcred::targets::runpod::ContainerRegistryAuthCreateInput;
/// let ecr = ContainerRegistryAuthCreateInput {
///     name: "ecr-us-west-2-20261129T1200".to_owned(),
///     username: "AWS".to_owned(),
///     password: "eyJwYXlsb2FkIjoi".to_owned().into(),
/// };
/// ```
///
/// Google Artifact Registry: the user is `_json_key`, with a service account's key file, whole. Source: Artifact
/// Registry's manual, "Configure authentication to Artifact Registry for Docker".
///
/// ```
/// # use regcred::targets::runpod::ContainerRegistryAuthCreateInput;
/// let google = ContainerRegistryAuthCreateInput {
///     name: "gar-acme".to_owned(),
///     username: "_json_key".to_owned(),
///     password: r#"{"type": "service_account", "private_key": "example"}"#.to_owned().into(),
/// };
/// assert!(serde_json::to_string(&google)?.contains(r#"{\"type\": \"service_account\""#));
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// GitLab (`registry.gitlab.com`): a deploy token's user name, such as `gitlab+deploy-token-1`, with the deploy token,
/// which has `read_registry`. Source: GitLab's manual, "Deploy tokens".
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerRegistryAuthCreateInput {
    /// What people will call it. Choose a name that is not there yet: v1 says that it has to be unique, and of v2 it is not
    /// known.
    pub name: String,
    /// Who logs in at the registry. RunPod never tells it again.
    pub username: String,
    /// The token or password. RunPod never tells it again. Written to JSON it is in clear text, as RunPod takes it: for the
    /// body of a request, and nothing else.
    #[serde(serialize_with = "in_clear_text", deserialize_with = "taken")]
    pub password: Secret,
}

fn in_clear_text<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

fn taken<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_has_the_three_members_that_runpod_takes_and_no_other_is_read() {
        let text = r#"{"name":"hub","username":"acme","password":"dckr_pat_only-in-the-body"}"#;
        let input: ContainerRegistryAuthCreateInput = serde_json::from_str(text).expect("it is one");
        assert_eq!(serde_json::to_string(&input).expect("it is JSON"), text);
        assert_eq!(
            format!("{input:?}"),
            r#"ContainerRegistryAuthCreateInput { name: "hub", username: "acme", password: Secret(***) }"#
        );
        let more = text.replace("name\":\"hub", "name\":\"hub\",\"registry\":\"docker.io");
        assert!(serde_json::from_str::<ContainerRegistryAuthCreateInput>(&more).is_err());
    }

    #[test]
    fn of_two_auths_of_one_name_everybody_takes_the_same_whatever_their_order() {
        let auth = |id: &str| ContainerRegistryAuth { id: id.to_owned(), name: "hub".to_owned() };
        for registries in [vec![auth("b"), auth("a")], vec![auth("a"), auth("b")]] {
            let auths = ContainerRegistryAuths { registries };
            assert_eq!((auths.named("hub"), auths.named("other")), (Some(&auth("a")), None));
        }
    }
}
