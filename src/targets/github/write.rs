//! Writing GitHub: sealed secrets and the marker. Every operation may be repeated.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use crypto_box::aead::OsRng;
use futures::future::try_join;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::app::Named;
use super::{Answer, Audience, Client, Clients, GithubError, Half, Marker, Observed, Operation, Place, read};
use crate::change::{Inputs, Receipt};
use crate::model::{Fingerprint, Problem};
use crate::net::{header, segment};
use crate::once::Once;

/// The field of a receipt that holds the time of the write, by GitHub's clock.
pub const DATE: &str = "date";

/// A place's public key: each place has its own.
#[derive(Clone)]
struct PublicKey {
    id: String,
    key: crypto_box::PublicKey,
}

/// What writes to GitHub. Public keys are fetched once per place and run.
pub struct Writer<'a> {
    clients: &'a Clients,
    /// Who found the places that nobody named.
    finders: BTreeMap<Place, Option<Named>>,
    memory: Memory,
}

/// What one run remembers between two writes.
#[derive(Default)]
struct Memory {
    keys: Once<Place, PublicKey>,
    /// By a repository's whole name.
    ids: Once<String, u64>,
    /// The markers that were taken away, by their paths.
    forgotten: Once<String, ()>,
}

/// Writing with the client of one place.
struct At<'a> {
    client: &'a Client,
    memory: &'a Memory,
}

impl<'a> Writer<'a> {
    /// A writer that uses these clients, in the places that are named and in those that were found.
    #[must_use]
    pub fn new(clients: &'a Clients, observed: &Observed) -> Self {
        Self { clients, finders: observed.finders(), memory: Memory::default() }
    }

    /// Executes one operation.
    ///
    /// # Errors
    /// If GitHub refuses a request, or no usable answer comes.
    pub async fn write(&self, operation: &Operation, inputs: &Inputs<'_>) -> Result<Receipt, Problem> {
        let client = self.clients.of_any(operation.place(), &self.finders)?;
        At { client, memory: &self.memory }.write(operation, inputs).await
    }
}

