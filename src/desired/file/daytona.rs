//! `daytona`: the row of the registry list.

use crate::desired::node::{At, Node, Reader, Spanned};

#[derive(Debug)]
pub(in crate::desired) struct Daytona {
    pub(in crate::desired) at: At,
    pub(in crate::desired) name: Option<Spanned<String>>,
    pub(in crate::desired) insecure: bool,
}

pub(super) fn daytona(reader: &Reader, node: &Node) -> Option<Daytona> {
    let fields = reader.map(node, "`daytona`", &["name", "insecure"])?;
    Some(Daytona {
        at: node.at,
        name: fields.text("name"),
        insecure: fields.flag("insecure").unwrap_or(false),
    })
}
