//! `mint` and `store`: where a new value comes from, and who takes it.

use super::from::words;
use super::values_but;
use crate::yaml::{At, Fields, Node, Reader, Spanned};

/// How new tokens are made at Docker Hub.
#[derive(Debug)]
pub(in crate::desired) struct Mint {
    /// Where it stands.
    pub(in crate::desired) at: At,
    pub(in crate::desired) command: Option<Vec<Spanned<String>>>,
    pub(in crate::desired) username: Option<Spanned<String>>,
    pub(in crate::desired) organization: Option<Spanned<String>>,
    pub(in crate::desired) pulls: Option<Vec<Spanned<String>>>,
    pub(in crate::desired) expires: Option<Spanned<String>>,
}

pub(super) fn mint(reader: &Reader, node: &Node) -> Option<Mint> {
    let fields = reader.map(node, "`mint`", &["login", "organization", "pulls", "expires"])?;
    let login = fields.get("login").and_then(|node| login(reader, node));
    let (command, username) = login.unwrap_or_default();
    Some(Mint {
        at: fields.at,
        command,
        username,
        organization: fields.text("organization"),
        pulls: fields.texts("pulls"),
        expires: fields.text("expires"),
    })
}

type Login = (Option<Vec<Spanned<String>>>, Option<Spanned<String>>);

/// Who may make tokens. The password is printed by a program, or asked for.
fn login(reader: &Reader, node: &Node) -> Option<Login> {
    let keys = ["command", "username"];
    let hint = "let a program print it: login: { command: [PROGRAM, ARGUMENT] }";
    let told = values_but(reader, node, &keys, hint);
    let fields = reader.map_but(node, "`login`", &keys, &told)?;
    Some((command(reader, &fields), fields.text("username")))
}

/// `store: { command: [PROGRAM, ARGUMENT] }`
pub(super) fn store(reader: &Reader, node: &Node) -> Option<Vec<Spanned<String>>> {
    let fields = reader.map(node, "`store`", &["command"])?;
    if fields.get("command").is_none() {
        let hint = "command: [PROGRAM, ARGUMENT]".to_owned();
        reader.problem(fields.at, "`command` is missing in `store`", Some(hint));
    }
    command(reader, &fields)
}

fn command(reader: &Reader, fields: &Fields<'_>) -> Option<Vec<Spanned<String>>> {
    let node = fields.get("command")?;
    match node.items() {
        Some(items) => words(reader, node.at, items),
        None => {
            reader.list(node, "`command`");
            None
        }
    }
}
