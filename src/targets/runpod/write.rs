//! Writing RunPod. Every operation may be repeated; `retire.rs` has the one that takes something away.

use tokio::sync::Mutex;

use super::client::{POLICY, Say};
use super::retire::Looks;
use super::{Client, ContainerRegistryAuthCreateInput, Kind, NewTemplate, Operation, RunpodError};
use crate::change::{Inputs, Receipt};
use crate::model::{CredentialId, Problem};
use crate::net::TryError;

/// The field of a receipt that holds the id of what was made.
pub const ID: &str = "id";

/// What writes to RunPod.
pub struct Writer<'a> {
    pub(super) client: &'a Client,
    /// What was seen before something is retired; whoever holds it deletes.
    pub(super) looks: Mutex<Looks>,
}

impl<'a> Writer<'a> {
    /// A writer that uses this client.
    #[must_use]
    pub fn new(client: &'a Client) -> Self {
        Self { client, looks: Mutex::default() }
    }

    /// Executes one operation.
    ///
    /// # Errors
    /// If RunPod refuses a request, or no usable answer comes. What may not be retired yet does no harm.
    pub async fn write(&self, operation: &Operation, inputs: &Inputs<'_>) -> Result<Receipt, Problem> {
        match operation {
            Operation::CreateAuth { name, credential } => self.create_auth(name, credential, inputs).await,
            Operation::CreateTemplate { template, auth } => {
                let auth = inputs.resolve(auth)?;
                self.create_template(template, &auth, inputs.say).await
            }
            Operation::Point { kind, id, auth } => {
                let auth = inputs.resolve(auth)?;
                self.client.point(*kind, id, Some(&auth), inputs.say).await?;
                Ok(Receipt::default())
            }
            Operation::Unpoint { kind, id } => match self.client.point(*kind, id, None, inputs.say).await {
                // What is gone uses nothing.
                Err(error) if error.status() != Some(404) => Err(error.into()),
                _ => Ok(Receipt::default()),
            },
            Operation::Drop { auth } => self.drop_auth(auth, inputs.say).await,
            Operation::Retire { auth, current, .. } => {
                let current = inputs.resolve(current)?;
                self.retire(auth, &current, inputs.say).await
            }
        }
    }

    async fn create_auth(
        &self,
        name: &str,
        credential: &CredentialId,
        inputs: &Inputs<'_>,
    ) -> Result<Receipt, Problem> {
        let login = inputs.login(credential)?;
        let say = inputs.say;
        let auth = ContainerRegistryAuthCreateInput {
            name: name.to_owned(),
            username: login.username.clone(),
            password: login.token.clone(),
        };
        self.once(|| self.client.make_auth(&auth, say), || self.auth_named(name, say)).await
    }

    async fn create_template(
        &self,
        template: &NewTemplate,
        auth: &str,
        say: Say<'_>,
    ) -> Result<Receipt, Problem> {
        self.once(
            || self.client.make_template(template, auth, say),
            || self.template_named(&template.name, auth, say),
        )
        .await
    }

    /// Makes something once: after an answer that did not come, and after a refusal that may mean that it is there
    /// already (by another run, or by a request whose answer was lost), it is looked for first.
    async fn once<C, L>(&self, create: impl Fn() -> C, look: impl Fn() -> L) -> Result<Receipt, Problem>
    where
        C: Future<Output = Result<String, TryError<RunpodError>>>,
        L: Future<Output = Result<Option<String>, RunpodError>>,
    {
        let send = async || match create().await {
            Err(TryError::Final(error)) if matches!(error.status(), Some(400 | 409 | 422)) => {
                look().await.map_err(TryError::Final)?.ok_or(TryError::Final(error))
            }
            answer => answer,
        };
        Ok(made(POLICY.make(send, &look).await?))
    }

    /// The auth of this name. Two runs at once may have made two: all take the same one.
    async fn auth_named(&self, name: &str, say: Say<'_>) -> Result<Option<String>, RunpodError> {
        Ok(self.client.auths(say).await?.named(name).map(|auth| auth.id.clone()))
    }

    /// The template of this name, pointed at the auth.
    async fn template_named(
        &self,
        name: &str,
        auth: &str,
        say: Say<'_>,
    ) -> Result<Option<String>, RunpodError> {
        let templates = self.client.users(Kind::Template, say).await?;
        let Some(found) = templates.into_iter().find(|template| template.name == name) else {
            return Ok(None);
        };
        if found.registry.as_deref() != Some(auth) {
            self.client.point(Kind::Template, &found.id, Some(auth), say).await?;
        }
        Ok(Some(found.id))
    }
}

fn made(id: String) -> Receipt {
    Receipt([(ID, id)].into())
}
