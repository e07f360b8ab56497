//! A credential in a secret of AWS Secrets Manager, for spreading onward from there.

use super::text::{self, Names};
use super::{one, outside, unread};
use crate::aws::{self, Access, AwsError, Role, Way, sdk_config};
use crate::model::{Login, Problem};

const OPERATION: &str = "secretsmanager:GetSecretValue";

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
        let role = self.role.iter().map(|arn| Role::new(arn.clone()));
        let roles: Vec<Role> = role.collect();
        let access = Access { region: Some(&self.region), profile: None, roles: &roles };
        let sdk = sdk_config(way, &access).await;
        let client = sdk.secrets(&sdk.config);
        let login = aws::LoginSource { profile: None, region: self.region.clone() };
        let got = client.get_secret_value().secret_id(&self.secret).send().await;
        let got = got.map_err(|error| outside(self.refused(&AwsError::new(OPERATION, &error, &login))))?;
        let read = match got.secret_string() {
            Some(value) => text::read(value, &self.names, None),
            None => Err("gives bytes that are not text".to_owned()),
        };
        read.map_err(|what| {
            let hint = "name its fields: { aws-secret: { secret: …, username: FIELD, token: FIELD } }";
            one(unread(&format!("the secret {} {what}", self.secret), hint))
        })
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
