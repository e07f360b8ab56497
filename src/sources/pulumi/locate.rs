//! The credential of a stack: found, checked, and at last decrypted.

use std::fmt;
use std::sync::Arc;

use super::credential_error::CredentialError;
use super::crypto::{self, CryptoError, DataKey, EncryptionSalt};
use super::passphrase::Passphrase;
use super::provider::Provider;
use super::stack_file::{ConfigEntry, ConfigValue, StackFile};
use crate::model::{Place, Problem, Secret, secret};

const USERNAME: &str = "dockerHubUsername";
const TOKEN: &str = "dockerHubToken";
/// The name in Pulumi's own example of a cache (`pulumi/examples`, `aws-ts-ecr-cache`).
const TOKEN_ALIAS: &str = "dockerHubAccessToken";

/// The keys that a credential is under. Each may be a path into a value: `docker.token`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialKeys {
    /// The key of the user name.
    pub username: String,
    /// The key of the token. `dockerHubAccessToken` stands in for `dockerHubToken` where only that is there.
    pub token: String,
}

impl Default for CredentialKeys {
    fn default() -> Self {
        Self { username: USERNAME.to_owned(), token: TOKEN.to_owned() }
    }
}

impl CredentialKeys {
    /// Whether a stack has values under both keys, of whatever kind.
    #[must_use]
    pub fn are_in(&self, stack: &StackFile) -> bool {
        stack.has(&self.username) && stack.has(self.token_key(stack))
    }

    /// Whether a stack has a value under either key: then it is meant to hold the credential.
    #[must_use]
    pub fn any_in(&self, stack: &StackFile) -> bool {
        stack.has(&self.username) || stack.has(self.token_key(stack))
    }

    fn token_key(&self, stack: &StackFile) -> &str {
        let alias = self.token == TOKEN && stack.entry(TOKEN).is_none();
        match alias && stack.entry(TOKEN_ALIAS).is_some() {
            true => TOKEN_ALIAS,
            false => &self.token,
        }
    }
}

/// A credential that is there and encrypted as it should be; nothing has been decrypted yet.
/// Cheap to clone.
#[derive(Clone)]
pub struct Located(Arc<Sealed>);

struct Sealed {
    stack: String,
    salt: EncryptionSalt,
    salt_place: Place,
    username: Found,
    token: Found,
}

impl fmt::Debug for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Located")
            .field("username", &self.0.username.place)
            .field("token", &self.0.token.place)
            .finish_non_exhaustive()
    }
}

/// The decrypted credential.
#[derive(Clone, Debug)]
pub struct Login {
    /// The user name.
    pub username: String,
    /// The access token.
    pub token: Secret,
}

struct Found {
    key: String,
    place: Place,
    text: Text,
    fix: Box<str>,
}

enum Text {
    Plain(String),
    Secure(String),
}

/// Finds the credential of a stack.
///
/// # Errors
/// Everything that can be known without the passphrase: keys that are missing, empty or not texts, a token in
/// plain text, white space around a plain user name, a provider that is not supported, a damaged salt.
pub fn locate(stack: &StackFile, keys: &CredentialKeys) -> Result<Located, Vec<Problem>> {
    let username = username(stack, &keys.username);
    let token = token(stack, keys.token_key(stack));
    let secret = [&token, &username]
        .into_iter()
        .find_map(|found| found.as_ref().ok().filter(|found| found.is_secure()));
    let salt = secret.map(|found| salt(stack, &found.place)).transpose();
    match (username, token, salt) {
        (Ok(username), Ok(token), Ok(Some((salt_place, salt)))) => {
            let stack = stack.stack.clone();
            Ok(Located(Arc::new(Sealed { stack, salt, salt_place, username, token })))
        }
        (username, token, salt) => {
            let errors = [username.err(), token.err(), salt.err()];
            Err(errors.into_iter().flatten().map(Problem::from).collect())
        }
    }
}

fn username(stack: &StackFile, key: &str) -> Result<Found, CredentialError> {
    let fix = stack.set_command("--plaintext", key, " NAME").into();
    let found = found(stack, key, fix)?;
    if let Text::Plain(name) = &found.text {
        found.check(name)?;
    }
    Ok(found)
}

fn token(stack: &StackFile, key: &str) -> Result<Found, CredentialError> {
    let fix = stack.set_command("--secret", key, "").into();
    let found = found(stack, key, fix)?;
    match found.text {
        Text::Secure(_) => Ok(found),
        Text::Plain(_) => {
            Err(CredentialError::PlainToken { place: found.place, key: found.key, fix: found.fix })
        }
    }
}

