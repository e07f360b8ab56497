//! Stores a token into the stack file that it comes from, for a judge: `stored_value FOLDER STACK`, with the token on standard
//! input and the passphrase where Pulumi has it.

use std::io::{Error, read_to_string, stdin};

use regcred::aws::Way;
use regcred::env::Env;
use regcred::model::{Credential, CredentialId, Problem, Registry, Secret};
use regcred::net::Http;
use regcred::sources::{Names, Shared, Spec, locate};

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, stack] = arguments.as_slice() else { return Err(Error::other("stored_value FOLDER STACK")) };
    let token = Secret::new(read_to_string(stdin())?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stored = runtime.block_on(store(folder, stack, &token));
    stored.map_err(|problems| Error::other(problems.iter().map(ToString::to_string).collect::<String>()))
}

async fn store(folder: &str, stack: &str, token: &Secret) -> Result<(), Vec<Problem>> {
    let env = Env::of_process();
    let credential = Credential {
        id: CredentialId("docker-hub".to_owned()),
        registry: Registry::docker_hub(),
        token_service: None,
        source: String::new(),
    };
    let (project, stack) = (Some(".".to_owned()), Some(stack.to_owned()));
    let spec = Spec::Pulumi { project, stack, keys: Names::default() };
    let source = locate(&credential, &spec, &env, folder.as_ref(), folder.as_ref())?;
    let shared = Shared::new(Way::new(&Http::new(&env).map_err(|problem| vec![problem])?, &env, false));
    let value = source.value(&credential, &shared).await?;
    source.store(&value.login.token, token, &shared).await
}
