//! The tables of traps and threats name the tests that hold them; a test that was renamed or removed must not stay in them.

use std::path::Path;

const TABLES: [&str; 2] = ["docs/traps.md", "THREAT-MODEL.md"];

fn read(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{path}: {error}"))
}

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
