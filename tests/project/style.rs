//! The part of `docs/style.md` that a test can hold, over the documentation and over every text in `src/`.

use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::pages::{anchors, pages, prose, read, root};

/// Words that `docs/style.md` replaces. A space at an end is the end of a word.
const FORBIDDEN: [&str; 31] = [
    "stops to ",
    "told no ",
    "limit told",
    "is no address",
    "are no text",
    "as good without",
    " anew",
    "no record of ours",
    " our last",
    " our statement",
    " by now ",
    "cannot be told",
    "in place of",
    " all the same",
    " is none of ",
    "is no object",
    "is no text",
    " that is no ",
    " that are no ",
    "liberties",
    " papers",
    "simply ",
    "obviously",
    " please",
    " colors",
    " behavior",
    " honor",
    "organis",
    "recognis",
    "optimis",
    "initialis",
];

/// Every file of Rust in `src/`.
fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|kind| kind == "rs") {
            found.push(entry.strip_prefix(root("")).unwrap().to_str().unwrap().to_owned());
        }
    }
}

/// The texts in a file, without those of its tests and of its comments; the comments of `cli.rs` are what `--help` says.
fn texts(path: &str) -> Vec<String> {
    let tokens: TokenStream = read(path).parse().unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut found = Vec::new();
    collect(tokens, path == "src/cli.rs", &mut found);
    found
}

fn collect(tokens: TokenStream, comments: bool, found: &mut Vec<String>) {
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Literal(literal) => {
                if let syn::Lit::Str(text) = syn::Lit::new(literal) {
                    found.push(text.value());
                }
            }
            TokenTree::Group(group) if group.stream().to_string() == "cfg (test)" => {
                // What it stands before: up to the braces of the module or function.
                let brace = |token: &TokenTree| matches!(token, TokenTree::Group(it) if it.delimiter() == Delimiter::Brace);
                tokens.by_ref().find(brace);
            }
            TokenTree::Group(group) if !comments && group.stream().to_string().starts_with("doc =") => {}
            TokenTree::Group(group) => collect(group.stream(), comments, found),
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// Every text of the program, with its file.
fn program() -> Vec<(String, String)> {
    let mut files = Vec::new();
    sources(&root("src"), &mut files);
    let texts = files.iter().flat_map(|path| texts(path).into_iter().map(move |text| (path.clone(), text)));
    texts.collect()
}

/// What people read of the documentation.
fn documentation() -> Vec<(String, String)> {
    let pages = pages().into_iter().filter(|page| page != "docs/style.md");
    pages.map(|page| (page.clone(), prose(&read(&page)))).collect()
}

/// "1 requests", in a text that counts.
fn counts_wrongly(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let plural = |word: &str| {
        let not = ["is", "was", "has", "as", "plus", "minus", "this", "ms", "us"];
        word.len() > 2 && word.ends_with('s') && word.chars().all(char::is_alphabetic) && !not.contains(&word)
    };
    let wrong = words.windows(2).find(|pair| pair[0] == "1" && plural(pair[1]));
    wrong.map(|pair| pair.join(" "))
}

/// What stands around a place of a text.
fn around(text: &str, at: usize) -> &str {
    let from = (0..=at.saturating_sub(40)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let to = (at + 40..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    &text[from..to]
}

#[test]
fn no_word_is_one_that_the_style_guide_replaces() {
    let all: Vec<_> = program().into_iter().chain(documentation()).collect();
    let spaced =
        |text: &str| format!(" {} ", text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase());
    let words = |(place, text): &(String, String)| {
        let text = spaced(text);
        let found = FORBIDDEN.into_iter().filter_map(|word| Some(around(&text, text.find(word)?)));
        found.map(|words| format!("{place}: {words}\n")).collect::<String>()
    };
    let wrong: String = all.iter().map(words).collect();
    assert!(wrong.is_empty(), "{wrong}");
    assert!(all.len() > 2000, "only {} texts were read", all.len());
}

#[test]
fn one_of_something_is_not_counted_as_several() {
    assert_eq!(counts_wrongly("after 1 requests"), Some("1 requests".to_owned()));
    assert_eq!(counts_wrongly("this is 1 request, and the code 1 is"), None);
    for (place, text) in program().into_iter().chain(documentation()) {
        assert_eq!(counts_wrongly(&text), None, "{place}: {text}");
    }
}

/// The messages of errors: what stands in `#[error("…")]`, and what constructors of errors are given.
fn messages(tokens: TokenStream, found: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        if is_error(&tokens[..index]) {
            collect(group.stream(), false, found);
        }
        messages(group.stream(), found);
    }
}

/// Whether what stands before makes an error: `error(…)`, `Problem::outside(…)`, `Error::invalid(…)`, `.hint(…)`.
fn is_error(before: &[TokenTree]) -> bool {
    let last: Vec<String> = before.iter().rev().take(4).map(ToString::to_string).collect();
    match last.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["hint" | "hints", "." | ":", ..] | ["error"] => true,
        [_, ":", ":", kind] => kind == "Problem" || kind == "Error",
        _ => false,
    }
}

#[test]
fn an_error_and_a_hint_of_one_sentence_end_without_a_full_stop() {
    let mut files = Vec::new();
    sources(&root("src"), &mut files);
    let mut count = 0;
    for path in files {
        let mut found = Vec::new();
        messages(read(&path).parse().unwrap(), &mut found);
        count += found.len();
        for text in found {
            assert!(!text.ends_with('.') || text.ends_with("…") || text.contains(". "), "{path}: {text}");
        }
    }
    assert!(count > 200, "only {count} messages were found");
}

#[test]
fn a_hint_names_pages_and_headings_that_are_there() {
    let mut count = 0;
    for (place, text) in program() {
        for rest in text.split("docs/").skip(1) {
            let Some((name, rest)) = rest.split_once(".md") else { continue };
            let page = format!("docs/{name}.md");
            assert!(root(&page).exists(), "{place}: {text}");
            if let Some((heading, _)) = rest.strip_prefix(", \"").and_then(|rest| rest.split_once('"')) {
                let id = heading.to_lowercase().replace(' ', "-");
                assert!(anchors(&read(&page)).contains(&id), "{place}: {text}");
            }
            count += 1;
        }
        assert!(!text.contains("README, "), "{place}: whoever has the program has no README: {text}");
    }
    assert!(count >= 5, "only {count} hints name a page");
}
