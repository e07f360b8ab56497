//! `from`: where the value comes from.
use super::{VALUES, no_values};
use crate::model::nearest;
use crate::yaml::{At, Entry, Fields, Node, Reader, Spanned};

#[derive(Debug)]
pub(in crate::desired) enum From {
    Env(Names),
    Pulumi { project: Option<Spanned<String>>, stack: Option<Spanned<String>>, keys: Names },
    Stdin(At),
    File { path: Spanned<String>, names: Names },
    DockerConfig,
    AwsSecret(AwsSecret),
    Command { run: Vec<Spanned<String>>, username: Option<Spanned<String>> },
}

/// What the two halves are called at the source.
#[derive(Debug, Default)]
pub(in crate::desired) struct Names {
    pub(in crate::desired) username: Option<Spanned<String>>,
    pub(in crate::desired) token: Option<Spanned<String>>,
}

#[derive(Debug)]
pub(in crate::desired) struct AwsSecret {
    pub(in crate::desired) secret: Spanned<String>,
    pub(in crate::desired) region: Option<Spanned<String>>,
    pub(in crate::desired) role: Option<Spanned<String>>,
    pub(in crate::desired) names: Names,
}

/// Where a value can come from.
pub(in crate::desired) const SOURCES: &[&str] =
    &["pulumi", "env", "stdin", "file", "docker-config", "aws-secret", "command"];

/// `from: env`, or `from: { pulumi: { … } }`.
pub(super) fn from(reader: &Reader, node: &Node) -> Option<From> {
    let is_value = |entry: &Entry| VALUES.contains(&&*entry.key);
    match (node.text(), node.entries()) {
        (_, Some(entries)) if entries.iter().any(is_value) => {
            no_values(reader, node);
            None
        }
        (Some(name), _) => source(reader, name, node.at, None),
        (_, Some([only])) => {
            source(reader, &only.key, only.at, Some(&only.value).filter(|options| !options.is_null()))
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
    let lacking = |example: &str| {
        reader.problem(at, format!("`{name}` does not say what to read"), Some(example.to_owned()));
        None
    };
    match (name, options) {
        ("env", None) => Some(From::Env(Names::default())),
        ("env", Some(node)) => {
            reader.map(node, "`env`", &["username", "token"]).map(|f| From::Env(names(&f)))
        }
        ("pulumi", None) => Some(From::Pulumi { project: None, stack: None, keys: Names::default() }),
        ("pulumi", Some(node)) => pulumi(reader, node),
        ("stdin", None) => Some(From::Stdin(at)),
        ("docker-config", None) => Some(From::DockerConfig),
        ("stdin" | "docker-config", Some(node)) => {
            reader.problem(node.at, format!("`{name}` takes nothing"), Some(format!("from: {name}")));
            None
        }
        ("file", None) => lacking("from: { file: PATH }"),
        ("file", Some(node)) => file(reader, node),
        ("aws-secret", None) => lacking("from: { aws-secret: { secret: NAME, region: REGION } }"),
        ("aws-secret", Some(node)) => aws_secret(reader, node),
        ("command", None) => lacking("from: { command: [PROGRAM, ARGUMENT] }"),
        ("command", Some(node)) => command(reader, node),
        (other, _) => {
            let near = nearest(other, SOURCES).map(|near| format!("did you mean `{near}`?"));
            let hint = near.unwrap_or_else(|| format!("one of: {}", SOURCES.join(", ")));
            reader.problem(at, format!("unknown source `{other}`"), Some(hint));
            None
        }
    }
}

fn names(fields: &Fields<'_>) -> Names {
    Names { username: fields.text("username"), token: fields.text("token") }
}

fn pulumi(reader: &Reader, node: &Node) -> Option<From> {
    let fields = reader.map(node, "`pulumi`", &["project", "stack", "username", "token"])?;
    Some(From::Pulumi { project: fields.text("project"), stack: fields.text("stack"), keys: names(&fields) })
}

/// `file: PATH`, or a map with what its fields are called.
fn file(reader: &Reader, node: &Node) -> Option<From> {
    if node.text().is_some() {
        return Some(From::File { path: reader.text(node, "`file`")?, names: Names::default() });
    }
    let fields = reader.map(node, "`file`", &["path", "username", "token"])?;
    let path = required(reader, &fields, "path", "`file`")?;
    Some(From::File { path, names: names(&fields) })
}

fn aws_secret(reader: &Reader, node: &Node) -> Option<From> {
    let fields = reader.map(node, "`aws-secret`", &["secret", "region", "role", "username", "token"])?;
    Some(From::AwsSecret(AwsSecret {
        secret: required(reader, &fields, "secret", "`aws-secret`")?,
        region: fields.text("region"),
        role: fields.text("role"),
        names: names(&fields),
    }))
}

/// `command: [PROGRAM, ARGUMENT]`, or a map with the user name that the program does not print.
fn command(reader: &Reader, node: &Node) -> Option<From> {
    if let Some(items) = node.items() {
        return Some(From::Command { run: words(reader, node.at, items)?, username: None });
    }
    let fields = reader.map(node, "`command`", &["run", "username"])?;
    let Some(run) = fields.get("run") else {
        reader.problem(
            fields.at,
            "`run` is missing in `command`",
            Some("run: [PROGRAM, ARGUMENT]".to_owned()),
        );
        return None;
    };
    let run = words(reader, run.at, reader.list(run, "`run`"))?;
    Some(From::Command { run, username: fields.text("username") })
}

/// A program and its arguments. There is no shell, so that nothing in them is taken apart.
pub(super) fn words(reader: &Reader, at: At, items: &[Node]) -> Option<Vec<Spanned<String>>> {
    let words: Vec<_> = items.iter().filter_map(|item| reader.text(item, "a word of `command`")).collect();
    if items.is_empty() {
        reader.problem(at, "`command` names no program", Some("command: [PROGRAM, ARGUMENT]".to_owned()));
    }
    (!words.is_empty()).then_some(words)
}

fn required(reader: &Reader, fields: &Fields<'_>, key: &str, what: &str) -> Option<Spanned<String>> {
    if fields.get(key).is_none() {
        reader.problem(fields.at, format!("`{key}` is missing in {what}"), Some(format!("{key}: …")));
    }
    fields.text(key)
}
