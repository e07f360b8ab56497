//! The images of a repository's files.

use std::fs;
use std::path::{Path, PathBuf};

use regcred::env::Env;
use regcred::image::Context;
use regcred::image::scan::{ImageRow, Request, Scan, scan};

use crate::context;

fn tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/image/tree")
}

fn scanned(paths: &[PathBuf]) -> Scan {
    let request = Request { paths: paths.to_owned(), ..Request::default() };
    scan(&request, &Env::default(), &context()).unwrap()
}

/// `file:line:column place name`, the file without the folder that was scanned.
fn shown(root: &Path, image: &ImageRow) -> String {
    let file = image.file.strip_prefix(root).unwrap().display();
    format!("{file}:{}:{} {} {}", image.line, image.column, image.place, image.row.input)
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// What is found in one file.
fn found_in(name: &str, text: &str) -> Vec<String> {
    let folder = folder(&[(name, text)]);
    let scan = scanned(&[folder.path().to_owned()]);
    scan.images.iter().map(|image| format!("{}:{} {}", image.line, image.column, image.row.input)).collect()
}

/// What is left out of one file: the line and the reason.
fn skipped_in(name: &str, text: &str) -> Vec<String> {
    let folder = folder(&[(name, text)]);
    let skipped = scanned(&[folder.path().to_owned()]).skipped.into_iter();
    skipped.map(|skip| format!("{} {}", skip.line.unwrap_or_default(), skip.reason)).collect()
}

#[test]
fn the_images_of_manifests_are_judged_as_the_kubelet_judges_them() {
    let pod = "apiVersion: v1\nkind: Pod\nspec: { containers: [{ name: a, image: IMAGE }] }\n";
    let compose = "services: { a: { image: IMAGE } }\n";
    let patch = "kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\nresources: [pod.yaml]\nimages: [{ name: old, newName: IMAGE }]\n";
    for (image, credential, why) in [
        (
            "localhost/x",
            Some("to-docker.io"),
            Some("because the kubelet logs in at `localhost` as at Docker Hub"),
        ),
        ("Alpine/x", Some("to-docker.io"), Some("because the kubelet logs in at `Alpine` as at Docker Hub")),
        ("localhost:5000/x", None, None),
        ("registry-1.docker.io/library/alpine", None, None),
        ("alpine", Some("to-docker.io"), None),
        ("ghcr.io/acme/api", Some("to-ghcr.io"), None),
    ] {
        let seen = |name: &str, text: &str| {
            let folder = folder(&[
                (name, &text.replace("IMAGE", image)),
                ("pod.yaml", &pod.replace("IMAGE", if name == "pod.yaml" { image } else { "old" })),
            ]);
            let images = scanned(&[folder.path().to_owned()]).images;
            let found = images.into_iter().find(|found| found.file.ends_with(name)).unwrap();
            (found.row.credential.clone(), found.row.why.clone(), found.row.is_anonymous())
        };
        let expected = (credential.map(str::to_owned), why.map(str::to_owned), credential.is_none());
        assert_eq!(seen("pod.yaml", pod), expected, "{image} in a pod");
        assert_eq!(seen("kustomization.yaml", patch), expected, "{image} by a kustomization");
        let as_docker = (
            credential.filter(|_| why.is_none()).map(str::to_owned),
            None,
            why.is_some() || credential.is_none(),
        );
        assert_eq!(seen("compose.yaml", compose), as_docker, "{image} for docker");
    }
}

#[test]
fn every_image_of_every_syntax_is_found_where_it_stands() {
    let root = tree();
    let scan = scanned(std::slice::from_ref(&root));
    let found: Vec<_> = scan.images.iter().map(|image| shown(&root, image)).collect();
    let expected = include_str!("tree.expected");
    assert_eq!(found.join("\n"), expected.trim_end());
}

#[test]
fn what_cannot_be_read_is_said_with_its_reason() {
    let root = tree();
    let skipped: Vec<_> = scanned(std::slice::from_ref(&root))
        .skipped
        .iter()
        .map(|skip| {
            let file = skip.file.strip_prefix(&root).unwrap().display();
            format!("{file}:{} {}", skip.line.map_or("-".into(), |line| line.to_string()), skip.reason)
        })
        .collect();
    let expected = [
        ".github/workflows/ci.yml:22 `${{ matrix.image }}` depends on a value that is not in the file",
        "api/Dockerfile:45 `${TARGETARCH}/alpine` depends on a value that is not in the file",
        "chart/broken.yml:4 it is not YAML: ",
        "chart/templates/deployment.yaml:4 it is a template: what it makes can be scanned",
        "chart/templates/job.yaml:8 `{{ .Values.repository }}:1` is filled in by a template: what that makes can be scanned",
        "chart/templates/job.yaml:9 the image is a template",
        "compose.yaml:31 `${IMAGE}` depends on a value that is not in the file",
        "deploy/all.yaml:34 `${IMAGE:-nginx}` depends on a value that is not in the file",
        "web/app.Containerfile:4 `FROM` without an image",
    ];
    assert_eq!(skipped.len(), expected.len(), "{skipped:#?}");
    for (found, expected) in skipped.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
}

#[test]
fn what_would_be_pulled_anonymously_is_told_with_what_to_write_instead() {
    let folder = folder(&[(
        "Dockerfile",
        "FROM registry-1.docker.io/library/alpine:${TAG}\nFROM quay.io/x\nFROM alpine:${TAG}",
    )]);
    let scan = scanned(&[folder.path().to_owned()]);
    let found: Vec<_> =
        scan.anonymous().map(|image| (image.anonymous.as_deref(), image.instead.as_deref())).collect();
    let expected = [
        (Some("`registry-1.docker.io` is not Docker Hub in an image name"), Some("alpine:${TAG}")),
        (Some("no credential for quay.io"), None),
    ];
    assert_eq!(found, expected);
    let cached = &scan.images[2].row.cached["main"];
    assert_eq!(cached, "<account>.dkr.ecr.us-east-2.amazonaws.com/main-docker-hub/library/alpine:${TAG}");
}

#[test]
fn a_name_that_is_wrong_is_a_row_with_an_error() {
    let folder = folder(&[("Dockerfile", "FROM Ubuntu")]);
    let scan = scanned(&[folder.path().to_owned()]);
    assert!(scan.invalid().next().unwrap().row.error.as_deref().unwrap().contains("lowercase"));
    assert_eq!(scan.anonymous().count(), 0);
}

#[test]
fn what_gitignore_leaves_out_is_left_out_and_hidden_folders_are_not() {
    let folder = folder(&[
        (".gitignore", "vendor/\n*.gen.yaml\n!keep.gen.yaml\n"),
        ("vendor/Dockerfile", "FROM ignored"),
        ("a.gen.yaml", "services: { a: { image: ignored } }"),
        ("keep.gen.yaml", "services: { a: { image: kept } }"),
        (".hidden/Dockerfile", "FROM hidden"),
        (".git/Dockerfile", "FROM git"),
        ("sub/.gitignore", "Dockerfile\n"),
        ("sub/Dockerfile", "FROM ignored"),
    ]);
    let images: Vec<_> =
        scanned(&[folder.path().to_owned()]).images.into_iter().map(|image| image.row.input).collect();
    assert_eq!(images, ["hidden", "kept"]);
    let named = scanned(&[folder.path().join("vendor/Dockerfile")]);
    assert_eq!(named.images.len(), 1, "a file that is named is read");
}

#[test]
fn a_path_that_is_not_there_is_an_error_that_names_all_of_them() {
    let request = Request { paths: vec!["no/such".into(), tree()], env_files: vec!["nor/this".into()] };
    let error = scan(&request, &Env::default(), &Context::default()).unwrap_err();
    assert_eq!(error.to_string(), "no such file or folder: no/such, nor/this");
}

#[test]
fn a_named_file_of_no_known_kind_is_skipped_with_the_reason() {
    let folder = folder(&[("notes.txt", "FROM nowhere")]);
    let scan = scanned(&[folder.path().join("notes.txt")]);
    assert_eq!(scan.skipped[0].reason, "its name is not that of a Dockerfile or of YAML");
}

#[test]
fn the_same_file_named_twice_is_read_once() {
    let folder = folder(&[("a/Dockerfile", "FROM x")]);
    let paths = [folder.path().to_owned(), folder.path().join("a"), folder.path().join("a/Dockerfile")];
    assert_eq!(scanned(&paths).images.len(), 1);
}

#[test]
fn the_result_does_not_depend_on_the_order_of_work() {
    let names: Vec<_> = (0..200).map(|index| format!("d{}/{index}/Dockerfile", index % 7)).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), "FROM b\nFROM a\nFROM quay.io/c")).collect();
    let folder = folder(&files);
    let first = scanned(&[folder.path().to_owned()]);
    assert_eq!((first.files, first.images.len()), (200, 600));
    for _ in 0..5 {
        assert_eq!(scanned(&[folder.path().to_owned()]), first);
    }
    assert!(first.images.is_sorted_by_key(|image| (image.file.clone(), image.line)));
}

