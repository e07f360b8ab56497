//! The command line: clap types only. No flag ever takes a secret value.

mod help;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::model::Shard;
use crate::model::shard::Part;

/// Puts one registry credential, once and provably, everywhere it is pulled with.
#[derive(Debug, Parser)]
#[command(name = "regcred", version = env!("REGCRED_VERSION"), after_long_help = help::REGCRED, after_help = MORE)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What every command takes.
    #[command(flatten)]
    pub common: Common,
}

const MORE: &str = "Start with: regcred init. Examples, environment, exit codes: regcred --help";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what sync would do; write nothing
    #[command(after_long_help = help::PLAN)]
    Plan(PlanArgs),
    /// Prove the credential, write the differences, prove the places
    #[command(after_long_help = help::SYNC)]
    Sync(SyncArgs),
    /// Put a new token everywhere, and the old one out of use once nothing needs it
    #[command(after_long_help = help::ROTATE)]
    Rotate(RotateArgs),
    /// Delete what regcred made; what was there before stays. AWS keeps the secret for 30 days
    #[command(after_long_help = help::REMOVE)]
    Remove(RemoveArgs),
    /// Prove the credential and every place; write nothing. Differences end with 2
    #[command(after_long_help = help::VERIFY)]
    Verify(VerifyArgs),
    /// Say what image names mean: which credential pulls them, and what to write to pull through each
    /// stack's cache. Needs no network
    #[command(after_long_help = help::IMAGE)]
    Image(ImageArgs),
    /// Write a first regcred.yaml: asks at a terminal, else by flags, else what is found here. Needs no
    /// network, writes no secret
    #[command(after_long_help = help::INIT)]
    Init(InitArgs),
    /// Merge what shards or runs printed with --json into one report. Needs no network
    #[command(after_long_help = help::REPORT)]
    Report(ReportArgs),
    /// Print the smallest Kubernetes roles that suffice for what is declared. Needs no network
    #[command(after_long_help = help::RBAC)]
    Rbac(RbacArgs),
    /// Print what a login needs in each system: policies, permissions, scopes. Needs no network
    #[command(after_long_help = help::PERMISSIONS)]
    Permissions(PermissionsArgs),
    /// Print the JSON Schema of regcred.yaml, for editors
    #[command(after_long_help = help::SCHEMA)]
    Schema,
    /// Print completions for a shell
    #[command(after_long_help = help::COMPLETIONS)]
    Completions(CompletionsArgs),
    /// Write the manual pages into a folder
    #[command(after_long_help = help::MAN)]
    Man(ManArgs),
    /// Print the version, as --version does
    #[command(hide = true)]
    Version,
}

/// What every command takes.
#[derive(Debug, Args)]
pub struct Common {
    /// Work as if started in this folder
    #[arg(short = 'C', global = true, value_name = "DIR", help_heading = "What to work on")]
    pub chdir: Option<PathBuf>,
    /// The configuration; without it REGCRED_FILE, else regcred.yaml here or in a folder above, up to git's or the home
    /// folder, else what is found here
    #[arg(short, long, global = true, value_name = "FILE", help_heading = "What to work on")]
    pub file: Option<PathBuf>,
    /// Only what belongs to these stacks: their AWS account and region. What is missing is made; a
    /// shared value is never changed
    #[arg(
        long,
        global = true,
        value_name = "STACK",
        value_delimiter = ',',
        value_parser = NonEmptyStringValueParser::new(),
        help_heading = "What to work on"
    )]
    pub stack: Vec<String>,
    /// Only addresses that start with this, such as aws: or github:acme/api
    #[arg(
        long,
        global = true,
        value_name = "ADDRESS-PREFIX",
        value_delimiter = ',',
        value_parser = NonEmptyStringValueParser::new(),
        help_heading = "What to work on"
    )]
    pub only: Vec<String>,
    /// Only this credential
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        value_parser = NonEmptyStringValueParser::new(),
        help_heading = "What to work on"
    )]
    pub credential: Option<String>,
    /// Machine-readable output on stdout; asks nothing
    #[arg(long, global = true, help_heading = "Output")]
    pub json: bool,
    /// Say nothing but data and errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
    /// Also show what stays as it is; twice: requests, three times: everything but secrets
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Output")]
    pub verbose: u8,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub color: Color,
    /// Ask nothing, even on a terminal
    #[arg(long, global = true, help_heading = "Output")]
    pub no_input: bool,
    /// Requests at once, per system
    #[arg(long, global = true, value_name = "N", default_value = "16", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub concurrency: u16,
}

