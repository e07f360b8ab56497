//! The images that patches of kustomizations set: strategic merge patches, which are manifests in part, and JSON patches
//! (RFC 6902). What a patch replaces is told as well: which object is meant can hang on a target that is not read.

use super::finds::Finds;
use super::kubernetes;
use super::yaml::Value;
use crate::redact;
use crate::yaml::{Document, Error};

/// What makes or changes objects in ways that are not read.
const NOT_READ: [&str; 5] =
    ["generators", "transformers", "helmCharts", "helmChartInflationGenerator", "replacements"];

/// What is taken from another repository.
const ELSEWHERE: [&str; 3] = ["://", "?ref=", "git@"];

/// Reads the patches that stand in a kustomization itself, and says what in it is not read.
pub(super) fn within(root: Value<'_>, finds: &mut Finds) {
    let items = |key| root.get(key).into_iter().flat_map(|list: Value<'_>| list.items());
    let patches = ["patches", "patchesJson6902"].into_iter().flat_map(items);
    let patches = patches.filter_map(|patch| patch.get("patch"));
    let merged = items("patchesStrategicMerge").filter(|patch| patch.text().is_some_and(is_inline));
    patches.chain(merged).for_each(|patch| inline(patch, finds));
    for key in NOT_READ {
        if let Some(value) = root.get(key) {
            finds.skip(value.at(), format!("`{key}`: what `kustomize build` makes can be scanned"));
        }
    }
    for taken in ["resources", "bases", "components"].into_iter().flat_map(items) {
        let text = taken.text().unwrap_or_default();
        if ELSEWHERE.iter().any(|mark| text.contains(mark)) {
            finds.skip(taken.at(), format!("`{}` is elsewhere", redact::outside(text)));
        }
    }
}

/// Whether an entry of `patchesStrategicMerge` is a patch itself, and no path of one.
pub(super) fn is_inline(text: &str) -> bool {
    text.contains('\n') || text.contains(": ")
}

fn inline(patch: Value<'_>, finds: &mut Finds) {
    let Some(text) = patch.text() else { return };
    let mut inner = Finds::default();
    for document in crate::yaml::documents(text) {
        match document {
            Ok(Document { root, .. }) if is_json(Value(&root)) => json(Value(&root), &mut inner),
            Ok(Document { root, .. }) => kubernetes::read(Value(&root), &mut inner),
            Err(Error { at, reason }) => inner.skip(at, format!("the patch is not YAML: {reason}")),
        }
    }
    finds.embed(inner, |place| format!("{place}, in a patch"), patch.lines());
}

/// Whether a document is a JSON patch by what is in it.
pub(super) fn is_json(root: Value<'_>) -> bool {
    let has = |item: Value<'_>, key| item.get(key).is_some_and(|value: Value<'_>| value.text().is_some());
    root.items().next().is_some() && root.items().all(|item| has(item, "op") && has(item, "path"))
}

/// Reads a JSON patch.
pub(super) fn json(root: Value<'_>, finds: &mut Finds) {
    for operation in root.items() {
        let text = |key| operation.get(key).and_then(|value: Value<'_>| value.text());
        let (Some(path), Some(value)) = (text("path"), operation.get("value")) else { continue };
        if matches!(text("op"), Some("add" | "replace")) {
            kubernetes::read_at(path, value, operation, finds);
        }
    }
}
