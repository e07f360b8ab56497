//! Why a run ended before it could do anything: one variant per phase, each with its exit code and
//! what to do about it.

use std::fmt;

use crate::model::{CredentialId, Problem};
use crate::registry::LoginError;
use crate::report::ExitStatus;

/// Why a run ended early. But for [`Error::Unreported`] and [`Error::Begun`], nothing has been written then.
#[derive(Debug)]
pub enum Error {
    /// Usage or configuration: everything that is wrong with it.
    Invalid(Vec<Problem>),
    /// A credential's source did not give its value: a program or a service failed.
    Source(Vec<Problem>),
    /// The registry did not accept a credential, or could not be asked.
    Proof(Vec<(CredentialId, LoginError)>),
    /// Today's plan is not the expected one.
    Unexpected {
        /// The digest that was given.
        expected: String,
        /// Today's.
        digest: String,
        /// The command that was given it.
        command: &'static str,
    },
    /// There is something to do, and nobody to ask.
    NoConsent {
        /// Today's digest.
        digest: String,
        /// The command that asks.
        command: &'static str,
    },
    /// Whoever was asked said no.
    Declined,
    /// The output could not be printed.
    Output(std::io::Error),
    /// A rotation has made a token, or may have, and ended before it was put anywhere.
    Begun(Vec<Problem>),
    /// The same after something was written: the report could not be printed.
    Unreported(std::io::Error),
}

impl Error {
    /// One problem with usage or configuration.
    #[must_use]
    pub fn invalid(message: impl Into<String>, hint: Option<String>) -> Self {
        Self::Invalid(vec![Problem::input(message).hints(hint)])
    }

    /// The same, after something was written where `wrote` holds.
    #[must_use]
    pub fn after(self, wrote: bool) -> Self {
        match self {
            Self::Output(error) if wrote => Self::Unreported(error),
            error => error,
        }
    }

    /// The exit code.
    #[must_use]
    pub fn status(&self) -> ExitStatus {
        match self {
            Self::Invalid(_) | Self::Unexpected { .. } | Self::NoConsent { .. } => ExitStatus::Invalid,
            Self::Unreported(_) | Self::Begun(_) => ExitStatus::Partial,
            Self::Proof(failed) if failed.iter().any(|(_, error)| error.is_refusal()) => ExitStatus::Refused,
            Self::Source(_) | Self::Declined | Self::Proof(_) | Self::Output(_) => ExitStatus::Failed,
        }
    }

    /// What went wrong, each with its place and hint.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let one = |message: String, hint: Option<String>| vec![Problem::input(message).hints(hint)];
        match self {
            Self::Invalid(problems) | Self::Source(problems) | Self::Begun(problems) => problems.clone(),
            Self::Proof(failed) => failed.iter().map(refused).collect(),
            Self::Unexpected { expected, digest, command } => one(
                format!("today's plan has the digest {}, not {expected}", &digest[..12]),
                Some(format!("review it above, then: regcred {command} --expect {}", &digest[..12])),
            ),
            Self::NoConsent { digest, command } => {
                let problem = Problem::input("there are changes to make, and no terminal to ask on");
                let reviewed = format!("after a review: regcred {command} --expect {}", &digest[..12]);
                vec![problem.hint(reviewed).hint(format!("without a review: regcred {command} --yes"))]
            }
            Self::Declined => one("declined: nothing was written".to_owned(), None),
            Self::Output(error) => one(format!("cannot print: {error}; nothing was written"), None),
            Self::Unreported(error) => one(
                format!("places were written, and what came of it cannot be printed: {error}"),
                Some("regcred plan".to_owned()),
            ),
        }
    }
}

fn refused((id, error): &(CredentialId, LoginError)) -> Problem {
    Problem::input(format!("{id} is not proven: {}; nothing was written", chain(error))).hints(error.hint())
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.problems().iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}
