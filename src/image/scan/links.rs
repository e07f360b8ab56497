//! What one file says about the images of another.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::dockerfile::leave_contexts;
use super::finds::Finds;
use super::kustomize;

/// What was found in each file, by its path.
pub(super) type Files = BTreeMap<PathBuf, Finds>;

/// Takes away what another file says is not an image, or another one.
pub(super) fn follow(files: &mut Files) {
    build_contexts(files);
    kustomize::follow(files);
}

fn build_contexts(files: &mut Files) {
    let mut names: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for (path, finds) in files.iter() {
        for context in &finds.contexts {
            names.entry(beside(path, &context.dockerfile)).or_default().push(context.name.clone());
        }
    }
    for (dockerfile, contexts) in names {
        if let Some(finds) = files.get_mut(&dockerfile) {
            leave_contexts(finds, &contexts);
        }
    }
}

/// A path that is written in a file, seen from where that file's own path is; without `.` and, where it can be, `..`.
pub(super) fn beside(file: &Path, written: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for part in file.parent().unwrap_or(Path::new("")).join(written).components() {
        match (part, path.components().next_back()) {
            (Component::CurDir, _) | (Component::ParentDir, Some(Component::RootDir)) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => drop(path.pop()),
            (part, _) => path.push(part),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_a_file_is_seen_from_its_folder() {
        for (file, written, path) in [
            ("a/compose.yaml", "./b/Dockerfile", "a/b/Dockerfile"),
            ("a/b/kustomization.yaml", "../../base", "base"),
            ("kustomization.yaml", "../base", "../base"),
            ("../x/kustomization.yaml", "../../base", "../../base"),
            ("/r/a/k.yaml", "../../../..", "/"),
            ("kustomization.yaml", ".", ""),
        ] {
            assert_eq!(beside(Path::new(file), written), Path::new(path), "{file} {written}");
        }
    }
}
