//! What a file's reader finds in it.

use super::kustomize::Kustomization;
use super::templates::first_mark;
use crate::redact;
pub(super) use crate::yaml::At;

/// An image name that a file pulls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub(super) at: At,
    /// Which instruction or key holds it.
    pub(super) place: String,
    pub(super) image: Image,
    pub(super) login: Login,
}

/// What a file itself says about the login that an image is pulled with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Login {
    /// Nothing: whoever uses the file is logged in, or is not.
    #[default]
    Unsaid,
    /// Nothing: pods pull it, by the kubelet's rules.
    Kubelet,
    /// The file gives the login with the image.
    Given,
    /// Nobody can be logged in when it is pulled.
    Missing {
        /// Why.
        why: &'static str,
        /// What to change in the file.
        hint: &'static str,
    },
}

/// An image's name as far as a file says it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Image {
    pub(super) name: String,
    /// The tag or digest with its mark, if it is only known when the file is used: `:${TAG}`.
    pub(super) version: String,
}

/// What was left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Skip {
    pub(super) at: Option<At>,
    pub(super) reason: String,
}

/// Everything that one file's reader has to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Finds {
    pub(super) found: Vec<Found>,
    pub(super) skipped: Vec<Skip>,
    /// Names that are not images in the Dockerfiles that this file has built.
    pub(super) contexts: Vec<BuildContext>,
    /// Compose files that this one includes, seen from its folder.
    pub(super) includes: Vec<String>,
    /// Whether it is a Dockerfile that Daytona builds without its registry list.
    pub(super) unlisted: bool,
    /// What the file, if it is a kustomization, makes of the images of others.
    pub(super) kustomization: Option<Kustomization>,
}

/// A build context that has a name, by which a Dockerfile means it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BuildContext {
    /// The Dockerfile, seen from the folder of the file that has it built.
    pub(super) dockerfile: String,
    pub(super) name: String,
}

impl Finds {
    /// Takes an image name as it stands in a file after everything known has been put into it.
    pub(super) fn image(&mut self, at: At, place: impl Into<String>, text: &str) {
        self.image_with(at, place, text, Login::Unsaid);
    }

    /// The same of an image for whose login the file is responsible.
    pub(super) fn image_with(&mut self, at: At, place: impl Into<String>, text: &str, login: Login) {
        let text = text.trim();
        match known_part(text) {
            _ if text.is_empty() => {}
            Some(image) => self.found.push(Found { at, place: place.into(), image, login }),
            None => {
                let shown = redact::outside(text);
                let why = if shown.contains('$') {
                    "depends on a value that is not in the file"
                } else {
                    "is filled in by a template: what that makes can be scanned"
                };
                self.skip(at, format!("`{shown}` {why}"));
            }
        }
    }

    /// Those from `first` on are pulled by pods.
    pub(super) fn in_pods(&mut self, first: usize) {
        let unsaid = self.found.iter_mut().skip(first).filter(|found| found.login == Login::Unsaid);
        unsaid.for_each(|found| found.login = Login::Kubelet);
    }

    pub(super) fn skip(&mut self, at: At, reason: impl Into<String>) {
        self.skipped.push(Skip { at: Some(at), reason: reason.into() });
    }

    pub(super) fn skip_rest(&mut self, reason: impl Into<String>) {
        self.skipped.push(Skip { at: None, reason: reason.into() });
    }

    /// Puts everything in the order of the file, and what stands in one place, named by several aliases, once.
    pub(super) fn sort(&mut self) {
        self.found.sort();
        self.found.dedup_by(|later, earlier| (later.at, &later.image) == (earlier.at, &earlier.image));
        self.skipped.sort();
        self.skipped.dedup();
    }

    /// Adds what was found in a text that is part of this file, at the positions that it has there.
    pub(super) fn embed(&mut self, inner: Self, place: impl Fn(String) -> String, at: impl Fn(At) -> At) {
        let Self { found, skipped, .. } = inner;
        self.found.extend(found.into_iter().map(|found| Found {
            at: at(found.at),
            place: place(found.place),
            image: found.image,
            login: found.login,
        }));
        self.skipped
            .extend(skipped.into_iter().map(|skip| Skip { at: skip.at.map(&at), reason: skip.reason }));
    }
}

/// The name in a text of which parts may be variables or expressions: nothing if they reach into the name. With a variable
/// tag, which registry an image is pulled from is known anyway.
pub(super) fn known_part(text: &str) -> Option<Image> {
    let Some(first) = first_mark(text) else {
        return Some(Image { name: text.to_owned(), version: String::new() });
    };
    let known = &text[..first];
    let last_part = known.rfind('/').map_or(0, |slash| slash + 1);
    let mark = last_part + known[last_part..].find([':', '@'])?;
    let (name, version) = text.split_at(mark);
    // `host:${PORT}/image`: what looked like a tag was a port.
    let is_version = !name.is_empty() && !without_expressions(version).contains('/');
    is_version.then(|| Image { name: name.to_owned(), version: version.to_owned() })
}

/// A text without what stands in braces or angle brackets.
fn without_expressions(text: &str) -> String {
    let mut depth = 0_usize;
    let outside = |c: &char| {
        match c {
            '{' | '<' => depth += 1,
            '}' | '>' => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    };
    text.chars().filter(outside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(String, String)> {
        known_part(text).map(|image| (image.name, image.version))
    }

    #[test]
    fn a_variable_tag_leaves_the_name_known() {
        for (text, name, version) in [
            ("alpine:3", "alpine:3", ""),
            ("alpine:${TAG}", "alpine", ":${TAG}"),
            ("ghcr.io/acme/api:v${MAJOR}.1", "ghcr.io/acme/api", ":v${MAJOR}.1"),
            ("host:5000/api@${DIGEST}", "host:5000/api", "@${DIGEST}"),
            ("node:${{ matrix.node || 'a/b' }}", "node", ":${{ matrix.node || 'a/b' }}"),
            ("nginx:{{ .Values.tag }}", "nginx", ":{{ .Values.tag }}"),
            ("nginx:$TAG-alpine", "nginx", ":$TAG-alpine"),
            ("node:<%= a/b %>-slim", "node", ":<%= a/b %>-slim"),
            ("node:%%TAG%%", "node", ":%%TAG%%"),
        ] {
            assert_eq!(parts(text), Some((name.into(), version.into())), "{text}");
        }
    }

    #[test]
    fn a_variable_in_the_name_leaves_nothing_known() {
        for text in [
            "$IMAGE",
            "${REGISTRY}/api:1",
            "acme/${NAME}:1",
            "host:${PORT}/api",
            "a{{ .x }}",
            ":${TAG}",
            "alpine$TAG",
            "%%IMAGE%%",
            "<%= image %>:1",
            "__IMAGE__",
            "<your-registry>/api:1",
        ] {
            assert_eq!(parts(text), None, "{text}");
        }
    }
}
