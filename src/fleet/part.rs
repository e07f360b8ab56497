//! What one run printed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::told;
use crate::change::{Action, Details, Finding, Known, Life, Reason};
use crate::model::{Address, Credential, CredentialId, Fingerprint, Problem, Registry, Shard, TokenKind};
use crate::plan::{Change, Cost, Plan};
use crate::prove::Proofs;
use crate::redact::outside;
use crate::registry::{Accepted, LoginError, Quota};
use crate::report::{ExitStatus, Outcome, Report};
use crate::systems::PROVEN;

/// What one run printed: a plan, or a stream to its end or to where it was cut off.
#[derive(Debug, Default)]
pub struct Part {
    /// Where that is.
    pub file: PathBuf,
    /// The part that it was about of what is declared, if it was not all of it.
    pub shard: Option<Shard>,
    /// The command, where the stream says it.
    pub command: Option<String>,
    /// Whether it is a document of `plan`.
    pub is_plan: bool,
    /// Whether it came to its end.
    pub is_whole: bool,
    /// The rows of its plan.
    pub rows: Vec<Change>,
    /// The same and what happened, as they were printed.
    pub lines: Vec<Value>,
    /// What was proven.
    pub findings: Vec<Finding>,
    /// The credentials, as they were printed.
    pub credentials: Vec<Credential>,
    /// What is known of their values.
    pub known: BTreeMap<CredentialId, Known>,
    /// Their days.
    pub lives: BTreeMap<CredentialId, Life>,
    /// Whether their registries took them.
    pub proofs: Proofs,
    /// What the plan costs, where it is said.
    pub cost: Option<Cost>,
    /// The plan's digest; nothing where it is not known.
    pub digest: String,
    /// What people should know.
    pub notes: Vec<String>,
    /// Why there was no plan.
    pub errors: Vec<Problem>,
    exit: Option<u8>,
    /// Whether rows were left for later.
    left: bool,
    started: BTreeSet<Address>,
    ended: BTreeMap<Address, Outcome>,
}

/// What is wrong with a line, in words.
type Fault = String;

/// The code of a run that was interrupted.
const INTERRUPTED: u8 = ExitStatus::Interrupted as u8;

impl Part {
    /// One of which nothing is known but where it is, and what its first line says.
    pub(super) fn begun(file: &Path, shard: Option<Shard>, command: Option<String>) -> Self {
        Self { file: file.to_owned(), shard, command, ..Self::default() }
    }

    /// Whether it wrote, or was about to.
    #[must_use]
    pub fn is_run(&self) -> bool {
        !self.is_plan && self.command.as_deref() != Some("verify")
    }

    /// Which one it is, in words.
    #[must_use]
    pub fn words(&self) -> String {
        self.shard.map_or_else(|| outside(&self.file.display().to_string()), Shard::words)
    }

    /// What came of each of its rows.
    #[must_use]
    pub fn report(&self) -> Report {
        let plan = Plan { changes: self.rows.clone(), ..Plan::default() };
        // Otherwise the rows are what is the case.
        let began = self.is_run() && (!self.started.is_empty() || self.left || !self.is_whole);
        let writing = self.rows.iter().filter(|row| began && row.action.writes());
        let is_undone = |row: &&Change| !matches!(self.ended.get(&row.address), Some(Outcome::Applied));
        let undone: BTreeSet<&Address> = writing.clone().filter(is_undone).map(|row| &row.address).collect();
        let executed = writing.map(|row| {
            let ended = self.ended.get(&row.address).cloned();
            (row.address.clone(), ended.unwrap_or_else(|| self.not_ended(row, &undone)))
        });
        let report = Report::new(&plan, executed.collect());
        Report { findings: self.findings.clone(), interrupted: self.exit == Some(INTERRUPTED), ..report }
    }

    fn not_ended(&self, row: &Change, undone: &BTreeSet<&Address>) -> Outcome {
        if !self.started.contains(&row.address) {
            let before = row.after.iter().find(|before| undone.contains(before));
            return Outcome::NotStarted(before.filter(|_| self.is_whole).cloned());
        }
        let shard = self.shard.map(|shard| format!(" --shard {shard}")).unwrap_or_default();
        let command = self.command.as_deref().unwrap_or("sync");
        let problem = Problem::outside("was being written when the run was cut off, and may be done or not");
        Outcome::Failed(problem.hint(format!("regcred {command}{shard}")).written(true))
    }

    /// How it ended; as failed where it was cut off.
    #[must_use]
    pub fn status(&self) -> ExitStatus {
        let refused =
            |error: &LoginError| if error.is_refusal() { ExitStatus::Refused } else { ExitStatus::Failed };
        let unproven = self.proofs.values().filter_map(|proof| proof.as_ref().err().map(refused)).max();
        match (self.is_whole, self.exit) {
            (false, _) => ExitStatus::Failed,
            (true, Some(code)) => ExitStatus::of(code),
            (true, None) => unproven.unwrap_or_else(|| self.report().status()),
        }
    }

    /// Takes in a line of a stream behind its first one, of this type.
    pub(super) fn take(&mut self, kind: &str, value: &Value) -> Result<(), Fault> {
        match kind {
            "planned_change" => self.row(value)?,
            "apply_start" | "apply_complete" | "apply_errored" => self.event(kind, value)?,
            "verify_complete" => self.finding(value)?,
            "summary" => {
                self.whole(value)?;
                self.is_whole = true;
            }
            // A later version's.
            _ => return Ok(()),
        }
        if kind != "summary" {
            self.lines.push(value.clone());
        }
        Ok(())
    }

