//! The values that a job's matrix gives a text: `${{ matrix.image }}:${{ matrix.tag }}`, as the runner combines them.

use super::finds::At;
use super::yaml::Value;

/// The most jobs that a matrix makes (docs.github.com, "a matrix will generate a maximum of 256 jobs").
const MAX_JOBS: usize = 256;

/// A value of a matrix.
#[derive(Clone)]
struct Cell {
    /// Where it stands; of `fromJSON('…')`, where that stands.
    at: At,
    form: Form,
}

#[derive(Clone, PartialEq)]
enum Form {
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
type Job = Vec<(String, Cell)>;

/// The text with the values of each of the matrix's jobs, each where it stands in the matrix, or where the text stands if it
/// has several; none if the file does not say them.
pub(super) fn values(text: &str, at: At, job: Value<'_>) -> Vec<(At, String)> {
    let Some(matrix) = job.get("strategy").and_then(|strategy| strategy.get("matrix")).and_then(Cell::of)
    else {
        return Vec::new();
    };
    let mut found: Vec<(At, String)> = Vec::new();
    for job in jobs(&matrix) {
        let value = filled(text, at, &job).filter(|(_, image)| !image.is_empty());
        found.extend(value.filter(|value| !found.contains(value)));
    }
    found
}

/// The text of one job, in which what only the runner knows stays; nothing if the job lacks a variable.
fn filled(text: &str, at: At, job: &Job) -> Option<(At, String)> {
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
fn cell<'a>(expression: &str, job: &'a Job) -> Option<&'a Cell> {
    let mut keys = expression.strip_prefix("matrix.")?.split('.');
    let first = keys.next()?;
    let (_, value) = job.iter().find(|(name, _)| name == first)?;
    keys.try_fold(value, |value, key| value.get(key))
}

fn is_path(expression: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    expression.starts_with("matrix.") && expression.chars().all(good)
}

/// The jobs of a matrix: each combination but those excluded, and what `include` adds to them or beside them.
fn jobs(matrix: &Cell) -> Vec<Job> {
    let Form::Map(entries) = &matrix.form else { return Vec::new() };
    let mut jobs: Vec<Job> = vec![Vec::new()];
    for (name, values) in entries.iter().filter(|(name, _)| name != "include" && name != "exclude") {
        // What is known only when the workflow runs has one value here, which stays an expression.
        let values =
            if let Form::List(values) = &values.form { values } else { std::slice::from_ref(values) };
        let with = |job: &Job, value: &Cell| {
            let own = std::iter::once((name.clone(), value.clone()));
            job.iter().cloned().chain(own).collect()
        };
        jobs = jobs
            .iter()
            .flat_map(|job| values.iter().map(move |value| with(job, value)))
            .take(MAX_JOBS)
            .collect();
    }
    let excluded = matrix.list("exclude");
    jobs.retain(|job| !excluded.iter().any(|exclude| exclude.iter().all(|pair| job.contains(pair))));
    if jobs == [Vec::new()] {
        jobs.clear();
    }
    include(jobs, &matrix.list("include"))
}

/// An entry goes to every job of whose own values it changes none; to none of them, it is a job itself.
fn include(original: Vec<Job>, entries: &[Job]) -> Vec<Job> {
    let mut jobs = original.clone();
    let mut more = Vec::new();
    for entry in entries.iter().take(MAX_JOBS) {
        let fits = |own: &Job| {
            entry.iter().all(|(name, value)| own.iter().all(|(other, old)| other != name || old == value))
        };
        let mut is_added = false;
        for (job, _) in jobs.iter_mut().zip(&original).filter(|(_, own)| fits(own)) {
            job.retain(|(name, _)| entry.iter().all(|(other, _)| other != name));
            job.extend(entry.iter().cloned());
            is_added = true;
        }
        if !is_added {
            more.push(entry.clone());
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
    fn list(&self, key: &str) -> Vec<Job> {
        let Some(Self { form: Form::List(items), .. }) = self.get(key) else { return Vec::new() };
        let maps =
            items.iter().filter_map(|item| if let Form::Map(map) = &item.form { Some(map) } else { None });
        maps.cloned().collect()
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
