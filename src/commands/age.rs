//! How long the values have been in use, and how long they may be. The present is that of the registry's own clock.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::owner::Owner;
use super::session::{Context, Session};
use crate::change::Life;
use crate::desired::rotation::Mint;
use crate::model::{Credential, CredentialId, Problem};
use crate::registry::hub::Token;

/// The notices before the end: so many days of it, but not more than this part of the whole time.
const MONTH: (i64, i32) = (30, 3);
const WEEK: (i64, i32) = (7, 4);

impl Session {
    /// Notes how long each value has been in use of which it is said how long it may be, here or in the file, and when a
    /// token ends that regcred makes; gives those that have been in use for longer. All of it is asked for where `all` says
    /// so, and otherwise nothing is asked of others.
    pub(super) async fn tell_ages(
        &mut self,
        most: Option<u16>,
        all: bool,
        context: &Context<'_>,
    ) -> BTreeSet<CredentialId> {
        let mut overdue = BTreeSet::new();
        for credential in &self.desired.credentials {
            let id = &credential.id;
            let rotation = self.rotations.get(id).cloned().unwrap_or_default();
            let said = most.or(rotation.max_age);
            let makes = rotation.mint.as_ref().filter(|mint| mint.login.command.is_some());
            let ends = makes.filter(|mint| all || said.is_some() || mint.expires.is_some());
            let (Some(known), Some(Ok(accepted))) = (self.known(id), self.proofs.get(id)) else { continue };
            let mut life = Life::default();
            if all || said.is_some() {
                let places = &self.desired.places;
                life.since = places.used_since(&self.clients, &self.observed, id, &known.fingerprint).await;
            }
            let mut made = None;
            if let Some(mint) = ends {
                match self.token(credential, mint, context).await {
                    Ok(Some(token)) => {
                        (life.last_used, life.ends) = (token.last_used, token.expires_at);
                        made = token.created_at;
                        life.since = life.since.or(made);
                    }
                    Ok(None) => {}
                    Err(unknown) => self.plan.notes.push(unknown),
                }
            }
            let say = Said { credential, command: rotate(credential, makes.is_some(), self, context) };
            let now = accepted.date;
            self.plan.notes.extend(said.and_then(|days| say.age(&life, now, days)));
            self.plan.notes.extend(say.end(&life, made, now));
            if said.zip(now.zip(life.since)).is_some_and(|(days, (now, since))| {
                notice(now - since, TimeDelta::days(days.into())) == Some(Notice::Over)
            }) {
                overdue.insert(id.clone());
            }
            self.lives.insert(id.clone(), life);
        }
        overdue
    }

    /// The token at Docker Hub, if its label says that it is this value.
    async fn token(
        &self,
        credential: &Credential,
        mint: &Mint,
        context: &Context<'_>,
    ) -> Result<Option<Token>, String> {
        let (id, known) = (&credential.id, self.known(&credential.id));
        let Some(known) = known.filter(|_| credential.registry.is_docker_hub()) else { return Ok(None) };
        let owner = Owner { mint, username: Some(&known.username), base: &self.base };
        let unknown = |problem: &Problem| format!("when the token of {id} ends is not known: {problem}");
        let hub = owner.log_in(&self.http, context).await;
        let hub = hub.map_err(|error| error.problems().iter().map(unknown).collect::<String>())?;
        let tokens = hub.tokens().await.map_err(|error| unknown(&error.into()))?;
        Ok(tokens.into_iter().find(|token| token.is_of(id, &known.fingerprint)))
    }
}

/// The command that gives a credential a new value.
fn rotate(credential: &Credential, makes: bool, session: &Session, context: &Context<'_>) -> String {
    let way = if makes { "--mint" } else { "--from stdin" };
    let one = match session.desired.credentials.len() {
        1 => String::new(),
        _ => format!(" --credential {}", credential.id),
    };
    context.again.command(&format!("rotate {way}{one}"))
}

/// What is said of one credential's days.
struct Said<'a> {
    credential: &'a Credential,
    /// What gives it a new value.
    command: String,
}

impl Said<'_> {
    /// Of how long it has been in use, where it may be for so many days.
    fn age(&self, life: &Life, now: Option<DateTime<Utc>>, days: u16) -> Option<String> {
        let Self { credential, command } = self;
        let id = &credential.id;
        let unknown = |why: String| Some(format!("how old the value of {id} is, is not known: {why}"));
        let Some(since) = life.since else {
            return unknown("neither AWS nor a record in GitHub says since when it is in use".to_owned());
        };
        let Some(now) = now else {
            return unknown(format!("the answers of {} have no date", credential.registry));
        };
        let most = TimeDelta::days(days.into());
        let [first, last] = [since, since + most].map(day);
        Some(match notice(now - since, most)? {
            Notice::Over => {
                format!(
                    "{id} has been in use since {first}, longer than the {days} days that it may be: {command}"
                )
            }
            Notice::Within(time) => {
                format!(
                    "{id} has been in use since {first} and may be until {last}: rotate it within {time}: {command}"
                )
            }
        })
    }

    /// Of when it ends.
    fn end(&self, life: &Life, made: Option<DateTime<Utc>>, now: Option<DateTime<Utc>>) -> Option<String> {
        let Self { credential: Credential { id, .. }, command } = self;
        let (made, ends, now) = (made?, life.ends?, now?);
        let time = match notice(now - made, ends - made)? {
            Notice::Over => "today".to_owned(),
            Notice::Within(time) => format!("within {time}"),
        };
        Some(format!("the token of {id} ends on {}: rotate it {time}: {command}", day(ends)))
    }
}

/// What there is to say about an age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notice {
    /// It is over.
    Over,
    /// It will be, within this time.
    Within(&'static str),
}

fn notice(age: TimeDelta, most: TimeDelta) -> Option<Notice> {
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
        let told = |days: i64, most: i64| notice(TimeDelta::days(days), TimeDelta::days(most));
        let (week, month) = (Some(Notice::Within("a week")), Some(Notice::Within("a month")));
        assert_eq!(
            [59, 60, 82, 83, 90, 91].map(|days| told(days, 90)),
            [None, month, month, week, week, Some(Notice::Over)]
        );
        assert_eq!(
            [0, 4, 5, 6, 7, 8].map(|days| told(days, 7)),
            [None, None, month, week, week, Some(Notice::Over)]
        );
        assert_eq!(
            notice(TimeDelta::days(90) + TimeDelta::seconds(1), TimeDelta::days(90)),
            Some(Notice::Over)
        );
        assert_eq!(notice(TimeDelta::seconds(-5), TimeDelta::days(90)), None, "two clocks differ by seconds");
    }
}
