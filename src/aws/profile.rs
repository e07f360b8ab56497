//! What the AWS SDK for Rust does not read of a profile, and every other AWS tool does.

use std::path::PathBuf;

use aws_config::profile::ProfileSet;
use aws_runtime::env_config::property::PropertiesKey;
use aws_types::os_shim_internal::{Env as SdkEnv, Fs};

use crate::env::Env;

/// Variables that go before a profile's endpoints, or switch them off.
const BEFORE: [&str; 3] =
    ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"];

/// The profiles, with the one that is used.
pub(super) struct Profile(pub(super) ProfileSet);

impl Profile {
    /// Reads the files with the profile `name`, else with the one that the environment selects. What is wrong with them is
    /// told by the SDK.
    pub(super) async fn load(name: Option<&str>) -> Option<Self> {
        let name = name.map(|name| name.to_owned().into());
        let (files, env) = (Fs::real(), SdkEnv::real());
        aws_config::profile::load(&files, &env, &Default::default(), name).await.ok().map(Self)
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
