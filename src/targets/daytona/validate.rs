//! What `daytona` means: a row of the registry list for the credential's registry.

use super::file::Declared;
use super::names::daytona_fault;
use super::{Desired, stored};
use crate::targets::Validator;

impl Validator<'_, Desired> {
    pub(super) fn daytona(&mut self, place: &Declared) {
        let (id, registry, written) = (self.id, self.registry, self.written);
        if let Some((message, hint)) = stored::fault(registry) {
            self.refuse(written.map_or(place.at, |written| written.at), message, hint);
        }
        let name = place.name.as_ref().map_or_else(|| id.0.clone(), |name| name.value.clone());
        let at = place.name.as_ref().map_or(place.at, |name| name.at);
        if let Some(fault) = daytona_fault(&name) {
            self.refuse(at, format!("the name `{name}` {fault}"), format!("name: {id}"));
        }
        for other in &*self.desired {
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
                let message = format!("credential `{}` also calls its row `{name}`", other.credential);
                self.refuse(at, message, format!("name: {id}"));
            }
        }
        self.desired.push(Desired {
            credential: id.clone(),
            registry: registry.clone(),
            name,
            insecure: place.insecure,
        });
    }
}
