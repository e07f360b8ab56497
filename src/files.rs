//! The one door by which a file of somebody else's is opened, or replaced. Only what has an end is read: a pipe that nobody
//! writes into, or a device, would be waited for without one.

use std::fs::{File, Metadata};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::path::Path;

use zeroize::Zeroizing;

/// Far above any configuration that a person or a program keeps, in bytes.
pub(crate) const MAX_CONFIG: u64 = 4 * 1024 * 1024;

/// What whoever starts the run hands to it by a pipe, as a shell does for `<(command)`; it ends with the command.
const HANDED: [&str; 3] = ["/dev/fd/", "/proc/self/fd/", "/dev/stdin"];
/// It is empty, and says that there is no such file.
const EMPTY: &str = "/dev/null";

/// All of a file, of at most `limit` bytes.
///
/// # Errors
/// It cannot be read, is larger ([`ErrorKind::FileTooLarge`]), or is not a file: a folder, a pipe, a socket, a device.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>> {
    check(path)?;
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        let size = match limit {
            0..0x0010_0000 => format!("{} KiB", limit / 1024),
            _ => format!("{} MiB", limit / 1024 / 1024),
        };
        return Err(Error::new(ErrorKind::FileTooLarge, format!("it is larger than {size}")));
    }
    Ok(bytes)
}

/// The text of a file, of at most [`MAX_CONFIG`] bytes.
///
/// # Errors
/// As for [`read`], or it is not UTF-8 ([`ErrorKind::InvalidData`]).
pub(crate) fn text(path: &Path) -> Result<Zeroizing<String>> {
    text_within(path, MAX_CONFIG)
}

/// The text of a file, of at most `limit` bytes.
///
/// # Errors
/// As for [`text`].
pub(crate) fn text_within(path: &Path, limit: u64) -> Result<Zeroizing<String>> {
    let mut bytes = read(path, limit)?;
    // The error would hold the bytes.
    let text = String::from_utf8(std::mem::take(&mut *bytes)).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        Error::new(ErrorKind::InvalidData, "it is not UTF-8")
    })?;
    Ok(Zeroizing::new(text))
}

/// Puts `new` into the place of a file that still holds `old`: whole or not at all, with the mode and the owner that it has.
///
/// # Errors
/// It is not a file, or it is a link to one; it now holds something else; it cannot be written.
pub(crate) fn replace(path: &Path, old: &[u8], new: &[u8]) -> Result<()> {
    let found = std::fs::symlink_metadata(path)?;
    if found.is_symlink() {
        return Err(Error::new(ErrorKind::InvalidInput, "it is a link, through which nothing is written"));
    }
    if *read(path, old.len() as u64).unwrap_or_default() != old {
        return Err(Error::new(ErrorKind::InvalidData, "it has changed since it was read"));
    }
    let mut file = beside(path)?;
    file.write_all(new)?;
    own(file.as_file(), &found)?;
    file.as_file().set_permissions(found.permissions())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// A new file in the folder of another, whose place it can take at once.
///
/// # Errors
/// Nothing can be written there.
pub(crate) fn beside(path: &Path) -> Result<tempfile::NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
}

/// Gives a new file to the owner of another.
#[cfg(unix)]
fn own(file: &File, as_of: &Metadata) -> Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let made = file.metadata()?;
    if (made.uid(), made.gid()) == (as_of.uid(), as_of.gid()) {
        return Ok(());
    }
    fchown(file, Some(as_of.uid()), Some(as_of.gid()))
}

#[cfg(not(unix))]
fn own(_: &File, _: &Metadata) -> Result<()> {
    Ok(())
}

/// Whether there is anything of this name: a file, or what stands in the place of one, such as a link that leads nowhere.
pub(crate) fn is_taken(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

/// The mode of a file that somebody else than its owner may read.
///
/// # Errors
/// It is not a file, or cannot be looked at.
#[cfg(unix)]
pub(crate) fn open_to_others(path: &Path) -> Result<Option<u32>> {
    use std::os::unix::fs::PermissionsExt;
    check(path)?;
    let mode = std::fs::metadata(path)?.permissions().mode() & 0o7777;
    Ok((mode & 0o077 != 0).then_some(mode))
}

#[cfg(not(unix))]
pub(crate) fn open_to_others(path: &Path) -> Result<Option<u32>> {
    check(path).map(|()| None)
}

/// Refuses what is not a file.
///
/// # Errors
/// What it is instead, or that it cannot be looked at.
pub(crate) fn check(path: &Path) -> Result<()> {
    let found = std::fs::metadata(path)?;
    let named = path.to_str().unwrap_or_default();
    if found.is_file() || named == EMPTY || HANDED.iter().any(|handed| named.starts_with(handed)) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidInput, format!("it is {}, not a file", kind(&found))))
}

