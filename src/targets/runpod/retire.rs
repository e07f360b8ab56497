//! Deleting an earlier auth. RunPod lets a template, and whatever else is no pod, silently lose the auth that it uses.
//! So: a fresh look; nothing may use it, and no worker may still run with it; then the deletion, another look, and what
//! lost its auth in between gets the current one.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};

use super::client::Say;
use super::write::Writer;
use super::{Kind, RunpodError, User};
use crate::change::Receipt;
use crate::model::Problem;
use crate::redact;

/// Endpoints that are asked beside each other.
const AT_ONCE: usize = 8;

/// What uses which auth, and which endpoints are not done with their rollout.
pub(super) struct Look {
    users: Vec<(Kind, User)>,
    unfinished: Vec<String>,
}

impl Look {
    /// Why the auth has to stay for now, in words.
    fn obstacle(&self, auth: &str) -> Option<String> {
        let using = self.users.iter().find(|(_, user)| user.registry.as_deref() == Some(auth));
        match (using, self.unfinished.first()) {
            (Some((kind, user)), _) => Some(format!("{} uses it", kind.address(&user.id))),
            (None, Some(first)) => {
                let others = self.unfinished.len() - 1;
                let more = if others == 0 { String::new() } else { format!(", and {others} more endpoints") };
                Some(format!("{first}{more}"))
            }
            (None, None) => None,
        }
    }
}

impl Writer<'_> {
    pub(super) async fn retire(&self, auth: &str, current: &str, say: Say<'_>) -> Result<Receipt, Problem> {
        let look = self.look(current, say).await?;
        if let Some(words) = look.obstacle(auth) {
            return Err(kept(&words));
        }
        match self.client.delete_auth(auth, say).await {
            Ok(()) => {}
            Err(error) if error.status() == Some(400) => return Err(self.held(auth, &error, say).await),
            Err(error) => return Err(error.into()),
        }
        self.repair(&look, auth, current, say).await?;
        Ok(Receipt::default())
    }

    /// Deletes an auth that nothing takes the place of, if a fresh look shows that nothing uses it.
    pub(super) async fn drop_auth(&self, auth: &str, say: Say<'_>) -> Result<Receipt, Problem> {
        let users = self.users(say).await?;
        if let Some((kind, user)) = users.iter().find(|(_, user)| user.registry.as_deref() == Some(auth)) {
            let words = format!("{} now uses it", kind.address(&user.id));
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

    /// The look before, taken once: all that is retired waits for the same rows.
    async fn look(&self, current: &str, say: Say<'_>) -> Result<Arc<Look>, RunpodError> {
        let mut looks = self.looks.lock().await;
        if let Some(look) = looks.get(current) {
            return Ok(look.clone());
        }
        let users = self.users(say).await?;
        // Every endpoint: one that has just been pointed elsewhere may have workers that run with what it had before.
        let endpoints: Vec<(&str, bool)> = users
            .iter()
            .filter(|(kind, _)| *kind == Kind::Endpoint)
            .map(|(_, user)| (user.id.as_str(), user.registry.as_deref() == Some(current)))
            .collect();
        let looking = endpoints.into_iter().map(|(id, ours)| self.unfinished(id, ours, say));
        let unfinished: Vec<Option<String>> = stream::iter(looking).buffered(AT_ONCE).try_collect().await?;
        let look = Arc::new(Look { unfinished: unfinished.into_iter().flatten().collect(), users });
        looks.insert(current.to_owned(), look.clone());
        Ok(look)
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

    /// What an endpoint is not done with; one that is gone is done. An old endpoint has no versions, and tells stale workers
    /// by their image alone: while it has any, nobody knows which auth they start with. That counts where it uses the
    /// current auth; else it would keep the earlier one for ever.
    async fn unfinished(&self, id: &str, ours: bool, say: Say<'_>) -> Result<Option<String>, RunpodError> {
        let address = Kind::Endpoint.address(id);
        let releases = match self.client.releases(id, say).await {
            Err(error) if error.status() == Some(404) => return Ok(None),
            releases => releases?,
        };
        if !releases.is_complete() {
            let (latest, total) = (releases.rollout.workers_on_latest, releases.rollout.workers_total);
            return Ok(Some(format!(
                "the rollout of {address} is not complete ({latest} of {total} workers are on the latest release)"
            )));
        }
        if !ours || !releases.is_legacy() || releases.rollout.workers_total == 0 {
            return Ok(None);
        }
        let workers = releases.rollout.workers_total;
        Ok(Some(format!("{address} has no versions, so what its {workers} workers run is not known")))
    }

    /// RunPod refuses to delete what a pod uses; which one it does not say.
    async fn held(&self, auth: &str, error: &RunpodError, say: Say<'_>) -> Problem {
        let pods = self.client.users(Kind::Pod, say).await.unwrap_or_default();
        let using: Vec<String> = pods
            .iter()
            .filter(|pod| pod.registry.as_deref() == Some(auth))
            .map(|pod| format!("{} ({})", Kind::Pod.address(&pod.id), redact::outside(&pod.name)))
            .collect();
        match using.as_slice() {
            [] => kept(&format!("RunPod does not delete it ({error})")),
            pods => kept(&format!("{} uses it", pods.join(", "))),
        }
    }

    /// What had the current auth or came to use the deleted one, and has none now, gets the current one.
    async fn repair(
        &self,
        before: &Look,
        deleted: &str,
        current: &str,
        say: Say<'_>,
    ) -> Result<(), RunpodError> {
        let had: BTreeSet<(Kind, &str)> = before
            .users
            .iter()
            .filter(|(_, user)| user.registry.as_deref() == Some(current))
            .map(|(kind, user)| (*kind, user.id.as_str()))
            .collect();
        let mut repaired = Ok(());
        for (kind, user) in self.users(say).await? {
            let lost = match user.registry.as_deref() {
                None => had.contains(&(kind, user.id.as_str())),
                Some(auth) => auth == deleted,
            };
            if lost {
                // One that cannot be pointed is no reason to leave the others without.
                let pointed = self.client.point(kind, &user.id, Some(current), say).await;
                repaired = repaired.and(pointed);
            }
        }
        repaired
    }
}

/// The run is as good without it: the next one looks again.
fn kept(words: &str) -> Problem {
    let failure = Problem::outside(format!("kept, since {words}; the next run deletes it"));
    failure.hint("once the rollouts are complete: regcred sync").harmless(true)
}
