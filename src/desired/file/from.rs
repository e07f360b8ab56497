//! `from`: where the value comes from.

use crate::desired::names::nearest;
use crate::desired::node::{At, Fields, Kind, Node, Reader, Spanned};

#[derive(Debug)]
pub(in crate::desired) enum From {
    Env {
        username: Option<Spanned<String>>,
        token: Option<Spanned<String>>,
    },
    Pulumi {
        project: Option<Spanned<String>>,
        stack: Option<Spanned<String>>,
        username: Option<Spanned<String>>,
        token: Option<Spanned<String>>,
    },
}

/// Where a value can come from; those of them that are built.
const SOURCES: &[&str] = &["pulumi", "env", "stdin", "file", "docker-config", "aws-secret", "command"];

/// `from: env`, or `from: { pulumi: { … } }`.
pub(super) fn from(reader: &Reader, node: &Node) -> Option<From> {
    match &node.kind {
        Kind::Text(name) => source(reader, name, node.at, None),
        Kind::Map(entries) if entries.len() == 1 => {
            let (name, options) = entries.first()?;
            source(reader, &name.value, name.at, Some(options))
        }
        _ => {
            reader.problem(
                node.at,
                "`from` names one source",
                Some(format!("one of: {}", SOURCES.join(", "))),
            );
            None
        }
    }
}

fn source(reader: &Reader, name: &str, at: At, options: Option<&Node>) -> Option<From> {
    let fields = |what: &str, keys: &[&str]| match options.filter(|node| !matches!(node.kind, Kind::Null)) {
        Some(node) => reader.map(node, what, keys).map(Some),
        None => Some(None),
    };
    let text = |fields: &Option<Fields<'_>>, key: &str| fields.as_ref().and_then(|fields| fields.text(key));
    match name {
        "env" => {
            let fields = fields("`env`", &["username", "token"])?;
            Some(From::Env { username: text(&fields, "username"), token: text(&fields, "token") })
        }
        "pulumi" => {
            let fields = fields("`pulumi`", &["project", "stack", "username", "token"])?;
            Some(From::Pulumi {
                project: text(&fields, "project"),
                stack: text(&fields, "stack"),
                username: text(&fields, "username"),
                token: text(&fields, "token"),
            })
        }
        known if SOURCES.contains(&known) => {
            reader.problem(
                at,
                format!("the source `{known}` is not supported yet"),
                Some("use `pulumi` or `env`".to_owned()),
            );
            None
        }
        other => {
            let near = nearest(other, SOURCES).map(|near| format!("did you mean `{near}`?"));
            let hint = near.unwrap_or_else(|| format!("one of: {}", SOURCES.join(", ")));
            reader.problem(at, format!("unknown source `{other}`"), Some(hint));
            None
        }
    }
}
