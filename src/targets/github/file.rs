//! `github`: repositories, environments, organizations.

use crate::yaml::{At, Node, Reader, Spanned};

/// An App, as it is written.
#[derive(Clone, Debug)]
pub(super) struct App {
    pub(super) id: Spanned<String>,
    pub(super) key_file: Spanned<String>,
}

/// What a repository that a pattern fits has to be, as it is written.
#[derive(Debug)]
pub(super) struct Only {
    pub(super) at: At,
    pub(super) topic: Option<Spanned<String>>,
    pub(super) team: Option<Spanned<String>>,
    pub(super) visibility: Option<Spanned<String>>,
}

/// One item, as it is written.
#[derive(Debug)]
pub struct Declared {
    pub(super) at: At,
    pub(super) app: Option<App>,
    pub(super) repository: Option<Spanned<String>>,
    pub(super) environment: Option<Spanned<String>>,
    pub(super) organization: Option<Spanned<String>>,
    pub(super) visibility: Option<Spanned<String>>,
    pub(super) repositories: Option<Vec<Spanned<String>>>,
    pub(super) only: Option<Only>,
    pub(super) store: Option<Spanned<String>>,
    pub(super) username: Option<Spanned<String>>,
    pub(super) token: Option<Spanned<String>>,
    pub(super) create_environment: bool,
    pub(super) insecure: bool,
}

/// A list of places, or `{ app: …, places: … }`.
pub(super) fn all(reader: &Reader, node: &Node) -> Vec<Declared> {
    if node.entries().is_none() {
        return reader.list(node, "`github`").iter().filter_map(|node| read(reader, node, None)).collect();
    }
    let Some(fields) = reader.map(node, "`github`", &["app", "places"]) else { return Vec::new() };
    let app = fields.get("app").and_then(|node| app(reader, node));
    let Some(places) = fields.get("places") else {
        let hint = "places: [{ repository: owner/name }]".to_owned();
        reader.problem(node.at, "`github` has no places", Some(hint));
        return Vec::new();
    };
    let places = reader.list(places, "`places`").iter();
    places.filter_map(|node| read(reader, node, app.clone())).collect()
}

fn app(reader: &Reader, node: &Node) -> Option<App> {
    let fields = reader.map(node, "`app`", &["id", "key-file"])?;
    let (id, key_file) = (fields.text("id"), fields.text("key-file"));
    for (name, is_missing, hint) in [
        ("id", fields.get("id").is_none(), "id: 123456, as on the App's page"),
        ("key-file", fields.get("key-file").is_none(), "key-file: app.pem, which git ignores"),
    ] {
        if is_missing {
            reader.problem(node.at, format!("`app` has no `{name}`"), Some(hint.to_owned()));
        }
    }
    Some(App { id: id?, key_file: key_file? })
}

fn only(reader: &Reader, node: &Node) -> Option<Only> {
    let fields = reader.map(node, "`only`", &["topic", "team", "visibility"])?;
    if fields.entries().next().is_none() {
        let hint = "only: { topic: docker }, or leave `only` out".to_owned();
        reader.problem(node.at, "`only` says nothing", Some(hint));
    }
    let [topic, team, visibility] = ["topic", "team", "visibility"].map(|key| fields.text(key));
    Some(Only { at: node.at, topic, team, visibility })
}

fn read(reader: &Reader, node: &Node, app: Option<App>) -> Option<Declared> {
    let keys = [
        "repository",
        "environment",
        "organization",
        "visibility",
        "repositories",
        "only",
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
        app,
        repository: fields.text("repository"),
        environment: fields.text("environment"),
        organization: fields.text("organization"),
        visibility: fields.text("visibility"),
        repositories: fields.texts("repositories"),
        only: fields.get("only").and_then(|node| only(reader, node)),
        store: fields.text("store"),
        username: name("username"),
        token: name("token"),
        create_environment: fields.flag("create-environment").unwrap_or(false),
        insecure: fields.flag("insecure").unwrap_or(false),
    })
}
