//! Which known word was meant.

/// The candidate that is most like the text, if any is like it at all.
#[must_use]
pub fn nearest<'a>(text: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let score = |candidate: &&&str| (strsim::jaro_winkler(text, candidate) * 1000.0) as u64;
    candidates
        .iter()
        .max_by_key(score)
        .filter(|candidate| strsim::jaro_winkler(text, candidate) > 0.75)
        .copied()
}
