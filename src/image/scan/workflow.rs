//! The images that GitHub workflows and actions pull, and whether anybody is logged in then.
//!
//! The runner logs in to pull a job's containers only with the `credentials:` that the job gives, and to GitHub's own
//! registry with the job's token; an action's image it pulls before any step can log in (`ContainerOperationProvider` and
//! `ActionManager` of actions/runner).

use std::collections::BTreeSet;

use super::compose::IMAGE_CONTEXT;
use super::finds::{At, BuildContext, Finds, Login, known_part};
use super::matrix::{self, Job, Matrix};
use super::yaml::Value;

/// The scheme of an action that is an image.
const DOCKER: &str = "docker://";

/// The action that builds images.
const BUILD: &str = "docker/build-push-action@";

/// The registry that the runner logs in to by itself.
const GITHUB_REGISTRY: &str = "ghcr.io/";

const NO_CREDENTIALS: Login = Login::Missing {
    why: "the job gives no `credentials:` for it",
    hint: "write `credentials:` with `username:` and `password:`, from secrets, next to `image:`",
};

const BEFORE_ALL_STEPS: Login = Login::Missing {
    why: "the image of an action is pulled before any step can log in",
    hint: "use `docker run` in a step that follows the login",
};

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
    for (name, job) in root.get("jobs").into_iter().flat_map(|jobs| jobs.entries()) {
        let matrix = Matrix::of(job);
        let jobs = matrix.jobs();
        if let Some(container) = job.get("container") {
            image_of(container, &jobs, &format!("jobs.{name}.container"), finds);
        }
        for (service, container) in job.get("services").into_iter().flat_map(|services| services.entries()) {
            image_of(container, &jobs, &format!("jobs.{name}.services.{service}"), finds);
        }
        steps(job, &format!("jobs.{name}.steps"), finds);
    }
}

/// Reads an action's document.
pub(super) fn read_action(root: Value<'_>, finds: &mut Finds) {
    let Some(runs) = root.get("runs") else { return };
    if let Some(image) = runs.get("image") {
        action(image, "runs.image", finds);
    }
    steps(runs, "runs.steps", finds);
}

/// A container is an image's name, or a mapping that has it.
fn image_of(container: Value<'_>, jobs: &[Job<'_>], place: &str, finds: &mut Finds) {
    let (image, place) = match container.get("image") {
        Some(image) => (image, format!("{place}.image")),
        None => (container, place.to_owned()),
    };
    let Some(text) = image.text() else { return };
    let given = container.get("credentials").is_some();
    // With a name from the job's matrix, each of its values is an image, where it stands.
    let is_open = known_part(text).is_none();
    let values = if is_open { matrix::values(text, image.at(), jobs) } else { BTreeSet::new() };
    for (at, value) in &values {
        pulled(*at, place.clone(), value, given, finds);
    }
    if values.is_empty() {
        pulled(image.at(), place, text, given, finds);
    }
}

fn pulled(at: At, place: String, text: &str, given: bool, finds: &mut Finds) {
    let name = text.strip_prefix(DOCKER).unwrap_or(text);
    let logged_in = given || name.starts_with(GITHUB_REGISTRY);
    finds.image_with(at, place, name, if logged_in { Login::Given } else { NO_CREDENTIALS });
}

fn steps(of: Value<'_>, place: &str, finds: &mut Finds) {
    for step in of.get("steps").into_iter().flat_map(|steps| steps.items()) {
        if let Some(uses) = step.get("uses") {
            action(uses, &format!("{place}, uses"), finds);
            build(uses, step, place, finds);
        }
    }
}

fn action(value: Value<'_>, place: &str, finds: &mut Finds) {
    if let Some(image) = value.text().and_then(|text| text.strip_prefix(DOCKER)) {
        finds.image_with(value.at(), place, image, BEFORE_ALL_STEPS);
    }
}

/// The named contexts that an action has an image built with: in the Dockerfile these are not images.
fn build(uses: Value<'_>, step: Value<'_>, place: &str, finds: &mut Finds) {
    let Some(with) = step.get("with").filter(|_| uses.text().is_some_and(|text| text.starts_with(BUILD)))
    else {
        return;
    };
    let text = |key| with.get(key).and_then(|value| value.text());
    let context = text("context").unwrap_or(".");
    let file = text("file").map_or_else(|| format!("{context}/Dockerfile"), str::to_owned);
    let Some(contexts) = with.get("build-contexts") else { return };
    // A block's position is that of its first line that is not empty.
    let lines = contexts.text().unwrap_or_default().lines().skip_while(|line| line.trim().is_empty());
    for (index, line) in lines.enumerate() {
        let Some((name, value)) = line.split_once('=') else { continue };
        // Paths are seen from the repository's root, two folders above a workflow.
        let (dockerfile, name) = (format!("../../{file}"), name.trim().to_owned());
        finds.contexts.push(BuildContext { dockerfile, name });
        if let Some(image) = value.trim().strip_prefix(IMAGE_CONTEXT) {
            let At { line, column } = contexts.at();
            let line = if contexts.is_literal() { line + index } else { line };
            finds.image(At { line, column }, format!("{place}, build-contexts"), image);
        }
    }
}
