//! Logging in to the API.

use serde_json::json;

use super::{Outcome, Visit, login_token};
use crate::message::Reply;
use crate::registry::lockout::Refusal;
use crate::registry::{CredentialKind, claims_of, issue};

/// The words for a wrong login, of the description's example.
const WRONG: &str = "Incorrect authentication credentials";
/// As docker/hub-tool knows them.
const SECOND_FACTOR: &str = "Require secondary authentication on MFA enabled account";
/// The status and the words are unconfirmed; the description only says that a password does not do.
const SSO: &str = "Password login is not allowed: your organization enforces single sign-on";
/// docker/hub-feedback#642.
const LOCKED: &str = "Too many failed login attempts. You have been locked out for one hour. Try again later or contact support.";
/// How long the second step may take (unconfirmed).
const SECOND_FACTOR_SECONDS: i64 = 300;

fn refused(status: u16, detail: &str) -> Reply {
    Reply::json(status, &json!({ "detail": detail }))
}

impl Visit<'_> {
    pub(super) fn login(&mut self) -> Outcome {
        let (login, means) = self.checked(&self.text("identifier"), &self.text("secret"))?;
        let second = means == "password" && self.registry.accounts[&login].second_factor.is_some();
        if second {
            // What this call says then is not in the description.
            return Err(refused(401, SECOND_FACTOR));
        }
        Ok(Reply::json(200, &json!({ "access_token": login_token(&login, means, self.now) })))
    }

    /// The older call, which knows the second factor.
    pub(super) fn users_login(&mut self) -> Outcome {
        let (login, means) = self.checked(&self.text("username"), &self.text("password"))?;
        if means == "password" && self.registry.accounts[&login].second_factor.is_some() {
            let token = issue("2fa", &json!({ "login": login }), SECOND_FACTOR_SECONDS, self.now);
            return Err(Reply::json(401, &json!({ "detail": SECOND_FACTOR, "login_2fa_token": token })));
        }
        Ok(Reply::json(200, &json!({ "token": login_token(&login, means, self.now) })))
    }

    pub(super) fn second_factor(&self) -> Outcome {
        let claims = claims_of(&self.text("login_2fa_token"), "2fa", self.now);
        let login = claims.as_ref().and_then(|claims| claims["login"].as_str()).unwrap_or_default();
        let code = self.registry.accounts.get(login).and_then(|account| account.second_factor.as_ref());
        if code.is_none_or(|code| *code != self.text("code")) {
            return Err(refused(401, WRONG));
        }
        Ok(Reply::json(200, &json!({ "token": login_token(login, "password", self.now) })))
    }

    /// Who that is, and by what means.
    fn checked(&mut self, user: &str, secret: &str) -> Result<(String, &'static str), Reply> {
        let login = self.registry.login(user, secret, self.now).map_err(|refusal| match refusal {
            Refusal::Wrong => refused(401, WRONG),
            Refusal::LockedOut => refused(self.registry.lockout.status, LOCKED),
        })?;
        let means = match self.registry.credential(user, secret).map(|credential| credential.kind) {
            Some(CredentialKind::Password) => "password",
            Some(CredentialKind::Oat) => "oat",
            _ => "pat",
        };
        if means == "password" && self.registry.accounts[&login].sso {
            return Err(refused(401, SSO));
        }
        Ok((login, means))
    }
}
