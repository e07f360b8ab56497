//! Projects to try things on, for the tests of this folder.

use super::crypto::DataKey;
use super::crypto::tests::encrypt;
use super::{FileError, Project, StackFile};
use crate::model::Problem;

/// A folder with files, removed at the end of the test.
pub(super) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        let file = dir.path().join(name);
        let parent = file.parent().expect("a folder");
        std::fs::create_dir_all(parent).expect("a folder");
        std::fs::write(file, content).expect("a file");
    }
    dir
}

/// The project of such a folder.
pub(super) fn project(files: &[(&str, &str)]) -> (tempfile::TempDir, Project) {
    let dir = folder(files);
    let project = Project::open(dir.path()).expect("the project file is good");
    (dir, project)
}

/// The stack `main` of the project `infra`, with this content.
pub(super) fn stack(content: &str) -> Result<StackFile, FileError> {
    stack_of("name: infra\n", content)
}

/// The stack `main` of this project file, with this content, as if the project were in the folder `infra`.
pub(super) fn stack_of(project_file: &str, content: &str) -> Result<StackFile, FileError> {
    let dir = folder(&[("Pulumi.yaml", project_file), ("Pulumi.main.yaml", content)]);
    let project = Project::open(dir.path()).expect("the project file is good");
    let mut stack = project.stack("main")?;
    stack.project_dir = "infra".into();
    Ok(stack)
}

/// A problem as people read it, the hint in brackets, and only the name of the file.
pub(super) fn said(problem: impl Into<Problem>) -> String {
    let mut problem = problem.into();
    if let Some(place) = &mut problem.place {
        place.file = place.file.file_name().map(Into::into).unwrap_or_default();
    }
    match problem.advice() {
        Some(hint) => format!("{problem} [{hint}]"),
        None => problem.to_string(),
    }
}

/// The key that [`secure`] encrypts with.
pub(super) fn key() -> DataKey {
    DataKey::from_bytes([3; 32])
}

/// A value as it stands after `secure: `.
pub(super) fn secure(text: &str) -> String {
    encrypt(&key(), text)
}

/// A salt that is well-formed. No passphrase opens it.
pub(super) const SALT: &str = "v1:AAAAAAAAAAA=:v1:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";
