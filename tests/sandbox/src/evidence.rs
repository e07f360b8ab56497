//! What tests leave for the conformance checks of `tests/interop`: the requests that were made, the sealed boxes that came, and
//! what GitHub Apps said with their keys.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;

use crate::calls::Call;
use crate::github::SealedBox;

/// The folder to leave it in; unset, nothing is left.
const FOLDER: &str = "REGCRED_SANDBOX_CALLS";

/// The files of one sandbox: `<program>-<process>-<number>.calls.jsonl`, `….boxes.jsonl`
/// and `….assertions.jsonl`.
pub(crate) struct Evidence(PathBuf);

impl Evidence {
    /// Names the files, if there is a folder for them.
    #[allow(
        clippy::disallowed_methods,
        reason = "tests start many sandboxes, and none should have to know of this"
    )]
    pub(crate) fn wanted() -> Option<Self> {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let folder = std::env::var_os(FOLDER).filter(|folder| !folder.is_empty())?;
        let program = std::env::current_exe().ok()?;
        let program = program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        Some(Self(PathBuf::from(folder).join(format!("{program}-{}-{number}", std::process::id()))))
    }

    pub(crate) fn keep_calls(&self, calls: &[Call]) {
        self.append("calls.jsonl", calls);
    }

    pub(crate) fn keep_boxes(&self, boxes: &[SealedBox]) {
        self.append("boxes.jsonl", boxes);
    }

    pub(crate) fn keep_assertions(&self, assertions: &[serde_json::Value]) {
        self.append("assertions.jsonl", assertions);
    }

    fn append(&self, kind: &str, rows: &[impl Serialize]) {
        if let Err(error) = self.try_append(kind, rows) {
            // The judges fail when they find too little; a test must not fail for a full disk.
            writeln!(io::stderr(), "regcred-sandbox: {}.{kind}: {error}", self.0.display()).ok();
        }
    }

    fn try_append(&self, kind: &str, rows: &[impl Serialize]) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut text = Vec::new();
        for row in rows {
            serde_json::to_writer(&mut text, row)?;
            text.push(b'\n');
        }
        let path =
            self.0.with_file_name(format!("{}.{kind}", self.0.file_name().unwrap_or_default().display()));
        std::fs::create_dir_all(path.parent().unwrap_or(&path))?;
        OpenOptions::new().create(true).append(true).open(path)?.write_all(&text)
    }
}
