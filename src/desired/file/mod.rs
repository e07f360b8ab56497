//! `regcred.yaml`: its shape. What the values mean is judged in `validate`.

mod aws;
mod daytona;
mod from;
mod github;
mod kubernetes;
mod runpod;

pub(super) use aws::{Aws, Stack};
pub(super) use daytona::Daytona;
pub(super) use from::{AwsSecret, From, Names};
pub(super) use github::Github;
pub(super) use kubernetes::{Kubernetes, Projects, Runai};
pub(super) use runpod::{Chosen, NewTemplate, Runpod};

use super::node::{Node, Reader, Spanned};

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
    pub(super) daytona: Option<Daytona>,
    pub(super) github: Vec<Github>,
    pub(super) kubernetes: Vec<Kubernetes>,
    pub(super) runpod: Option<Runpod>,
}

impl Credential {
    /// Whether no place is declared for it.
    pub(super) fn goes_nowhere(&self) -> bool {
        let Self { aws, daytona, github, kubernetes, runpod, .. } = self;
        let somewhere = aws.is_some() || daytona.is_some() || runpod.is_some();
        !somewhere && github.is_empty() && kubernetes.is_empty()
    }
}

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
    let github = target("github").map_or(&[][..], |node| reader.list(node, "`github`"));
    let kubernetes = target("kubernetes").map_or(&[][..], |node| reader.list(node, "`kubernetes`"));
    Some(Credential {
        id: id.clone(),
        registry: fields.text("registry"),
        from: fields.get("from").and_then(|node| from::from(reader, node)),
        aws: target("aws").and_then(|node| aws::aws(reader, node)),
        daytona: target("daytona").and_then(|node| daytona::daytona(reader, node)),
        github: github.iter().filter_map(|node| github::place(reader, node)).collect(),
        kubernetes: kubernetes.iter().filter_map(|node| kubernetes::place(reader, node)).collect(),
        runpod: target("runpod").and_then(|node| runpod::runpod(reader, node)),
    })
}
