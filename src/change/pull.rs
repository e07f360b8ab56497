//! How an image is pulled: one shape for every system that tells it.

use crate::model::{Address, Problem};

/// How one place pulls an image, as its own puller decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    /// The image as it was written.
    pub image: String,
    /// What pulls it: an address, with what people know it by where that has only an id, or the name of a system that is one
    /// place.
    pub place: String,
    /// Whose login it is pulled with.
    pub login: Used,
    /// The logins that are tried after that one, in this order, if the registry refuses it.
    pub then: Vec<Login>,
    /// Whether that is what the image's name means; if not, why, and what helps.
    pub result: Result<(), Problem>,
    /// Another name of the same image that is pulled as it should be.
    pub instead: Option<String>,
}

/// Whose login an image is pulled with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Used {
    /// One that regcred puts there.
    Ours(Login),
    /// Another one.
    Other(Login),
    /// None: the pull is anonymous.
    None,
    /// It is not pulled at all.
    Refused,
}

impl Used {
    /// The word for it in JSON.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ours(_) => "ours",
            Self::Other(_) => "other",
            Self::None => "none",
            Self::Refused => "refused",
        }
    }

    /// The login, if there is one.
    #[must_use]
    pub fn login(&self) -> Option<&Login> {
        match self {
            Self::Ours(login) | Self::Other(login) => Some(login),
            Self::None | Self::Refused => None,
        }
    }
}

/// A login as a system stores it. Its words have passed the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// What holds it, by its name in the configuration or by its id.
    pub address: Address,
    /// What the system calls that.
    pub name: String,
    /// The registry that is logged in to, as it is stored; none where a system stores none.
    pub registry: Option<String>,
    /// The user name; none where it cannot be read back.
    pub username: Option<String>,
}

impl std::fmt::Display for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { address, name, registry, username } = self;
        let user = username.as_ref().map(|user| format!("user {user}"));
        let words = [user, registry.as_ref().map(|registry| format!("for {registry}"))];
        let words: Vec<String> = words.into_iter().flatten().collect();
        let words = if words.is_empty() { String::new() } else { format!("{} of ", words.join(" ")) };
        match address {
            // Its address ends with its name.
            Address::Kubernetes { .. } => write!(f, "{words}{address}"),
            _ => write!(f, "{words}{address} `{name}`"),
        }
    }
}
