//! The credential of a stack: found, checked, and at last decrypted.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::credential_error::CredentialError;
use super::crypto::{CryptoError, DataKey};
use super::kms::AwsKms;
use super::lock::{Lock, PassphraseLock};
use super::provider::Provider;
use super::question::{Need, Stack};
use super::stack_file::{ConfigEntry, ConfigValue, StackFile};
use crate::model::{Login, Place, Problem, Secret, secret};

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
        stack.has(&self.username) && stack.has(self.token_in(stack))
    }

    /// Whether a stack has a value under either key: then it is meant to hold the credential.
    #[must_use]
    pub fn any_in(&self, stack: &StackFile) -> bool {
        stack.has(&self.username) || stack.has(self.token_in(stack))
    }

    fn token_in(&self, stack: &StackFile) -> &str {
        self.token_key(|key| stack.entry(key).is_some())
    }

    /// The key of the token, or its alias where only that `is_there`.
    pub(super) fn token_key(&self, is_there: impl Fn(&str) -> bool) -> &str {
        match self.token == TOKEN && !is_there(TOKEN) && is_there(TOKEN_ALIAS) {
            true => TOKEN_ALIAS,
            false => &self.token,
        }
    }
}

/// How the credential of a stack can be read.
#[derive(Clone, Debug)]
pub enum Way {
    /// It is in the file, and what opens it is within reach.
    Here(Located),
    /// Only the `pulumi` program can read it.
    Program(Box<Stack>),
}

/// A credential that is there and encrypted as it should be; nothing has been decrypted yet.
/// Cheap to clone.
#[derive(Clone)]
pub struct Located(Arc<Sealed>);

struct Sealed {
    lock: Lock,
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

/// The encrypted token as it stands in a file.
pub(super) struct Ciphertext<'a> {
    /// The key that it is under.
    pub(super) key: &'a str,
    /// Where the key is.
    pub(super) place: &'a Place,
    /// What stands there; empty where it is not a secret, which [`locate`] refuses.
    pub(super) text: &'a str,
    /// The command that sets it.
    pub(super) fix: &'a str,
}

/// Finds the credential of a stack.
///
/// # Errors
/// Everything that can be known without the passphrase: keys that are missing, empty or not texts, a token in
/// plain text, white space around a plain user name, a provider that does not exist, a damaged salt.
pub fn locate(stack: &StackFile, keys: &CredentialKeys) -> Result<Way, Vec<Problem>> {
    let (username, token) = (username(stack, &keys.username), token(stack, keys.token_in(stack)));
    let found = |half: &Result<Half, CredentialError>| match half {
        Ok(Half::Here(found)) if found.is_secure() => Some(found.place.clone()),
        _ => None,
    };
    let opener = found(&token).or_else(|| found(&username)).map(|place| opener(stack, &place)).transpose();
    let ask = |place: Place, need: Need| Way::Program(Box::new(stack_to_ask(stack, keys, place, need)));
    match (username, token, opener) {
        (Ok(Half::Elsewhere(place, key)), Ok(_), Ok(_)) | (Ok(_), Ok(Half::Elsewhere(place, key)), Ok(_)) => {
            Ok(ask(place, Need::Environment { key }))
        }
        (Ok(Half::Here(_)), Ok(Half::Here(_)), Ok(Some(Opener::Program(place)))) => {
            Ok(ask(place, Need::Provider(stack.provider())))
        }
        (Ok(Half::Here(username)), Ok(Half::Here(token)), Ok(Some(Opener::Lock(lock)))) => {
            Ok(Way::Here(Located(Arc::new(Sealed { lock, username, token }))))
        }
        (username, token, opener) => {
            let errors = [username.err(), token.err(), opener.err()];
            Err(errors.into_iter().flatten().map(Problem::from).collect())
        }
    }
}

fn stack_to_ask(stack: &StackFile, keys: &CredentialKeys, place: Place, need: Need) -> Stack {
    Stack {
        project: stack.project.clone(),
        dir: stack.project_dir.clone(),
        name: stack.stack.clone(),
        place,
        need,
        provider: stack.provider(),
        keys: keys.clone(),
    }
}

/// One of the two values: in the file, or with its key in an environment that the file names.
enum Half {
    Here(Found),
    Elsewhere(Place, String),
}

