//! The first `regcred.yaml`: no key more than it takes, and a comment for each choice.

use crate::aws::{Role, Session};
use crate::desired::outline::{From, Outline, Site, To, is_pattern};
use crate::sources;
use crate::targets::aws::{SECRET_NAME_PREFIX, stack_prefix};
use crate::yaml::word;

/// The file's text. Editors find its schema at `schema`.
#[must_use]
pub fn file(outline: &Outline, schema: &str) -> String {
    let mut text = format!("# yaml-language-server: $schema={schema}\n");
    text += "# Where a credential is read, and where it goes. Its value is never in here.\n";
    text += "version: 1\ncredentials:\n";
    text += &format!("  {}:\n    registry: {}\n", word(&outline.id.0), word(outline.registry.canonical()));
    text += &indented(4, &from(outline));
    text += "    to:\n";
    let systems = outline.to.iter().map(|to| place(to, outline));
    if !outline.is_example {
        return text + &systems.map(|lines| indented(6, &lines)).collect::<String>();
    }
    text += "      # Remove the # in front of what you use, and correct it.\n";
    systems.for_each(|lines| text += &format!("\n{}", indented(6, &commented(&lines))));
    text
}

/// Lines as a comment: what they say stays, and what was a comment in a system's lines is left out.
fn commented(lines: &[String]) -> Vec<String> {
    let kept = lines.iter().filter(|line| line.starts_with('#') || !line.trim_start().starts_with('#'));
    kept.map(|line| if line.starts_with('#') { line.clone() } else { format!("#{line}") }).collect()
}

/// The project's address, as `Cargo.toml` says it: with `OWNER` in it there is none yet. A release fills it in.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// Where the schema of this release is published, if it is.
#[must_use]
pub fn published_schema() -> Option<String> {
    schema_of(REPOSITORY)
}

fn schema_of(repository: &str) -> Option<String> {
    let version = env!("CARGO_PKG_VERSION");
    let is_known = !repository.is_empty() && !repository.split('/').any(|part| part == "OWNER");
    is_known.then(|| format!("{repository}/raw/v{version}/{}", crate::desired::SCHEMA_FILE))
}

/// Which systems these places are of, as they are written in the file.
#[must_use]
pub fn systems(to: &[To]) -> String {
    to.iter().map(system).collect::<Vec<_>>().join(", ")
}

/// Places as an answer or a flag says them.
#[must_use]
pub fn places(to: &[To]) -> String {
    let each = to.iter().flat_map(|to| {
        let name = system(to);
        let with = |value: &String| format!("{name}={value}");
        match to {
            To::Aws(_) | To::Daytona | To::Runpod => vec![name.to_owned()],
            To::Github(repositories) => repositories.iter().map(with).collect(),
            To::Kubernetes(clusters) => clusters.iter().map(|cluster| with(&cluster.context)).collect(),
        }
    });
    each.collect::<Vec<_>>().join(",")
}

/// A source as an answer or a flag says it.
#[must_use]
pub fn source(from: &From) -> &'static str {
    match from {
        From::Default { .. } | From::Env => "env",
        From::Stdin => "stdin",
        From::DockerConfig => "docker-config",
        From::Pulumi { .. } => "pulumi",
        From::File(_) => "file",
        From::AwsSecret { .. } => "aws-secret",
        From::Command(_) => "command",
    }
}

fn system(to: &To) -> &'static str {
    match to {
        To::Aws(_) => "aws",
        To::Daytona => "daytona",
        To::Github(_) => "github",
        To::Kubernetes(_) => "kubernetes",
        To::Runpod => "runpod",
    }
}

/// Lines indented by this many spaces, each ended.
fn indented(columns: usize, lines: &[String]) -> String {
    lines.iter().map(|line| format!("{:columns$}{line}\n", "")).collect()
}

fn owned<const N: usize>(lines: [&str; N]) -> Vec<String> {
    lines.map(str::to_owned).to_vec()
}

fn from(outline: &Outline) -> Vec<String> {
    let [username, token] = sources::variables(&outline.id);
    match &outline.from {
        From::Default { is_set: true } => vec![
            "# No `from:`. The value is read from the environment,".to_owned(),
            format!("# {username} and {token}, which are set, else from Pulumi."),
        ],
        From::Default { is_set: false } => vec![
            "# No `from:`. The value is read from the environment,".to_owned(),
            format!("# {username} and {token}, else from Pulumi."),
            "# Or say where, such as `from: stdin`, which asks at a terminal.".to_owned(),
        ],
        From::Env => vec![format!("# {username} and {token}."), "from: env".to_owned()],
        From::Stdin => {
            owned(["# Two lines (user name, token) or JSON; at a terminal, regcred asks.", "from: stdin"])
        }
        From::DockerConfig => owned(["# What `docker login` keeps.", "from: docker-config"]),
        From::Pulumi { project, stack } => pulumi(project.as_deref(), stack.as_deref()),
        From::File(path) => vec![
            "# Beside this file: two lines (user name, token), JSON, or a .env file.".to_owned(),
            format!("from: {{ file: {} }}", word(path)),
        ],
        From::AwsSecret { secret, region } => {
            let region = region.iter().map(|region| format!(", region: {}", word(region)));
            let region: String = region.collect();
            vec![format!("from: {{ aws-secret: {{ secret: {}{region} }} }}", word(secret))]
        }
        From::Command(words) => command(words),
    }
}

