//! Reading a file to a [`Node`]: size, byte-order mark, UTF-8, and the format by the file's ending.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::error::FileError;
use super::node::Node;
use super::yaml::TextError;
use super::{json, yaml};
use crate::model::Place;

/// The largest stack files that are known have a few thousand lines; this is far above them.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// The document in `file`, as JSON if its name ends with `.json`, else as YAML. `None` if it is empty.
pub(super) fn read(file: &Path) -> Result<Option<Node>, FileError> {
    let bytes = read_bytes(file)?;
    let text = text(file, &bytes)?;
    let parsed = match is_json(file) {
        true => json::parse(text),
        false => yaml::parse(text),
    };
    parsed.map_err(|error| in_file(file, error))
}

fn is_json(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "json")
}

fn read_bytes(file: &Path) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    let limit = MAX_BYTES.saturating_add(1);
    let size = File::open(file)
        .and_then(|open| open.take(limit).read_to_end(&mut bytes))
        .map_err(|source| FileError::unreadable(file, source))?;
    if size as u64 > MAX_BYTES {
        return Err(FileError::TooLarge { place: Place::file(file), limit: MAX_BYTES });
    }
    Ok(bytes)
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

fn in_file(file: &Path, error: TextError) -> FileError {
    match error {
        TextError::Syntax { at, what } => FileError::Syntax {
            place: at.in_file(file),
            format: if is_json(file) { "JSON" } else { "YAML" },
            what,
        },
        TextError::Duplicate { at, key, first } => {
            FileError::DuplicateKey { place: at.in_file(file), key, first }
        }
    }
}
