//! The next command, as it is printed: it selects and allows what this run did, so that it does what was shown.

use std::borrow::Cow;

use crate::model::Problem;

/// What only a rotation takes: where the new value comes from, and that the old one stays on for now.
const BEGINS: [&str; 3] = ["--from", "--mint", "--keep-old"];

/// The same of how it ends, which is of use until it has ended.
const ENDS: [&str; 4] = ["--drain", "--old", "--delete-after", "--accept-unknown"];

/// What a run is given when it is run again.
const THIS_ROTATION: [&str; 6] =
    ["--expect", "--yes", "--allow-delete", "--accept-unknown", "--keep-old", "--credential"];

/// The flags of a run that the next command keeps.
#[derive(Clone, Debug, Default)]
pub struct Again(Vec<(&'static str, Option<String>)>);

impl Again {
    /// Of these flags; one that is a list has its items joined by commas.
    #[must_use]
    pub fn new(flags: Vec<(&'static str, Option<String>)>) -> Self {
        Self(flags)
    }

    /// A command of regcred, such as `sync --yes`, with the flags that it lacks and can take.
    #[must_use]
    pub fn command(&self, command: &str) -> String {
        // What is approved, and what goes on when more is allowed, is this rotation; others take the value from elsewhere.
        self.with(command, command.split(' ').any(|word| THIS_ROTATION.contains(&word)))
    }

    /// The command that goes on with this run: the same one, as nothing is kept of where it ended.
    #[must_use]
    pub fn same(&self, command: &str) -> String {
        self.with(command, true)
    }

    fn with(&self, command: &str, is_this: bool) -> String {
        let (own, piped) = command.split_at(command.find(" | ").unwrap_or(command.len()));
        let has = |flag: &str| own.split(' ').any(|word| word == flag);
        let takes = |flag: &str| match own.split(' ').next() {
            name if BEGINS.contains(&flag) => name == Some("rotate") && is_this,
            name if ENDS.contains(&flag) => name == Some("rotate") && (is_this || !has("--from")),
            Some("plan" | "sync" | "verify") => true,
            Some("remove") => !matches!(flag, "--rewrite" | "--allow-replace"),
            Some("rotate") => !matches!(flag, "--rewrite" | "--allow-replace" | "--shard"),
            Some("rbac") => matches!(flag, "-C" | "--file" | "--allow-replace"),
            Some("init" | "image") => flag == "-C",
            _ => false,
        };
        let lacking = |flag: &str| takes(flag) && !has(flag);
        let flags = self.0.iter().filter(|(flag, _)| lacking(flag)).map(|(flag, value)| match value {
            Some(value) => format!(" {flag} {}", quoted(value)),
            None => format!(" {flag}"),
        });
        format!("regcred {own}{}{piped}", flags.collect::<String>())
    }

    /// A hint; the command at its end, if it has one, with the flags.
    #[must_use]
    pub fn hint(&self, hint: &str) -> String {
        match hint.rsplit_once("regcred ") {
            Some((words, command)) => words.to_owned() + &self.command(command),
            None => hint.to_owned(),
        }
    }

    /// A problem whose hints have the flags.
    #[must_use]
    pub fn problem(&self, problem: &Problem) -> Problem {
        Problem { hints: problem.hints.iter().map(|hint| self.hint(hint)).collect(), ..problem.clone() }
    }
}

/// A word as a shell takes it for nothing else. None has a NUL: the system would not have passed it.
fn quoted(word: &str) -> Cow<'_, str> {
    shlex::try_quote(word).unwrap_or(Cow::Borrowed(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_command_keeps_what_the_run_selected_and_allowed_and_says_it_once() {
        let value = |text: &str| Some(text.to_owned());
        let again = Again::new(vec![
            ("--file", value("my file's.yaml")),
            ("--stack", value("a,b")),
            ("--shard", value("2/4")),
            ("--allow-delete", None),
        ]);
        let flags = r#"--file "my file's.yaml" --stack 'a,b' --shard 2/4 --allow-delete"#;
        for (hint, expected) in [
            ("to see all: regcred plan -v", format!("to see all: regcred plan -v {flags}")),
            (
                "regcred sync --stack c",
                r#"regcred sync --stack c --file "my file's.yaml" --shard 2/4 --allow-delete"#.to_owned(),
            ),
            ("regcred init --file OTHER", "regcred init --file OTHER".to_owned()),
            (
                "put it out of use: regcred rotate",
                r#"put it out of use: regcred rotate --file "my file's.yaml" --stack 'a,b' --allow-delete"#
                    .to_owned(),
            ),
            (
                "allow it: regcred rbac prod | kubectl apply -f -",
                r#"allow it: regcred rbac prod --file "my file's.yaml" | kubectl apply -f -"#.to_owned(),
            ),
            ("kubectl create namespace NAME", "kubectl create namespace NAME".to_owned()),
        ] {
            assert_eq!(again.hint(hint), expected);
        }
        assert_eq!(Again::default().command("sync --yes"), "regcred sync --yes");
        let rotation =
            Again::new(vec![("--from", value("stdin")), ("--old", value("ci laptop")), ("--keep-old", None)]);
        assert_eq!(
            rotation.command("rotate --yes"),
            "regcred rotate --yes --from stdin --old 'ci laptop' --keep-old"
        );
        assert_eq!(
            rotation.command("rotate --allow-delete"),
            "regcred rotate --allow-delete --from stdin --old 'ci laptop' --keep-old"
        );
        for end in ["rotate", "rotate --drain 30m", "rotate --mint"] {
            assert_eq!(rotation.command(end), format!("regcred {end} --old 'ci laptop'"));
        }
        for other in ["rotate --from previous", "rotate --keep-old --from env --old x", "sync --yes"] {
            assert_eq!(rotation.command(other), format!("regcred {other}"));
        }
        assert_eq!(rotation.same("rotate"), "regcred rotate --from stdin --old 'ci laptop' --keep-old");
    }
}
