//! `aws`: the shared secret and the stacks.

use crate::yaml::{At, Node, Reader, Spanned};

/// One item, as it is written.
#[derive(Debug)]
pub struct Declared {
    pub(super) at: At,
    pub(super) secret: Option<Spanned<String>>,
    pub(super) provisioners: Option<Vec<Spanned<String>>>,
    pub(super) readers: Option<Vec<Spanned<String>>>,
    pub(super) stacks: Vec<Stack>,
    pub(super) insecure: bool,
}

#[derive(Debug)]
pub(super) struct Stack {
    pub(super) name: Spanned<String>,
    pub(super) region: Option<Spanned<String>>,
    pub(super) role: Option<Spanned<String>>,
    pub(super) account: Option<Spanned<String>>,
    pub(super) prefix: Option<Spanned<String>>,
    pub(super) rules: Option<Spanned<String>>,
}

pub(super) fn read(reader: &Reader, node: &Node) -> Option<Declared> {
    let fields = reader.map(node, "`aws`", &["secret", "provisioners", "readers", "stacks", "insecure"])?;
    let stacks = fields.get("stacks").and_then(|node| reader.open_map(node, "`stacks`"));
    let stacks = stacks.iter().flat_map(|stacks| stacks.entries());
    Some(Declared {
        at: node.at,
        secret: fields.text("secret"),
        provisioners: fields.texts("provisioners"),
        readers: fields.texts("readers"),
        stacks: stacks.filter_map(|(name, node)| stack(reader, name, node)).collect(),
        insecure: fields.flag("insecure").unwrap_or(false),
    })
}

fn stack(reader: &Reader, name: &Spanned<String>, node: &Node) -> Option<Stack> {
    let fields = reader.map(
        node,
        &format!("stack `{}`", name.value),
        &["region", "role", "account", "prefix", "rules"],
    )?;
    Some(Stack {
        name: name.clone(),
        region: fields.text("region"),
        role: fields.text("role"),
        account: fields.text("account"),
        prefix: fields.text("prefix"),
        rules: fields.text("rules"),
    })
}
