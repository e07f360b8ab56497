//! Reading a file to a [`Node`]: size, byte-order mark, UTF-8, and the format by the file's ending.

use std::io::ErrorKind;
use std::path::Path;

use zeroize::Zeroizing;

use super::error::FileError;
use super::value;
use crate::files::{self, MAX_CONFIG};
use crate::model::Place;
use crate::yaml::{self, At, Flaw, Node};

/// The document in `file`, as JSON if its name ends with `.json`, else as YAML. `None` if it is empty.
pub(super) fn read(file: &Path) -> Result<Option<Node>, FileError> {
    let bytes = read_bytes(file)?;
    let text = text(file, &bytes)?;
    // Later documents are not read, as in Go.
    let document = match is_json(file) {
        true => value::json(text),
        false => yaml::documents(text).next().transpose(),
    };
    let document = document.map_err(|error| syntax(file, error.at, error.reason))?;
    let flaw = document.as_ref().and_then(|document| document.flaws.first());
    flaw.map_or(Ok(()), |flaw| Err(flawed(file, flaw)))?;
    Ok(document.map(|document| document.root))
}

fn is_json(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "json")
}

fn read_bytes(file: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    files::read(file, MAX_CONFIG).map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => FileError::TooLarge { place: Place::file(file), limit: MAX_CONFIG },
        _ => FileError::unreadable(file, error),
    })
}

/// The text without the byte-order mark that some editors put (`loaders.go`, `readFileStripUTF8BOM`).
fn text<'a>(file: &Path, bytes: &'a [u8]) -> Result<&'a str, FileError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let good = &bytes[..error.valid_up_to()];
        let line_start = good.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = String::from_utf8_lossy(&good[line_start..]).chars().count() + 1;
        FileError::NotUtf8 { place: Place::at(file, line, column) }
    })
}

fn syntax(file: &Path, at: At, what: String) -> FileError {
    FileError::Syntax { place: at.in_file(file), format: if is_json(file) { "JSON" } else { "YAML" }, what }
}

fn flawed(file: &Path, flaw: &Flaw) -> FileError {
    match flaw {
        Flaw::Duplicate { at, key, first } => {
            FileError::DuplicateKey { place: at.in_file(file), key: key.clone(), first: *first }
        }
        Flaw::KeyForm { at } => syntax(file, *at, flaw.to_string()),
    }
}
