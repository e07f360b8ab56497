//! `regcred.yaml`: its shape. What the values mean is judged in `validate`.

mod from;
mod rotation;

pub(super) use from::{AwsSecret, From, Names, SOURCES};
pub(super) use rotation::Mint;

use crate::systems;
use crate::yaml::{At, Fields, Node, Reader, Spanned};

/// The whole file.
#[derive(Default)]
pub(super) struct File<'r> {
    pub(super) version: Option<Spanned<String>>,
    pub(super) credentials: Vec<Credential<'r>>,
}

/// One credential: what it is for, where its value comes from, where it goes.
pub(super) struct Credential<'r> {
    pub(super) id: Spanned<String>,
    pub(super) registry: Option<Spanned<String>>,
    pub(super) token_service: Option<Spanned<String>>,
    pub(super) from: Option<From>,
    /// How a new value is made.
    pub(super) mint: Option<Mint>,
    /// The program that takes a new value.
    pub(super) store: Option<Vec<Spanned<String>>>,
    /// How old the value may become.
    pub(super) max_age: Option<Spanned<String>>,
    /// Each target reads its own part.
    pub(super) to: Option<Fields<'r>>,
    /// Where `to` stands, if nothing is below it.
    pub(super) empty: Option<At>,
    /// Whether it was told what is wrong with what `to` names.
    pub(super) told: bool,
}

/// What people call the halves of a credential, and would write into the file.
const VALUES: &[&str] = &["username", "user", "password", "token", "secret", "value"];

/// Refuses the value itself instead of where it is read.
fn no_values(reader: &Reader, node: &Node) {
    values_but(reader, node, &[], "say where it is read: from: stdin, from: env, or from: { file: PATH }");
}

/// Refuses a value under every such name but these; what was looked for.
fn values_but(reader: &Reader, node: &Node, keys: &[&str], hint: &str) -> Vec<&'static str> {
    let values: Vec<_> = VALUES.iter().copied().filter(|name| !keys.contains(name)).collect();
    for entry in node.entries().into_iter().flatten().filter(|entry| values.contains(&&*entry.key)) {
        let message = format!("`{}`: a value is never in the file", entry.key);
        reader.problem(entry.at, message, Some(hint.to_owned()));
    }
    values
}

/// What people look for as a target, and is not one of its own.
const RUNAI: &str = "runai";

/// Says through which target Run:ai is reached.
fn no_runai(reader: &Reader, node: &Node) {
    for entry in node.entries().into_iter().flatten().filter(|entry| &*entry.key == RUNAI) {
        let hint = "kubernetes: { context: CONTEXT, runai: cluster }";
        reader.problem(entry.at, "Run:ai is reached through its cluster", Some(hint.to_owned()));
    }
}

impl<'r> File<'r> {
    /// Reads the file's shape; everything that is wrong with it goes to the reader.
    pub(super) fn read(reader: &'r Reader, text: &str) -> Self {
        let Some(root) = reader.document(text) else { return Self::default() };
        let Some(fields) = reader.map(&root, "the file", &["version", "credentials"]) else {
            return Self::default();
        };
        let credentials =
            match fields.get("credentials").map(|node| (node, reader.open_map(node, "`credentials`"))) {
                Some((_, Some(map))) => {
                    map.entries().filter_map(|(id, node)| credential(reader, id, node)).collect()
                }
                Some((_, None)) => Vec::new(),
                None => {
                    reader.problem(
                        fields.at,
                        "`credentials` is missing",
                        Some("see docs/reference/file.md, or run regcred without a file".to_owned()),
                    );
                    Vec::new()
                }
            };
        Self { version: fields.text("version"), credentials }
    }
}

fn credential<'r>(reader: &'r Reader, id: Spanned<String>, node: &Node) -> Option<Credential<'r>> {
    let what = format!("credential `{}`", id.value);
    no_values(reader, node);
    let keys = ["registry", "token-service", "from", "mint", "store", "max-age", "to"];
    let fields = reader.map_but(node, &what, &keys, VALUES)?;
    let to = |node: &Node| {
        no_runai(reader, node);
        reader.map_but(node, &format!("`to` of {what}"), systems::NAMES, &[RUNAI])
    };
    let found = reader.found();
    let to = fields.get("to").filter(|node| !node.is_null()).and_then(to);
    let told = reader.found() > found;
    Some(Credential {
        id,
        registry: fields.text("registry"),
        token_service: fields.text("token-service"),
        from: fields.get("from").and_then(|node| from::from(reader, node)),
        mint: fields.get("mint").and_then(|node| rotation::mint(reader, node)),
        store: fields.get("store").and_then(|node| rotation::store(reader, node)),
        max_age: fields.text("max-age"),
        to,
        told,
        empty: node.get("to").filter(|entry| entry.value.is_null()).map(|entry| entry.at),
    })
}
