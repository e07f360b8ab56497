//! `from:`, as a source.

use super::Validator;
use crate::aws::{is_role, region_fault};
use crate::desired::file;
use crate::desired::secrets::is_login;
use crate::model::CredentialId;
use crate::sources::{AwsSecret, Names, Spec};
use crate::yaml::Spanned;

impl Validator<'_> {
    /// What the file says about the value of a credential; nothing if it is wrong, which is a problem then.
    pub(super) fn spec(&self, from: Option<&file::From>) -> Option<Spec> {
        Some(match from {
            None => Spec::Default,
            Some(file::From::Env(names)) => Spec::Env(plain(names)),
            Some(file::From::Pulumi { project, stack, keys }) => {
                Spec::Pulumi { project: value(project), stack: value(stack), keys: plain(keys) }
            }
            Some(file::From::Stdin(at)) => {
                // Standard input is read once.
                if self.specs.values().any(|spec| matches!(spec, Spec::Stdin)) {
                    let message = "another credential is read from standard input already";
                    self.refuse(*at, message, "sync them one by one, with --credential");
                }
                Spec::Stdin
            }
            Some(file::From::File { path, names }) => {
                Spec::File { path: path.value.clone(), names: plain(names) }
            }
            Some(file::From::DockerConfig) => Spec::DockerConfig,
            Some(file::From::AwsSecret(declared)) => Spec::AwsSecret(self.aws_secret(declared)?),
            Some(file::From::Command { run, username }) => Spec::Command {
                run: run.iter().map(|word| word.value.clone()).collect(),
                username: value(username),
            },
        })
    }

    /// A login of the run would be sent to the registry, and a user name is shown.
    pub(super) fn not_a_login(&self, declared: &file::Credential<'_>, spec: &Spec) {
        let id = &declared.id;
        for name in spec.variables(&CredentialId(id.value.clone())).into_iter().filter(|name| is_login(name))
        {
            let at = match &declared.from {
                Some(file::From::Env(names)) => {
                    let named = [&names.username, &names.token].into_iter().flatten();
                    named.into_iter().find(|named| named.value == name).map_or(id.at, |named| named.at)
                }
                _ => id.at,
            };
            let job = if name == "GITHUB_TOKEN" { ": a workflow's own token ends with its job" } else { "" };
            self.refuse(
                at,
                format!("{name} is a login of this run, and would be sent to the registry as `{}`", id.value),
                format!("export the credential under a name of its own, such as `from: {{ env: {{ token: {}_TOKEN }} }}`{job}", own_name(&id.value)),
            );
        }
    }

    fn aws_secret(&self, declared: &file::AwsSecret) -> Option<AwsSecret> {
        let file::AwsSecret { secret, region, role, names } = declared;
        if let Some(role) = role.as_ref().filter(|role| !is_role(&role.value)) {
            let message = format!("`{}` is not a role's ARN", role.value);
            self.refuse(role.at, message, "arn:aws:iam::123456789012:role/NAME");
        }
        let of_arn = || secret.value.strip_prefix("arn:")?.split(':').nth(2).map(str::to_owned);
        let at = region.as_ref().map_or(secret.at, |region| region.at);
        let Some(region) = value(region).or_else(of_arn) else {
            self.refuse(secret.at, "the secret's region is missing", "region: us-east-2");
            return None;
        };
        // It becomes part of a host's name.
        if let Some((message, hint)) = region_fault(&region) {
            self.reader.problem(at, message, hint);
        }
        Some(AwsSecret { secret: secret.value.clone(), region, role: value(role), names: plain(names) })
    }

    /// A value is never written back to where it is read: a hand-edited secret would confirm itself.
    pub(super) fn not_back(&self, id: &CredentialId, declared: &file::Credential<'_>) {
        let (Some(file::From::AwsSecret(from)), Some(Spec::AwsSecret(source))) =
            (&declared.from, self.specs.get(id))
        else {
            return;
        };
        for place in self.desired.places.aws.iter().filter(|place| place.credential == *id) {
            let same = place.stacks.iter().find(|stack| {
                let role = stack.session.roles.first().map(|role| &role.arn);
                place.secret == source.secret
                    && stack.session.region == source.region
                    && role == source.role.as_ref()
            });
            if let Some(stack) = same {
                let message = format!("stack `{}` would write this secret back to itself", stack.name);
                self.refuse(from.secret.at, message, "name another `secret:` in `aws`, or another source");
            }
        }
    }
}

/// The beginning of names that do not belong to a login.
fn own_name(id: &str) -> String {
    let stem = CredentialId(id.to_owned()).screaming();
    if is_login(&format!("{stem}_TOKEN")) { format!("{stem}_REGISTRY") } else { stem }
}

fn value(text: &Option<Spanned<String>>) -> Option<String> {
    text.as_ref().map(|text| text.value.clone())
}

fn plain(names: &file::Names) -> Names {
    Names { username: value(&names.username), token: value(&names.token) }
}
