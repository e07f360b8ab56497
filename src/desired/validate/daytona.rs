//! What `daytona` means: a row of the registry list for the credential's registry.

use super::Validator;
use crate::desired::file;
use crate::desired::names::daytona_fault;
use crate::model::CredentialId;
use crate::registry::Registry;
use crate::targets::daytona::{self, stored};

impl Validator {
    pub(super) fn daytona(
        &mut self,
        id: &CredentialId,
        registry: &Registry,
        declared: &file::Credential,
        place: &file::Daytona,
    ) {
        let written = declared.registry.as_ref();
        let text = written.map_or(registry.canonical(), |written| written.value.as_str());
        if let Some((message, hint)) = stored::fault(text, registry) {
            self.refuse(written.map_or(place.at, |written| written.at), message, hint);
        }
        let name = place.name.as_ref().map_or_else(|| id.0.clone(), |name| name.value.clone());
        let at = place.name.as_ref().map_or(place.at, |name| name.at);
        if let Some(fault) = daytona_fault(&name) {
            self.refuse(at, format!("the name `{name}` {fault}"), format!("name: {id}"));
        }
        for other in &self.desired.daytona {
            if other.registry == *registry {
                let message = format!(
                    "credential `{}` has the row for {registry} in Daytona already",
                    other.credential
                );
                self.refuse(
                    place.at,
                    message,
                    "an organization pulls from a registry with one: leave one of them out",
                );
            } else if other.name == name {
                let message = format!("the row of credential `{}` is called `{name}`, too", other.credential);
                self.refuse(at, message, format!("name: {id}"));
            }
        }
        self.desired.insecure.daytona |= place.insecure;
        self.desired.daytona.push(daytona::Desired {
            credential: id.clone(),
            registry: registry.clone(),
            name,
        });
    }
}
