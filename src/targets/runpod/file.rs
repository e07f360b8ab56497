//! `runpod`: a registry auth, and what points at it.

use crate::yaml::{At, Fields, Kind, Node, Reader, Spanned};

/// One item, as it is written.
#[derive(Debug)]
pub struct Declared {
    pub(super) at: At,
    pub(super) name: Option<Spanned<String>>,
    pub(super) templates: Option<Chosen>,
    pub(super) endpoints: Option<Chosen>,
    pub(super) pods: Option<Chosen>,
    pub(super) create: Vec<NewTemplate>,
    pub(super) insecure: bool,
}

/// `all`, or a list of ids and names.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) at: At,
    /// Nothing for `all`.
    pub(super) named: Option<Vec<Spanned<String>>>,
}

/// A template to make if it is not there.
#[derive(Debug)]
pub(super) struct NewTemplate {
    pub(super) at: At,
    pub(super) name: Option<Spanned<String>>,
    pub(super) image: Option<Spanned<String>>,
    pub(super) args: Option<Spanned<String>>,
    pub(super) disk: Option<Spanned<String>>,
    pub(super) env: Vec<(String, String)>,
    pub(super) serverless: bool,
}

pub(super) fn read(reader: &Reader, node: &Node) -> Option<Declared> {
    let keys = ["name", "templates", "endpoints", "pods", "create", "insecure"];
    let fields = reader.map(node, "`runpod`", &keys)?;
    let create = fields.get("create").map_or(&[][..], |node| reader.list(node, "`create`"));
    Some(Declared {
        at: node.at,
        name: fields.text("name"),
        templates: chosen(reader, &fields, "templates"),
        endpoints: chosen(reader, &fields, "endpoints"),
        pods: chosen(reader, &fields, "pods"),
        create: create.iter().filter_map(|node| template(reader, node)).collect(),
        insecure: fields.flag("insecure").unwrap_or(false),
    })
}

fn chosen(reader: &Reader, fields: &Fields<'_>, key: &str) -> Option<Chosen> {
    let node = fields.get(key)?;
    match &node.kind {
        Kind::Text(text) if text == "all" => Some(Chosen { at: node.at, named: None }),
        Kind::List(_) => Some(Chosen { at: node.at, named: fields.texts(key) }),
        Kind::Text(_) | Kind::Null | Kind::Map(_) => {
            reader.problem(
                node.at,
                format!("`{key}` is neither `all` nor a list"),
                Some(format!("{key}: all, or {key}: [ID-OR-NAME]")),
            );
            None
        }
    }
}

fn template(reader: &Reader, node: &Node) -> Option<NewTemplate> {
    let keys = ["name", "image", "args", "disk", "env", "serverless"];
    let fields = reader.map(node, "an item of `create`", &keys)?;
    let env = fields.get("env").and_then(|node| reader.open_map(node, "`env`"));
    let env = env.iter().flat_map(|env| env.entries());
    Some(NewTemplate {
        at: node.at,
        name: fields.text("name"),
        image: fields.text("image"),
        args: fields.text("args"),
        disk: fields.text("disk"),
        env: env.filter_map(|(name, node)| variable(reader, name, node)).collect(),
        serverless: fields.flag("serverless").unwrap_or(false),
    })
}

/// A variable may be empty.
fn variable(reader: &Reader, name: &Spanned<String>, node: &Node) -> Option<(String, String)> {
    let value = match &node.kind {
        Kind::Null => String::new(),
        Kind::Text(text) => text.clone(),
        Kind::List(_) | Kind::Map(_) => {
            reader.problem(node.at, format!("`{}` of `env` is not text", name.value), None);
            return None;
        }
    };
    Some((name.value.clone(), value))
}
