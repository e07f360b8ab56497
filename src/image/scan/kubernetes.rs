//! The images that a Kubernetes manifest pulls: of pods, of everything that has a pod template, of lists of them, and of
//! the kinds of operators, which have an `image` of their own.

use std::collections::BTreeSet;

use super::finds::{At, Finds};
use super::templates::first_mark;
use super::yaml::Value;
use crate::model::Reference;

/// The keys of a pod's containers: whatever stands there is an image.
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// The keys of an object under which an image may be.
const ROOTS: [&str; 5] = ["spec", "template", "jobTemplate", "items", "nodes"];

/// Groups of kinds whose `image` is a machine's disk, a pattern, a schema, or a name that is only looked at.
const NO_IMAGES: [&str; 11] = [
    "cluster.x-k8s.io",
    "machine.openshift.io",
    "hive.openshift.io",
    "machine.sapcloud.io",
    "karpenter",
    "metal3.io",
    "image.toolkit.fluxcd.io",
    "apiextensions.k8s.io",
    "gatekeeper.sh",
    "kyverno.io",
    "policies.kubewarden.io",
];

/// The package of a kind of Crossplane, which is an image.
const PACKAGES: &str = "pkg.crossplane.io";

/// Where the image of a PostgreSQL cluster is `imageName`.
const CLOUD_NATIVE_PG: &str = "postgresql.cnpg.io";

/// Files that are not container images.
const DISKS: [&str; 8] = [".iso", ".img", ".qcow2", ".vmdk", ".raw", ".png", ".svg", ".jpg"];

/// Schemes before an image's name.
const SCHEMES: [&str; 2] = ["docker://", "oci://"];

/// Whether a document is an object of Kubernetes by what is in it.
pub(super) fn is_manifest(root: Value<'_>) -> bool {
    ["apiVersion", "kind"].iter().all(|key| root.get(key).is_some_and(|value| value.text().is_some()))
}

/// A value within an object, and what is known about where it is.
#[derive(Clone, Copy)]
struct Spot<'a> {
    value: Value<'a>,
    kind: &'a str,
    group: &'a str,
    /// The nearest key above it.
    under: &'a str,
}

/// Reads a manifest's document, at any depth.
pub(super) fn read(root: Value<'_>, finds: &mut Finds) {
    let root = Spot { value: root, kind: "object", group: "", under: "" }.entered();
    let roots = ROOTS.iter().filter_map(|key| Some(Spot { value: root.value.get(key)?, under: key, ..root }));
    read_below(roots.collect(), finds);
}

/// Reads what an operation of a JSON patch puts at a path of an object.
pub(super) fn read_at(path: &str, value: Value<'_>, operation: Value<'_>, finds: &mut Finds) {
    // The keys alone: a number is a place in a list, and `-` its end.
    let is_key = |part: &&str| *part != "-" && !part.chars().all(|c| c.is_ascii_digit());
    let mut keys = path.split('/').filter(is_key).rev();
    let last = keys.next().unwrap_or_default();
    let spot = |value, under| Spot { value, kind: "patch", group: "", under };
    if last == "image" {
        spot(operation, keys.next().unwrap_or_default()).image(value, finds);
    } else {
        read_below(vec![spot(value, last)], finds);
    }
}

fn read_below(mut left: Vec<Spot<'_>>, finds: &mut Finds) {
    let mut seen = BTreeSet::new();
    while let Some(spot) = left.pop() {
        // Aliases may name a value again, or one that holds them. A list begins where its first item does.
        if !seen.insert((spot.value.at(), spot.value.is_sequence())) {
            continue;
        }
        let spot = spot.entered();
        if NO_IMAGES.iter().any(|group| spot.group.contains(group)) {
            continue;
        }
        spot.images(finds);
        left.extend(spot.value.entries().map(|(under, value)| Spot { value, under, ..spot }));
        left.extend(spot.value.items().map(|value| Spot { value, ..spot }));
    }
}

impl<'a> Spot<'a> {
    /// The object within a list has a kind and a group of its own.
    fn entered(self) -> Self {
        let text = |key| self.value.get(key).and_then(|value| value.text());
        match text("apiVersion") {
            Some(group) => Self { kind: text("kind").unwrap_or(self.kind), group, ..self },
            None => self,
        }
    }

    fn images(self, finds: &mut Finds) {
        for (key, value) in self.value.entries() {
            match key {
                "image" | "Image" => self.image(value, finds),
                "imageName" if self.group.starts_with(CLOUD_NATIVE_PG) => self.image(value, finds),
                "package" if self.group.starts_with(PACKAGES) => self.image(value, finds),
                "images" => self.replacements(value, finds),
                _ if key.ends_with("Image") => self.other_image(value, finds),
                _ => {}
            }
        }
        self.by_reference(finds);
    }

