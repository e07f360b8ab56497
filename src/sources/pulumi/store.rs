//! A new token in a stack file: encrypted with the stack's own key, in the place of the old one, of which no other byte
//! changes. The file is read again before it is put in place: it has to hold the new value under the key, and everything
//! else as before.

use crate::files::{self, MAX_CONFIG};
use crate::model::{Problem, Secret};
use crate::sources::store::respelled;
use crate::yaml::{self, Entry, Kind, Node};

use super::crypto::DataKey;
use super::locate::{Ciphertext, Located};
use super::value;

/// Puts a new token into the file that the credential was found in.
///
/// # Errors
/// The value is a default of the project, is shared by an anchor, or stands in several lines; the file has changed since it
/// was read; it is a link, or cannot be written.
pub fn store(located: &Located, key: &DataKey, token: &Secret) -> Result<(), Problem> {
    let old = located.token_ciphertext();
    let problem = |what: &str| {
        let message = format!("`{}` cannot be changed here: {what}", old.key);
        Problem::input(message).at(old.place.clone()).hint(old.fix.to_owned())
    };
    let sealed = key.encrypt(token).map_err(|error| problem(&error.to_string()))?;
    let file = &old.place.file;
    let bytes = files::read(file, MAX_CONFIG).map_err(|error| problem(&format!("the file: {error}")))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| problem("the file is not UTF-8"))?;
    let new = replaced(text, &old, &sealed).map_err(|what| problem(&what))?;
    files::replace(file, &bytes, new.as_bytes()).map_err(|error| problem(&format!("the file: {error}")))
}

/// The text of a stack file with another ciphertext.
///
/// # Errors
/// Why it cannot be exchanged.
fn replaced(text: &str, old: &Ciphertext<'_>, new: &str) -> Result<zeroize::Zeroizing<String>, String> {
    let before = document(text).ok_or("the file has changed since it was read")?;
    if !entries(&before).any(|entry| is_at(entry, old) && holds(entry, old.text)) {
        return Err("the file has changed since it was read".to_owned());
    }
    let fits = |text: &str| {
        document(text).is_some_and(|after| {
            let there = entries(&after).any(|entry| is_at(entry, old) && holds(entry, new));
            there && differences(&before, &after) == Some(1)
        })
    };
    respelled(text, old.text, new, fits).ok_or_else(|| {
        "its value stands in several lines, or an anchor shares it with another key".to_owned()
    })
}

/// The first document, which is the only one that Pulumi reads.
fn document(text: &str) -> Option<Node> {
    Some(yaml::documents(text).next()?.ok()?.root)
}

/// Every entry of every map, at any depth.
fn entries(node: &Node) -> Box<dyn Iterator<Item = &Entry> + '_> {
    match &node.kind {
        Kind::Scalar(_) => Box::new(std::iter::empty()),
        Kind::List(items) => Box::new(items.iter().flat_map(entries)),
        Kind::Map(own) => {
            Box::new(own.iter().flat_map(|entry| std::iter::once(entry).chain(entries(&entry.value))))
        }
    }
}

fn is_at(entry: &Entry, old: &Ciphertext<'_>) -> bool {
    (Some(entry.at.line), Some(entry.at.column)) == (old.place.line, old.place.column)
}

fn holds(entry: &Entry, text: &str) -> bool {
    value::any_ciphertext(&entry.value, &|ciphertext| ciphertext == text)
}

/// In how many values two documents differ; nothing if they do not have the same keys.
fn differences(one: &Node, other: &Node) -> Option<usize> {
    match (&one.kind, &other.kind) {
        (Kind::Scalar(one), Kind::Scalar(other)) => {
            let same = (&one.text, one.style, &one.tag) == (&other.text, other.style, &other.tag);
            Some(usize::from(!same))
        }
        (Kind::List(one), Kind::List(other)) if one.len() == other.len() => {
            one.iter().zip(other.iter()).map(|(one, other)| differences(one, other)).sum()
        }
        (Kind::Map(one), Kind::Map(other)) if one.len() == other.len() => {
            let pairs = one.iter().zip(other.iter());
            pairs
                .map(|(one, other)| {
                    (one.key == other.key).then(|| differences(&one.value, &other.value)).flatten()
                })
                .sum()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
