//! YAML with the place of every value, and with anchors and merge keys followed.
//!
//! Values that several aliases name are kept once, so that a small file cannot become a large tree.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use super::finds::At;

/// One document of a file.
pub(super) struct Document<'t> {
    nodes: Vec<Node<'t>>,
}

/// What is wrong with a file's YAML; the documents before it are good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) at: At,
    pub(super) reason: String,
}

struct Node<'t> {
    at: At,
    kind: Kind<'t>,
}

enum Kind<'t> {
    Null,
    /// Its text, and whether each of its lines is one of the file.
    Scalar(Cow<'t, str>, bool),
    Sequence(Vec<usize>),
    /// Keys and values in turn.
    Mapping(Vec<usize>),
}

/// A value of a document.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    document: &'a Document<'a>,
    id: usize,
}

/// Reads a file's documents.
pub(super) fn documents(text: &str) -> (Vec<Document<'_>>, Option<Broken>) {
    let mut documents = Vec::new();
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(text);
    loop {
        match parser.next_event() {
            None => return (documents, None),
            Some(Err(error)) => {
                let broken = Broken { at: place(error.marker()), reason: error.info().to_owned() };
                return (documents, Some(broken));
            }
            Some(Ok((Event::DocumentEnd, _))) => documents.extend(std::mem::take(&mut builder).finish()),
            Some(Ok((event, span))) => builder.take(event, place(&span.start)),
        }
    }
}

/// Whether a scalar is nothing by YAML's core schema: `~`, `null` or not written at all.
fn is_null(text: &str, style: ScalarStyle) -> bool {
    style == ScalarStyle::Plain && matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn place(marker: &Marker) -> At {
    At { line: marker.line(), column: marker.col() + 1 }
}

#[derive(Default)]
struct Builder<'t> {
    nodes: Vec<Node<'t>>,
    /// The collections that are not closed yet.
    open: Vec<usize>,
    anchors: BTreeMap<usize, usize>,
}

impl<'t> Builder<'t> {
    fn take(&mut self, event: Event<'t>, at: At) {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let kind = if is_null(&text, style) {
                    Kind::Null
                } else {
                    Kind::Scalar(text, style == ScalarStyle::Literal)
                };
                self.add(at, kind, anchor);
            }
            Event::SequenceStart(anchor, _) => self.open_collection(at, Kind::Sequence(Vec::new()), anchor),
            Event::MappingStart(anchor, _) => self.open_collection(at, Kind::Mapping(Vec::new()), anchor),
            Event::SequenceEnd | Event::MappingEnd => drop(self.open.pop()),
            Event::Alias(anchor) => {
                // The parser refuses an alias of an anchor that is not there.
                if let Some(&id) = self.anchors.get(&anchor) {
                    self.attach(id);
                }
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
    }

    fn open_collection(&mut self, at: At, kind: Kind<'t>, anchor: usize) {
        let id = self.add(at, kind, anchor);
        self.open.push(id);
    }

    fn add(&mut self, at: At, kind: Kind<'t>, anchor: usize) -> usize {
        let id = self.nodes.len();
        self.nodes.push(Node { at, kind });
        if anchor > 0 {
            self.anchors.insert(anchor, id);
        }
        self.attach(id);
        id
    }

    fn attach(&mut self, id: usize) {
        let parent = self.open.last().and_then(|&parent| self.nodes.get_mut(parent));
        if let Some(Node { kind: Kind::Sequence(children) | Kind::Mapping(children), .. }) = parent {
            children.push(id);
        }
    }

    fn finish(self) -> Option<Document<'t>> {
        (!self.nodes.is_empty()).then_some(Document { nodes: self.nodes })
    }
}

impl Document<'_> {
    pub(super) fn root(&self) -> Value<'_> {
        Value { document: self, id: 0 }
    }
}

impl<'a> Value<'a> {
    pub(super) fn at(&self) -> At {
        self.node().at
    }

    /// What tells this value from every other of its document; an alias is the value that it names.
    pub(super) fn id(&self) -> usize {
        self.id
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&'a str> {
        match &self.node().kind {
            Kind::Scalar(text, _) => Some(text),
            Kind::Null | Kind::Sequence(_) | Kind::Mapping(_) => None,
        }
    }

    /// Whether this is a text whose lines are lines of the file.
    pub(super) fn is_literal(&self) -> bool {
        matches!(self.node().kind, Kind::Scalar(_, true))
    }

    pub(super) fn is_mapping(&self) -> bool {
        matches!(self.node().kind, Kind::Mapping(_))
    }

    pub(super) fn is_sequence(&self) -> bool {
        matches!(self.node().kind, Kind::Sequence(_))
    }

    /// The values of a sequence; none of anything else.
    pub(super) fn items(&self) -> impl DoubleEndedIterator<Item = Value<'a>> + use<'a> {
        let document = self.document;
        let ids: &[usize] = match &self.node().kind {
            Kind::Sequence(ids) => ids,
            Kind::Null | Kind::Scalar(..) | Kind::Mapping(_) => &[],
        };
        ids.iter().map(move |&id| Value { document, id })
    }

    /// The value of a mapping's key: its own, or one that a merge key (`<<`) brings.
    pub(super) fn get(&self, key: &str) -> Option<Value<'a>> {
        self.entries().into_iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// A mapping's keys and values; keys that are no text and values that are nothing are left out. Its own come before those
    /// of its merge keys, and of several merged mappings the first one's (<https://yaml.org/type/merge.html>).
    pub(super) fn entries(&self) -> Vec<(&'a str, Value<'a>)> {
        let mut entries = Vec::new();
        let mut names = BTreeSet::new();
        let mut merged = vec![*self];
        let mut seen = BTreeSet::new();
        while let Some(value) = merged.pop() {
            // A merge may name itself through an alias.
            if !seen.insert(value.id) {
                continue;
            }
            for (key, value) in value.own_entries() {
                if key == "<<" {
                    merged.push(value);
                    merged.extend(value.items().rev());
                } else if names.insert(key) && !matches!(value.node().kind, Kind::Null) {
                    entries.push((key, value));
                }
            }
        }
        entries
    }

    fn own_entries(&self) -> impl Iterator<Item = (&'a str, Value<'a>)> + use<'a> {
        let document = self.document;
        let ids: &[usize] = match &self.node().kind {
            Kind::Mapping(ids) => ids,
            Kind::Null | Kind::Scalar(..) | Kind::Sequence(_) => &[],
        };
        let value = move |id: usize| Value { document, id };
        ids.chunks_exact(2).filter_map(move |pair| Some((value(pair[0]).text()?, value(pair[1]))))
    }

    fn node(&self) -> &'a Node<'a> {
        &self.document.nodes[self.id]
    }
}
