//! YAML text to a [`Node`], by the parser's events: the place of every value is kept, duplicate keys are
//! refused as Go's library does, and neither deep nesting nor aliases of aliases can exhaust the memory.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::node::{At, Entry, Kind, Node};
use super::scalar::Scalar;

/// Deeper nesting than any configuration has; the tree is walked and dropped recursively.
const MAX_DEPTH: usize = 100;
/// Values in one file, aliases counted as what they stand for.
const MAX_NODES: usize = 100_000;

/// Why a text is not a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TextError {
    Syntax { at: At, what: String },
    Duplicate { at: At, key: String, first: usize },
}

impl TextError {
    fn new(at: At, what: &str) -> Self {
        Self::Syntax { at, what: what.to_owned() }
    }
}

impl From<ScanError> for TextError {
    fn from(error: ScanError) -> Self {
        let at = At { line: error.marker().line(), column: error.marker().col().saturating_add(1) };
        Self::new(at, error.info())
    }
}

/// The first document of `text`; `None` if the text is empty. Later documents are not read, as in Go.
pub(super) fn parse(text: &str) -> Result<Option<Node>, TextError> {
    let mut tree = Tree::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event?;
        if matches!(event, Event::DocumentEnd | Event::StreamEnd) {
            break;
        }
        tree.take(event, at(span))?;
    }
    Ok(tree.root)
}

fn at(span: Span) -> At {
    At { line: span.start.line(), column: span.start.col().saturating_add(1) }
}

/// A list or a map whose end has not come yet.
struct Open {
    at: At,
    anchor: usize,
    body: Body,
}

enum Body {
    List(Vec<Node>),
    Map(Vec<(Key, Node)>, Option<Key>),
}

struct Key {
    text: String,
    at: At,
    /// An unquoted `<<`: the map that follows is merged into this one.
    merge: bool,
}

#[derive(Default)]
struct Tree {
    root: Option<Node>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

impl Tree {
    fn take(&mut self, event: Event<'_>, at: At) -> Result<(), TextError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag.as_deref(), at),
            Event::SequenceStart(anchor, _) => self.start(at, anchor, Body::List(Vec::new())),
            Event::MappingStart(anchor, _) => self.start(at, anchor, Body::Map(Vec::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        at: At,
    ) -> Result<(), TextError> {
        let quoted = style != ScalarStyle::Plain;
        // A lone `!` says nothing about the type.
        let tag = tag.filter(|tag| !(tag.handle.is_empty() && tag.suffix == "!"));
        let tag = tag.map(|tag| match tag.is_yaml_core_schema() {
            true => tag.suffix.as_str(),
            false => "!",
        });
        let value = Scalar::resolve(text, quoted, tag)
            .map_err(|_| TextError::new(at, "the value is not of the type that its tag says"))?;
        let merge = text == "<<" && !quoted && tag.is_none();
        let kind = Kind::Scalar(value);
        self.put(Node { at, kind }, anchor, merge)
    }

    fn start(&mut self, at: At, anchor: usize, body: Body) -> Result<(), TextError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(TextError::new(at, "the values are nested too deeply"));
        }
        self.open.push(Open { at, anchor, body });
        Ok(())
    }

    fn end(&mut self) -> Result<(), TextError> {
        let Some(Open { at, anchor, body }) = self.open.pop() else {
            return Ok(());
        };
        let kind = match body {
            Body::List(items) => Kind::List(items),
            Body::Map(pairs, _) => Kind::Map(close(pairs)?),
        };
        self.put(Node { at, kind }, anchor, false)
    }

    fn alias(&mut self, anchor: usize, at: At) -> Result<(), TextError> {
        // The parser refuses unknown names; what it knows and is not here has not ended yet.
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            return Err(TextError::new(at, "the alias stands inside of what it is an alias for"));
        };
        self.put(node, 0, false)
    }

    /// Puts a finished value where it belongs: into the open list or map, or at the root.
    fn put(&mut self, node: Node, anchor: usize, merge: bool) -> Result<(), TextError> {
        self.nodes = self.nodes.saturating_add(node.size());
        if self.nodes > MAX_NODES {
            return Err(TextError::new(node.at, "the file has too many values"));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.body) {
            None => self.root = Some(node),
            Some(Body::List(items)) => items.push(node),
            Some(Body::Map(pairs, key)) => match key.take() {
                Some(key) => pairs.push((key, node)),
                None => *key = Some(key_of(&node, merge)?),
            },
        }
        Ok(())
    }
}

fn key_of(node: &Node, merge: bool) -> Result<Key, TextError> {
    let Some(scalar) = node.scalar() else {
        return Err(TextError::new(node.at, "a list or a map cannot be a key"));
    };
    let text = match scalar {
        Scalar::Null => "<nil>".to_owned(), // as Go prints it
        scalar => scalar.text(),
    };
    Ok(Key { text, at: node.at, merge })
}

/// The entries of a map: its own first, then those of its merge keys that it does not have itself.
fn close(pairs: Vec<(Key, Node)>) -> Result<Vec<Entry>, TextError> {
    let (merges, own): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(key, _)| key.merge);
    let mut lines = BTreeMap::new();
    let mut entries = Vec::with_capacity(own.len());
    for (Key { text: key, at, .. }, value) in own {
        if let Some(first) = lines.insert(key.clone(), at.line) {
            return Err(TextError::Duplicate { at, key, first });
        }
        entries.push(Entry { key, at, value });
    }
    for (key, value) in merges {
        let merged = merged_entries(value, key.at)?;
        entries.extend(merged.into_iter().filter(|entry| {
            let new = !lines.contains_key(&entry.key);
            lines.entry(entry.key.clone()).or_insert(entry.at.line);
            new
        }));
    }
    Ok(entries)
}