fn pulumi(project: Option<&str>, stack: Option<&str>) -> Vec<String> {
    let fields = [("project", project), ("stack", stack)];
    let fields = fields.into_iter().filter_map(|(key, value)| Some(format!("{key}: {}", word(value?))));
    let fields: Vec<String> = fields.collect();
    if fields.is_empty() {
        return owned([
            "# dockerHubUsername and dockerHubToken of the Pulumi stack that has them.",
            "from: pulumi",
        ]);
    }
    vec![
        "# This stack holds the value.".to_owned(),
        format!("from: {{ pulumi: {{ {} }} }}", fields.join(", ")),
    ]
}

fn command(words: &[String]) -> Vec<String> {
    let mut lines = owned([
        "# It prints two lines (user name, token) or JSON. If it prints the token",
        "# alone: { command: { run: [PROGRAM, ARGUMENT], username: NAME } }.",
    ]);
    let words: Vec<String> = match words {
        [] => owned(["PROGRAM", "ARGUMENT"]),
        words => words.iter().map(|text| word(text)).collect(),
    };
    lines.push(format!("from: {{ command: [{}] }}", words.join(", ")));
    lines
}

/// A system with its places.
fn place(to: &To, outline: &Outline) -> Vec<String> {
    match to {
        To::Aws(sites) => aws(sites, outline),
        To::Daytona => vec![
            "# A row of the organization's registries. DAYTONA_API_KEY logs in.".to_owned(),
            format!("daytona: {{ name: {} }}", word(&outline.id.0)),
        ],
        To::Github(repositories) => {
            let mut lines = owned([
                "# Secrets of GitHub Actions. GITHUB_TOKEN logs in. For all repositories of",
                "# an organization: { organization: NAME, visibility: private }.",
                "# Several by their names: { repositories: [\"NAME/*\"] }.",
                "github:",
            ]);
            lines.extend(repositories.iter().map(|name| match is_pattern(name) {
                true => format!("  - repositories: [{}]", word(name)),
                false => format!("  - repository: {}", word(name)),
            }));
            lines
        }
        To::Kubernetes(clusters) => {
            let mut lines = owned([
                "# A pull secret in each namespace; Run:ai has `runai: cluster` instead.",
                "# `service-accounts: [default]` has pods use it that name none.",
                "kubernetes:",
            ]);
            let item = |context: &str, namespace: &str| {
                format!("  - {{ context: {}, namespaces: [{}] }}", word(context), word(namespace))
            };
            lines.extend(clusters.iter().map(|cluster| item(&cluster.context, &cluster.namespace)));
            lines
        }
        To::Runpod => owned([
            "# What pulls from this registry gets one auth. RUNPOD_API_KEY logs in.",
            "# `all`, or a list of ids and names; also for `pods`.",
            "runpod: { templates: all, endpoints: all }",
        ]),
    }
}

fn aws(sites: &[Site], outline: &Outline) -> Vec<String> {
    let upstream = outline.registry.ecr_upstream().map(|(name, _)| name).unwrap_or_default();
    let mut lines = vec![
        format!("# The secret {SECRET_NAME_PREFIX}{}, once per account and region.", outline.id),
        "# Each stack has a cache rule. `profile:` or `role:` for another account.".to_owned(),
        "aws:".to_owned(),
        "  stacks:".to_owned(),
    ];
    for site in sites {
        lines.push(format!("    # {}/… pulls through it.", stack_prefix(&site.name, upstream)));
        lines.push(format!("    {}: {{ {} }}", word(&site.name), fields(site).join(", ")));
    }
    lines
}

fn fields(site: &Site) -> Vec<String> {
    let Session { region, profile, roles } = &site.session;
    let mut fields = vec![format!("region: {}", word(region))];
    fields.extend(profile.iter().map(|profile| format!("profile: {}", word(profile))));
    if let Some((last, before)) = roles.split_last() {
        fields.extend(list("role", before.iter().map(role).chain([word(&last.arn)])));
        fields.extend(settings(last));
    }
    fields.extend(list("account", site.accounts.iter().map(|account| word(account))));
    fields.extend(list("forbidden-account", site.forbidden.iter().map(|account| word(account))));
    fields
}

/// A role before the last of its chain.
fn role(role: &Role) -> String {
    let settings: Vec<String> = settings(role).collect();
    if settings.is_empty() {
        return word(&role.arn);
    }
    format!("{{ arn: {}, {} }}", word(&role.arn), settings.join(", "))
}

fn settings(role: &Role) -> impl Iterator<Item = String> {
    let Role { external_id, session_name, .. } = role;
    let external_id = external_id.iter().map(|id| format!("external-id: {}", word(id)));
    external_id.chain(session_name.iter().map(|name| format!("session-name: {}", word(name))))
}

/// A word, or a list of several.
fn list(key: &str, words: impl Iterator<Item = String>) -> Option<String> {
    let words: Vec<String> = words.collect();
    match words.as_slice() {
        [] => None,
        [one] => Some(format!("{key}: {one}")),
        several => Some(format!("{key}: [{}]", several.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_of_a_release_is_at_the_address_that_the_release_fills_in() {
        assert_eq!(schema_of("https://github.com/OWNER/regcred"), None);
        assert_eq!(schema_of(""), None);
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            schema_of("https://github.com/acme/regcred"),
            Some(format!("https://github.com/acme/regcred/raw/v{version}/regcred.schema.json"))
        );
    }
}
