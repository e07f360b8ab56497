//! The images that a Kubernetes manifest pulls: of pods, of everything that has a pod template, and of lists of them.

use std::collections::BTreeSet;

use super::finds::Finds;
use super::yaml::Value;

/// The keys of a pod's containers.
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// The keys of an object under which a pod may be.
const ROOTS: [&str; 4] = ["spec", "template", "jobTemplate", "items"];

/// Whether a document is an object of Kubernetes by what is in it.
pub(super) fn is_manifest(root: Value<'_>) -> bool {
    ["apiVersion", "kind"].iter().all(|key| root.get(key).is_some_and(|value| value.text().is_some()))
}

/// Reads a manifest's document: every list of containers at any depth, so that the kinds of operators are read too.
pub(super) fn read(root: Value<'_>, finds: &mut Finds) {
    let kind = root.get("kind").and_then(|kind| kind.text()).unwrap_or("object");
    let mut seen = BTreeSet::new();
    let mut left: Vec<(Value<'_>, &str)> =
        ROOTS.iter().filter_map(|key| Some((root.get(key)?, kind))).collect();
    while let Some((value, kind)) = left.pop() {
        // Aliases may name a value again, or one that holds them.
        if !seen.insert(value.at()) {
            continue;
        }
        // The object within a list has a kind of its own.
        let kind = value.get("kind").and_then(|kind| kind.text()).unwrap_or(kind);
        for (key, child) in value.entries() {
            if CONTAINERS.contains(&key) && child.is_sequence() {
                containers(child, &format!("{kind}, {key}"), finds);
            }
            if key == "volumes" {
                volumes(child, kind, finds);
            }
            left.push((child, kind));
        }
        left.extend(value.items().map(|item| (item, kind)));
    }
}

fn containers(list: Value<'_>, place: &str, finds: &mut Finds) {
    for container in list.items() {
        let name = container.get("name").and_then(|name| name.text());
        let place = name.map_or_else(|| place.to_owned(), |name| format!("{place}, {name}"));
        match container.get("image") {
            Some(image) if image.text().is_some() => {
                finds.image(image.at(), place, image.text().unwrap_or_default())
            }
            // `{{ .Values.image }}` without quotes is a mapping to YAML.
            Some(image) if image.is_mapping() => finds.skip(image.at(), "the image is a template"),
            Some(_) | None => {}
        }
    }
}

/// Volumes that are images (Kubernetes 1.31 and later); they are pulled with the pod's credentials.
fn volumes(list: Value<'_>, kind: &str, finds: &mut Finds) {
    for volume in list.items() {
        let reference = volume.get("image").and_then(|image| image.get("reference"));
        if let Some((reference, text)) = reference.and_then(|reference| Some((reference, reference.text()?)))
        {
            finds.image(reference.at(), format!("{kind}, volumes"), text);
        }
    }
}
