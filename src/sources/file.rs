//! A credential in a file: two lines, JSON, or a `.env` file. The file may be readable by its owner only.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::one;
use super::store::respelled;
use super::text::{self, Names};
use crate::dotenv::{self, Variable};
use crate::files;
use crate::model::{CredentialId, Login, Place, Problem, Secret};

/// Far above any file that holds one credential.
const MAX_BYTES: u64 = 64 * 1024;

/// The file of a credential.
#[derive(Clone, Debug)]
pub(super) struct File {
    path: PathBuf,
    names: Names,
    /// The variables of a `.env` file, where no others are named.
    variables: [String; 2],
}

/// Finds the file and looks at who may read it; `name` is relative to `base`.
pub(super) fn locate(id: &CredentialId, name: &str, names: &Names, base: &Path) -> Result<File, Problem> {
    let path = base.join(name);
    let open = files::open_to_others(&path).map_err(|error| {
        let hint = "make it, with the user name and the token, a line each; or correct `from:`".to_owned();
        problem(&path, &format!("cannot be read: {error}"), Some(hint))
    })?;
    if let Some(mode) = open {
        let message = format!("holds a token, and others may read it (its mode is {mode:04o})");
        return Err(problem(&path, &message, Some(format!("chmod 600 {}", path.display()))));
    }
    let stem = id.screaming();
    let variables = [format!("{stem}_USERNAME"), format!("{stem}_TOKEN")];
    Ok(File { path, names: names.clone(), variables })
}

impl File {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the credential.
    pub(super) fn read(&self) -> Result<Login, Vec<Problem>> {
        let content = self.content().map_err(|message| self.unread(&message))?;
        self.login(&content).map_err(|message| self.unread(&message))
    }

    fn login(&self, content: &str) -> Result<Login, String> {
        if !self.is_dotenv() {
            return text::read(content, &self.names, None);
        }
        let [username, token] = &self.variables;
        let username = self.names.username.as_ref().unwrap_or(username);
        let token = self.names.token.as_ref().unwrap_or(token);
        pair(content, username, token)
    }

    /// Puts a new token into the place of the old one. Its own reader has to find it there, beside the same user name.
    ///
    /// # Errors
    /// The file does not hold the old one as it is, or cannot be written.
    pub(super) fn store(&self, old: &Secret, token: &Secret) -> Result<(), Problem> {
        let failed =
            |message: &str| problem(&self.path, message, Some("write the new token by hand".to_owned()));
        let content = self.content().map_err(|message| failed(&message))?;
        let now = self.login(&content).ok().filter(|login| login.token.expose() == old.expose());
        let now = now.ok_or_else(|| failed("has changed since it was read"))?;
        let fits = |text: &str| self.login(text).is_ok_and(|login| is(&login, &now.username, token));
        let new = respelled(&content, old.expose(), token.expose(), fits)
            .ok_or_else(|| failed("has the token in a spelling that cannot be exchanged"))?;
        files::replace(&self.path, content.as_bytes(), new.as_bytes())
            .map_err(|error| failed(&format!("cannot be written: {error}")))
    }

    /// `.env`, `.env.local`, `ci.env`.
    fn is_dotenv(&self) -> bool {
        let name = self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(".env") || name.ends_with(".env")
    }

    fn content(&self) -> Result<Zeroizing<String>, String> {
        files::text_within(&self.path, MAX_BYTES).map_err(|error| format!("cannot be read: {error}"))
    }

    fn unread(&self, message: &str) -> Vec<Problem> {
        let hint = match self.is_dotenv() {
            true => format!("write {}=… and {}=…", self.variables[0], self.variables[1]),
            false => "write the user name and the token, a line each".to_owned(),
        };
        one(problem(&self.path, message, Some(hint)))
    }
}

/// Whether a login is this one.
pub(super) fn is(login: &Login, username: &str, token: &Secret) -> bool {
    login.username == username && login.token.expose() == token.expose()
}

/// The credential in two variables of a `.env` file. A name that is there twice is refused: programs differ in which one counts.
fn pair(content: &str, username: &str, token: &str) -> Result<Login, String> {
    let variables = dotenv::variables(content);
    let value = |name: &str| match variables.iter().filter(|of| of.name == name).collect::<Vec<_>>()[..] {
        [] => Err(format!("does not set {name}")),
        [Variable { value, .. }] => value.map_err(|flaw| format!("has a {name} that {flaw}")),
        [..] => Err(format!("sets {name} twice")),
    };
    text::checked(value(username)?, value(token)?)
}

