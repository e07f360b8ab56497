//! A reader of `regcred.yaml` that collects every problem instead of stopping at the first.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::{At, Document, Entry, Kind, Node};
use crate::model::{Place, Problem, nearest};
use crate::redact;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub at: At,
}

/// How a file is opened that another one names.
type Open = Box<dyn Fn(&Path) -> Result<Zeroizing<String>, Problem>>;

/// Reads one file, collecting problems.
pub struct Reader {
    file: PathBuf,
    open: Open,
    problems: RefCell<Vec<Problem>>,
}

/// The entries of a map whose keys are known.
pub struct Fields<'r> {
    reader: &'r Reader,
    /// Where the map stands.
    pub at: At,
    entries: Arc<[Entry]>,
}

impl Reader {
    /// A reader of `file`, whose problems have its name. `open` gives the text of another one that it names.
    #[must_use]
    pub fn new(file: &Path, open: impl Fn(&Path) -> Result<Zeroizing<String>, Problem> + 'static) -> Self {
        Self { file: file.to_owned(), open: Box::new(open), problems: RefCell::default() }
    }

    /// Every problem found, in the file's order.
    #[must_use]
    pub fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| {
            problem.place.as_ref().map(|place| (place.file != self.file, place.line, place.column))
        });
        problems
    }

    /// How many problems were found so far.
    #[must_use]
    pub fn found(&self) -> usize {
        self.problems.borrow().len()
    }

    /// Keeps a problem.
    pub fn problem(&self, at: At, message: impl Into<String>, hint: Option<String>) {
        self.problem_at(self.place(at), message, hint);
    }

    /// Keeps a problem of this file, or of one that it names.
    pub fn problem_at(&self, place: Place, message: impl Into<String>, hint: Option<String>) {
        self.problems.borrow_mut().push(Problem::input(message).at(place).hints(hint));
    }

    /// A spot of the file.
    #[must_use]
    pub fn place(&self, at: At) -> Place {
        at.in_file(&self.file)
    }

    /// A file that this one names, by its path from this one's folder: what it is called, and its text. That it cannot be
    /// opened is a problem.
    pub fn beside(&self, named: &Spanned<String>) -> Option<(PathBuf, Zeroizing<String>)> {
        let path = self.file.parent().unwrap_or(Path::new("")).join(&named.value);
        let opened = (self.open)(&path);
        let told = |problem: Problem| {
            let message = format!("{}: {}", redact::line(&named.value), problem.message);
            self.problems.borrow_mut().push(Problem {
                message,
                place: Some(self.place(named.at)),
                ..problem
            });
        };
        opened.map_err(told).ok().map(|text| (path, text))
    }

    /// Parses the text; what is wrong with its form is the only problem then. Scalars are texts, whatever they look like: an
    /// account of twelve digits is not a number.
    pub fn document(&self, text: &str) -> Option<Node> {
        redact::teach_tokens(text);
        let documents: Result<Vec<_>, _> = super::documents(text).collect();
        match documents {
            Err(error) => self.problem(error.at, error.to_string(), None),
            Ok(documents) => match documents.as_slice() {
                [] => {}
                [only] if only.flaws.is_empty() => return Some(only.root.clone()),
                [only] => self.flaws(only),
                [_, second, ..] => {
                    let hint = "put all credentials into one document, without a line `---` between them";
                    self.problem(second.at, "a second YAML document begins here", Some(hint.to_owned()));
                }
            },
        }
        None
    }

    fn flaws(&self, document: &Document) {
        for flaw in &document.flaws {
            self.problem(flaw.at(), flaw.to_string(), Some(flaw.hint().to_owned()));
        }
    }

    /// The node's entries; unknown keys are problems, with the nearest right one.
    pub fn map(&self, node: &Node, what: &str, keys: &[&str]) -> Option<Fields<'_>> {
        self.map_but(node, what, keys, &[])
    }

    /// The same, but for keys of which whoever asks has said what is wrong with them.
    pub fn map_but(&self, node: &Node, what: &str, keys: &[&str], told: &[&str]) -> Option<Fields<'_>> {
        let takes = || format!("{what} takes: {}", keys.join(", "));
        let fields = self.entries(node, what, || Some(format!("{}; without them: {{}}", takes())))?;
        for Entry { key, at, .. } in &*fields.entries {
            if !keys.contains(&&**key) && !told.contains(&&**key) {
                let hint = match nearest(key, keys) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => takes(),
                };
                self.problem(*at, format!("unknown key `{key}` in {what}"), Some(hint));
            }
        }
        Some(fields)
    }

    /// The node's entries, whatever their keys.
    pub fn open_map(&self, node: &Node, what: &str) -> Option<Fields<'_>> {
        self.entries(node, what, || {
            Some("a map is written { NAME: VALUE }, or with a line for each".to_owned())
        })
    }

    fn entries(&self, node: &Node, what: &str, hint: impl Fn() -> Option<String>) -> Option<Fields<'_>> {
        let Kind::Map(entries) = &node.kind else {
            self.problem(node.at, format!("{what} is {}, not a map", name(node)), hint());
            return None;
        };
        let fields = Fields { reader: self, at: node.at, entries: Arc::clone(entries) };
        for (key, _) in fields.entries().filter(|(key, _)| key.value.contains(redact::is_hidden)) {
            self.hidden(key.at, &format!("a key of {what}"), &key.value);
        }
        Some(fields)
    }

    /// The text of a value called `what`; one that is empty or none is a problem.
    pub fn text(&self, node: &Node, what: &str) -> Option<Spanned<String>> {
        let wrong = match (&node.kind, node.text()) {
            // A command may have several lines.
            (_, Some(text)) if text.contains(redact::is_hidden) && !what.contains("`command`") => {
                self.hidden(node.at, what, text);
                // Nothing comes of it, but that it lacks is not said as well.
                return Some(Spanned { value: text.replace(redact::is_hidden, ""), at: node.at });
            }
            (_, Some(text)) if !text.is_empty() => {
                return Some(Spanned { value: text.to_owned(), at: node.at });
            }
            (Kind::Scalar(_), _) => format!("{what} is empty"),
            (Kind::List(_) | Kind::Map(_), _) => format!("{what} is {}, not text", name(node)),
        };
        self.problem(node.at, wrong, None);
        None
    }

    /// Refuses a name that is not seen as what it is.
    fn hidden(&self, at: At, what: &str, text: &str) {
        let message = format!("{what} has an invisible character: `{}`", redact::line(text));
        self.problem(at, message, Some("write it again without the character".to_owned()));
    }

    /// The items of a value called `what`; one that is not a list is a problem.
    pub fn list<'n>(&self, node: &'n Node, what: &str) -> &'n [Node] {
        node.items().unwrap_or_else(|| {
            let hint = "a list is written [ONE, OTHER]".to_owned();
            self.problem(node.at, format!("{what} is {}, not a list", name(node)), Some(hint));
            &[]
        })
    }
}

