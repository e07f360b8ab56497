//! A program that crashes leaves its memory in a file: ours holds secrets.

/// Has this process leave no core dump and, on Linux, no other user's process look into its memory. Programs that it starts
/// inherit the limit of 0, which they may raise: they hold secrets, too.
pub fn forbid_core_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Core);
        // A limit may always be lowered.
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), ..limit });
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // The limit does not count where dumps are handed to a program (`core_pattern` with a `|`).
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
