//! `regcred-sandbox report`: what landed where, and what it took, in words. Shows no token.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use regcred_sandbox::World;
use regcred_sandbox::aws::{Aws, Rule, Secret};
use serde::Deserialize;
use serde_json::Value;

/// The key under which the kubelet looks for Docker Hub's login.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// What `--state` and `--calls` files tell.
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// A world, as `--state` saved it
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Requests, as `--calls` saved them
    #[arg(long, value_name = "FILE")]
    calls: Option<PathBuf>,
    /// Leave out the first N requests
    #[arg(long, value_name = "N", default_value_t = 0)]
    skip: usize,
    /// List the longest chain of requests of which each began after the answer to the one before
    #[arg(long)]
    chain: bool,
}

impl Report {
    /// Prints it. An error if a secret does not hold what Docker Hub accepts.
    pub(crate) fn print(&self) -> io::Result<()> {
        let mut text = String::new();
        if let Some(path) = &self.state {
            let world: World = serde_json::from_reader(BufReader::new(File::open(path)?))?;
            text.push_str(&landed(&world)?);
        }
        if let Some(path) = &self.calls {
            let lines = read(path, self.skip)?;
            text.push_str(&counted(&lines, self.chain));
        }
        io::stdout().lock().write_all(text.as_bytes())
    }
}

fn landed(world: &World) -> io::Result<String> {
    let mut text = String::new();
    for secret in &world.aws.secrets {
        let (user, _) = login(world, secret)?;
        let versions = secret.versions.iter().filter(|version| !version.stages.is_empty()).count();
        line(&mut text, &format!("AWS {}, {}", secret.account, secret.region));
        line(&mut text, &format!("  secret    {}", secret.name));
        line(
            &mut text,
            &format!(
                "            holds {user} and a token *** that Docker Hub accepts; versions: {versions}"
            ),
        );
        line(&mut text, &format!("            GetSecretValue is denied to all but {}", readers(secret)));
        for rule in rules(&world.aws, secret) {
            line(
                &mut text,
                &format!("  rule      {}/* pulls from {} with it", rule.prefix, rule.upstream_url),
            );
        }
    }
    for (name, repository) in &world.github.repositories {
        if repository.actions.secrets.is_empty() && repository.variables.is_empty() {
            continue;
        }
        line(&mut text, &format!("GitHub {name}"));
        for (name, secret) in &repository.actions.secrets {
            line(
                &mut text,
                &format!("  secret    {name}: the sealed box opens to {}", meaning(world, &secret.value)?),
            );
        }
        for (name, variable) in &repository.variables {
            line(&mut text, &format!("  variable  {name} = {}", shortened(&variable.value)));
        }
    }
    landed_in_clusters(&mut text, world)?;
    landed_on_runpod(&mut text, world);
    Ok(text)
}

fn landed_on_runpod(text: &mut String, world: &World) {
    let runpod = &world.runpod;
    for auth in &runpod.auths {
        let accepts = world.registry.accepts(&auth.username, &auth.password);
        let word = if accepts { "accepts" } else { "does not accept" };
        line(text, "RunPod");
        line(text, &format!("  registry  {}", auth.name));
        line(text, &format!("            holds {} and a token *** that Docker Hub {word}", auth.username));
        let templates = runpod.templates.iter().map(|each| ("template", &each.name, &each.container));
        let endpoints = runpod.endpoints.iter().map(|each| ("endpoint", &each.name, &each.container));
        let pods = runpod.pods.iter().map(|each| ("pod     ", &each.name, &each.container));
        let all = templates.chain(endpoints).chain(pods);
        for (kind, name, _) in all.filter(|(_, _, container)| container.registry.as_ref() == Some(&auth.id)) {
            line(text, &format!("  {kind}  {name} pulls with it"));
        }
    }
}

/// Pull secrets and who pulls with them.
fn landed_in_clusters(text: &mut String, world: &World) -> io::Result<()> {
    let clusters = world.kubernetes.clusters.iter();
    let places = clusters
        .flat_map(|(name, cluster)| cluster.namespaces.keys().map(move |space| (name, cluster, space)));
    for (name, cluster, namespace) in places {
        let content = &cluster.namespaces[namespace];
        for secret in content.secrets.keys() {
            let Some((user, password)) = cluster.kubelet_login(namespace, secret, DOCKER_HUB) else {
                continue;
            };
            if !world.registry.accepts(&user, &password) {
                let words = format!("{name} {namespace}/{secret} does not hold what Docker Hub accepts");
                return Err(io::Error::other(words));
            }
            line(text, &format!("Kubernetes {name}, {namespace}"));
            line(text, &format!("  secret    {secret}: {user} and a token *** that Docker Hub accepts"));
            let pulls = |account: &&String| cluster.pull_secrets(namespace, account).contains(secret);
            for account in content.service_accounts.keys().filter(pulls) {
                line(text, &format!("  account   {account} pulls with it"));
            }
        }
    }
    Ok(())
}