fn found(stack: &StackFile, key: &str, fix: Box<str>) -> Result<Found, CredentialError> {
    let key = key.to_owned();
    let Some(ConfigEntry { place, value }) = stack.entry(&key) else {
        return Err(absent(stack, key, fix));
    };
    let text = match value {
        ConfigValue::Plain(text) => Text::Plain(text),
        ConfigValue::Secure(text) => Text::Secure(text),
        ConfigValue::Empty => return Err(CredentialError::Empty { place, key, fix }),
        ConfigValue::Object => return Err(CredentialError::NotText { place, key }),
    };
    Ok(Found { key, place, text, fix })
}

fn absent(stack: &StackFile, key: String, fix: Box<str>) -> CredentialError {
    match stack.environment() {
        Some(place) => CredentialError::InEnvironment { place: place.clone(), key },
        None => CredentialError::Missing { place: Place::file(&stack.file), key, fix },
    }
}

/// The salt that the secrets of a stack need; `secret` is the place of one of them.
fn salt(stack: &StackFile, secret: &Place) -> Result<(Place, EncryptionSalt), CredentialError> {
    let place = stack.secrets.place().unwrap_or(secret).clone();
    let stack_name = stack.stack.clone();
    let unusable = |source| CredentialError::Salt { place: place.clone(), stack: stack_name.clone(), source };
    match stack.provider() {
        Provider::Passphrase { salt } => match EncryptionSalt::parse(&salt) {
            Ok(salt) => Ok((place, salt)),
            Err(error) => Err(unusable(Some(error))),
        },
        Provider::SaltMissing | Provider::None => Err(unusable(None)),
        provider @ (Provider::Kms { .. } | Provider::Service) => {
            Err(CredentialError::Unsupported { place, stack: stack_name, provider: Box::new(provider) })
        }
    }
}

impl Found {
    fn is_secure(&self) -> bool {
        matches!(self.text, Text::Secure(_))
    }

    fn open(&self, key: &DataKey) -> Result<Secret, CredentialError> {
        let value = match &self.text {
            Text::Plain(text) => Secret::new(text.clone()),
            Text::Secure(text) => key.decrypt(text).map_err(|source| self.damaged(source))?,
        };
        self.check(value.expose())?;
        Ok(value)
    }

    fn damaged(&self, source: CryptoError) -> CredentialError {
        CredentialError::Damaged {
            place: self.place.clone(),
            key: self.key.clone(),
            fix: self.fix.clone(),
            source,
        }
    }

    fn check(&self, value: &str) -> Result<(), CredentialError> {
        let (place, key, fix) = (self.place.clone(), self.key.clone(), self.fix.clone());
        if value.is_empty() {
            return Err(CredentialError::Empty { place, key, fix });
        }
        match secret::flaw(value) {
            Some(flaw) => Err(CredentialError::Blank { place, key, flaw: flaw.into(), fix }),
            None => Ok(()),
        }
    }
}

impl Located {
    /// The salt. Two credentials with an equal one have the same key: unlock once.
    #[must_use]
    pub fn salt(&self) -> &EncryptionSalt {
        &self.0.salt
    }

    /// The key of this credential's stack. Expensive, see [`derive`](super::derive): call it on a thread that
    /// may block.
    ///
    /// # Errors
    /// A wrong passphrase.
    pub fn unlock(&self, passphrase: &Passphrase) -> Result<DataKey, Problem> {
        crypto::derive(passphrase, &self.0.salt).map_err(|source| {
            Problem::from(CredentialError::Locked {
                place: self.0.salt_place.clone(),
                stack: self.0.stack.clone(),
                advice: passphrase.advice(),
                source,
            })
        })
    }

    /// Decrypts the credential and checks it.
    ///
    /// # Errors
    /// For each of the two values: it is damaged, empty, or has white space in it.
    pub fn open(&self, key: &DataKey) -> Result<Login, Vec<Problem>> {
        match (self.0.username.open(key), self.0.token.open(key)) {
            (Ok(username), Ok(token)) => Ok(Login {
                // A user name is encrypted in some stacks; it is no secret in any plan or report.
                username: username.expose().to_owned(),
                token,
            }),
            (username, token) => {
                let errors = [username.err(), token.err()];
                Err(errors.into_iter().flatten().map(Problem::from).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests;
