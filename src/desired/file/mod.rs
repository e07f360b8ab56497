//! `regcred.yaml`: its shape. What the values mean is judged in `validate`.

mod from;

pub(super) use from::{AwsSecret, From, Names};

use crate::systems;
use crate::yaml::{Fields, Node, Reader, Spanned};

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
    /// Each target reads its own part.
    pub(super) to: Option<Fields<'r>>,
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
    let fields = reader.map(node, &what, &["registry", "token-service", "from", "to"])?;
    let to = |node: &Node| reader.map(node, &format!("`to` of {what}"), systems::NAMES);
    Some(Credential {
        id,
        registry: fields.text("registry"),
        token_service: fields.text("token-service"),
        from: fields.get("from").and_then(|node| from::from(reader, node)),
        to: fields.get("to").and_then(to),
    })
}
