//! Writing Daytona's registry list. Every operation may be repeated.

use super::client::Wanted;
use super::{Client, Operation, stored};
use crate::change::{Inputs, Receipt};
use crate::http::TRIES;
use crate::model::Problem;

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
        match operation {
            Operation::PutRow { id, name, url, credential } => {
                let wanted = Wanted { name, url, login: inputs.login(credential)? };
                match id {
                    Some(id) => self.client.update(id, &wanted).await?,
                    None => self.make(&wanted).await?,
                }
            }
            Operation::DeleteRow { id } => self.client.delete(id).await?,
        }
        Ok(Receipt::default())
    }

    /// Makes a row. Where it may have been made although no good answer came, the list is looked at first.
    async fn make(&self, wanted: &Wanted<'_>) -> Result<(), Problem> {
        let mut ambiguous = false;
        let mut tried = 1;
        loop {
            let Err(error) = self.client.create(wanted).await else { return Ok(()) };
            ambiguous |= error.is_ambiguous();
            if tried == TRIES || !error.may_pass() || !error.pause(tried).await {
                let failure = Problem::from(error);
                return Err(if ambiguous { failure.written(true) } else { failure });
            }
            if ambiguous && self.take_over(wanted).await? {
                return Ok(());
            }
            tried += 1;
        }
    }

    /// Writes the row that a request without an answer made. Whether there is one.
    async fn take_over(&self, wanted: &Wanted<'_>) -> Result<bool, Problem> {
        let rows = self.client.list().await.map_err(|error| Problem::from(error).written(true))?;
        let meant = stored::meant(wanted.url);
        let made = rows.iter().find(|row| row.name == wanted.name && stored::meant(&row.url) == meant);
        if let Some(row) = made {
            self.client.update(&row.id, wanted).await.map_err(|error| Problem::from(error).written(true))?;
        }
        Ok(made.is_some())
    }
}
