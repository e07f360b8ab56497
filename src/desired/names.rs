//! Names that follow from other names, and the rules that names have to keep.

use ring::digest::{SHA256, digest};

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
pub fn slug(stack: &str) -> String {
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

/// The words that regions are made of (AWS general reference, "Regions and zones"). New regions
/// combine them anew, so no list of regions grows old here.
const AREAS: &[&str] = &["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx", "cn", "us-gov", "eusc-de"];
const DIRECTIONS: &[&str] =
    &["north", "south", "east", "west", "central", "northeast", "southeast", "northwest", "southwest"];
const COMMON: &[&str] = &[
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "sa-east-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-east-1",
    "me-south-1",
    "me-central-1",
    "af-south-1",
    "il-central-1",
];

/// Whether the text can be a region's name.
#[must_use]
pub fn is_region(text: &str) -> bool {
    let Some((rest, number)) = text.rsplit_once('-') else { return false };
    let Some((area, direction)) = rest.rsplit_once('-') else { return false };
    let numbered = matches!(number.as_bytes(), [b'1'..=b'9']);
    numbered && AREAS.contains(&area) && DIRECTIONS.contains(&direction)
}

/// The region that was most likely meant.
#[must_use]
pub fn nearest_region(text: &str) -> Option<&'static str> {
    nearest(text, COMMON)
}

/// The candidate that is most like the text, if any is like it at all.
#[must_use]
pub fn nearest<'a>(text: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let score = |candidate: &&&str| (strsim::jaro_winkler(text, candidate) * 1000.0) as u64;
    candidates
        .iter()
        .max_by_key(score)
        .filter(|candidate| strsim::jaro_winkler(text, candidate) > 0.75)
        .copied()
}

/// What is wrong with a secret's name, if anything.
#[must_use]
pub fn secret_fault(name: &str) -> Option<String> {
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

/// What is wrong with the name of a row in Daytona, if anything: a subset of what Daytona takes (its `IsSafeDisplayString`
/// refuses markup, links and control characters).
#[must_use]
pub fn daytona_fault(name: &str) -> Option<&'static str> {
    let legal = |c: char| c.is_alphanumeric() || " _.-".contains(c);
    if !name.chars().all(legal) || !name.starts_with(char::is_alphanumeric) || name.ends_with(' ') {
        Some("may hold only letters, digits, spaces and _ . -")
    } else if name.to_lowercase().contains("www.") {
        Some("looks like a link, which Daytona refuses")
    } else if name.chars().count() > 100 {
        Some("is longer than 100 characters")
    } else {
        None
    }
}

/// What is wrong with the name of a GitHub secret or variable, if anything (GitHub's documentation,
/// "Naming your secrets").
#[must_use]
pub fn github_fault(name: &str) -> Option<&'static str> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(legal) {
        Some("may hold only letters, digits and _")
    } else if name.starts_with(|c: char| c.is_ascii_digit()) {
        Some("may not start with a digit")
    } else if name.to_ascii_uppercase().starts_with("GITHUB_") {
        Some("may not start with GITHUB_")
    } else {
        None
    }
}

/// What is wrong with a namespace's name, if anything (Kubernetes' documentation, "DNS label names").
#[must_use]
pub fn label_fault(name: &str) -> Option<&'static str> {
    if name.len() > 63 { Some("is longer than 63 characters") } else { part_fault(name) }
}

fn part_fault(name: &str) -> Option<&'static str> {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !name.chars().all(|c| word(c) || c == '-') {
        Some("may hold only a-z, 0-9 and -")
    } else if !name.starts_with(word) || !name.ends_with(word) {
        Some("begins and ends with a letter or digit")
    } else {
        None
    }
}

/// What is wrong with the name of a secret or service account, if anything (Kubernetes' documentation, "DNS subdomain
/// names").
#[must_use]
pub fn object_fault(name: &str) -> Option<&'static str> {
    if name.len() > 253 {
        return Some("is longer than 253 characters");
    }
    name.split('.').find_map(part_fault)
}

