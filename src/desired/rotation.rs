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

/// The longest time that is counted in days: ten years.
const MOST_DAYS: u16 = 3650;

/// Reads a number of days, such as `90d`.
///
/// # Errors
/// Why it is none.
pub fn days(text: &str) -> Result<u16, String> {
    let digits = text.strip_suffix('d').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let days = digits.and_then(|digits| digits.parse().ok());
    let days = days.filter(|days| (1..=MOST_DAYS).contains(days));
    days.ok_or_else(|| format!("a number of days, such as 90d, up to {MOST_DAYS}d"))
}

#[cfg(test)]
mod tests {
    use super::days;

    #[test]
    fn days_say_their_unit_and_have_an_end() {
        assert_eq!(["1d", "90d", "3650d"].map(days), [Ok(1), Ok(90), Ok(3650)]);
        for text in ["", "d", "90", "0d", "-1d", "+1d", "1.5d", "3651d", "99999d", "2w", "24h", "90 d", "3é"]
        {
            assert!(days(text).is_err(), "{text}");
        }
    }
}