#[test]
fn a_file_that_is_not_text_or_too_large_is_skipped() {
    let folder = folder(&[]);
    fs::write(folder.path().join("Dockerfile"), b"FROM \xff").unwrap();
    let large = "# image\n".repeat(600_000);
    fs::write(folder.path().join("large.yaml"), large).unwrap();
    let reasons: Vec<_> =
        scanned(&[folder.path().to_owned()]).skipped.into_iter().map(|skip| skip.reason).collect();
    assert_eq!(reasons, ["it is not UTF-8", "it is larger than 4 MiB"]);
}

#[test]
fn a_dockerfile_is_known_by_its_name() {
    let kinds = [
        "Dockerfile",
        "dockerfile",
        "Dockerfile.prod",
        "prod.Dockerfile",
        "Containerfile",
        "x.containerfile",
    ];
    for name in kinds {
        assert_eq!(found_in(name, "FROM x"), ["1:6 x"], "{name}");
    }
    for name in ["Dockerfile.dockerignore", "Dockerfile.md", "main.rs"] {
        assert!(found_in(name, "FROM x").is_empty(), "{name}");
    }
}

#[test]
fn aliases_that_would_make_a_small_file_a_large_tree_are_refused_as_kubectl_does() {
    let mut text = "apiVersion: v1\nkind: Pod\nspec:\n  a0: &a0 { containers: [{ image: x }] }\n".to_owned();
    for level in 1..60 {
        let below = level - 1;
        text += &format!("  a{level}: &a{level} [*a{below}, *a{below}, *a{below}, *a{below}]\n");
    }
    assert_eq!(skipped_in("bomb.yaml", &text), ["12 it is not YAML: the file has too many values"]);
    let merged = "services:\n  a: &a\n    <<: *a\n    image: x\n    build: *a\n";
    let inside = "3 it is not YAML: the alias is inside what it is an alias for";
    assert_eq!(skipped_in("loop.yaml", merged), [inside]);
    let deep =
        format!("apiVersion: v1\nkind: X\nspec: {}{} # image\n", "[".repeat(50_000), "]".repeat(50_000));
    assert_eq!(skipped_in("deep.yaml", &deep), ["3 it is not YAML: the values are nested too deeply"]);
}