    fn place(self) -> String {
        let name = self.value.get("name").and_then(|name| name.text());
        let Self { kind, under, .. } = self;
        name.map_or_else(|| format!("{kind}, {under}"), |name| format!("{kind}, {under}, {name}"))
    }

    /// `image: name`, or `image: { registry, repository, tag }`.
    fn image(self, image: Value<'_>, finds: &mut Finds) {
        let is_container = CONTAINERS.contains(&self.under);
        match (image.text(), repository(image)) {
            (Some(text), _) if is_container || is_image(text, self.under) => {
                finds.image(image.at(), self.place(), without_scheme(text));
            }
            (None, Some((at, text))) if is_image(&text, self.under) => finds.image(at, self.place(), &text),
            // Volumes that are images (Kubernetes 1.31 and later) are pulled with the pod's credentials.
            (None, None) if self.under == "volumes" => {
                let reference = image.get("reference").and_then(|at| Some((at, at.text()?)));
                reference.into_iter().for_each(|(at, text)| {
                    finds.image(at.at(), format!("{}, volumes", self.kind), text);
                });
            }
            // `{{ .Values.image }}` without quotes is a mapping to YAML.
            (None, None) if is_container && image.is_mapping() => {
                finds.skip(image.at(), "the image is a template");
            }
            _ => {}
        }
    }

    /// `initImage: name` and the like, of which many are names of something else: it counts with a tag or digest.
    fn other_image(self, image: Value<'_>, finds: &mut Finds) {
        if let Some((at, text)) = repository(image) {
            finds.image(at, self.place(), &text);
        }
        if let Some(text) = image.text().filter(|text| {
            text.contains('/') && text.contains([':', '@']) && is_image(without_scheme(text), self.under)
        }) {
            finds.image(image.at(), self.place(), without_scheme(text));
        }
    }

    /// Flux's `images: [{ name, newName, newTag }]` and Argo CD's `images: [name=new:tag]`.
    fn replacements(self, images: Value<'_>, finds: &mut Finds) {
        for item in images.items() {
            match (super::kustomize::replacement(item), item.text()) {
                (Some(entry), _) => finds.image(entry.at, format!("{}, images", self.kind), &entry.alone()),
                (None, Some(text)) if self.under == "kustomize" => {
                    let image = text.split_once('=').map_or(text, |(_, new)| new);
                    finds.image(item.at(), format!("{}, images", self.kind), image);
                }
                _ => {}
            }
        }
    }

    /// `registry: { url: docker://… }` of a disk, and OpenShift's `{ kind: DockerImage, name: … }`.
    fn by_reference(self, finds: &mut Finds) {
        let text = |key| self.value.get(key).and_then(|value| Some((value.at(), value.text()?)));
        if let (Some((_, "DockerImage")), Some((at, name))) = (text("kind"), text("name")) {
            finds.image(at, format!("{}, {}", self.kind, self.under), name);
        }
        if let Some((at, url)) =
            text("url").filter(|(_, url)| self.under == "registry" && url.starts_with(SCHEMES[0]))
        {
            finds.image(at, format!("{}, registry", self.kind), without_scheme(url));
        }
    }
}

/// The name that `{ registry, repository, tag, digest }` makes, and where it stands.
fn repository(image: Value<'_>) -> Option<(At, String)> {
    let text = |key| image.get(key).and_then(|value| value.text()).filter(|text| !text.is_empty());
    let repository = image.get("repository").filter(|value| value.text().is_some())?;
    let registry = text("registry").map(|registry| format!("{registry}/")).unwrap_or_default();
    let version = match (text("tag"), text("digest")) {
        (_, Some(digest)) => format!("@{digest}"),
        (Some(tag), None) => format!(":{tag}"),
        (None, None) => String::new(),
    };
    Some((repository.at(), format!("{registry}{}{version}", repository.text()?)))
}

/// Whether what an operator's kind calls an image is a container's, as far as can be seen.
fn is_image(text: &str, under: &str) -> bool {
    let text = without_scheme(text);
    let is_file = DISKS.iter().any(|ending| text.ends_with(ending)) || text.contains("://");
    // A cloud's machine images have bare names there.
    let is_machine = under == "forProvider" && !text.contains('/');
    let is_name = first_mark(text).is_some() || Reference::parse(text).is_ok();
    is_name && !is_file && !is_machine
}

fn without_scheme(text: &str) -> &str {
    SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text)
}
