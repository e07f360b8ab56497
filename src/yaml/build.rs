//! From the parser's events to a tree. Neither deep nesting nor aliases of aliases can exhaust the memory, or the time of
//! whoever walks the tree.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use granit_parser::{Event, ScalarStyle, Span, Tag as ParsedTag};

use super::merge::{self, Key, Pair};
use super::node::{Kind, Node, Scalar, Style, Tag};
use super::{At, Document, Error, Flaw, MAX_DEPTH, MAX_VALUES};

/// A finished value, how much it stands for, and how deep it is.
#[derive(Clone)]
struct Done {
    node: Node,
    size: usize,
    depth: usize,
}

/// A list or a map whose end has not come yet.
struct Open {
    at: At,
    anchor: usize,
    body: Body,
    size: usize,
    depth: usize,
}

enum Body {
    List(Vec<Node>),
    Map(Vec<Pair>, Option<(Key, At)>),
}

/// One document in the making.
#[derive(Default)]
pub(super) struct Builder {
    root: Option<Node>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Done>,
    size: usize,
    flaws: Vec<Flaw>,
}

impl Builder {
    /// The document that begins at `at`, if it has a value.
    pub(super) fn finish(mut self, at: At) -> Option<Document> {
        self.flaws.sort_by_key(Flaw::at);
        self.root.map(|root| Document { at, root, flaws: self.flaws })
    }

    pub(super) fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Error> {
        let at = At::from(&span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let absent = style == ScalarStyle::Plain && span.start == span.end;
                let text = if absent { Cow::Borrowed("") } else { text };
                let scalar = Scalar { text: text.into(), style: style.into(), tag: tag.and_then(tag_of) };
                self.put(Done::leaf(at, scalar), anchor)
            }
            Event::SequenceStart(_, anchor, _) => self.start(at, anchor, Body::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => self.start(at, anchor, Body::Map(Vec::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.alias(anchor, at),
            _ => Ok(()),
        }
    }

    fn start(&mut self, at: At, anchor: usize, body: Body) -> Result<(), Error> {
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(at));
        }
        self.open.push(Open { at, anchor, body, size: 0, depth: 0 });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Error> {
        let Some(Open { at, anchor, body, size, depth }) = self.open.pop() else { return Ok(()) };
        let kind = match body {
            Body::List(items) => Kind::List(items.into()),
            Body::Map(pairs, _) => Kind::Map(merge::entries(pairs, &mut self.flaws)?.into()),
        };
        self.put(Done { node: Node { at, kind }, size, depth: depth + 1 }, anchor)
    }

    fn alias(&mut self, anchor: usize, at: At) -> Result<(), Error> {
        // The parser refuses unknown names; what it knows and is not here has not ended yet.
        let Some(done) = self.anchors.get(&anchor).cloned() else {
            return Err(Error::new(at, "the alias is inside what it is an alias for"));
        };
        if self.open.len() + done.depth > MAX_DEPTH {
            return Err(too_deep(at));
        }
        self.grow(done.size, at)?;
        self.put(done, 0)
    }

    fn grow(&mut self, by: usize, at: At) -> Result<(), Error> {
        self.size += by;
        if self.size > MAX_VALUES {
            return Err(Error::new(at, "the file has too many values"));
        }
        Ok(())
    }

    /// Puts a finished value where it belongs: into the open list or map, or at the root.
    fn put(&mut self, done: Done, anchor: usize) -> Result<(), Error> {
        self.grow(1, done.node.at)?;
        if anchor > 0 {
            self.anchors.insert(anchor, done.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(done.node);
            return Ok(());
        };
        open.size += done.size + 1;
        open.depth = open.depth.max(done.depth);
        open.body.push(done.node);
        Ok(())
    }
}

impl Done {
    fn leaf(at: At, scalar: Scalar) -> Self {
        Self { node: Node { at, kind: Kind::Scalar(scalar) }, size: 0, depth: 0 }
    }
}

impl Body {
    fn push(&mut self, node: Node) {
        match self {
            Self::List(items) => items.push(node),
            Self::Map(pairs, waiting) => match waiting.take() {
                Some((key, at)) => pairs.push(Pair { key, at, value: node }),
                None => *waiting = Some((key_of(&node), node.at)),
            },
        }
    }
}

fn key_of(node: &Node) -> Key {
    let Some(scalar) = node.scalar() else { return Key::Parts };
    let merge = match &scalar.tag {
        None => scalar.style == Style::Plain && &*scalar.text == "<<",
        Some(tag) => *tag == Tag::Yaml("merge".into()),
    };
    if merge { Key::Merge } else { Key::Text(Arc::clone(&scalar.text)) }
}

/// What a tag says: a lone `!` says nothing.
fn tag_of(tag: Cow<'_, ParsedTag>) -> Option<Tag> {
    if let Some(name) = tag.suffix_in_namespace("tag:yaml.org,2002:") {
        return Some(Tag::Yaml(name.into()));
    }
    let (handle, suffix) = tag.parts();
    (!matches!((handle, suffix), ("", "!") | ("!", ""))).then_some(Tag::Other)
}

fn too_deep(at: At) -> Error {
    Error::new(at, "the values are nested too deeply")
}

impl From<ScalarStyle> for Style {
    fn from(style: ScalarStyle) -> Self {
        match style {
            ScalarStyle::Plain => Self::Plain,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Self::Quoted,
            ScalarStyle::Literal => Self::Literal,
            ScalarStyle::Folded => Self::Folded,
        }
    }
}
