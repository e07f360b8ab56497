//! A Dockerfile's instructions, each with the place of every character: continued lines, comments, here-documents.
//!
//! The rules are BuildKit's (`frontend/dockerfile/parser`).

use super::finds::At;
use super::templates::SPANS;

/// One instruction, its lines joined.
pub(super) struct Instruction {
    /// The instruction's name, in upper case.
    pub(super) name: String,
    /// The words behind it.
    pub(super) words: Vec<Word>,
    /// Where it begins.
    pub(super) at: At,
}

/// A run of characters without white space, but for what quotes hold together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) at: At,
}

/// The directives at a Dockerfile's top.
pub(super) struct Directives {
    /// The image of the parser, and where it is named.
    pub(super) syntax: Option<Word>,
    /// The character that continues a line.
    pub(super) escape: char,
}

/// Reads `# name=value` lines until the first line that is none.
pub(super) fn directives(text: &str) -> Directives {
    let mut directives = Directives { syntax: None, escape: '\\' };
    for (index, line) in text.lines().enumerate() {
        let directive = line.trim_start().strip_prefix('#').and_then(|comment| comment.split_once('='));
        let Some((name, value)) = directive.map(|(name, value)| (name.trim(), value.trim())) else {
            // A script line before the directives is allowed.
            if index == 0 && line.starts_with("#!") {
                continue;
            }
            break;
        };
        let column = column_of(line, value);
        match name.to_ascii_lowercase().as_str() {
            "escape" if matches!(value, "`" | "\\") => {
                directives.escape = if value == "`" { '`' } else { '\\' }
            }
            "syntax" => {
                let text = value.split_whitespace().next().unwrap_or_default().to_owned();
                directives.syntax = Some(Word { text, at: At { line: index + 1, column } });
            }
            "check" => {}
            // What follows an unknown directive is comment.
            _ => break,
        }
    }
    directives
}

/// The column of a part of a line, in characters.
fn column_of(line: &str, part: &str) -> usize {
    let before = line.find(part).unwrap_or_default();
    line[..before].chars().count() + 1
}

/// Reads all instructions.
pub(super) fn instructions(text: &str, escape: char) -> Vec<Instruction> {
    let mut reader = Reader { lines: text.lines().enumerate(), escape };
    let mut all = Vec::new();
    while let Some(chars) = reader.logical_line() {
        let mut words = words(&chars, escape).into_iter();
        if let Some(first) = words.next() {
            let instruction =
                Instruction { name: first.text.to_ascii_uppercase(), words: words.collect(), at: first.at };
            reader.skip_here_documents(&instruction);
            all.push(instruction);
        }
    }
    all
}

struct Reader<'a> {
    lines: std::iter::Enumerate<std::str::Lines<'a>>,
    escape: char,
}

/// A character and where it stands.
type Placed = (char, At);

impl Reader<'_> {
    /// The next line that is neither empty nor a comment, with the lines that continue it.
    fn logical_line(&mut self) -> Option<Vec<Placed>> {
        let mut chars = Vec::new();
        let mut begun = false;
        for (index, line) in self.lines.by_ref() {
            let blank = line.trim().is_empty();
            // Within a continued instruction, empty lines and comments are left out too.
            if blank || line.trim_start().starts_with('#') {
                continue;
            }
            begun = true;
            let (content, continues) = continued(line, self.escape);
            chars.extend(
                content
                    .chars()
                    .enumerate()
                    .map(|(column, c)| (c, At { line: index + 1, column: column + 1 })),
            );
            if !continues {
                break;
            }
        }
        begun.then_some(chars)
    }

    /// Steps over the here-documents that an instruction opens.
    fn skip_here_documents(&mut self, instruction: &Instruction) {
        let name = match (instruction.name.as_str(), instruction.words.first()) {
            ("ONBUILD", Some(inner)) => inner.text.to_ascii_uppercase(),
            (name, _) => name.to_owned(),
        };
        if !matches!(name.as_str(), "RUN" | "COPY" | "ADD") {
            return;
        }
        for (name, tabs) in instruction.words.iter().filter_map(|word| here_document(&word.text)) {
            let ends = |line: &str| if tabs { line.trim_start_matches('\t') == name } else { line == name };
            self.lines.by_ref().find(|(_, line)| ends(line));
        }
    }
}

/// A line without its continuation mark, and whether it has one. A doubled mark is none.
fn continued(line: &str, escape: char) -> (&str, bool) {
    let content = line.trim_end_matches([' ', '\t', '\r']);
    match content.strip_suffix(escape) {
        Some(before) if !before.ends_with(escape) => (before, true),
        Some(_) | None => (line, false),
    }
}

/// The end mark of `<<EOF`, `<<-EOF`, `3<<"EOF"`, and whether tabs may stand before it.
fn here_document(word: &str) -> Option<(String, bool)> {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<")?;
    let (tabs, name) = rest.strip_prefix('-').map_or((false, rest), |name| (true, name));
    let name: String = name.chars().filter(|c| !matches!(c, '"' | '\'')).collect();
    (!name.is_empty() && !name.contains('<')).then_some((name, tabs))
}

/// Splits at white space outside of quotes and of a template's parts.
fn words(chars: &[Placed], escape: char) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut quote = None;
    let mut escaped = false;
    let mut inside = false;
    let mut part_end = 0;
    for (index, &(c, at)) in chars.iter().enumerate() {
        part_end = part_end.max(end_of_part(chars, index));
        if c.is_whitespace() && quote.is_none() && !escaped && index >= part_end {
            inside = false;
            continue;
        }
        if !inside {
            words.push(Word { text: String::new(), at });
            inside = true;
        }
        if let Some(word) = words.last_mut() {
            word.text.push(c);
        }
        match quote {
            _ if escaped => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            Some(open) if open == c => quote = None,
            _ => {}
        }
        escaped = c == escape && !escaped && quote != Some('\'');
    }
    words
}

/// How far a part of a template that begins here goes, in characters; not longer than anybody writes one.
fn end_of_part(chars: &[Placed], start: usize) -> usize {
    const LONGEST: usize = 200;
    let is_at = |index: usize, mark: &str| {
        mark.chars().enumerate().all(|(offset, c)| chars.get(index + offset).is_some_and(|at| at.0 == c))
    };
    let end = SPANS
        .iter()
        .find(|(open, _)| is_at(start, open))
        .and_then(|(_, close)| (start..chars.len().min(start + LONGEST)).find(|index| is_at(*index, close)));
    end.map_or(0, |end| end + 2)
}
