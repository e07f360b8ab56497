//! Characters that act instead of being seen.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Whether our own styles may stay.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Styling {
    Kept,
    Escaped,
}

/// Whether a character is not seen as itself: it moves a cursor, turns the text around, is blank, or may be anything.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    use GeneralCategory as Category;
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    // Letters and marks that are blank: Hangul's fillers, Braille's, Khmer's inherent vowels, Mongolian selectors.
    let blank =
        ['\u{34f}', '\u{115f}', '\u{1160}', '\u{17b4}', '\u{17b5}', '\u{2800}', '\u{3164}', '\u{ffa0}'];
    blank.contains(&c)
        || matches!(c, '\u{180b}'..='\u{180f}')
        || matches!(
            c.general_category(),
            Category::Control
                | Category::Format
                | Category::LineSeparator
                | Category::ParagraphSeparator
                | Category::PrivateUse
                | Category::Surrogate
                | Category::Unassigned
        )
}

/// The text with an escape for every hidden character but line ends and tabs, and but styles where they are kept.
pub(super) fn visible(text: &str, styling: Styling) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let style = style(rest).filter(|_| styling == Styling::Kept);
        let (head, tail) = rest.split_at(style.unwrap_or(c.len_utf8()));
        if style.is_none() && is_hidden(c) && !matches!(c, '\n' | '\t') {
            shown.extend(c.escape_unicode());
        } else {
            shown.push_str(head);
        }
        rest = tail;
    }
    shown
}

/// The text as a part of one line: line ends and tabs are escapes, too.
#[must_use]
pub fn line(text: &str) -> String {
    let escape = |c: char| if is_hidden(c) { c.escape_unicode().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

/// One line of at most `most` characters; white space in a row is one space.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() && !matches!(c, '\u{2028}' | '\u{2029}')).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let shown = visible(&words.join(" "), Styling::Escaped);
    if shown.chars().count() <= most {
        return shown;
    }
    shown.chars().take(most - 1).chain(['…']).collect()
}

/// A style as `anstyle` writes it: its length, if the text begins with one.
fn style(text: &str) -> Option<usize> {
    let codes = text.strip_prefix("\u{1b}[")?;
    let end = codes.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    codes[end..].starts_with('m').then_some(end + 3)
}

/// The text with nothing in it that a workflow runner takes for a command: `::name::` at the beginning of a line, `##[name]`
/// and `##vso[name]` anywhere.
pub(super) fn calm(text: &str) -> String {
    let lines = text.split_inclusive('\n').map(|line| {
        let start = command_start(line);
        let rest = &line[start..];
        match rest.strip_prefix("::").filter(|rest| rest.contains("::")) {
            Some(rest) => format!("{}\\u{{3a}}:{rest}", &line[..start]),
            None => line.to_owned(),
        }
    });
    let text: String = lines.collect();
    text.replace("##[", "##\\u{5b}").replace("##vso[", "##vso\\u{5b}")
}

/// Where a line begins for a runner: behind white space, and styles, which are dropped where it listens.
fn command_start(line: &str) -> usize {
    let mut start = 0;
    while let Some(c) = line[start..].chars().next() {
        match style(&line[start..]) {
            Some(length) => start += length,
            None if c.is_whitespace() => start += c.len_utf8(),
            None => break,
        }
    }
    start
}

/// The same for a line of JSON, by its own escapes: such characters are only in texts.
pub(super) fn json(line: &str) -> String {
    let hidden = |c: char| is_hidden(c) && c != '\n';
    let escape = |c: char| {
        let units: String = c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect();
        if hidden(c) { units } else { c.to_string() }
    };
    let line = if line.contains(hidden) { line.chars().map(escape).collect() } else { line.to_owned() };
    line.replace("##[", "##\\u005b").replace("##vso[", "##vso\\u005b")
}
