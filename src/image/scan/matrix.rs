//! The values that a job's matrix gives a text: `${{ matrix.image }}` with `image: [alpine, debian]`.

use super::finds::At;
use super::yaml::Value;

/// The text with every value of the one matrix variable that it names, each where it stands in the matrix; none if the
/// file does not say them (an expression, or more than one variable).
pub(super) fn values(text: &str, job: Value<'_>) -> Vec<(At, String)> {
    let Some((before, path, after)) = variable(text) else { return Vec::new() };
    let Some(matrix) = job.get("strategy").and_then(|strategy| strategy.get("matrix")) else {
        return Vec::new();
    };
    let mut keys = path.split('.');
    let Some(first) = keys.next() else { return Vec::new() };
    let rest: Vec<&str> = keys.collect();
    // A variable has a list of values, and each entry of `include` may add one.
    let own = matrix.get(first).into_iter().flat_map(|list| list.items());
    let included = matrix.get("include").into_iter().flat_map(|list| list.items());
    let all = own.chain(included.filter_map(|entry| entry.get(first)));
    let found = all.filter_map(|value| {
        let value = rest.iter().try_fold(value, |value, key| value.get(key))?;
        Some((value.at(), format!("{before}{}{after}", value.text()?)))
    });
    found.collect()
}

/// What stands before `${{ matrix.… }}`, the path in it, and what stands behind; if it is the only expression.
fn variable(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("${{")?;
    let (expression, after) = rest.split_once("}}")?;
    let path = expression.trim().strip_prefix("matrix.")?;
    let is_path = path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    (is_path && !after.contains("${{")).then_some((before, path, after))
}
