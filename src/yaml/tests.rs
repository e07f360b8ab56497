use proptest::prelude::*;

use super::*;

fn document(text: &str) -> Document {
    let first = documents(text).next().expect("the text is not empty");
    first.unwrap_or_else(|error| panic!("{error:?} in {text:?}"))
}

fn refusal(text: &str) -> (At, String) {
    let error = documents(text).find_map(Result::err).unwrap_or_else(|| panic!("{text:?} is taken"));
    (error.at, error.reason)
}

fn at(line: usize, column: usize) -> At {
    At { line, column }
}

/// The tree in one line: quoted texts in quotes, nothing as `~`.
fn shown(node: &Node) -> String {
    match &node.kind {
        Kind::Scalar(scalar) if scalar.is_null() => "~".to_owned(),
        Kind::Scalar(scalar) if scalar.style == Style::Plain => scalar.text.to_string(),
        Kind::Scalar(scalar) => format!("{:?}", scalar.text),
        Kind::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Kind::Map(entries) => {
            let entries = entries.iter().map(|entry| format!("{}: {}", entry.key, shown(&entry.value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

fn read(text: &str) -> String {
    shown(&document(text).root)
}

#[test]
fn every_key_and_value_has_its_place() {
    for mark in ["", "\u{feff}"] {
        let document = document(&format!("{mark}a: 1\nb:\n  é: {{c: x}}\n"));
        let a = document.root.get("a").expect("a");
        assert_eq!((a.at, a.value.at), (at(1, 1), at(1, 4)));
        let b = document.root.get("b").expect("b");
        let inner = b.value.get("é").and_then(|entry| entry.value.get("c")).expect("c");
        assert_eq!((b.at, inner.at, inner.value.at), (at(2, 1), at(3, 7), at(3, 10)));
    }
}

#[test]
fn a_text_is_taken_in_every_form_that_libyaml_takes() {
    for (text, tree) in [
        ("a: [\n  x,\n  y\n]\nb: {\n  c: d\n}\n", "{a: [x, y], b: {c: d}}"),
        ("a:\n  b: [\n  x,\n  ]\n", "{a: {b: [x]}}"),
        ("a: 'x\nb'\nc: \"y\n  z\"\n", "{a: \"x b\", c: \"y z\"}"),
        ("a:\tb\nc: \t d\n", "{a: b, c: d}"),
        ("\u{feff}a: b\n", "{a: b}"),
        ("a: |\n  x\n  y", "{a: \"x\\ny\"}"),
        ("a: |\n  x\n  y\n", "{a: \"x\\ny\\n\"}"),
        ("a: >-\n  x\n  y\n", "{a: \"x y\"}"),
        ("a:\nb: ~\nc: ''\nd: null\n", "{a: ~, b: ~, c: \"\", d: ~}"),
        ("%YAML 1.1\n---\na: b\n...\n", "{a: b}"),
        ("a:\r\n  - b\r\n", "{a: [b]}"),
        ("a: b # c\n# d\n", "{a: b}"),
        ("? a\n: b\n", "{a: b}"),
        ("a: {b, c: d}\n", "{a: {b: ~, c: d}}"),
        ("a: !!str 5\nb: !x y\nc: ! z\n", "{a: 5, b: y, c: z}"),
    ] {
        assert_eq!(read(text), tree, "{text:?}");
    }
}

#[test]
fn documents_are_read_one_by_one_each_with_its_place() {
    let read: Vec<_> = documents("a: 1\n---\n- b\n--- # empty\n")
        .map(|document| document.expect("it is good"))
        .map(|document| (document.at, shown(&document.root)))
        .collect();
    let expected = [(at(1, 1), "{a: 1}"), (at(2, 1), "[b]"), (at(4, 1), "~")];
    assert_eq!(read, expected.map(|(at, tree)| (at, tree.to_owned())));
    for empty in ["", "\n\n", "# a comment\n", "\u{feff}"] {
        assert!(documents(empty).next().is_none(), "{empty:?}");
    }
    let mut broken = documents("a: 1\n---\n{broken\n---\nb: 2\n");
    assert!(broken.next().is_some_and(|first| first.is_ok()));
    assert!(broken.next().is_some_and(|second| second.is_err()));
    assert!(broken.next().is_none());
}

#[test]
fn a_syntax_error_is_told_with_its_line_and_column() {
    let (place, reason) = refusal("config:\n  a: b: c\n");
    assert_eq!(place.line, 2, "{reason}");
    for text in ["a: \"x\nb: y\n", "a: *nothing\n", "a: [b\n", "a:\n\t- b\n", "{{ x }}: y\n- z\n"] {
        let (place, reason) = refusal(text);
        assert!(place.line >= 1 && !reason.is_empty() && !reason.contains("nothing"), "{text:?} {reason}");
    }
}

#[test]
fn aliases_and_merge_keys_stand_for_what_they_name() {
    for (text, tree) in [
        ("a: &x {r: 1}\nb: *x\n", "{a: {r: 1}, b: {r: 1}}"),
        ("a: &x v\n*x : w\n", "{a: v, v: w}"),
        ("b: &b {r: 1, s: 1}\nc:\n  <<: *b\n  s: 2\n", "{b: {r: 1, s: 1}, c: {s: 2, r: 1}}"),
        ("c:\n  s: 2\n  <<: {r: 1, s: 1}\n", "{c: {s: 2, r: 1}}"),
        ("<<: [{a: 1}, {a: 2, b: 3}]\n", "{a: 1, b: 3}"),
        ("<<: []\na: 1\n", "{a: 1}"),
        ("!!merge x: {a: 1}\n", "{a: 1}"),
        ("'<<': x\n", "{<<: x}"),
        ("!!str <<: x\n", "{<<: x}"),
    ] {
        assert_eq!(read(text), tree, "{text:?}");
    }
    let base = document("b: &b {r: 1}\nc: {<<: *b}\n");
    let merged = base.root.get("c").and_then(|c| c.value.get("r")).expect("it is merged");
    assert_eq!(merged.at, at(1, 8));
    for wrong in ["<<: x\n", "<<: [{a: 1}, b]\n", "<<: [[{a: 1}]]\n", "<<:\n"] {
        assert_eq!(refusal(wrong), (at(1, 1), "`<<` needs a map, or a list of maps".to_owned()), "{wrong}");
    }
    assert_eq!(refusal("a: &a [*a]\n").1, "the alias is inside what it is an alias for");
}

#[test]
fn keys_that_owners_differ_about_are_told_as_flaws() {
    let flaws = |text: &str| {
        let document = document(text);
        let said: Vec<_> = document.flaws.iter().map(|flaw| (flaw.at(), flaw.to_string())).collect();
        (said, shown(&document.root))
    };
    let twice =
        |key: &str, line| format!("the key `{key}` is here a second time: it is already on line {line}");
    let (said, tree) = flaws("a: 1\nb: {c: 1, 'c': 2}\na: 3\n");
    assert_eq!(said, [(at(2, 11), twice("c", 2)), (at(3, 1), twice("a", 1))]);
    assert_eq!(tree, "{a: 3, b: {c: 2}}");
    let (said, _) = flaws("<<: {a: 1}\n<<: {b: 1}\n");
    assert_eq!(said, [(at(2, 1), twice("<<", 1))]);
    let (said, tree) = flaws("a: {{ x }}\n? [b]\n: c\nd: e\n");
    let key = "a list or a map cannot be a key";
    assert_eq!(said, [(at(1, 5), key.to_owned()), (at(2, 3), key.to_owned())]);
    assert_eq!(tree, "{a: {}, d: e}");
    assert_eq!(flaws("base: &b {a: 1}\nown: {<<: *b, a: 2}\n").0, []);
}

#[test]
fn a_text_cannot_exhaust_the_memory_the_stack_or_the_time() {
    let blocks: String = (0..300).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    // Every line is as deep as what it names, and one more.
    let chain: String = (1..500).map(|line| format!("a{line}: &a{line} [*a{}]\n", line - 1)).collect();
    let flow = format!("{}{}", "[".repeat(300), "]".repeat(300));
    for deep in [flow, "- ".repeat(300), blocks, format!("a0: &a0 x\n{chain}")] {
        assert_eq!(refusal(&deep).1, "the values are nested too deeply");
    }
    let laughs: String = (1..10)
        .map(|level| format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(", ")))
        .collect();
    assert_eq!(refusal(&format!("a0: &a0 [x, x]\n{laughs}")).1, "the file has too many values");
    let merges: String = (1..20)
        .map(|level| format!("a{level}: &a{level} {{x: *a{0}, y: *a{0}, <<: *a{0}}}\n", level - 1))
        .collect();
    assert_eq!(refusal(&format!("a0: &a0 {{v: w}}\n{merges}")).1, "the file has too many values");
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>(), marks in "[-a:1 \n\t\r?{}\\[\\],&*!|>'\"#%@`<.~\u{feff}]{0,60}") {
        let _ = (documents(&text).count(), documents(&marks).count());
    }
}
