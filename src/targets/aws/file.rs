//! `aws`: the shared secret and the stacks.

use super::accounts::{self, Accounts};
use crate::yaml::{At, Fields, Kind, Node, Reader, Spanned};

/// One item, as it is written.
#[derive(Debug)]
pub struct Declared {
    pub(super) at: At,
    pub(super) secret: Option<Spanned<String>>,
    pub(super) provisioners: Option<Vec<Spanned<String>>>,
    pub(super) readers: Option<Vec<Spanned<String>>>,
    pub(super) tags: Vec<(Spanned<String>, Spanned<String>)>,
    /// The accounts that a stack is put into whose role is for each.
    pub(super) accounts: Option<Accounts>,
    /// The regions that a stack without its own is put into, and where they stand.
    pub(super) regions: Option<(At, Vec<Spanned<String>>)>,
    pub(super) stacks: Vec<Stack>,
    pub(super) insecure: bool,
}

#[derive(Debug)]
pub(super) struct Stack {
    pub(super) name: Spanned<String>,
    pub(super) region: Option<Spanned<String>>,
    pub(super) profile: Option<Spanned<String>>,
    pub(super) roles: Vec<Role>,
    pub(super) external_id: Option<Spanned<String>>,
    pub(super) session_name: Option<Spanned<String>>,
    pub(super) accounts: Vec<Spanned<String>>,
    pub(super) forbidden: Vec<Spanned<String>>,
    pub(super) prefix: Option<Spanned<String>>,
    pub(super) rules: Option<Spanned<String>>,
}

/// A role of a chain.
#[derive(Debug)]
pub(super) struct Role {
    pub(super) arn: Spanned<String>,
    pub(super) external_id: Option<Spanned<String>>,
    pub(super) session_name: Option<Spanned<String>>,
}

pub(super) fn read(reader: &Reader, node: &Node) -> Option<Declared> {
    let keys = ["secret", "provisioners", "readers", "tags", "accounts", "regions", "stacks", "insecure"];
    let fields = reader.map(node, "`aws`", &keys)?;
    let stacks = fields.get("stacks").and_then(|node| reader.open_map(node, "`stacks`"));
    let stacks = stacks.iter().flat_map(|stacks| stacks.entries());
    Some(Declared {
        at: node.at,
        secret: fields.text("secret"),
        provisioners: fields.texts("provisioners"),
        readers: fields.texts("readers"),
        tags: tags(reader, &fields),
        accounts: fields.get("accounts").map(|node| accounts::read(reader, node)),
        regions: fields.get("regions").map(|node| (node.at, regions(reader, node, &fields))),
        stacks: stacks.filter_map(|(name, node)| stack(reader, name, node)).collect(),
        insecure: fields.flag("insecure").unwrap_or(false),
    })
}

fn regions(reader: &Reader, node: &Node, fields: &Fields<'_>) -> Vec<Spanned<String>> {
    let found = reader.found();
    let regions = fields.texts("regions").unwrap_or_default();
    if regions.is_empty() && reader.found() == found {
        let hint = "regions: [us-east-2, eu-central-1]".to_owned();
        reader.problem(node.at, "`regions` lists none", Some(hint));
    }
    regions
}

fn tags(reader: &Reader, fields: &Fields<'_>) -> Vec<(Spanned<String>, Spanned<String>)> {
    let tags = fields.get("tags").and_then(|node| reader.open_map(node, "`tags`"));
    let tags = tags.iter().flat_map(|tags| tags.entries());
    tags.filter_map(|(key, node)| Some((key, reader.text(node, "a tag")?))).collect()
}

fn stack(reader: &Reader, name: Spanned<String>, node: &Node) -> Option<Stack> {
    let fields = reader.map(
        node,
        &format!("stack `{}`", name.value),
        &[
            "region",
            "profile",
            "role",
            "external-id",
            "session-name",
            "account",
            "forbidden-account",
            "prefix",
            "rules",
        ],
    )?;
    Some(Stack {
        name,
        region: fields.text("region"),
        profile: fields.text("profile"),
        roles: roles(reader, &fields),
        external_id: fields.text("external-id"),
        session_name: fields.text("session-name"),
        accounts: one_or_more(&fields, "account"),
        forbidden: one_or_more(&fields, "forbidden-account"),
        prefix: fields.text("prefix"),
        rules: fields.text("rules"),
    })
}

/// A role, or a list of them; of one that needs it, with the external id and the session name.
fn roles(reader: &Reader, fields: &Fields<'_>) -> Vec<Role> {
    let Some(node) = fields.get("role") else { return Vec::new() };
    let role = |node: &Node| {
        if !matches!(node.kind, Kind::Map(_)) {
            let arn = reader.text(node, "`role`")?;
            return Some(Role { arn, external_id: None, session_name: None });
        }
        let fields = reader.map(node, "a role", &["arn", "external-id", "session-name"])?;
        let Some(arn) = fields.text("arn") else {
            reader.problem(
                node.at,
                "`arn` is missing in a role",
                Some("arn: arn:aws:iam::123456789012:role/NAME".to_owned()),
            );
            return None;
        };
        Some(Role { arn, external_id: fields.text("external-id"), session_name: fields.text("session-name") })
    };
    let listed = node.items().unwrap_or(std::slice::from_ref(node));
    listed.iter().filter_map(role).collect()
}

/// A text, or a list of them.
fn one_or_more(fields: &Fields<'_>, key: &str) -> Vec<Spanned<String>> {
    let is_list = fields.get(key).is_some_and(|node| matches!(node.kind, Kind::List(_)));
    if is_list { fields.texts(key).unwrap_or_default() } else { fields.text(key).into_iter().collect() }
}
