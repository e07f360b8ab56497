//! The value that a secret held before: read only where a person asks for it (`rotate --from previous`), by whoever may.

use std::collections::BTreeSet;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::Desired;
use crate::aws::{AwsError, Client, Clients};
use crate::model::{CredentialId, Login, Problem, Secret, secret};

/// The stage of the version that was current before.
const PREVIOUS: &str = "AWSPREVIOUS";
const OPERATION: &str = "secretsmanager:GetSecretValue";

/// What is written there, and nothing else.
#[derive(Deserialize)]
struct Stored {
    username: String,
    #[serde(rename = "accessToken")]
    token: String,
}

/// The value that was current before, from the first of the credential's accounts and regions that has one.
///
/// # Errors
/// The credential has no place in AWS, no secret of it has a previous version, this login may not read it, or it is no login
/// that regcred wrote.
pub async fn previous(clients: &Clients, desired: &[Desired], id: &CredentialId) -> Result<Login, Problem> {
    let places = desired.iter().filter(|place| place.credential == *id);
    let sites = places.flat_map(|place| place.stacks.iter().map(move |stack| (&stack.session, place)));
    let (mut first, mut asked) = (None, BTreeSet::new());
    for (session, place) in sites {
        // Stacks share an account and region.
        if !asked.insert((session, &place.secret)) {
            continue;
        }
        let Some(client) = clients.get(session) else { continue };
        match value(client, place).await {
            Ok(login) => return Ok(login),
            Err(problem) => first = first.or(Some(problem)),
        }
    }
    Err(first.unwrap_or_else(|| {
        let words = format!("{id} has no place in AWS, so nothing keeps what it was before");
        Problem::input(words).hint("give the value itself: regcred rotate --from stdin")
    }))
}

async fn value(client: &Client, place: &Desired) -> Result<Login, Problem> {
    let Desired { secret, .. } = place;
    let told = |why: &str| format!("the previous value of {secret} in {} {why}", client.login.region);
    let got = client.secrets.get_secret_value().secret_id(secret).version_stage(PREVIOUS).send().await;
    let got = got.map_err(|error| refused(&told, &AwsError::new(OPERATION, &error, &client.login)))?;
    let text = got.secret_string.map(Zeroizing::new);
    // Its own errors can repeat a part of the text.
    let stored = text.and_then(|text| serde_json::from_str::<Stored>(&text).ok());
    let stored = stored.ok_or_else(|| {
        Problem::input(told("is not what regcred writes")).hint("give it: regcred rotate --from stdin")
    })?;
    let login = Login { username: stored.username, token: Secret::new(stored.token) };
    match secret::flaw(login.token.expose()).or_else(|| secret::flaw(&login.username)) {
        Some(flaw) => Err(Problem::input(told(&flaw)).hint("give it: regcred rotate --from stdin")),
        None => Ok(login),
    }
}

fn refused(told: &impl Fn(&str) -> String, error: &AwsError) -> Problem {
    if error.is("ResourceNotFoundException") {
        return Problem::input(told("is not there: it was changed once at most"))
            .hint("give the value itself: regcred rotate --from stdin");
    }
    let hints = match error.is("AccessDeniedException") {
        true => vec![format!(
            "allow {OPERATION} to this principal and name it in `aws: {{ readers: [ARN] }}`, or give the value itself: regcred rotate --from stdin"
        )],
        false => error.hints.clone(),
    };
    let problem = Problem::outside(told(&format!("cannot be read: {error}"))).hints(hints);
    problem.login(error.login).untrusted(error.untrusted)
}
