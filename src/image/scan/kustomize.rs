//! What kustomizations make of the images of manifests.
//!
//! The rules are kustomize's (`api/filters/imagetag`, `api/internal/target`): a kustomization takes its resources as their
//! own kustomizations made them, then its components, then replaces images by its own `images:`. A kustomization that no
//! other takes is what is applied. What
//! patches within it set is read by `patches.rs`, which says what is not read; nor are remote resources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::finds::{At, Found, Image, Login};
use super::links::{Files, beside};
use super::names::KUSTOMIZATIONS;
use super::patches;
use super::yaml::Value;

/// How deep kustomizations may take each other; nobody nests more, and files may be made to.
const MAX_DEPTH: usize = 32;

/// How often kustomizations may take each other from one that is applied: of a few that each take the next twice, there
/// is not an end.
const MAX_TAKEN: usize = 10_000;

/// A kustomization, as far as it is about images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Kustomization {
    /// Files and folders whose objects it takes.
    resources: Vec<String>,
    /// Folders of what changes its objects.
    components: Vec<String>,
    images: Vec<Replacement>,
}

/// An entry of `images:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Replacement {
    /// Where the name that counts stands.
    pub(super) at: At,
    name: String,
    new_name: Option<String>,
    new_tag: Option<String>,
    digest: Option<String>,
    suffix: Option<String>,
}

/// Whether a document is a kustomization by what is in it.
pub(super) fn is_kustomization(root: Value<'_>) -> bool {
    root.get("apiVersion")
        .and_then(|version| version.text())
        .is_some_and(|version| version.starts_with(GROUP))
}

const GROUP: &str = "kustomize.config.k8s.io/";

/// Reads a kustomization's document.
pub(super) fn read(root: Value<'_>) -> Kustomization {
    let texts = |key| root.get(key).into_iter().flat_map(|list| list.items()).filter_map(|item| item.text());
    let patches = ["patches", "patchesJson6902"].into_iter().filter_map(|key| root.get(key));
    let patches = patches.flat_map(|list| list.items()).filter_map(|patch| patch.get("path")?.text());
    let merged = texts("patchesStrategicMerge").filter(|text| !patches::is_inline(text));
    let resources = texts("resources").chain(texts("bases")).chain(merged);
    Kustomization {
        resources: resources.chain(patches).map(str::to_owned).collect(),
        components: texts("components").map(str::to_owned).collect(),
        images: root
            .get("images")
            .into_iter()
            .flat_map(|list| list.items())
            .filter_map(replacement)
            .collect(),
    }
}

/// An entry of a list of replacements, if it is one.
pub(super) fn replacement(entry: Value<'_>) -> Option<Replacement> {
    let text = |key| Some(entry.get(key)?.text().filter(|text| !text.is_empty())?.to_owned());
    let name = entry.get("name")?;
    let at = entry.get("newName").unwrap_or(name).at();
    let found = Replacement {
        at,
        name: name.text()?.to_owned(),
        new_name: text("newName"),
        new_tag: text("newTag"),
        digest: text("digest"),
        suffix: text("tagSuffix"),
    };
    let changes = [&found.new_name, &found.new_tag, &found.digest, &found.suffix];
    changes.iter().any(|change| change.is_some()).then_some(found)
}

impl Replacement {
    /// What it makes of an image that is not known.
    pub(super) fn alone(&self) -> String {
        self.applied("", "")
    }

    /// What it makes of an image, if it is the one that is meant.
    fn apply(&self, image: &str) -> Option<String> {
        let (name, tag, digest) = split(image);
        (name == self.name).then(|| self.applied(tag, digest))
    }

    fn applied(&self, tag: &str, digest: &str) -> String {
        let name = self.new_name.as_ref().unwrap_or(&self.name);
        let marked = |mark: &str, text: &Option<String>| {
            text.as_ref().map(|text| format!("{mark}{text}")).unwrap_or_default()
        };
        let (new_tag, new_digest) = (marked(":", &self.new_tag), marked("@", &self.digest));
        match &self.suffix {
            // A tag or a digest takes the place of both.
            _ if !new_tag.is_empty() || !new_digest.is_empty() => format!("{name}{new_tag}{new_digest}"),
            Some(suffix) if !tag.is_empty() => format!("{name}{tag}{suffix}"),
            _ => format!("{name}{tag}{digest}"),
        }
    }
}