impl Common {
    /// The flags that say what a run is about, with their values.
    #[must_use]
    pub fn selection(&self) -> Vec<(&'static str, Option<String>)> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let list = |items: &[String]| (!items.is_empty()).then(|| items.join(","));
        let all = [
            ("-C", path(&self.chdir)),
            ("--file", path(&self.file)),
            ("--stack", list(&self.stack)),
            ("--only", list(&self.only)),
            ("--credential", self.credential.clone()),
        ];
        all.into_iter().filter(|(_, value)| value.is_some()).collect()
    }
}

impl Cli {
    /// Whether the command is about what is declared, so that it could be about a part of it.
    #[must_use]
    pub fn plans(&self) -> bool {
        use Command::{Plan, Remove, Rotate, Sync, Verify};
        matches!(self.command, Plan(_) | Sync(_) | Remove(_) | Verify(_) | Rotate(_))
    }

    /// The part that a flag names.
    #[must_use]
    pub fn part(&self) -> Option<Part> {
        match &self.command {
            Command::Plan(args) => args.sharded.shard,
            Command::Sync(args) => args.sharded.shard,
            Command::Remove(args) => args.sharded.shard,
            Command::Verify(args) => args.sharded.shard,
            Command::Rotate(args) => args.shard,
            _ => None,
        }
    }

    /// The flags that the next command keeps of this one, which is about this part.
    #[must_use]
    pub fn kept(&self, shard: Option<Shard>) -> Vec<(&'static str, Option<String>)> {
        let overrides = match &self.command {
            Command::Plan(args) => args.overrides,
            Command::Sync(args) => args.overrides,
            Command::Remove(RemoveArgs { allow_delete, .. })
            | Command::Rotate(RotateArgs { allow_delete, .. }) => {
                Overrides { allow_delete: *allow_delete, ..Overrides::default() }
            }
            _ => Overrides::default(),
        };
        let Overrides { rewrite, allow_delete, allow_replace } = overrides;
        let allowed =
            [("--rewrite", rewrite), ("--allow-delete", allow_delete), ("--allow-replace", allow_replace)];
        let allowed = allowed.into_iter().filter(|(_, given)| *given).map(|(flag, _)| (flag, None));
        let rotation = if let Command::Rotate(args) = &self.command { args.asked() } else { Vec::new() };
        let shard = shard.map(|shard| ("--shard", Some(shard.to_string())));
        self.common.selection().into_iter().chain(shard).chain(allowed).chain(rotation).collect()
    }
}

/// What is planned of what is declared.
#[derive(Clone, Copy, Debug, Args)]
pub struct Sharded {
    /// Only part I of N, split by what is declared; auto/N is that of an indexed Job. Also `REGCRED_SHARD`
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Part>,
}

/// `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The part that it is about.
    #[command(flatten)]
    pub sharded: Sharded,
    /// End with 2 if there are differences
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Markdown with a diagram, for a pull request or a step summary; =FILE writes it there, with the usual output
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    pub markdown: Option<PathBuf>,
    /// Write a page to FILE that shows every place with its state, for a browser
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Trust nothing in the repository: start no program, and contact nothing but what everybody knows. For pull requests
    #[arg(long)]
    pub untrusted: bool,
    /// The configuration of the base branch: roles, profiles and key services that are equal in it are trusted
    #[arg(long, value_name = "FILE", requires = "untrusted")]
    pub trusted: Option<PathBuf>,
    /// What the sync that it plans may do besides making and changing.
    #[command(flatten)]
    pub overrides: Overrides,
}

/// `sync`.
#[derive(Debug, Args)]
pub struct SyncArgs {
    /// The part that it is about.
    #[command(flatten)]
    pub sharded: Sharded,
    /// What makes the changes without asking.
    #[command(flatten)]
    pub approval: Approval,
    /// Wait this long for a Daytona that is still starting, such as 30s or 2m
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub wait: Option<Duration>,
    /// What it may do besides making and changing.
    #[command(flatten)]
    pub overrides: Overrides,
}

