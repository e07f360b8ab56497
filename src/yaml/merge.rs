//! The end of a map: its keys, each once, and what its merge keys (`<<`) bring (<https://yaml.org/type/merge.html>).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::sync::Arc;

use super::node::{Entry, Kind, Node};
use super::{At, Error, Flaw};

/// A key and its value, as they were written.
pub(super) struct Pair {
    pub(super) key: Key,
    pub(super) at: At,
    pub(super) value: Node,
}

pub(super) enum Key {
    /// An unquoted `<<`.
    Merge,
    Text(Arc<str>),
    /// A list or a map.
    Parts,
}

/// The entries of a map, its own first; what is odd about its keys goes to `flaws`.
pub(super) fn entries(pairs: Vec<Pair>, flaws: &mut Vec<Flaw>) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::with_capacity(pairs.len());
    let mut places = BTreeMap::new();
    let mut merges = Vec::new();
    for Pair { key, at, value } in pairs {
        match key {
            Key::Merge => merges.push((at, value)),
            Key::Parts => flaws.push(Flaw::KeyForm { at }),
            Key::Text(key) => own(&mut entries, &mut places, Entry { key, at, value }, flaws),
        }
    }
    if let [(first, _), (at, _), ..] = merges.as_slice() {
        flaws.push(Flaw::Duplicate { at: *at, key: "<<".to_owned(), first: first.line });
    }
    for (at, value) in &merges {
        for entry in maps(value, *at)?.into_iter().filter_map(Node::entries).flatten() {
            if let Slot::Vacant(slot) = places.entry(Arc::clone(&entry.key)) {
                slot.insert(entries.len());
                entries.push(entry.clone());
            }
        }
    }
    Ok(entries)
}

/// Adds an entry of the map's own, in the place of an earlier one with its key.
fn own(
    entries: &mut Vec<Entry>,
    places: &mut BTreeMap<Arc<str>, usize>,
    entry: Entry,
    flaws: &mut Vec<Flaw>,
) {
    match places.entry(Arc::clone(&entry.key)) {
        Slot::Vacant(slot) => {
            slot.insert(entries.len());
            entries.push(entry);
        }
        Slot::Occupied(slot) => {
            let earlier = &mut entries[*slot.get()];
            let key = entry.key.to_string();
            flaws.push(Flaw::Duplicate { at: entry.at, key, first: earlier.at.line });
            *earlier = entry;
        }
    }
}

/// What `<<` stands for: one map, or a list of maps of which the first wins.
fn maps(value: &Node, at: At) -> Result<Vec<&Node>, Error> {
    let maps = match &value.kind {
        Kind::List(items) => items.iter().collect(),
        Kind::Map(_) | Kind::Scalar(_) => vec![value],
    };
    if maps.iter().all(|map| map.entries().is_some()) {
        return Ok(maps);
    }
    Err(Error::new(at, "`<<` needs a map, or a list of maps"))
}
