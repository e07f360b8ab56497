//! A stack whose settings come from an environment of Pulumi ESC, too: the `pulumi` program is asked for them where there is
//! a login for it, and nothing is guessed where there is none.

use std::sync::Arc;

use serde_json::json;

use super::backend::Backend;
use super::followed::Unfollowed;
use super::locate::CredentialKeys;
use super::project::Project;
use super::question::{Config, Need, Stack};
use super::settings::{Setting, Settings};
use super::stack_file::StackFile;
use super::value;
use crate::env::Env;
use crate::model::{Place, Problem};

/// What the login of a stack follows from.
const LOGIN: &[&str] = &["aws:profile", "aws:assumeRole", "aws:assumeRoles"];

impl StackFile {
    /// The stack with all its settings, as the program gives them, each at the line that names the environment. The same
    /// stack where it has no environment, or nobody is logged in.
    ///
    /// # Errors
    /// The program does not give them.
    pub fn opened(self, project: &Project, env: &Env) -> Result<Self, Problem> {
        let backend = Backend::of(project, env);
        let Some(place) = self.environment().filter(|_| backend == Backend::Service).cloned() else {
            return Ok(self);
        };
        let key = if self.has("aws:region") { "aws:profile" } else { "aws:region" };
        let need = Need::Environment { key: key.to_owned() };
        let keys = CredentialKeys::default();
        let stack = Stack::new(project, &self.stack, place.clone(), need, self.provider(), &keys);
        let config = stack.settings(&self.stack, &backend, env)?;
        self.with(&config, &place)
    }

    /// The first setting that decides where the stack's AWS provider goes and is not followed, with what its environment
    /// gives, as far as Pulumi can be asked: that gives a login beside which the file of a person is silent, too.
    ///
    /// # Errors
    /// The program does not give the settings.
    pub fn unfollowed_with(self, project: &Project, env: &Env) -> Result<Option<Unfollowed>, Problem> {
        let own = self.clone();
        let opened = self.opened(project, env)?;
        let given = |key: &&&str| opened.has(key) && !own.has(key);
        let login = || {
            let key = LOGIN.iter().find(given)?;
            Some(Unfollowed { key: (*key).to_owned(), place: opened.position(key)?, is_login: true })
        };
        Ok(opened.unfollowed().or_else(login))
    }

    fn with(self, config: &Config, place: &Place) -> Result<Self, Problem> {
        let mut settings = Settings::default();
        for (key, entry) in &config.0 {
            let text = match (&entry.object_value, entry.secret) {
                // A secret is not shown, and is one.
                (_, true) => json!({ "secure": "-" }).to_string(),
                (Some(object), false) => object.to_string(),
                (None, false) => json!(entry.value).to_string(),
            };
            let Ok(Some(document)) = value::json(&text) else { continue };
            let setting = Setting { place: place.clone(), value: document.root };
            settings.insert(&self.project, key, setting).map_err(Problem::from)?;
        }
        Ok(self.evaluated(Arc::new(settings)))
    }
}
