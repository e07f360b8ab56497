//! Configuration keys: `namespace:name`, the old `namespace:config:name`, and names without a namespace,
//! which belong to the project (`sdk/go/common/resource/config/key.go`).

use std::fmt;

/// A key in full. Case counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigKey {
    /// The project's name, or a provider's such as `aws`.
    pub namespace: String,
    /// The part after the last colon.
    pub name: String,
}

impl fmt::Display for ConfigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.namespace, self.name)
    }
}

/// The text has too many colons, or none, to be a key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a configuration key is `namespace:name`")]
pub struct KeyError;

impl ConfigKey {
    fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// A key with its namespace.
    ///
    /// # Errors
    /// [`KeyError`] for any form but `namespace:name` and `namespace:config:name`.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        match text.split(':').collect::<Vec<_>>()[..] {
            [namespace, name] | [namespace, "config", name] => Ok(Self::new(namespace, name)),
            _ => Err(KeyError),
        }
    }

    /// A key as people write it: without a colon it is in the namespace of `project`.
    ///
    /// # Errors
    /// [`KeyError`] as for [`ConfigKey::parse`].
    pub fn in_project(project: &str, text: &str) -> Result<Self, KeyError> {
        if text.contains(':') {
            return Self::parse(text);
        }
        Ok(Self::new(project, text))
    }

    /// A key that may be followed by a path into its value, as for `pulumi config get --path`:
    /// `ns:docker.token`, `docker["a.b"]`, `list[0]`. Colons count only before the first `.` or `[`; the
    /// path stays a part of the name (`pkg/cmd/pulumi/config/io.go`, `parseConfigKey`).
    ///
    /// # Errors
    /// [`KeyError`] as for [`ConfigKey::parse`].
    pub fn with_path(project: &str, text: &str) -> Result<Self, KeyError> {
        let Some(split) = text.find(['[', '.']).filter(|split| *split > 0) else {
            return Self::in_project(project, text);
        };
        let (key, path) = text.split_at(split);
        let mut key = Self::in_project(project, key)?;
        key.name.push_str(path);
        Ok(key)
    }

    /// Whether a key as people write it has a path.
    pub(super) fn has_path(text: &str) -> bool {
        text.find(['[', '.']).is_some_and(|split| split > 0)
    }

    /// The key without its path, and the steps of the path. `None` if the path is malformed or there is none.
    pub(super) fn split_path(&self) -> Option<(Self, Vec<Step>)> {
        let mut steps = steps(&self.name)?.into_iter();
        let Step::Key(name) = steps.next()? else {
            return None;
        };
        let rest: Vec<_> = steps.collect();
        let usable = !name.is_empty() && !rest.is_empty();
        usable.then(|| (Self::new(&self.namespace, &name), rest))
    }
}

/// One step of a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// `a.b["c d"][0]` (`sdk/go/common/resource`, `ParsePropertyPath`).
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            continue;
        }
        let (step, after) = match rest.strip_prefix('[') {
            Some(bracket) => bracketed(bracket)?,
            None => {
                let (name, after) = rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()));
                (Step::Key(name.to_owned()), after)
            }
        };
        steps.push(step);
        rest = after;
    }
    Some(steps)
}

fn bracketed(text: &str) -> Option<(Step, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (name, after) = until_quote(quoted)?;
        return Some((Step::Key(name), after.strip_prefix(']')?));
    }
    let (index, after) = text.split_once(']')?;
    Some((Step::Index(index.parse().ok()?), after))
}

/// The text up to the closing quote; `\"` is a quote within.
fn until_quote(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"')?;
        let Some(open) = before.strip_suffix('\\') else {
            name.push_str(before);
            return Some((name, after));
        };
        name.push_str(open);
        name.push('"');
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(key: Result<ConfigKey, KeyError>) -> String {
        key.map_or_else(|_| "refused".to_owned(), |key| key.to_string())
    }

    #[test]
    fn a_key_without_a_namespace_is_the_projects() {
        for (text, expected) in [
            ("token", "infra:token"),
            ("aws:region", "aws:region"),
            ("aws:config:region", "aws:region"),
            ("aws:data:region", "refused"),
            ("a:b:c:d", "refused"),
            ("a.b:c", "a.b:c"),
            (":x", ":x"),
        ] {
            assert_eq!(shown(ConfigKey::in_project("infra", text)), expected, "{text}");
        }
        assert_eq!(shown(ConfigKey::parse("token")), "refused");
    }

    #[test]
    fn colons_in_a_path_do_not_count() {
        for (text, expected) in [
            ("docker.token", "infra:docker.token"),
            ("ns:docker.to:ken", "ns:docker.to:ken"),
            ("docker[\"a:b\"]", "infra:docker[\"a:b\"]"),
            ("a:b:docker.token", "refused"),
            ("[0]", "infra:[0]"),
        ] {
            assert_eq!(shown(ConfigKey::with_path("infra", text)), expected, "{text}");
        }
    }

    #[test]
    fn a_path_is_taken_apart_into_names_and_indexes() {
        let path = |text| {
            let (key, steps) = ConfigKey::with_path("p", text).ok()?.split_path()?;
            let steps: Vec<_> = steps
                .into_iter()
                .map(|step| match step {
                    Step::Key(key) => key,
                    Step::Index(index) => format!("#{index}"),
                })
                .collect();
            Some(format!("{key} {}", steps.join(" ")))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(path("docker.token"), some("p:docker token"));
        assert_eq!(path("a[0].b[\"c.d\"]"), some("p:a #0 b c.d"));
        assert_eq!(path(r#"a["x\"y"]"#), some("p:a x\"y"));
        assert_eq!(path("a..b"), some("p:a b"));
        for none in ["a", "a[x]", "a[-1]", "a[\"b", "a[\"b\"", "a[0", "[0].a", ".", "a."] {
            assert_eq!(path(none), None, "{none}");
        }
    }
}
