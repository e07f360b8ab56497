//! The stable name of one remote thing, as people read it and as `--only` selects by it.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What a segment may not hold as it is: the separators, and the escape itself.
const RESERVED: &AsciiSet = &CONTROLS.add(b'/').add(b':').add(b'%');

/// The stable name of one remote thing. Its text form is a contract: segments are percent-encoded
/// where they hold `/`, `:` or `%`, except a secret's name, which comes last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// `aws:<account>/<region>/…`; the account is `?` where it could not be read.
    Aws {
        /// The twelve digits of the account, or nothing if no login told them.
        account: Option<String>,
        /// The region that the thing lives in.
        region: String,
        /// Which thing.
        item: AwsItem,
    },
    /// `github:<owner>/<repo>/…`, or `github:<org>/…` without a repository.
    Github {
        /// The user or organization.
        owner: String,
        /// The repository; nothing for the organization's own secrets.
        repo: Option<String>,
        /// Which thing.
        item: GithubItem,
    },
}

/// A thing in one AWS account and region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AwsItem {
    /// The resource policy of a secret, by the secret's name.
    Policy(String),
    /// The secret and its current value, by name.
    Secret(String),
    /// A pull-through cache rule, by repository prefix.
    CacheRule(String),
}

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

impl Address {
    /// The system that the thing lives in: the word before the colon.
    #[must_use]
    pub fn system(&self) -> &'static str {
        match self {
            Self::Aws { .. } => "aws",
            Self::Github { .. } => "github",
        }
    }

    /// Whether `--only PREFIX` selects this address: the text form starts with it.
    #[must_use]
    pub fn starts_with(&self, prefix: &str) -> bool {
        self.to_string().starts_with(prefix)
    }
}

fn encoded(segment: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(segment, RESERVED)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aws { account, region, item } => {
                let account = account.as_deref().unwrap_or("?");
                write!(f, "aws:{}/{}/{item}", encoded(account), encoded(region))
            }
            Self::Github { owner, repo: Some(repo), item } => {
                write!(f, "github:{}/{}/{item}", encoded(owner), encoded(repo))
            }
            Self::Github { owner, repo: None, item } => write!(f, "github:{}/{item}", encoded(owner)),
        }
    }
}

impl fmt::Display for AwsItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(name) => write!(f, "secret/{name}"),
            Self::Policy(name) => write!(f, "policy/{name}"),
            Self::CacheRule(prefix) => write!(f, "cache-rule/{}", encoded(prefix)),
        }
    }
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

/// The text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an address such as aws:123456789012/us-east-2/secret/NAME or github:OWNER/REPO/actions/NAME"
)]
pub struct AddressError(String);

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let parsed = match text.split_once(':') {
            Some(("aws", rest)) => parse_aws(rest),
            Some(("github", rest)) => parse_github(rest),
            _ => None,
        };
        parsed.ok_or_else(|| AddressError(text.to_owned()))
    }
}

fn decoded(segment: &str) -> Option<String> {
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    (!text.is_empty()).then(|| text.into_owned())
}

fn parse_aws(rest: &str) -> Option<Address> {
    let mut parts = rest.splitn(4, '/');
    let account = decoded(parts.next()?)?;
    let region = decoded(parts.next()?)?;
    let (kind, name) = (parts.next()?, parts.next().filter(|name| !name.is_empty())?);
    let item = match kind {
        "secret" => AwsItem::Secret(name.to_owned()),
        "policy" => AwsItem::Policy(name.to_owned()),
        "cache-rule" if !name.contains('/') => AwsItem::CacheRule(decoded(name)?),
        _ => return None,
    };
    Some(Address::Aws { account: (account != "?").then_some(account), region, item })
}

fn parse_github(rest: &str) -> Option<Address> {
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

impl serde::Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_address_reads_as_the_contract_writes_it() {
        for text in [
            "aws:123456789012/us-east-2/secret/ecr-pullthroughcache/docker-hub",
            "aws:123456789012/us-east-2/policy/ecr-pullthroughcache/docker-hub",
            "aws:?/us-east-2/cache-rule/main-docker-hub",
            "aws:123456789012/us-east-2/cache-rule/team%2Fmain",
            "github:acme/api/actions/DOCKER_HUB_TOKEN",
            "github:acme/api/environments/blue%2Fgreen/DOCKER_HUB_TOKEN",
            "github:acme/api/dependabot/DOCKER_HUB_TOKEN",
            "github:acme/api/variables/DOCKER_HUB_SYNC",
            "github:acme/actions/DOCKER_HUB_TOKEN",
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn a_repository_named_like_a_kind_is_still_a_repository() {
        let address: Address = "github:acme/actions/variables/X".parse().unwrap();
        assert!(matches!(address, Address::Github { repo: Some(repo), .. } if repo == "actions"));
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for text in ["", "aws:", "aws:1/r/secret/", "s3:x/y/z", "github:acme", "github:a/b/c/d/e/f"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_address_survives_being_written_and_read(
            owner in ".{1,12}", repo in proptest::option::of(".{1,12}"), name in ".{1,12}", kind in 0..4u8,
        ) {
            let item = match kind {
                0 => GithubItem::Actions(name),
                1 => GithubItem::Dependabot(name),
                2 => GithubItem::Variable(name),
                _ if repo.is_some() => GithubItem::Environment { environment: owner.clone(), name },
                _ => GithubItem::Actions(name),
            };
            let address = Address::Github { owner, repo, item };
            prop_assert_eq!(address.to_string().parse::<Address>().unwrap(), address);
        }
    }
}
