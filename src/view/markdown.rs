//! Markdown for a pull-request comment or a step summary, with a diagram that GitHub draws.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Shown;
use crate::change::Action;
use crate::model::CredentialId;
use crate::plan::{Change, Plan};
use crate::redact::markup::{code, markdown, mermaid};

/// Places in the diagram; more would not be legible.
const DIAGRAM_LIMIT: usize = 40;
/// Rows in the table: GitHub takes 65,536 characters for a comment, and a row rarely has over 200.
const TABLE_LIMIT: usize = 250;

/// The plan as Markdown.
#[must_use]
pub fn plan(shown: &Shown<'_>) -> String {
    let shard = shown.plan.shard.map(|shard| format!(", {}", shard.words())).unwrap_or_default();
    let mut text = body(shown, &shard);
    let next = shown.next().map(|command| format!(" To make exactly these changes: {}", code(&command)));
    let _ = writeln!(text, "\nDigest `{}`.{}", shown.plan.digest(), next.unwrap_or_default());
    text
}

/// The same without a digest, under a heading that says what it is of.
pub(super) fn body(shown: &Shown<'_>, of: &str) -> String {
    let summary = shown.plan.summary();
    let mut text = format!(
        "### regcred plan{of}\n\n{} to create, {} to update, {} to refresh, {} to replace, {} to delete, {} unchanged, {} blocked, {} could not be read.\n\n",
        summary.create,
        summary.update,
        summary.refresh,
        summary.replace,
        summary.delete,
        summary.keep,
        summary.blocked,
        summary.unread
    );
    for credential in shown.credentials {
        let proof = match shown.proofs.get(&credential.id) {
            Some(Ok(login)) => {
                let words = [&login.warning, &login.note].into_iter().flatten();
                let words: String = words.map(|words| format!("; {}", markdown(words))).collect();
                format!("its login works{words}{}", shown.life(&credential.id))
            }
            Some(Err(error)) => format!("its login failed: {}", markdown(&error.to_string())),
            None => "not asked".to_owned(),
        };
        let _ = writeln!(
            text,
            "- **{}** for {} from {}: {proof}",
            markdown(&credential.id.0),
            markdown(&credential.registry.to_string()),
            code(&credential.source)
        );
    }
    text += &diagram(shown.plan);
    text += &table(shown.plan);
    for note in &shown.plan.notes {
        let _ = writeln!(text, "> {}", markdown(note));
    }
    text
}

fn table(plan: &Plan) -> String {
    let mut text = String::from("\n| | address | why |\n|---|---|---|\n");
    let mut rows: Vec<&Change> = plan.changes.iter().filter(|change| change.is_news()).collect();
    // What is cut off must not be what is going to happen.
    if rows.len() > TABLE_LIMIT {
        rows.sort_by_key(|row| !row.action.writes());
    }
    for change in rows.iter().take(TABLE_LIMIT) {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            change.action.word(),
            code(&change.address.to_string()),
            markdown(&why(change))
        );
    }
    if rows.len() > TABLE_LIMIT {
        let _ = writeln!(text, "| | … and {} more | `regcred plan` shows all |", rows.len() - TABLE_LIMIT);
    }
    text.push('\n');
    text
}

/// A row's reason, with who may read what it guards.
fn why(change: &Change) -> String {
    let access = change.access.as_ref().map(|access| format!("; {}", access.words()));
    format!("{}{}", change.why(), access.unwrap_or_default())
}

/// Credential to places, by action.
fn diagram(plan: &Plan) -> String {
    let mut groups: BTreeMap<(&CredentialId, String, Action), usize> = BTreeMap::new();
    for change in &plan.changes {
        for credential in &change.credentials {
            *groups.entry((credential, place(change), change.action)).or_default() += 1;
        }
    }
    let mut text = String::from("\n```mermaid\ngraph LR\n");
    for (number, ((credential, place, action), count)) in groups.iter().take(DIAGRAM_LIMIT).enumerate() {
        let _ = writeln!(
            text,
            "  {}([\"{}\"]) -->|{} {count}| p{number}[\"{}\"]",
            node(&credential.0),
            mermaid(&credential.0),
            action.word(),
            mermaid(place)
        );
    }
    if groups.len() > DIAGRAM_LIMIT {
        let _ = writeln!(text, "  more[\"… and {} more\"]", groups.len() - DIAGRAM_LIMIT);
    }
    text + "```\n"
}

/// What a node of the diagram stands for.
fn place(change: &Change) -> String {
    format!("{} {}", change.address.system(), change.address.place()).trim_end().to_owned()
}

/// A credential's name as that of a node.
fn node(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("c_{}", name.chars().map(plain).collect::<String>())
}
