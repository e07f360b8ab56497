//! Reading what runs printed with `--json`: documents of `plan`, and streams, several of them one after the other.

use std::path::Path;

use serde_json::{Deserializer, Value};

use super::Part;
use crate::model::{Place, Problem, Shard};
use crate::redact;

/// The number of the format that is printed, and read.
pub const FORMAT: u8 = 1;
/// The commands that print it.
const PRINTED: &str = "print it: regcred sync --json";

/// The runs whose output is in a text, which is in a file of this name. One that ends within a line, or without its last
/// one, was cut off.
///
/// # Errors
/// The first thing in it that regcred does not print.
pub fn read(file: &Path, text: &str) -> Result<Vec<Part>, Problem> {
    let text = &without_words(text);
    let mut parts: Vec<Part> = Vec::new();
    let mut values = Deserializer::from_str(text).into_iter::<Value>();
    loop {
        let before = values.byte_offset();
        let at = before + (text.len() - before - text.get(before..).unwrap_or_default().trim_start().len());
        let line = 1 + text.get(..at).unwrap_or_default().matches('\n').count();
        let refused = |words: &str, hint: &str| {
            Problem::input(redact::outside(words))
                .at(Place { line: Some(line), ..Place::file(file) })
                .hint(hint)
        };
        match values.next() {
            None => break,
            // The run was ended while it wrote its last line.
            Some(Err(_)) if !parts.is_empty() && is_cut(text.get(at..).unwrap_or_default()) => break,
            Some(Err(_)) => return Err(refused("not a line of JSON that regcred prints", PRINTED)),
            Some(Ok(value)) => take(&mut parts, file, &value).map_err(|words| refused(&words, PRINTED))?,
        }
    }
    if parts.is_empty() {
        // A run that was ended before it wrote anything.
        parts.push(Part::begun(file, None, None));
    }
    Ok(parts)
}

/// What regcred says to people beside a stream, which the log of a pod has, too, is left out. Lines keep their numbers.
fn without_words(text: &str) -> String {
    const WORDS: [&str; 5] = ["error: ", "  hint: ", "warning: ", "note: ", "Stopping: "];
    let has_stream = text.lines().any(|line| line.starts_with('{'));
    let is_said = |line: &str| has_stream && WORDS.iter().any(|word| line.starts_with(word));
    text.split_inclusive('\n').map(|line| if is_said(line) { "\n" } else { line }).collect()
}

/// Whether what cannot be read is the beginning of one line, and the last one.
fn is_cut(rest: &str) -> bool {
    let rest = rest.trim_end();
    rest.starts_with('{') && !rest.contains('\n')
}

/// Takes in one object.
fn take(parts: &mut Vec<Part>, file: &Path, value: &Value) -> Result<(), String> {
    let kind = value.get("type").and_then(Value::as_str);
    let begins = kind == Some("version") || kind.is_none() && value.get("changes").is_some();
    if begins {
        let mut part = begun(file, value)?;
        if kind.is_none() {
            (part.is_plan, part.is_whole) = (true, true);
            part.whole(value)?;
        }
        parts.push(part);
        return Ok(());
    }
    match (kind, parts.last_mut().filter(|part| !part.is_whole)) {
        (Some(kind), Some(part)) => part.take(kind, value),
        (Some(_), None) => {
            Err("a line of a stream whose first line, of the type `version`, is not before it".to_owned())
        }
        (None, _) => Err("not a document that regcred prints".to_owned()),
    }
}

