//! Failed logins lock an account: after too many of them even the right secret is refused for a while, and each further
//! failure makes it longer. Docker says "a temporary block caused by an incorrect username and password. Please try again
//! after 15 minutes" (docker/hub-feedback#2217). The number of failures is unconfirmed; 429 was seen
//! (docker/hub-feedback#642, #786), and 401 with the same words is not ruled out.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::state::Registry;

/// When accounts are locked, and for how long.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Lockout {
    /// Failures without a login in between.
    pub after: u32,
    /// Seconds, from the last failure on.
    pub seconds: u32,
    /// The status of the answer.
    pub status: u16,
}

impl Default for Lockout {
    fn default() -> Self {
        Self { after: 10, seconds: 900, status: 429 }
    }
}

/// An account's failed logins since the last one that was accepted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// The last one.
    pub last: DateTime<Utc>,
}

/// Why nobody is logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// User or secret is wrong, or no longer accepted.
    Wrong,
    /// The account takes no login now.
    LockedOut,
}

impl Registry {
    /// Logs in: counts a failure, and writes down when a token was last used. Gives the login as Docker Hub writes it.
    pub(crate) fn login(&mut self, user: &str, secret: &str, now: DateTime<Utc>) -> Result<String, Refusal> {
        let right = self.credential(user, secret).is_some_and(|credential| !credential.is_expired(now));
        let login = user.to_lowercase();
        let lockout = self.lockout.clone();
        let account = self.accounts.get_mut(&login).ok_or(Refusal::Wrong)?;
        let locked = account.failures.lock(&lockout, now);
        if !right {
            account.failures = Failures { count: account.failures.count + 1, last: now };
        }
        if locked {
            return Err(Refusal::LockedOut);
        }
        if !right {
            return Err(Refusal::Wrong);
        }
        account.failures = Failures::default();
        let lags = self.hub.lags;
        let used = account.credentials.iter_mut().filter(|credential| !lags && credential.secret == secret);
        used.for_each(|credential| credential.token.last_used = Some(now));
        Ok(login)
    }
}

impl Failures {
    /// Whether the account is locked now; a lock that has ended is forgotten.
    fn lock(&mut self, lockout: &Lockout, now: DateTime<Utc>) -> bool {
        if now - self.last >= Duration::seconds(lockout.seconds.into()) {
            *self = Self::default();
        }
        self.count >= lockout.after
    }
}
