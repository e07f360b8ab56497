//! `daytona`: the row of the registry list.

use crate::yaml::{At, Node, Reader, Spanned};

/// One item, as it is written.
#[derive(Debug)]
pub struct Declared {
    pub(super) at: At,
    pub(super) name: Option<Spanned<String>>,
    pub(super) insecure: bool,
}

pub(super) fn read(reader: &Reader, node: &Node) -> Option<Declared> {
    let fields = reader.map(node, "`daytona`", &["name", "insecure"])?;
    Some(Declared {
        at: node.at,
        name: fields.text("name"),
        insecure: fields.flag("insecure").unwrap_or(false),
    })
}
