//! A YAML document as a tree that knows where everything stands, and a reader that collects every
//! problem instead of stopping at the first.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use saphyr::{MarkedYaml, YamlData, YamlLoader};
use saphyr_parser::{Parser, ScalarStyle};

use crate::model::{Place, Problem, nearest};

/// Line and column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    line: usize,
    column: usize,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Spanned<T> {
    pub value: T,
    pub at: At,
}

/// A node of the document. Scalars stay text: an account of twelve digits is no number.
#[derive(Clone, Debug)]
pub struct Node {
    pub at: At,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Null,
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Spanned<String>, Node)>),
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

/// Reads one file, collecting problems.
pub struct Reader {
    file: PathBuf,
    problems: RefCell<Vec<Problem>>,
}

/// The entries of a map whose keys are known.
pub struct Fields<'r> {
    reader: &'r Reader,
    pub at: At,
    entries: Vec<(Spanned<String>, Node)>,
}

impl Reader {
    pub fn new(file: &Path) -> Self {
        Self { file: file.to_owned(), problems: RefCell::default() }
    }

    /// Every problem found, in the file's order.
    pub fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.place.as_ref().map(|place| (place.line, place.column)));
        problems
    }

    pub fn problem(&self, at: At, message: impl Into<String>, hint: Option<String>) {
        let place = Place { file: self.file.clone(), line: Some(at.line), column: Some(at.column) };
        self.problems.borrow_mut().push(Problem::input(message).at(place).hints(hint));
    }

    /// Parses the text; a syntax error is the only problem then.
    pub fn document(&self, text: &str) -> Option<Node> {
        let mut loader = YamlLoader::<MarkedYaml>::default();
        loader.early_parse(false);
        let scanned = Parser::new_from_str(text).load(&mut loader, true);
        let fault = scanned.err().or_else(|| loader.error().cloned());
        if let Some(error) = fault {
            let at = At { line: error.marker().line(), column: error.marker().col() + 1 };
            self.problem(at, format!("is not valid YAML: {}", error.info()), None);
            return None;
        }
        loader.into_documents().first().map(node)
    }

    /// The node's entries; unknown keys are problems, with the nearest right one.
    pub fn map(&self, node: &Node, what: &str, keys: &[&str]) -> Option<Fields<'_>> {
        let fields = self.open_map(node, what)?;
        for (key, _) in &fields.entries {
            if !keys.contains(&key.value.as_str()) {
                let hint = match nearest(&key.value, keys) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("{what} takes: {}", keys.join(", ")),
                };
                self.problem(key.at, format!("unknown key `{}` in {what}", key.value), Some(hint));
            }
        }
        Some(fields)
    }

    /// The node's entries, whatever their keys.
    pub fn open_map(&self, node: &Node, what: &str) -> Option<Fields<'_>> {
        match &node.kind {
            Kind::Map(entries) => Some(Fields { reader: self, at: node.at, entries: entries.clone() }),
            other => {
                self.problem(node.at, format!("{what} is {}, not a map", other.name()), None);
                None
            }
        }
    }

    pub fn text(&self, node: &Node, what: &str) -> Option<Spanned<String>> {
        match &node.kind {
            Kind::Text(text) if !text.is_empty() => Some(Spanned { value: text.clone(), at: node.at }),
            Kind::Text(_) | Kind::Null => {
                self.problem(node.at, format!("{what} is empty"), None);
                None
            }
            other => {
                self.problem(node.at, format!("{what} is {}, not text", other.name()), None);
                None
            }
        }
    }

    pub fn list<'n>(&self, node: &'n Node, what: &str) -> &'n [Node] {
        match &node.kind {
            Kind::List(items) => items,
            other => {
                self.problem(node.at, format!("{what} is {}, not a list", other.name()), None);
                &[]
            }
        }
    }
}

impl Fields<'_> {
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|(name, _)| name.value == key).map(|(_, node)| node)
    }

    pub fn text(&self, key: &str) -> Option<Spanned<String>> {
        self.get(key).and_then(|node| self.reader.text(node, &format!("`{key}`")))
    }

    pub fn texts(&self, key: &str) -> Option<Vec<Spanned<String>>> {
        let what = format!("`{key}`");
        let items = self.reader.list(self.get(key)?, &what);
        Some(items.iter().filter_map(|item| self.reader.text(item, &format!("an item of {what}"))).collect())
    }

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

    pub fn entries(&self) -> &[(Spanned<String>, Node)] {
        &self.entries
    }
}

fn node<'y>(yaml: &MarkedYaml<'y>) -> Node {
    let start = yaml.span.start;
    Node { at: At { line: start.line(), column: start.col() + 1 }, kind: kind(&yaml.data) }
}

fn kind<'y>(data: &YamlData<'y, MarkedYaml<'y>>) -> Kind {
    match data {
        YamlData::Representation(text, ScalarStyle::Plain, _)
            if matches!(text.as_ref(), "" | "~" | "null") =>
        {
            Kind::Null
        }
        YamlData::Representation(text, ..) => Kind::Text(text.clone().into_owned()),
        YamlData::Sequence(items) => Kind::List(items.iter().map(node).collect()),
        YamlData::Mapping(entries) => Kind::Map(entries.iter().filter_map(entry).collect()),
        YamlData::Tagged(_, inner) => kind(&inner.data),
        YamlData::Value(_) | YamlData::Alias(_) | YamlData::BadValue => Kind::Null,
    }
}

fn entry((key, value): (&MarkedYaml<'_>, &MarkedYaml<'_>)) -> Option<(Spanned<String>, Node)> {
    let key = node(key);
    match key.kind {
        Kind::Text(text) => Some((Spanned { value: text, at: key.at }, node(value))),
        Kind::Null | Kind::List(_) | Kind::Map(_) => None,
    }
}
