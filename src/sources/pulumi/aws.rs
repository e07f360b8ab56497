//! The settings of the AWS provider that are lists or maps.

use super::config_error::ConfigError;
use super::json;
use super::node::{Kind, Node};
use super::stack_file::StackFile;
use crate::model::Place;

/// A role that the AWS provider of a stack assumes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssumeRole {
    /// `roleArn`.
    pub role_arn: String,
    /// `externalId`.
    pub external_id: Option<String>,
    /// `sessionName`.
    pub session_name: Option<String>,
}

impl StackFile {
    /// A list of texts, such as `aws:allowedAccountIds`: a YAML list, the JSON text of one (as
    /// `pulumi config set` stores it), or a single text. Empty if the key is absent or empty.
    ///
    /// # Errors
    /// A map, a list of anything but texts and numbers, or an encrypted value.
    pub fn list(&self, key: &str) -> Result<Vec<String>, ConfigError> {
        let Some((place, value)) = self.structured(key)? else {
            return Ok(Vec::new());
        };
        let items = match &value.kind {
            Kind::List(items) => items.as_slice(),
            Kind::Scalar(_) | Kind::Map(_) => std::slice::from_ref(&value),
        };
        items.iter().map(|item| text(item, place, key)).collect()
    }

    /// The roles of `aws:assumeRoles`, else of `aws:assumeRole`, in the order in which they are assumed.
    /// Either may be a map or a list of maps, or the JSON text of one.
    ///
    /// # Errors
    /// A role without `roleArn`, another type of value, or an encrypted value.
    pub fn assume_roles(&self) -> Result<Vec<AssumeRole>, ConfigError> {
        for key in ["aws:assumeRoles", "aws:assumeRole"] {
            let Some((place, value)) = self.structured(key)? else {
                continue;
            };
            return match &value.kind {
                Kind::List(items) => items.iter().map(|item| role(item, place, key)).collect(),
                Kind::Scalar(_) | Kind::Map(_) => Ok(vec![role(&value, place, key)?]),
            };
        }
        Ok(Vec::new())
    }

    /// The value of a key; a text that is JSON of a list or a map counts as that list or map.
    fn structured(&self, key: &str) -> Result<Option<(&Place, Node)>, ConfigError> {
        let Some((place, node)) = self.find(key).filter(|(_, node)| !node.is_empty()) else {
            return Ok(None);
        };
        if node.any_ciphertext(&|_| true) {
            return Err(self.encrypted(place.clone(), key));
        }
        let parsed = match node.string() {
            Some(text) if text.trim_start().starts_with(['[', '{']) => json::parse(text).ok().flatten(),
            _ => None,
        };
        Ok(Some((place, parsed.unwrap_or_else(|| node.clone()))))
    }
}

fn role(node: &Node, place: &Place, key: &str) -> Result<AssumeRole, ConfigError> {
    let field = |name| match node.get(name).filter(|entry| !entry.value.is_empty()) {
        Some(entry) => text(&entry.value, place, &format!("{key}.{name}")).map(Some),
        None => Ok(None),
    };
    let missing = || ConfigError::NoRole { place: place.clone(), key: key.to_owned() };
    Ok(AssumeRole {
        role_arn: field("roleArn")?.ok_or_else(missing)?,
        external_id: field("externalId")?,
        session_name: field("sessionName")?,
    })
}

fn text(node: &Node, place: &Place, key: &str) -> Result<String, ConfigError> {
    let text = node.scalar().map(super::scalar::Scalar::text);
    text.ok_or_else(|| ConfigError::NotAList { place: place.clone(), key: key.to_owned() })
}
