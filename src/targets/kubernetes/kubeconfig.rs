//! Kubeconfigs, as kubectl reads them: of all that is in them only the named context, its cluster and its user are
//! judged, so that an odd user of somebody else's does no harm.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use kube::config::Kubeconfig;
use serde_json::{Value, json};

use super::login::unreadable;
use super::usable;
use crate::change::Read;
use crate::env::{Env, Untrusted};
use crate::files;
use crate::model::{Problem, nearest};

/// The paths in a cluster's and a user's stanza; they mean the folder of the file.
const PATHS: &[&str] = &["certificate-authority", "client-certificate", "client-key", "tokenFile"];

/// The files of `KUBECONFIG`, the first of which wins, else `~/.kube/config`.
#[derive(Clone)]
pub struct Files(Vec<Value>);

impl Files {
    /// What one file says, whose relative paths mean its folder.
    ///
    /// # Errors
    /// It is not YAML.
    pub fn of(text: &str, path: &Path) -> Read<Self> {
        Ok(Self(vec![parse(text, path)?]))
    }

    /// Reads them all. As for kubectl, of several files some may not be there.
    ///
    /// # Errors
    /// None is there, or one cannot be read.
    pub fn read(env: &Env) -> Read<Self> {
        let (mut files, mut missing) = (Vec::new(), None);
        for path in paths(env) {
            if env.untrusted().is_some_and(|untrusted| untrusted.holds(&path)) {
                return Err(Untrusted::refused("the kubeconfig is a file of the repository"));
            }
            match files::text(&path) {
                Ok(text) => files.push(parse(&text, &path)?),
                Err(error) => {
                    let message = format!("the kubeconfig {} cannot be read: {error}", path.display());
                    let problem = unreadable(message, "export KUBECONFIG, or write ~/.kube/config");
                    if error.kind() != ErrorKind::NotFound {
                        return Err(problem);
                    }
                    missing.get_or_insert(problem);
                }
            }
        }
        match missing {
            Some(problem) if files.is_empty() => Err(problem),
            _ => Ok(Self(files)),
        }
    }

    /// The names of the contexts.
    #[must_use]
    pub fn contexts(&self) -> Vec<&str> {
        self.entries("contexts").filter_map(|entry| entry["name"].as_str()).collect()
    }

    /// The context that is used where none is named, if there is one of its name.
    #[must_use]
    pub fn current(&self) -> Option<&str> {
        let named = |file: &'_ Value| file["current-context"].as_str().is_some_and(|name| !name.is_empty());
        let name = self.0.iter().find(|file| named(file))?["current-context"].as_str()?;
        self.contexts().contains(&name).then_some(name)
    }

    /// The namespace that a context is set to.
    #[must_use]
    pub fn namespace(&self, context: &str) -> Option<&str> {
        let name = self.entry("contexts", context)?["context"]["namespace"].as_str();
        name.filter(|name| !name.is_empty())
    }

    /// A context with its cluster and its user.
    ///
    /// # Errors
    /// There is none of this name, or it is not as kubectl would take it.
    pub fn context(&self, name: &str) -> Read<Kubeconfig> {
        let Some(entry) = self.entry("contexts", name) else { return Err(self.no_context(name)) };
        let of = |kind: &str, part: &str| {
            let name = entry["context"][part].as_str()?;
            Some(self.entry(kind, name)?.clone())
        };
        for (kind, part) in [("clusters", "cluster"), ("users", "user")] {
            self.check_once(kind, entry["context"][part].as_str().unwrap_or_default())?;
        }
        self.check_once("contexts", name)?;
        let (cluster, user) = (of("clusters", "cluster"), of("users", "user"));
        let named = entry["context"]["user"].as_str().filter(|name| !name.is_empty());
        if let (Some(missing), None) = (named, &user) {
            let message = format!("the kubeconfig has no user `{missing}`, whom context `{name}` names");
            return Err(unreadable(message, "correct it in the kubeconfig"));
        }
        let stanza =
            |entry: &Option<Value>, part| entry.as_ref().map_or(Value::Null, |entry| entry[part].clone());
        let stanzas = [stanza(&cluster, "cluster"), stanza(&user, "user")];
        usable::check(name, &stanzas[0], &stanzas[1])?;
        stanzas.iter().try_for_each(check_files)?;
        let part = json!({
            "contexts": [entry],
            "clusters": cluster.into_iter().collect::<Vec<_>>(),
            "users": user.into_iter().collect::<Vec<_>>(),
        });
        // The error could repeat a token of the file.
        serde_json::from_value(part).map_err(|_| {
            let message = format!(
                "the context `{name}`, its cluster or its user does not have the form of a kubeconfig"
            );
            unreadable(message, "compare it with: kubectl config view")
        })
    }

    /// What is twice in one file is an error for kubectl, and not the first of them.
    fn check_once(&self, kind: &str, name: &str) -> Result<(), Problem> {
        let named = |entry: &&Value| entry["name"].as_str() == Some(name);
        let times = |file: &Value| file[kind].as_array().into_iter().flatten().filter(named).count();
        if self.0.iter().all(|file| times(file) < 2) {
            return Ok(());
        }
        Err(unreadable(format!("the kubeconfig has `{name}` twice in `{kind}`"), "leave one of them out"))
    }

    fn entries(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter_map(move |file| file[kind].as_array()).flatten()
    }

    fn entry(&self, kind: &str, name: &str) -> Option<&Value> {
        self.entries(kind).find(|entry| entry["name"].as_str() == Some(name))
    }

