//! What a scan has found as others show it beside the lines: SARIF for code scanning, annotations of a workflow's log.

use std::path::{Component, Path};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::image::scan::{ImageRow, Scan, Skipped};
use crate::redact::{self, markup};

/// What is not written by its number in a URI's path.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What is said about a place, each a rule of its own.
#[derive(Clone, Copy)]
enum Rule {
    Invalid,
    Anonymous,
    Unknown,
}

const RULES: [Rule; 3] = [Rule::Invalid, Rule::Anonymous, Rule::Unknown];

impl Rule {
    fn id(self) -> &'static str {
        match self {
            Self::Invalid => "invalid-image-name",
            Self::Anonymous => "anonymous-pull",
            Self::Unknown => "unknown-image",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Invalid => "The image's name is not valid",
            Self::Anonymous => "The image is pulled without a credential",
            Self::Unknown => "It is not known what is pulled",
        }
    }

    /// SARIF's level; GitHub calls `note` a notice.
    fn level(self) -> &'static str {
        match self {
            Self::Invalid => "error",
            Self::Anonymous => "warning",
            Self::Unknown => "note",
        }
    }
}

/// Something to say, and where.
struct Remark<'a> {
    rule: Rule,
    file: &'a Path,
    line: Option<usize>,
    column: Option<usize>,
    text: String,
}

fn remarks(scan: &Scan) -> impl Iterator<Item = Remark<'_>> {
    let images = scan.images.iter().filter_map(of_image);
    images.chain(scan.skipped.iter().map(of_skipped))
}

fn of_image(image: &ImageRow) -> Option<Remark<'_>> {
    let row = &image.row;
    let (rule, text) = match (&row.error, &row.anonymous_why) {
        (Some(error), _) => (Rule::Invalid, format!("{} is invalid: {error}", row.input)),
        (None, Some(why)) => (Rule::Anonymous, format!("{} is pulled anonymously: {why}", row.input)),
        (None, None) => return None,
    };
    let instead = row.instead.as_ref().map(|instead| format!("write {instead}"));
    let hints = instead.iter().chain(&row.hint).fold(String::new(), |all, hint| all + "; " + hint);
    let text = redact::outside(&(text + &hints));
    Some(Remark { rule, file: &image.file, line: Some(image.line), column: Some(image.column), text })
}

fn of_skipped(skipped: &Skipped) -> Remark<'_> {
    let text = redact::outside(&format!("not read: {}", skipped.reason));
    Remark { rule: Rule::Unknown, file: &skipped.file, line: skipped.line, column: None, text }
}

/// A SARIF 2.1.0 log, on one line.
#[must_use]
pub fn sarif(scan: &Scan) -> String {
    let rules: Vec<Value> = RULES.iter().map(|rule| described(*rule)).collect();
    let results: Vec<Value> = remarks(scan).map(|remark| result(&remark)).collect();
    let driver = json!({ "name": "regcred", "version": env!("CARGO_PKG_VERSION"), "rules": rules });
    let run = json!({ "tool": { "driver": driver }, "columnKind": "unicodeCodePoints", "results": results });
    let schema = "https://json.schemastore.org/sarif-2.1.0.json";
    format!("{}\n", json!({ "$schema": schema, "version": "2.1.0", "runs": [run] }))
}

fn described(rule: Rule) -> Value {
    json!({
        "id": rule.id(),
        "shortDescription": { "text": rule.words() },
        "defaultConfiguration": { "level": rule.level() },
    })
}

fn result(remark: &Remark<'_>) -> Value {
    let mut location = json!({ "artifactLocation": artifact(remark.file) });
    if let Some(line) = remark.line {
        let column = remark.column.unwrap_or(1);
        location["region"] = json!({ "startLine": line, "startColumn": column });
    }
    json!({
        "ruleId": remark.rule.id(),
        "level": remark.rule.level(),
        "message": { "text": remark.text },
        "locations": [{ "physicalLocation": location }],
    })
}

/// A relative path is seen from the root of what was checked out.
fn artifact(file: &Path) -> Value {
    let parts = file.components().filter(|part| *part != Component::CurDir);
    let path = parts.collect::<std::path::PathBuf>().display().to_string().replace('\\', "/");
    let encoded = utf8_percent_encode(if path.is_empty() { "." } else { &path }, PATH).to_string();
    if file.is_absolute() {
        json!({ "uri": format!("file://{encoded}") })
    } else {
        json!({ "uri": encoded, "uriBaseId": "%SRCROOT%" })
    }
}

/// A workflow command for each remark.
#[must_use]
pub fn github(scan: &Scan) -> String {
    remarks(scan).map(|remark| command(&remark)).collect()
}

fn command(remark: &Remark<'_>) -> String {
    let level = match remark.rule {
        Rule::Unknown => "notice",
        rule => rule.level(),
    };
    let file = remark.file.display().to_string();
    let number = |number: Option<usize>| number.map(|number| number.to_string());
    let (line, column) = (number(remark.line), number(remark.column));
    let mut properties = vec![("title", remark.rule.words()), ("file", file.as_str())];
    properties.extend(line.as_deref().map(|line| ("line", line)));
    properties.extend(column.as_deref().map(|column| ("col", column)));
    markup::annotation(level, &properties, &remark.text)
}