impl At<'_> {
    async fn write(&self, operation: &Operation, inputs: &Inputs<'_>) -> Result<Receipt, Problem> {
        match operation {
            Operation::PutSecret { place, name, credential, half, create_environment, record, audience } => {
                if *create_environment {
                    self.create_environment(place).await?;
                }
                // The key comes while the record goes.
                let forgotten = async {
                    match record {
                        Some(record) => Ok(self.forget(place, record).await?),
                        None => Ok(()),
                    }
                };
                try_join(forgotten, self.key(place)).await?;
                let login = inputs.login(credential)?;
                let value = match half {
                    Half::Username => login.username.as_str(),
                    Half::Token => login.token.expose(),
                };
                let seen_by = self.seen_by(place, audience.as_ref()).await?;
                self.put_secret(place, name, value, &seen_by).await
            }
            Operation::DeleteSecret { place, name } => {
                self.delete(&format!("{}/{}", place.secrets(), segment(name))).await
            }
            Operation::DeleteMarker { place, name } => self.delete(&variable(place, name)).await,
            Operation::PutMarker { place, name, fingerprint, exists, names, kept, written } => {
                let times = written.iter().filter_map(|address| inputs.field(address, DATE).ok());
                let time = times.filter_map(|text| DateTime::parse_from_rfc3339(&text).ok()).max();
                let (Some(time), Some(fingerprint)) = (time, Fingerprint::parse(fingerprint)) else {
                    return Err(Problem::outside(
                        "GitHub's answers to the writes have no Date, so there is nothing to record",
                    ));
                };
                let names = self.unchanged(place, names, kept).await?;
                let marker = Marker { fingerprint, time: time.to_utc(), names };
                self.record(place, name, &marker).await.map_err(|error| unrecorded(error, name, *exists))
            }
        }
    }

    /// What is gone already is as it should be.
    async fn delete(&self, path: &str) -> Result<Receipt, Problem> {
        match self.client.delete(path).await {
            Err(error) if error.status() != Some(StatusCode::NOT_FOUND) => Err(error.into()),
            _ => Ok(Receipt::default()),
        }
    }

    async fn create_environment(&self, place: &Place) -> Result<(), Problem> {
        let super::Store::Environment(environment) = &place.store else { return Ok(()) };
        let path = format!("{}/environments/{}", place.root(), segment(environment));
        self.client.write(Method::PUT, &path, &json!({})).await?;
        Ok(())
    }

    /// Seals with the place's key; if GitHub has another key now (422), fetches it again, once.
    async fn put_secret(
        &self,
        place: &Place,
        name: &str,
        value: &str,
        seen_by: &Value,
    ) -> Result<Receipt, Problem> {
        let key = self.key(place).await?;
        match self.put_sealed(place, name, value, &key, seen_by).await {
            Err(error) if error.status() == Some(StatusCode::UNPROCESSABLE_ENTITY) => {
                self.memory.keys.forget(place);
                let key = self.key(place).await?;
                Ok(receipt(&self.put_sealed(place, name, value, &key, seen_by).await?))
            }
            answer => Ok(receipt(&answer?)),
        }
    }

    async fn put_sealed(
        &self,
        place: &Place,
        name: &str,
        value: &str,
        key: &PublicKey,
        seen_by: &Value,
    ) -> Result<Answer, GithubError> {
        let path = format!("{}/{}", place.secrets(), segment(name));
        let sealed = key.key.seal(&mut OsRng, value.as_bytes()).map_err(|_| {
            GithubError::unusable(&Method::PUT, &path, Problem::outside("the value could not be sealed"))
        })?;
        let mut body = seen_by.clone();
        body["encrypted_value"] = STANDARD.encode(sealed).into();
        body["key_id"] = key.id.clone().into();
        self.client.write(Method::PUT, &path, &body).await
    }

    /// What a write says of who sees the secret. An organization's secret needs it each time: left out,
    /// the list of selected repositories would be emptied.
    async fn seen_by(&self, place: &Place, audience: Option<&Audience>) -> Result<Value, Problem> {
        let Some(audience) = audience else { return Ok(json!({})) };
        let mut seen_by = json!({ "visibility": audience.visibility() });
        if let Audience::Selected(names) = audience {
            let mut ids = Vec::new();
            for name in names {
                ids.push(self.id(place, name).await?);
            }
            seen_by["selected_repository_ids"] = ids.into();
        }
        Ok(seen_by)
    }

    /// A repository's number, asked once.
    async fn id(&self, place: &Place, name: &str) -> Result<u64, Problem> {
        let full = format!("{}/{name}", place.owner);
        let ask = async {
            let path = format!("/repos/{}/{}", segment(&place.owner), segment(name));
            let answer = self.client.get(&path).await?;
            let id = answer.body["id"].as_u64();
            id.ok_or_else(|| Problem::outside(format!("GitHub gave no id of the repository {full}")))
        };
        self.memory.ids.try_get(&full, ask).await
    }

    /// The place's public key, fetched once.
    async fn key(&self, place: &Place) -> Result<PublicKey, Problem> {
        let ask = async {
            let answer = self.client.get(&format!("{}/public-key", place.secrets())).await?;
            parse_key(&answer)
                .ok_or_else(|| Problem::outside("GitHub's public key is not 32 bytes in base64"))
        };
        self.memory.keys.try_get(place, ask).await
    }

    /// Takes the marker away before anything that it vouches for is replaced, once for both halves, which both
    /// wait for it. Without the right to, the marker's own row says so.
    async fn forget(&self, place: &Place, name: &str) -> Result<(), GithubError> {
        let path = variable(place, name);
        let delete = async {
            match self.client.delete(&path).await {
                Err(error)
                    if matches!(error.status(), Some(StatusCode::NOT_FOUND | StatusCode::FORBIDDEN)) =>
                {
                    Ok(())
                }
                answer => answer.map(drop),
            }
        };
        self.memory.forgotten.try_get(&path, delete).await
    }

    /// These names without those that another run has written since they were read.
    async fn unchanged(
        &self,
        place: &Place,
        names: &[String],
        kept: &BTreeMap<String, DateTime<Utc>>,
    ) -> Result<BTreeSet<String>, GithubError> {
        let mut names: BTreeSet<String> = names.iter().cloned().collect();
        if !kept.is_empty() {
            let now = read::times(self.client, place).await?;
            names.retain(|name| kept.get(name).is_none_or(|time| now.get(name) == Some(time)));
        }
        Ok(names)
    }

    /// Makes the marker. Of two runs at once that each took the earlier one away and wrote the secrets, GitHub lets one make
    /// it: the other one finds it there. (Nothing else tells them apart: a secret's time is of whole seconds.)
    async fn record(&self, place: &Place, name: &str, marker: &Marker) -> Result<Receipt, GithubError> {
        let new = new_variable(place, name, &marker.to_string());
        match self.client.write(Method::POST, &place.variables(), &new).await {
            Err(error) if error.status() == Some(StatusCode::CONFLICT) => {
                self.settle(place, name, marker, error).await
            }
            answer => Ok(receipt(&answer?)),
        }
    }

    /// The marker is there already. If it says the same, it is from a request whose answer was lost or a run with the same
    /// credential. Any other is another run's, and nobody knows whose secrets were written last: it vouches for nothing
    /// from now on, so that the next run writes them.
    async fn settle(
        &self,
        place: &Place,
        name: &str,
        marker: &Marker,
        conflict: GithubError,
    ) -> Result<Receipt, GithubError> {
        let path = variable(place, name);
        let answer = self.client.get(&path).await?;
        let found = answer.body["value"].as_str().and_then(|text| text.parse::<Marker>().ok());
        let (names, result) = match found {
            Some(found) if found.says(marker) => return Ok(receipt(&answer)),
            Some(_) => (BTreeSet::new(), Err(conflict)),
            // A text that is not a marker was there all the time.
            None => (marker.names.clone(), Ok(receipt(&answer))),
        };
        let value = Marker { names, ..marker.clone() }.to_string();
        self.client.write(Method::PATCH, &path, &json!({ "name": name, "value": value })).await?;
        result
    }
}