/// The part that a plan or a first line begins.
fn begun(file: &Path, value: &Value) -> Result<Part, String> {
    if value.get("format").and_then(Value::as_u64) != Some(FORMAT.into()) {
        return Err(format!("of another format than {FORMAT}, which this version of regcred reads"));
    }
    let text = |field: &str| value.get(field).and_then(Value::as_str);
    let shard = text("shard").map(str::parse::<Shard>).transpose()?;
    let command = text("command").map(redact::outside);
    Ok(Part::begun(file, shard, command))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{ExitStatus, Outcome};

    const VERSION: &str = r#"{"command":"sync","format":1,"shard":"2/4","tool":"0.1.0","type":"version"}"#;
    const ROW: &str = r#"{"type":"planned_change","address":"github:acme/api/actions/A","action":"create","reason":"absent","new":1}"#;
    const NEXT: &str = r#"{"type":"planned_change","address":"github:acme/api/variables/B","action":"create","reason":"absent","after":["github:acme/api/actions/A"]}"#;
    const START: &str = r#"{"type":"apply_start","address":"github:acme/api/actions/A"}"#;
    const DONE: &str = r#"{"type":"apply_complete","address":"github:acme/api/actions/A"}"#;
    const END: &str = r#"{"type":"summary","exit":0,"notes":["a note"]}"#;

    fn parts(lines: &[&str]) -> Result<Vec<Part>, String> {
        read(Path::new("x.jsonl"), &(lines.join("\n") + "\n")).map_err(|problem| problem.to_string())
    }

    #[test]
    fn streams_one_after_the_other_are_runs_of_their_own_and_what_a_later_version_adds_is_left_alone() {
        let later = r#"{"type":"moved","address":"x"}"#;
        let read = parts(&[VERSION, ROW, later, START, DONE, END, "", VERSION, END]).expect("two runs");
        assert_eq!(
            read.iter().map(|part| (part.is_whole, part.rows.len())).collect::<Vec<_>>(),
            [(true, 1), (true, 0)]
        );
        assert_eq!(read[0].words(), "shard 2 of 4");
        assert_eq!(read[0].notes, ["a note"]);
        assert_eq!((read[0].status(), read[0].lines.len()), (ExitStatus::Done, 3));
    }

    #[test]
    fn what_is_said_to_people_in_the_same_log_is_left_out() {
        let log = ["note: so it is", VERSION, ROW, "error: no", "  hint: regcred plan", END];
        assert_eq!(parts(&log).expect("a run")[0].rows.len(), 1);
        assert_eq!(parts(&[VERSION, "error: no", "x"]).expect_err("x").find("x.jsonl:3:"), Some(0));
    }

    #[test]
    fn a_stream_without_its_last_line_was_cut_off_and_what_was_being_written_may_be_done() {
        for end in ["", r#"{"type":"apply_com"#] {
            let read = parts(&[VERSION, ROW, NEXT, START, end]).expect("a run");
            let part = &read[0];
            assert_eq!((part.is_whole, part.status()), (false, ExitStatus::Failed));
            let outcomes: Vec<Outcome> = part.report().outcomes.into_values().collect();
            let [Outcome::Failed(problem), Outcome::NotStarted(None)] = outcomes.as_slice() else {
                panic!("{outcomes:?}")
            };
            assert!(problem.message.contains("may be done or not"), "{problem}");
            assert_eq!(problem.hints, ["regcred sync --shard 2/4"]);
        }
        let empty = parts(&["", ""]).expect("a run that wrote nothing");
        assert_eq!((empty[0].is_whole, empty[0].words().as_str()), (false, "x.jsonl"));
    }

    #[test]
    fn what_regcred_does_not_print_is_refused_with_its_line() {
        for (lines, words) in [
            (vec!["error: no"], "x.jsonl:1: not a line of JSON that regcred prints"),
            (vec![VERSION, ROW, "what: no"], "x.jsonl:3: not a line of JSON that regcred prints"),
            (vec![r#"{"type":"#], "x.jsonl:1: not a line of JSON that regcred prints"),
            (vec!["", "[]"], "x.jsonl:2: not a document that regcred prints"),
            (
                vec![ROW],
                "x.jsonl:1: a line of a stream whose first line, of the type `version`, is not before it",
            ),
            (
                vec![VERSION, END, ROW],
                "x.jsonl:3: a line of a stream whose first line, of the type `version`, is not before it",
            ),
            (
                vec![r#"{"format":2,"changes":[]}"#],
                "x.jsonl:1: of another format than 1, which this version of regcred reads",
            ),
            (vec![r#"{"format":1,"shard":"5/4","changes":[]}"#], "x.jsonl:1: the last of 4 is 4/4"),
            (
                vec![VERSION, r#"{"type":"planned_change","address":"x"}"#],
                "x.jsonl:2: missing field `action`",
            ),
        ] {
            assert_eq!(parts(&lines).expect_err("is refused"), words);
        }
        let told = parts(&[VERSION, r#"{"type":"apply_start","address":"s3:x"}"#]).expect_err("is refused");
        assert!(told.starts_with("x.jsonl:2: `s3:x` is not an address"), "{told}");
    }
}
