//! `github:<owner>/<repo>/…` and `github:<org>/…`

use std::fmt;

use super::{Address, decoded, encoded};

/// A thing in a GitHub repository or organization.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GithubItem {
    /// An Actions secret.
    Actions(String),
    /// A secret or the marker variable of an environment.
    Environment {
        /// The environment's name.
        environment: String,
        /// The secret's or variable's name.
        name: String,
    },
    /// A Dependabot secret.
    Dependabot(String),
    /// An Actions variable.
    Variable(String),
}

impl fmt::Display for GithubItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Actions(name) => write!(f, "actions/{}", encoded(name)),
            Self::Environment { environment, name } => {
                write!(f, "environments/{}/{}", encoded(environment), encoded(name))
            }
            Self::Dependabot(name) => write!(f, "dependabot/{}", encoded(name)),
            Self::Variable(name) => write!(f, "variables/{}", encoded(name)),
        }
    }
}

pub(super) fn parse(rest: &str) -> Option<Address> {
    let parts: Vec<String> = rest.split('/').map(decoded).collect::<Option<_>>()?;
    let (owner, repo, rest) = match parts.as_slice() {
        [owner, kind, name] => (owner, None, [kind, name].to_vec()),
        [owner, repo, rest @ ..] => (owner, Some(repo.clone()), rest.iter().collect()),
        _ => return None,
    };
    let item = match (rest.as_slice(), &repo) {
        ([kind, name], _) => match kind.as_str() {
            "actions" => GithubItem::Actions((*name).clone()),
            "dependabot" => GithubItem::Dependabot((*name).clone()),
            "variables" => GithubItem::Variable((*name).clone()),
            _ => return None,
        },
        ([kind, environment, name], Some(_)) if *kind == "environments" => {
            GithubItem::Environment { environment: (*environment).clone(), name: (*name).clone() }
        }
        _ => return None,
    };
    Some(Address::Github { owner: owner.clone(), repo, item })
}
