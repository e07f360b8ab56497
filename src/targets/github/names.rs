//! What secrets may be called in GitHub.

/// What is wrong with the name of a GitHub secret or variable, if anything (GitHub's documentation,
/// "Naming your secrets").
#[must_use]
pub(super) fn github_fault(name: &str) -> Option<&'static str> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(legal) {
        Some("may hold only letters, digits and _")
    } else if name.starts_with(|c: char| c.is_ascii_digit()) {
        Some("cannot start with a digit")
    } else if name.to_ascii_uppercase().starts_with("GITHUB_") {
        Some("cannot start with GITHUB_")
    } else {
        None
    }
}
