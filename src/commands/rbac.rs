//! `regcred rbac`: the smallest Kubernetes roles that suffice. Needs no network.

use super::session::Context;
use crate::cli::RbacArgs;
use crate::desired;
use crate::error::Error;
use crate::report::ExitStatus;
use crate::targets::kubernetes::{contexts, roles};

pub(super) fn run(args: &RbacArgs, context: &Context<'_>) -> Result<ExitStatus, Error> {
    let desired = desired::places(&context.request()?, context.env, context.dir).map_err(Error::Invalid)?;
    let declared: Vec<&str> = contexts(&desired.places.kubernetes).into_iter().collect();
    let chosen = match (args.context.as_deref(), declared.as_slice()) {
        (_, []) => {
            if desired.credentials.is_empty() {
                // The same words as of every other command.
                context.load()?;
            }
            let hint =
                "declare one, below `to:`: kubernetes: [{ context: NAME, namespaces: [NAME] }]".to_owned();
            return Err(Error::invalid("no cluster is declared", Some(hint)));
        }
        (None, [only]) => only,
        (Some(name), declared) if declared.contains(&name) => name,
        (None, several) => {
            let hint = format!("declared: {}; such as: regcred rbac {}", several.join(", "), several[0]);
            return Err(Error::invalid("several clusters are declared: name the context of one", Some(hint)));
        }
        (Some(name), declared) => {
            let hint = format!("declared: {}", declared.join(", "));
            return Err(Error::invalid(format!("the context `{name}` is not declared"), Some(hint)));
        }
    };
    context.ui.data(&roles(&desired.places.kubernetes, chosen, args.allow_replace))?;
    Ok(ExitStatus::Done)
}
