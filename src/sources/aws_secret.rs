//! A credential in a secret of AWS Secrets Manager, for spreading onward from there.

use zeroize::Zeroizing;

use super::file::is;
use super::store::respelled;
use super::text::{self, Names};
use super::{one, outside, unread};
use crate::aws::{self, Access, AwsError, Role, Way, sdk_config};
use crate::model::{Login, Problem, Secret};

const OPERATION: &str = "secretsmanager:GetSecretValue";
const PUT: &str = "secretsmanager:PutSecretValue";

/// A secret to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsSecret {
    /// Its name or ARN.
    pub secret: String,
    /// Its region.
    pub region: String,
    /// The role to assume first.
    pub role: Option<String>,
    /// The names of the fields, where they are not `username` and `token` or `accessToken`.
    pub names: Names,
}

impl AwsSecret {
    pub(super) async fn read(&self, way: &Way) -> Result<Login, Vec<Problem>> {
        let value = self.value(&self.client(way).await).await?;
        text::read(&value, &self.names, None).map_err(|what| self.unfit(&what))
    }

    /// Puts a new version there, with a new token in the place of the old one and all else as it was.
    ///
    /// # Errors
    /// It now holds another token, or cannot be read or written.
    pub(super) async fn store(&self, old: &Secret, token: &Secret, way: &Way) -> Result<(), Vec<Problem>> {
        let client = self.client(way).await;
        let value = self.value(&client).await?;
        let read = |text: &str| text::read(text, &self.names, None).ok();
        let now = read(&value).filter(|login| login.token.expose() == old.expose());
        let now = now.ok_or_else(|| self.unfit("has changed since it was read"))?;
        let fits = |text: &str| read(text).is_some_and(|login| is(&login, &now.username, token));
        let new = respelled(&value, old.expose(), token.expose(), fits)
            .ok_or_else(|| self.unfit("has the token in a spelling that cannot be exchanged"))?;
        let put = client.put_secret_value().secret_id(&self.secret).secret_string(new.as_str()).send().await;
        put.map_err(|error| {
            let error = AwsError::new(PUT, &error, &self.login());
            let message = format!("the secret {} in {} cannot be written: {error}", self.secret, self.region);
            let hints = if error.is("AccessDeniedException") {
                vec![format!("allow {PUT} to this principal")]
            } else {
                error.hints.clone()
            };
            outside(Problem::input(message).hints(hints).untrusted(error.untrusted))
        })?;
        Ok(())
    }

    async fn client(&self, way: &Way) -> aws_sdk_secretsmanager::Client {
        let role = self.role.iter().map(|arn| Role::new(arn.clone()));
        let roles: Vec<Role> = role.collect();
        let access = Access { region: Some(&self.region), profile: None, roles: &roles };
        let sdk = sdk_config(way, &access).await;
        sdk.secrets(&sdk.config)
    }

    fn login(&self) -> aws::LoginSource {
        let region = || self.region.clone();
        aws::LoginSource { profile: None, region: region(), made_in: region() }
    }

    async fn value(
        &self,
        client: &aws_sdk_secretsmanager::Client,
    ) -> Result<Zeroizing<String>, Vec<Problem>> {
        let got = client.get_secret_value().secret_id(&self.secret).send().await;
        let got =
            got.map_err(|error| outside(self.refused(&AwsError::new(OPERATION, &error, &self.login()))))?;
        match got.secret_string {
            Some(value) => Ok(Zeroizing::new(value)),
            None => Err(self.unfit("gives bytes that are not text")),
        }
    }

    fn unfit(&self, what: &str) -> Vec<Problem> {
        let hint = "name its fields: { aws-secret: { secret: …, username: FIELD, token: FIELD } }";
        one(unread(&format!("the secret {} {what}", self.secret), hint))
    }

    fn refused(&self, error: &AwsError) -> Problem {
        let Self { secret, region, .. } = self;
        let hints = match error.is("AccessDeniedException") {
            true => vec![format!(
                "allow {OPERATION} to this principal; where regcred guards the secret, name it in `aws: {{ readers: [ARN] }}`"
            )],
            false => error.hints.clone(),
        };
        let message = format!("the secret {secret} in {region} cannot be read: {error}");
        Problem::input(message).hints(hints).untrusted(error.untrusted)
    }
}
