//! What to write to pull an image through a stack's ECR pull-through cache.

use crate::aws::uncached_partition;
use crate::model::{Reference, Registry};
/// The longest repository name in ECR, with the cache rule's prefix (`repositoryName` of ECR's API reference).
const MAX_REPOSITORY: usize = 256;

/// The prefix of a rule that has none (`ecrRepositoryPrefix` in ECR's API reference).
const NO_PREFIX: &str = "ROOT";

/// A stack's pull-through cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// The stack's name.
    pub name: String,
    /// The AWS account's twelve digits, if they are known without asking AWS.
    pub account: Option<String>,
    /// The AWS region.
    pub region: String,
    /// The repository prefix of the cache rule.
    pub prefix: String,
    /// The registry that the rule caches.
    pub registry: Registry,
}

/// Why a stack cannot cache an image of its rule's registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCached {
    /// AWS has no such thing there (<https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html>,
    /// considerations).
    #[error("{region} is in {partition}, where ECR has no pull-through caches")]
    Partition {
        /// The stack's region.
        region: String,
        /// The partition's name.
        partition: &'static str,
    },
    /// ECR has no name for it.
    #[error("the repository's name in ECR would have {0} characters, and the limit is {MAX_REPOSITORY}")]
    TooLong(usize),
}

impl Stack {
    /// The reference that pulls an image through this stack's cache: nothing if its rule is for another registry.
    ///
    /// The tag is `latest` if neither tag nor digest is written. An account that is not known is left as `<account>`.
    ///
    /// # Errors
    /// [`NotCached`] if there cannot be a cache, or not for this image.
    pub fn cached(&self, image: &Reference) -> Option<Result<String, NotCached>> {
        self.registry.covers(image).then(|| self.reference(image))
    }

    fn reference(&self, image: &Reference) -> Result<String, NotCached> {
        if let Some(partition) = uncached_partition(&self.region) {
            return Err(NotCached::Partition { region: self.region.clone(), partition });
        }
        let repository = match self.prefix.trim_end_matches('/') {
            "" | NO_PREFIX => image.path().to_owned(),
            prefix => format!("{prefix}/{}", image.path()),
        };
        if repository.len() > MAX_REPOSITORY {
            return Err(NotCached::TooLong(repository.len()));
        }
        let account = self.account.as_deref().unwrap_or("<account>");
        let version = version(image);
        Ok(format!("{account}.dkr.ecr.{}.amazonaws.com/{repository}{version}", self.region))
    }
}

fn version(image: &Reference) -> String {
    match (image.tag(), image.digest()) {
        (Some(tag), Some(digest)) => format!(":{tag}@{digest}"),
        (Some(tag), None) => format!(":{tag}"),
        (None, Some(digest)) => format!("@{digest}"),
        (None, None) => ":latest".into(),
    }
}
