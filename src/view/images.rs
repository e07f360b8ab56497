//! What image names mean, for people and as JSON lines.

use std::fmt::Write;

use serde::Serialize;

use crate::image::Row;
use crate::image::scan::{ImageRow, Scan};
use crate::model::Reference;
use crate::redact;
use crate::ui::{BAD, GOOD, HEAD, HINT, WARN, styled};
use crate::view::Again;

/// One object a line, in input order.
#[must_use]
pub fn rows_json(rows: &[Row]) -> String {
    lines(rows)
}

/// One object a line, by file and position.
#[must_use]
pub fn scan_json(scan: &Scan) -> String {
    lines(&scan.images)
}

/// Plain data cannot fail to serialize.
fn lines<T: Serialize>(objects: &[T]) -> String {
    objects.iter().map(|object| serde_json::to_string(object).unwrap_or_default() + "\n").collect()
}

/// What a cache has of an image by its digest.
const UNSEEN_DIGEST: &str =
    "a cache has a digest only after an image of it was pulled by its tag: pull the cached name by tag once";

/// A block per name.
#[must_use]
pub fn rows(rows: &[Row]) -> String {
    rows.iter().map(|row| format!("{}\n{}", styled(HEAD, redact::line(&row.input)), meaning(row))).collect()
}

fn meaning(row: &Row) -> String {
    let mut text = String::new();
    if let Some(error) = &row.error {
        let _ = writeln!(text, "  {} {error}", styled(BAD, "invalid:"));
        if let Some(hint) = &row.hint {
            let _ = writeln!(text, "  {} {hint}", styled(HINT, "hint:"));
        }
        return text;
    }
    let _ = writeln!(text, "  means   {}", full(row));
    text += &pulled(row);
    for (stack, reference) in &row.cached {
        let _ = writeln!(text, "  cached  {reference}  (stack {stack})");
    }
    if row.digest.is_some() && !row.cached.is_empty() {
        let _ = writeln!(text, "  {} {UNSEEN_DIGEST}", styled(WARN, "note:"));
    }
    for (stack, reason) in &row.not_cached {
        let _ = writeln!(text, "  {}  stack {stack}: {reason}", styled(WARN, "not cached"));
    }
    text
}

fn pulled(row: &Row) -> String {
    let mut text = String::new();
    if let Some(credential) = &row.credential {
        let _ = writeln!(text, "  pulled  {}", styled(GOOD, format_args!("with {credential}")));
    }
    if let Some(why) = &row.anonymous_why {
        let _ = writeln!(text, "  pulled  {}: {why}", styled(WARN, "anonymously"));
    }
    if let Some(instead) = &row.instead {
        let _ = writeln!(text, "  {} write {instead}", styled(HINT, "hint:"));
    }
    text
}

fn full(row: &Row) -> String {
    let mut text =
        format!("{}/{}", row.domain.as_deref().unwrap_or_default(), row.path.as_deref().unwrap_or_default());
    if let Some(tag) = &row.tag {
        let _ = write!(text, ":{tag}");
    }
    if let Some(digest) = &row.digest {
        let _ = write!(text, "@{digest}");
    }
    text
}

/// A line per image with its file and line, as editors understand them.
#[must_use]
pub fn scan(scan: &Scan) -> String {
    scan.images.iter().map(found).collect()
}

fn found(image: &ImageRow) -> String {
    let ImageRow { file, line, column, row, daytona, .. } = image;
    let place = format!("{}:{line}:{column}:", redact::line(&file.display().to_string()));
    let input = redact::line(&row.input);
    let mut text = match (&row.error, &row.credential, &row.anonymous_why) {
        (Some(error), ..) => {
            format!("{place} {input} {} {}\n", styled(BAD, "is invalid:"), redact::line(error))
        }
        (None, Some(credential), _) => {
            let why = row.why.as_ref().map(|why| format!(", {}", redact::line(why))).unwrap_or_default();
            format!("{place} {input} {}{why}\n", styled(GOOD, format_args!("with {credential}")))
        }
        (None, None, Some(why)) => {
            format!("{place} {input} {}: {}\n", styled(WARN, "anonymously"), redact::line(why))
        }
        (None, None, None) => {
            format!("{place} {input} {}\n", styled(GOOD, "with the login that the file gives"))
        }
    };
    if let Some(instead) = &row.instead {
        let _ = writeln!(text, "  {} write {instead}", styled(HINT, "hint:"));
    }
    if let Some(hint) = &row.hint {
        let _ = writeln!(text, "  {} {hint}", styled(HINT, "hint:"));
    }
    if let Some(words) = daytona {
        let _ = writeln!(text, "  {} {}", styled(WARN, "note:"), redact::line(words));
    }
    let cached: Vec<&str> = row.cached.values().map(String::as_str).collect();
    if let [first, rest @ ..] = cached.as_slice() {
        let more =
            if rest.is_empty() { String::new() } else { format!(" (and {} other stacks)", rest.len()) };
        let _ = writeln!(text, "  cached as {first}{more}");
    }
    text
}

/// How to ask systems that pull by rules of their own, which are seen only where they hold the logins.
#[must_use]
pub fn ask_pullers(scan: &Scan, pullers: &[&str], again: &Again) -> Option<String> {
    let mut names = scan.images.iter().map(|image| &image.row).filter(|row| row.credential.is_some());
    let row = names.find(|row| Reference::parse(&row.input).is_ok()).filter(|_| !pullers.is_empty())?;
    let command = again.command(&format!("verify --image {}", row.input));
    Some(format!("With whose login {} really pulls one of them: {command}", pullers.join(" or ")))
}

/// What a scan came to.
#[must_use]
pub fn scan_summary(scan: &Scan) -> String {
    format!(
        "Files: {}, images: {}, pulled anonymously: {}, invalid: {}, not read: {}.",
        scan.files,
        scan.images.len(),
        scan.anonymous().count(),
        scan.invalid().count(),
        scan.skipped.len()
    )
}
