//! What kustomizations make of images.

use regcred::env::Env;
use regcred::image::scan::{ImageRow, Request, Skipped, scan};

use crate::context;

const POD: &str = "apiVersion: v1\nkind: Pod\nspec:\n  containers: [{ name: a, image: app }]\n";

/// `file:line image` of all that is found in these files.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    both(files).0
}

/// The same, and `file:line reason` of what is not read.
fn both(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let request = Request { paths: vec![folder.path().to_owned()], ..Request::default() };
    let scan = scan(&request, &Env::default(), &context()).unwrap();
    assert_eq!(scan.invalid().count(), 0);
    let name = |file: &std::path::Path| file.strip_prefix(folder.path()).unwrap().display().to_string();
    let image = |image: &ImageRow| format!("{}:{} {}", name(&image.file), image.line, image.row.input);
    let skip = |skip: &Skipped| {
        let line = skip.line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("{}{line} {}", name(&skip.file), skip.reason)
    };
    (scan.images.iter().map(image).collect(), scan.skipped.iter().map(skip).collect())
}

#[test]
fn an_image_that_is_replaced_is_told_where_it_is_replaced() {
    let text = "resources: [pod.yaml]\nimages:\n- name: app\n  newName: ghcr.io/acme/app\n  newTag: '2'\n";
    for name in ["kustomization.yaml", "kustomization.yml", "Kustomization"] {
        assert_eq!(found(&[(name, text), ("pod.yaml", POD)]), [format!("{name}:4 ghcr.io/acme/app:2")]);
    }
}

#[test]
fn an_image_stays_where_it_is_if_one_kustomization_leaves_it() {
    let base = ("base/kustomization.yaml", "resources: [pod.yaml]\n");
    let replacing = "resources: [../base]\nimages: [{ name: app, newTag: '2' }]\n";
    let files = [base, ("base/pod.yaml", POD), ("one/kustomization.yaml", replacing)];
    assert_eq!(found(&files), ["one/kustomization.yaml:2 app:2"]);
    let files = [&files[..], &[("two/kustomization.yaml", "resources: [../base]\n")]].concat();
    assert_eq!(found(&files), ["base/pod.yaml:4 app", "one/kustomization.yaml:2 app:2"]);
}

#[test]
fn a_later_replacement_sees_what_an_earlier_one_made() {
    let files = [
        ("base/kustomization.yaml", "resources: [pod.yaml]\nimages: [{ name: app, newName: acme/app }]\n"),
        ("base/pod.yaml", POD),
        (
            "k/kustomization.yaml",
            "bases: [../base]\nimages:\n- { name: acme/app, newTag: v1 }\n- { name: app, newTag: no }\n",
        ),
    ];
    assert_eq!(found(&files), ["k/kustomization.yaml:3 acme/app:v1"]);
}

#[test]
fn a_component_changes_what_takes_it_before_its_own_images_do() {
    let files = [
        ("c/kustomization.yaml", "kind: Component\nimages: [{ name: app, newName: acme/app }]\n"),
        (
            "k/kustomization.yaml",
            "resources: [pod.yaml]\ncomponents: [../c]\nimages: [{ name: acme/app, newTag: '3' }]\n",
        ),
        ("k/pod.yaml", POD),
    ];
    assert_eq!(found(&files), ["k/kustomization.yaml:3 acme/app:3"]);
}

#[test]
fn an_entry_for_what_is_not_read_is_told_as_far_as_it_goes() {
    let text = "resources: ['https://github.com/acme/x?ref=1']\nimages: [{ name: app, newName: acme/app }]\n";
    assert_eq!(found(&[("kustomization.yaml", text)]), ["kustomization.yaml:2 acme/app"]);
    let text = "helmCharts: [{ name: x }]\nimages: [{ name: app, digest: sha256:b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c }]\n";
    assert_eq!(found(&[("kustomization.yaml", text)]).len(), 1);
    let text = "resources: [pod.yaml]\nimages: [{ name: other, newName: acme/app }]\n";
    assert_eq!(found(&[("kustomization.yaml", text), ("pod.yaml", POD)]), ["pod.yaml:4 app"]);
}

#[test]
fn kustomizations_in_a_circle_end() {
    let files = [
        ("a/kustomization.yaml", "resources: [../b, pod.yaml]\nimages: [{ name: app, newTag: '1' }]\n"),
        ("a/pod.yaml", POD),
        ("b/kustomization.yaml", "resources: [../a]\n"),
        ("c/kustomization.yaml", "resources: [../a]\n"),
    ];
    assert_eq!(found(&files), ["a/kustomization.yaml:2 app:1"]);
}

#[test]
fn kustomizations_that_take_each_other_twice_end() {
    let names: Vec<String> = (0..40).map(|index| format!("k{index}/kustomization.yaml")).collect();
    let text = |index: usize| {
        format!("resources: [../k{0}, ../k{0}/.]\ncomponents: [../k{0}, ../k{0}]\n", index + 1)
    };
    let texts: Vec<String> = (0..40).map(text).collect();
    let files: Vec<_> = names.iter().zip(&texts).map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert!(found(&files).is_empty());
}

/// A kustomization with a pod and this.
fn with_pod(text: &str) -> (Vec<String>, Vec<String>) {
    both(&[("kustomization.yaml", &format!("resources: [pod.yaml]\n{text}")), ("pod.yaml", POD)])
}

