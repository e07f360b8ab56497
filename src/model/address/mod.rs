//! The stable name of one remote thing, as people read it and as `--only` selects by it.

mod aws;
mod daytona;
mod github;
mod kubernetes;
mod runpod;
mod token;

use std::fmt;
use std::str::FromStr;

pub use aws::AwsItem;
pub use daytona::DaytonaItem;
pub use github::GithubItem;
pub use kubernetes::{IN_CLUSTER, KubernetesItem};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
pub use runpod::RunpodItem;
pub use token::HubItem;

use crate::redact;

/// What a segment may not hold as it is: the separators, and the escape itself.
const RESERVED: &AsciiSet = &CONTROLS.add(b'/').add(b':').add(b'%');

/// Reads what is behind a system's word.
type Read = fn(&str) -> Option<Address>;

/// How the address of each system is read, by the word before the colon.
const SYSTEMS: &[(&str, Read)] = &[
    ("aws", aws::parse),
    ("daytona", daytona::parse),
    ("github", github::parse),
    ("kubernetes", kubernetes::parse),
    ("runpod", runpod::parse),
    ("hub", token::parse),
    ("source", token::parse_source),
];

/// The stable name of one remote thing. Its text form is a contract: segments are percent-encoded
/// where they hold `/`, `:` or `%`, except a secret's name in AWS, which comes last.
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
    /// `kubernetes:<context>/<namespace>/…`
    Kubernetes {
        /// The context of the kubeconfig.
        context: String,
        /// The namespace.
        namespace: String,
        /// Which thing.
        item: KubernetesItem,
    },
    /// `runpod:…`; the account is that of the key.
    Runpod {
        /// Which thing.
        item: RunpodItem,
    },
    /// `daytona:…`; the organization is that of the key.
    Daytona {
        /// Which thing.
        item: DaytonaItem,
    },
    /// `hub:…`; the account is that of the login to Docker Hub.
    Hub {
        /// Which thing.
        item: HubItem,
    },
    /// `source:<credential>`: where the credential's value is read from.
    Source {
        /// The credential.
        credential: String,
    },
}

impl Address {
    /// The system that the thing lives in: the word before the colon.
    #[must_use]
    pub fn system(&self) -> &'static str {
        match self {
            Self::Aws { .. } => "aws",
            Self::Github { .. } => "github",
            Self::Kubernetes { .. } => "kubernetes",
            Self::Runpod { .. } => "runpod",
            Self::Daytona { .. } => "daytona",
            Self::Hub { .. } => "hub",
            Self::Source { .. } => "source",
        }
    }

    /// What addresses of a system begin with, of which these segments are the first.
    #[must_use]
    pub fn begin(system: &str, segments: &[&str]) -> String {
        let segments = segments.iter().map(|segment| format!("{}/", encoded(segment)));
        format!("{system}:{}", segments.collect::<String>())
    }

    /// The systems whose addresses can be read.
    pub fn systems() -> impl Iterator<Item = &'static str> {
        SYSTEMS.iter().map(|(name, _)| *name)
    }

    /// Where in the system the thing is: an account and region, a repository, a namespace. Empty
    /// where the login alone says it.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::Aws { account, region, .. } => {
                format!("{}/{}", encoded(account.as_deref().unwrap_or("?")), encoded(region))
            }
            Self::Github { owner, repo: Some(repo), .. } => format!("{}/{}", encoded(owner), encoded(repo)),
            Self::Github { owner, repo: None, .. } => encoded(owner).to_string(),
            Self::Kubernetes { context, namespace, .. } => {
                format!("{}/{}", encoded(context), encoded(namespace))
            }
            Self::Runpod { .. } | Self::Daytona { .. } | Self::Hub { .. } | Self::Source { .. } => {
                String::new()
            }
        }
    }

    /// The system and the place in it, as a heading: `github:acme/api`, `runpod`.
    #[must_use]
    pub fn heading(&self) -> String {
        format!("{}:{}", self.system(), self.place()).trim_end_matches(':').to_owned()
    }

    /// Whether it is in a system that credentials are put into, and not what a rotation writes beside that.
    #[must_use]
    pub fn is_in_a_system(&self) -> bool {
        !matches!(self, Self::Hub { .. } | Self::Source { .. })
    }

    /// Which thing it is, in its place: `secret/docker-hub`.
    #[must_use]
    pub fn item(&self) -> String {
        match self {
            Self::Aws { item, .. } => item.to_string(),
            Self::Github { item, .. } => item.to_string(),
            Self::Kubernetes { item, .. } => item.to_string(),
            Self::Runpod { item } => item.to_string(),
            Self::Daytona { item } => item.to_string(),
            Self::Hub { item } => item.to_string(),
            Self::Source { credential } => encoded(credential).to_string(),
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

fn decoded(segment: &str) -> Option<String> {
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    (!text.is_empty()).then(|| text.into_owned())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.place().as_str(), self.item()) {
            ("", item) => write!(f, "{}:{item}", self.system()),
            (place, item) => write!(f, "{}:{place}/{item}", self.system()),
        }
    }
}

/// The text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is not an address such as aws:123456789012/us-east-2/secret/NAME or github:OWNER/REPO/actions/NAME",
    redact::line(.0)
)]
pub struct AddressError(String);

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let parsed = text.split_once(':').and_then(|(system, rest)| {
            let (_, parse) = SYSTEMS.iter().find(|(name, _)| *name == system)?;
            parse(rest)
        });
        parsed.ok_or_else(|| AddressError(text.to_owned()))
    }
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
            "kubernetes:prod/team-a/secret/docker-hub",
            "kubernetes:arn%3Aaws%3Aeks%3Aus-east-2%3A1%3Acluster%2Fprod/team-a/serviceaccount/default",
            "runpod:registry/docker-hub-acme",
            "runpod:template/abc123",
            "runpod:endpoint/abc123",
            "runpod:pod/abc123",
            "runpod:registry/docker-hub-acme/abc123",
            "daytona:registry/docker-hub",
            "hub:token/3f9a12c4-1111-4000-8000-000000000001",
            "source:docker-hub",
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
        for text in [
            "",
            "aws:",
            "aws:1/r/secret/",
            "s3:x/y/z",
            "github:acme",
            "github:a/b/c/d/e/f",
            "kubernetes:prod/team-a/pod/x",
            "kubernetes:prod/secret/x",
            "runpod:volume/x",
            "runpod:template/",
            "runpod:template/a/b",
            "daytona:registry/",
            "daytona:sandbox/x",
            "hub:token/",
            "hub:x",
            "source:",
            "source:a/b",
        ] {
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