/// `remove`.
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// The part that it is about.
    #[command(flatten)]
    pub sharded: Sharded,
    /// What makes the changes without asking.
    #[command(flatten)]
    pub approval: Approval,
    /// Delete what is declared though regcred did not make it
    #[arg(long)]
    pub allow_delete: bool,
}

/// `rotate`.
#[derive(Debug, Args)]
pub struct RotateArgs {
    /// Where the new token is read: stdin, env, pulumi, docker-config, file=PATH, command=PROGRAM, aws-secret=NAME; or
    /// previous, the one that AWS had before. Without --from and --mint, what the source gives now
    #[arg(long, value_name = "SOURCE", conflicts_with = "mint", value_parser = NonEmptyStringValueParser::new())]
    pub from: Option<String>,
    /// Make the new token at Docker Hub, with an account's password (`mint:` in the file, or asked for)
    #[arg(long)]
    pub mint: bool,
    /// What makes the changes without asking.
    #[command(flatten)]
    pub approval: Approval,
    /// Wait this long for whatever still uses the old token, such as 30m
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub drain: Option<Duration>,
    /// The old token at Docker Hub, by label or id; needed if regcred did not make it
    #[arg(long, value_name = "LABEL|UUID", value_parser = NonEmptyStringValueParser::new())]
    pub old: Vec<String>,
    /// Delete tokens that have been out of use this long, such as 30d
    #[arg(long, value_name = "DURATION", value_parser = crate::desired::rotation::days)]
    pub delete_after: Option<u16>,
    /// Leave the old token on
    #[arg(long)]
    pub keep_old: bool,
    /// Switch the old token off though nobody can know what some places hold
    #[arg(long)]
    pub accept_unknown: bool,
    /// Delete what is in the way, and switch off what --old names, though regcred did not make it
    #[arg(long)]
    pub allow_delete: bool,
    /// Is refused: a rotation has no parts
    #[arg(long, value_name = "I/N", hide = true)]
    pub shard: Option<Part>,
}

impl RotateArgs {
    /// The flags that no other command has, with their values.
    fn asked(&self) -> Vec<(&'static str, Option<String>)> {
        let values = [
            ("--from", self.from.clone()),
            ("--drain", self.drain.map(written)),
            ("--delete-after", self.delete_after.map(|days| format!("{days}d"))),
        ];
        let values = values.into_iter().filter(|(_, value)| value.is_some());
        let old = self.old.iter().map(|old| ("--old", Some(old.clone())));
        let given =
            [("--mint", self.mint), ("--keep-old", self.keep_old), ("--accept-unknown", self.accept_unknown)];
        let given = given.into_iter().filter(|(_, given)| *given).map(|(flag, _)| (flag, None));
        values.chain(old).chain(given).collect()
    }
}

/// What was approved beforehand.
#[derive(Debug, Args)]
pub struct Approval {
    /// Make the changes without asking
    #[arg(long)]
    pub yes: bool,
    /// Make the changes without asking, if the plan has this digest (12 digits or more)
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    pub expect: Option<String>,
}

/// What a run does only when it is asked to, on that run.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Overrides {
    /// Write again what cannot be read back, even if the record says that it is in place
    #[arg(long)]
    pub rewrite: bool,
    /// Delete what is in the way though regcred did not make it
    #[arg(long)]
    pub allow_delete: bool,
    /// Delete and make again what cannot be changed in place
    #[arg(long)]
    pub allow_replace: bool,
}

/// `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The part that it is about.
    #[command(flatten)]
    pub sharded: Sharded,
    /// End with 2 if a value has been in use for longer, such as 90d; instead of each `max-age:` in the file
    #[arg(long, value_name = "DURATION", value_parser = crate::desired::rotation::days)]
    pub max_age: Option<u16>,
    /// Say with whose login each declared place pulls this image
    #[arg(long, value_name = "REF")]
    pub image: Vec<String>,
    /// Write a page to FILE that shows every place with its state, for a browser
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// `image`.
#[derive(Debug, Args)]
pub struct ImageArgs {
    /// Image names; - reads them from standard input, one a line
    #[arg(value_name = "REF", required_unless_present = "scan")]
    pub references: Vec<String>,
    /// Find the images in Dockerfiles, Compose files, Kubernetes manifests and GitHub workflows
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with = "references")]
    pub scan: Vec<PathBuf>,
    /// Give Compose files the variables of this file, instead of the .env beside them
    #[arg(long, value_name = "FILE", conflicts_with = "references")]
    pub env_file: Vec<PathBuf>,
    /// End with 2 if an image is pulled anonymously, or if it is unknown what is pulled
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub fail_on: Vec<FailOn>,
    /// How to print what a scan has found
    #[arg(long, value_name = "FORMAT", conflicts_with = "references")]
    pub format: Option<Format>,
}