/// What is wrong with a label selector, if anything (Kubernetes' documentation, "Labels and selectors").
#[must_use]
pub fn selector_fault(selector: &str) -> Option<String> {
    let mut depth = 0_usize;
    let mut requirements = vec![String::new()];
    for character in selector.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                requirements.push(String::new());
                continue;
            }
            _ => {}
        }
        requirements.last_mut()?.push(character);
    }
    if depth > 0 {
        return Some("a bracket is open".to_owned());
    }
    requirements.iter().find_map(|text| requirement_fault(text.trim()))
}

fn requirement_fault(text: &str) -> Option<String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_key = |key: &str| {
        let name = key.split_once('/').map_or(key, |(_, name)| name);
        !name.is_empty() && key.chars().all(|c| legal(c) || c == '/')
    };
    let is_value = |value: &str| value.chars().all(legal);
    let set = |text: &str| {
        let (key, values) = text.split_once('(')?;
        let words: Vec<&str> = key.split_whitespace().collect();
        let [key, "in" | "notin"] = words.as_slice() else { return None };
        let values = values.strip_suffix(')')?;
        (is_key(key) && values.split(',').all(|value| is_value(value.trim()))).then_some(())
    };
    let good = if text.contains('(') {
        set(text).is_some()
    } else if let Some((key, value)) =
        text.split_once("!=").or_else(|| text.split_once("==")).or_else(|| text.split_once('='))
    {
        is_key(key.trim()) && is_value(value.trim())
    } else {
        is_key(text.strip_prefix('!').unwrap_or(text).trim())
    };
    (!good).then(|| {
        format!("`{text}` is none of NAME, !NAME, NAME=VALUE, NAME!=VALUE, NAME in (A, B), NAME notin (A, B)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_stack_name_becomes_the_head_of_its_prefix() {
        let cases: Vec<(String, String)> =
            serde_json::from_str(include_str!("../../tests/fixtures/prefixes.json")).unwrap();
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

    #[test]
    fn names_that_kubernetes_refuses_are_named_for_what_is_wrong() {
        for name in ["default", "team-a", "0"] {
            assert_eq!(label_fault(name), None, "{name}");
        }
        for name in ["docker-hub", "a.b-c.d", &"x".repeat(253)] {
            assert_eq!(object_fault(name), None, "{name}");
        }
        for name in ["", "Team", "a_b", "-a", "a-", "a.b", &"x".repeat(64)] {
            assert!(label_fault(name).is_some(), "{name}");
        }
        for name in ["", "A", "a..b", ".a", "a-.b", &"x".repeat(254)] {
            assert!(object_fault(name).is_some(), "{name}");
        }
    }

    #[test]
    fn label_selectors_are_read_as_kubectl_reads_them() {
        for good in [
            "team",
            "!team",
            "team=a",
            "team == a",
            "team!=a",
            "team in (a, b)",
            "team notin (a),x=y",
            "runai/queue",
            "a.example.com/b-c=",
            "a=1,b,!c",
        ] {
            assert_eq!(selector_fault(good), None, "{good}");
        }
        for bad in
            ["", "a,,b", "team=a b", "team in a", "team in (a", "in (a)", "team of (a)", "te am", "a=b;c"]
        {
            assert!(selector_fault(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_mistyped_region_is_refused_and_the_right_one_named() {
        for region in COMMON.iter().chain(&["us-gov-west-1", "cn-north-1", "ap-southeast-7", "mx-central-1"])
        {
            assert!(is_region(region), "{region}");
        }
        for (wrong, right) in [("us-esat-2", "us-east-2"), ("us-east2", "us-east-2")] {
            assert!(!is_region(wrong), "{wrong}");
            assert_eq!(nearest_region(wrong), Some(right));
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