/// An image's name, its tag and its digest, these with their marks.
fn split(image: &str) -> (&str, &str, &str) {
    let (rest, digest) = image.split_at(image.find('@').unwrap_or(image.len()));
    let last_part = rest.rfind('/').map_or(0, |slash| slash + 1);
    let mark = rest[last_part..].find(':').map_or(rest.len(), |mark| last_part + mark);
    (&rest[..mark], &rest[mark..], digest)
}

/// An entry: the kustomization's file, and which of its images.
type Entry = (PathBuf, usize);

/// A manifest's image on its way through kustomizations.
#[derive(Clone)]
struct Item {
    file: PathBuf,
    at: At,
    image: String,
    /// The entry that gave it its name.
    by: Option<Entry>,
}

/// Puts what kustomizations make of the images in the place of those.
pub(super) fn follow(files: &mut Files) {
    let graph = Graph::of(files);
    if graph.kustomizations.is_empty() {
        return;
    }
    let mut run = Run {
        graph: &graph,
        files,
        matched: BTreeSet::new(),
        seen: BTreeSet::new(),
        is_open: false,
        taken: 0,
    };
    let (mut items, mut open) = (Vec::new(), BTreeSet::new());
    for root in graph.roots() {
        run.taken = 0;
        items.extend(run.build(root, 0));
        let seen = std::mem::take(&mut run.seen);
        if std::mem::take(&mut run.is_open) {
            open.extend(seen);
        }
    }
    let matched = run.matched;
    let is_kept = |item: &&Item| item.by.is_none();
    let kept: BTreeSet<_> = items.iter().filter(is_kept).map(|item| (item.file.clone(), item.at)).collect();
    let replaced: BTreeSet<_> = items.iter().map(|item| (item.file.clone(), item.at)).collect();
    for (path, finds) in files.iter_mut() {
        finds.found.retain(|found| {
            let place = (path.clone(), found.at);
            !is_replaceable(found) || kept.contains(&place) || !replaced.contains(&place)
        });
    }
    // An entry that finds nothing may be for what is not read; where everything is read, it does nothing.
    let unmatched = graph.entries().filter(|(entry, _)| !matched.contains(entry) && open.contains(&entry.0));
    let alone = unmatched.map(|(entry, replacement)| (entry, replacement.alone()));
    let made = items.into_iter().filter_map(|item| Some((item.by?, item.image)));
    let all: BTreeSet<(Entry, String)> = made.chain(alone).collect();
    for ((file, index), image) in all {
        tell(files, &file, index, &image);
    }
}

/// Adds a row for what an entry makes.
fn tell(files: &mut Files, file: &Path, index: usize, image: &str) {
    let Some(finds) = files.get_mut(file) else { return };
    let images = finds.kustomization.as_ref().map(|kustomization| &kustomization.images);
    if let Some(entry) = images.and_then(|images| images.get(index)).cloned() {
        finds.image_with(entry.at, format!("images, {}", entry.name), image, Login::Kubelet);
        finds.sort();
    }
}

/// kustomize looks for images in lists of these names.
fn is_replaceable(found: &Found) -> bool {
    found.place.split(", ").nth(1).is_some_and(|key| matches!(key, "containers" | "initContainers"))
}

/// Which kustomization takes which.
struct Graph {
    kustomizations: BTreeMap<PathBuf, Kustomization>,
}

impl Graph {
    fn of(files: &Files) -> Self {
        let all = files.iter().filter_map(|(path, finds)| Some((path.clone(), finds.kustomization.clone()?)));
        Self { kustomizations: all.collect() }
    }

    /// The kustomization that a path means, if it is a folder's.
    fn in_folder(&self, folder: &Path) -> Option<&Path> {
        KUSTOMIZATIONS.iter().find_map(|name| {
            let (path, _) = self.kustomizations.get_key_value(&folder.join(name))?;
            Some(path.as_path())
        })
    }

    /// Those that no other takes.
    fn roots(&self) -> Vec<&Path> {
        let taken: BTreeSet<&Path> = self
            .kustomizations
            .iter()
            .flat_map(|(path, all)| {
                let written = all.resources.iter().chain(&all.components);
                written.filter_map(|written| self.in_folder(&beside(path, written)))
            })
            .collect();
        self.kustomizations.keys().map(PathBuf::as_path).filter(|path| !taken.contains(path)).collect()
    }

