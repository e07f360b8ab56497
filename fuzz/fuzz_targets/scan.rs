//! Any file can be scanned: without a panic, without end, and with every image on a line that the file has.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use regcred_fuzz::image::Context;
use regcred_fuzz::image::scan::scan_text;

fuzz_target!(|input: (bool, &str)| {
    let (yaml, text) = input;
    let file = Path::new(if yaml { "a.yaml" } else { "Dockerfile" });
    let scan = scan_text(file, text, &Context::default());
    for image in &scan.images {
        assert!(image.line >= 1 && image.line <= text.split(['\n', '\r']).count(), "{image:?}");
        assert!(image.column >= 1);
    }
});