#[test]
fn a_stage_may_be_copied_from_before_it_is_made_and_is_built_on_only_after() {
    let text = "FROM later AS a\nCOPY --from=LATER /x /x\nRUN --mount=from=later true\nFROM alpine AS later";
    assert_eq!(found_in("Dockerfile", text), ["1:6 later", "4:6 alpine"]);
}

#[test]
fn a_here_document_of_a_later_build_has_no_instructions() {
    let text = "FROM a\nONBUILD RUN <<EOF\nFROM no\nEOF\nONBUILD copy <<-X /y\nFROM no\n\tX\nFROM b";
    assert_eq!(found_in("Dockerfile", text), ["1:6 a", "8:6 b"]);
    assert_eq!(found_in("Dockerfile", "FROM a\nENV X=1 <<EOF\nFROM b"), ["1:6 a", "3:6 b"]);
}

#[test]
fn of_merged_mappings_the_own_key_goes_before_the_first_and_the_first_before_the_second() {
    let text = "x-a: &a { image: a }\nx-b: &b { image: b }\nservices:\n  one: { <<: [*a, *b] }\n  two: { <<: [*b, *a], image: c }\n";
    assert_eq!(found_in("compose.yaml", text), ["1:18 a", "5:31 c"]);
}

#[test]
fn equal_keys_are_what_the_tool_that_owns_the_file_takes_them_for() {
    let compose = "services:\n  a: { image: x }\n  a: { image: y }\n";
    assert!(found_in("compose.yaml", compose).is_empty());
    let twice = |line, first| {
        let key = if line == 3 { "a" } else { "container" };
        format!(
            "{line} it cannot be used: the key `{key}` is here a second time: it is already on line {first}"
        )
    };
    assert_eq!(skipped_in("compose.yaml", compose), [twice(3, 2)]);
    let workflow = "on: push\njobs:\n  b:\n    container: x\n    container: y\n";
    assert_eq!(skipped_in("w.yaml", workflow), [twice(5, 4)]);
    let pod = "apiVersion: v1\nkind: Pod\nspec:\n  containers: [{ image: x, image: y }]\n";
    assert_eq!(found_in("pod.yaml", pod), ["4:35 y"]);
}

