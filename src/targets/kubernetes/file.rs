//! `kubernetes`: namespaces of clusters, and Run:ai's.

use crate::yaml::{At, Node, Reader, Spanned};

/// One item, as it is written.
#[derive(Debug)]
pub struct Declared {
    pub(super) at: At,
    pub(super) context: Option<Spanned<String>>,
    pub(super) namespaces: Option<Vec<Spanned<String>>>,
    pub(super) selector: Option<Spanned<String>>,
    pub(super) runai: Option<Runai>,
    pub(super) secret: Option<Spanned<String>>,
    pub(super) service_accounts: Vec<Spanned<String>>,
    pub(super) attach: bool,
    pub(super) insecure: bool,
}

/// `runai: cluster`, or `runai: { projects: … }`.
#[derive(Debug)]
pub(super) enum Runai {
    Word(Spanned<String>),
    Projects(Projects),
    /// What is wrong with it has been said.
    Broken,
}

/// `projects: all`, or a list.
#[derive(Debug)]
pub(super) enum Projects {
    Word(Spanned<String>),
    Listed(Vec<Spanned<String>>),
}

pub(super) fn read(reader: &Reader, node: &Node) -> Option<Declared> {
    let keys =
        ["context", "namespaces", "selector", "runai", "secret", "service-accounts", "attach", "insecure"];
    let fields = reader.map(node, "an item of `kubernetes`", &keys)?;
    Some(Declared {
        at: node.at,
        context: fields.text("context"),
        namespaces: fields.texts("namespaces"),
        selector: fields.text("selector"),
        runai: fields.get("runai").map(|node| runai(reader, node).unwrap_or(Runai::Broken)),
        secret: fields.text("secret"),
        service_accounts: fields.texts("service-accounts").unwrap_or_default(),
        attach: fields.flag("attach").unwrap_or(true),
        insecure: fields.flag("insecure").unwrap_or(false),
    })
}

fn runai(reader: &Reader, node: &Node) -> Option<Runai> {
    if node.text().is_some() {
        return reader.text(node, "`runai`").map(Runai::Word);
    }
    let fields = reader.map(node, "`runai`", &["projects"])?;
    let Some(projects) = fields.get("projects") else {
        reader.problem(
            node.at,
            "`projects` is missing in `runai`",
            Some("runai: { projects: [NAME] }, runai: { projects: all }, or runai: cluster".to_owned()),
        );
        return None;
    };
    Some(Runai::Projects(match projects.text() {
        Some(_) => Projects::Word(reader.text(projects, "`projects`")?),
        None => Projects::Listed(fields.texts("projects")?),
    }))
}
