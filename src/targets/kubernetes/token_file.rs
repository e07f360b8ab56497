//! A token that lies in a file and is renewed there: in a pod that of its service account, which ends after an hour and which
//! the kubelet writes again before that (Kubernetes documentation, "Service account token volume projection").

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use http::HeaderValue;
use zeroize::Zeroizing;

use super::plugin::bearer;
use crate::files;
use crate::model::Secret;
use crate::net::header;

/// A token's file, and the last token that was read in it.
pub(super) struct TokenFile {
    path: PathBuf,
    last: Mutex<Secret>,
}

impl TokenFile {
    /// The file, and the token to begin with.
    pub(super) fn new(path: PathBuf, token: &str) -> Self {
        Self { path, last: Mutex::new(Secret::foreign(token.to_owned())) }
    }

    /// What logs in a request: the token that is in the file now. While there is none, as client-go has it, the last one.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let text = files::text(&self.path).map(Zeroizing::new).unwrap_or_default();
        let now = text.trim();
        if !now.is_empty() && now != last.expose() && header::fault(now).is_none() {
            *last = Secret::foreign(now.to_owned());
        }
        bearer(&last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_is_renewed_in_its_file_is_used_and_the_last_one_while_there_is_none() {
        let dir = tempfile::TempDir::new().expect("a folder");
        let path = dir.path().join("token");
        let file = TokenFile::new(path.clone(), "first-token");
        let sent = || file.header().and_then(|value| value.to_str().map(str::to_owned).ok());
        assert_eq!(sent().as_deref(), Some("Bearer first-token"), "there is no file");
        for (text, wanted) in [
            ("second-token\n", "Bearer second-token"),
            ("", "Bearer second-token"),
            ("a\nb", "Bearer second-token"),
            ("third-token", "Bearer third-token"),
        ] {
            std::fs::write(&path, text).expect("it is written");
            assert_eq!(sent().as_deref(), Some(wanted), "{text:?}");
        }
        assert!(file.header().is_some_and(|value| value.is_sensitive()));
        assert_eq!(crate::redact::outside("second-token, third-token"), "***, ***");
    }
}