    fn entries(&self) -> impl Iterator<Item = (Entry, &Replacement)> {
        self.kustomizations.iter().flat_map(|(path, kustomization)| {
            let images = kustomization.images.iter().enumerate();
            images.map(|(index, image)| ((path.clone(), index), image))
        })
    }
}

struct Run<'a> {
    graph: &'a Graph,
    files: &'a Files,
    /// The entries that were of use.
    matched: BTreeSet<Entry>,
    /// What is taken, and whether it has anything that is not read.
    seen: BTreeSet<PathBuf>,
    is_open: bool,
    /// How many were taken.
    taken: usize,
}

impl Run<'_> {
    /// The images of what a kustomization makes.
    fn build(&mut self, path: &Path, depth: usize) -> Vec<Item> {
        self.change(path, Vec::new(), depth)
    }

    /// The images of some objects after a kustomization has added its own to them and changed them all.
    fn change(&mut self, path: &Path, mut items: Vec<Item>, depth: usize) -> Vec<Item> {
        let Some(kustomization) = self.graph.kustomizations.get(path).filter(|_| depth < MAX_DEPTH) else {
            return items;
        };
        self.taken += 1;
        if self.taken > MAX_TAKEN {
            self.is_open = true;
            return items;
        }
        self.seen.insert(path.to_owned());
        self.is_open |= depth == 0 && kustomization.resources.is_empty();
        let mut seen: BTreeSet<(PathBuf, At)> =
            items.iter().map(|item| (item.file.clone(), item.at)).collect();
        // Its own patches stand in its own file.
        let resources = kustomization.resources.iter().map(|resource| beside(path, resource));
        for resource in resources.chain([path.to_owned()]) {
            let taken = self.take(&resource, depth);
            items.extend(taken.into_iter().filter(|item| seen.insert((item.file.clone(), item.at))));
        }
        for component in &kustomization.components {
            match self.graph.in_folder(&beside(path, component)) {
                Some(component) => items = self.change(component, items, depth + 1),
                None => self.is_open = true,
            }
        }
        for (index, replacement) in kustomization.images.iter().enumerate() {
            for item in &mut items {
                if let Some(image) = replacement.apply(&item.image) {
                    let entry = (path.to_owned(), index);
                    self.matched.insert(entry.clone());
                    (item.image, item.by) = (image, Some(entry));
                }
            }
        }
        items
    }

    /// The images of a resource: of a folder with a kustomization, or of a manifest.
    fn take(&mut self, path: &Path, depth: usize) -> Vec<Item> {
        if let Some(below) = self.graph.in_folder(path) {
            return self.build(below, depth + 1);
        }
        let finds = self.files.get(path);
        self.is_open |= finds.is_none_or(|finds| !finds.skipped.is_empty());
        let found = finds.into_iter().flat_map(|finds| &finds.found).filter(|found| is_replaceable(found));
        let item = |found: &Found| {
            let Found { at, image: Image { name, version }, login: Login::Unsaid | Login::Kubelet, .. } =
                found
            else {
                return None;
            };
            Some(Item { file: path.to_owned(), at: *at, image: format!("{name}{version}"), by: None })
        };
        found.filter_map(item).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(new_name: &str, new_tag: &str, digest: &str, image: &str) -> Option<String> {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let (new_name, new_tag, digest) = (some(new_name), some(new_tag), some(digest));
        let at = At { line: 1, column: 1 };
        Replacement { at, name: "nginx".to_owned(), new_name, new_tag, digest, suffix: None }.apply(image)
    }

    #[test]
    fn a_new_tag_or_digest_takes_the_place_of_both_and_a_new_name_keeps_them() {
        for (name, tag, digest, image, expected) in [
            ("ghcr.io/a/n", "", "", "nginx:1", "ghcr.io/a/n:1"),
            ("ghcr.io/a/n", "2", "", "nginx:1", "ghcr.io/a/n:2"),
            ("", "2", "", "nginx:1@sha256:a", "nginx:2"),
            ("", "", "sha256:b", "nginx:1", "nginx@sha256:b"),
            ("", "2", "sha256:b", "nginx", "nginx:2@sha256:b"),
            ("host:5000/n", "", "", "nginx@sha256:a", "host:5000/n@sha256:a"),
        ] {
            assert_eq!(replaced(name, tag, digest, image).as_deref(), Some(expected), "{image}");
        }
        for image in ["library/nginx", "nginx2", "docker.io/nginx:1", "nginx/nginx"] {
            assert_eq!(replaced("x", "", "", image), None, "{image}");
        }
    }
}
