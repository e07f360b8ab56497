//! No secret leaves, and no text from outside acts: one scrubber and one door.
//!
//! [`teach`] is told every secret of a run, by [`crate::model::Secret`] itself, so that nobody can forget it. Text that came
//! from outside (a server's words, a name of a remote thing, an SDK's error) passes [`outside`] before it is shown or kept
//! in a report. Behind everything stands [`output`]: whatever is printed or traced passes it line by line.
//!
//! The door cuts every secret. The last function cuts only those that are unmistakable: our own words, digests and
//! addresses must stay what they are where somebody's password is `main`.
//!
//! What was taught is known until the program ends; it is not wiped before.

mod characters;
pub mod markup;
mod scrubber;
mod spellings;
mod unescape;

use characters::{Styling, calm, one_line, visible};
pub use characters::{is_hidden, line};
pub use scrubber::Scrubber;
use serde_json::Value;

/// How long a text from outside may be, in characters.
const MOST: usize = 800;
/// Said instead of words in which a gap would show a short secret.
const LEFT_OUT: &str = "(words left out: they hold the secret)";

/// Teaches the scrubber of the process a secret. An empty one is none.
pub fn teach(secret: &str) {
    known::write(|scrubber| scrubber.teach(secret));
}

/// Teaches what somebody else chose, such as a login that is found beside ours. A short one is not learnt: whoever sets the
/// password `e` somewhere would have all words left out.
pub fn teach_foreign(secret: &str) {
    if secret.chars().count() >= spellings::SHORT {
        teach(secret);
    }
}

/// Teaches what looks like a token in what people wrote where none belongs, such as a command line or a configuration: what is
/// said of it does not repeat it.
pub fn teach_tokens(text: &str) {
    spellings::tokens(text).for_each(teach);
}

/// Teaches a login: the secret, and the two together as `Basic` and Docker's configurations have them.
pub fn teach_login(username: &str, secret: &str) {
    known::write(|scrubber| scrubber.teach_login(username, secret));
}

/// The door: a text from outside as it may be shown. Every secret in it is `***`, in whatever spelling; what would act on a
/// terminal, hide or turn the text around is an escape; it is one line of at most 800 characters, which no workflow runner
/// takes for a command. A text that passed stays as it is.
#[must_use]
pub fn outside(text: &str) -> String {
    known::read(|scrubber| scrubber.outside(text))
}

/// Whether the end of a text may be the beginning of a secret, of which the rest is still to come.
#[must_use]
pub fn may_go_on(text: &str) -> bool {
    known::read(|scrubber| scrubber.may_go_on(text))
}

/// A text from outside without the secrets in it, for those who lay it out themselves.
#[must_use]
pub fn without_secrets(text: &str) -> String {
    known::read(|scrubber| scrubber.without_secrets(text))
}

/// What is printed or traced, as it may be: unmistakable secrets are `***`, characters that act are escapes, except for line
/// ends, tabs and our own styles. A line that is a JSON object stays one.
#[must_use]
pub fn output(text: &str) -> String {
    known::read(|scrubber| scrubber.output(text))
}

/// [`output`] for lines that are commands to a workflow runner, made by [`markup::annotation`].
#[must_use]
pub fn commands(text: &str) -> String {
    known::read(|scrubber| visible(&scrubber.cut_unmistakable(text), Styling::Escaped))
}

impl Scrubber {
    /// [`outside`], with the secrets of this scrubber.
    #[must_use]
    pub fn outside(&self, text: &str) -> String {
        // Of a text without end only its beginning can be shown, and a secret that begins in it is known by its beginning.
        let end = text.char_indices().nth(MOST * 40).map_or(text.len(), |(end, _)| end);
        calm(&one_line(&self.without_secrets(&text[..end]), MOST))
    }

    /// [`without_secrets`], with the secrets of this scrubber.
    #[must_use]
    pub fn without_secrets(&self, text: &str) -> String {
        self.cut(text).unwrap_or_else(|| LEFT_OUT.to_owned())
    }

