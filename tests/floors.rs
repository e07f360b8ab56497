//! The house has floors: a room of `src` uses only rooms of lower floors, and no system knows another. What the code says
//! counts, not this list alone: every path that begins with `crate` or `super` is followed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// The rooms, from the ground up. Rooms of one floor do not know each other.
const FLOORS: &[&[&str]] = &[
    &["dotenv", "files", "once", "redact"],
    &["go", "model", "program"],
    &["docker_config", "env", "vault", "yaml"],
    &["net"],
    &["aws", "change", "registry"],
    &["image", "sources", "targets"],
    &["systems"],
    &["desired"],
    &["plan"],
    &["report", "rotation"],
    &["error", "execute", "prove", "ui", "verify"],
    &["fleet"],
    &["view"],
    &["cli"],
    &["commands"],
    &["lib", "main"],
];

/// A file of `src`, by its path in it.
struct File {
    path: String,
    text: String,
}

#[test]
fn no_room_uses_a_room_of_its_own_floor_or_of_a_higher_one() {
    let files = files();
    assert!(files.len() > 100, "src was read");
    let faults: Vec<String> = files.iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_room_stands_on_one_floor() {
    let rooms: BTreeSet<String> = files().iter().map(|file| room(&file.path).to_owned()).collect();
    let listed: Vec<&str> = FLOORS.iter().flat_map(|floor| floor.iter().copied()).collect();
    let distinct: BTreeSet<String> = listed.iter().map(|room| (*room).to_owned()).collect();
    assert_eq!(listed.len(), distinct.len(), "a room stands on two floors");
    assert_eq!(rooms, distinct, "the rooms of src, and those of FLOORS in this file");
}

#[test]
fn an_import_that_runs_up_is_found_however_it_is_written_and_told_with_the_way_out() {
    let told = |path: &str, text: &str| faults(&File { path: path.to_owned(), text: text.to_owned() });
    let up = "src/model/x.rs uses `crate::plan`, which is above it (floor 8, model is on floor 1): move what both need to a \
              lower room, or hand it in as a value";
    for text in [
        "use crate::plan::Plan;",
        "use crate::{model::Address, plan::{self, Plan}};",
        "fn f() -> crate::plan::Plan { todo() }",
        "mod inner { use super::super::super::plan::Plan; }",
        "fn f() { println!(\"{}\", crate::plan::NAME); }",
        "macro_rules! m { () => { $crate::plan::plan() } }",
    ] {
        assert_eq!(told("model/x.rs", text), [up], "{text}");
    }
    assert!(told("vault.rs", "use super::yaml::Node;")[0].contains("beside it"));
    assert!(
        told("targets/aws/read.rs", "use crate::targets::github;")[0].contains("no system knows another")
    );
    assert!(
        told("targets/aws/read.rs", "use super::super::github::Client;")[0]
            .contains("no system knows another")
    );
    for (path, text) in [
        ("plan/mod.rs", "use crate::model::Address; use self::order::settle; mod order {}"),
        ("targets/aws/read.rs", "use super::Desired; use crate::targets::Proof; use super::super::Look;"),
        ("model/x.rs", "use super::Address; use std::fmt; use serde_json::plan::Plan;"),
    ] {
        assert_eq!(told(path, text), [""; 0], "{text}");
    }
}

fn files() -> Vec<File> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("src can be read") {
            let path: PathBuf = entry.expect("src can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source file is text");
                let path =
                    path.strip_prefix(&src).expect("it is below src").to_string_lossy().replace('\\', "/");
                files.push(File { path, text });
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

/// The modules that a file is in: `targets/aws/read.rs` is `["targets", "aws", "read"]`.
fn modules(path: &str) -> Vec<String> {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    path.strip_suffix("/mod").unwrap_or(path).split('/').map(str::to_owned).collect()
}

fn room(path: &str) -> &str {
    let first = path.split('/').next().unwrap_or(path);
    first.strip_suffix(".rs").unwrap_or(first)
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&room))
}

/// What is wrong with what a file uses, once for each.
fn faults(file: &File) -> Vec<String> {
    let parsed = syn::parse_file(&file.text).unwrap_or_else(|error| panic!("{}: {error}", file.path));
    let mut found = Paths { at: modules(&file.path), used: BTreeSet::new() };
    if room(&file.path) != "lib" && room(&file.path) != "main" {
        found.visit_file(&parsed);
    }
    let own = modules(&file.path);
    found
        .used
        .iter()
        .filter_map(|used| fault(&file.path, &own, used))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

fn fault(path: &str, own: &[String], used: &[String]) -> Option<String> {
    let (room, other) = (own.first()?.as_str(), used.first()?.as_str());
    if room == other {
        let systems = |at: &[String]| (at[0] == "targets").then(|| at.get(1).cloned()).flatten();
        let (system, another) = (systems(own)?, systems(used)?);
        let folder =
            |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("src/targets").join(name).is_dir();
        let differs = system != another && folder(&another) && folder(&system);
        return differs
            .then(|| format!("src/{path} uses `crate::targets::{another}`: no system knows another"));
    }
    let (below, above) = (floor(room)?, floor(other)?);
    let remedy = "move what both need to a lower room, or hand it in as a value";
    let words = match below.cmp(&above) {
        std::cmp::Ordering::Greater => return None,
        std::cmp::Ordering::Equal => format!("which is beside it (both on floor {above})"),
        std::cmp::Ordering::Less => format!("which is above it (floor {above}, {room} is on floor {below})"),
    };
    Some(format!("src/{path} uses `crate::{other}`, {words}: {remedy}"))
}

/// Collects the paths that lead to other modules of the crate, resolved from its root.
struct Paths {
    at: Vec<String>,
    used: BTreeSet<Vec<String>>,
}

impl Paths {
    /// A path as it is written, from here.
    fn add(&mut self, path: &[String]) {
        let supers = path.iter().take_while(|word| *word == "super").count();
        let (base, rest) = match path.first().map(String::as_str) {
            Some("crate") => (&[][..], &path[1..]),
            Some("super") => (&self.at[..self.at.len().saturating_sub(supers)], &path[supers..]),
            _ => return,
        };
        let resolved: Vec<String> = base.iter().chain(rest).take(2).cloned().collect();
        self.used.insert(resolved);
    }

    fn tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.add(&with(&name.ident)),
            syn::UseTree::Rename(rename) => self.add(&with(&rename.ident)),
            syn::UseTree::Glob(_) => self.add(before),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(before, tree)),
        }
    }

    /// Inside a macro's call there are only words: what follows `crate::` and `super::` is a path all the same.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        for token in tokens {
            match token {
                TokenTree::Ident(word) if path.is_empty() || path.last().is_some_and(|last| last == "::") => {
                    path.push(word.to_string());
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' && !path.is_empty() => {
                    if path.last().is_some_and(|last| last == ":") {
                        path.pop();
                        path.push("::".to_owned());
                    } else {
                        path.push(":".to_owned());
                    }
                }
                other => {
                    self.words(&mut path);
                    match other {
                        TokenTree::Group(group) => self.tokens(group.stream()),
                        TokenTree::Ident(word) => path.push(word.to_string()),
                        TokenTree::Punct(_) | TokenTree::Literal(_) => {}
                    }
                }
            }
        }
        self.words(&mut path);
    }

    fn words(&mut self, path: &mut Vec<String>) {
        let words: Vec<String> = path.drain(..).filter(|word| !word.starts_with(':')).collect();
        self.add(&words);
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        self.at.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.at.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.add(&words);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}
