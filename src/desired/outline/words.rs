//! How a source and a place are written in a flag or an answer: `file=PATH`, `kubernetes=CONTEXT`.

use super::{Cluster, Found, From, Site, To};
use crate::aws::region_fault;
use crate::desired::file;
use crate::model::{Problem, nearest};
use crate::systems::NAMES;
use crate::targets::github::split_repository;

/// The sources, as they are written.
pub const SOURCES: &[&str] =
    &["env", "pulumi", "stdin", "docker-config", "file=PATH", "command=PROGRAM", "aws-secret=NAME"];

/// The systems, as they are written.
pub fn systems() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|name| match *name {
        "aws" => "aws=REGION",
        "github" => "github=OWNER/REPO",
        "kubernetes" => "kubernetes=CONTEXT",
        other => other,
    })
}

type Words<T> = Result<T, Problem>;

impl Found {
    /// What `--to` takes here: each system alone, and with each name that is found.
    #[must_use]
    pub fn choices(&self) -> Vec<String> {
        let repositories = self.all().into_iter().flat_map(|to| match to {
            To::Github(repositories) => repositories,
            To::Aws(_) | To::Daytona | To::Kubernetes(_) | To::Runpod => Vec::new(),
        });
        let contexts = self.machine.clusters.iter().map(|cluster| format!("kubernetes={}", cluster.context));
        let aws = self.machine.profiles.iter().map(|profile| &profile.name).chain(&self.machine.region);
        let alone = NAMES.iter().map(|name| (*name).to_owned());
        let found = contexts.chain(aws.map(|name| format!("aws={name}")));
        alone.chain(found).chain(repositories.map(|name| format!("github={name}"))).collect()
    }

    /// The source that is named.
    ///
    /// # Errors
    /// It is not known, or lacks what has to be said.
    pub fn source(&self, words: &str) -> Words<From> {
        let (name, value) = split(words);
        match (name, value) {
            ("env", None) => Ok(From::Env),
            ("stdin", None) => Ok(From::Stdin),
            ("docker-config", None) => Ok(From::DockerConfig),
            ("pulumi", stack) => Ok(self.pulumi(stack)),
            ("file", Some(path)) => Ok(From::File(path.to_owned())),
            ("aws-secret", Some(secret)) => self.aws_secret(secret),
            ("command", None) => Ok(From::Command(Vec::new())),
            ("command", Some(line)) => match shlex::split(line).filter(|words| !words.is_empty()) {
                Some(words) => Ok(From::Command(words)),
                None => Err(Problem::input("the command has a quote that does not end")
                    .hint("command=\"op read 'op://infra/docker-hub/token'\"")),
            },
            ("file", None) => Err(lacking("file", "file=PATH")),
            ("aws-secret", None) => Err(lacking("aws-secret", "aws-secret=NAME")),
            ("env" | "stdin" | "docker-config", Some(_)) => Err(too_much(name)),
            _ => Err(unknown("source", name, file::SOURCES)),
        }
    }

    fn pulumi(&self, stack: Option<&str>) -> From {
        let found = self.here.as_ref().ok().and_then(|here| here.pulumi.clone());
        let (project, found) = found.unzip();
        From::Pulumi { project, stack: stack.map(str::to_owned).or(found) }
    }

    fn aws_secret(&self, secret: &str) -> Words<From> {
        let in_arn = secret.starts_with("arn:");
        let region = self.machine.region.clone().filter(|_| !in_arn);
        if region.is_none() && !in_arn {
            return Err(Problem::input("the region of the secret is not known")
                .hint("export AWS_REGION=us-east-2, or name the secret by its ARN"));
        }
        Ok(From::AwsSecret { secret: secret.to_owned(), region })
    }

    /// The places that are named, each system once, in the order of the file.
    ///
    /// # Errors
    /// For each: it is not known, or lacks what has to be said and is not found.
    pub fn places<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Result<Vec<To>, Vec<Problem>> {
        let (mut places, mut problems) = (Vec::new(), Vec::new());
        for place in words.into_iter().map(|words| self.place(words)) {
            match place {
                Ok(place) => join(&mut places, place),
                Err(problem) => problems.push(problem),
            }
        }
        places.iter_mut().for_each(distinguish);
        places.sort();
        if problems.is_empty() { Ok(places) } else { Err(problems) }
    }

    fn place(&self, words: &str) -> Words<To> {
        match split(words) {
            ("aws", named) => self.aws(named).map(To::Aws),
            ("daytona", None) => Ok(To::Daytona),
            ("runpod", None) => Ok(To::Runpod),
            // What is wrong with a pattern is told by the file's own judge.
            ("github", Some(name)) if split_repository(name).is_some() || is_pattern(name) => {
                Ok(To::Github(vec![name.to_owned()]))
            }
            ("github", Some(name)) => {
                Err(Problem::input(format!("`{name}` is not a repository")).hint("github=OWNER/REPO"))
            }
            ("github", None) => self.github(),
            ("kubernetes", named) => self.kubernetes(named).map(|cluster| To::Kubernetes(vec![cluster])),
            (name @ ("daytona" | "runpod"), Some(_)) => Err(too_much(name)),
            // Its name is near RunPod's.
            ("runai", _) => Err(Problem::input("Run:ai is reached through its cluster")
                .hint("kubernetes=CONTEXT, and then `runai: cluster` in the file")),
            (name, _) => Err(unknown("system", name, NAMES)),
        }
    }

