//! The `awskms` secrets provider: a data key that AWS KMS decrypts (`pkg/secrets/cloud/manager.go` of Pulumi;
//! `secrets/awskms/kms.go` and `aws/aws.go` of google/go-cloud, which it is built on).

use std::collections::BTreeMap;

use aws_sdk_kms::primitives::Blob;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::Url;
use zeroize::Zeroizing;

use super::crypto::DataKey;
use crate::aws::{Access, AwsError, LoginSource, Role, Way, sdk_config};
use crate::model::{Place, Problem};

const OPERATION: &str = "kms:Decrypt";
const CONTEXT: &str = "context_";
/// Parameters that tune a client and change nothing about what it decrypts. `awssdk` chose a version of the
/// SDK that is gone.
const NO_EFFECT: &[&str] = &[
    "awssdk",
    "hostname_immutable",
    "rate_limiter_capacity",
    "request_checksum_calculation",
    "response_checksum_validation",
];

/// An encrypted data key, and how to reach the key of AWS KMS that decrypts it.
#[derive(Clone, PartialEq)]
pub struct AwsKms {
    stack: String,
    place: Place,
    encrypted_key: Vec<u8>,
    address: Box<Address>,
}

/// What the URL says.
#[derive(Clone, Debug, Default, PartialEq)]
struct Address {
    /// The key as the URL names it; Decrypt does not send it.
    key: String,
    region: Option<String>,
    profile: Option<String>,
    role: Option<String>,
    endpoint: Option<String>,
    dual_stack: bool,
    fips: bool,
    context: BTreeMap<String, String>,
}

impl AwsKms {
    /// Takes `secretsprovider` and `encryptedkey` apart.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn read(stack: &str, place: &Place, url: &str, key: &str) -> Result<Self, String> {
        let address = Address::parse(url)?;
        if key.is_empty() {
            return Err("`encryptedkey` is missing".to_owned());
        }
        let key = key.replace(['\r', '\n'], "");
        let encrypted_key = STANDARD.decode(key).map_err(|_| "`encryptedkey` is not base64".to_owned())?;
        let (stack, place, address) = (stack.to_owned(), place.clone(), Box::new(address));
        Ok(Self { stack, place, encrypted_key, address })
    }

    /// Asks AWS KMS for the key: one request, with the login of the SDK's own chain. A stack's `aws:profile`
    /// has no part in it, as for Pulumi.
    ///
    /// # Errors
    /// AWS KMS does not give it, or it is not a key of Pulumi's.
    pub async fn unlock(&self, way: &Way) -> Result<DataKey, Problem> {
        let address = &self.address;
        let roles: Vec<Role> = address.role.iter().map(|arn| Role::new(arn.clone())).collect();
        let access = Access { region: address.region(), profile: address.profile.as_deref(), roles: &roles };
        let config = sdk_config(way, &access).await.config;
        let Some(region) = config.region().map(ToString::to_string) else {
            let what = "no region: the URL has no `region=`, and AWS_REGION is not set";
            return Err(self.refused(what, vec!["export AWS_REGION=us-east-2".to_owned()]));
        };
        let login =
            LoginSource { profile: address.profile.clone(), region: region.clone(), made_in: region.clone() };
        let mut request =
            address.client(&config).decrypt().ciphertext_blob(Blob::new(self.encrypted_key.clone()));
        for (key, value) in &address.context {
            request = request.encryption_context(key, value);
        }
        let answer = request.send().await.map_err(|error| {
            let error = AwsError::new(OPERATION, &error, &login);
            let profile =
                address.profile.iter().map(|profile| format!(", profile {profile}")).collect::<String>();
            let problem = self.refused(&format!("{error} (region {region}{profile})"), error.hints);
            problem.untrusted(error.untrusted)
        })?;
        let plain = Zeroizing::new(answer.plaintext.map(Blob::into_inner).unwrap_or_default());
        let bytes = <[u8; 32]>::try_from(plain.as_slice()).map_err(|_| {
            self.refused(
                "what it decrypts is not a key of 32 bytes",
                vec!["restore `encryptedkey`".to_owned()],
            )
        })?;
        Ok(DataKey::from_bytes(bytes))
    }

    fn refused(&self, what: &str, hints: Vec<String>) -> Problem {
        let message = format!("the secrets of stack `{}` need AWS KMS: {what}", self.stack);
        Problem::input(message).at(self.place.clone()).hints(hints)
    }
}

