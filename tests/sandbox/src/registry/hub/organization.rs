//! Access tokens of organizations, which their owners manage.

use http::Method;
use serde_json::{Value, json};

use super::{Outcome, Visit, error, invalid};
use crate::message::Reply;
use crate::registry::state::{Credential, CredentialKind};
use crate::registry::token::{Resource, Token};

/// The description's example says `repo-pull`, which the API refuses (docker/docs#24406); the other is unconfirmed.
const SCOPES: [&str; 2] = ["scope-image-pull", "scope-image-push"];

impl Visit<'_> {
    /// The organization, in lower case, if whoever has logged in owns it.
    pub(super) fn owned(&self, name: &str) -> Result<(String, String), Reply> {
        let login = self.owner()?;
        let name = name.to_lowercase();
        let account = self.registry.accounts.get(&name).filter(|account| !account.owners.is_empty());
        let account = account.ok_or_else(|| error(404, "organization not found"))?;
        if account.owners.contains(&login) {
            Ok((name, login))
        } else {
            Err(error(403, "you must be an owner of the organization"))
        }
    }

    pub(super) fn organization(&mut self, name: &str) -> Outcome {
        let (org, login) = self.owned(name)?;
        if self.request.method == Method::POST {
            return self.create_for(&org, login);
        }
        let account = &self.registry.accounts[&org];
        let all: Vec<Value> =
            account.tokens(CredentialKind::Oat).map(Credential::organization).rev().collect();
        let page = self.page(&format!("/v2/orgs/{org}/access-tokens"), all, 10)?;
        let (next, previous) = (page.next, page.previous);
        Ok(Reply::json(
            200,
            &json!({ "total": page.total, "next": next, "previous": previous, "results": page.results }),
        ))
    }

    fn create_for(&mut self, org: &str, login: String) -> Outcome {
        let made = Token {
            label: self.label("label")?,
            resources: self.resources(org)?,
            created_by: login.clone(),
            created_at: self.now,
            expires_at: self.expiry()?,
            ..Token::default()
        };
        let credential = self.add(org, "dckr_oat_", made)?;
        self.log(org, "create", &login, &credential.token.label);
        let mut shown = with_resources(&credential);
        shown["token"] = credential.secret.into();
        Ok(Reply::json(201, &shown))
    }

    /// Only what is named can be pulled: at least one, on repositories of the organization or on the public ones.
    fn resources(&self, org: &str) -> Result<Vec<Resource>, Reply> {
        let read = serde_json::from_value::<Vec<Resource>>(self.body["resources"].clone());
        let resources = read.map_err(|_| invalid("resources", "must be a list of resources"))?;
        let start = format!("{org}/");
        let fits = |resource: &Resource| {
            let path = match resource.kind.as_str() {
                "TYPE_REPO" => resource.path == "*/*/public" || resource.path.starts_with(&start),
                "TYPE_ORG" => resource.path == org,
                _ => false,
            };
            let scopes = &resource.scopes;
            path && !scopes.is_empty() && scopes.iter().all(|scope| SCOPES.contains(&scope.as_str()))
        };
        let all = !resources.is_empty() && resources.iter().all(fits);
        all.then_some(resources).ok_or_else(|| invalid("resources", "invalid resource"))
    }

    pub(super) fn organization_token(&mut self, name: &str, id: &str) -> Outcome {
        let (org, login) = self.owned(name)?;
        match self.request.method {
            Method::DELETE => {
                let taken = self.take(&org, CredentialKind::Oat, id)?;
                self.log(&org, "delete", &login, &taken.label);
                Ok(Reply::empty(204))
            }
            Method::PATCH => self.change(&org, &login, id),
            _ => Ok(Reply::json(200, &with_resources(self.found(&org, CredentialKind::Oat, id)?))),
        }
    }

    fn change(&mut self, org: &str, login: &str, id: &str) -> Outcome {
        let label = self.given("label").then(|| self.label("label")).transpose()?;
        let resources = self.given("resources").then(|| self.resources(org)).transpose()?;
        let active = self.flag("is_active")?;
        let credential = self.found(org, CredentialKind::Oat, id)?;
        credential.token.change(label, active);
        credential.token.resources = resources.unwrap_or_else(|| credential.token.resources.clone());
        let (shown, label) = (with_resources(credential), credential.token.label.clone());
        self.log(org, "update", login, &label);
        Ok(Reply::json(200, &shown))
    }
}

fn with_resources(credential: &Credential) -> Value {
    let mut shown = credential.organization();
    shown["resources"] = json!(credential.token.resources);
    shown
}
