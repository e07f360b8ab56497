//! The settings of Pulumi's AWS provider (its schema, `config`; pulumi-aws 7): which regcred follows, which change nothing
//! about where something goes, and which keep it from touching a stack. A setting that is on no list is one of the last.

use super::config_error::ConfigError;
use super::stack_file::StackFile;
use super::value;
use crate::model::Place;
use crate::yaml::Kind;

/// What regcred does as the provider does.
const FOLLOWED: &[&str] =
    &["region", "profile", "assumeRole", "assumeRoles", "allowedAccountIds", "forbiddenAccountIds"];

/// What of a role regcred sends, and how long its session lasts, which no run outlives.
const FOLLOWED_OF_A_ROLE: &[&str] = &["roleArn", "externalId", "sessionName", "duration", "durationSeconds"];

/// What is the same account, region and login with and without: tags of the program's own resources, patience, the way out
/// (which is this machine's own here), checks that are left out, and endpoints of the same service.
const HARMLESS: &[&str] = &[
    "customCaBundle",
    "defaultTags",
    "ec2MetadataServiceEndpointMode",
    "httpProxy",
    "httpsProxy",
    "ignoreTags",
    "insecure",
    "maxRetries",
    "noProxy",
    "pluginDownloadURL",
    "retryMode",
    "s3ForcePathStyle",
    "s3UsEast1RegionalEndpoint",
    "s3UsePathStyle",
    "skipCredentialsValidation",
    "skipGetEc2Platforms",
    "skipMetadataApiCheck",
    "skipRegionValidation",
    "skipRequestingAccountId",
    "stsRegion",
    "tagPolicyCompliance",
    "tokenBucketRateLimiterCapacity",
    "useDualstackEndpoint",
    "useFipsEndpoint",
    "userAgent",
    "version",
];

/// What says who the provider logs in as, which a login of the configuration file stands in for.
const LOGINS: &[&str] = &[
    "accessKey",
    "assumeRoleWithWebIdentity",
    "ec2MetadataServiceEndpoint",
    "secretKey",
    "sharedConfigFiles",
    "sharedCredentialsFile",
    "sharedCredentialsFiles",
    "token",
];

/// The key of a stack file that names an environment of Pulumi ESC.
pub const ENVIRONMENT: &str = "environment";

/// A setting that regcred does not follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfollowed {
    /// Its key, such as `aws:endpoints`.
    pub key: String,
    /// Where it is.
    pub place: Place,
    /// Whether it is about the login alone.
    pub is_login: bool,
}

impl StackFile {
    /// The first setting that decides where the stack's AWS provider goes, and that regcred does not follow. Empty ones
    /// decide nothing. What Pulumi ESC gives (`environment:`) is not in the file, so it may be any of them.
    #[must_use]
    pub fn unfollowed(&self) -> Option<Unfollowed> {
        let settings = self.settings("aws").filter(|(_, _, node)| !is_nothing(node));
        let unknown = settings.filter_map(|(name, place, _)| {
            let known = FOLLOWED.contains(&name) || HARMLESS.contains(&name);
            let is_login = LOGINS.contains(&name);
            (!known).then(|| Unfollowed { key: format!("aws:{name}"), place: place.clone(), is_login })
        });
        let environment = || {
            let place = self.environment()?.clone();
            Some(Unfollowed { key: ENVIRONMENT.to_owned(), place, is_login: true })
        };
        let unknown = unknown.min_by_key(|found| found.is_login);
        unknown.or_else(|| self.without_default_provider()).or_else(|| self.of_a_role()).or_else(environment)
    }

    /// Without its default provider, a stack goes where its program says, and these settings are nobody's.
    fn without_default_provider(&self) -> Option<Unfollowed> {
        const KEY: &str = "pulumi:disable-default-providers";
        let disabled = self.list(KEY).unwrap_or_default();
        let place = self
            .position(KEY)
            .filter(|_| disabled.iter().any(|name| matches!(name.as_str(), "aws" | "*")))?;
        Some(Unfollowed { key: KEY.to_owned(), place, is_login: false })
    }

    /// A setting of a role that is not sent: its policy, tags, source identity.
    fn of_a_role(&self) -> Option<Unfollowed> {
        for key in ["aws:assumeRoles", "aws:assumeRole"] {
            let Ok(Some((place, node))) = self.structured(key) else { continue };
            let roles = match &node.kind {
                Kind::List(roles) => roles.as_ref(),
                Kind::Map(_) | Kind::Scalar(_) => std::slice::from_ref(&node),
            };
            let entries = roles.iter().flat_map(|role| role.entries().unwrap_or_default());
            let unsent = entries
                .filter(|entry| !is_nothing(&entry.value))
                .find(|entry| !FOLLOWED_OF_A_ROLE.contains(&&*entry.key));
            if let Some(entry) = unsent {
                return Some(Unfollowed {
                    key: format!("{key}.{}", entry.key),
                    place: place.clone(),
                    is_login: true,
                });
            }
        }
        None
    }

