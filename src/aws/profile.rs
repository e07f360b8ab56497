//! What the AWS SDK for Rust does not read of a profile, and every other AWS tool does.

use std::path::PathBuf;

use aws_config::profile::ProfileSet;
use aws_runtime::env_config::property::PropertiesKey;
use aws_types::os_shim_internal::{Env as SdkEnv, Fs};

use crate::env::Env;
use crate::model::{Problem, nearest};
use crate::redact;

/// Variables that go before a profile's endpoints, or switch them off.
const BEFORE: [&str; 3] =
    ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"];

/// The profiles, with the one that is used.
pub(super) struct Profile(pub(super) ProfileSet);

impl Profile {
    /// Reads the files with the profile `name`, else with the one that the environment selects.
    ///
    /// # Errors
    /// A file that cannot be read, or a line of it.
    pub(super) async fn load(name: Option<&str>) -> Result<Self, Problem> {
        let name = name.map(|name| name.to_owned().into());
        let (files, env) = (Fs::real(), SdkEnv::real());
        aws_config::profile::load(&files, &env, &Default::default(), name).await.map(Self).map_err(|error| {
            let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
            let words = causes.last().map(|cause| redact::outside(&cause.to_string())).unwrap_or_default();
            Problem::outside(format!("the shared AWS configuration cannot be used: {words}"))
                .hint("correct it (~/.aws/config, ~/.aws/credentials), and try it with: aws configure list-profiles")
                .login(true)
        })
    }

    /// What keeps the selected profile from being a login, as far as the files show it: it is not there, or a person would
    /// have to be asked. The default profile need not be there.
    pub(super) fn fault(&self, asked: Option<&str>) -> Option<Problem> {
        let selected = self.0.selected_profile();
        if self.0.get_profile(selected).is_none() {
            let name = asked.filter(|name| *name == selected)?;
            let names: Vec<&str> = self.0.profiles().collect();
            let hint = match nearest(name, &names) {
                Some(near) => format!("did you mean {near}?"),
                None => "aws configure list-profiles shows those that there are".to_owned(),
            };
            return Some(
                Problem::outside(format!("there is no AWS profile `{name}`")).hint(hint).login(true),
            );
        }
        let name = self.with_second_factor(selected)?;
        Some(
            Problem::outside(format!(
                "the AWS profile `{name}` wants a code of a second factor (`mfa_serial`), which is not asked for here"
            ))
            .hint(format!("eval \"$(aws configure export-credentials --profile {selected} --format env)\""))
            .login(true),
        )
    }

    /// The first profile on the way along `source_profile` whose role wants a second factor.
    fn with_second_factor(&self, selected: &str) -> Option<String> {
        let (mut name, mut seen) = (selected.to_owned(), Vec::new());
        loop {
            let profile = self.0.get_profile(&name).filter(|_| !seen.contains(&name))?;
            if profile.get("role_arn").is_some() && profile.get("mfa_serial").is_some() {
                return Some(name);
            }
            let next = profile.get("source_profile")?.to_owned();
            seen.push(std::mem::replace(&mut name, next));
        }
    }

    /// The file of `ca_bundle`, and what names it.
    pub(super) fn ca_bundle(&self) -> Option<(String, PathBuf)> {
        let file = self.get("ca_bundle")?;
        Some((format!("`ca_bundle` of the profile {}", self.0.selected_profile()), PathBuf::from(file)))
    }

    /// The address of Secrets Manager in the `services` section: the SDK looks for `secrets-manager` there, and it is
    /// written `secrets_manager`.
    pub(super) fn secrets_manager(&self, env: &Env) -> Option<String> {
        let ignored = self.get("ignore_configured_endpoint_urls").is_some_and(|value| value == "true");
        if ignored || BEFORE.iter().any(|name| env.filled(name).is_some_and(|value| value != "false")) {
            return None;
        }
        let key = PropertiesKey::builder()
            .section_key("services")
            .section_name(self.get("services")?)
            .property_name("secrets_manager")
            .sub_property_name("endpoint_url");
        self.0.other_sections().get(&key.build().ok()?).cloned()
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).filter(|value| !value.is_empty())
    }
}