    /// The stacks of Pulumi; else one in the region or of the profile that is named, else in the region that is set.
    fn aws(&self, named: Option<&str>) -> Words<Vec<Site>> {
        let found =
            self.all().into_iter().find_map(|to| if let To::Aws(sites) = to { Some(sites) } else { None });
        let profiles = &self.machine.profiles;
        let set = self.machine.region.as_deref();
        match (named, found, set) {
            (None, Some(sites), _) => Ok(sites),
            (None, None, Some(region)) => Ok(vec![Site::new("main", region, None)]),
            (None, None, None) => Err(Problem::input("the region of AWS is not known").hint("aws=us-east-2")),
            (Some(name), ..) => match profiles.iter().find(|profile| profile.name == name) {
                Some(profile) => {
                    let region = profile.region.as_deref().or(set);
                    let region = region.ok_or_else(|| {
                        Problem::input(format!("the AWS profile `{name}` has no region"))
                            .hint(format!("aws configure set region us-east-2 --profile {name}"))
                    })?;
                    Ok(vec![Site::new(name, region, Some(name))])
                }
                None => region(name, profiles.iter().map(|profile| &*profile.name).collect()),
            },
        }
    }

    fn github(&self) -> Words<To> {
        if let Err(problems) = &self.here
            && let Some(problem) = problems.first()
        {
            return Err(problem.clone());
        }
        let found = self.all().into_iter().find(|to| matches!(to, To::Github(_)));
        found.ok_or_else(|| {
            Problem::input("no GitHub repository is found here, by GITHUB_REPOSITORY or a git remote")
                .hint("github=OWNER/REPO")
        })
    }

    fn kubernetes(&self, named: Option<&str>) -> Words<Cluster> {
        let clusters = &self.machine.clusters;
        let Some(name) = named else {
            return self.machine.cluster().cloned().ok_or_else(|| {
                let names: Vec<&str> = clusters.iter().map(|cluster| &*cluster.context).collect();
                let (message, hint) = match names.as_slice() {
                    [] => ("no context is found in the kubeconfig", "kubernetes=CONTEXT".to_owned()),
                    names => (
                        "the kubeconfig has no current context",
                        format!("kubernetes={}", names.join(", kubernetes=")),
                    ),
                };
                Problem::input(message).hint(hint)
            });
        };
        let known = clusters.iter().find(|cluster| cluster.context == name);
        Ok(known.cloned().unwrap_or_else(|| Cluster::new(name, None)))
    }

    /// The contexts of the outline that the kubeconfig does not have: they may be another machine's.
    #[must_use]
    pub fn doubts(&self, to: &[To]) -> Vec<String> {
        let names: Vec<&str> = self.machine.clusters.iter().map(|cluster| &*cluster.context).collect();
        let clusters =
            to.iter().flat_map(|to| if let To::Kubernetes(clusters) = to { &**clusters } else { &[] });
        let missing = clusters.map(|cluster| &*cluster.context).filter(|name| !names.contains(name));
        let missing = missing.filter(|name| *name != "in-cluster");
        missing
            .map(|name| match nearest(name, &names) {
                Some(near) => format!("the kubeconfig here has no context `{name}`: did you mean {near}?"),
                None => format!("the kubeconfig here has no context `{name}`"),
            })
            .collect()
    }
}

/// Whether it stands for several repositories: `acme/svc-*`.
#[must_use]
pub fn is_pattern(name: &str) -> bool {
    name.contains('/') && name.contains(['*', '?'])
}

fn region(name: &str, profiles: Vec<&str>) -> Words<Vec<Site>> {
    match (region_fault(name), nearest(name, &profiles)) {
        (None, _) => Ok(vec![Site::new("main", name, None)]),
        (Some(_), Some(near)) => {
            Err(Problem::input(format!("`{name}` is neither a region nor a profile of AWS"))
                .hint(format!("did you mean aws={near}?")))
        }
        (Some((message, hint)), None) => Err(Problem::input(message).hints(hint)),
    }
}

/// One system has one entry in the file, with all its places.
fn join(places: &mut Vec<To>, place: To) {
    for other in places.iter_mut() {
        match (other, &place) {
            (To::Aws(all), To::Aws(more)) => return extend(all, more),
            (To::Github(all), To::Github(more)) => return extend(all, more),
            (To::Kubernetes(all), To::Kubernetes(more)) => return extend(all, more),
            (To::Daytona, To::Daytona) | (To::Runpod, To::Runpod) => return,
            _ => {}
        }
    }
    places.push(place);
}

fn extend<T: Clone + PartialEq>(all: &mut Vec<T>, more: &[T]) {
    let new: Vec<T> = more.iter().filter(|one| !all.contains(one)).cloned().collect();
    all.extend(new);
}

/// Of several regions, each names its stack.
fn distinguish(place: &mut To) {
    let To::Aws(sites) = place else { return };
    let is_twice = |name: &str| sites.iter().filter(|site| site.name == name).count() > 1;
    if is_twice("main") {
        for site in sites.iter_mut().filter(|site| site.name == "main") {
            site.name.clone_from(&site.session.region);
        }
    }
}

/// `name=value`, of which an empty value is none.
fn split(words: &str) -> (&str, Option<&str>) {
    let (name, value) = words.split_once('=').unwrap_or((words, ""));
    (name.trim(), Some(value.trim()).filter(|value| !value.is_empty()))
}

fn lacking(name: &str, example: &str) -> Problem {
    Problem::input(format!("`{name}` does not say which")).hint(example)
}

fn too_much(name: &str) -> Problem {
    Problem::input(format!("`{name}` takes nothing behind it")).hint(name)
}

fn unknown(what: &str, name: &str, known: &[&str]) -> Problem {
    let hint = match nearest(name, known) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("one of: {}", known.join(", ")),
    };
    Problem::input(format!("there is no {what} `{name}`")).hint(hint)
}
