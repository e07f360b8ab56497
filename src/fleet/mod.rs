//! What the runs of a fleet printed, put together: one plan, one report, one exit code. Pure: whoever calls opens the files.
//!
//! A shard that is there twice counts once: what comes last is what is so now.

mod part;
mod read;
mod told;

use std::collections::{BTreeMap, BTreeSet};

pub use part::Part;
pub use read::{FORMAT, read};

use crate::change::{Known, Life, Purpose};
use crate::model::{Address, Credential, CredentialId, Problem, Shard};
use crate::plan::{Change, Cost, Plan};
use crate::prove::Proofs;
use crate::report::{ExitStatus, Report};

/// The runs of a fleet, as one.
#[derive(Debug)]
pub struct Fleet {
    /// The runs that count, in the order of their shards.
    pub parts: Vec<Part>,
    /// Those that do not, as the same shard came again.
    pub superseded: Vec<Part>,
    /// The shards that are not there.
    pub missing: Vec<Shard>,
    /// All rows.
    pub plan: Plan,
    /// What came of them.
    pub report: Report,
    /// What all of it costs, where plans say it.
    pub cost: Option<Cost>,
    /// The credentials.
    pub credentials: Vec<Credential>,
    /// What is known of their values.
    pub known: BTreeMap<CredentialId, Known>,
    /// Their proofs: the one that failed, where one did.
    pub proofs: Proofs,
    /// Their days.
    pub lives: BTreeMap<CredentialId, Life>,
    /// The worst that one of them ended with; as failed where one is missing or was cut off.
    pub status: ExitStatus,
}

impl Fleet {
    /// Of these runs, in the order in which they were given.
    ///
    /// # Errors
    /// They are shards of different fleets.
    pub fn of(parts: Vec<Part>) -> Result<Self, Problem> {
        let counts: BTreeSet<u16> = parts.iter().filter_map(|part| Some(part.shard?.count())).collect();
        if counts.len() > 1 {
            let counts: Vec<String> = counts.iter().map(u16::to_string).collect();
            let message = format!("these are shards of different fleets: of {}", counts.join(" and of "));
            return Err(Problem::input(message).hint("name the files of one fleet: regcred report FILE…"));
        }
        let (mut counting, mut superseded) = (Vec::new(), Vec::new());
        let mut last: BTreeMap<Shard, Part> = BTreeMap::new();
        for part in parts {
            match part.shard {
                Some(shard) => superseded.extend(last.insert(shard, part)),
                None => counting.push(part),
            }
        }
        let count = counts.first().copied().unwrap_or(0);
        let all = (1..=count).filter_map(|index| Shard::new(index, count).ok());
        let missing = all.filter(|shard| !last.contains_key(shard)).collect();
        counting.extend(last.into_values());
        Ok(Self::merged(counting, superseded, missing))
    }

    fn merged(parts: Vec<Part>, superseded: Vec<Part>, missing: Vec<Shard>) -> Self {
        let gap = (!missing.is_empty()).then_some(ExitStatus::Failed);
        let status = parts.iter().map(Part::status).chain(gap).fold(ExitStatus::Done, ExitStatus::worse);
        let (credentials, known, proofs, lives) = Default::default();
        let (plan, report) = Default::default();
        let mut fleet = Self {
            parts,
            superseded,
            missing,
            plan,
            report,
            cost: None,
            credentials,
            known,
            proofs,
            lives,
            status,
        };
        fleet.merge();
        fleet
    }

    /// Those that came to no end.
    pub fn cut_off(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| !part.is_whole)
    }

    /// Whether all of them are plans, which wrote nothing.
    #[must_use]
    pub fn is_planned(&self) -> bool {
        self.parts.iter().all(|part| part.is_plan)
    }

    /// Whether one of them wrote, or was about to.
    #[must_use]
    pub fn is_run(&self) -> bool {
        self.parts.iter().any(Part::is_run)
    }

    fn merge(&mut self) {
        let mut rows: BTreeMap<Address, Change> = BTreeMap::new();
        let mut notes: Vec<String> = Vec::new();
        for part in &mut self.parts {
            let report = part.report();
            // Of a place that several speak of the last one counts.
            self.report.findings.retain(|finding| !report.outcomes.contains_key(&finding.address));
            self.report.outcomes.extend(report.outcomes);
            self.report.findings.extend(report.findings);
            self.report.interrupted |= report.interrupted;
            rows.extend(part.rows.iter().map(|row| (row.address.clone(), row.clone())));
            notes.extend(part.notes.iter().filter(|note| !notes.contains(note)).cloned().collect::<Vec<_>>());
            if let Some(cost) = part.cost {
                let sum = self.cost.get_or_insert_default();
                *sum = Cost {
                    requests: sum.requests + cost.requests,
                    points: sum.points + cost.points,
                    seconds: sum.seconds.max(cost.seconds),
                };
            }
            for credential in std::mem::take(&mut part.credentials) {
                if !self.credentials.iter().any(|other| other.id == credential.id) {
                    self.credentials.push(credential);
                }
            }
            self.lives.append(&mut part.lives);
        }
        notes.extend(self.other_values());
        self.known.extend(self.parts.iter().flat_map(|part| part.known.clone()));
        for part in &mut self.parts {
            for (id, proof) in std::mem::take(&mut part.proofs) {
                if proof.is_err() || !self.proofs.contains_key(&id) {
                    self.proofs.insert(id, proof);
                }
            }
        }
        self.report.findings.sort_by(|one, other| one.address.cmp(&other.address));
        let removes = self.parts.iter().any(|part| part.command.as_deref() == Some("remove"));
        let purpose = if removes { Purpose::Remove } else { Purpose::Sync };
        self.plan = Plan { purpose, notes, changes: rows.into_values().collect(), ..Plan::default() };
    }

    /// The credentials of which runs had different values.
    fn other_values(&self) -> Vec<String> {
        let mut values: BTreeMap<&CredentialId, BTreeSet<String>> = BTreeMap::new();
        for (id, known) in self.parts.iter().flat_map(|part| &part.known) {
            values.entry(id).or_default().insert(known.fingerprint.to_string());
        }
        let several = values.into_iter().filter(|(_, values)| values.len() > 1);
        let words = |(id, values): (&CredentialId, BTreeSet<String>)| {
            let values: Vec<String> = values.into_iter().collect();
            format!("the runs had different values of {id}, with the fingerprints {}", values.join(" and "))
        };
        several.map(words).collect()
    }
}