impl Fields<'_> {
    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|entry| &*entry.key == key).map(|entry| &entry.value)
    }

    /// The text of a key.
    pub fn text(&self, key: &str) -> Option<Spanned<String>> {
        self.get(key).and_then(|node| self.reader.text(node, &format!("`{key}`")))
    }

    /// The texts of a key's list.
    pub fn texts(&self, key: &str) -> Option<Vec<Spanned<String>>> {
        let what = format!("`{key}`");
        let items = self.reader.list(self.get(key)?, &what);
        Some(items.iter().filter_map(|item| self.reader.text(item, &format!("an item of {what}"))).collect())
    }

    /// A key's `true` or `false`.
    pub fn flag(&self, key: &str) -> Option<bool> {
        let text = self.text(key)?;
        match text.value.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            other => {
                self.reader.problem(text.at, format!("`{key}` is `{other}`, not true or false"), None);
                None
            }
        }
    }

    /// All keys and values.
    pub fn entries(&self) -> impl Iterator<Item = (Spanned<String>, &Node)> {
        let name = |entry: &Entry| Spanned { value: entry.key.to_string(), at: entry.at };
        self.entries.iter().map(move |entry| (name(entry), &entry.value))
    }
}

/// What a value is, to people.
fn name(node: &Node) -> &'static str {
    match &node.kind {
        Kind::Scalar(scalar) if scalar.is_null() => "nothing",
        Kind::Scalar(_) => "text",
        Kind::List(_) => "a list",
        Kind::Map(_) => "a map",
    }
}
