//! What `runpod` means: the auth's name, what is to point at it, templates to make.

use std::collections::BTreeSet;

use super::file::{self, Chosen, Declared};
use super::{Choice, Desired, NewTemplate};
use crate::model::{Reference, Registry};
use crate::targets::Validator;
use crate::yaml::{At, Spanned};

/// RunPod tells no limit of a name; the fingerprint comes behind this.
const NAME_LIMIT: usize = 64;

impl Validator<'_, Desired> {
    pub(super) fn runpod(&mut self, declared: &Declared) {
        let (id, registry) = (self.id, self.registry);
        let name = declared.name.as_ref().map_or_else(|| id.0.clone(), |name| name.value.clone());
        let at = declared.name.as_ref().map_or(declared.at, |name| name.at);
        self.auth_name(&name, at);
        let desired = Desired {
            credential: id.clone(),
            registry: registry.clone(),
            name,
            others: BTreeSet::new(),
            templates: choice(declared.templates.as_ref()),
            endpoints: choice(declared.endpoints.as_ref()),
            pods: choice(declared.pods.as_ref()),
            create: declared.create.iter().filter_map(|item| self.template(registry, item)).collect(),
            insecure: declared.insecure,
        };
        self.distinct(&desired, declared);
        self.made_once(declared);
        self.desired.push(desired);
    }

    fn auth_name(&self, name: &str, at: At) {
        let legal = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        if name.len() > NAME_LIMIT || !begins || !name.chars().all(legal) {
            self.refuse(
                at,
                format!("`{name}` is not a name for a registry auth"),
                format!("at most {NAME_LIMIT} letters, digits, `-`, `_` or `.`, such as docker-hub-acme"),
            );
        }
        if self.desired.iter().any(|other| other.name == name) {
            self.refuse(
                at,
                format!("the registry auth `{name}` is of another credential already"),
                "give each credential a `name:` of its own",
            );
        }
    }

    /// RunPod takes each template's name once: of two with one name, one would be lost without a word.
    fn made_once(&self, declared: &Declared) {
        let names: Vec<&Spanned<String>> =
            declared.create.iter().filter_map(|template| template.name.as_ref()).collect();
        for (index, name) in names.iter().enumerate() {
            let other = self
                .desired
                .iter()
                .find(|other| other.create.iter().any(|template| template.name == name.value));
            let message = if names.iter().take(index).any(|earlier| earlier.value == name.value) {
                format!("`create` has a template `{}` already", name.value)
            } else if let Some(other) = other {
                format!("credential `{}` creates a template `{}` already", other.credential, name.value)
            } else {
                continue;
            };
            self.refuse(name.at, message, "give each a name of its own");
        }
    }

    /// Two credentials of one registry would take turns at what both choose.
    fn distinct(&self, desired: &Desired, declared: &Declared) {
        for other in self.desired.iter().filter(|other| other.registry == desired.registry) {
            let kinds = [
                ("templates", &desired.templates, &other.templates, declared.templates.as_ref()),
                ("endpoints", &desired.endpoints, &other.endpoints, declared.endpoints.as_ref()),
                ("pods", &desired.pods, &other.pods, declared.pods.as_ref()),
            ];
            for (what, one, two, declared) in kinds {
                if let Some(declared) = declared.filter(|_| one.meets(two)) {
                    let message = format!("credential `{}` chooses the same {what}", other.credential);
                    self.refuse(declared.at, message, "name in each only what is its own");
                }
            }
        }
    }

    fn template(&self, registry: &Registry, declared: &file::NewTemplate) -> Option<NewTemplate> {
        let missing = |what: &str, example: &str| {
            self.refuse(declared.at, format!("an item of `create` has no {what}"), example.to_owned());
        };
        if declared.name.is_none() {
            missing("name", "name: worker");
        }
        let Some(image) = &declared.image else {
            missing("image", "image: acme/worker:1");
            return None;
        };
        self.image(registry, image);
        let disk = declared.disk.as_ref().and_then(|disk| self.disk(disk));
        Some(NewTemplate {
            name: declared.name.as_ref()?.value.clone(),
            image: image.value.clone(),
            args: declared.args.as_ref().map(|args| args.value.clone()),
            disk,
            env: declared.env.iter().cloned().collect(),
            serverless: declared.serverless,
        })
    }

    /// A template is made to be pulled with this credential.
    fn image(&self, registry: &Registry, image: &Spanned<String>) {
        match Reference::parse(&image.value) {
            Ok(reference) if registry.covers(&reference) => {}
            Ok(reference) => self.refuse(
                image.at,
                format!("the image is on {}, and the credential for {registry}", reference.domain()),
                "put it under the credential of its registry",
            ),
            Err(error) => {
                let hint = error.hint().unwrap_or_else(|| "image: acme/worker:1".to_owned());
                self.refuse(image.at, format!("`{}` is not an image: {error}", image.value), hint);
            }
        }
    }

    fn disk(&self, disk: &Spanned<String>) -> Option<u32> {
        let parsed = disk.value.parse().ok().filter(|gigabytes| *gigabytes > 0);
        if parsed.is_none() {
            self.refuse(disk.at, format!("`disk: {}` is not a number of gigabytes", disk.value), "disk: 20");
        }
        parsed
    }
}

fn choice(declared: Option<&Chosen>) -> Choice {
    match declared {
        None => Choice::default(),
        Some(Chosen { named: None, .. }) => Choice::All,
        Some(Chosen { named: Some(names), .. }) => {
            Choice::Named(names.iter().map(|name| name.value.clone()).collect::<BTreeSet<_>>())
        }
    }
}
