//! Workflow runs that may still have a value that was replaced: a run gets the secrets of its repository and organization when
//! it is queued (GitHub's documentation, "Secrets reference"). Nothing here can write.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, Utc};
use futures::stream::{self, StreamExt};
use http::StatusCode;

use super::{Audience, Client, Clients, Desired, GithubError, Observed, Place, Store, read};
use crate::change::Read;
use crate::model::Problem;
use crate::targets::StillUsing;

/// The states of a run that has not ended (GitHub's REST reference, "List workflow runs for a repository").
const OPEN: [&str; 4] = ["queued", "in_progress", "waiting", "pending"];
/// Runs in a page: one of them is some 10 KB.
const PAGE: usize = 30;
/// Repositories that are looked at beside each other.
const AT_ONCE: usize = 4;

/// The runs of every declared repository that were made before its secret was written last, and have not ended.
pub(super) async fn still_using(clients: &Clients, desired: &[Desired], observed: &Observed) -> StillUsing {
    let all = observed.all(desired);
    let mut repositories: BTreeMap<Place, (Place, &Desired, DateTime<Utc>)> = BTreeMap::new();
    let mut using = StillUsing::default();
    for desired in &all {
        let desired: &Desired = desired;
        match seen_by(desired).and_then(|places| Ok((places, written(desired, observed)?))) {
            Ok((places, at)) => places.into_iter().for_each(|place| {
                let found = repositories.entry(place.folded()).or_insert((place, desired, at));
                found.2 = found.2.max(at);
            }),
            Err(why) => using.unseen.push(unseen(&desired.place, &why)),
        }
    }
    let looks = repositories.into_values().map(|(place, declared, at)| async move {
        let found = match clients.at(declared.app.as_ref(), &declared.place) {
            Ok(client) => open(client, &place, at).await.map_err(|error| refused(&place, error)),
            Err(why) => Err(why),
        };
        (place, found)
    });
    for (place, found) in stream::iter(looks).buffered(AT_ONCE).collect::<Vec<_>>().await {
        match found {
            Ok(made) => using.words.extend(told(&place, &made)),
            Err(why) => using.unseen.push(unseen(&place, &why)),
        }
    }
    using
}

/// The repositories whose runs get the secrets.
fn seen_by(desired: &Desired) -> Read<BTreeSet<Place>> {
    let Place { owner, repo, .. } = &desired.place;
    let repository =
        |repo: &String| Place { owner: owner.clone(), repo: Some(repo.clone()), store: Store::Actions };
    match (repo, &desired.audience) {
        (Some(repo), _) => Ok([repository(repo)].into()),
        (None, Some(Audience::Selected(names))) => Ok(names.iter().map(repository).collect()),
        (None, audience) => {
            let whose = audience.as_ref().map_or_else(|| "not known who".to_owned(), ToString::to_string);
            Err(Problem::outside(format!("its secret is seen by {whose}"))
                .hint("look at the runs of its repositories before the old value goes"))
        }
    }
}

/// When the token was written last, by GitHub's clock.
fn written(desired: &Desired, observed: &Observed) -> Read<DateTime<Utc>> {
    let absent = || Problem::outside(format!("{} is not there", desired.names.token));
    let secrets = &observed.places.get(&desired.key()).ok_or_else(absent)?.secrets;
    let times = secrets.as_ref().map_err(Clone::clone)?;
    times.get(&desired.names.token).copied().ok_or_else(absent)
}

/// When each of them was made.
async fn open(
    client: &Client,
    place: &Place,
    since: DateTime<Utc>,
) -> Result<Vec<DateTime<Utc>>, GithubError> {
    let mut made = Vec::new();
    for state in OPEN {
        let query = format!("{}/actions/runs?status={state}&exclude_pull_requests=true&", place.root());
        let (runs, _) = read::pages(client, &query, "workflow_runs", PAGE).await?;
        let times = runs.iter().filter_map(|run| run["created_at"].as_str());
        made.extend(times.filter_map(|time| DateTime::parse_from_rfc3339(time).ok()).map(|at| at.to_utc()));
    }
    made.retain(|at| *at < since);
    Ok(made)
}

fn told(place: &Place, made: &[DateTime<Utc>]) -> Option<String> {
    let oldest = made.iter().min()?.to_rfc3339_opts(SecondsFormat::Secs, true);
    let name = place.name();
    Some(match made.len() {
        1 => format!("a workflow run of {name} from {oldest} may still use the old value"),
        runs => {
            format!("{runs} workflow runs of {name} may still use the old value, the oldest from {oldest}")
        }
    })
}

fn unseen(place: &Place, why: &Problem) -> Problem {
    let name = place.name();
    let message =
        format!("whether workflow runs of {name} still use the old value could not be seen: {}", why.message);
    Problem { message, ..why.clone() }
}

fn refused(place: &Place, error: GithubError) -> Problem {
    let lacks = matches!(error.status(), Some(StatusCode::FORBIDDEN | StatusCode::NOT_FOUND));
    let problem = Problem::from(error);
    let hints = match lacks {
        true => {
            vec![format!("give the token `actions: read` of {}, or look at its runs yourself", place.name())]
        }
        false => problem.hints,
    };
    Problem { hints, ..problem }
}
