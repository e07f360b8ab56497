//! The program's own source, for tests that hold it to a rule.

use std::path::{Path, PathBuf};

/// Every file of `src` with its text.
pub(crate) fn files() -> Vec<(PathBuf, String)> {
    let (mut files, mut folders) = (Vec::new(), vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((path.clone(), std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    files
}

/// The files whose code, without the tests in them, is of this kind.
pub(crate) fn with_code(is: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let code = |text: &str| is(text.split("#[cfg(test)]\nmod ").next().unwrap());
    files().into_iter().filter(|(_, text)| code(text)).map(|(path, _)| path).collect()
}
