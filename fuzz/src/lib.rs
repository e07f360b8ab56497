//! What the fuzzers look for.

pub mod targets;

use regcred::image::Context;
use regcred::image::scan::scan_text;
use regcred::model::{Reference, Registry};
