//! What kustomizations make of images.

use regcred::env::Env;
use regcred::image::scan::{Request, scan};

use crate::context;

const POD: &str = "apiVersion: v1\nkind: Pod\nspec:\n  containers: [{ name: a, image: app }]\n";

/// `file:line image` of all that is found in these files.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let request = Request { paths: vec![folder.path().to_owned()], ..Request::default() };
    let scan = scan(&request, &Env::default(), &context()).unwrap();
    assert_eq!(scan.invalid().count(), 0);
    let shown = scan.images.iter().map(|image| {
        let file = image.file.strip_prefix(folder.path()).unwrap().display().to_string();
        format!("{file}:{} {}", image.line, image.row.input)
    });
    shown.collect()
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
