//! Whether a statement hits a request, by IAM's rules (IAM user guide, "policy evaluation logic" and "JSON
//! policy elements").

use serde_json::Value;

use super::condition;
use super::pattern::Pattern;
use super::principal::is_dead;
use super::request::Request;
use super::{ACTION, Told, texts};
use crate::redact;

/// A statement of a policy.
pub(super) struct Statement<'a> {
    pub(super) value: &'a Value,
    /// Which of the policy's statements it is, from 1 on.
    pub(super) number: usize,
    /// Whether its policy has variables: they came with the language of 2012.
    pub(super) variables: bool,
}

impl Statement<'_> {
    /// What people call it.
    pub(super) fn title(&self) -> String {
        let sid = self.value["Sid"].as_str().filter(|sid| !sid.is_empty());
        sid.map_or_else(
            || format!("statement {}", self.number),
            |sid| format!("statement {}", redact::outside(sid)),
        )
    }

    pub(super) fn has_effect(&self, effect: &str) -> bool {
        self.value["Effect"] == effect
    }

    /// Whether the statement is about this request.
    pub(super) fn hits(&self, request: &Request<'_>) -> Told {
        Told::all([
            self.is_about(request),
            self.covers_reading(),
            self.covers_secret(request),
            self.holds(request),
        ])
    }

    fn is_about(&self, request: &Request<'_>) -> Told {
        match (self.value.get("Principal"), self.value.get("NotPrincipal")) {
            (Some(principal), None) => Told::any(named(principal, request)),
            (None, Some(excluded)) => all_but(excluded, request),
            _ => Told::depends("who it is about"),
        }
    }

    /// Whether reading the value is among the actions. They know no variables, and no case.
    pub(super) fn covers_reading(&self) -> Told {
        let action = ACTION.to_ascii_lowercase();
        let is = |text: &String| Pattern::new(&text.to_ascii_lowercase()).matches(&action).into();
        self.covers("Action", "NotAction", is)
    }

    /// Whether the secret is among the resources.
    pub(super) fn covers_secret(&self, request: &Request<'_>) -> Told {
        let is = |text: &String| match (text.as_str(), request.secret) {
            ("*", _) => Told::Yes,
            (_, None) => Told::depends("the secret's ARN"),
            (text, Some(arn)) => self.is_resource(text, arn, request),
        };
        self.covers("Resource", "NotResource", is)
    }

    /// Whether an ARN is the secret's. A variable may stand behind the fifth colon only (IAM user guide,
    /// "policy variables"). A `*` at the end of a part may reach over colons (the same, `Resource`): which,
    /// is not told where it does not end the ARN.
    fn is_resource(&self, text: &str, arn: &str, request: &Request<'_>) -> Told {
        if self.variables && text.splitn(6, ':').take(5).any(|part| part.contains("${")) {
            return Told::No;
        }
        let pattern = match self.pattern(text, request) {
            Ok(pattern) => pattern,
            Err(variable) => return Told::Depends(variable),
        };
        let ends_early = text.strip_suffix('*').is_some_and(|start| !start.contains(['*', '?']));
        match (pattern.matches(arn), pattern.matches_arn(arn) == Some(true) || ends_early) {
            (false, _) => Told::No,
            (true, true) => Told::Yes,
            (true, false) => Told::depends("a `*` of its Resource that would reach over a colon"),
        }
    }

    fn covers(&self, these: &str, all_but: &str, is: impl Fn(&String) -> Told) -> Told {
        let any = |texts: Vec<String>| Told::any(texts.iter().map(&is));
        match (self.value.get(these), self.value.get(all_but)) {
            (Some(named), None) => any(texts(named)),
            (None, Some(excluded)) => any(texts(excluded)).not(),
            _ => Told::depends(format!("its {these}")),
        }
    }

    /// Whether the conditions hold: all operators, all of their keys.
    fn holds(&self, request: &Request<'_>) -> Told {
        let Some(conditions) = self.value.get("Condition") else { return Told::Yes };
        let Some(operators) = conditions.as_object() else { return Told::depends("its conditions") };
        let tests = operators.iter().flat_map(|(operator, keys)| {
            keys.as_object().into_iter().flatten().map(move |(key, values)| (operator, key, values))
        });
        Told::all(tests.map(|(operator, key, values)| {
            condition::holds(operator, key, &condition::values(values), request, |text| {
                self.pattern(text, request)
            })
        }))
    }

    fn pattern(&self, text: &str, request: &Request<'_>) -> Result<Pattern, String> {
        if !self.variables {
            return Ok(Pattern::new(text));
        }
        Pattern::with_variables(text, |name| request.variable(name))
    }
}

/// Whether the principals that are named include this one, each by itself.
fn named(principal: &Value, request: &Request<'_>) -> Vec<Told> {
    let Some(kinds) = principal.as_object() else {
        return texts(principal).iter().map(|text| (text == "*").into()).collect();
    };
    let one = |(kind, names): (&String, &Value)| match kind.as_str() {
        "AWS" => Told::any(texts(names).iter().map(|text| request.is(text))),
        // A role session is not a service principal, also that of ECR's role.
        "Service" => Told::No,
        "Federated" if request.principal.is_ecr => Told::No,
        other => Told::depends(format!("its principals of the kind {other}")),
    };
    kinds.iter().map(one).collect()
}

/// Whether somebody is among all but those that are named. An account that is named excepts only itself,
/// not its users and roles; a user has to be named with its account, and a role with its account and its
/// session, which is not known (IAM user guide, `NotPrincipal`).
fn all_but(excluded: &Value, request: &Request<'_>) -> Told {
    let all = texts(excluded).into_iter().chain(texts(&excluded["AWS"]));
    let all: Vec<String> = all.filter(|text| !is_dead(text)).collect();
    if all.iter().any(|text| text == "*") {
        return Told::No;
    }
    if !all.iter().any(|text| *text == request.arn || request.is_session(text)) {
        return Told::Yes;
    }
    let account = all.iter().any(|text| request.is_account(text));
    match request.principal.kind {
        super::principal::Kind::Role => Told::depends("the name of the session, which NotPrincipal compares"),
        _ if account => Told::No,
        _ => Told::depends("NotPrincipal, which lacks the account"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::principal::Principal;
    use super::*;

    #[test]
    fn a_federated_principal_is_never_ecrs_role_and_may_be_another() {
        let role = Principal::parse("arn:aws:iam::123456789012:role/app").expect("a role");
        let statement = json!({ "Principal": { "Federated": "accounts.google.com" } });
        let about = |is_ecr: bool| {
            let principal = Principal { is_ecr, ..role.clone() };
            let request =
                Request { principal: &principal, arn: &principal.arn, account: "123456789012", secret: None };
            Statement { value: &statement, number: 1, variables: true }.is_about(&request)
        };
        assert_eq!(about(true), Told::No);
        assert_eq!(about(false), Told::depends("its principals of the kind Federated"));
    }
}
