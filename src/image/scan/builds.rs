//! Which Dockerfiles Daytona builds without any login.
//!
//! It hands its registry list to a build only if a `FROM` names an image with a `/` in it, as the line is written: before
//! variables, comments cut off, one line at a time (its server 0.190; `tests/fixtures/daytona.json` holds its answers).

/// Whether a build in Daytona gets the registry list.
pub(super) fn gets_logins(dockerfile: &str) -> bool {
    dockerfile.split('\n').any(|line| base(line).is_some_and(|image| image.contains('/')))
}

/// What a line takes for the image of a `FROM`.
fn base(line: &str) -> Option<&str> {
    let line = line.split('#').next().unwrap_or_default();
    let mut words = line.split_whitespace();
    words.next().filter(|first| first.eq_ignore_ascii_case("FROM"))?;
    let mut image = words.next()?;
    while is_flag(image) {
        match words.next() {
            Some(word) => image = word,
            None => break,
        }
    }
    Some(image)
}

/// `--platform=linux/amd64`
fn is_flag(word: &str) -> bool {
    let named = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
    let flag = word.strip_prefix("--").and_then(|flag| flag.split_once('='));
    flag.is_some_and(|(name, value)| named(name) && !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::gets_logins;

    #[test]
    fn a_build_gets_the_list_where_the_servers_source_hands_it_over() {
        let source: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/fixtures/daytona.json")).unwrap();
        let files = source["dockerfiles"].as_array().unwrap();
        for (version, answers) in source["answers"].as_object().unwrap() {
            for (file, answer) in files.iter().zip(answers["dockerfiles"].as_array().unwrap()) {
                let text = file.as_str().unwrap();
                assert_eq!(Some(gets_logins(text)), answer.as_bool(), "{version}: {text}");
            }
        }
        assert!(files.len() >= 30);
    }
}
