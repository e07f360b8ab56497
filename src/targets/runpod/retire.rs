//! Deletes an earlier auth. RunPod lets a template, and whatever else is not a pod, silently lose the auth that it uses.
//! So: a fresh look; nothing may use it, and no worker may still run with it; then the deletion, another look, and what
//! lost its auth in between gets the current one. Deletions go one after the other, each by the look after the one before.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt, TryStreamExt};

use super::client::Say;
use super::read::silent;
use super::write::Writer;
use super::{Client, Desired, Kind, Observed, RunpodError, User};
use crate::change::{Read, Receipt};
use crate::model::Problem;
use crate::targets::StillUsing;

/// Endpoints that are asked beside each other.
const AT_ONCE: usize = 8;

/// What was seen before the next deletion.
#[derive(Default)]
pub(super) struct Looks {
    /// What uses which auth, by the newest lists.
    users: Vec<(Kind, User)>,
    /// Endpoints that are not done with their rollout, by the auth that takes the place of others: asked once for all of those.
    unfinished: BTreeMap<String, Vec<String>>,
    /// What this run has deleted, each with the auth that took its place.
    deleted: BTreeMap<String, String>,
}

impl Looks {
    /// Why an auth has to stay for now, in words.
    fn obstacle(&self, auth: &str, current: &str) -> Option<String> {
        let unfinished = self.unfinished.get(current).map(Vec::as_slice).unwrap_or_default();
        let using = self.users.iter().find(|(_, user)| user.registry.as_deref() == Some(auth));
        match (using, unfinished.first()) {
            (Some((kind, user)), _) => Some(format!("{} uses it", user.called(*kind))),
            (None, Some(first)) => {
                let others = unfinished.len() - 1;
                let more = if others == 0 { String::new() } else { format!(", and {others} more endpoints") };
                Some(format!("{first}{more}"))
            }
            (None, None) => None,
        }
    }
}

impl Writer<'_> {
    pub(super) async fn retire(&self, auth: &str, current: &str, say: Say<'_>) -> Result<Receipt, Problem> {
        let mut looks = self.looks.lock().await;
        self.look(&mut looks, current, say).await?;
        if let Some(words) = looks.obstacle(auth, current) {
            return Err(kept(&words));
        }
        match self.client.delete_auth(auth, say).await {
            Ok(()) => {}
            Err(error) if error.status() == Some(400) => return Err(self.held(auth, &error, say).await),
            Err(error) => return Err(error.into()),
        }
        looks.deleted.insert(auth.to_owned(), current.to_owned());
        self.repair(&mut looks, say).await?;
        Ok(Receipt::default())
    }

    /// Deletes an auth that nothing takes the place of, if a fresh look shows that nothing uses it.
    pub(super) async fn drop_auth(&self, auth: &str, say: Say<'_>) -> Result<Receipt, Problem> {
        let users = self.users(say).await?;
        if let Some((kind, user)) = users.iter().find(|(_, user)| user.registry.as_deref() == Some(auth)) {
            let words = format!("{} now uses it", user.called(*kind));
            return Err(Problem::outside(words).hint("run it again"));
        }
        match self.client.delete_auth(auth, say).await {
            Err(error) if error.status() == Some(400) => {
                Err(self.held(auth, &error, say).await.harmless(false))
            }
            Err(error) => Err(error.into()),
            Ok(()) => Ok(Receipt::default()),
        }
    }

    /// The look before the first deletion: all that one auth takes the place of waits for the same rows.
    async fn look(&self, looks: &mut Looks, current: &str, say: Say<'_>) -> Result<(), RunpodError> {
        if looks.unfinished.contains_key(current) {
            return Ok(());
        }
        let users = self.users(say).await?;
        // Every endpoint: one that has just been pointed elsewhere may have workers that run with what it had before.
        let endpoints: Vec<&User> =
            users.iter().filter(|(kind, _)| *kind == Kind::Endpoint).map(|(_, user)| user).collect();
        let looking = endpoints.into_iter().map(|user| {
            let is_ours = user.registry.as_deref() == Some(current);
            unfinished(self.client, user, is_ours, say)
        });
        let unfinished: Vec<Option<String>> = stream::iter(looking).buffered(AT_ONCE).try_collect().await?;
        looks.unfinished.insert(current.to_owned(), unfinished.into_iter().flatten().collect());
        looks.users = users;
        Ok(())
    }

    async fn users(&self, say: Say<'_>) -> Result<Vec<(Kind, User)>, RunpodError> {
        let list = |kind: Kind| async move {
            let users = self.client.users(kind, say).await?;
            Ok::<_, RunpodError>(users.into_iter().map(move |user| (kind, user)))
        };
        let (templates, endpoints, pods) =
            tokio::try_join!(list(Kind::Template), list(Kind::Endpoint), list(Kind::Pod))?;
        Ok(templates.chain(endpoints).chain(pods).collect())
    }

    /// RunPod refuses to delete what a pod uses; which one it does not say.
    async fn held(&self, auth: &str, error: &RunpodError, say: Say<'_>) -> Problem {
        let pods = self.client.users(Kind::Pod, say).await.unwrap_or_default();
        let using: Vec<String> = pods
            .iter()
            .filter(|pod| pod.registry.as_deref() == Some(auth))
            .map(|pod| pod.called(Kind::Pod))
            .collect();
        match using.as_slice() {
            [] => kept(&format!("RunPod does not delete it ({error})")),
            pods => kept(&format!("{} uses it", pods.join(", "))),
        }
    }

    /// What had a current auth or came to use a deleted one, and has none now, gets the current one.
    async fn repair(&self, looks: &mut Looks, say: Say<'_>) -> Result<(), RunpodError> {
        let now = self.users(say).await?;
        let before = std::mem::replace(&mut looks.users, now);
        let home = |auth: &str| match looks.unfinished.get_key_value(auth) {
            Some((current, _)) => Some(current.as_str()),
            None => looks.deleted.get(auth).map(String::as_str),
        };
        let had: BTreeMap<(Kind, &str), &str> = before
            .iter()
            .filter_map(|(kind, user)| Some(((*kind, user.id.as_str()), home(user.registry.as_deref()?)?)))
            .collect();
        let mut repaired = Ok(());
        for (kind, user) in &mut looks.users {
            let lost = match user.registry.as_deref() {
                None => had.get(&(*kind, user.id.as_str())).copied(),
                Some(auth) => looks.deleted.get(auth).map(String::as_str),
            };
            let Some(current) = lost else { continue };
            // If one cannot be pointed at it, the others still are.
            repaired = repaired.and(self.client.point(*kind, &user.id, Some(current), say).await);
            // The next deletion tries again what could not be.
            user.registry = Some(current.to_owned());
        }
        repaired
    }
}