/// What `<<` stands for: one map, or a list of maps of which the first wins.
fn merged_entries(value: Node, at: At) -> Result<Vec<Entry>, TextError> {
    let maps = match value.kind {
        Kind::Map(entries) => return Ok(entries),
        Kind::List(items) => items,
        Kind::Scalar(_) => Vec::new(),
    };
    let mut entries = Vec::new();
    for map in &maps {
        let Some(more) = map.entries() else { break };
        entries.extend_from_slice(more);
    }
    if entries.is_empty() {
        return Err(TextError::new(at, "`<<` needs a map, or a list of maps"));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document(text: &str) -> Node {
        let parsed = parse(text).unwrap_or_else(|error| panic!("{error:?} in {text:?}"));
        parsed.expect("the text is not empty")
    }

    fn refusal(text: &str) -> (usize, usize, String) {
        match parse(text).err().expect("the text is refused") {
            TextError::Syntax { at, what } => (at.line, at.column, what),
            TextError::Duplicate { at, key, first } => (at.line, at.column, format!("{key} {first}")),
        }
    }

    fn text_at(node: &Node, path: &[&str]) -> Option<String> {
        let leaf = path.iter().try_fold(node, |node, key| Some(&node.get(key)?.value))?;
        Some(leaf.scalar()?.text())
    }

    #[test]
    fn every_key_and_value_has_its_place() {
        let node = document("a: 1\nb:\n  é: {c: x}\n");
        let b = node.get("b").expect("b");
        let inner = b.value.get("é").and_then(|entry| entry.value.get("c")).expect("c");
        assert_eq!(b.at, At { line: 2, column: 1 });
        assert_eq!(inner.at, At { line: 3, column: 7 });
        assert_eq!(inner.value.at, At { line: 3, column: 10 });
    }

    #[test]
    fn an_empty_text_is_no_document_and_only_the_first_document_counts() {
        for empty in ["", "\n\n", "# a comment\n"] {
            assert!(parse(empty).is_ok_and(|node| node.is_none()), "{empty:?}");
        }
        let node = document("a: 1\n---\n{broken");
        assert_eq!(text_at(&node, &["a"]).as_deref(), Some("1"));
    }

    #[test]
    fn a_syntax_error_is_told_with_its_line_and_column() {
        let (line, column, what) = refusal("config:\n  a: b: c\n");
        assert_eq!((line, column), (2, 7), "{what}");
        let (line, _, what) = refusal("a: \"x\nb: y\n");
        assert_eq!(line, 1, "{what}");
        assert_eq!(refusal("a: *nothing\n").0, 1);
        assert_eq!(refusal("a: !!int x\n").2, "the value is not of the type that its tag says");
        assert_eq!(refusal("? [a]\n: b\n").2, "a list or a map cannot be a key");
    }

    #[test]
    fn a_key_that_is_there_twice_is_refused_with_both_lines() {
        assert_eq!(refusal("a: 1\nb: 2\na: 3\n"), (3, 1, "a 1".to_owned()));
        assert_eq!(refusal("x:\n  0777: 1\n  511: 2\n"), (3, 3, "511 2".to_owned()));
    }

    #[test]
    fn aliases_and_merge_keys_stand_for_what_they_name() {
        let node = document(
            "base: &b {region: r, size: 1}\none:\n  <<: *b\n  size: 2\nlist:\n  <<: [{a: 1}, {a: 2, b: *b}]\n",
        );
        assert_eq!(text_at(&node, &["one", "region"]).as_deref(), Some("r"));
        assert_eq!(text_at(&node, &["one", "size"]).as_deref(), Some("2"));
        assert_eq!(text_at(&node, &["list", "a"]).as_deref(), Some("1"));
        assert_eq!(text_at(&node, &["list", "b", "region"]).as_deref(), Some("r"));
        let quoted = document("'<<': x\n");
        assert_eq!(text_at(&quoted, &["<<"]).as_deref(), Some("x"));
        assert_eq!(refusal("<<: x\n").2, "`<<` needs a map, or a list of maps");
        assert_eq!(refusal("a: &a [*a]\n").2, "the alias stands inside of what it is an alias for");
    }

    #[test]
    fn keys_that_are_not_texts_are_named_as_go_prints_them() {
        let node = document("0777: a\ntrue: b\n~: c\n! 5: d\n");
        let keys: Vec<_> = node.entries().expect("a map").iter().map(|e| e.key.as_str()).collect();
        assert_eq!(keys, ["511", "true", "<nil>", "5"]);
    }

    #[test]
    fn a_file_cannot_exhaust_the_memory_or_the_stack() {
        let deep = "[".repeat(200);
        assert_eq!(refusal(&deep).2, "the values are nested too deeply");
        let deep: String = (0..200).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
        assert_eq!(refusal(&deep).2, "the values are nested too deeply");
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let below = format!("*a{}", level - 1);
            laughs.push_str(&format!("a{level}: &a{level} [{}]\n", [below.as_str(); 10].join(", ")));
        }
        assert_eq!(refusal(&laughs).2, "the file has too many values");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn no_text_of_yaml_marks_makes_the_parser_panic(text in "[-a:1 \n\t?{}\\[\\],&*!|>'\"#%@`<.~]{0,60}") {
            let _ = parse(&text);
        }
    }
}
