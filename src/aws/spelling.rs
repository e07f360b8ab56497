//! Shared AWS files in the words of the SDK for Rust: it takes neither quotes around a profile's name, nor most characters in
//! one (a space, a letter of another alphabet), nor a colon behind a key. Python's parser, by which every AWS tool reads them,
//! does. A name is given to the SDK percent-encoded, and to people as it is.

use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What the SDK does not take in a name, and the mark of what was encoded.
const ODD: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'-')
    .remove(b'/')
    .remove(b'.')
    .remove(b'@')
    .remove(b':')
    .remove(b'+');

/// The two files.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Config,
    Credentials,
}

/// The sections of the configuration that have names.
const NAMED: [&str; 3] = ["profile", "services", "sso-session"];
/// The settings that name a section.
const NAMING: [&str; 3] = ["services", "source_profile", "sso_session"];

/// A section's name as the SDK knows it.
pub(super) fn named(name: &str) -> String {
    utf8_percent_encode(name, ODD).to_string()
}

/// The name that people gave it.
pub(super) fn given(name: &str) -> String {
    percent_decode_str(name).decode_utf8_lossy().into_owned()
}

/// Both shared files in the SDK's words: the configuration, and the credentials. Keys among the credentials count before a
/// `credential_process`, wherever that is; in the configuration they count after it.
pub(super) fn spelled(config: &str, credentials: &str) -> [String; 2] {
    let have_keys = sections(Kind::Credentials, credentials)
        .filter(|(_, line)| is_setting(line, "aws_access_key_id"))
        .map(|(section, _)| section)
        .collect::<BTreeSet<_>>();
    let counts =
        |section: &str, line: &str| !(is_setting(line, "credential_process") && have_keys.contains(section));
    let text = |kind, text| {
        let lines = sections(kind, text).filter(|(section, line)| counts(section, line));
        lines.map(|(_, line)| spelled_line(kind, line)).collect()
    };
    [text(Kind::Config, config), text(Kind::Credentials, credentials)]
}

/// The lines of a file with the profile that each is of.
fn sections(kind: Kind, text: &str) -> impl Iterator<Item = (String, &str)> {
    let mut section = String::new();
    text.split_inclusive('\n').map(move |line| {
        if line.starts_with('[') {
            let header = spelled_line(kind, line);
            let name = header.trim_start_matches('[').split(']').next().unwrap_or_default();
            section = name.strip_prefix("profile ").unwrap_or(name).to_owned();
        }
        (section.clone(), line)
    })
}

fn is_setting(line: &str, name: &str) -> bool {
    line.split_once(['=', ':']).is_some_and(|(key, _)| key.trim_end().eq_ignore_ascii_case(name))
}

fn spelled_line(kind: Kind, whole: &str) -> String {
    let line = whole.trim_end_matches(['\r', '\n']);
    let changed = match line.strip_prefix('[') {
        Some(header) => section(kind, header),
        None => setting(line),
    };
    changed.map_or_else(|| whole.to_owned(), |changed| changed + &whole[line.len()..])
}

/// A section's line, whose name in the configuration is a word of a shell's.
fn section(kind: Kind, header: &str) -> Option<String> {
    let (header, _) = header.rsplit_once(']')?;
    if kind == Kind::Credentials {
        return (header.trim() == header).then(|| format!("[{}]", named(header)));
    }
    match &shlex::split(header)?[..] {
        [word, name] if NAMED.contains(&word.as_str()) => Some(format!("[{word} {}]", named(name))),
        _ => None,
    }
}

/// A setting with its key before `=`. Lines that begin with a space go on with what is above.
fn setting(line: &str) -> Option<String> {
    if line.starts_with([' ', '\t', '#', ';']) {
        return None;
    }
    let (key, value) = line.split_once(['=', ':'])?;
    let name = key.trim().to_ascii_lowercase();
    let value =
        if NAMING.contains(&name.as_str()) { format!(" {}", named(value.trim())) } else { value.to_owned() };
    Some(format!("{key}={value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_spelled_as_the_sdk_takes_it_and_nothing_else_is_changed() {
        let text = "\
[profile \"work\"]\r
credential_process = \"a b\" 'c'
s3 =
  addressing_style: path
[profile 'my profile'] # mine
source_profile = my other
[profile my\\ other]
role_arn: arn:aws:iam::1:role/a
# a: b
[profile a b]
[profile d\u{e9}v]
[default]
region = a:b
[services \"my own\"]
[other 'x y']
";
        let expected = "\
[profile work]\r
credential_process = \"a b\" 'c'
s3 =
  addressing_style: path
[profile my%20profile]
source_profile = my%20other
[profile my%20other]
role_arn= arn:aws:iam::1:role/a
# a: b
[profile a b]
[profile d%C3%A9v]
[default]
region = a:b
[services my%20own]
[other 'x y']
";
        assert_eq!(spelled(text, ""), [expected, ""]);
        let credentials = "[my profile]\naws_access_key_id: a\n[\"work\"]\n[default]\n";
        let expected = "[my%20profile]\naws_access_key_id= a\n[%22work%22]\n[default]\n";
        assert_eq!(spelled("", credentials), ["", expected]);
    }

    #[test]
    fn keys_among_the_credentials_count_before_a_program_and_those_of_the_configuration_after_it() {
        let config = "[profile 'a b']\ncredential_process = x\n[profile c]\naws_access_key_id = k\ncredential_process = x\n";
        let credentials = "[a b]\nAWS_ACCESS_KEY_ID = k\ncredential_process : y\n[c]\nregion = r\n";
        let [config, credentials] = spelled(config, credentials);
        assert_eq!(config, "[profile a%20b]\n[profile c]\naws_access_key_id = k\ncredential_process = x\n");
        assert_eq!(credentials, "[a%20b]\nAWS_ACCESS_KEY_ID = k\n[c]\nregion = r\n");
    }

    #[test]
    fn a_name_comes_back_as_it_was_given() {
        for name in ["work", "my profile", "100%", "a%20b", "d\u{e9}v", "a/b@c:d+e.f_g-h"] {
            assert_eq!(given(&named(name)), name);
        }
        assert_eq!(named("a/b@c:d+e.f_g-h"), "a/b@c:d+e.f_g-h");
    }
}