/// What an endpoint is not done with; one that is gone is done. An old endpoint has no versions, and tells stale workers
/// by their image alone: while it has any, nobody knows which auth they start with. That counts where it uses the
/// current auth; else it would keep the earlier one for ever.
async fn unfinished(
    client: &Client,
    user: &User,
    is_ours: bool,
    say: Say<'_>,
) -> Result<Option<String>, RunpodError> {
    let address = user.called(Kind::Endpoint);
    let releases = match client.releases(&user.id, say).await {
        Err(error) if error.status() == Some(404) => return Ok(None),
        releases => releases?,
    };
    if !releases.is_complete() {
        let (latest, total) = (releases.rollout.workers_on_latest, releases.rollout.workers_total);
        return Ok(Some(format!(
            "the rollout of {address} is not complete ({latest} of {total} workers are on the latest release)"
        )));
    }
    if !is_ours || !releases.is_legacy() || releases.rollout.workers_total == 0 {
        return Ok(None);
    }
    let workers = releases.rollout.workers_total;
    Ok(Some(format!("{address} has no versions, so what its {workers} workers run is not known")))
}

/// The endpoints that pull with auths of the credential and whose workers may still run with an earlier one.
pub(super) async fn still_using(
    client: &Read<Client>,
    desired: &[Desired],
    observed: &Observed,
) -> StillUsing {
    let mut using = StillUsing::default();
    let (client, endpoints) = match (client, ours(desired, observed)) {
        _ if desired.is_empty() => return using,
        (Ok(client), Ok(endpoints)) => (client, endpoints),
        (Err(why), _) | (_, Err(why)) => {
            using.unseen.push(unseen("endpoints", why.clone()));
            return using;
        }
    };
    let looks = endpoints.into_iter().map(|user| async move {
        let found = unfinished(client, user, true, &silent).await;
        found.map_err(|error| unseen(&user.called(Kind::Endpoint), error.into()))
    });
    for found in stream::iter(looks).buffered(AT_ONCE).collect::<Vec<_>>().await {
        match found {
            Ok(words) => using.words.extend(words),
            Err(unseen) => using.unseen.push(unseen),
        }
    }
    using
}

/// The endpoints that pull with an auth that regcred made for the credential, of whatever value.
fn ours<'a>(desired: &[Desired], observed: &'a Observed) -> Result<Vec<&'a User>, &'a Problem> {
    let auths = observed.auths.as_ref()?;
    let Some(endpoints) = observed.users.get(&Kind::Endpoint) else { return Ok(Vec::new()) };
    let name = |user: &User| auths.get(user.registry.as_ref()?);
    let made = |user: &&User| name(user).is_some_and(|name| desired.iter().any(|one| one.made(name)));
    Ok(endpoints.as_ref()?.iter().filter(made).collect())
}

fn unseen(whose: &str, why: Problem) -> Problem {
    let message =
        format!("whether workers of {whose} still use the old value could not be seen: {}", why.message);
    Problem { message, ..why }
}

/// The run is as good without it: the next one looks again.
fn kept(words: &str) -> Problem {
    let failure = Problem::outside(format!("kept, since {words}; the next run deletes it"));
    failure.hint("once the rollouts are complete: regcred sync").harmless(true)
}
