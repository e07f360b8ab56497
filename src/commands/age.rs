//! How long the values have been in use, and how long they may be. The present is that of the registry's own clock.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::session::{Context, Session};
use crate::model::{Credential, CredentialId};
use crate::registry::Accepted;

/// The notices before the end: so many days of it, but not more than this part of the whole time.
const MONTH: (i64, i32) = (30, 3);
const WEEK: (i64, i32) = (7, 4);

impl Session {
    /// Notes how long each value has been in use of which it is said how long it may be, here or in the file; those that
    /// have been for longer. Nothing is asked of others.
    pub(super) async fn tell_ages(
        &mut self,
        most: Option<u16>,
        context: &Context<'_>,
    ) -> BTreeSet<CredentialId> {
        let mut overdue = BTreeSet::new();
        for credential in &self.desired.credentials {
            let id = &credential.id;
            let said = most.or_else(|| self.rotations.get(id)?.max_age);
            let (Some(days), Some(known), Some(Ok(accepted))) = (said, self.known(id), self.proofs.get(id))
            else {
                continue;
            };
            let places = &self.desired.places;
            let since = places.used_since(&self.clients, &self.observed, id, &known.fingerprint).await;
            let (now, since) = match known_age(credential, accepted, since) {
                Ok(age) => age,
                Err(unknown) => {
                    self.plan.notes.push(unknown);
                    continue;
                }
            };
            self.in_use.insert(id.clone(), since);
            let one = if self.desired.credentials.len() > 1 {
                format!(" --credential {id}")
            } else {
                String::new()
            };
            let command = context.again.command(&format!("rotate{one}"));
            self.plan.notes.extend(notice(now - since, days).map(|words| {
                let [since, end] = [since, since + TimeDelta::days(days.into())].map(day);
                match words {
                    Notice::Over => format!("{id} has been in use since {since}, longer than the {days} days that it may be: {command}"),
                    Notice::Within(time) => {
                        format!("{id} has been in use since {since} and may be until {end}: rotate it within {time}: {command}")
                    }
                }
            }));
            if notice(now - since, days) == Some(Notice::Over) {
                overdue.insert(id.clone());
            }
        }
        overdue
    }
}

/// The present, and since when the value is in use; or why that is not known.
fn known_age(
    credential: &Credential,
    accepted: &Accepted,
    since: Option<DateTime<Utc>>,
) -> Result<(DateTime<Utc>, DateTime<Utc>), String> {
    let unknown = |why: String| format!("how old the value of {} is, is not known: {why}", credential.id);
    let since = since.ok_or_else(|| {
        unknown("neither AWS nor a record in GitHub says since when it is in use".to_owned())
    })?;
    let now = accepted
        .date
        .ok_or_else(|| unknown(format!("the answers of {} have no date", credential.registry)))?;
    Ok((now, since))
}

/// What there is to say about an age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notice {
    /// It is over.
    Over,
    /// It will be, within this time.
    Within(&'static str),
}

fn notice(age: TimeDelta, most: u16) -> Option<Notice> {
    let most = TimeDelta::days(most.into());
    let soon = |(days, part): (i64, i32)| most - age <= TimeDelta::days(days).min(most / part);
    match () {
        () if age > most => Some(Notice::Over),
        () if soon(WEEK) => Some(Notice::Within("a week")),
        () if soon(MONTH) => Some(Notice::Within("a month")),
        () => None,
    }
}

fn day(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_and_a_week_before_its_end_an_age_is_noticed_and_not_from_the_first_day_on() {
        let told = |days: i64, most: u16| notice(TimeDelta::days(days), most);
        let (week, month) = (Some(Notice::Within("a week")), Some(Notice::Within("a month")));
        assert_eq!(
            [59, 60, 82, 83, 90, 91].map(|days| told(days, 90)),
            [None, month, month, week, week, Some(Notice::Over)]
        );
        assert_eq!(
            [0, 4, 5, 6, 7, 8].map(|days| told(days, 7)),
            [None, None, month, week, week, Some(Notice::Over)]
        );
        assert_eq!(notice(TimeDelta::days(90) + TimeDelta::seconds(1), 90), Some(Notice::Over));
        assert_eq!(notice(TimeDelta::seconds(-5), 90), None, "two clocks differ by seconds");
    }
}