#[test]
fn what_breaks_a_file_with_a_templates_marks_is_told() {
    let text = "services:\n  a: { image: \"x:{{ tag }}\" }\n b: c\n";
    let reason = &skipped_in("compose.yaml", text)[0];
    assert!(reason.starts_with("3 it is a template: what it makes can be scanned ("), "{reason}");
}

#[test]
fn an_included_compose_file_has_the_variables_of_the_one_that_includes_it_before_its_own() {
    let part = "services: { a: { image: '${R:-docker.io}/a:${T:-1}' } }";
    let files = [
        ("compose.yaml", "include: [part/a.yaml, { path: [part/b.yaml] }]\nservices: { c: { image: c } }"),
        (".env", "R=ghcr.io\n"),
        ("part/.env", "R=quay.io\nT=2\n"),
        ("part/a.yaml", part),
        ("part/b.yaml", part),
        ("part/c.yaml", part),
    ];
    let folder = folder(&files);
    let images: Vec<_> =
        scanned(&[folder.path().to_owned()]).images.into_iter().map(|image| image.row.input).collect();
    assert_eq!(images, ["c", "ghcr.io/a:2", "ghcr.io/a:2", "quay.io/a:2"]);
}

#[test]
fn every_container_of_a_list_is_found_whatever_key_it_begins_with() {
    let text = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: a\n    name: x\n  - name: y\n    image: b\n  initContainers:\n    - image: c\n";
    assert_eq!(found_in("pod.yaml", text), ["5:12 a", "8:12 b", "10:14 c"]);
}

#[test]
fn every_document_of_a_file_is_read() {
    let text = "---\nservices: { a: { image: x } }\n---\n# nothing\n---\napiVersion: v1\nkind: Pod\nspec: { containers: [{ image: y }] }\n...\n";
    assert_eq!(found_in("a.yaml", text), ["2:25 x", "8:31 y"]);
}

#[test]
fn what_is_written_as_nothing_is_no_image() {
    let text = "x-a: &a { image: a }\nservices:\n  one: { image: ~ }\n  two: { image: null, build: . }\n  three:\n    image:\n  four: { <<: *a, image: Null }\n  five: { image: 'null', build: ~ }\n";
    assert_eq!(found_in("compose.yaml", text), ["8:18 null"]);
    let text = "on: push\njobs: { a: { container: null, services: { b: { image: ~ } } } }\n";
    assert!(found_in("w.yaml", text).is_empty());
}

#[test]
fn what_compose_builds_is_not_pulled_whoever_uses_it() {
    let text = "services:
  api: { image: acme/api:dev, build: . }
  same: { image: acme/api:dev }
  child: { image: acme/child:dev, extends: { service: api } }
  grandchild: { image: acme/grandchild:dev, extends: child }
  circle: { image: circle, extends: circle }
  far: { image: far, extends: { file: base.yaml, service: api } }
  local: { image: local, pull_policy: never }
  always: { image: always, pull_policy: always, profiles: [debug] }
  mounted:
    build: .
    volumes: [{ type: image, source: 'model:1', target: /m }, { type: bind, source: a, target: /b }, 'c:/d']
";
    let found = ["6:20 circle", "7:17 far", "9:20 always", "12:38 model:1"];
    assert_eq!(found_in("compose.yaml", text), found);
}

