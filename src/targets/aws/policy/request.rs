//! A role or user that reads the value, as IAM sees the request.

use super::Told;
use super::principal::{Kind, Principal};

/// A request to read the value.
pub(super) struct Request<'a> {
    pub(super) principal: &'a Principal,
    /// The ARN that stands for the principal in this evaluation: of an assumed role the path may not be
    /// known.
    pub(super) arn: &'a str,
    /// The account of the secret.
    pub(super) account: &'a str,
    /// The secret's ARN, if there is one yet.
    pub(super) secret: Option<&'a str>,
}

/// What a request carries under a condition key.
pub(super) enum Context {
    Value(String),
    Absent,
    Unknown,
}

impl Request<'_> {
    /// What the request carries under a key (IAM user guide, "AWS global condition context keys").
    pub(super) fn context(&self, key: &str) -> Context {
        let value = |text: &str| Context::Value(text.to_owned());
        let ecr = self.principal.is_ecr;
        match (key.to_ascii_lowercase().as_str(), self.principal.kind) {
            ("aws:principalarn", _) => value(self.arn),
            ("aws:principalaccount", _) => value(&self.principal.account),
            ("aws:resourceaccount", _) => value(self.account),
            ("aws:principaltype", Kind::Role) => value("AssumedRole"),
            ("aws:principaltype", Kind::User) => value("User"),
            ("aws:principaltype", Kind::Root) => value("Account"),
            ("aws:username", Kind::User) => value(self.principal.name()),
            ("aws:username", Kind::Role | Kind::Root) => Context::Absent,
            // Secrets Manager takes no plain http.
            ("aws:securetransport", _) => value("true"),
            ("aws:principalisawsservice", _) => value("false"),
            ("aws:viaawsservice", _) if ecr => value("false"),
            ("aws:federatedprovider", _) if ecr => Context::Absent,
            ("aws:principalservicename" | "aws:principalservicenameslist", _) => Context::Absent,
            // Only a service that calls by its own name carries these (Secrets Manager user guide,
            // "resource-based policies").
            ("aws:sourcearn" | "aws:sourceaccount" | "aws:sourceorgid" | "aws:sourceorgpaths", _) => {
                Context::Absent
            }
            ("aws:requestedregion", _) => {
                self.secret.and_then(|arn| arn.split(':').nth(3)).map_or(Context::Unknown, value)
            }
            _ => Context::Unknown,
        }
    }

    /// What a policy variable stands for, if that is known.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        match self.context(name) {
            Context::Value(value) => Some(value),
            Context::Absent | Context::Unknown => None,
        }
    }

    /// Whether a text under `Principal` and `AWS` is this principal, or all principals of its account.
    pub(super) fn is(&self, text: &str) -> Told {
        if text == "*" || text == self.arn || self.is_account(text) {
            return Told::Yes;
        }
        // A session by its name: which one reads is not known.
        if self.is_session(text) { Told::depends("the name of the session") } else { Told::No }
    }

    pub(super) fn is_account(&self, text: &str) -> bool {
        super::principal::account(text) == Some(&self.principal.account)
    }

    pub(super) fn is_session(&self, text: &str) -> bool {
        let session = Principal::parse(text).filter(|_| text.contains(":sts:"));
        session.is_some_and(|session| {
            session.account == self.principal.account
                && session.kind == self.principal.kind
                && session.name().eq_ignore_ascii_case(self.principal.name())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/app";
    const USER: &str = "arn:aws:iam::123456789012:user/app";

    /// What is found out about a request of this principal.
    fn of<T>(arn: &str, look: impl FnOnce(&Request<'_>) -> T) -> T {
        let principal = Principal::parse(arn).expect("it names one");
        look(&Request { principal: &principal, arn, account: "222222222222", secret: None })
    }

    #[test]
    fn a_request_carries_who_reads_and_whose_the_secret_is() {
        for (arn, key, value) in [
            (ROLE, "aws:PrincipalArn", Some(ROLE)),
            (ROLE, "aws:PrincipalAccount", Some("123456789012")),
            (ROLE, "aws:ResourceAccount", Some("222222222222")),
            (ROLE, "aws:PrincipalType", Some("AssumedRole")),
            (USER, "aws:PrincipalType", Some("User")),
            ("arn:aws:iam::123456789012:root", "aws:PrincipalType", Some("Account")),
            (USER, "aws:username", Some("app")),
            (ROLE, "aws:username", None),
            (ROLE, "aws:RequestedRegion", None),
        ] {
            assert_eq!(of(arn, |request| request.variable(key)).as_deref(), value, "{arn} {key}");
        }
    }

    #[test]
    fn a_session_may_be_the_reader_if_role_and_account_are() {
        for (arn, session, is) in [
            (ROLE, "arn:aws:sts::123456789012:assumed-role/app/run-1", true),
            (ROLE, "arn:aws:sts::222222222222:assumed-role/app/run-1", false),
            (ROLE, "arn:aws:sts::123456789012:assumed-role/other/run-1", false),
            (ROLE, "arn:aws:sts::123456789012:federated-user/app", false),
            (USER, "arn:aws:sts::123456789012:federated-user/app", true),
            (ROLE, ROLE, false),
        ] {
            assert_eq!(of(arn, |request| request.is_session(session)), is, "{arn} {session}");
        }
    }
}
