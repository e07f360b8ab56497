//! What in a text is filled in later: variables, and the marks of template languages.

/// Marks that no image name has: of the shell, Helm, Jinja, ERB, Argo, Azure and of placeholders for people.
const MARKS: [&str; 7] = ["$", "{", "<", "%%", "#{", "[[", "]]"];

/// Pairs that enclose a name in capitals: `@VERSION@`, `__IMAGE__`, `%TAG%`.
const FENCES: [&str; 3] = ["@", "__", "%"];

/// What begins and ends a part of a template that may have spaces in it.
pub(super) const SPANS: [(&str, &str); 3] = [("{{", "}}"), ("<%", "%>"), ("{%", "%}")];

/// Where the first part begins that is filled in later.
pub(super) fn first_mark(text: &str) -> Option<usize> {
    let marks = MARKS.iter().filter_map(|mark| text.find(mark));
    marks.chain(FENCES.iter().filter_map(|fence| fenced(text, fence))).min()
}

/// Whether a text that is not YAML has marks that explain it, other than the expressions of a workflow.
pub(super) fn is_template(text: &str) -> bool {
    let marks = ["{%", "<%", "%%"].iter().any(|mark| text.contains(mark));
    let braces = || text.match_indices("{{").any(|(index, _)| !text[..index].ends_with('$'));
    marks || braces() || FENCES.iter().any(|fence| fenced(text, fence).is_some())
}

/// Where a name in capitals begins that stands between two of these.
fn fenced(text: &str, fence: &str) -> Option<usize> {
    let capitals = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_' || c == '.';
    text.match_indices(fence).map(|(at, _)| at).find(|at| {
        let behind = &text[at + fence.len()..];
        let name = &behind[..behind.find(|c| !capitals(c)).unwrap_or(behind.len())];
        // The fence may be of a character that names have, too.
        let inside = if fence == "__" { name.rfind(fence).map(|end| &name[..end]) } else { Some(name) };
        let is_closed = fence == "__" || behind[name.len()..].starts_with(fence);
        is_closed && inside.is_some_and(|inside| inside.starts_with(|c: char| c.is_ascii_uppercase()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_later_is_seen_by_its_marks() {
        for (text, at) in [
            ("alpine:3", None),
            ("alpine@sha256:ab", None),
            ("acme/my__tool:1", None),
            ("acme/x:A__B", None),
            ("50%", None),
            ("$A", Some(0)),
            ("a:${A}", Some(2)),
            ("a:{{ b }}", Some(2)),
            ("a:<%= b %>", Some(2)),
            ("<your-registry>/a", Some(0)),
            ("a:%%TAG%%", Some(2)),
            ("a:%TAG%", Some(2)),
            ("a:@VERSION@", Some(2)),
            ("a:@project.version@", None),
            ("__IMAGE__", Some(0)),
            ("acme/a:__IMAGE_TAG__", Some(7)),
            ("a:#{Tag}#", Some(2)),
            ("a:[[ .tag ]]", Some(2)),
        ] {
            assert_eq!(first_mark(text), at, "{text}");
        }
    }
}