#[test]
fn a_matrix_in_the_file_gives_a_jobs_image_its_names() {
    let text = "on: push
jobs:
  a:
    strategy:
      matrix:
        image: [alpine, 'debian:12']
        os: [{ base: fedora, n: 1 }, { n: 2 }]
        include:
          - image: rocky:9
          - other: x
    container: ${{ matrix.image }}
    services:
      one: ghcr.io/acme/${{matrix.os.base}}:1
      two: { image: '${{ matrix.none }}' }
      three: ${{ matrix.os.base }}/x:${{ matrix.os.n }}
      four: ${{ matrix.image || 'x' }}
";
    let folder = folder(&[("w.yaml", text)]);
    let scan = scanned(&[folder.path().to_owned()]);
    let found: Vec<_> = scan
        .images
        .iter()
        .map(|image| format!("{}:{} {}", image.line, image.column, image.row.input))
        .collect();
    let expected =
        ["6:17 alpine", "6:25 debian:12", "7:22 ghcr.io/acme/fedora:1", "9:20 rocky:9", "15:14 fedora/x:1"];
    assert_eq!(found, expected);
    assert_eq!(scan.skipped.iter().map(|skip| skip.line.unwrap()).collect::<Vec<_>>(), [14, 16]);
}

#[test]
fn a_workflow_pulls_with_a_credential_only_if_it_gives_one() {
    let text = "on: push
jobs:
  a:
    container: node:20
    services:
      given: { image: 'postgres:16', credentials: { username: a, password: b } }
      other: { image: 'quay.io/acme/x', credentials: { username: a, password: b } }
      github: ghcr.io/acme/db
      unknown: quay.io/acme/y
      wrong: registry-1.docker.io/library/redis
    steps:
      - uses: docker://alpine:3
";
    let folder = folder(&[("w.yaml", text)]);
    let scan = scanned(&[folder.path().to_owned()]);
    let found: Vec<_> = scan
        .images
        .iter()
        .map(|image| (image.row.credential.as_deref(), image.anonymous.as_deref(), image.row.hint.is_some()))
        .collect();
    let expected = [
        (None, Some("the job gives no `credentials:` for it"), true),
        (Some("to-docker.io"), None, false),
        (None, None, false),
        (Some("to-ghcr.io"), None, false),
        (None, Some("no credential for quay.io"), false),
        (None, Some("`registry-1.docker.io` is not Docker Hub in an image name"), false),
        (None, Some("the image of an action is pulled before any step can log in"), true),
    ];
    assert_eq!(found, expected);
}

#[test]
fn variables_that_double_each_other_cost_nothing() {
    let doubled = (1..64).map(|n| format!("ARG A{n}=$A{}${{A{}}}\n", n - 1, n - 1));
    let text: String = std::iter::once("ARG A0=ab\n".to_owned()).chain(doubled).collect();
    let text = text + "FROM x:$A2\nFROM x:$A63\nFROM x:" + &"$A9".repeat(10_000) + "\nFROM last\n";
    let found = found_in("Dockerfile", &text);
    assert_eq!((found.len(), found[0].as_str(), found[3].as_str()), (4, "65:6 x:abababab", "68:6 last"));
    assert!(found.iter().all(|image| image.len() < 100_000));
    let open = format!("services:\n  a: {{ image: '{}' }}\n", "${".repeat(100_000));
    assert!(found_in("compose.yaml", &open).is_empty());
}

#[test]
fn a_jobs_key_alone_makes_no_workflow_and_services_alone_no_compose_file() {
    assert!(found_in("a.yaml", "jobs: { a: { container: x } }").is_empty());
    assert!(
        found_in("a.yaml", "services: { _defaults: { autowire: true }, image: { class: X } }").is_empty()
    );
}
