//! The documentation as text: its pages, their headings, links and blocks.

use std::path::{Path, PathBuf};

/// A file of the project.
pub(crate) fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(root(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every page that people read, by its path from the project's root.
pub(crate) fn pages() -> Vec<String> {
    let elsewhere = ["infra/README.md", "fuzz/README.md", "tests/sandbox/README.md"];
    let mut pages = elsewhere.map(str::to_owned).to_vec();
    pages.extend(markdown("", false));
    pages.extend(markdown("docs", true));
    pages.sort();
    pages
}

/// The pages of the site.
pub(crate) fn book() -> Vec<String> {
    markdown("docs", true).into_iter().filter(|page| page != "docs/SUMMARY.md").collect()
}

fn markdown(folder: &str, deep: bool) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root(folder)).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        if entry.file_type().unwrap().is_dir() {
            found.extend(if deep { markdown(&path, true) } else { Vec::new() });
        } else if path.ends_with(".md") {
            found.push(path);
        }
    }
    found
}

/// A page without its blocks of code.
pub(crate) fn prose(text: &str) -> String {
    let mut inside = false;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The ids of a page's headings, as GitHub and mdBook make them.
pub(crate) fn anchors(text: &str) -> Vec<String> {
    let prose = prose(text);
    let headings = prose.lines().filter_map(|line| line.strip_prefix('#'));
    let id = |heading: &str| {
        let kept = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        heading.trim_start_matches('#').trim().to_lowercase().chars().filter(|c| kept(*c)).collect::<String>()
    };
    headings.map(|heading| id(heading).replace(' ', "-")).collect()
}

/// Where the links of a page lead.
pub(crate) fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    // A link that is shown as code is none.
    let outside: String = prose.split('`').step_by(2).collect::<Vec<_>>().join("`");
    let ends = outside.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    ends.map(|(target, _)| target.to_owned()).collect()
}