    fn no_context(&self, name: &str) -> Problem {
        let names = self.contexts();
        let hint = match (nearest(name, &names), names.as_slice()) {
            (Some(near), _) => format!("did you mean {near}?"),
            (None, []) => "it has no contexts: export KUBECONFIG".to_owned(),
            (None, names) => format!("it has: {}", names.join(", ")),
        };
        unreadable(format!("the kubeconfig has no context `{name}`"), hint)
    }
}

/// kube would wait for a pipe without an end.
fn check_files(stanza: &Value) -> Result<(), Problem> {
    let named = PATHS.iter().filter_map(|key| Some((key, stanza[*key].as_str()?)));
    for (key, path) in named {
        let fault = files::check(path.as_ref()).err();
        if let Some(fault) = fault.filter(|fault| fault.kind() == ErrorKind::InvalidInput) {
            let message = format!("`{key}` of the kubeconfig, {path}, cannot be read: {fault}");
            return Err(unreadable(message, format!("correct `{key}`")));
        }
    }
    Ok(())
}

fn paths(env: &Env) -> Vec<PathBuf> {
    let listed: Vec<PathBuf> = env
        .filled("KUBECONFIG")
        .map(|list| std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect())
        .unwrap_or_default();
    let own = || env.home().map(|home| home.join(".kube").join("config"));
    if listed.is_empty() { own().into_iter().collect() } else { listed }
}

/// The file's first document, as client-go has it, with its paths made absolute. An empty file has no contexts.
fn parse(text: &str, path: &Path) -> Read<Value> {
    let documents: Result<Vec<Value>, _> = serde_saphyr::from_multiple(text);
    let mut file = match documents {
        Ok(documents) => documents.into_iter().next().unwrap_or_default(),
        // Its words could repeat a token of the file.
        Err(_) => {
            let message = format!("the kubeconfig {} is not valid YAML", path.display());
            return Err(unreadable(message, "look at it with: kubectl config view"));
        }
    };
    let dir = path.parent().unwrap_or(Path::new(""));
    for (kind, part) in [("clusters", "cluster"), ("users", "user")] {
        for entry in file.get_mut(kind).and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(stanza) = entry.get_mut(part) else { continue };
            // For client-go an empty setting is none.
            if let Some(fields) = stanza.as_object_mut() {
                fields.retain(|_, value| value.as_str() != Some(""));
            }
            for key in PATHS {
                stanza.get_mut(key).into_iter().for_each(|value| within(dir, value));
            }
            // A name alone is looked for on PATH.
            let command = stanza.get_mut("exec").and_then(|exec| exec.get_mut("command"));
            command.into_iter().filter(|name| is_path(name)).for_each(|value| within(dir, value));
        }
    }
    Ok(file)
}

fn is_path(command: &Value) -> bool {
    command.as_str().is_some_and(|command| command.contains(std::path::MAIN_SEPARATOR))
}

fn within(dir: &Path, value: &mut Value) {
    if let Some(path) = value.as_str().filter(|path| !path.is_empty()) {
        *value = dir.join(path).display().to_string().into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
apiVersion: v1
clusters:
- { name: c, cluster: { server: https://c, certificate-authority: ca.pem } }
- { name: odd, cluster: [] }
contexts:
- { name: good, context: { cluster: c, user: u } }
- { name: alone, context: { cluster: c } }
- { name: wrong, context: { cluster: odd, user: u } }
- { context: { user: 5 } }
users:
- { name: odd, user: { exec: { interactiveMode: Perhaps, env: [1] } } }
- { name: u, user: { tokenFile: token, exec: { apiVersion: client.authentication.k8s.io/v1beta1, command: bin/login, env: null } } }
";

    #[test]
    fn an_odd_context_or_user_does_no_harm_to_another() {
        let files = Files(vec![parse(FILE, Path::new("/home/me/.kube/config")).expect("it is YAML")]);
        assert_eq!(files.contexts(), ["good", "alone", "wrong"]);
        let good = files.context("good").expect("it is good");
        let user = good.auth_infos[0].auth_info.as_ref().expect("it has a user");
        assert_eq!(user.token_file.as_deref(), Some("/home/me/.kube/token"));
        let command = user.exec.as_ref().and_then(|exec| exec.command.as_deref());
        assert_eq!(command, Some("/home/me/.kube/bin/login"));
        let cluster = good.clusters[0].cluster.as_ref().expect("it has a cluster");
        assert_eq!(cluster.certificate_authority.as_deref(), Some("/home/me/.kube/ca.pem"));
        assert!(files.context("alone").expect("it is good").auth_infos.is_empty());
        let wrong = files.context("wrong").expect_err("it is none").to_string();
        assert!(wrong.contains("the context `wrong`, its cluster or its user"), "{wrong}");
    }

    #[test]
    fn the_first_file_that_names_a_current_context_says_which_and_it_has_to_be_there() {
        let read = |text: &str| parse(text, Path::new("config")).expect("it is YAML");
        let more = "{current-context: b, contexts: [{name: b, context: {namespace: ci}}]}";
        let files = Files(vec![read("{current-context: ''}"), read(more), read("current-context: c")]);
        assert_eq!((files.current(), files.namespace("b")), (Some("b"), Some("ci")));
        assert_eq!(Files(vec![read("current-context: gone"), read(more)]).current(), None);
        assert_eq!(Files(vec![read(FILE)]).namespace("good"), None);
    }

    #[test]
    fn the_first_file_that_has_a_name_wins() {
        let second = "{clusters: [{name: c, cluster: {server: https://other}}], contexts: [{name: more, context: {cluster: c}}]}";
        let read = |text: &str| parse(text, Path::new("config")).expect("it is YAML");
        let files = Files(vec![read(FILE), read(second), read("")]);
        let more = files.context("more").expect("it is good");
        assert_eq!(more.clusters[0].cluster.as_ref().and_then(|c| c.server.as_deref()), Some("https://c"));
    }
}
