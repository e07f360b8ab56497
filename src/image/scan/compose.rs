//! The images that a Compose file pulls.

use std::collections::{BTreeMap, BTreeSet};

use super::dockerfile;
use super::finds::{BuildContext, Finds};
use super::variables::Variables;
use super::yaml::Value;

/// The scheme of an additional build context that is an image.
pub(super) const IMAGE_CONTEXT: &str = "docker-image://";

/// How often one service may extend another; nobody writes more, and a file may be made to, in a circle.
const MAX_EXTENDS: usize = 16;

/// Whether a document is a Compose file by what is in it: services that have an image or are built.
pub(super) fn is_compose(root: Value<'_>) -> bool {
    root.get("services").into_iter().flat_map(|services| services.entries()).any(|(_, service)| {
        let image = service.get("image").is_some_and(|image| image.text().is_some());
        image || service.get("build").is_some()
    })
}

/// Reads a Compose file's document, with the variables that Compose has for it.
pub(super) fn read(root: Value<'_>, variables: &Variables, finds: &mut Finds) {
    variables.unread().for_each(|why| finds.skip_rest(why));
    let included = root.get("include").into_iter().flat_map(|include| include.items());
    finds.includes.extend(included.flat_map(paths).map(|path| variables.expand(path)));
    let services = root.get("services").into_iter().flat_map(|services| services.entries());
    let services = Services(services.collect());
    let made = services.made();
    for (name, service) in &services.0 {
        if let Some(image) = service.get("image").filter(|_| services.pulls(*service)) {
            // What another service is built as is made, not pulled.
            let text = image.text().unwrap_or_default();
            if !made.contains(text) {
                finds.image(image.at(), format!("services.{name}.image"), &variables.expand(text));
            }
        }
        volumes(*service, name, variables, finds);
        if let Some(build) = service.get("build") {
            let names = contexts(build, name, variables, finds);
            inline(build, name, (variables, &names), finds);
            let dockerfile = dockerfile_of(build, variables);
            let context = |name| BuildContext { dockerfile: dockerfile.clone(), name };
            finds.contexts.extend(names.into_iter().map(context));
        }
    }
}

/// The files of an item of `include`: a path, `{ path }` or `{ path: [] }`.
fn paths(include: Value<'_>) -> Vec<&str> {
    let path = include.get("path").unwrap_or(include);
    path.text().into_iter().chain(path.items().filter_map(|path| path.text())).collect()
}

/// The services of a file, by name.
struct Services<'a>(BTreeMap<&'a str, Value<'a>>);

impl<'a> Services<'a> {
    /// The images that services are built as.
    fn made(&self) -> BTreeSet<&'a str> {
        let built = self.0.values().filter(|service| self.builds(**service));
        built.filter_map(|service| service.get("image")?.text()).collect()
    }

    /// Whether a service's image is pulled, if it has one.
    fn pulls(&self, service: Value<'_>) -> bool {
        let policy = service.get("pull_policy").and_then(|policy| policy.text());
        !matches!(policy, Some("never" | "build")) && !self.builds(service)
    }

    /// Whether a service is built: it has `build`, or one of this file that it extends has.
    fn builds(&self, service: Value<'_>) -> bool {
        let mut service = Some(service);
        for _ in 0..MAX_EXTENDS {
            match service {
                Some(service) if service.get("build").is_some() => return true,
                Some(extending) => service = self.extended(extending),
                None => return false,
            }
        }
        false
    }

    /// `extends: name` or `extends: { service: name }`; a service of another file is read there.
    fn extended(&self, service: Value<'_>) -> Option<Value<'a>> {
        let extends = service.get("extends").filter(|extends| extends.get("file").is_none())?;
        let name = extends.text().or_else(|| extends.get("service")?.text())?;
        self.0.get(name).copied()
    }
}

/// Volumes that are images.
fn volumes(service: Value<'_>, name: &str, variables: &Variables, finds: &mut Finds) {
    for volume in service.get("volumes").into_iter().flat_map(|volumes| volumes.items()) {
        let is_image = volume.get("type").and_then(|kind| kind.text()) == Some("image");
        if let Some(image) = volume.get("source").filter(|_| is_image) {
            let text = variables.expand(image.text().unwrap_or_default());
            finds.image(image.at(), format!("services.{name}.volumes"), &text);
        }
    }
}

/// `additional_contexts`, as a mapping or as a list of `name=value`: their names, of which none is an image.
fn contexts(build: Value<'_>, service: &str, variables: &Variables, finds: &mut Finds) -> Vec<String> {
    let Some(contexts) = build.get("additional_contexts") else { return Vec::new() };
    let place = format!("services.{service}.build.additional_contexts");
    let listed = contexts.items().filter_map(|item| item.text()?.split_once('=').map(|pair| (item, pair)));
    let listed = listed.map(|(item, (name, value))| (name, item, value));
    let mapped = contexts.entries().filter_map(|(name, value)| Some((name, value, value.text()?)));
    let mut names = Vec::new();
    for (name, value, text) in mapped.chain(listed) {
        names.push(name.to_owned());
        if let Some(image) = variables.expand(text).strip_prefix(IMAGE_CONTEXT) {
            finds.image(value.at(), place.clone(), image);
        }
    }
    names
}

/// The Dockerfile of a build, seen from the Compose file's folder.
fn dockerfile_of(build: Value<'_>, variables: &Variables) -> String {
    let text = |key| build.get(key).and_then(|value| value.text());
    let context = text("context").unwrap_or(".");
    variables.expand(&format!("{context}/{}", text("dockerfile").unwrap_or("Dockerfile")))
}

/// `dockerfile_inline`, whose lines are the file's where it is a literal block.
fn inline(
    build: Value<'_>,
    service: &str,
    (variables, contexts): (&Variables, &[String]),
    finds: &mut Finds,
) {
    let Some(inline) = build.get("dockerfile_inline") else { return };
    let Some(text) = inline.text() else { return };
    // Compose puts its own variables in first; a `$` that it leaves to the Dockerfile is doubled.
    let dockerfile = dockerfile::read_within(&variables.expand(text), contexts);
    finds.embed(
        dockerfile,
        |place| format!("services.{service}.build.dockerfile_inline, {place}"),
        inline.lines(),
    );
}
