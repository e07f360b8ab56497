//! Roles and users: what their ARNs say, and what people call them.

use crate::aws::is_account;
use crate::redact;
use crate::targets::aws::Identity;

/// A role, a user, or an account's root user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Principal {
    /// As it is written, of an assumed role the ARN of the role without its path.
    pub(super) arn: String,
    pub(super) kind: Kind,
    pub(super) account: String,
    /// Whether its path is not known: STS does not tell it.
    pub(super) any_path: bool,
    /// Whether it is the role with which ECR reads.
    pub(super) is_ecr: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Role,
    User,
    Root,
}

impl Principal {
    /// The principal that an ARN names; nothing if it names none, or more than one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let [_, partition, service, _, account, resource] = parts.as_slice() else { return None };
        let any_path = resource.starts_with("role/*/");
        let (kind, name) = match (*service, resource.split_once('/')) {
            ("iam", Some(("role", rest))) => (Kind::Role, rest.strip_prefix("*/").unwrap_or(rest)),
            ("iam", Some(("user", rest))) => (Kind::User, rest),
            ("iam", None) if *resource == "root" => (Kind::Root, *resource),
            ("sts", Some(("assumed-role", rest))) => (Kind::Role, rest.split('/').next()?),
            ("sts", Some(("federated-user", rest))) => (Kind::User, rest),
            _ => return None,
        };
        let role = || format!("arn:{partition}:iam::{account}:role/{name}");
        let arn = if *service == "sts" || any_path { role() } else { text.to_owned() };
        let assumed = *service == "sts" && kind == Kind::Role;
        let arn = if *service == "sts" && kind == Kind::User { text.to_owned() } else { arn };
        let account = (*account).to_owned();
        (!is_pattern(name)).then_some(Self {
            arn,
            kind,
            account,
            any_path: any_path || assumed,
            is_ecr: false,
        })
    }

    /// The last part of its name: roles and users are unique by it, whatever their path.
    pub(super) fn name(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or_default()
    }

    /// What people call it, in the account.
    pub(super) fn title(&self, account: &str) -> String {
        let what = match self.kind {
            _ if self.is_ecr => "ECR".to_owned(),
            Kind::Role => format!("role {}", self.name()),
            Kind::User => format!("user {}", self.name()),
            Kind::Root => "the root user".to_owned(),
        };
        let elsewhere =
            if self.account == account { String::new() } else { format!(" of account {}", self.account) };
        redact::outside(&(what + &elsewhere))
    }
}

/// The account that a text stands for as a whole, under `Principal`.
pub(super) fn account(text: &str) -> Option<&str> {
    let root = text.strip_suffix(":root").and_then(|arn| arn.rsplit(':').next());
    Some(root.unwrap_or(text)).filter(|account| is_account(account))
}

/// What IAM shows instead of a role or user that was deleted (IAM user guide, "unique identifiers").
pub(super) fn is_dead(text: &str) -> bool {
    ["AROA", "AIDA"].iter().any(|prefix| text.starts_with(prefix)) && !text.contains(':')
}

/// Whether a text may stand for more than itself.
pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?']) || text.contains("${")
}

/// Whether a pattern stands for more than one principal of the account. A wildcard is fine only as the
/// whole of a role's path.
pub(super) fn is_broad(pattern: &str, identity: &Identity) -> bool {
    let exact = pattern.replacen(":role/*/", ":role/", 1);
    is_pattern(&exact)
        || Principal::parse(pattern).is_none_or(|principal| principal.account != identity.account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_a_role_a_user_or_the_account_and_a_session_its_role() {
        let iam = |rest: &str| format!("arn:aws:iam::123456789012:{rest}");
        let sts = |rest: &str| format!("arn:aws:sts::123456789012:{rest}");
        for (text, arn, kind, any_path, title) in [
            (iam("role/ci/deploy"), iam("role/ci/deploy"), Kind::Role, false, "role deploy"),
            (iam("role/*/deploy"), iam("role/deploy"), Kind::Role, true, "role deploy"),
            (iam("user/ann"), iam("user/ann"), Kind::User, false, "user ann"),
            (iam("root"), iam("root"), Kind::Root, false, "the root user"),
            (sts("assumed-role/deploy/run-1"), iam("role/deploy"), Kind::Role, true, "role deploy"),
            (sts("federated-user/ann"), sts("federated-user/ann"), Kind::User, false, "user ann"),
        ] {
            let found = Principal::parse(&text).expect("it names one");
            let account = "123456789012".to_owned();
            assert_eq!(found.title(&account), title, "{text}");
            assert_eq!(found.title("222222222222"), format!("{title} of account {account}"), "{text}");
            assert_eq!(found, Principal { arn, kind, account, any_path, is_ecr: false }, "{text}");
        }
        for text in [iam("role/*"), iam("group/x"), sts("root"), "*".to_owned()] {
            assert_eq!(Principal::parse(&text), None, "{text}");
        }
    }

    #[test]
    fn the_role_with_which_ecr_reads_is_called_ecr() {
        let role = Principal::parse("arn:aws:iam::123456789012:role/AWSServiceRoleForECR").expect("a role");
        assert_eq!(Principal { is_ecr: true, ..role }.title("123456789012"), "ECR");
    }
}
