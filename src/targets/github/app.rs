//! A GitHub App: its id and its key, and what it says with them (GitHub's documentation, "Generating a JSON Web Token (JWT)
//! for a GitHub App").

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

use crate::change::Read;
use crate::env::Env;
use crate::files;
use crate::model::{Place, Problem, Secret};
use crate::redact;

const ID: &str = "GITHUB_APP_ID";
const KEY: &str = "GITHUB_APP_PRIVATE_KEY";
const KEY_FILE: &str = "GITHUB_APP_PRIVATE_KEY_FILE";
/// Far above any key, in bytes.
const MAX_BYTES: u64 = 64 * 1024;
/// Where a key is made again.
const KEYS: &str = "generate another private key on the App's page: https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/managing-private-keys-for-github-apps";
/// A clock may be ahead of GitHub's by so much.
const EARLIER: TimeDelta = TimeDelta::seconds(60);
/// What is said is good for so long; GitHub takes ten minutes.
const GOOD: TimeDelta = TimeDelta::minutes(9);

/// An App as the file names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// Its id, or its client id.
    pub id: String,
    /// The file with its key, as it is written there.
    pub key_file: PathBuf,
}

/// An App that can say who it is.
#[derive(Debug)]
pub(super) struct App {
    pub(super) id: String,
    /// Where its key was found.
    pub(super) source: String,
    key: RsaKeyPair,
}

impl App {
    /// The App that a file names; its key is relative to `base`.
    pub(super) fn named(named: &Named, base: &Path) -> Read<Self> {
        Self::in_file(&named.id, &base.join(&named.key_file))
    }

    /// The App of the environment, if it names one.
    pub(super) fn of_env(env: &Env) -> Option<Read<Self>> {
        let id = env.filled(ID)?.trim();
        Some(match (env.filled(KEY), env.filled(KEY_FILE)) {
            // In many stores of variables a line end is written as `\n`.
            (Some(text), _) => Self::read(id, &Secret::new(text.replace("\\n", "\n")), KEY.to_owned()),
            (None, Some(file)) => Self::in_file(id, Path::new(file)),
            (None, None) => {
                Err(Problem::outside(format!("{ID} is set, and neither {KEY} nor {KEY_FILE} is"))
                    .hint(format!("export {KEY_FILE}=FILE, or unset {ID}"))
                    .login(true))
            }
        })
    }

    fn in_file(id: &str, path: &Path) -> Read<Self> {
        let shown = path.display().to_string();
        let wrong = |words: String, hint: Option<String>| {
            Problem::outside(words).at(Place::file(path)).hints(hint).login(true)
        };
        let unread = |error: std::io::Error| wrong(format!("cannot be read: {error}"), None);
        if let Some(mode) = files::open_to_others(path).map_err(unread)? {
            let words =
                format!("holds the key of a GitHub App, and others may read it (its mode is {mode:04o})");
            return Err(wrong(words, Some(format!("chmod 600 {shown}"))));
        }
        let text = files::text_within(path, MAX_BYTES).map_err(unread)?;
        Self::read(id, &Secret::new(text.as_str().to_owned()), shown)
    }

    fn read(id: &str, pem: &Secret, source: String) -> Read<Self> {
        // A part of a key gives it away, too.
        pem.expose()
            .lines()
            .filter(|line| line.len() > 32 && !line.contains("-----"))
            .for_each(redact::teach);
        let wrong = |words: &str| {
            let words = format!("the GitHub App's key in {source} {words}");
            Problem::outside(words).hint(KEYS.to_owned()).login(true)
        };
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Problem::outside(format!("`{}` is not the id of a GitHub App", redact::outside(id)))
                .hint("its number, or its client id, such as Iv23li…; see the App's page".to_owned())
                .login(true));
        }
        // Its own errors can repeat a part of the text.
        let der = PrivateKeyDer::from_pem_slice(pem.expose().as_bytes())
            .map_err(|_| wrong("is not a private key as GitHub gives it (PEM)"))?;
        let key = match &der {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            _ => return Err(wrong("is not an RSA key, which GitHub's are")),
        };
        let key = key.map_err(|error| wrong(&format!("cannot be used: {error}")))?;
        Ok(Self { id: id.to_owned(), source, key })
    }

    /// Says at this time who it is, for the ten minutes that GitHub takes it.
    pub(super) fn assertion(&self, now: DateTime<Utc>) -> Read<Secret> {
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims =
            json!({ "iat": (now - EARLIER).timestamp(), "exp": (now + GOOD).timestamp(), "iss": self.id });
        let mut text = format!("{}.{}", part(json!({ "alg": "RS256", "typ": "JWT" })), part(claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        let signed = self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature);
        signed.map_err(|_| {
            Problem::outside(format!("the GitHub App's key in {} does not sign", self.source))
        })?;
        text.push('.');
        text.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(Secret::new(text))
    }
}
