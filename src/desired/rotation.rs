//! What a credential's file says about rotating it.

/// How a credential is rotated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// How a new token is made at Docker Hub.
    pub mint: Option<Mint>,
    /// The program that takes a new token, where the source takes none.
    pub store: Option<Vec<String>>,
    /// How old the value may become, in days.
    pub max_age: Option<u16>,
}

/// How tokens are made at Docker Hub.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mint {
    /// Who may.
    pub login: Login,
    /// The organization whose tokens they are; nothing for the account's own.
    pub organization: Option<String>,
    /// What they pull; nothing for all that the account may.
    pub pulls: Vec<String>,
    /// When they end, in days.
    pub expires: Option<u16>,
}

/// An account, with its password.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Login {
    /// The program that prints the password; without one it is asked for.
    pub command: Option<Vec<String>>,
    /// The account, where it is not the credential's user.
    pub username: Option<String>,
}
