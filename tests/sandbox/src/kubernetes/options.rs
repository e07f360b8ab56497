//! The query's options, which every request has alike.

use super::Visit;
use super::error::{Cause, Refusal};

/// Those that the server knows; it takes others without a word.
const KNOWN: &[&str] = &[
    "allowWatchBookmarks",
    "continue",
    "dryRun",
    "fieldManager",
    "fieldSelector",
    "fieldValidation",
    "force",
    "gracePeriodSeconds",
    "labelSelector",
    "limit",
    "orphanDependents",
    "pretty",
    "propagationPolicy",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeout",
    "timeoutSeconds",
    "watch",
];

/// What to do about fields that nobody knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validation {
    Strict,
    Warn,
    Ignore,
}

impl Visit<'_> {
    /// `Warn` where the client says nothing, since 1.25.
    pub(crate) fn validation(&self) -> Validation {
        match self.query.get("fieldValidation").map(String::as_str) {
            Some("Strict") => Validation::Strict,
            Some("Ignore") => Validation::Ignore,
            _ => Validation::Warn,
        }
    }

    /// Lets unknown fields pass, with or without a warning, or gives the strict decoder's words.
    pub(crate) fn settle_strictness(&mut self, strict: Vec<String>) -> Result<(), String> {
        if strict.is_empty() {
            return Ok(());
        }
        match self.validation() {
            Validation::Strict => return Err(format!("strict decoding error: {}", strict.join(", "))),
            Validation::Warn => self.warnings.extend(strict.iter().cloned()),
            Validation::Ignore => {}
        }
        self.violations.extend(strict);
        Ok(())
    }
}

pub(crate) fn is_dry(visit: &Visit<'_>) -> bool {
    visit.query.get("dryRun").is_some_and(|value| value == "All")
}

pub(crate) fn check(visit: &mut Visit<'_>) -> Result<(), Refusal> {
    if visit.query.get("watch").is_some_and(|watch| matches!(watch.as_str(), "true" | "1" | "")) {
        return Err(Refusal::bad_request("this sandbox does not watch"));
    }
    let unknown = visit.query.keys().filter(|name| !KNOWN.contains(&name.as_str()));
    visit.violations.extend(unknown.map(|name| format!("unknown parameter {name:?}")));
    let mut causes = Vec::new();
    let allowed: [(&str, &[&str]); 2] =
        [("dryRun", &["All"]), ("fieldValidation", &["", "Ignore", "Strict", "Warn"])];
    for (name, values) in allowed {
        if let Some(value) = visit.query.get(name).filter(|value| !values.contains(&value.as_str())) {
            let values: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
            let message = format!("Unsupported value: {value:?}: supported values: {}", values.join(", "));
            causes.push(Cause { reason: "FieldValueNotSupported", field: name.to_owned(), message });
        }
    }
    if visit.route.verb == "patch" {
        causes.extend(patch(visit));
    }
    if causes.is_empty() {
        return Ok(());
    }
    let kind = match visit.route.verb {
        "create" => "CreateOptions",
        "update" => "UpdateOptions",
        "patch" => "PatchOptions",
        _ => "DeleteOptions",
    };
    Err(Refusal::invalid(&format!("{kind}.meta.k8s.io"), "", &causes))
}

fn patch(visit: &Visit<'_>) -> Vec<Cause> {
    let is_apply = super::patch::is_apply(visit.request);
    let mut causes = Vec::new();
    if is_apply && visit.query.get("fieldManager").is_none_or(String::is_empty) {
        causes.push(Cause::required("fieldManager", "is required for apply patch"));
    }
    if !is_apply && visit.query.contains_key("force") {
        causes.push(Cause::forbidden("force", "may not be specified for non-apply patch"));
    }
    causes
}
