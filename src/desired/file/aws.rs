//! `aws`: the shared secret and the stacks.

use crate::desired::node::{At, Node, Reader, Spanned};

#[derive(Debug)]
pub(in crate::desired) struct Aws {
    pub(in crate::desired) at: At,
    pub(in crate::desired) secret: Option<Spanned<String>>,
    pub(in crate::desired) provisioners: Option<Vec<Spanned<String>>>,
    pub(in crate::desired) readers: Option<Vec<Spanned<String>>>,
    pub(in crate::desired) stacks: Vec<Stack>,
    pub(in crate::desired) insecure: bool,
}

#[derive(Debug)]
pub(in crate::desired) struct Stack {
    pub(in crate::desired) name: Spanned<String>,
    pub(in crate::desired) region: Option<Spanned<String>>,
    pub(in crate::desired) role: Option<Spanned<String>>,
    pub(in crate::desired) account: Option<Spanned<String>>,
    pub(in crate::desired) prefix: Option<Spanned<String>>,
    pub(in crate::desired) rules: Option<Spanned<String>>,
}

pub(super) fn aws(reader: &Reader, node: &Node) -> Option<Aws> {
    let fields = reader.map(node, "`aws`", &["secret", "provisioners", "readers", "stacks", "insecure"])?;
    let stacks = fields.get("stacks").and_then(|node| reader.open_map(node, "`stacks`"));
    let stacks = stacks.iter().flat_map(|stacks| stacks.entries());
    Some(Aws {
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
