//! The address of a system, as the environment gives it.

use url::Url;

use crate::model::Problem;

/// What is wrong with the address in the variable `name`. Plain http goes only to this machine, unless the file says that the
/// target is self-hosted without TLS.
pub(super) fn fault(name: &str, value: &str, insecure: bool) -> Option<Problem> {
    let url = match Url::parse(value) {
        Ok(url) => url,
        Err(error) => {
            let hint = format!("export {name}=https://HOST, or unset it");
            return Some(problem(name, &format!("is not the address of a server: {error}")).hint(hint));
        }
    };
    let fault = crate::net::check(&url, insecure).err()?;
    Some(problem(name, &fault.message).hints(fault.hints))
}

/// Something is wrong with the variable `name`.
pub(super) fn problem(name: &str, message: &str) -> Problem {
    Problem::input(format!("{name}: {message}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_goes_to_this_machine_only_unless_the_file_allows_it() {
        let said = |url: &str, insecure: bool| fault("X_URL", url, insecure).map(|problem| problem.message);
        for url in
            ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1/api/v3", "https://ghe.example.com"]
        {
            assert_eq!(said(url, false), None, "{url}");
        }
        for url in [
            "http://10.0.0.1",
            "http://127.0.0.1.example.com",
            "http://github.example.com",
            "ftp://x",
            "nonsense",
        ] {
            assert!(said(url, false).is_some_and(|message| message.starts_with("X_URL: ")), "{url}");
        }
        assert_eq!(said("http://github.example.com", true), None);
    }
}
