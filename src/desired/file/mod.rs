//! `regcred.yaml`: its shape. What the values mean is judged in `validate.rs`.

use super::node::{At, Fields, Kind, Node, Reader, Spanned};

/// The whole file.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) version: Option<Spanned<String>>,
    pub(super) credentials: Vec<Credential>,
}

/// One credential: what it is for, where its value comes from, where it goes.
#[derive(Debug)]
pub(super) struct Credential {
    pub(super) id: Spanned<String>,
    pub(super) registry: Option<Spanned<String>>,
    pub(super) from: Option<From>,
    pub(super) aws: Option<Aws>,
    pub(super) github: Vec<Github>,
}

#[derive(Debug)]
pub(super) enum From {
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

#[derive(Debug)]
pub(super) struct Aws {
    pub(super) at: At,
    pub(super) secret: Option<Spanned<String>>,
    pub(super) provisioners: Option<Vec<Spanned<String>>>,
    pub(super) readers: Option<Vec<Spanned<String>>>,
    pub(super) stacks: Vec<Stack>,
    pub(super) insecure: bool,
}

#[derive(Debug)]
pub(super) struct Stack {
    pub(super) name: Spanned<String>,
    pub(super) region: Option<Spanned<String>>,
    pub(super) role: Option<Spanned<String>>,
    pub(super) account: Option<Spanned<String>>,
    pub(super) prefix: Option<Spanned<String>>,
    pub(super) rules: Option<Spanned<String>>,
}

#[derive(Debug)]
pub(super) struct Github {
    pub(super) at: At,
    pub(super) repository: Option<Spanned<String>>,
    pub(super) environment: Option<Spanned<String>>,
    pub(super) organization: Option<Spanned<String>>,
    pub(super) store: Option<Spanned<String>>,
    pub(super) username: Option<Spanned<String>>,
    pub(super) token: Option<Spanned<String>>,
    pub(super) create_environment: bool,
    pub(super) insecure: bool,
}

/// Where a value can come from; those of them that are built.
const SOURCES: &[&str] = &["pulumi", "env", "stdin", "file", "docker-config", "aws-secret", "command"];

impl File {
    /// Reads the file's shape; everything that is wrong with it goes to the reader.
    pub(super) fn read(reader: &Reader, text: &str) -> Self {
        let Some(root) = reader.document(text) else { return Self::default() };
        let Some(fields) = reader.map(&root, "the file", &["version", "credentials"]) else {
            return Self::default();
        };
        let credentials =
            match fields.get("credentials").map(|node| (node, reader.open_map(node, "`credentials`"))) {
                Some((_, Some(map))) => {
                    map.entries().iter().filter_map(|(id, node)| credential(reader, id, node)).collect()
                }
                Some((_, None)) => Vec::new(),
                None => {
                    reader.problem(
                        fields.at,
                        "`credentials` is missing",
                        Some("see README, \"The file\", or run regcred without a file".to_owned()),
                    );
                    Vec::new()
                }
            };
        Self { version: fields.text("version"), credentials }
    }
}

fn credential(reader: &Reader, id: &Spanned<String>, node: &Node) -> Option<Credential> {
    let what = format!("credential `{}`", id.value);
    let fields = reader.map(node, &what, &["registry", "from", "to"])?;
    let to = fields.get("to").and_then(|node| {
        reader.map(node, &format!("`to` of {what}"), &["aws", "github", "kubernetes", "runpod", "daytona"])
    });
    let target = |name: &str| to.as_ref().and_then(|to| to.get(name));
    for later in ["kubernetes", "runpod", "daytona"] {
        if let Some(node) = target(later) {
            reader.problem(
                node.at,
                format!("the target `{later}` is not supported yet"),
                Some("leave it out".to_owned()),
            );
        }
    }
    let github = target("github").map_or(&[][..], |node| reader.list(node, "`github`"));
    Some(Credential {
        id: id.clone(),
        registry: fields.text("registry"),
        from: fields.get("from").and_then(|node| from(reader, node)),
        aws: target("aws").and_then(|node| aws(reader, node)),
        github: github.iter().filter_map(|node| place(reader, node)).collect(),
    })
}

/// `from: env`, or `from: { pulumi: { … } }`.
fn from(reader: &Reader, node: &Node) -> Option<From> {
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
            let near = super::names::nearest(other, SOURCES).map(|near| format!("did you mean `{near}`?"));
            let hint = near.unwrap_or_else(|| format!("one of: {}", SOURCES.join(", ")));
            reader.problem(at, format!("unknown source `{other}`"), Some(hint));
            None
        }
    }
}

fn aws(reader: &Reader, node: &Node) -> Option<Aws> {
    let fields = reader.map(node, "`aws`", &["secret", "provisioners", "readers", "stacks", "insecure"])?;
    let stacks = fields.get("stacks").and_then(|node| reader.open_map(node, "`stacks`"));
    let stacks = stacks.iter().flat_map(|stacks| stacks.entries());
    Some(Aws {
        at: node.at,
        secret: fields.text("secret"),
        provisioners: fields.texts("provisioners"),
        readers: fields.texts("readers"),
        stacks: stacks.filter_map(|(name, node)| stack(reader, name, node)).collect(),
        insecure: fields.flag("insecure").unwrap_or(false),
    })
}

fn stack(reader: &Reader, name: &Spanned<String>, node: &Node) -> Option<Stack> {
    let fields = reader.map(
        node,
        &format!("stack `{}`", name.value),
        &["region", "role", "account", "prefix", "rules"],
    )?;
    Some(Stack {
        name: name.clone(),
        region: fields.text("region"),
        role: fields.text("role"),
        account: fields.text("account"),
        prefix: fields.text("prefix"),
        rules: fields.text("rules"),
    })
}

fn place(reader: &Reader, node: &Node) -> Option<Github> {
    let keys = [
        "repository",
        "environment",
        "organization",
        "visibility",
        "repositories",
        "store",
        "names",
        "create-environment",
        "insecure",
    ];
    let fields = reader.map(node, "an item of `github`", &keys)?;
    let names = fields.get("names").and_then(|node| reader.map(node, "`names`", &["username", "token"]));
    let name = |key: &str| names.as_ref().and_then(|names| names.text(key));
    Some(Github {
        at: node.at,
        repository: fields.text("repository"),
        environment: fields.text("environment"),
        organization: fields.text("organization"),
        store: fields.text("store"),
        username: name("username"),
        token: name("token"),
        create_environment: fields.flag("create-environment").unwrap_or(false),
        insecure: fields.flag("insecure").unwrap_or(false),
    })
}
