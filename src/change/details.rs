//! What is shown of a thing, apart from its address.

use std::fmt;

use serde::Serialize;

/// What a system tells of a thing beside what its address says, as it may be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Details {
    /// The system's own id of it, where its address has a name: other programs' calls refer to it by that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What people call it, where its address has an id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The image that it pulls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

impl fmt::Display for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, name, image } = self;
        let id = id.as_ref().map(|id| format!("id {id}"));
        let words: Vec<String> = [name.clone(), image.clone(), id].into_iter().flatten().collect();
        f.write_str(&words.join(", "))
    }
}