impl Address {
    fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|_| "it is not a URL".to_owned())?;
        let host = url.host_str().unwrap_or_default();
        let key = format!("{host}{}", url.path()).trim_start_matches('/').to_owned();
        let mut address = Self { key, ..Self::default() };
        let mut seen = BTreeMap::<String, usize>::new();
        for (name, value) in url.query_pairs() {
            let times = seen.entry(name.clone().into_owned()).or_default();
            *times += 1;
            address.take(&name, value.into_owned(), *times == 1)?;
        }
        Ok(address)
    }

    /// Of a parameter that is there several times the first counts; of a context, there may be one only.
    fn take(&mut self, name: &str, value: String, first: bool) -> Result<(), String> {
        if let Some(key) = name.strip_prefix(CONTEXT) {
            self.context.insert(key.to_owned(), value);
            return if first { Ok(()) } else { Err(format!("`{name}` is there twice")) };
        }
        if !first || NO_EFFECT.contains(&name) {
            return Ok(());
        }
        match name {
            "region" => self.region = Some(value),
            "profile" => self.profile = Some(value),
            "role" => self.role = Some(value),
            "endpoint" => self.endpoint = Some(safe(value)?),
            "dualstack" => self.dual_stack = truth(name, &value)?,
            "fips" => self.fips = truth(name, &value)?,
            "anonymous" if !truth(name, &value)? => {}
            "anonymous" => return Err("`anonymous` cannot decrypt anything".to_owned()),
            other => return Err(format!("unknown query parameter `{other}`")),
        }
        Ok(())
    }

    /// The region of the URL, else of the key's ARN.
    fn region(&self) -> Option<&str> {
        let of_arn = || self.key.strip_prefix("arn:")?.split(':').nth(2);
        self.region.as_deref().or_else(of_arn).filter(|region| !region.is_empty())
    }

    fn client(&self, config: &aws_config::SdkConfig) -> aws_sdk_kms::Client {
        let mut builder = aws_sdk_kms::config::Builder::from(config);
        if let Some(endpoint) = &self.endpoint {
            builder = builder.endpoint_url(endpoint);
        }
        if self.dual_stack {
            builder = builder.use_dual_stack(true);
        }
        if self.fips {
            builder = builder.use_fips(true);
        }
        aws_sdk_kms::Client::from_conf(builder.build())
    }
}

/// The key comes back in plain text: only over TLS, or from this machine.
fn safe(endpoint: String) -> Result<String, String> {
    let url = Url::parse(&endpoint).map_err(|_| "its `endpoint` is not a URL".to_owned())?;
    match crate::net::check(&url, false) {
        Ok(()) => Ok(endpoint),
        Err(problem) => Err(format!("its `endpoint` is not https: {problem}")),
    }
}

/// Go's `strconv.ParseBool`.
fn truth(name: &str, value: &str) -> Result<bool, String> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("`{name}` is neither true nor false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_its_key_region_login_and_context() {
        let address = Address::parse(
            "awskms:///arn:aws:kms:eu-west-1:123456789012:key/k?profile=p&role=arn:aws:iam::1:role/r&context_a=b&context_c=d%20e&awssdk=v2&fips=true&dualstack=0",
        );
        let address = address.expect("it is good");
        assert_eq!(address.key, "arn:aws:kms:eu-west-1:123456789012:key/k");
        assert_eq!(address.region(), Some("eu-west-1"));
        assert_eq!(address.role.as_deref(), Some("arn:aws:iam::1:role/r"));
        let context: Vec<_> = address.context.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(context, [("a", "b"), ("c", "d e")]);
        assert!(address.fips && !address.dual_stack);

        let address =
            Address::parse("awskms://alias/x?region=us-east-2&region=us-west-2").expect("it is good");
        assert_eq!((address.key.as_str(), address.region()), ("alias/x", Some("us-east-2")));
        assert_eq!(Address::parse("awskms://alias/x").expect("it is good").region(), None);
    }

    #[test]
    fn a_url_that_pulumi_refuses_or_that_would_show_the_key_is_refused() {
        for (query, words) in [
            ("x=1", "unknown query parameter `x`"),
            ("fips=maybe", "`fips` is neither true nor false"),
            ("context_a=1&context_a=2", "`context_a` is there twice"),
            ("anonymous=true", "`anonymous` cannot decrypt anything"),
            ("endpoint=http://kms.example.com", "is not https"),
        ] {
            let error = Address::parse(&format!("awskms://alias/x?{query}")).expect_err("it is refused");
            assert!(error.contains(words), "{error}");
        }
        assert!(Address::parse("awskms://alias/x?endpoint=http://127.0.0.1:1").is_ok());
    }
}
