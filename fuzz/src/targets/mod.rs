//! What holds for any text; the fuzzers and an ordinary test over `fuzz/seeds` call the same functions.

mod answers;
mod files;
mod names;
mod programs;
mod records;
mod server;

pub use answers::{answers, challenge};
pub use files::{ciphertext, configuration, docker_config, dotenv, kubeconfig, pulumi, secret_file};
pub use names::{reference, registry, scan};
pub use programs::{aws_profile, program};
pub use records::{policy, record};

use regcred::model::Problem;

type Target = (&'static str, fn(&str), usize);

/// Every target with the name of its seeds and of its fuzzer, and how much of a seed is cut off at a time in an ordinary
/// test.
pub const ALL: &[Target] = &[
    ("reference", reference, 1),
    ("registry", registry, 1),
    ("scan", scan, 1),
    ("configuration", configuration, 7),
    ("pulumi", pulumi, 7),
    ("ciphertext", ciphertext, 1),
    ("docker_config", docker_config, 5),
    ("kubeconfig", kubeconfig, 5),
    ("dotenv", dotenv, 1),
    ("secret_file", secret_file, 29),
    ("record", record, 1),
    ("policy", policy, 1),
    ("challenge", challenge, 11),
    ("answers", answers, 331),
    ("aws_profile", aws_profile, 11),
    ("program", program, 29),
];

/// What is told of something that is wrong acts on nothing, however it is shown.
fn is_calm(problem: &Problem) {
    for words in problem.hints.iter().chain(&problem.causes).chain([&problem.message, &problem.to_string()]) {
        assert!(!words.chars().any(char::is_control), "{words:?}");
    }
}
