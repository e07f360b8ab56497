//! `github`: repositories, environments, organizations.

use crate::desired::node::{At, Node, Reader, Spanned};

#[derive(Debug)]
pub(in crate::desired) struct Github {
    pub(in crate::desired) at: At,
    pub(in crate::desired) repository: Option<Spanned<String>>,
    pub(in crate::desired) environment: Option<Spanned<String>>,
    pub(in crate::desired) organization: Option<Spanned<String>>,
    pub(in crate::desired) visibility: Option<Spanned<String>>,
    pub(in crate::desired) repositories: Option<Vec<Spanned<String>>>,
    pub(in crate::desired) store: Option<Spanned<String>>,
    pub(in crate::desired) username: Option<Spanned<String>>,
    pub(in crate::desired) token: Option<Spanned<String>>,
    pub(in crate::desired) create_environment: bool,
    pub(in crate::desired) insecure: bool,
}

pub(super) fn place(reader: &Reader, node: &Node) -> Option<Github> {
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
    Some(Github {
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
