//! What differs between AWS's regions.

/// `aws`, `aws-cn` or `aws-us-gov`.
pub(crate) fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// Regions that are off in a new account (AWS Account Management guide, "Enable or disable AWS Regions").
pub(crate) fn opt_in_regions() -> Vec<String> {
    let names = "af-south-1 ap-east-1 ap-east-2 ap-south-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 \
                 ap-southeast-7 ca-west-1 eu-central-2 eu-south-1 eu-south-2 il-central-1 me-central-1 me-south-1 mx-central-1";
    names.split_whitespace().map(str::to_owned).collect()
}

/// Where ECR has pull-through cache: not in China, nor in GovCloud (ECR user guide, "Considerations").
pub(crate) fn has_pull_through_cache(region: &str) -> bool {
    partition(region) == "aws"
}
