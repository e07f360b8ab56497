//! `credential_process`: the program of a profile that prints the login (AWS SDKs and tools reference guide, "Process
//! credential provider"). The SDK would start it for every client and try, with all of the environment; here it is started
//! once in a run, as every other program.

use std::collections::BTreeMap;
use std::time::SystemTime;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::profile::{Profile, ProfileSet};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Providing;
use aws_credential_types::provider::{self, ProvideCredentials};
use serde_json::Value;
use zeroize::Zeroizing;

use super::Role;
use super::spelling::given;
use crate::env::{Env, Untrusted};
use crate::model::Problem;
use crate::net::header;
use crate::program::{Program, has_passed};

/// Any of these is asked before `credential_process`.
const BEFORE: &[&str] = &[
    "credential_source",
    "web_identity_token_file",
    "sso_account_id",
    "sso_region",
    "sso_role_name",
    "sso_start_url",
    "sso_session",
    "login_session",
];

/// A login that a program gives.
#[derive(Clone)]
pub(super) struct Process {
    program: Program,
    profile: String,
    account: Option<String>,
}

/// The program that a login begins with, and the roles that the profiles assume then.
pub(super) struct Chain {
    pub(super) process: Process,
    pub(super) roles: Vec<Role>,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process").field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl Chain {
    /// The chain of the profile that is used, if it begins with a program. One that is not `named` is the SDK's own choice,
    /// which takes keys of the environment before it.
    pub(super) async fn find(named: bool, profiles: &ProfileSet, env: &Env) -> Option<Self> {
        if !named && !is_silent(&EnvironmentVariableCredentialsProvider::new()).await {
            return None;
        }
        let (base, roles) = follow(profiles)?;
        let command = base.get("credential_process")?;
        let profile = given(base.name());
        let program = env.named_program(shell(command));
        let program = program.called(format!("credential_process of profile {profile}"));
        let account = base.get("aws_account_id").map(str::to_owned);
        Some(Self { process: Process { program, profile, account }, roles })
    }
}

pub(super) async fn is_silent(provider: &EnvironmentVariableCredentialsProvider) -> bool {
    matches!(provider.provide_credentials().await, Err(CredentialsError::CredentialsNotLoaded(_)))
}

/// A shell reads it, as the format's owner has it.
fn shell(command: &str) -> Vec<String> {
    let words = if cfg!(windows) { ["cmd.exe", "/C", command] } else { ["sh", "-c", command] };
    words.map(str::to_owned).to_vec()
}

/// The profile at the end of the `source_profile`s, if it can begin with a program, and the roles on the way back.
fn follow(profiles: &ProfileSet) -> Option<(&Profile, Vec<Role>)> {
    let (mut name, mut seen, mut roles) = (profiles.selected_profile(), Vec::new(), Vec::new());
    loop {
        let profile = profiles.get_profile(name).filter(|_| !seen.contains(&name))?;
        seen.push(name);
        let has = |key: &&str| profile.get(key).is_some();
        let has_keys = ["aws_access_key_id", "aws_secret_access_key"].iter().all(has);
        if BEFORE.iter().any(has) || (has_keys && seen.len() > 1) {
            return None;
        }
        if let Some(arn) = profile.get("role_arn") {
            let get = |key: &str| profile.get(key).map(str::to_owned);
            let (external_id, session_name) = (get("external_id"), get("role_session_name"));
            roles.push(Role { arn: arn.to_owned(), external_id, session_name });
            let next = profile.get("source_profile")?;
            if next != name {
                name = next;
                continue;
            }
        }
        roles.reverse();
        return Some((profile, roles));
    }
}

impl Process {
    /// Runs the program, unless that was done and what it gave is still good.
    async fn credentials(&self) -> provider::Result {
        let credentials = self.ask().await?;
        if credentials.expiry().is_some_and(has_passed) {
            self.program.forget();
            return self.ask().await;
        }
        Ok(credentials)
    }

    async fn ask(&self) -> provider::Result {
        let refused = |problem: Problem| CredentialsError::provider_error(problem);
        let output = self.program.succeed().await.map_err(|error| {
            let own =
                format!("look at what it says, and at the profile {} in the AWS configuration", self.profile);
            refused(match error.is_untrusted() {
                true => Untrusted::refused(format!("the {} would be started", self.program.name())),
                false => Problem::outside(error.to_string()).hint(own).hints(error.hint()),
            })
        })?;
        read(&output.stdout, self.account.as_deref()).map_err(|what| {
            let message = format!("`{}` {what}", self.program.name());
            let hint = "it must print JSON: {\"Version\": 1, \"AccessKeyId\": …, \"SecretAccessKey\": …}";
            refused(Problem::outside(message).hint(hint))
        })
    }
}

impl ProvideCredentials for Process {
    fn provide_credentials<'a>(&'a self) -> Providing<'a>
    where
        Self: 'a,
    {
        Providing::new(self.credentials())
    }
}

