//! Who regcred is in GitHub: a GitHub App at each owner that it is installed at, or whoever a token is of, everywhere.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::app::{App, Named};
use super::client::{self, Client};
use super::installation::{Installation, Needs};
use super::{Desired, Github, Place, Token};
use crate::change::Read;
use crate::targets::{Setting, Target};

/// The clients of all places: those with one token share one, with its pace and its limits.
#[derive(Debug, Default)]
pub struct Clients {
    of: BTreeMap<Place, Read<Arc<Client>>>,
    /// Those of Apps, by the App that the file names, and the owner.
    apps: BTreeMap<(Option<Named>, String), Read<Arc<Client>>>,
    /// That of a token, which is for every place.
    all: Option<Read<Arc<Client>>>,
    /// How many runs beside each other, each with a part of the places, share the logins.
    runs: OnceLock<usize>,
}

impl Clients {
    /// One client for these places.
    #[must_use]
    pub fn of_all(client: Read<Client>, desired: &[Desired]) -> Self {
        let client = client.map(Arc::new);
        let of = desired.iter().map(|desired| (desired.place.folded(), client.clone())).collect();
        Self { of, all: Some(client), ..Self::default() }
    }

    /// Says that so many runs beside each other share the logins: each keeps to its part of their limits.
    pub(super) fn share(&self, runs: usize) {
        let _ = self.runs.set(runs);
        let all = self.of.values().chain(self.apps.values()).chain(&self.all);
        all.filter_map(|client| client.as_ref().ok()).for_each(|client| client.share(runs));
    }

    /// How many runs share the logins.
    pub(super) fn runs(&self) -> usize {
        self.runs.get().copied().unwrap_or(1)
    }

    /// The client of a place. One that nobody declared is a declared one under its present name, at the same owner.
    ///
    /// # Errors
    /// Why there is none.
    pub fn of(&self, place: &Place) -> Read<&Client> {
        let place = place.folded();
        let of_owner = || Some(self.of.iter().find(|(other, _)| other.owner == place.owner)?.1);
        match self.of.get(&place).or_else(of_owner).or(self.all.as_ref()) {
            Some(Ok(client)) => Ok(client),
            Some(Err(why)) => Err(why.clone()),
            None => Err(Github::no_login()),
        }
    }

    /// The client of a place that this App looks after, or whoever a token is of.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn at(&self, app: Option<&Named>, place: &Place) -> Read<&Client> {
        match self.of_app(app, place) {
            Some(client) => client.as_ref().map(Arc::as_ref).map_err(Clone::clone),
            None => self.of(place),
        }
    }

    /// The client of a place, which may be one that was found by this App.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn of_any(&self, place: &Place, finders: &BTreeMap<Place, Option<Named>>) -> Read<&Client> {
        let folded = place.folded();
        match finders.get(&folded) {
            Some(app) if !self.of.contains_key(&folded) => self.at(app.as_ref(), place),
            _ => self.of(place),
        }
    }

    /// Whether it is an App that looks there.
    pub(super) fn is_app(&self, app: Option<&Named>, place: &Place) -> bool {
        self.of_app(app, place).is_some()
    }

    fn of_app(&self, app: Option<&Named>, place: &Place) -> Option<&Read<Arc<Client>>> {
        self.apps.get(&(app.cloned(), place.owner.to_lowercase()))
    }

    /// Logs in: with the App that the file names, else with that of the environment, else with a token.
    pub(super) async fn log_in(desired: &[Desired], setting: &Setting<'_>) -> Self {
        let of_env = App::of_env(setting.env).map(|app| app.map(Arc::new));
        let mut by_login: BTreeMap<(Option<Named>, String), Vec<&Desired>> = BTreeMap::new();
        let mut others: Vec<Desired> = Vec::new();
        for place in desired {
            if place.app.is_none() && of_env.is_none() {
                others.push(place.clone());
            } else {
                let owner = place.place.owner.to_lowercase();
                by_login.entry((place.app.clone(), owner)).or_default().push(place);
            }
        }
        let mut clients = match others.is_empty() {
            true => Self::default(),
            false => Self::of_all(with_token(&others, setting).await, &others),
        };
        let mut named: BTreeMap<Named, Read<Arc<App>>> = BTreeMap::new();
        for ((app, owner), places) in by_login {
            let login = (app.clone(), owner.clone());
            let app = match (app, &of_env) {
                (Some(app), _) => {
                    let read = || App::named(&app, setting.base).map(Arc::new);
                    named.entry(app.clone()).or_insert_with(read).clone()
                }
                (None, Some(app)) => app.clone(),
                (None, None) => continue,
            };
            let client = app.and_then(|app| {
                let installation = Installation::new(app, &owner, Needs::of(places.iter().copied()));
                at(setting, places.iter().any(|place| place.insecure), |http, base| {
                    Ok(Client::of_app(http, base, installation)?.of_run(size(places.iter().copied())))
                })
            });
            let client = client.map(Arc::new);
            clients.apps.insert(login, client.clone());
            clients.of.extend(places.iter().map(|place| (place.place.folded(), client.clone())));
        }
        clients
    }
}

/// How many places a run has; what is looked for may come to any number.
fn size<'a>(desired: impl Iterator<Item = &'a Desired>) -> usize {
    desired.fold(0, |sum, place| if place.search.is_some() { usize::MAX } else { sum.saturating_add(1) })
}

async fn with_token(desired: &[Desired], setting: &Setting<'_>) -> Read<Client> {
    let token = Token::find(setting.env).await?;
    let insecure = desired.iter().any(|desired| desired.insecure);
    at(setting, insecure, |http, base| Ok(Client::new(http, base, &token)?.of_run(size(desired.iter()))))
}

fn at(
    setting: &Setting<'_>,
    insecure: bool,
    client: impl FnOnce(&crate::net::Http, &str) -> Read<Client>,
) -> Read<Client> {
    client(&setting.http.insecure(insecure), &client::address(setting.env))
}
