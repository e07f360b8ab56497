//! A value as it leaves the sources: in the one spelling that is compared and written, and good for a login.

use super::{off_thread, one};
use crate::change::Known;
use crate::model::{Credential, Fingerprint, Login, Problem, google_key, token_kind};

/// The value as it is compared and written.
pub(super) fn judged(credential: &Credential, login: Login) -> Result<Login, Vec<Problem>> {
    let login = login.at(&credential.registry);
    fault(credential, &login).map_or(Ok(login), |problem| Err(one(problem)))
}

/// What may be shown of a credential's value. The fingerprint takes a while: on a thread that may block.
///
/// # Errors
/// That thread ended early.
pub async fn known(credential: &Credential, login: &Login) -> Result<Known, Vec<Problem>> {
    let (registry, Login { username, token }) = (credential.registry.clone(), login.clone());
    off_thread(move || {
        let fingerprint = Fingerprint::of(&registry, &username, &token);
        let kind = token_kind(&registry, &username, &token);
        Known { username, fingerprint, kind, current_since: None }
    })
    .await
}

/// The beginnings of Docker Hub's tokens.
const DOCKERS: [&str; 2] = ["dckr_pat_", "dckr_oat_"];

fn fault(Credential { id, registry, .. }: &Credential, login: &Login) -> Option<Problem> {
    let Login { username, token } = login;
    if !registry.is_dockers() && DOCKERS.iter().any(|start| token.expose().starts_with(start)) {
        let message =
            format!("the token of {id} is Docker Hub's, and goes to no other registry, such as {registry}");
        return Some(
            Problem::input(message).hint("write `registry: docker.io`, or give the registry's own token"),
        );
    }
    // Its password does not say it, at no registry and in no Docker configuration.
    if username.contains(':') {
        let message = format!("the user name of {id} has a colon in it, which no login can carry");
        return Some(Problem::input(message).hint("compare it with the registry's own page of the account"));
    }
    let fault = google_key::fault(username, token.expose())?;
    let message = format!("the token of {id}, whose user name is {username}, {fault}");
    Some(Problem::input(message).hint("give the whole key file, such as from: { file: key.json }"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CredentialId, Secret};

    async fn read(registry: &str, username: &str, token: &str) -> Result<(Login, Known), String> {
        let credential = Credential {
            id: CredentialId("hub".to_owned()),
            registry: registry.parse().expect("a registry"),
            token_service: None,
            source: String::new(),
        };
        let login = Login { username: username.to_owned(), token: Secret::new(token.to_owned()) };
        let login = judged(&credential, login).map_err(|problems| problems[0].message.clone())?;
        let known = known(&credential, &login).await.expect("the thread goes on");
        Ok((login, known))
    }

    #[tokio::test]
    async fn a_user_of_docker_hub_is_one_in_every_spelling() {
        let (login, known) = read("docker.io", "Acme", "t").await.expect("it is good");
        assert_eq!(login.username, "acme");
        let (_, same) = read("docker.io", "ACME", "t").await.expect("it is good");
        assert_eq!(known, same);
        let (other, _) = read("ghcr.io", "Acme", "t").await.expect("it is good");
        assert_eq!(other.username, "Acme", "elsewhere case may count");
    }

    #[tokio::test]
    async fn what_no_login_can_carry_is_refused_without_the_token() {
        for (username, token, words) in [
            ("a:b", "s3cret", "the user name of hub has a colon in it, which no login can carry"),
            ("acme", "dckr_pat_s3cret", "the token of hub is Docker Hub's, and goes to no other registry"),
            ("acme", "dckr_oat_s3cret", "the token of hub is Docker Hub's, and goes to no other registry"),
            ("_json_key", "s3cret", "the token of hub, whose user name is _json_key, "),
        ] {
            let refused = read("ghcr.io", username, token).await.expect_err("it is refused");
            assert!(refused.starts_with(words) && !refused.contains("s3cret"), "{refused}");
        }
    }
}
