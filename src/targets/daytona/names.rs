//! What a row may be called in Daytona.

/// What is wrong with the name of a row in Daytona, if anything: a subset of what Daytona takes (its `IsSafeDisplayString`
/// refuses markup, links and control characters).
#[must_use]
pub(super) fn daytona_fault(name: &str) -> Option<&'static str> {
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
