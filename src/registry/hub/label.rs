//! What a token is called at Docker Hub, which shows no value: the label says whose it is and which.

use std::fmt;

use chrono::NaiveDate;

use crate::model::{CredentialId, Fingerprint};

const OURS: &str = "regcred ";
/// The end of the label until the value is stored: it is lost if that is all that is left of a run.
const NEW: &str = " new";
const RETIRED: &str = " retired ";
const DAY: &str = "%Y-%m-%d";
/// How many characters Docker Hub takes.
const LONGEST: usize = 100;

/// The label of a token that regcred made: `regcred docker-hub 3f9a12c4`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The credential that it is for.
    pub credential: CredentialId,
    /// What is shown of its fingerprint; nothing before it was written down.
    pub digits: Option<String>,
    /// Whether the value has been stored where it is read from.
    pub is_stored: bool,
}

impl Label {
    /// Of a token that is being made.
    #[must_use]
    pub fn new(credential: &CredentialId) -> Self {
        Self { credential: credential.clone(), digits: None, is_stored: false }
    }

    /// Of a token with this fingerprint, which is not stored yet.
    #[must_use]
    pub fn of(credential: &CredentialId, fingerprint: &Fingerprint) -> Self {
        Self { digits: Some(fingerprint.to_string()), ..Self::new(credential) }
    }

    /// The same once it is stored.
    #[must_use]
    pub fn stored(self) -> Self {
        Self { is_stored: true, ..self }
    }

    /// Reads a label, whether the token is retired or not; nothing if regcred did not write it.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = called(text).strip_prefix(OURS)?;
        let (text, is_stored) = text.strip_suffix(NEW).map_or((text, true), |text| (text, false));
        let shown = text.rsplit_once(' ').filter(|(_, digits)| Fingerprint::is_shown(digits));
        let (credential, digits) = match shown {
            Some((credential, digits)) => (credential, Some(digits.to_owned())),
            None if is_stored => return None,
            None => (text, None),
        };
        Some(Self { credential: CredentialId(credential.to_owned()), digits, is_stored })
    }

    /// Whether it is of this value of this credential, stored or not.
    #[must_use]
    pub fn is_of(&self, credential: &CredentialId, fingerprint: &Fingerprint) -> bool {
        self.credential == *credential && self.digits == Some(fingerprint.to_string())
    }

    /// Whether Docker Hub takes it, also when the token is retired.
    #[must_use]
    pub fn fits(&self) -> bool {
        let retired = RETIRED.len() + "2026-11-29".len();
        self.to_string().chars().count() + retired <= LONGEST
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{OURS}{}", self.credential)?;
        if let Some(digits) = &self.digits {
            write!(f, " {digits}")?;
        }
        f.write_str(if self.is_stored { "" } else { NEW })
    }
}

/// Any label with the day on which its token was retired, the last one if it was switched on again. A long one loses its end.
#[must_use]
pub fn retired(label: &str, day: NaiveDate) -> String {
    let end = format!("{RETIRED}{}", day.format(DAY));
    let kept: String = called(label).chars().take(LONGEST - end.len()).collect();
    kept + &end
}

/// The day on which a token was retired, if it was.
#[must_use]
pub fn retired_on(label: &str) -> Option<NaiveDate> {
    split(label).map(|(_, day)| day)
}

/// What a token was called before it was retired, or is called.
#[must_use]
pub fn called(label: &str) -> &str {
    split(label).map_or(label, |(label, _)| label)
}

fn split(label: &str) -> Option<(&str, NaiveDate)> {
    let (label, day) = label.rsplit_once(RETIRED)?;
    let read = NaiveDate::parse_from_str(day, DAY).ok()?;
    // chrono reads `2026-1-2`, too.
    (read.format(DAY).to_string() == day).then_some((label, read))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> CredentialId {
        CredentialId(name.to_owned())
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn a_label_comes_back_as_it_was_written_retired_or_not() {
        let digits = Some("3f9a12c4".to_owned());
        let label = Label { credential: id("docker-hub"), digits, is_stored: true };
        let lost = Label { is_stored: false, ..label.clone() };
        assert_eq!(lost.to_string(), "regcred docker-hub 3f9a12c4 new");
        assert_eq!(Label::read("regcred docker-hub 3f9a12c4 new"), Some(lost));
        let text = label.to_string();
        assert_eq!(text, "regcred docker-hub 3f9a12c4");
        let old = retired(&text, day("2026-11-29"));
        assert_eq!(old, "regcred docker-hub 3f9a12c4 retired 2026-11-29");
        assert_eq!(retired(&old, day("2027-01-01")), "regcred docker-hub 3f9a12c4 retired 2027-01-01");
        assert_eq!((retired_on(&text), retired_on(&old)), (None, Some(day("2026-11-29"))));
        assert_eq!([Label::read(&text), Label::read(&old)], [Some(label.clone()), Some(label)]);
        let new = Label::new(&id("a b"));
        assert_eq!(
            (new.to_string().as_str(), Label::read("regcred a b new")),
            ("regcred a b new", Some(new))
        );
    }

    #[test]
    fn a_label_of_somebody_elses_is_none_of_ours_and_can_be_retired_all_the_same() {
        for other in [
            "",
            "ci",
            "regcred",
            "regcred docker-hub",
            "regcred docker-hub 3F9A12C4",
            "regcred x 12345",
            "my regcred x new",
        ] {
            assert_eq!(Label::read(other), None, "{other}");
        }
        assert_eq!(retired("ci", day("2026-11-29")), "ci retired 2026-11-29");
        for no_day in
            ["ci retired 2026-1-2", "ci retired soon", "ci retired 2026-11-29 again", "retired 2026-11-29"]
        {
            assert_eq!(retired_on(no_day), None, "{no_day}");
        }
        let long = retired(&"é".repeat(100), day("2026-11-29"));
        assert_eq!((long.chars().count(), retired_on(&long)), (100, Some(day("2026-11-29"))));
    }

    #[test]
    fn a_name_that_leaves_no_room_for_the_day_is_told_before_a_token_is_made() {
        assert!(Label::new(&id(&"x".repeat(60))).fits());
        let digits = Some("3f9a12c4".to_owned());
        assert!(Label { digits: digits.clone(), ..Label::new(&id(&"x".repeat(59))) }.fits());
        assert!(!Label { digits, ..Label::new(&id(&"x".repeat(61))) }.fits());
    }
}
