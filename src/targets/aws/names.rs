//! What caches and secrets may be called in AWS.

use ring::digest::{SHA256, digest};

use super::MANAGED_BY;

/// A prefix is at most 30 characters (ECR's API reference, `PullThroughCacheRuleRepositoryPrefix`);
/// `-docker-hub` takes 11 of them.
const SLUG_LIMIT: usize = 19;

/// How much of a long name stays readable, before the `-` and the digits of its hash.
const SLUG_HEAD: usize = 12;

const SLUG_HASH: usize = 6;

/// A stack's name as part of a repository prefix: lower-case; runs of other characters than `a-z0-9`
/// become one `-`; trimmed; over 19 characters the first 12, `-` and 6 hexadecimal digits of its
/// SHA-256. `infra/` has the same rule, held to the same cases.
#[must_use]
pub(super) fn slug(stack: &str) -> String {
    let lower = stack.to_lowercase();
    let words = lower.split(|c: char| !matches!(c, 'a'..='z' | '0'..='9')).filter(|word| !word.is_empty());
    let slug = words.collect::<Vec<_>>().join("-");
    if slug.len() <= SLUG_LIMIT {
        return slug;
    }
    let hash = hex::encode(digest(&SHA256, slug.as_bytes()));
    format!("{}-{}", &slug[..SLUG_HEAD], &hash[..SLUG_HASH])
}

/// The prefix of a stack's own rule: `main` gives `main-docker-hub`.
#[must_use]
pub fn stack_prefix(stack: &str, upstream: &str) -> String {
    let suffix = match upstream {
        "docker-hub" => "docker-hub",
        "github-container-registry" => "ghcr",
        "gitlab-container-registry" => "gitlab",
        "azure-container-registry" => "azure",
        other => other,
    };
    format!("{}-{suffix}", slug(stack))
}

/// What is wrong with a repository prefix, if anything (ECR's API reference: components of a-z and 0-9,
/// joined by `.`, `_`, `__` or any number of `-`).
#[must_use]
pub fn prefix_fault(prefix: &str) -> Option<String> {
    let length = prefix.chars().count();
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let joint = |text: &str| matches!(text, "" | "." | "_" | "__") || text.chars().all(|c| c == '-');
    let component =
        |part: &str| part.starts_with(word) && part.ends_with(word) && part.split(word).all(joint);
    if !(2..=30).contains(&length) {
        Some(format!("is {length} characters long; ECR takes 2 to 30"))
    } else if prefix.chars().any(char::is_uppercase) {
        Some("has capitals; ECR takes lower case only".to_owned())
    } else if !prefix.split('/').all(component) {
        Some("is not made of a-z and 0-9 with `.`, `_`, `-` or `/` between them".to_owned())
    } else {
        None
    }
}

/// What is wrong with a tag, if anything (Secrets Manager's API reference, `Tag`; AWS's general reference, "Tag naming
/// limits and requirements").
#[must_use]
pub(super) fn tag_fault(key: &str, value: &str) -> Option<String> {
    const KEY: usize = 128;
    const VALUE: usize = 256;
    let legal = |c: char| c.is_alphanumeric() || " _.:/=+-@".contains(c);
    let (key_length, value_length) = (key.chars().count(), value.chars().count());
    match key {
        _ if key == MANAGED_BY.0 => Some("is the one that regcred gives".to_owned()),
        _ if key.to_ascii_lowercase().starts_with("aws:") => {
            Some("starts with aws:, which is AWS's own".to_owned())
        }
        "" => Some("has no name".to_owned()),
        _ if key_length > KEY => Some(format!("has a key of {key_length} characters; AWS takes {KEY}")),
        _ if value_length > VALUE => {
            Some(format!("has a value of {value_length} characters; AWS takes {VALUE}"))
        }
        _ if !key.chars().chain(value.chars()).all(legal) => {
            Some("may hold only letters, digits, spaces and _ . : / = + - @".to_owned())
        }
        _ => None,
    }
}

/// What is wrong with a secret's name, if anything.
#[must_use]
pub(super) fn secret_fault(name: &str) -> Option<String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
    let rest = name.strip_prefix(crate::targets::aws::SECRET_NAME_PREFIX);
    match rest {
        None => Some(format!(
            "does not start with {}, and ECR reads no other secret",
            crate::targets::aws::SECRET_NAME_PREFIX
        )),
        Some("") => Some("has nothing after ecr-pullthroughcache/".to_owned()),
        Some(_) if name.len() > 512 => {
            Some(format!("is {} characters long; Secrets Manager takes 512", name.len()))
        }
        Some(_) if !name.chars().all(legal) => {
            Some("may hold only letters, digits and / _ + = . @ -".to_owned())
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_stack_name_becomes_the_head_of_its_prefix() {
        let cases: Vec<(String, String)> =
            serde_json::from_str(include_str!("../../../tests/fixtures/prefixes.json")).unwrap();
        assert!(cases.len() > 5);
        for (stack, prefix) in cases {
            assert_eq!(stack_prefix(&stack, "docker-hub"), prefix, "{stack}");
        }
    }

    #[test]
    fn prefixes_that_ecr_refuses_are_named_for_what_is_wrong() {
        assert_eq!(prefix_fault("main-docker-hub"), None);
        for prefix in ["team/main", "a__b", "a--b", "a.b_c"] {
            assert_eq!(prefix_fault(prefix), None, "{prefix}");
        }
        assert!(prefix_fault("Main").unwrap().contains("capitals"));
        assert!(prefix_fault("x").unwrap().contains("2 to 30"));
        assert!(prefix_fault(&"x".repeat(31)).unwrap().contains("31 characters"));
        for prefix in ["a//b", "-a", "a-", "a___b", "a._b", "a b", "a/"] {
            assert!(prefix_fault(prefix).is_some(), "{prefix}");
        }
    }

    proptest! {
        #[test]
        fn the_prefix_of_any_stack_with_a_letter_is_one_that_ecr_takes(stack in "[A-Za-z0-9_.-]{0,60}[a-z][A-Za-z0-9_.-]{0,39}") {
            let prefix = stack_prefix(&stack, "docker-hub");
            prop_assert_eq!(prefix_fault(&prefix), None);
        }
    }
}
