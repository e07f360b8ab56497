//! Who may read a secret once the plan is carried out.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// Who may read a secret once the plan is carried out, and what says so. Names are as they may be shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Access {
    /// Who may read it, the one that it is for first.
    pub readers: Vec<Reader>,
    /// Who is kept out by one statement in spite of another, and by which.
    pub kept_out: Vec<Doubt>,
    /// Of whom it is not known, and what it depends on.
    pub unknown: Vec<Doubt>,
    /// The statement that guards the secret, as it will be.
    pub statement: Value,
    /// Whether whoever carries out the plan may read it for that.
    #[serde(skip)]
    pub runner: bool,
    /// Whether somebody may read it who is not in the file and does not run this.
    #[serde(skip)]
    pub unlisted: bool,
}

/// Somebody who may read a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reader {
    /// What people call it.
    pub name: String,
    /// The pattern of ARNs that exempts it.
    pub arn: String,
    /// Whether it may read only because it carries out the plan: the plan may be another's than the sync.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub runner: bool,
}

/// Somebody of whom statements say different things, or nothing that can be told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Doubt {
    /// What people call it.
    pub name: String,
    /// The statement, or what it depends on, in words.
    pub why: String,
}

impl Access {
    /// In one line.
    #[must_use]
    pub fn words(&self) -> String {
        let names: Vec<String> = self.readers.iter().map(Reader::title).collect();
        let mut words = match names.is_empty() {
            true => "nobody may read it".to_owned(),
            false => format!("may be read by {}", names.join(", ")),
        };
        if self.unlisted {
            words += "; the file lists no readers, so all of them stay";
        }
        for (what, list) in [("kept out", &self.kept_out), ("not known", &self.unknown)] {
            if !list.is_empty() {
                let list: Vec<String> = list.iter().map(Doubt::to_string).collect();
                words += &format!("; {what}: {}", list.join(", "));
            }
        }
        words
    }

    /// Whether a row is shown for this alone, though nothing is done.
    #[must_use]
    pub fn is_remarkable(&self) -> bool {
        self.unlisted || !self.unknown.is_empty()
    }

    /// Who may read, whoever it is that carries out the plan.
    #[must_use]
    pub fn whoever_runs(&self) -> Vec<&str> {
        let named = self.readers.iter().filter(|reader| !reader.runner).map(|reader| reader.arn.as_str());
        named.chain(self.runner.then_some("whoever runs sync")).collect()
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.why)
    }
}

impl Reader {
    fn title(&self) -> String {
        if self.runner { format!("whoever runs sync (now {})", self.name) } else { self.name.clone() }
    }
}
