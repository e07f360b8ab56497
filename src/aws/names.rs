//! What regions, accounts and roles are called.

use crate::model::nearest;

/// The words that regions are made of (AWS general reference, "Regions and zones"). New regions
/// recombine them, so no list of regions grows old here.
const AREAS: &[&str] = &[
    "us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx", "cn", "us-gov", "us-iso", "us-isob", "us-isof",
    "eu-isoe", "eusc-de",
];
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

/// The regions that every account has. All that came after March 2019 are to be enabled in an account first (AWS Account
/// Management guide, "Enable or disable AWS Regions in your account"), so that this list stays as it is.
const IN_EVERY_ACCOUNT: &[&str] = &[
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Whether every account has the region, without having enabled it.
#[must_use]
pub(super) fn is_in_every_account(region: &str) -> bool {
    IN_EVERY_ACCOUNT.contains(&region)
}

/// Whether the text can be a region's name.
#[must_use]
pub(super) fn is_region(text: &str) -> bool {
    let Some((rest, number)) = text.rsplit_once('-') else { return false };
    let Some((area, direction)) = rest.rsplit_once('-') else { return false };
    let numbered = matches!(number.as_bytes(), [b'1'..=b'9']);
    numbered && AREAS.contains(&area) && DIRECTIONS.contains(&direction)
}

/// The region that was most likely meant.
#[must_use]
pub(super) fn nearest_region(text: &str) -> Option<&'static str> {
    nearest(text, COMMON)
}

/// What is wrong with a region, and what to write instead.
pub fn region_fault(region: &str) -> Option<(String, Option<String>)> {
    if is_region(region) {
        return None;
    }
    let hint = nearest_region(region).map(|near| format!("did you mean {near}?"));
    Some((format!("`{region}` is not a region"), hint))
}

/// Whether a text is the number of an account.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.chars().all(|c| c.is_ascii_digit())
}

/// Whether a text is the ARN of a role.
pub fn is_role(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    matches!(parts.as_slice(), ["arn", _, "iam", "", account, resource]
        if is_account(account) && !resource.contains(['{', '}'])
            && resource.strip_prefix("role/").is_some_and(|name| !name.is_empty()))
}

/// The partition of a region in which ECR has no pull-through caches. China and GovCloud are documented; the others are
/// not mentioned, and have hosts of another form.
#[must_use]
pub fn uncached_partition(region: &str) -> Option<&'static str> {
    let partitions = [
        ("cn-", "the AWS China partition"),
        ("us-gov-", "AWS GovCloud (US)"),
        ("us-iso", "an isolated AWS partition"),
        ("eu-iso", "an isolated AWS partition"),
        ("eusc-", "the AWS European Sovereign Cloud"),
    ];
    partitions.into_iter().find(|(start, _)| region.starts_with(start)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_region_is_refused_and_the_right_one_named() {
        for region in COMMON.iter().chain(&[
            "us-gov-west-1",
            "us-isof-south-1",
            "eu-isoe-west-1",
            "cn-north-1",
            "mx-central-1",
        ]) {
            assert!(is_region(region), "{region}");
        }
        for (wrong, right) in [("us-esat-2", "us-east-2"), ("us-east2", "us-east-2")] {
            assert!(!is_region(wrong), "{wrong}");
            assert_eq!(nearest_region(wrong), Some(right));
        }
    }
}
