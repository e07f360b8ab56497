//! Names and words from input and outside as text of a document, and as nothing else.

use super::line;

/// A text in Markdown as GitHub reads it: no markup, link, mention, reference, comment or cell of a table.
#[must_use]
pub fn markdown(text: &str) -> String {
    // A character without width keeps what is before and behind it from being read together.
    let apart = |c: char| format!("{c}&#8203;");
    let escape = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '@' => apart(c),
        '#' => format!("\\{}", apart(c)),
        '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
            format!("\\{c}")
        }
        _ => c.to_string(),
    };
    let escaped: String = line(text).chars().map(escape).collect();
    let linked = escaped.replace("://", ":&#8203;//").replace("www.", "www&#8203;.");
    // At its beginning a text could be an item of a list, or a heading of the line before.
    if linked.starts_with(['-', '+', '=', ':']) { format!("&#8203;{linked}") } else { linked }
}

/// A text in Markdown, as code.
#[must_use]
pub fn code(text: &str) -> String {
    let text = line(text);
    if !text.is_empty() && !text.contains(['`', '|', '\\']) && text.trim() == text {
        return format!("`{text}`");
    }
    format!("<code>{}</code>", by_number(&text, "&#", |c| "-_./:@,=+%~ ".contains(c)))
}

/// A text in HTML, between tags or in a quoted attribute.
#[must_use]
pub fn html(text: &str) -> String {
    by_number(&line(text), "&#", |c| "-_./:@,;=+%~ ()?!*$#{}[]|^".contains(c))
}

/// A text as a label of a Mermaid diagram, to stand in double quotes.
#[must_use]
pub fn mermaid(text: &str) -> String {
    by_number(&line(text), "#", |c| "-_./:@,? ".contains(c))
}

/// A line that has a GitHub workflow's runner annotate a file. All texts are from outside; the runner takes `%0A` and the
/// like for what it escapes (`ActionCommand` of actions/runner).
#[must_use]
pub fn annotation(level: &str, properties: &[(&str, &str)], message: &str) -> String {
    let data = |text: &str| line(text).replace('%', "%25");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let properties: Vec<String> =
        properties.iter().map(|(name, value)| format!("{name}={}", property(value))).collect();
    format!("::{level} {}::{}\n", properties.join(","), data(message))
}

/// A text in which every character but letters, digits and plain ones is written by its number.
fn by_number(text: &str, start: &str, plain: impl Fn(char) -> bool) -> String {
    let escape = |c: char| {
        let same = c.is_alphanumeric() || plain(c);
        if same { c.to_string() } else { format!("{start}{};", u32::from(c)) }
    };
    text.chars().map(escape).collect()
}
