//! The stack that `pulumi stack select` chose for a project (`pkg/workspace/workspace.go`, `settings.go`,
//! `creds.go`).

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use sha1::{Digest, Sha1};

use super::project::Project;

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// `workspaces/<project>-<hash>-workspace.json`.
#[derive(Default, Deserialize)]
struct Selection {
    /// The only form until v3.255, and still read when `stacks` has no entry for the backend.
    #[serde(default)]
    stack: String,
    /// Since v3.256, by the backend's URL.
    #[serde(default)]
    stacks: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Credentials {
    #[serde(default)]
    current: String,
}

impl Project {
    /// The short name of the selected stack. `PULUMI_STACK` is not looked at: it is the caller's.
    ///
    /// `env` looks a variable up; `working_dir` is the program's own, in whatever spelling. `None` if no
    /// stack is selected, or it cannot be known which: the file of the selection is unreadable, or has
    /// several stacks for several backends and the current one cannot be told (Pulumi can encrypt
    /// `credentials.json`).
    #[must_use]
    pub fn selected_stack(&self, env: Env<'_>, working_dir: &Path) -> Option<String> {
        let home = home(env)?;
        let selection = self.project_paths(env, working_dir).into_iter().find_map(|path| {
            let file = settings_file(&home, &self.name, &path);
            let text = std::fs::read_to_string(file).ok()?;
            serde_json::from_str::<Selection>(&text).ok()
        })?;
        let full = selection.of(self.current_backend(env, &home).as_deref())?;
        full.rsplit('/').next().filter(|name| !name.is_empty()).map(str::to_owned)
    }

    /// The spellings of the project file's path that Pulumi may have hashed: with the links that `$PWD`
    /// shows (Go's `os.Getwd` trusts it if it is this folder), and resolved.
    fn project_paths(&self, env: Env<'_>, working_dir: &Path) -> Vec<PathBuf> {
        let shell = env("PWD").map(PathBuf::from).filter(|pwd| pwd.is_absolute() && same(pwd, working_dir));
        let spelled = shell.iter().map(PathBuf::as_path).chain([working_dir]);
        let mut paths: Vec<_> = spelled.map(|dir| clean(&dir.join(&self.file))).collect();
        paths.extend(working_dir.join(&self.file).canonicalize());
        paths
    }

    fn current_backend(&self, env: Env<'_>, home: &Path) -> Option<String> {
        let set = env("PULUMI_BACKEND_URL").filter(|url| !url.is_empty());
        set.or_else(|| self.backend.clone()).or_else(|| {
            let other = env("PULUMI_CREDENTIALS_PATH").filter(|path| !path.is_empty());
            let dir = other.map_or_else(|| home.to_owned(), PathBuf::from);
            let text = std::fs::read_to_string(dir.join("credentials.json")).ok()?;
            let credentials: Credentials = serde_json::from_str(&text).ok()?;
            (!credentials.current.is_empty()).then_some(credentials.current)
        })
    }
}

impl Selection {
    fn of(&self, backend: Option<&str>) -> Option<&str> {
        let name = match backend {
            Some(url) => self.stacks.get(url).unwrap_or(&self.stack),
            None if self.stacks.is_empty() => &self.stack,
            None if self.stacks.len() == 1 => self.stacks.values().next()?,
            None => return None,
        };
        (!name.is_empty()).then_some(name)
    }
}

/// `PULUMI_HOME`, else `.pulumi` in the user's home (`sdk/go/common/util/pulumihome`).
fn home(env: Env<'_>) -> Option<PathBuf> {
    let set = |name| env(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    set("PULUMI_HOME").or_else(|| Some(set("HOME")?.join(".pulumi")))
}

fn settings_file(home: &Path, project: &str, project_file: &Path) -> PathBuf {
    let hash = hex::encode(Sha1::digest(project_file.as_os_str().as_encoded_bytes()));
    home.join("workspaces").join(format!("{project}-{hash}-workspace.json"))
}

fn same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// The path without `.` and `..`, by its text alone, as Go's `filepath.Clean` does it.
pub(super) fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if clean.file_name().is_some() => {
                clean.pop();
            }
            Component::ParentDir if clean.has_root() => {}
            part => clean.push(part),
        }
    }
    clean
}
