//! `source:<credential>` and `hub:token/<id>`: what a rotation writes beside the places.

use std::fmt;

use super::{Address, decoded, encoded};

/// A thing at Docker Hub.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HubItem {
    /// An access token, by its id: labels may be equal.
    Token(String),
}

impl fmt::Display for HubItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Token(id) = self;
        write!(f, "token/{}", encoded(id))
    }
}

pub(super) fn parse(rest: &str) -> Option<Address> {
    let id = rest.strip_prefix("token/").filter(|id| !id.contains('/'))?;
    Some(Address::Hub { item: HubItem::Token(decoded(id)?) })
}

pub(super) fn parse_source(rest: &str) -> Option<Address> {
    let credential = Some(rest).filter(|rest| !rest.contains('/'))?;
    Some(Address::Source { credential: decoded(credential)? })
}
