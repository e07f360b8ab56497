//! The `regcred.yaml` that says what was found: no key more than it takes, and a comment for each choice.

use crate::aws::{Role, Session};
use crate::desired::Here;
use crate::targets::aws::Stack;
use crate::targets::github;
use crate::yaml::word;

/// The file's text.
#[must_use]
pub fn file(found: &Here) -> String {
    let mut text = String::from(
        "# What regcred found here. Correct what is wrong, then: regcred plan\nversion: 1\ncredentials:\n  docker-hub:\n",
    );
    text += &source(found);
    text += "    to:\n";
    text += &aws(found);
    text += &github(found);
    text
}

fn source(found: &Here) -> String {
    match &found.pulumi {
        Some((project, stack)) => format!(
            "    # This stack holds the value. Without the line, DOCKER_HUB_USERNAME and DOCKER_HUB_TOKEN count first.\n    \
             from: {{ pulumi: {{ project: {}, stack: {} }} }}\n",
            word(project),
            word(stack)
        ),
        None => "    # No `from:`. The value is read from DOCKER_HUB_USERNAME and DOCKER_HUB_TOKEN, which are set, else from Pulumi.\n".to_owned(),
    }
}

fn aws(found: &Here) -> String {
    let stacks: Vec<&Stack> = found.desired.places.aws.iter().flat_map(|place| &place.stacks).collect();
    if stacks.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "      aws:\n        # The secret is ecr-pullthroughcache/docker-hub, in each account and region.\n        \
         # Every stack that has an aws:region gets a cache rule.\n        stacks:\n",
    );
    for stack in stacks {
        text += &format!("          # {}/… pulls through it.\n", stack.prefix);
        text += &format!("          {}: {{ {} }}\n", word(&stack.name), fields(stack).join(", "));
    }
    text
}

fn fields(stack: &Stack) -> Vec<String> {
    let Session { region, profile, roles } = &stack.session;
    let mut fields = vec![format!("region: {}", word(region))];
    fields.extend(profile.iter().map(|profile| format!("profile: {}", word(profile))));
    if let Some((last, before)) = roles.split_last() {
        fields.extend(list("role", before.iter().map(role).chain([word(&last.arn)])));
        fields.extend(settings(last));
    }
    fields.extend(list("account", stack.accounts.iter().map(|account| word(account))));
    fields.extend(list("forbidden-account", stack.forbidden.iter().map(|account| word(account))));
    fields
}

/// A role before the last of its chain.
fn role(role: &Role) -> String {
    let settings: Vec<String> = settings(role).collect();
    if settings.is_empty() {
        return word(&role.arn);
    }
    format!("{{ arn: {}, {} }}", word(&role.arn), settings.join(", "))
}

fn settings(role: &Role) -> impl Iterator<Item = String> {
    let Role { external_id, session_name, .. } = role;
    let external_id = external_id.iter().map(|id| format!("external-id: {}", word(id)));
    external_id.chain(session_name.iter().map(|name| format!("session-name: {}", word(name))))
}

/// A word, or a list of several.
fn list(key: &str, words: impl Iterator<Item = String>) -> Option<String> {
    let words: Vec<String> = words.collect();
    match words.as_slice() {
        [] => None,
        [one] => Some(format!("{key}: {one}")),
        several => Some(format!("{key}: [{}]", several.join(", "))),
    }
}

fn github(found: &Here) -> String {
    let places = &found.desired.places.github;
    let mut text = String::new();
    if !places.is_empty() {
        text += "      github:\n        # The repository of GITHUB_REPOSITORY, else of the git remote.\n";
    }
    for github::Desired { place, .. } in places {
        text += &format!("        - repository: {}\n", word(&place.name()));
    }
    text
}
