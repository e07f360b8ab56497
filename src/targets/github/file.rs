//! `github`: repositories, environments, organizations.

use crate::yaml::{At, Node, Reader, Spanned};

/// One item, as it is written.
#[derive(Debug)]
pub struct Declared {
    pub(super) at: At,
    pub(super) repository: Option<Spanned<String>>,
    pub(super) environment: Option<Spanned<String>>,
    pub(super) organization: Option<Spanned<String>>,
    pub(super) visibility: Option<Spanned<String>>,
    pub(super) repositories: Option<Vec<Spanned<String>>>,
    pub(super) store: Option<Spanned<String>>,
    pub(super) username: Option<Spanned<String>>,
    pub(super) token: Option<Spanned<String>>,
    pub(super) create_environment: bool,
    pub(super) insecure: bool,
}

pub(super) fn read(reader: &Reader, node: &Node) -> Option<Declared> {
    let keys = [
        "repository",
        "environment",
        "organization",
        "visibility",
        "repositories",
        "store",
        "names",
        "create-environment",
        "insecure",
    ];
    let fields = reader.map(node, "an item of `github`", &keys)?;
    let names = fields.get("names").and_then(|node| reader.map(node, "`names`", &["username", "token"]));
    let name = |key: &str| names.as_ref().and_then(|names| names.text(key));
    Some(Declared {
        at: node.at,
        repository: fields.text("repository"),
        environment: fields.text("environment"),
        organization: fields.text("organization"),
        visibility: fields.text("visibility"),
        repositories: fields.texts("repositories"),
        store: fields.text("store"),
        username: name("username"),
        token: name("token"),
        create_environment: fields.flag("create-environment").unwrap_or(false),
        insecure: fields.flag("insecure").unwrap_or(false),
    })
}
