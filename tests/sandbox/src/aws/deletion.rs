//! Secrets Manager: scheduled deletion and the way back.

use chrono::Duration;
use serde::Deserialize;

use super::error::AwsError;
use super::secrets_manager::{Use, find, reference};
use super::{Outcome, Visit, seconds};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Delete {
    recovery_window_in_days: Option<i64>,
    force_delete_without_recovery: Option<bool>,
}

pub(crate) fn delete(visit: &mut Visit<'_>) -> Outcome {
    let delete: Delete = visit.input()?;
    let now = visit.now;
    let force = delete.force_delete_without_recovery == Some(true);
    check_window(delete.recovery_window_in_days, force)?;
    let secret = find(visit, if force { Use::Look } else { Use::Read })?;
    let arn = secret.arn.clone();
    if !secret.replicas.is_empty() {
        return Err(AwsError::invalid_request("You can't delete secret that still has replica regions."));
    }
    let date = if force { now } else { now + Duration::days(delete.recovery_window_in_days.unwrap_or(30)) };
    secret.deleted = Some(date);
    let mut output = reference(secret);
    output["DeletionDate"] = seconds(date).into();
    if force {
        visit.world.aws.secrets.retain(|secret| secret.arn != arn);
    }
    Ok(output)
}

fn check_window(days: Option<i64>, force: bool) -> Result<(), AwsError> {
    match days {
        Some(_) if force => Err(AwsError::invalid_parameter(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        )),
        Some(days) if !(7..=30).contains(&days) => Err(AwsError::invalid_parameter(
            "RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
        )),
        _ => Ok(()),
    }
}

pub(crate) fn restore(visit: &mut Visit<'_>) -> Outcome {
    let visible_after = visit.world.aws.secret_visible_after;
    let secret = find(visit, Use::Look)?;
    if secret.deleted.take().is_some() {
        secret.unseen_by_ecr = visible_after;
    }
    Ok(reference(secret))
}