#[test]
fn what_a_patch_within_a_kustomization_sets_is_told_where_it_stands() {
    let merge = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: ghcr.io/acme/a:1\n";
    let block = |indent: &str| merge.lines().map(|line| format!("{indent}{line}\n")).collect::<String>();
    for (head, indent, line) in [
        ("patches:\n- patch: |-\n", "    ", 9),
        ("patches:\n- target: { kind: Pod }\n  patch: |\n\n", "    ", 11),
        ("patchesStrategicMerge:\n- |-\n", "  ", 9),
        ("patchesStrategicMerge:\n- pod2.yaml\n- |-\n", "  ", 10),
    ] {
        let (images, skipped) = with_pod(&format!("{head}{}", block(indent)));
        assert_eq!(images, [format!("kustomization.yaml:{line} ghcr.io/acme/a:1"), "pod.yaml:4 app".into()]);
        assert_eq!(skipped, [""; 0], "{head}");
    }
    let (images, _) = with_pod(
        "patchesStrategicMerge:\n- '{ kind: Pod, spec: { initContainers: [{ name: i, image: i:1 }] } }'\n",
    );
    assert_eq!(images, ["kustomization.yaml:3 i:1", "pod.yaml:4 app"]);
}

#[test]
fn what_a_json_patch_puts_is_told_within_a_kustomization_and_in_a_file() {
    let patch = "\
- { op: replace, path: /spec/containers/0/image, value: a:1 }
- { op: add, path: /spec/containers/-, value: { name: b, image: b:1 } }
- { op: add, path: /spec/initContainers, value: [{ name: c, image: c:1 }] }
- { op: replace, path: /spec/template/spec, value: { containers: [{ name: d, image: d:1 }] } }
- { op: remove, path: /spec/containers/1 }
- { op: test, path: /spec/containers/0/image, value: no:1 }
- { op: replace, path: /metadata/labels/image, value: Not An Image }
- { op: replace, path: /spec/replicas, value: 2 }
";
    let block: String = patch.lines().map(|line| format!("    {line}\n")).collect();
    for key in ["patches", "patchesJson6902"] {
        let (images, skipped) = with_pod(&format!("{key}:\n- target: {{ kind: Pod }}\n  patch: |-\n{block}"));
        let lines = ["5 a:1", "6 b:1", "7 c:1", "8 d:1"].map(|row| format!("kustomization.yaml:{row}"));
        assert_eq!(images, [&lines[..], &["pod.yaml:4 app".to_owned()]].concat(), "{key}");
        assert_eq!(skipped, [""; 0]);
        let text = format!("{key}: [{{ path: p.yaml }}]\nimages: [{{ name: a, newName: acme/a }}]\n");
        let images = found(&[("kustomization.yaml", &text), ("p.yaml", patch)]);
        assert_eq!(images, ["kustomization.yaml:2 acme/a:1", "p.yaml:2 b:1", "p.yaml:3 c:1", "p.yaml:4 d:1"]);
    }
    let json = r#"[{"op": "replace", "path": "/spec/containers/0/image", "value": "a:1"}]"#;
    assert_eq!(with_pod(&format!("patches: [{{ patch: '{json}' }}]\n")).0[0], "kustomization.yaml:2 a:1");
}

#[test]
fn an_image_of_a_patch_is_replaced_as_those_of_resources_are() {
    let text = "patches:\n- patch: |-\n    kind: Pod\n    spec: { containers: [{ name: a, image: web:1 }] }\nimages: [{ name: web, newName: ghcr.io/acme/web }]\n";
    let (images, _) = with_pod(text);
    assert_eq!(images, ["kustomization.yaml:6 ghcr.io/acme/web:1", "pod.yaml:4 app"]);
}

#[test]
fn what_of_a_kustomization_is_not_read_is_said_by_name() {
    for key in ["generators", "transformers", "helmCharts", "helmChartInflationGenerator", "replacements"] {
        let (images, skipped) = with_pod(&format!("{key}: [x.yaml]\n"));
        assert_eq!(images, ["pod.yaml:4 app"], "{key}");
        let words = format!("kustomization.yaml:2 `{key}`: what `kustomize build` makes can be scanned");
        assert_eq!(skipped, [words]);
    }
    for taken in
        ["https://github.com/acme/x?ref=1", "github.com/acme/x//deploy?ref=v1", "git@github.com:acme/x"]
    {
        let (_, skipped) = both(&[("kustomization.yaml", &format!("resources: ['{taken}']\n"))]);
        assert_eq!(skipped, [format!("kustomization.yaml:1 `{taken}` is elsewhere")]);
    }
    let (images, skipped) = with_pod("patches: [{ patch: '{ a: [' }]\n");
    assert_eq!(images, ["pod.yaml:4 app"]);
    assert!(skipped[0].starts_with("kustomization.yaml:2 the patch is not YAML: "), "{skipped:?}");
}

#[test]
fn a_helm_chart_is_said_not_to_be_read() {
    let chart = "apiVersion: v2\nname: web\nversion: 1.0.0\n";
    let values = "image: { repository: nginx, tag: '1' }\n";
    let (images, skipped) = both(&[("web/Chart.yaml", chart), ("web/values.yaml", values)]);
    assert_eq!(images, [""; 0]);
    assert_eq!(
        skipped,
        ["web/Chart.yaml it is a Helm chart: what `helm template` makes of its values can be scanned"]
    );
}
