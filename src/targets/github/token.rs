//! Where the GitHub token comes from.

use std::path::PathBuf;
use std::time::Duration;

use super::Token;
use crate::change::Read;
use crate::env::Env;
use crate::model::{Problem, Secret};
use crate::net::header;
use crate::program::Program;

/// `gh` answers from its own store; it never needs longer.
const PATIENCE: Duration = Duration::from_secs(5);

impl Token {
    /// The token of `GITHUB_TOKEN`, else `GH_TOKEN`, else of `gh auth token`.
    ///
    /// # Errors
    /// There is none anywhere.
    pub async fn find(env: &Env) -> Read<Self> {
        for source in ["GITHUB_TOKEN", "GH_TOKEN"] {
            if let Some(value) = env.filled(source) {
                return Self::checked(value.trim(), source);
            }
        }
        let value = of_gh(env).await.ok_or_else(|| {
            Problem::outside(
                "no GitHub token: GITHUB_TOKEN and GH_TOKEN are not set, and gh is not logged in".to_owned(),
            )
            .hint("gh auth login, or export GITHUB_TOKEN")
            .login(true)
        })?;
        Self::checked(&value, "gh auth token")
    }

    fn checked(value: &str, source: &'static str) -> Read<Self> {
        header::check(&format!("the token of {source}"), value)?;
        Ok(Self { value: Secret::new(value.to_owned()), source })
    }
}

async fn of_gh(env: &Env) -> Option<String> {
    let gh = Program {
        argv: ["gh", "auth", "token"].map(str::to_owned).to_vec(),
        dir: PathBuf::new(),
        env: env.for_programs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        input: String::new(),
        patience: PATIENCE,
    };
    let output = gh.run().await.ok().filter(|output| output.code == Some(0))?;
    let token = std::str::from_utf8(&output.stdout).ok()?.trim();
    (!token.is_empty()).then(|| token.to_owned())
}
