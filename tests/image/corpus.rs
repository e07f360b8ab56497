//! How much of a fixed set of files is found: recall and precision over `corpus`, whose rows `corpus.expected` has as somebody
//! reading the files with each tool's documentation would write them down. `?` is a name that is only known when the file is
//! used; what is not read counts as missed.

use std::collections::BTreeSet;
use std::path::Path;

use regcred::env::Env;
use regcred::image::scan::{Request, Scan, scan};

use crate::context;

fn found(root: &Path, scan: &Scan) -> BTreeSet<String> {
    let file = |file: &Path| file.strip_prefix(root).unwrap().display().to_string();
    let images =
        scan.images.iter().map(|image| format!("{}:{} {}", file(&image.file), image.line, image.row.input));
    let skipped =
        scan.skipped.iter().filter_map(|skip| Some(format!("{}:{} ?", file(&skip.file), skip.line?)));
    images.chain(skipped).collect()
}

#[test]
#[allow(clippy::print_stdout, reason = "the numbers are what the documentation tells")]
fn of_a_fixed_set_of_files_nearly_every_image_is_found_and_nothing_else() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/image/corpus");
    let request = Request { paths: vec![root.clone()], ..Request::default() };
    let scan = scan(&request, &Env::default(), &context()).unwrap();
    let expected: BTreeSet<String> = include_str!("corpus.expected").lines().map(str::to_owned).collect();
    let found = found(&root, &scan);
    let right = found.intersection(&expected).count();
    println!("recall: {right} of {} rows; precision: {right} of {}", expected.len(), found.len());
    let told = format!("{right} of {} images and open names are found", expected.len());
    assert!(include_str!("../../docs/images-and-caches.md").contains(&told), "the page is to say: {told}");
    let missed: BTreeSet<&str> = expected.difference(&found).map(String::as_str).collect();
    let wrong: Vec<&String> = found.difference(&expected).collect();
    assert!(missed.is_empty(), "{missed:#?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(scan.invalid().count(), 0, "a template is no name that is wrong");
}
