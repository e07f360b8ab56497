//! The settings of the AWS provider that are lists or maps.

use super::config_error::ConfigError;
use super::stack_file::StackFile;
use super::value::{self, Unquoted};
use crate::model::Place;
use crate::yaml::{Kind, Node};

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
            Kind::List(items) => items,
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
    pub(super) fn structured(&self, key: &str) -> Result<Option<(&Place, Node)>, ConfigError> {
        let Some((place, node)) = self.find(key).filter(|(_, node)| !value::is_empty(node)) else {
            return Ok(None);
        };
        if value::any_ciphertext(node, &|_| true) {
            return Err(self.encrypted(place.clone(), key));
        }
        let parsed = value::string(node)
            .filter(|text| text.trim_start().starts_with(['[', '{']))
            .and_then(|text| value::json(text).ok().flatten())
            .filter(|document| document.flaws.is_empty());
        Ok(Some((place, parsed.map_or_else(|| node.clone(), |document| document.root))))
    }
}

fn role(node: &Node, place: &Place, key: &str) -> Result<AssumeRole, ConfigError> {
    let field = |name| match node.get(name).filter(|entry| !value::is_empty(&entry.value)) {
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
    let (place, key) = (place.clone(), key.to_owned());
    match node.scalar().map(value::text) {
        Some(Ok(text)) => Ok(text.into_owned()),
        Some(Err(Unquoted)) => Err(ConfigError::Unquoted { place, key }),
        None => Err(ConfigError::NotAList { place, key }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::pulumi::sample::{said, stack};

    fn list(value: &str) -> Result<Vec<String>, ConfigError> {
        let content = format!("config:\n  aws:allowedAccountIds: {value}\n");
        stack(&content).expect("it is good").list("aws:allowedAccountIds")
    }

    fn roles(line: &str) -> Result<Vec<AssumeRole>, ConfigError> {
        stack(&format!("config:\n  {line}\n")).expect("it is good").assume_roles()
    }

    #[test]
    fn a_list_is_read_from_yaml_and_from_json_text() {
        for value in [
            "[\"123456789012\", '210987654321']",
            "[123456789012, 210987654321]",
            r#"'["123456789012", 210987654321]'"#,
        ] {
            assert_eq!(list(value).expect("a list"), ["123456789012", "210987654321"], "{value}");
        }
        assert_eq!(list("'123456789012'").expect("one"), ["123456789012"]);
        assert!(list("''").expect("none").is_empty());
        assert!(list("[]").expect("none").is_empty());
    }

    #[test]
    fn a_list_of_anything_else_is_refused() {
        let wanted = "`aws:allowedAccountIds` must be a list of text values";
        for value in ["{a: b}", "[[a]]", r#"'{"a": 1}'"#] {
            assert!(said(list(value).expect_err("it is refused")).contains(wanted), "{value}");
        }
        assert!(matches!(list("[{secure: x}]"), Err(ConfigError::Encrypted { .. })));
    }

    #[test]
    fn roles_are_read_from_both_keys_and_every_form() {
        let role = |arn: &str, external: Option<&str>| AssumeRole {
            role_arn: arn.to_owned(),
            external_id: external.map(str::to_owned),
            session_name: None,
        };
        for line in [
            "aws:assumeRole: {roleArn: r, externalId: e}",
            "aws:assumeRole: [{roleArn: r, externalId: e}]",
            "aws:assumeRoles: [{roleArn: r, externalId: e}]",
            r#"aws:assumeRoles: '[{"roleArn": "r", "externalId": "e"}]'"#,
        ] {
            assert_eq!(roles(line).expect("roles"), [role("r", Some("e"))], "{line}");
        }
        let two = roles("aws:assumeRoles: [{roleArn: r}, {roleArn: s}]");
        assert_eq!(two.expect("roles"), [role("r", None), role("s", None)]);
        assert!(roles("a: b").expect("none").is_empty());
        let named = roles("aws:assumeRole: {roleArn: r, sessionName: s, duration: 1h}").expect("roles");
        assert_eq!(named[0].session_name.as_deref(), Some("s"));
    }

    #[test]
    fn a_role_without_its_name_is_refused() {
        for line in ["aws:assumeRole: {externalId: e}", "aws:assumeRole: arn", "aws:assumeRoles: [a]"] {
            assert!(matches!(roles(line), Err(ConfigError::NoRole { .. })), "{line}");
        }
    }
}