    /// The accounts that the provider refuses, from `aws:forbiddenAccountIds`.
    ///
    /// # Errors
    /// As for [`StackFile::list`].
    pub fn forbidden_accounts(&self) -> Result<Vec<String>, ConfigError> {
        self.list("aws:forbiddenAccountIds")
    }
}

/// Nothing, an empty list or map, or `false`, which is every switch's default.
fn is_nothing(node: &crate::yaml::Node) -> bool {
    match &node.kind {
        Kind::List(items) => items.iter().all(is_nothing),
        Kind::Map(entries) => entries.iter().all(|entry| is_nothing(&entry.value)),
        Kind::Scalar(_) => {
            value::is_empty(node) || matches!(value::string(node), Some("false" | "[]" | "{}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::sources::pulumi::sample::stack;

    fn key(config: &str) -> Option<String> {
        let file = stack(&format!("config:\n  aws:region: eu-west-1\n  {config}\n")).expect("it is good");
        file.unfollowed().map(|found| found.key)
    }

    #[test]
    fn what_decides_where_a_provider_goes_is_followed_or_named() {
        for (config, unfollowed) in [
            ("aws:profile: prod", None),
            ("aws:assumeRole: {roleArn: r, sessionName: s, externalId: e, durationSeconds: 900}", None),
            ("aws:forbiddenAccountIds: ['123456789012']", None),
            ("aws:defaultTags: {tags: {a: b}}", None),
            ("aws:skipMetadataApiCheck: 'false'", None),
            ("aws:config:maxRetries: '5'", None),
            ("aws:endpoints: []", None),
            ("aws:endpoints: ''", None),
            ("aws:accessKey: ''", None),
            ("aws:endpoints: [{ecr: 'http://localhost:4566'}]", Some("aws:endpoints")),
            ("aws:config:endpoints: [{ecr: 'http://localhost:4566'}]", Some("aws:endpoints")),
            ("aws:accessKey: test", Some("aws:accessKey")),
            ("aws:secretKey: {secure: AAAA}", Some("aws:secretKey")),
            ("aws:token: x", Some("aws:token")),
            (
                "aws:assumeRoleWithWebIdentity: {roleArn: r, webIdentityTokenFile: /t}",
                Some("aws:assumeRoleWithWebIdentity"),
            ),
            ("aws:sharedCredentialsFile: /c", Some("aws:sharedCredentialsFile")),
            ("aws:sharedConfigFiles: [/c]", Some("aws:sharedConfigFiles")),
            ("aws:ec2MetadataServiceEndpoint: 'http://x'", Some("aws:ec2MetadataServiceEndpoint")),
            ("aws:somethingNew: x", Some("aws:somethingNew")),
            ("aws:Region: x", Some("aws:Region")),
            ("aws:assumeRole: {roleArn: r, sourceIdentity: me}", Some("aws:assumeRole.sourceIdentity")),
            ("aws:assumeRoles: [{roleArn: r, tags: {a: b}}]", Some("aws:assumeRoles.tags")),
            (
                r#"aws:assumeRoles: '[{"roleArn":"r","policyArns":["p"]}]'"#,
                Some("aws:assumeRoles.policyArns"),
            ),
            ("other:endpoints: x", None),
            ("pulumi:disable-default-providers: [aws]", Some("pulumi:disable-default-providers")),
            ("pulumi:disable-default-providers: ['*']", Some("pulumi:disable-default-providers")),
            ("pulumi:disable-default-providers: [kubernetes]", None),
        ] {
            assert_eq!(key(config).as_deref(), unfollowed, "{config}");
        }
    }

    #[test]
    fn where_it_goes_is_told_before_who_logs_in_and_an_environment_may_be_anything() {
        assert_eq!(key("aws:accessKey: test\n  aws:endpoints: [{ecr: x}]").as_deref(), Some("aws:endpoints"));
        let file = stack("environment: [dev]\nconfig:\n  aws:region: eu-west-1\n").expect("it is good");
        assert_eq!(file.unfollowed().expect("it may be anything").key, super::ENVIRONMENT);
    }
}
