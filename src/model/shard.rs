//! A part of what is declared, of several that run beside each other: which one, and whose turn a place is.

use std::fmt;
use std::str::FromStr;

use ring::digest::{SHA256, digest};

use super::Problem;

/// Jobs of one matrix (GitHub Actions, "Running variations of jobs in a workflow"); more parts could not be started there.
pub const MAX_SHARDS: u16 = 256;
/// What numbers the pods of an indexed Job, from 0 (Kubernetes, "Jobs", completion mode `Indexed`).
pub const INDEX: &str = "JOB_COMPLETION_INDEX";

/// One of the parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    index: u16,
    count: u16,
}

impl Shard {
    /// The part of this number, counted from 1, of so many.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub fn new(index: u16, count: u16) -> Result<Self, String> {
        match index {
            _ if count > MAX_SHARDS => {
                Err(format!("there are at most {MAX_SHARDS} shards, as a matrix of GitHub has no more jobs"))
            }
            0 => Err(format!("shards count from 1: the first one is 1/{count}")),
            _ if index > count => Err(format!("the last of {count} is {count}/{count}")),
            _ => Ok(Self { index, count }),
        }
    }

    /// Its number, from 1.
    #[must_use]
    pub fn index(self) -> u16 {
        self.index
    }

    /// How many there are.
    #[must_use]
    pub fn count(self) -> u16 {
        self.count
    }

    /// Whether a site that is found while reading is this part's: by a hash of its name, which nothing that is made or
    /// deleted meanwhile moves. Names that differ in case alone are one.
    #[must_use]
    pub fn takes(self, site: &str) -> bool {
        let hash = digest(&SHA256, site.to_lowercase().as_bytes());
        let first = hash.as_ref().iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte));
        first % u64::from(self.count) == u64::from(self.index) - 1
    }

    /// `shard 2 of 4`
    #[must_use]
    pub fn words(self) -> String {
        format!("shard {} of {}", self.index, self.count)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse()? {
            Part::Of(shard) => Ok(shard),
            Part::Auto(_) => Err("`auto` is no number of a shard".to_owned()),
        }
    }
}

impl serde::Serialize for Shard {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What `--shard` is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// This one.
    Of(Shard),
    /// The one that the pod of an indexed Job is, of so many.
    Auto(u16),
}

impl Part {
    /// The part that is meant, where the variable [`INDEX`] has this value.
    ///
    /// # Errors
    /// The variable says none of them.
    pub fn resolved(self, index: Option<&str>) -> Result<Shard, Problem> {
        let count = match self {
            Self::Of(shard) => return Ok(shard),
            Self::Auto(count) => count,
        };
        let Some(text) = index else {
            return Err(Problem::input(format!(
                "auto/{count} takes its number from {INDEX}, which is not set"
            ))
            .hint("set `completionMode: Indexed` in the Job, or give the number: --shard 1/4"));
        };
        let index = text.parse::<u16>().ok().filter(|index| *index < count);
        let shard = index.and_then(|index| Shard::new(index + 1, count).ok());
        shard.ok_or_else(|| {
            let last = count.saturating_sub(1);
            Problem::input(format!(
                "{INDEX} is `{text}`, and the shards of auto/{count} are 0 to {last} there"
            ))
            .hint(format!("give the Job as many pods as there are shards: `completions: {count}`"))
        })
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected I/N, such as 2/4, or auto/N".to_owned();
        let (index, count) = text.split_once('/').ok_or_else(expected)?;
        let number = |text: &str| {
            let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
            // A number that is too large is one, too.
            digits.then(|| text.parse::<u16>().unwrap_or(u16::MAX))
        };
        let count = number(count).ok_or_else(expected)?;
        if count == 0 {
            return Err("there is at least one shard: 1/1".to_owned());
        }
        match index {
            "auto" => Shard::new(1, count).map(|_| Self::Auto(count)),
            index => Shard::new(number(index).ok_or_else(expected)?, count).map(Self::Of),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_a_number_of_so_many_and_what_is_none_is_told_why() {
        for text in ["1/1", "2/4", "256/256"] {
            assert_eq!(text.parse::<Shard>().map(|shard| shard.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("auto/4".parse(), Ok(Part::Auto(4)));
        for (text, why) in [
            ("0/4", "shards count from 1: the first one is 1/4"),
            ("5/4", "the last of 4 is 4/4"),
            ("1/257", "there are at most 256 shards, as a matrix of GitHub has no more jobs"),
            ("auto/257", "there are at most 256 shards, as a matrix of GitHub has no more jobs"),
            ("99999999/99999999", "there are at most 256 shards, as a matrix of GitHub has no more jobs"),
            ("1/0", "there is at least one shard: 1/1"),
            ("auto/0", "there is at least one shard: 1/1"),
        ] {
            assert_eq!(text.parse::<Part>(), Err(why.to_owned()), "{text}");
        }
        for text in ["", "2", "/", "a/b", "1/", "/4", "-1/4", "+1/4", "1/4/2", " 1/4", "auto", "AUTO/4"] {
            let expected = "expected I/N, such as 2/4, or auto/N".to_owned();
            assert_eq!(text.parse::<Part>(), Err(expected), "{text}");
        }
    }

    #[test]
    fn the_pods_of_an_indexed_job_count_from_0_and_shards_from_1() {
        let shard = |index: Option<&str>| Part::Auto(4).resolved(index);
        assert_eq!(shard(Some("0")).map(|shard| shard.to_string()), Ok("1/4".to_owned()));
        assert_eq!(shard(Some("3")).map(Shard::words), Ok("shard 4 of 4".to_owned()));
        for index in ["4", "65535", "-1", "x", ""] {
            let problem = shard(Some(index)).expect_err("there is no such shard");
            assert!(problem.to_string().starts_with(&format!("{INDEX} is `{index}`, and")), "{problem}");
        }
        let problem = shard(None).expect_err("nothing says which");
        assert!(problem.to_string().ends_with("which is not set"), "{problem}");
    }

    #[test]
    fn what_is_found_later_is_of_exactly_one_shard_whatever_its_case_and_whatever_else_there_is() {
        for count in [1, 2, 7, 256] {
            let mut sizes = Vec::new();
            for index in 1..=count {
                let shard = Shard::new(index, count).expect("a shard");
                let taken = (0..2000).filter(|number| shard.takes(&format!("acme/svc-{number}"))).count();
                assert_eq!(shard.takes("Acme/API"), shard.takes("acme/api"));
                sizes.push(taken);
            }
            assert_eq!(sizes.iter().sum::<usize>(), 2000, "{count}: {sizes:?}");
            assert!(
                sizes.iter().all(|size| *size < 2000 / usize::from(count) * 2 + 20),
                "{count}: {sizes:?}"
            );
        }
    }
}
