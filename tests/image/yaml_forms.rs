//! Every form of YAML means the same in `regcred.yaml`, in Pulumi's files and in a Compose file: there is one reader.

use std::fs;
use std::path::Path;

use regcred::desired::{Request, places};
use regcred::env::Env;
use regcred::image::Context;
use regcred::image::scan::scan_text;
use regcred::sources::pulumi::Project;

/// One value in its many spellings; `KEY` is the key, `PAD` its column.
const FORMS: [(&str, &str); 14] = [
    ("plain", "KEY: ghcr.io"),
    ("after a tab", "KEY:\tghcr.io"),
    ("in single quotes", "KEY: 'ghcr.io'"),
    ("with an escape", r#"KEY: "ghcr\x2eio""#),
    ("continued at the key's column", "KEY: \"ghcr\\\nPAD.io\""),
    ("with a comment", "KEY: ghcr.io # why"),
    ("on the next line", "KEY:\nPAD  ghcr.io"),
    ("a block without a line end", "KEY: |-\nPAD  ghcr.io"),
    ("a folded block", "KEY: >-\nPAD  ghcr.io\n\n"),
    ("with an anchor", "KEY: &name ghcr.io"),
    ("with a type", "KEY: !!str ghcr.io"),
    ("an explicit key", "? KEY\nPAD: ghcr.io"),
    ("a quoted key", "\"KEY\": ghcr.io"),
    ("by a merge key", "<<: { KEY: ghcr.io }"),
];

/// A kind of file: its beginning, the key and its column, a list that closes at its key's column, and what is read there.
struct Kind {
    head: &'static str,
    key: &'static str,
    pad: usize,
    list: &'static str,
    read: fn(&str) -> Result<String, String>,
}

const KINDS: [Kind; 3] = [
    Kind {
        head: "credentials:\n  hub:\n",
        key: "registry",
        pad: 4,
        list: "    to: { github: [\n    { repository: acme/a }\n    ] }\n",
        read: registry_of_regcred_yaml,
    },
    Kind {
        head: "config:\n",
        key: "aws:region",
        pad: 2,
        list: "  infra:list: [\n  a,\n  b\n  ]\n",
        read: region_of_pulumi,
    },
    Kind {
        head: "services:\n  web:\n",
        key: "image",
        pad: 4,
        list: "    command: [\n    a,\n    b\n    ]\n",
        read: image_of_compose,
    },
];

fn said(errors: &[impl ToString]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn registry_of_regcred_yaml(text: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("regcred.yaml"), text).unwrap();
    let env: Env = [("HOME", "/nowhere")].into_iter().collect();
    let desired = places(&Request::default(), &env, folder.path()).map_err(|problems| said(&problems))?;
    Ok(desired.credentials.iter().map(|credential| credential.registry.to_string()).collect())
}

fn region_of_pulumi(text: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Pulumi.yaml"), "name: infra\n").unwrap();
    fs::write(folder.path().join("Pulumi.dev.yaml"), text).unwrap();
    let stack = Project::open(folder.path()).and_then(|project| project.stack("dev"));
    let region = stack.map_err(|error| said(&[error]))?.plain("aws:region");
    region.map(Option::unwrap_or_default).map_err(|error| said(&[error]))
}

fn image_of_compose(text: &str) -> Result<String, String> {
    let scan = scan_text(Path::new("compose.yaml"), text, &Context::default());
    let skipped: Vec<_> = scan.skipped.into_iter().map(|skipped| skipped.reason).collect();
    if skipped.is_empty() {
        Ok(scan.images.into_iter().map(|image| image.row.input).collect())
    } else {
        Err(said(&skipped))
    }
}

#[test]
fn a_value_is_the_same_in_every_form_and_in_every_kind_of_file() {
    for Kind { head, key, pad, list, read } in KINDS {
        for (name, form) in FORMS {
            let form = form.replace("PAD", &" ".repeat(pad)).replace("KEY", key);
            let text = format!("{head}{list}{}{form}", " ".repeat(pad));
            for text in [
                text.clone(),
                format!("\u{feff}{text}"),
                format!("# first\n---\n{text}\n...\n"),
                text.replace('\n', "\r\n"),
            ] {
                assert_eq!(read(&text).as_deref(), Ok("ghcr.io"), "{name}: {text:?}");
            }
        }
    }
}

#[test]
fn a_key_that_is_there_twice_is_told_in_every_kind_of_file() {
    for Kind { head, key, pad, list, read } in KINDS {
        let pad = " ".repeat(pad);
        let error = read(&format!("{head}{list}{pad}{key}: a\n{pad}{key}: b\n")).unwrap_err();
        assert!(error.contains(&format!("the key `{key}` is here a second time")), "{error}");
    }
}

#[test]
fn a_number_that_pulumi_reads_by_its_own_rules_is_no_matter_elsewhere() {
    let [regcred, pulumi, compose] = KINDS;
    for odd in ["0777", "1e3", "2020-01-02", "0x1F", "1_000"] {
        let text = format!("{}{}    image: {odd}\n", compose.head, compose.list);
        assert_eq!((compose.read)(&text).as_deref(), Ok(odd));
        let quoted = format!("config:\n  other: {odd}\n  aws:region: '{odd}'\n");
        assert_eq!((pulumi.read)(&quoted).as_deref(), Ok(odd), "a foreign key may be one");
        let error = (pulumi.read)(&format!("config:\n  aws:region: {odd}\n")).unwrap_err();
        assert!(error.contains("`aws:region` is a number or a date without quotes"), "{error}");
        let error = (regcred.read)(&format!("version: {odd}\n{}{}", regcred.head, regcred.list)).unwrap_err();
        assert!(error.contains(&format!("version {odd} is not known")), "{error}");
    }
}