#[cfg(unix)]
fn kind(found: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = found.file_type();
    match () {
        () if kind.is_dir() => "a folder",
        () if kind.is_fifo() => "a named pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    }
}

#[cfg(not(unix))]
fn kind(found: &Metadata) -> &'static str {
    if found.is_dir() { "a folder" } else { "a device" }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    fn refusal(path: &Path) -> String {
        text(path).expect_err("it is refused").to_string()
    }

    #[test]
    fn what_has_no_end_is_refused_in_words_and_not_waited_for() {
        let dir = tempfile::tempdir().expect("a folder");
        let [pipe, socket, link] = ["pipe", "socket", "link"].map(|name| dir.path().join(name));
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.is_ok_and(|status| status.success()));
        let _socket = UnixListener::bind(&socket).expect("a socket");
        std::os::unix::fs::symlink(&pipe, &link).expect("a link");
        for (path, what) in [
            (dir.path(), "a folder"),
            (&pipe, "a named pipe"),
            (&link, "a named pipe"),
            (&socket, "a socket"),
            (Path::new("/dev/zero"), "a device"),
        ] {
            assert_eq!(refusal(path), format!("it is {what}, not a file"));
        }
        assert_eq!(*text(Path::new("/dev/null")).expect("it is empty"), "");
    }

    #[test]
    fn a_file_is_read_up_to_its_limit_and_has_to_be_text() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("file");
        std::fs::write(&path, b"abc\xff").expect("a file");
        assert_eq!(**read(&path, 4).expect("it is small"), *b"abc\xff");
        let error = read(&path, 3).expect_err("it is too large");
        assert_eq!(
            (error.kind(), error.to_string()),
            (ErrorKind::FileTooLarge, "it is larger than 0 KiB".into())
        );
        assert_eq!(refusal(&path), "it is not UTF-8");
        assert!(text(&dir.path().join("nowhere")).is_err_and(|error| error.kind() == ErrorKind::NotFound));
    }

    #[test]
    fn a_link_that_leads_nowhere_takes_its_name() {
        let dir = tempfile::tempdir().expect("a folder");
        let link = dir.path().join("link");
        assert!(!is_taken(&link));
        std::os::unix::fs::symlink("nowhere", &link).expect("a link");
        assert!(is_taken(&link));
    }

    #[test]
    fn a_file_is_replaced_whole_with_its_mode_and_nothing_is_left_beside_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("file");
        for mode in [0o600, 0o644, 0o664, 0o400] {
            std::fs::remove_file(&path).ok();
            std::fs::write(&path, "old").expect("a file");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
            replace(&path, b"old", b"a longer one").expect("it is replaced");
            let found = std::fs::metadata(&path).expect("it is there");
            assert_eq!(found.permissions().mode() & 0o7777, mode);
            assert_eq!(*text(&path).expect("a text"), "a longer one");
        }
        assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn what_changed_meanwhile_is_a_link_or_no_file_is_not_replaced() {
        let dir = tempfile::tempdir().expect("a folder");
        let [path, link] = ["file", "link"].map(|name| dir.path().join(name));
        std::fs::write(&path, "older").expect("a file");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        let refusal =
            |path: &Path, old: &[u8]| replace(path, old, b"new").expect_err("it is refused").to_string();
        for old in [&b"old"[..], b"olden", b"older and older"] {
            assert_eq!(refusal(&path, old), "it has changed since it was read");
        }
        assert_eq!(refusal(&link, b"older"), "it is a link, through which nothing is written");
        assert!(replace(dir.path(), b"", b"new").is_err());
        assert!(replace(&dir.path().join("nowhere"), b"", b"new").is_err());
        assert_eq!(*text(&path).expect("a text"), "older");
    }
}
