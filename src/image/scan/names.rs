//! What kind of file a name says it is.

use std::path::Path;

/// The kinds of files that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    Dockerfile,
    /// It has the word in its name, among others: it is one if it begins as one.
    PerhapsDockerfile,
    Yaml,
    Kustomization,
    /// What makes a folder a Helm chart.
    Chart,
}

/// The names that kustomize looks for in a folder.
pub(super) const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Words of a Dockerfile's name.
const WORDS: [&str; 2] = ["dockerfile", "containerfile"];

/// Endings of what is about Dockerfiles and is none.
const OTHERS: [&str; 6] = [".dockerignore", ".containerignore", ".md", ".mdx", ".rst", ".adoc"];

impl FileKind {
    /// The kind that a file's name says it is.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        if KUSTOMIZATIONS.contains(&name) {
            return Some(Self::Kustomization);
        }
        if name == "Chart.yaml" {
            return Some(Self::Chart);
        }
        let name = name.to_ascii_lowercase();
        let is_other = OTHERS.iter().any(|ending| name.ends_with(ending));
        if name.ends_with(".yml") || name.ends_with(".yaml") {
            Some(Self::Yaml)
        } else if is_other {
            None
        } else if WORDS.iter().any(|word| is_named(&name, word)) {
            Some(Self::Dockerfile)
        } else if WORDS.iter().any(|word| name.contains(word)) {
            Some(Self::PerhapsDockerfile)
        } else {
            None
        }
    }
}

/// `Dockerfile`, `x.Dockerfile`, `x-Dockerfile`.
fn is_named(name: &str, word: &str) -> bool {
    name == word || name.strip_suffix(word).is_some_and(|before| before.ends_with(['.', '-', '_']))
}

/// Whether a text begins as a Dockerfile does: behind comments, with `FROM`, or with `ARG` before one.
pub(super) fn begins_as_dockerfile(text: &str) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = |line: &&str| !line.is_empty() && !line.starts_with('#') && !is_of_template(line);
    let mut lines = text.lines().map(str::trim).filter(first);
    let is = |line: &str, word: &str| {
        line.split_whitespace().next().is_some_and(|first| first.eq_ignore_ascii_case(word))
    };
    match lines.next() {
        Some(line) if is(line, "FROM") => line.split_whitespace().count() > 1 && !line.ends_with(';'),
        Some(line) if is(line, "ARG") => lines.any(|line| is(line, "FROM")),
        _ => false,
    }
}

/// A line of a template's own: `{% if x %}`, `{{- if x }}`, `<% if x %>`.
fn is_of_template(line: &str) -> bool {
    ["{{", "{%", "{#", "<%"].iter().any(|mark| line.starts_with(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_with_the_word_in_it_may_be_a_dockerfile() {
        for name in ["Dockerfile", "containerfile", "dev.Dockerfile", "foo.dockerfile", "web-Dockerfile"] {
            assert_eq!(FileKind::of(Path::new(name)), Some(FileKind::Dockerfile), "{name}");
        }
        for name in ["Dockerfile-connect", "Dockerfile_dev", "Dockerfile.py", "MyDockerfile", "Dockerfile2"] {
            assert_eq!(FileKind::of(Path::new(name)), Some(FileKind::PerhapsDockerfile), "{name}");
        }
        for name in ["Dockerfile.md", "Dockerfile.dockerignore", ".dockerignore", "main.rs", "docker-file"] {
            assert_eq!(FileKind::of(Path::new(name)), None, "{name}");
        }
    }

    #[test]
    fn a_dockerfile_begins_with_from_or_with_arg_before_one() {
        for text in ["# a\n\nFROM x", "from x AS y", "ARG A=1\nFROM x:$A", "{% if a %}\nFROM x\n{% endif %}"]
        {
            assert!(begins_as_dockerfile(text), "{text}");
        }
        for text in ["", "from x import y;", "import x", "ARG A", "FROM", "/* FROM x */", "package docker"] {
            assert!(!begins_as_dockerfile(text), "{text}");
        }
    }
}
