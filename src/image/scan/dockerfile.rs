//! The images that a Dockerfile pulls: its base images, what it copies or mounts from, and its own parser.

use std::collections::BTreeSet;

use super::dockerfile_lines::{Instruction, Word, directives, instructions};
use super::finds::{At, Finds, Found};
use super::variables::{Value, Variables};

/// Variables that the builder sets (docs.docker.com/reference/dockerfile, "automatic platform ARGs in the global scope").
const PLATFORM: [&str; 8] = [
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETARCH",
    "TARGETVARIANT",
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDARCH",
    "BUILDVARIANT",
];

/// The place of the parser's image, which no build context takes.
const SYNTAX: &str = "# syntax";

/// The base of an image that has none.
const SCRATCH: &str = "scratch";

/// Reads a Dockerfile.
pub(super) fn read(text: &str) -> Finds {
    read_within(text, &[])
}

/// Reads a Dockerfile that is built with contexts of these names.
pub(super) fn read_within(text: &str, contexts: &[String]) -> Finds {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let directives = directives(text);
    let mut variables = Variables::of_dockerfile(directives.escape);
    for name in PLATFORM {
        variables.set(name, Value::Foreign);
    }
    let instructions = instructions(text, directives.escape);
    let froms = instructions.iter().filter(|instruction| instruction.name == "FROM");
    let named = froms.filter_map(|from| stage(&from.words).1).collect();
    let mut build = Build { named, stages: Vec::new(), variables, finds: Finds::default() };
    if let Some(syntax) = directives.syntax {
        build.finds.image(syntax.at, SYNTAX, &syntax.text);
    }
    for instruction in &instructions {
        build.step(instruction);
    }
    leave_contexts(&mut build.finds, contexts);
    build.finds
}

/// Leaves out what is the name of a build context, which BuildKit takes before any image.
pub(super) fn leave_contexts(finds: &mut Finds, contexts: &[String]) {
    let is_context = |found: &Found| {
        let image = format!("{}{}", found.image.name, found.image.version);
        let name = image.strip_suffix(":latest").unwrap_or(&image);
        contexts.iter().any(|context| context.strip_suffix(":latest").unwrap_or(context) == name)
    };
    finds.found.retain(|found| found.place == SYNTAX || !is_context(found));
}

struct Build {
    /// The names of all stages: BuildKit copies and mounts from later ones, too.
    named: BTreeSet<String>,
    /// The names of the stages so far, which alone can be built on; empty for a stage without one.
    stages: Vec<String>,
    /// Those before the first stage: no others count where an image is named.
    variables: Variables,
    finds: Finds,
}

impl Build {
    fn step(&mut self, instruction: &Instruction) {
        match instruction.name.as_str() {
            "ARG" if self.stages.is_empty() => self.declare(&instruction.words),
            "FROM" => self.stage(instruction),
            "COPY" => self.copy(&instruction.words),
            "RUN" => self.mounts(&instruction.words),
            "ONBUILD" => self.on_build(instruction),
            _ => {}
        }
    }

    /// `ARG NAME`, `ARG NAME=default OTHER=default`
    fn declare(&mut self, words: &[Word]) {
        for word in words {
            let (name, value) = match word.text.split_once('=') {
                Some((name, default)) => (name, Value::Set(self.variables.expand(default))),
                None => (word.text.as_str(), Value::Unset),
            };
            // A platform variable that is declared without a default keeps the builder's value.
            if value != Value::Unset || !PLATFORM.contains(&name) {
                self.variables.set(name, value);
            }
        }
    }

    fn stage(&mut self, instruction: &Instruction) {
        let (base, name) = stage(&instruction.words);
        match base {
            Some(base) => {
                let image = self.variables.expand(&base.text);
                if !self.stages.contains(&image.to_lowercase()) {
                    self.pull(base.at, "FROM", &image);
                }
            }
            None => self.finds.skip(instruction.at, "`FROM` without an image"),
        }
        self.stages.push(name.unwrap_or_default());
    }

    /// `COPY --from=image …`; BuildKit puts no variables in.
    fn copy(&mut self, words: &[Word]) {
        for word in words.iter().take_while(|word| word.text.starts_with("--")) {
            if let Some(source) = word.text.strip_prefix("--from=") {
                let at = shifted(word.at, "--from=");
                self.pull_unless_stage(at, "COPY --from", source);
            }
        }
    }

    /// `RUN --mount=type=bind,from=image,…`
    fn mounts(&mut self, words: &[Word]) {
        for word in words.iter().take_while(|word| word.text.starts_with("--")) {
            let Some(mount) = word.text.strip_prefix("--mount=") else { continue };
            let mut before = "--mount=".to_owned();
            for field in mount.split(',') {
                if let Some(source) = field.strip_prefix("from=") {
                    let at = shifted(word.at, &format!("{before}from="));
                    self.pull_unless_stage(at, "RUN --mount", source);
                }
                before += field;
                before.push(',');
            }
        }
    }

    /// The instruction that an image built on this one will run.
    fn on_build(&mut self, instruction: &Instruction) {
        let Some((name, words)) = instruction.words.split_first() else { return };
        match name.text.to_ascii_uppercase().as_str() {
            "COPY" => self.copy(words),
            "RUN" => self.mounts(words),
            _ => {}
        }
    }

    /// A stage may be meant by its number, too.
    fn pull_unless_stage(&mut self, at: At, place: &str, source: &str) {
        let source = source.trim_matches(['"', '\'']);
        let is_stage = source.parse::<usize>().is_ok() || self.named.contains(&source.to_lowercase());
        if !is_stage {
            self.pull(at, place, source);
        }
    }

    fn pull(&mut self, at: At, place: &str, image: &str) {
        if image != SCRATCH {
            self.finds.image(at, place, image);
        }
    }
}

/// The base and the stage's name, in lower case, of `FROM [--platform=…] base [AS name]`.
fn stage(words: &[Word]) -> (Option<&Word>, Option<String>) {
    let mut words = words.iter().skip_while(|word| word.text.starts_with("--"));
    let base = words.next();
    let named = words.next().is_some_and(|word| word.text.eq_ignore_ascii_case("as"));
    (base, words.next().filter(|_| named).map(|word| word.text.to_lowercase()))
}

/// The position behind a text that stands at a position.
fn shifted(at: At, text: &str) -> At {
    At { line: at.line, column: at.column + text.chars().count() }
}