/// What `image` may end with 2 for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// An image that is pulled without a credential.
    Anonymous,
    /// Something that could not be read, or a name that depends on what is not in the file.
    Unknown,
}

/// How a scan is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One object a line.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations, for the log of a GitHub workflow.
    Github,
}

/// `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Where the credential goes: aws[=REGION], daytona, github[=OWNER/REPO], kubernetes[=CONTEXT],
    /// runpod. What is left out is what is found here
    #[arg(long, value_name = "TARGETS", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new())]
    pub to: Vec<String>,
    /// Where its value is read: env, pulumi, stdin, docker-config, file=PATH, command=PROGRAM or
    /// aws-secret=NAME. Left out: where it is found, else in the environment or in Pulumi
    #[arg(long, value_name = "SOURCE", value_parser = NonEmptyStringValueParser::new())]
    pub from: Option<String>,
    /// The registry that the credential is for. Left out: docker.io
    #[arg(long, value_name = "HOST", value_parser = NonEmptyStringValueParser::new())]
    pub registry: Option<String>,
}

/// `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// What plan, sync, verify or remove printed with --json, several of them in a file or in files; - reads standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Markdown, for a step summary; =FILE writes it there, with the usual output
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    pub markdown: Option<PathBuf>,
    /// Write a page to FILE that shows every place with its state, for a browser
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// `rbac`.
#[derive(Debug, Args)]
pub struct RbacArgs {
    /// The context of the cluster; may be left out if only one is declared
    pub context: Option<String>,
    /// Also what `sync --allow-replace` and `remove` need
    #[arg(long)]
    pub allow_replace: bool,
}

/// `permissions`.
#[derive(Debug, Args)]
pub struct PermissionsArgs {
    /// The systems; without any those that are declared here, else all
    #[arg(value_name = "SYSTEM", value_parser = clap::builder::PossibleValuesParser::new(crate::systems::NAMES))]
    pub systems: Vec<String>,
}

/// `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The folder, made if it is not there
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl From<Color> for anstream::ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

/// At least 12 of the 64 hexadecimal digits.
fn digest(text: &str) -> Result<String, String> {
    let digits = text.chars().all(|c| c.is_ascii_hexdigit());
    if digits && (12..=64).contains(&text.len()) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("a digest is 12 to 64 hexadecimal digits, as the plan prints it".to_owned())
    }
}

/// A duration as somebody writes it.
fn written(duration: Duration) -> String {
    match duration.as_millis() {
        minutes if minutes.is_multiple_of(60_000) => format!("{}m", minutes / 60_000),
        seconds if seconds.is_multiple_of(1000) => format!("{}s", seconds / 1000),
        milliseconds => format!("{milliseconds}ms"),
    }
}

/// A number and `ms`, `s`, `m` or `h`; up to a day.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let milliseconds: u64 = match &text[digits.len()..] {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    let count = digits.parse::<u64>().unwrap_or(0);
    let duration = count.checked_mul(milliseconds).map(Duration::from_millis);
    duration
        .filter(|duration| !duration.is_zero() && *duration <= Duration::from_secs(86_400))
        .ok_or_else(|| "a duration is a number with ms, s, m or h, such as 30s or 2m, up to 24h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_says_its_unit() {
        let milliseconds = |text| duration(text).map(|it| it.as_millis()).ok();
        for (text, expected) in [("500ms", 500), ("30s", 30_000), ("2m", 120_000), ("24h", 86_400_000)] {
            assert_eq!(milliseconds(text), Some(expected), "{text}");
            let again = duration(text).map(written).unwrap_or_default();
            assert_eq!(duration(&again), duration(text), "{text}");
        }
        for text in ["", "30", "s", "0s", "-1s", "1.5m", "25h", "2d", "99999999999999999999s", "1h30m", "3é"]
        {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }
}
