//! The values that a job's matrix gives a text: `${{ matrix.image }}:${{ matrix.tag }}`, as the runner combines them.

use std::collections::{BTreeMap, BTreeSet};

use super::finds::At;
use super::yaml::Value;

/// The most jobs that a matrix makes (docs.github.com, "a matrix will generate a maximum of 256 jobs").
const MAX_JOBS: usize = 256;

/// A value of a matrix.
#[derive(Clone)]
pub(super) struct Cell {
    /// Where it stands; of `fromJSON('…')`, where that stands.
    at: At,
    form: Form,
}

#[derive(Clone, PartialEq)]
pub(super) enum Form {
    Text(String),
    List(Vec<Cell>),
    Map(Vec<(String, Cell)>),
}

/// Where a value stands does not matter to what it is.
impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        self.form == other.form
    }
}

/// A job of a matrix: the variables that it has.
pub(super) type Job<'a> = BTreeMap<&'a str, &'a Cell>;

/// A job's matrix, as the file says it.
pub(super) struct Matrix(Option<Cell>);

impl Matrix {
    /// The matrix of a workflow's job.
    pub(super) fn of(job: Value<'_>) -> Self {
        Self(job.get("strategy").and_then(|strategy| strategy.get("matrix")).and_then(Cell::of))
    }

    /// The jobs that it makes; none if the file does not say them.
    pub(super) fn jobs(&self) -> Vec<Job<'_>> {
        self.0.as_ref().map(jobs).unwrap_or_default()
    }
}

/// The text with the values of each of the matrix's jobs, each where it stands in the matrix, or where the text stands if it
/// has several.
pub(super) fn values(text: &str, at: At, jobs: &[Job<'_>]) -> BTreeSet<(At, String)> {
    let values = jobs.iter().filter_map(|job| filled(text, at, job));
    values.filter(|(_, image)| !image.is_empty()).collect()
}

/// The text of one job, in which what only the runner knows stays; nothing if the job lacks a variable.
fn filled(text: &str, at: At, job: &Job<'_>) -> Option<(At, String)> {
    let (mut out, mut rest, mut places) = (String::new(), text, Vec::new());
    while let Some((before, behind)) = rest.split_once("${{") {
        let (expression, after) = behind.split_once("}}")?;
        out += before;
        let cell = if is_path(expression.trim()) { Some(cell(expression.trim(), job)?) } else { None };
        places.push(cell.map(|cell| cell.at));
        match cell.map(|cell| &cell.form) {
            Some(Form::Text(value)) if !value.contains("${{") => out += value,
            _ => out += &format!("${{{{{expression}}}}}"),
        }
        rest = after;
    }
    let at = if let [Some(place)] = places[..] { place } else { at };
    Some((at, out + rest))
}

/// The value of `matrix.a.b`.
fn cell<'a>(expression: &str, job: &Job<'a>) -> Option<&'a Cell> {
    let mut keys = expression.strip_prefix("matrix.")?.split('.');
    let value = *job.get(keys.next()?)?;
    keys.try_fold(value, |value, key| value.get(key))
}

fn is_path(expression: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    expression.starts_with("matrix.") && expression.chars().all(good)
}

/// The jobs of a matrix: each combination but those excluded, and what `include` adds to them or beside them.
fn jobs(matrix: &Cell) -> Vec<Job<'_>> {
    let Form::Map(entries) = &matrix.form else { return Vec::new() };
    let own = entries.iter().filter(|(name, _)| name != "include" && name != "exclude");
    let mut jobs: Vec<Job<'_>> = vec![Job::new()];
    for (name, values) in own.take(MAX_JOBS) {
        // What is known only when the workflow runs has one value here, which stays an expression.
        let values =
            if let Form::List(values) = &values.form { values } else { std::slice::from_ref(values) };
        jobs = jobs.iter().flat_map(|job| with_each(job, name, values)).take(MAX_JOBS).collect();
    }
    let excluded = matrix.list("exclude");
    let has = |job: &Job<'_>, all: &Job<'_>| all.iter().all(|(name, value)| job.get(name) == Some(value));
    jobs.retain(|job| !job.is_empty() && !excluded.iter().any(|exclude| has(job, exclude)));
    include(jobs, matrix.list("include"))
}

fn with_each<'a>(job: &Job<'a>, name: &'a str, values: &'a [Cell]) -> Vec<Job<'a>> {
    let with = |value| {
        let mut job = job.clone();
        job.insert(name, value);
        job
    };
    values.iter().take(MAX_JOBS).map(with).collect()
}

/// An entry goes to every job of whose own values it changes none; to none of them, it is a job itself.
fn include<'a>(original: Vec<Job<'a>>, entries: Vec<Job<'a>>) -> Vec<Job<'a>> {
    let mut jobs = original.clone();
    let mut more = Vec::new();
    for entry in entries {
        let fits =
            |own: &Job<'_>| entry.iter().all(|(name, value)| own.get(name).is_none_or(|old| old == value));
        let mut is_added = false;
        for (job, _) in jobs.iter_mut().zip(&original).filter(|(_, own)| fits(own)) {
            job.extend(&entry);
            is_added = true;
        }
        if !is_added {
            more.push(entry);
        }
    }
    jobs.extend(more);
    jobs
}

impl Cell {
    fn of(value: Value<'_>) -> Option<Self> {
        let at = value.at();
        let form = if let Some(text) = value.text() {
            return Some(
                from_json(text, at).unwrap_or_else(|| Self { at, form: Form::Text(text.to_owned()) }),
            );
        } else if value.is_sequence() {
            Form::List(value.items().filter_map(Self::of).collect())
        } else {
            Form::Map(
                value
                    .entries()
                    .filter_map(|(name, value)| Some((name.to_owned(), Self::of(value)?)))
                    .collect(),
            )
        };
        Some(Self { at, form })
    }

    fn of_json(value: serde_json::Value, at: At) -> Self {
        use serde_json::Value as Json;
        let form = match value {
            Json::String(text) => Form::Text(text),
            Json::Array(items) => Form::List(items.into_iter().map(|item| Self::of_json(item, at)).collect()),
            Json::Object(fields) => {
                Form::Map(fields.into_iter().map(|(name, field)| (name, Self::of_json(field, at))).collect())
            }
            other => Form::Text(other.to_string()),
        };
        Self { at, form }
    }

    fn get(&self, key: &str) -> Option<&Self> {
        let Form::Map(entries) = &self.form else { return None };
        entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The mappings of a key's list.
    fn list(&self, key: &str) -> Vec<Job<'_>> {
        let Some(Self { form: Form::List(items), .. }) = self.get(key) else { return Vec::new() };
        items.iter().take(MAX_JOBS).filter_map(Self::as_job).collect()
    }

    fn as_job(&self) -> Option<Job<'_>> {
        let Form::Map(entries) = &self.form else { return None };
        Some(entries.iter().take(MAX_JOBS).map(|(name, cell)| (name.as_str(), cell)).collect())
    }
}

/// The value of `${{ fromJSON('…') }}`, whose quotes are doubled in it.
fn from_json(text: &str, at: At) -> Option<Cell> {
    let expression = text.trim().strip_prefix("${{")?.strip_suffix("}}")?.trim();
    let (name, argument) = expression.split_once('(')?;
    let argument = argument.trim_end().strip_suffix(')')?.trim();
    let json = argument.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'");
    let value = serde_json::from_str(&json).ok().filter(|_| name.trim().eq_ignore_ascii_case("fromjson"))?;
    Some(Cell::of_json(value, at))
}