/// A token that may write secrets but no variables does the job where there is no record; an earlier one would stay, and say
/// that another credential is there.
fn unrecorded(error: GithubError, name: &str, exists: bool) -> Problem {
    let refused = matches!(error.status(), Some(StatusCode::FORBIDDEN | StatusCode::NOT_FOUND));
    if error.status() == Some(StatusCode::CONFLICT) {
        let words = "another run wrote another credential here at the same time; which of the two is there is not known";
        return Problem::outside(words).hint("regcred sync");
    }
    let problem = Problem::from(error);
    match refused && exists {
        true => problem.hint(format!("give the token `variables: write`, or delete the variable {name}")),
        false => problem.harmless(refused),
    }
}

/// A variable to make. An organization's is told who sees it; the record is nobody's input, so the
/// narrowest word that needs no list.
fn new_variable(place: &Place, name: &str, value: &str) -> Value {
    let mut body = json!({ "name": name, "value": value });
    if place.repo.is_none() {
        body["visibility"] = Audience::Private.visibility().into();
    }
    body
}

/// The API's path of a variable.
fn variable(place: &Place, name: &str) -> String {
    format!("{}/{}", place.variables(), segment(name))
}

fn parse_key(answer: &Answer) -> Option<PublicKey> {
    let bytes: [u8; 32] = STANDARD.decode(answer.body["key"].as_str()?).ok()?.try_into().ok()?;
    Some(PublicKey {
        id: answer.body["key_id"].as_str()?.to_owned(),
        key: crypto_box::PublicKey::from(bytes),
    })
}

fn receipt(answer: &Answer) -> Receipt {
    Receipt(header::date(&answer.headers).map(|date| (DATE, date.to_rfc3339())).into_iter().collect())
}
