//! Writing Daytona's registry list. Every operation may be repeated.

use std::cell::Cell;

use super::client::Wanted;
use super::{Client, Operation, Row, stored};
use crate::change::{Inputs, Receipt};
use crate::model::Problem;
use crate::net::{Policy, TryError};

/// What writes to Daytona.
pub struct Writer<'a> {
    client: &'a Client,
}

impl<'a> Writer<'a> {
    /// A writer that uses this client.
    #[must_use]
    pub fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Executes one operation.
    ///
    /// # Errors
    /// If Daytona refuses a request, or no usable answer comes.
    pub async fn write(&self, operation: &Operation, inputs: &Inputs<'_>) -> Result<Receipt, Problem> {
        let row = match operation {
            Operation::PutRow { id, name, url, credential } => {
                let wanted = Wanted { name, url, login: inputs.login(credential)? };
                match id {
                    Some(id) => self.change(id, &wanted).await?,
                    None => self.make(&wanted).await?,
                }
            }
            Operation::DeleteRow { id, behind } => {
                self.delete(id, behind.as_deref()).await?;
                return Ok(Receipt::default());
            }
        };
        Ok(Receipt([("id", row.id)].into()))
    }

    /// Changes a row. The answer is the row, and proves the change as far as a row can be read.
    async fn change(&self, id: &str, wanted: &Wanted<'_>) -> Result<Row, Problem> {
        let row = self.client.update(id, wanted).await?;
        let differs = if row.id == id { wanted.differs(&row) } else { Some("id") };
        differs.map_or(Ok(row), |what| {
            let words = format!("Daytona answered the change as done, with another {what} than was sent");
            Err(Problem::outside(words).hint("regcred sync").written(true))
        })
    }

    /// Deletes a row, if the one that takes its place is in the list at this moment.
    async fn delete(&self, id: &str, behind: Option<&str>) -> Result<(), Problem> {
        if let Some(name) = behind {
            let rows = self.client.list().await?.rows;
            let Some(gone) = rows.iter().find(|row| row.id == id) else { return Ok(()) };
            let meant = stored::meant(&gone.url);
            let stays = |row: &Row| row.id != id && row.name == name && stored::meant(&row.url) == meant;
            if !rows.iter().any(stays) {
                let words =
                    format!("the list has no row `{name}` that would take its place, so it was not deleted");
                return Err(Problem::outside(words).hint("regcred sync"));
            }
        }
        Ok(self.client.delete(id).await?)
    }

    /// Makes a row. Where it may have been made although no good answer came, the list is looked at first.
    async fn make(&self, wanted: &Wanted<'_>) -> Result<Row, Problem> {
        let ambiguous = Cell::new(false);
        let send = async || {
            let answer = self.client.create(wanted).await;
            if let Err(TryError::Fault(_)) = answer {
                ambiguous.set(true);
            }
            answer.map_err(|trouble| trouble.map(Problem::from))
        };
        let look = async || self.take_over(wanted).await;
        Policy::STANDARD.make(send, look).await.map_err(|problem| problem.written(ambiguous.get()))
    }

    /// Writes the row that a request without an answer made, if there is one.
    async fn take_over(&self, wanted: &Wanted<'_>) -> Result<Option<Row>, Problem> {
        let rows = self.client.list().await.map_err(|error| Problem::from(error).written(true))?.rows;
        let meant = stored::meant(wanted.url);
        let made = rows.iter().find(|row| row.name == wanted.name && stored::meant(&row.url) == meant);
        match made {
            Some(row) => self.change(&row.id, wanted).await.map(Some),
            None => Ok(None),
        }
    }
}
