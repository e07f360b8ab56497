//! The tables of traps and threats name the tests that hold them; a test that was renamed or removed must not stay in them.
//! Every link leads somewhere, every page is in the site's contents, and README is short.

use std::path::Path;

use crate::pages::{anchors, book, links, pages, read, root};

const TABLES: [&str; 2] = ["docs/traps.md", "THREAT-MODEL.md"];

/// The files of source that a text names between backticks, each with the function in it: `path::name`.
fn named(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let code = text.split('`').skip(1).step_by(2);
    let parts =
        code.map(|code| code.split_once("::").map_or((code, None), |(path, name)| (path, Some(name))));
    parts.filter(|(path, name)| path.ends_with(".rs") || (path.ends_with(".py") && name.is_some()))
}

/// The rows of a text's tables, without their heads.
fn rows(text: &str) -> impl Iterator<Item = &str> {
    let lines: Vec<&str> = text.lines().collect();
    let head =
        |index: usize, lines: &[&str]| lines.get(index + 1).is_some_and(|next| next.starts_with("|---"));
    let rows: Vec<&str> = (0..lines.len())
        .filter(|index| {
            lines[*index].starts_with('|') && !lines[*index].starts_with("|---") && !head(*index, &lines)
        })
        .map(|index| lines[index])
        .collect();
    rows.into_iter()
}

#[test]
fn every_test_that_a_table_names_exists() {
    let mut count = 0;
    for table in TABLES {
        let text = read(table);
        for (path, name) in rows(&text).flat_map(named) {
            let name = name.unwrap_or_else(|| panic!("{table} names {path} without the test in it"));
            let source = read(path);
            let heads = [format!("fn {name}("), format!("fn {name}<"), format!("def {name}(")];
            let found = heads.iter().any(|text| source.contains(text));
            assert!(found, "{table} names {path}::{name}, which is not there");
            count += 1;
        }
    }
    assert!(count > 60, "only {count} tests are named");
}

#[test]
fn every_trap_and_every_line_of_the_threat_model_names_its_test() {
    for table in TABLES {
        let text = read(table);
        for row in rows(&text) {
            assert!(named(row).next().is_some(), "{table}: {row}");
        }
        assert!(rows(&text).count() > 60, "{table} has a table");
    }
}

/// The page that a link leads to and the heading in it; none for other sites.
fn target(page: &str, link: &str) -> Option<(String, Option<String>)> {
    if link.is_empty() || link.starts_with("https://") {
        return None;
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, id)| (path, Some(id.to_owned())));
    if path.is_empty() {
        return Some((page.to_owned(), anchor));
    }
    let mut way: Vec<&str> = page.split('/').collect();
    way.pop();
    for step in path.split('/') {
        match step {
            ".." => assert!(way.pop().is_some(), "{page}: {link} leads out of the project"),
            step => way.push(step),
        }
    }
    Some((way.join("/"), anchor))
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_are_there() {
    let mut count = 0;
    for page in pages() {
        let text = read(&page);
        for link in links(&text) {
            let Some((path, anchor)) = target(&page, &link) else { continue };
            assert!(root(&path).exists(), "{page}: {link}");
            if let Some(anchor) = anchor {
                assert!(
                    anchors(&read(&path)).contains(&anchor),
                    "{page}: {link}: {path} has no such heading"
                );
            }
            count += 1;
        }
    }
    assert!(count > 150, "only {count} links were found");
}

#[test]
fn every_page_is_in_the_contents_of_the_site_and_leads_out_of_it_only_by_an_address() {
    let contents: Vec<String> = links(&read("docs/SUMMARY.md"));
    for page in book() {
        let name = page.strip_prefix("docs/").unwrap();
        assert!(contents.iter().any(|link| link == name), "docs/SUMMARY.md lacks {name}");
        let inside = |(path, _): &(String, _)| Path::new(path).starts_with("docs");
        let text = read(&page);
        let out: Vec<_> = links(&text)
            .into_iter()
            .filter(|link| target(&page, link).is_some_and(|to| !inside(&to)))
            .collect();
        assert_eq!(out, [""; 0], "{page}: the site has no such page");
    }
}

#[test]
fn readme_is_an_entrance() {
    let lines = read("README.md").lines().count();
    assert!(lines <= 170, "{lines} lines: move what is more into docs/");
}