    pub(super) fn row(&mut self, value: &Value) -> Result<(), Fault> {
        let row: told::Row = typed(value)?;
        let reason = outside(&row.reason);
        let hint = row.hint.as_deref().map(outside);
        let reason = match row.action {
            Action::Unread => Reason::Unreadable(Problem::outside(reason).hints(hint)),
            _ => Reason::Told { words: reason, hint },
        };
        let credentials = row.credentials.iter().map(|name| CredentialId(outside(name))).collect();
        let after = row.after.iter().map(|text| address(text)).collect::<Result<_, _>>()?;
        let shown = |text: Option<String>| text.as_deref().map(outside);
        self.rows.push(Change {
            stacks: row.stacks.iter().map(|name| outside(name)).collect(),
            after,
            details: Details { id: shown(row.id), name: shown(row.name), image: shown(row.image) },
            ..Change::new(address(&row.address)?, credentials, row.action, reason)
        });
        Ok(())
    }

    fn event(&mut self, kind: &str, value: &Value) -> Result<(), Fault> {
        let event: told::Event = typed(value)?;
        let at = address(event.address.as_deref().unwrap_or_default())?;
        let hint = event.hint.as_deref().map(outside);
        let problem = |words: &str| Problem::outside(outside(words)).hints(hint.clone());
        let outcome = match (kind, &event.skipped) {
            ("apply_start", _) => {
                self.started.insert(at);
                return Ok(());
            }
            ("apply_errored", _) => Outcome::Failed(problem(event.error.as_deref().unwrap_or("failed"))),
            (_, Some(words)) => Outcome::Skipped(problem(words)),
            _ => Outcome::Applied,
        };
        self.ended.insert(at, outcome);
        Ok(())
    }

    fn finding(&mut self, value: &Value) -> Result<(), Fault> {
        let event: told::Event = typed(value)?;
        // Of how an image is pulled the exit code tells.
        let (None, Some(text)) = (&event.image, &event.address) else { return Ok(()) };
        let address = address(text)?;
        let means = PROVEN.iter().find(|(system, _)| *system == address.system());
        let means = means.and_then(|(_, (proven, _))| proven.strip_prefix("proven ")).unwrap_or_default();
        let result = match &event.error {
            Some(words) => Err(Problem::outside(outside(words)).hints(event.hint.as_deref().map(outside))),
            None => Ok(()),
        };
        let state = event.state.as_deref().map(outside);
        self.findings.push(Finding { address, means, result, state, unread: event.unread });
        Ok(())
    }

    /// Takes in what a plan or a last line says of the whole.
    pub(super) fn whole(&mut self, value: &Value) -> Result<(), Fault> {
        let whole: told::Whole = typed(value)?;
        for change in &whole.changes {
            self.row(change)?;
            let mut row = change.clone();
            row["type"] = Value::from("planned_change");
            self.lines.push(row);
        }
        for credential in whole.credentials {
            self.credential(credential, &whole.proof)?;
        }
        self.exit = whole.exit;
        self.left = whole.not_started > 0;
        self.digest = outside(&whole.digest);
        self.cost =
            whole.cost.map(|told::Cost { requests, points, seconds }| Cost { requests, points, seconds });
        self.notes = whole.notes.iter().map(|note| outside(note)).collect();
        self.errors = whole.errors.iter().map(wrong).collect();
        Ok(())
    }

    fn credential(
        &mut self,
        told: told::Credential,
        proofs: &BTreeMap<String, told::Proof>,
    ) -> Result<(), Fault> {
        let id = CredentialId(outside(&told.name));
        let proof = proofs.get(&told.name);
        let kind = proof.and_then(|proof| proof.kind.as_deref());
        // Only the beginning of it is printed.
        let shown = told.fingerprint.as_deref().unwrap_or_default();
        let fingerprint = Fingerprint::parse(&format!("{shown:0<64}")).unwrap_or_default();
        let kind = kind.map_or(TokenKind::DockerPersonal, TokenKind::named);
        let known = Known { username: outside(&told.username), fingerprint, kind, current_since: None };
        self.known.insert(id.clone(), known);
        let time = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
        let (since, last_used) = (time(&told.in_use_since), time(&told.last_used_at));
        let life = Life { since, last_used, ends: time(&told.expires_at) };
        self.lives.insert(id.clone(), life);
        if let Some(proof) = proof {
            self.proofs.insert(id.clone(), proven(proof));
        }
        let registry = told.registry.parse::<Registry>().map_err(|error| outside(&error.to_string()))?;
        self.credentials.push(Credential {
            id,
            registry,
            token_service: None,
            source: outside(&told.source),
        });
        Ok(())
    }
}

/// What a login came to.
fn proven(proof: &told::Proof) -> Result<Accepted, LoginError> {
    let shown = |text: &Option<String>| text.as_deref().map(outside);
    if !proof.ok {
        let words = shown(&proof.error).unwrap_or_default();
        return Err(LoginError::Told { words, refused: proof.refused });
    }
    let quota = Quota { limit: proof.limit, remaining: proof.remaining, window_s: proof.window_s };
    let quota = (quota != Quota::default()).then_some(quota);
    Ok(Accepted { quota, warning: shown(&proof.warning), note: shown(&proof.note), date: None })
}

fn wrong(told: &told::Wrong) -> Problem {
    let place = told.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
    Problem::input(outside(&format!("{place}{}", told.message))).hints(told.hint.as_deref().map(outside))
}

fn address(text: &str) -> Result<Address, Fault> {
    text.parse::<Address>().map_err(|error| error.to_string())
}

fn typed<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, Fault> {
    T::deserialize(value).map_err(|error| outside(&error.to_string()))
}
