//! The images that GitHub workflows and actions pull.

use super::finds::Finds;
use super::yaml::Value;

/// The scheme of an action that is an image.
const DOCKER: &str = "docker://";

/// Whether a document is a workflow by what is in it.
pub(super) fn is_workflow(root: Value<'_>) -> bool {
    root.get("jobs").is_some_and(|jobs| jobs.is_mapping()) && root.get("on").is_some()
}

/// Whether a document is an action's metadata by what is in it.
pub(super) fn is_action(root: Value<'_>) -> bool {
    root.get("runs").is_some_and(|runs| runs.get("using").is_some())
}

/// Reads a workflow's document.
pub(super) fn read(root: Value<'_>, finds: &mut Finds) {
    for (name, job) in root.get("jobs").map(|jobs| jobs.entries()).unwrap_or_default() {
        if let Some(container) = job.get("container") {
            image_of(container, &format!("jobs.{name}.container"), finds);
        }
        for (service, container) in job.get("services").map(|services| services.entries()).unwrap_or_default()
        {
            image_of(container, &format!("jobs.{name}.services.{service}"), finds);
        }
        steps(job, &format!("jobs.{name}.steps"), finds);
    }
}

/// Reads an action's document.
pub(super) fn read_action(root: Value<'_>, finds: &mut Finds) {
    let Some(runs) = root.get("runs") else { return };
    if let Some(image) = runs.get("image") {
        docker(image, "runs.image", finds);
    }
    steps(runs, "runs.steps", finds);
}

/// A container is an image's name, or a mapping that has it.
fn image_of(container: Value<'_>, place: &str, finds: &mut Finds) {
    let (image, place) = match container.get("image") {
        Some(image) => (image, format!("{place}.image")),
        None => (container, place.to_owned()),
    };
    if let Some(text) = image.text() {
        finds.image(image.at(), place, text.strip_prefix(DOCKER).unwrap_or(text));
    }
}

fn steps(of: Value<'_>, place: &str, finds: &mut Finds) {
    for step in of.get("steps").into_iter().flat_map(|steps| steps.items()) {
        if let Some(uses) = step.get("uses") {
            docker(uses, &format!("{place}, uses"), finds);
        }
    }
}

fn docker(value: Value<'_>, place: &str, finds: &mut Finds) {
    if let Some(image) = value.text().and_then(|text| text.strip_prefix(DOCKER)) {
        finds.image(value.at(), place, image);
    }
}
