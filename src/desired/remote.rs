//! The GitHub repository of this working tree.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::env::Env;
use crate::model::Problem;
use crate::targets::github::split_repository;

/// The repository of `GITHUB_REPOSITORY`, else of the git remotes; nothing if none is on GitHub.
///
/// # Errors
/// A name that is not `owner/name`, or remotes of several repositories.
pub(super) fn repository(env: &Env, dir: &Path) -> Result<Option<(String, String)>, Problem> {
    if let Some(named) = env.filled("GITHUB_REPOSITORY") {
        let split = split_repository(named).map(|(owner, repo)| Some((owner.to_owned(), repo.to_owned())));
        return split.ok_or_else(|| {
            Problem::input(format!("GITHUB_REPOSITORY is `{named}`"))
                .hint("export GITHUB_REPOSITORY=owner/name")
        });
    }
    let hosts = hosts(env);
    let mut found: Vec<(String, String)> = Vec::new();
    for remote in remotes(env, dir).iter().filter_map(|url| parse(url, &hosts)) {
        let same = |other: &(String, String)| {
            other.0.eq_ignore_ascii_case(&remote.0) && other.1.eq_ignore_ascii_case(&remote.1)
        };
        if !found.iter().any(same) {
            found.push(remote);
        }
    }
    if found.len() > 1 {
        let names: Vec<String> = found.iter().map(|(owner, repo)| format!("{owner}/{repo}")).collect();
        return Err(Problem::input(format!(
            "the git remotes are of several repositories: {}",
            names.join(", ")
        ))
        .hint(format!("name the one: export GITHUB_REPOSITORY={}", names[0])));
    }
    Ok(found.pop())
}

/// GitHub's own host, and a server's where the environment names one.
fn hosts(env: &Env) -> BTreeSet<String> {
    let named = ["GITHUB_SERVER_URL", "GITHUB_API_URL"].into_iter().filter_map(|name| env.filled(name));
    let hosts = named.filter_map(|url| Some(reqwest::Url::parse(url).ok()?.host_str()?.to_owned()));
    hosts.chain(["github.com".to_owned(), "ssh.github.com".to_owned()]).collect()
}

/// The fetch addresses of every remote, with git's own rewriting. No git, or no repository: none.
fn remotes(env: &Env, dir: &Path) -> BTreeSet<String> {
    let mut git = Command::new("git");
    git.env_clear().envs(env.for_programs()).arg("-C").arg(dir).args(["remote", "-v"]);
    let Ok(output) = git.output() else {
        return BTreeSet::new();
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.split_whitespace().nth(1)).map(str::to_owned).collect()
}

/// `owner/name` of an address on one of the hosts: a URL, or `user@host:path`.
fn parse(remote: &str, hosts: &BTreeSet<String>) -> Option<(String, String)> {
    let (host, path) = match reqwest::Url::parse(remote) {
        Ok(url) if url.has_host() => (url.host_str()?.to_owned(), url.path().to_owned()),
        _ => {
            let (login, path) = remote.split_once(':')?;
            (login.rsplit('@').next()?.to_owned(), path.to_owned())
        }
    };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let (owner, repo) = split_repository(path).filter(|_| hosts.contains(&host.to_lowercase()))?;
    Some((owner.to_owned(), repo.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_github_remote_is_understood() {
        let hosts = hosts(&Env::default());
        for remote in [
            "https://github.com/acme/api.git",
            "https://github.com/acme/api",
            "https://user:token@github.com/acme/api.git/",
            "git@github.com:acme/api.git",
            "ssh://git@github.com/acme/api.git",
            "ssh://git@ssh.github.com:443/acme/api.git",
            "git://github.com/acme/api.git",
        ] {
            assert_eq!(parse(remote, &hosts), Some(("acme".to_owned(), "api".to_owned())), "{remote}");
        }
    }

    #[test]
    fn remotes_elsewhere_are_no_github_repository() {
        let hosts = hosts(&Env::default());
        for remote in [
            "https://gitlab.com/acme/api.git",
            "/srv/git/api.git",
            "git@github.com.example.com:acme/api",
            "../api",
        ] {
            assert_eq!(parse(remote, &hosts), None, "{remote}");
        }
    }

    #[test]
    fn a_server_of_ones_own_counts_where_the_environment_names_it() {
        let hosts = hosts(&Env::from_iter([("GITHUB_API_URL", "https://ghe.example.com/api/v3")]));
        assert!(parse("git@ghe.example.com:acme/api.git", &hosts).is_some());
    }
}