/// What opens the secrets of a stack, or the line that says that only the program can.
enum Opener {
    Lock(Lock),
    Program(Place),
}

fn username(stack: &StackFile, key: &str) -> Result<Half, CredentialError> {
    let fix = stack.set_command("--plaintext", key, " NAME").into();
    let half = half(stack, key, fix)?;
    if let Half::Here(found) = &half
        && let Text::Plain(name) = &found.text
    {
        found.check(name)?;
    }
    Ok(half)
}

fn token(stack: &StackFile, key: &str) -> Result<Half, CredentialError> {
    let fix = stack.set_command("--secret", key, "").into();
    match half(stack, key, fix) {
        Ok(Half::Here(Found { key, place, text: Text::Plain(_), fix }))
        | Err(CredentialError::Unquoted { place, key, fix }) => {
            Err(CredentialError::PlainToken { place, key, fix })
        }
        half => half,
    }
}

fn half(stack: &StackFile, key: &str, fix: Box<str>) -> Result<Half, CredentialError> {
    let key = key.to_owned();
    let Some(ConfigEntry { place, value }) = stack.entry(&key) else {
        return match stack.environment() {
            Some(place) => Ok(Half::Elsewhere(place.clone(), key)),
            None => Err(CredentialError::Missing { place: Place::file(&stack.file), key, fix }),
        };
    };
    let text = match value {
        ConfigValue::Plain(text) => Text::Plain(text),
        ConfigValue::Secure(text) => Text::Secure(text),
        ConfigValue::Unquoted => return Err(CredentialError::Unquoted { place, key, fix }),
        ConfigValue::Empty => return Err(CredentialError::Empty { place, key, fix }),
        ConfigValue::Object => return Err(CredentialError::NotText { place, key }),
    };
    Ok(Half::Here(Found { key, place, text, fix }))
}

/// What opens the secrets of a stack; `secret` is the place of one of them.
fn opener(stack: &StackFile, secret: &Place) -> Result<Opener, CredentialError> {
    let place = stack.secrets.place().unwrap_or(secret).clone();
    let name = stack.stack.clone();
    let provider = stack.provider();
    match &provider {
        Provider::Passphrase { salt } => match PassphraseLock::read(&name, &place, salt) {
            Ok(lock) => Ok(Opener::Lock(Lock::Passphrase(lock))),
            Err(error) => Err(CredentialError::Salt { place, stack: name, source: Some(error) }),
        },
        Provider::SaltMissing | Provider::None => {
            Err(CredentialError::Salt { place, stack: name, source: None })
        }
        Provider::Service => Ok(Opener::Program(place)),
        Provider::Kms { url, encrypted_key } if url.starts_with("awskms:") => {
            match AwsKms::read(&name, &place, url, encrypted_key) {
                Ok(lock) => Ok(Opener::Lock(Lock::AwsKms(lock))),
                Err(what) => Err(CredentialError::Kms { place, stack: name, what: what.into() }),
            }
        }
        Provider::Kms { .. } if provider.is_known() => Ok(Opener::Program(place)),
        Provider::Kms { .. } => {
            let fix = stack.change_provider_command().into();
            Err(CredentialError::Unsupported { place, stack: name, provider: Box::new(provider), fix })
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
    /// The stack file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.0.token.place.file
    }

    /// The keys that it is under.
    #[must_use]
    pub fn keys(&self) -> CredentialKeys {
        CredentialKeys { username: self.0.username.key.clone(), token: self.0.token.key.clone() }
    }

    /// What opens it.
    #[must_use]
    pub fn lock(&self) -> &Lock {
        &self.0.lock
    }

    /// The token as it stands in its file.
    pub(super) fn token_ciphertext(&self) -> Ciphertext<'_> {
        let Found { key, place, text, fix } = &self.0.token;
        let text = match text {
            Text::Secure(text) => text,
            Text::Plain(_) => "",
        };
        Ciphertext { key, place, text, fix }
    }

    /// Decrypts the credential and checks it.
    ///
    /// # Errors
    /// For each of the two values: it is damaged, empty, or has white space in it.
    pub fn open(&self, key: &DataKey) -> Result<Login, Vec<Problem>> {
        match (self.0.username.open(key), self.0.token.open(key)) {
            (Ok(username), Ok(token)) => Ok(Login {
                // A user name is encrypted in some stacks; it is not a secret in any plan or report.
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