fn problem(path: &Path, message: &str, hint: Option<String>) -> Problem {
    Problem::input(message).at(Place::file(path)).hints(hint)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn read(name: &str, content: &str, mode: u32) -> Result<(String, String), String> {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join(name);
        std::fs::write(&path, content).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
        let id = CredentialId("docker-hub".to_owned());
        let said = |problem: Problem| {
            assert!(!format!("{problem:?}").contains("s3cret"), "{problem:?}");
            problem.message
        };
        let file = locate(&id, name, &Names::default(), dir.path()).map_err(said)?;
        let login = file.read().map_err(|unread| said(unread[0].clone()))?;
        Ok((login.username, login.token.expose().to_owned()))
    }

    #[test]
    fn what_programs_disagree_about_in_a_dotenv_file_is_refused_without_the_value() {
        for (lines, words) in [
            ("T=s3cret$HOME", "has a T that has $, \\ or ` in it"),
            ("T='s3cret", "has a T that has no closing quote"),
            ("T='s3cret'x", "continues after"),
            ("T=s3cret\nT=s3cret2", "sets T twice"),
            ("# T=s3cret", "does not set T"),
            ("T=", "gives an empty token"),
            ("T='s3cret '", "ends with a space"),
            ("T='s3cret\nX=1'", "line"),
        ] {
            let error = pair(&format!("U=acme\n{lines}\n"), "U", "T").expect_err("it is refused");
            assert!(error.contains(words) && !error.contains("s3cret"), "{lines}: {error}");
        }
        let good = pair("X=$HOME\nU=acme\nexport T='s3$cret' # mine\n", "U", "T").expect("it is good");
        assert_eq!(good.token.expose(), "s3$cret");
    }

    #[test]
    fn a_file_that_only_its_owner_may_read_gives_its_credential() {
        let expected = Ok(("acme".to_owned(), "s3cret".to_owned()));
        assert_eq!(read("token", "acme\ns3cret\n", 0o600), expected);
        assert_eq!(read("token.json", r#"{"username":"acme","token":"s3cret"}"#, 0o400), expected);
        for name in [".env", ".env.local", "ci.env"] {
            assert_eq!(read(name, "DOCKER_HUB_USERNAME=acme\nDOCKER_HUB_TOKEN=s3cret\n", 0o600), expected);
        }
    }

    /// What a file holds after a new token was stored, or why it was not.
    fn stored(name: &str, content: &str, token: &str) -> Result<String, String> {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join(name);
        std::fs::write(&path, content).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("a mode");
        let id = CredentialId("docker-hub".to_owned());
        let file = locate(&id, name, &Names::default(), dir.path()).expect("it is found");
        let old = file.read().expect("it is read");
        let done = file.store(&old.token, &Secret::new(token.to_owned()));
        let after = std::fs::read_to_string(&path).expect("it is there");
        let mode = std::fs::metadata(&path).expect("it is there").permissions().mode() & 0o7777;
        assert_eq!(mode, 0o600);
        match done {
            Ok(()) => Ok(after),
            Err(problem) => {
                assert_eq!(after, content);
                assert!(!problem.message.contains("s3cret"), "{}", problem.message);
                Err(problem.message)
            }
        }
    }

    #[test]
    fn a_new_token_takes_the_place_of_the_old_one_and_nothing_else_changes() {
        for (name, content) in [
            ("token", "acme\ns3cret\n"),
            ("token", "\u{feff}acme\r\ns3cret\r\n"),
            ("token", "s3cret\ns3cret"),
            ("token.json", "{ \"token\": \"s3cret\",\n  \"username\": \"acme\", \"was\": \"s3cret\" }"),
            (
                ".env",
                "# s3cret\nDOCKER_HUB_USERNAME=acme\nOTHER=s3cret\nexport DOCKER_HUB_TOKEN='s3cret' # mine\n",
            ),
        ] {
            let after = stored(name, content, "n3w").unwrap_or_else(|why| panic!("{content}: {why}"));
            assert_eq!(after.matches("n3w").count(), 1, "{after}");
            assert!(
                content
                    .match_indices("s3cret")
                    .any(|(at, _)| { after == [&content[..at], "n3w", &content[at + 6..]].concat() })
            );
        }
    }

    #[test]
    fn a_token_that_the_file_cannot_hold_in_the_place_of_the_old_one_is_refused() {
        let why = "has the token in a spelling that cannot be exchanged";
        for (name, content, token) in [
            ("token.json", r#"{"username":"acme","token":"s3cret"}"#, "n\"w"),
            ("token.json", r#"{"username":"acme","token":"s3c\u0072et"}"#, "new"),
            (".env", "DOCKER_HUB_USERNAME=acme\nDOCKER_HUB_TOKEN=s3cret\n", "n$w"),
        ] {
            assert_eq!(stored(name, content, token), Err(why.to_owned()), "{content}");
        }
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_with_its_mode() {
        for mode in [0o640, 0o604, 0o666, 0o620] {
            let error = read("token", "acme\ns3cret\n", mode).expect_err("it is refused");
            assert!(error.ends_with(&format!("(its mode is {mode:04o})")), "{error}");
        }
    }

    #[test]
    fn a_file_that_cannot_hold_one_credential_is_refused() {
        assert!(
            read("token", &"s3cret\n".repeat(20_000), 0o600)
                .is_err_and(|e| e == "cannot be read: it is larger than 64 KiB")
        );
        assert!(read("token", "s3cret\n", 0o600).is_err_and(|e| e.contains("no user name")));
        assert!(read(".env", "DOCKER_HUB_TOKEN=s3cret\n", 0o600).is_err_and(|e| e.contains("_USERNAME")));
    }
}
