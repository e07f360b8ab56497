//! The images that a Compose file pulls.

use super::dockerfile;
use super::finds::{At, Finds};
use super::variables::Variables;
use super::yaml::Value;

/// The scheme of an additional build context that is an image.
const IMAGE_CONTEXT: &str = "docker-image://";

/// Whether a document is a Compose file by what is in it: services that have an image or are built.
pub(super) fn is_compose(root: Value<'_>) -> bool {
    let services = root.get("services").map(|services| services.entries()).unwrap_or_default();
    services.iter().any(|(_, service)| {
        let image = service.get("image").is_some_and(|image| image.text().is_some());
        image || service.get("build").is_some()
    })
}

/// Reads a Compose file's document.
pub(super) fn read(root: Value<'_>, finds: &mut Finds) {
    let variables = Variables::of_compose();
    for (name, service) in root.get("services").map(|services| services.entries()).unwrap_or_default() {
        let build = service.get("build");
        match service.get("image") {
            // With `build`, the image is what is made, not what is pulled.
            Some(image) if build.is_none() => {
                let place = format!("services.{name}.image");
                finds.image(image.at(), place, &variables.expand(image.text().unwrap_or_default()));
            }
            Some(_) | None => {}
        }
        if let Some(build) = build {
            contexts(build, name, &variables, finds);
            inline(build, name, &variables, finds);
        }
    }
}

/// `additional_contexts`, as a mapping or as a list of `name=value`.
fn contexts(build: Value<'_>, service: &str, variables: &Variables, finds: &mut Finds) {
    let Some(contexts) = build.get("additional_contexts") else { return };
    let place = format!("services.{service}.build.additional_contexts");
    for (_, context) in contexts.entries() {
        if let Some(image) = context.text().and_then(|text| text.strip_prefix(IMAGE_CONTEXT)) {
            finds.image(context.at(), place.clone(), &variables.expand(image));
        }
    }
    for context in contexts.items() {
        let value = context.text().and_then(|text| text.split_once('=')).map(|(_, value)| value);
        if let Some(image) = value.and_then(|value| value.strip_prefix(IMAGE_CONTEXT)) {
            finds.image(context.at(), place.clone(), &variables.expand(image));
        }
    }
}

/// `dockerfile_inline`, whose lines are the file's where it is a literal block.
fn inline(build: Value<'_>, service: &str, variables: &Variables, finds: &mut Finds) {
    let Some(inline) = build.get("dockerfile_inline") else { return };
    let Some(text) = inline.text() else { return };
    let start = inline.at();
    // The block's position is that of its first line that is not empty.
    let empty = text.lines().take_while(|line| line.trim().is_empty()).count();
    let at = |inner: At| {
        if inline.is_literal() {
            At {
                line: start.line + inner.line - 1 - empty.min(inner.line - 1),
                column: start.column + inner.column - 1,
            }
        } else {
            start
        }
    };
    // Compose puts its own variables in first; a `$` that it leaves to the Dockerfile is doubled.
    let dockerfile = dockerfile::read(&variables.expand(text));
    finds.embed(dockerfile, |place| format!("services.{service}.build.dockerfile_inline, {place}"), at);
}