/// The keys in what it printed; the case of their names does not count. Never repeats a part of it.
fn read(printed: &[u8], account: Option<&str>) -> Result<Credentials, String> {
    let fields: BTreeMap<String, Value> = serde_json::from_slice(printed)
        .map_err(|_| "does not print the JSON of a credential_process".to_owned())?;
    let fields: BTreeMap<String, Value> =
        fields.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    let text = |name: &str| fields.get(&name.to_ascii_lowercase()).and_then(Value::as_str);
    let needed = |name: &str| match text(name).map(|value| (value, header::fault(value))) {
        None | Some(("", _)) => Err(format!("gives no {name}")),
        Some((_, Some(flaw))) => Err(format!("gives a {name} that {flaw}")),
        Some((value, None)) => Ok(Zeroizing::new(value.to_owned())),
    };
    if fields.get("version").and_then(Value::as_i64) != Some(1) {
        return Err("prints a version other than 1".to_owned());
    }
    let mut credentials = Credentials::builder()
        .access_key_id(needed("AccessKeyId")?.as_str())
        .secret_access_key(needed("SecretAccessKey")?.as_str())
        .provider_name("CredentialProcess");
    if text("SessionToken").is_some() {
        credentials = credentials.session_token(needed("SessionToken")?.as_str());
    }
    if let Some(ends) = text("Expiration") {
        let ends = chrono::DateTime::parse_from_rfc3339(ends);
        credentials = credentials
            .expiry(ends.map(SystemTime::from).map_err(|_| "gives an Expiration that is not a time")?);
    }
    if let Some(account) = text("AccountId").or(account) {
        credentials = credentials.account_id(account);
    }
    Ok(credentials.build())
}

#[cfg(test)]
mod tests {
    use aws_config::profile;
    use aws_types::os_shim_internal;

    use super::*;

    /// The end of the chain from `top`, its command and the roles.
    async fn chain(config: &str) -> Option<(String, String)> {
        let (fs, env) = (
            os_shim_internal::Fs::from_slice(&[("/config", config)]),
            os_shim_internal::Env::from_slice(&[("AWS_CONFIG_FILE", "/config"), ("AWS_PROFILE", "top")]),
        );
        let profiles = profile::load(&fs, &env, &Default::default(), None).await.expect("it can be read");
        let (base, roles) = follow(&profiles)?;
        let word = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let words = roles
            .into_iter()
            .map(|role| [role.arn, word(role.external_id), word(role.session_name)].join(" "));
        let words = words.collect::<Vec<_>>().join("; ");
        Some((base.get("credential_process")?.to_owned(), words))
    }

    #[test]
    fn a_login_begins_with_a_program_exactly_where_the_sdk_would_start_it() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let chain = |config: &str| runtime.block_on(chain(config));
        let given = |command: &str, roles: &str| Some((command.to_owned(), roles.to_owned()));
        let base = "[profile base]\ncredential_process = get keys\n";
        assert_eq!(chain("[profile top]\ncredential_process = get keys\n"), given("get keys", ""));
        let keys = "aws_access_key_id = a\naws_secret_access_key = b\n";
        assert_eq!(
            chain(&format!("[profile top]\ncredential_process = get keys\n{keys}")),
            given("get keys", "")
        );
        let source = "role_arn = R\nsource_profile = base\nrole_session_name = s\nexternal_id = e\n";
        let through = format!("[profile top]\n{source}{base}");
        assert_eq!(chain(&through), given("get keys", "R e s"));
        let two = "[profile top]\nrole_arn = second\nsource_profile = mid\n[profile mid]\nrole_arn = first\nsource_profile = base\n";
        assert_eq!(chain(&format!("{two}{base}")), given("get keys", "first - -; second - -"));
        let own = "[profile top]\nrole_arn = R\nsource_profile = top\ncredential_process = get keys\n";
        assert_eq!(chain(own), given("get keys", "R - -"));
        for config in [
            "",
            "[profile top]\nregion = us-east-2\n",
            "[profile top]\ncredential_process = x\nsso_session = s\n",
            "[profile top]\ncredential_process = x\nweb_identity_token_file = /t\nrole_arn = R\n",
            "[profile top]\nrole_arn = R\ncredential_source = Environment\ncredential_process = x\n",
            "[profile top]\nrole_arn = R\ncredential_process = x\n",
            "[profile top]\nrole_arn = R\nsource_profile = nowhere\n",
            "[profile top]\nrole_arn = R\nsource_profile = mid\n[profile mid]\nrole_arn = R\nsource_profile = top\n",
            &format!("{through}{keys}"),
        ] {
            assert_eq!(chain(config), None, "{config}");
        }
    }

    #[test]
    fn what_it_prints_is_read_as_the_sdk_reads_it() {
        let all = r#"{"version": 1, "accesskeyid": "AKID", "SecretAccessKey": "secret", "SessionToken": "t", "Expiration": "2022-05-02T18:36:00+00:00", "x": null}"#;
        let read_all = read(all.as_bytes(), Some("123456789012")).expect("it is good");
        assert_eq!((read_all.access_key_id(), read_all.session_token()), ("AKID", Some("t")));
        assert!(read_all.expiry().is_some_and(has_passed));
        assert_eq!(read_all.account_id().map(|id| id.as_str()), Some("123456789012"));
        for (printed, words) in [
            ("s3cret", "does not print the JSON of a credential_process"),
            (r#"{"Version": 2}"#, "prints a version other than 1"),
            (r#"{"Version": 1, "AccessKeyId": "a"}"#, "gives no SecretAccessKey"),
            (
                r#"{"Version": 1, "AccessKeyId": "a\n", "SecretAccessKey": "s3cret"}"#,
                "gives a AccessKeyId that has a line break in it",
            ),
            (
                r#"{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "s3cret", "Expiration": "soon"}"#,
                "gives an Expiration that is not a time",
            ),
        ] {
            assert_eq!(read(printed.as_bytes(), None).expect_err("it is refused"), words);
        }
    }
}
