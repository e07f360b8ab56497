//! The GitHub repository of this working tree.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::env::Env;
use crate::model::Problem;
use crate::program::{Output, Program, ProgramError};
use crate::targets::github::split_repository;

/// git reads its own files; a folder that does not answer is not in a repository.
const LIMIT: Duration = Duration::from_secs(10);
/// What says where git finds a repository and its configuration.
const GIT_NEEDS: &[&str] = &[
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG*",
    "GIT_DIR",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_EXEC_PATH",
    "GIT_WORK_TREE",
];

/// The repository of `GITHUB_REPOSITORY`, else of the git remotes; nothing if none is on GitHub.
///
/// # Errors
/// A name that is not `owner/name`, remotes of several repositories, or a git that does not say which there are.
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
    for remote in remotes(git(env, dir).run_now())?.iter().filter_map(|url| parse(url, &hosts)) {
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

/// What tells every remote, with git's own rewriting.
fn git(env: &Env, dir: &Path) -> Program {
    env.known_program(&["git", "remote", "-v"], GIT_NEEDS).within(dir).quiet().for_at_most(LIMIT)
}

/// The fetch addresses of every remote. No git, or no repository: none.
///
/// # Errors
/// A git that was started and said nothing: without its answer, less would be in the plan than there is.
fn remotes(said: Option<Result<Arc<Output>, ProgramError>>) -> Result<BTreeSet<String>, Problem> {
    let output = match said {
        Some(Ok(output)) => output,
        None | Some(Err(ProgramError::Absent { .. } | ProgramError::Untrusted { .. })) => {
            return Ok(BTreeSet::new());
        }
        Some(Err(error)) => {
            return Err(Problem::input(format!("the repository's remotes are not known: {error}"))
                .hint("try it yourself: git remote -v")
                .hint("or name the repository: export GITHUB_REPOSITORY=owner/name"));
        }
    };
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(|line| line.split_whitespace().nth(1)).map(str::to_owned).collect())
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
    use std::os::unix::fs::PermissionsExt;

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
    fn a_git_that_does_not_end_is_ended_after_ten_seconds_and_told_with_the_way_round() {
        let dir = tempfile::tempdir().expect("a folder");
        let script = dir.path().join("git");
        std::fs::write(&script, "#!/bin/sh\nexec /usr/bin/tail -f /dev/null\n").expect("a file");
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        let env = Env::from_iter([("PATH", dir.path().display().to_string())]);
        let git = git(&env, dir.path());
        assert_eq!(git.limit(), Duration::from_secs(10));
        let problem = remotes(git.for_at_most(Duration::ZERO).run_now()).expect_err("it is ended");
        assert_eq!(
            problem.message,
            "the repository's remotes are not known: `git` did not end within 0 seconds, and was ended"
        );
        assert!(problem.hints[1].ends_with("export GITHUB_REPOSITORY=owner/name"), "{:?}", problem.hints);
    }

    #[test]
    fn without_a_git_or_a_repository_there_are_no_remotes() {
        let dir = tempfile::tempdir().expect("a folder");
        for path in [dir.path().display().to_string(), "/usr/bin:/bin".to_owned()] {
            let ceiling = dir.path().parent().expect("it is in one").display().to_string();
            let env = Env::from_iter([("PATH", path), ("GIT_CEILING_DIRECTORIES", ceiling)]);
            assert!(remotes(git(&env, dir.path()).run_now()).is_ok_and(|remotes| remotes.is_empty()));
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
