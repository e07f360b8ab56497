//! `mint`, `store` and `max-age`: how a credential is rotated.

use super::Validator;
use crate::desired::file;
use crate::desired::rotation::{Login, Mint, Rotation, days};
use crate::model::{Reference, Registry};
use crate::yaml::Spanned;

/// The images that everybody may pull.
const PUBLIC: &str = "*/*/public";

impl Validator<'_> {
    /// What the file says about rotating a credential; what is wrong with it is a problem then.
    pub(super) fn rotation(&self, declared: &file::Credential<'_>, registry: &Registry) -> Rotation {
        if let Some(mint) = declared.mint.as_ref().filter(|_| !registry.is_docker_hub()) {
            let message = format!("`mint` makes tokens at Docker Hub, and this credential is for {registry}");
            self.refuse(
                mint.at,
                message,
                "leave it out, and hand each new token in: regcred rotate --from stdin",
            );
        }
        Rotation {
            mint: declared.mint.as_ref().map(|mint| self.mint(mint)),
            store: declared.store.as_deref().map(plain),
            max_age: self.days("max-age", declared.max_age.as_ref()),
        }
    }

    fn mint(&self, declared: &file::Mint) -> Mint {
        let file::Mint { at, command, username, organization, pulls, expires } = declared;
        match organization {
            Some(name) if !is_repository(&format!("{}/x", name.value)) => {
                let message = format!("`{}` is not an organization's name", name.value);
                self.refuse(name.at, message, "as in its address at Docker Hub, such as organization: acme");
            }
            Some(_) if pulls.as_deref().unwrap_or_default().is_empty() => {
                let hint = format!(
                    "public images only: pulls: [\"{PUBLIC}\"], or name repositories: pulls: [acme/*]"
                );
                self.refuse(*at, "a token of an organization pulls only what `pulls` says", hint);
            }
            _ => {}
        }
        pulls.iter().flatten().for_each(|path| self.pulled(path, organization.is_some()));
        Mint {
            login: Login {
                command: command.as_deref().map(plain),
                username: username.as_ref().map(|name| name.value.clone()),
            },
            organization: organization.as_ref().map(|name| name.value.clone()),
            pulls: plain(pulls.as_deref().unwrap_or_default()),
            expires: self.days("expires", expires.as_ref()),
        }
    }

    /// What a token pulls. That of an account cannot be limited to repositories, so that it would pull more than is said.
    fn pulled(&self, path: &Spanned<String>, organization: bool) {
        if path.value == PUBLIC {
            return;
        }
        let one = path.value.strip_suffix("/*").map(|namespace| format!("{namespace}/x"));
        if !is_repository(one.as_ref().unwrap_or(&path.value)) {
            let message = format!("`{}` is no repository of Docker Hub", path.value);
            self.refuse(path.at, message, format!("such as acme/api, acme/* or \"{PUBLIC}\""));
        } else if !organization {
            let message = format!("a token of an account cannot be limited to `{}`", path.value);
            let hint =
                format!("pulls: [\"{PUBLIC}\"], or make tokens of an organization: organization: NAME");
            self.refuse(path.at, message, hint);
        }
    }

    fn days(&self, key: &str, declared: Option<&Spanned<String>>) -> Option<u16> {
        let Spanned { value, at } = declared?;
        days(value)
            .map_err(|why| self.refuse(*at, format!("`{key}: {value}` is not {why}"), format!("{key}: 90d")))
            .ok()
    }
}

/// `NAMESPACE/REPOSITORY`, without a tag.
fn is_repository(path: &str) -> bool {
    let named = Reference::parse(&format!("docker.io/{path}"));
    named.is_ok_and(|named| named.path() == path && path.matches('/').count() == 1)
}

fn plain(words: &[Spanned<String>]) -> Vec<String> {
    words.iter().map(|word| word.value.clone()).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::read;
    use super::*;
    use crate::env::Env;
    use crate::model::CredentialId;

    fn rotation(lines: &str) -> Option<Rotation> {
        let text = format!("credentials:\n  hub:\n    from: env\n{lines}    to: {{ daytona: {{}} }}\n");
        let judged =
            read(Path::new("regcred.yaml"), &text, &Env::default(), Path::new("")).expect("a good file");
        judged.rotations.get(&CredentialId("hub".to_owned())).cloned()
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_file_says_who_makes_tokens_who_takes_them_and_how_old_they_become() {
        let whole = rotation(
            "    mint:
      login: { command: [op, read, \"op://infra/docker hub/password\"], username: acme-owner }
      organization: acme
      pulls: [\"*/*/public\", acme/*, acme/api_v2]
      expires: 365d
    store: { command: [vault-put, docker-hub] }
    max-age: 90d
",
        );
        let login = Login {
            command: Some(words(&["op", "read", "op://infra/docker hub/password"])),
            username: Some("acme-owner".to_owned()),
        };
        let mint = Mint {
            login,
            organization: Some("acme".to_owned()),
            pulls: words(&["*/*/public", "acme/*", "acme/api_v2"]),
            expires: Some(365),
        };
        let store = Some(words(&["vault-put", "docker-hub"]));
        assert_eq!(whole, Some(Rotation { mint: Some(mint), store, max_age: Some(90) }));
    }

    #[test]
    fn a_file_that_says_nothing_about_it_has_no_rotation_and_an_empty_mint_is_one() {
        assert_eq!(rotation(""), None);
        let asked = Rotation { mint: Some(Mint::default()), ..Rotation::default() };
        assert_eq!(rotation("    mint: {}\n"), Some(asked));
        let public = rotation("    mint: { pulls: [\"*/*/public\"] }\n").and_then(|it| it.mint);
        assert_eq!(public.map(|mint| mint.pulls), Some(words(&["*/*/public"])));
    }
}