fn line(text: &mut String, content: &str) {
    text.push_str(content);
    text.push('\n');
}

/// User and token of the current version, if they log in.
fn login(world: &World, secret: &Secret) -> io::Result<(String, String)> {
    let current =
        secret.versions.iter().find(|version| version.stages.iter().any(|stage| stage == "AWSCURRENT"));
    let text = current.and_then(|version| version.string.as_deref()).unwrap_or_default();
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let field = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let (user, token) = (field("username"), field("accessToken"));
    if world.registry.accepts(&user, &token) {
        Ok((user, token))
    } else {
        Err(io::Error::other(format!("{} does not hold what Docker Hub accepts", secret.arn)))
    }
}

/// Whom the Deny leaves out, by the last part of their names.
fn readers(secret: &Secret) -> String {
    let policy: Value =
        serde_json::from_str(secret.policy.as_deref().unwrap_or_default()).unwrap_or_default();
    let statements = policy["Statement"].as_array().cloned().unwrap_or_default();
    let listed = statements.iter().filter(|statement| statement["Effect"] == "Deny");
    let listed = listed.map(|statement| &statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"]);
    let names = listed.flat_map(|names| match names {
        Value::String(name) => vec![name.clone()],
        names => {
            names.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        }
    });
    let names: Vec<String> = names.map(|name| name.rsplit('/').next().unwrap_or(&name).to_owned()).collect();
    if names.is_empty() { "nobody: there is no such statement".to_owned() } else { names.join(", ") }
}

fn rules<'a>(aws: &'a Aws, secret: &'a Secret) -> impl Iterator<Item = &'a Rule> {
    aws.rules.iter().filter(|rule| rule.credential_arn.as_deref() == Some(&secret.arn))
}

/// A GitHub secret in terms of what AWS got: by itself it is only a text.
fn meaning(world: &World, value: &str) -> io::Result<String> {
    for secret in &world.aws.secrets {
        let (user, token) = login(world, secret)?;
        if value == token {
            return Ok("the same token, ***".to_owned());
        } else if value == user {
            return Ok(user);
        }
    }
    Err(io::Error::other("a GitHub secret holds neither the user nor the token that AWS has"))
}

/// A marker holds a fingerprint of 64 digits; 8 of them are enough to tell it.
fn shortened(value: &str) -> String {
    let shorten = |word: &str| if word.len() == 64 { format!("{}…", &word[..8]) } else { word.to_owned() };
    value.split(' ').map(shorten).collect::<Vec<_>>().join(" ")
}

/// What is read of a logged request.
#[derive(Debug, Deserialize)]
struct Line {
    service: String,
    operation: String,
    is_write: bool,
    started: Duration,
    ended: Option<Duration>,
}

fn read(path: &Path, skip: usize) -> io::Result<Vec<Line>> {
    let lines = BufReader::new(File::open(path)?).lines().skip(skip);
    lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}

fn counted(lines: &[Line], list: bool) -> String {
    let writes = lines.iter().filter(|line| line.is_write).count();
    let chain = chain(lines);
    let mut text = format!("requests {} writes {writes} chain {}\n", lines.len(), chain.len());
    for (position, line) in chain.iter().enumerate().filter(|_| list) {
        let (number, at) = (position + 1, line.started.as_secs_f64());
        // Writing to a String cannot fail.
        writeln!(text, "{number:>3}  {at:>7.2} s  {:<15} {}", line.service, line.operation).ok();
    }
    text
}

/// As `regcred_sandbox::longest_chain`, and which they are.
fn chain(lines: &[Line]) -> Vec<&Line> {
    let mut lines: Vec<&Line> = lines.iter().filter(|line| line.ended.is_some()).collect();
    lines.sort_by_key(|line| line.started);
    let mut best: Vec<Vec<&Line>> = Vec::with_capacity(lines.len());
    for line in lines {
        let before =
            best.iter().filter(|chain| chain.last().is_some_and(|last| last.ended <= Some(line.started)));
        let mut chain = before.max_by_key(|chain| chain.len()).cloned().unwrap_or_default();
        chain.push(line);
        best.push(chain);
    }
    best.into_iter().max_by_key(Vec::len).unwrap_or_default()
}
