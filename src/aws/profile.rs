//! What the AWS SDK for Rust does not read of a profile, and every other AWS tool does.

use std::io::ErrorKind;
use std::path::PathBuf;

use aws_config::profile::{Profile as SdkProfile, ProfileSet};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_runtime::env_config::property::PropertiesKey;
use aws_types::os_shim_internal::{Env as SdkEnv, Fs};

use super::spelling::{given, named, spelled};
use crate::env::{Env, Untrusted};
use crate::files;
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
    pub(super) async fn load(name: Option<&str>, files: &EnvConfigFiles) -> Result<Self, Problem> {
        let name = name.map(|name| named(name).into());
        let (fs, env) = (Fs::real(), SdkEnv::real());
        aws_config::profile::load(&fs, &env, files, name).await.map(Self).map_err(|error| {
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
            let name = asked.filter(|name| named(name) == selected)?;
            let names: Vec<String> = self.0.profiles().map(given).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let hint = match nearest(name, &names) {
                Some(near) => format!("did you mean {near}?"),
                None => "see the profiles: aws configure list-profiles".to_owned(),
            };
            return Some(
                Problem::outside(format!("there is no AWS profile `{name}`")).hint(hint).login(true),
            );
        }
        let on_the_way = self.on_the_way(selected);
        let both = |profile: &&SdkProfile| {
            let has = |key: &str| profile.get(key).is_some();
            let own = profile.get("source_profile") == Some(profile.name());
            has("role_arn") && has("aws_access_key_id") && !own
        };
        if let Some(profile) = on_the_way.iter().find(|profile| both(profile)) {
            let name = given(profile.name());
            let message = format!(
                "the AWS profile `{name}` has both a role and keys, and AWS tools differ in which they use"
            );
            return Some(
                Problem::outside(message)
                    .hint("take one of them out of ~/.aws/config or ~/.aws/credentials")
                    .login(true),
            );
        }
        let has = |profile: &SdkProfile, key: &str| profile.get(key).is_some();
        let (name, wants) = on_the_way.into_iter().find_map(|profile| {
            let factor = has(profile, "role_arn") && has(profile, "mfa_serial");
            let wants = match (factor, has(profile, "login_session")) {
                (true, _) => "needs a code of a second factor (`mfa_serial`), which regcred does not ask for",
                (false, true) => "logs in by `aws login` (`login_session`), which regcred does not support",
                (false, false) => return None,
            };
            Some((given(profile.name()), wants))
        })?;
        let selected = shlex::try_quote(&given(selected)).map_or_else(|_| given(selected), Into::into);
        Some(
            Problem::outside(format!("the AWS profile `{name}` {wants}"))
                .hint(format!(
                    "eval \"$(aws configure export-credentials --profile {selected} --format env)\""
                ))
                .login(true),
        )
    }

    /// The profiles from the selected one along `source_profile`.
    fn on_the_way(&self, selected: &str) -> Vec<&SdkProfile> {
        let mut seen: Vec<&SdkProfile> = Vec::new();
        let mut next = Some(selected);
        while let Some(profile) = next.and_then(|name| self.0.get_profile(name)) {
            if seen.iter().any(|other| other.name() == profile.name()) {
                break;
            }
            seen.push(profile);
            next = profile.get("source_profile");
        }
        seen
    }

    /// The file of `ca_bundle`, and what names it.
    pub(super) fn ca_bundle(&self) -> Option<(String, PathBuf)> {
        let file = self.get("ca_bundle")?;
        let name = given(self.0.selected_profile());
        Some((format!("`ca_bundle` of the profile {name}"), PathBuf::from(file)))
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

/// Refuses shared files that are none: the SDK would wait for a pipe without an end.
pub(super) fn no_file(env: &Env) -> Option<Problem> {
    let fault = |variable: &str| {
        let path = path(env, variable)?;
        let error = files::check(&path).err().filter(|error| error.kind() == ErrorKind::InvalidInput)?;
        let message = format!("the AWS configuration {} cannot be used: {error}", path.display());
        let hint = format!("export {variable}, with the path of a file");
        Some(Problem::outside(message).hint(hint).login(true))
    };
    ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"].into_iter().find_map(fault)
}

fn path(env: &Env, variable: &str) -> Option<PathBuf> {
    let name = if variable == "AWS_CONFIG_FILE" { "config" } else { "credentials" };
    let named = env.filled(variable).map(PathBuf::from);
    named.or_else(|| Some(env.home()?.join(".aws").join(name)))
}

/// A profile of the shared files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// The region that it is set to.
    pub region: Option<String>,
}

/// The profiles of the shared files by name, and the region that a login without any setting would have; neither starts a
/// program or says what a login is. Files that cannot be read have none.
pub async fn profiles(env: &Env) -> (Vec<Named>, Option<String>) {
    let asked = env.filled("AWS_PROFILE");
    let set = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(|name| env.filled(name));
    let unread = (Vec::new(), set.map(str::to_owned));
    if no_file(env).is_some() {
        return unread;
    }
    let Ok(Profile(found)) = Profile::load(asked, &files(env)).await else { return unread };
    let named = |name: &str| {
        let region = found.get_profile(name)?.get("region").filter(|region| !region.is_empty());
        Some(Named { name: given(name), region: region.map(str::to_owned) })
    };
    let mut all: Vec<Named> = found.profiles().filter_map(named).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    let own = || named(found.selected_profile())?.region;
    let region = set.map(str::to_owned).or_else(own);
    (all, region)
}

/// Refuses shared files that are a repository's which is not trusted.
pub(super) fn in_repository(env: &Env) -> Option<Problem> {
    let untrusted = env.untrusted()?;
    let names = ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"];
    let own = |name: &&str| env.filled(name).is_some_and(|path| untrusted.holds(path.as_ref()));
    let name = names.into_iter().find(own)?;
    Some(Untrusted::refused(format!("{name} is a file of the repository")))
}

/// The shared files as the SDK takes them, where they are written in a way that others read and it does not.
pub(super) fn files(env: &Env) -> EnvConfigFiles {
    let read = |variable: &str| Some(files::text(&path(env, variable)?).ok()?.to_string());
    let [config, credentials] =
        ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"].map(|name| read(name).unwrap_or_default());
    let spelled = spelled(&config, &credentials);
    if spelled == [config, credentials] {
        return EnvConfigFiles::default();
    }
    let [config, credentials] = spelled;
    // What is in the later one counts.
    EnvConfigFiles::builder()
        .with_contents(EnvConfigFileKind::Config, config)
        .with_contents(EnvConfigFileKind::Credentials, credentials)
        .build()
}
