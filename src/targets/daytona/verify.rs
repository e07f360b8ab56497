//! Proving a row that was made: Daytona checks neither that it is the only one for its registry nor that an image's name
//! can match it, so the list is read once more.

use super::{Client, Desired, Operation, Row, stored};
use crate::change::{Action, Finding, Read};
use crate::model::Problem;
use crate::targets::Proof;

const MEANS: &str = "by Daytona";

/// Looks at the rows that were made.
pub async fn verify(
    proof: &Proof<'_, Operation>,
    client: &Read<Client>,
    desired: &[Desired],
) -> Vec<Finding> {
    let made = |place: &&Desired| {
        let address = place.address();
        proof.rows.iter().any(|row| *row.address == address && row.action == Action::Create)
    };
    let made: Vec<&Desired> = desired.iter().filter(made).collect();
    let (Ok(client), false) = (client, made.is_empty()) else { return Vec::new() };
    let listed = client.list().await.map_err(Problem::from);
    let judged = |place: &&Desired| match &listed {
        Ok(list) => Finding::proof(place.address(), MEANS, judge(place, &list.rows)),
        Err(unread) => Finding::unread(place.address(), MEANS, unread.clone()),
    };
    made.iter().map(judged).collect()
}

fn judge(place: &Desired, listed: &[Row]) -> Result<(), Problem> {
    let registry = &place.registry;
    let matched: Vec<&Row> = listed.iter().filter(|row| stored::matches(&row.url, registry)).collect();
    let fault = |cause: String, hints: &[&str]| {
        Err(Problem::outside(cause).hints(hints.iter().map(|hint| (*hint).to_owned())))
    };
    match matched.as_slice() {
        [row] if place.names(&row.name) => Ok(()),
        [] => fault(
            format!("Daytona has no row that images of {registry} match"),
            &["regcred sync", "if it stays, Daytona stores urls in another form: see docs/unconfirmed.md"],
        ),
        rows => fault(
            format!("{} rows are for {registry}, and Daytona uses whichever comes first", rows.len()),
            &["regcred sync --allow-delete"],
        ),
    }
}