    /// [`output`], with the secrets of this scrubber.
    #[must_use]
    pub fn output(&self, text: &str) -> String {
        text.split_inclusive('\n').map(|line| self.output_line(line)).collect()
    }

    fn output_line(&self, line: &str) -> String {
        if line.starts_with('{')
            && let Ok(mut value) = serde_json::from_str::<Value>(line)
        {
            let changed = self.strings(&mut value);
            let end = if line.ends_with('\n') { "\n" } else { "" };
            let json = if changed { format!("{value}{end}") } else { line.to_owned() };
            return characters::json(&json);
        }
        calm(&visible(&self.cut_unmistakable(line), Styling::Kept))
    }

    /// Cuts the secrets from every text, name and number of a value; whether there were any.
    fn strings(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => self.string(text),
            Value::Array(items) => {
                items.iter_mut().filter_map(|item| self.strings(item).then_some(())).count() > 0
            }
            Value::Object(fields) => {
                let named = fields.keys().any(|name| self.cut_unmistakable(name) != *name);
                if named {
                    let clean = |(name, field): (String, Value)| (self.cut_unmistakable(&name), field);
                    *fields = std::mem::take(fields).into_iter().map(clean).collect();
                }
                fields.values_mut().filter_map(|field| self.strings(field).then_some(())).count() > 0 || named
            }
            Value::Number(number) => {
                let mut text = number.to_string();
                let cut = self.string(&mut text);
                if cut {
                    *value = Value::String(text);
                }
                cut
            }
            Value::Null | Value::Bool(_) => false,
        }
    }

    fn string(&self, text: &mut String) -> bool {
        let clean = self.cut_unmistakable(text);
        let cut = clean != *text;
        *text = clean;
        cut
    }
}

/// A place to write to, such as standard error, that is written only what [`output`] lets through: line by line, because a
/// secret in two pieces is not seen.
pub struct Writer<W: std::io::Write> {
    inner: W,
    line: Vec<u8>,
}

impl<W: std::io::Write> Writer<W> {
    /// Stands before `inner`.
    pub fn new(inner: W) -> Self {
        Self { inner, line: Vec::new() }
    }

    fn pass(&mut self, end: usize) {
        let lines: Vec<u8> = self.line.drain(..end).collect();
        // There is nobody left to tell, and a run is not ended for want of a reader.
        let _ = self.inner.write_all(output(&String::from_utf8_lossy(&lines)).as_bytes());
    }
}

impl<W: std::io::Write> std::io::Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.line.extend_from_slice(bytes);
        if let Some(end) = self.line.iter().rposition(|byte| *byte == b'\n') {
            self.pass(end + 1);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

impl<W: std::io::Write> Drop for Writer<W> {
    fn drop(&mut self) {
        self.pass(self.line.len());
    }
}

#[cfg(not(test))]
mod known {
    use std::sync::{PoisonError, RwLock};

    use super::Scrubber;

    static KNOWN: RwLock<Scrubber> = RwLock::new(Scrubber::new());

    pub(super) fn read<T>(use_it: impl FnOnce(&Scrubber) -> T) -> T {
        use_it(&KNOWN.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn write(change: impl FnOnce(&mut Scrubber)) {
        change(&mut KNOWN.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Tests run beside each other in one process, and the secret of one is a word of another.
#[cfg(test)]
mod known {
    use std::cell::RefCell;

    use super::Scrubber;

    thread_local!(static KNOWN: RefCell<Scrubber> = const { RefCell::new(Scrubber::new()) });

    pub(super) fn read<T>(use_it: impl FnOnce(&Scrubber) -> T) -> T {
        KNOWN.with_borrow(use_it)
    }

    pub(super) fn write(change: impl FnOnce(&mut Scrubber)) {
        KNOWN.with_borrow_mut(change);
    }
}

#[cfg(test)]
mod tests;
