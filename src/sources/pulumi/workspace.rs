//! The stack that `pulumi stack select` chose for a project (`pkg/workspace/workspace.go`, `settings.go`,
//! `creds.go`).

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde::Deserialize;

use super::project::Project;
use crate::files;

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
    /// several stacks for several backends and the current one is not known (Pulumi can encrypt
    /// `credentials.json`).
    #[must_use]
    pub fn selected_stack(&self, env: Env<'_>, working_dir: &Path) -> Option<String> {
        let full = self.selected_in_full(env, working_dir)?;
        full.rsplit('/').next().filter(|name| !name.is_empty()).map(str::to_owned)
    }

    /// The same with its organization and project: `org/project/stack`.
    #[must_use]
    pub fn selected_in_full(&self, env: Env<'_>, working_dir: &Path) -> Option<String> {
        let home = home(env)?;
        let selection = self.project_paths(env, working_dir).into_iter().find_map(|path| {
            let file = settings_file(&home, &self.name, &path);
            let text = files::text(&file).ok()?;
            serde_json::from_str::<Selection>(&text).ok()
        })?;
        selection.of(self.current_backend(env, &home).as_deref()).map(str::to_owned)
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
            let text = files::text(&dir.join("credentials.json")).ok()?;
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
    let own = || set("HOME").or_else(|| set("USERPROFILE"));
    set("PULUMI_HOME").or_else(|| Some(own()?.join(".pulumi")))
}

fn settings_file(home: &Path, project: &str, project_file: &Path) -> PathBuf {
    let path = project_file.as_os_str().as_encoded_bytes();
    let hash = hex::encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, path));
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A home, a project in a folder that is also there under a second name, and the variables.
    struct Machine {
        dir: tempfile::TempDir,
        variables: Vec<(&'static str, String)>,
    }

    impl Machine {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("a folder");
            let root = dir.path().canonicalize().expect("a path");
            std::fs::create_dir_all(root.join("real/infra")).expect("a folder");
            std::fs::create_dir_all(root.join("home/.pulumi/workspaces")).expect("a folder");
            std::fs::write(root.join("real/infra/Pulumi.yaml"), "name: infra\n").expect("a file");
            std::os::unix::fs::symlink(root.join("real"), root.join("link")).expect("a link");
            let home = root.join("home").display().to_string();
            Self { dir, variables: vec![("HOME", home)] }
        }

        fn path(&self, below: &str) -> PathBuf {
            self.dir.path().canonicalize().expect("a path").join(below)
        }

        fn set(&mut self, name: &'static str, value: impl AsRef<Path>) -> &mut Self {
            self.variables.push((name, value.as_ref().display().to_string()));
            self
        }

        /// Writes the selection for the project file as Pulumi would have found it at `path`.
        fn select(&self, path: &str, content: &str) {
            let file = settings_file(&self.path("home/.pulumi"), "infra", &self.path(path));
            std::fs::write(file, content).expect("a file");
        }

        fn selected(&self) -> Option<String> {
            let working_dir = self.path("real");
            let mut project = Project::open(&working_dir.join("infra")).expect("a project");
            project.file = PathBuf::from("infra/Pulumi.yaml");
            let env = |name: &str| {
                let found = self.variables.iter().rev().find(|(key, _)| *key == name);
                found.map(|(_, value)| value.clone())
            };
            project.selected_stack(&env, &working_dir)
        }
    }

    #[test]
    fn the_selection_is_found_by_the_resolved_path_and_by_the_shells() {
        let mut machine = Machine::new();
        assert_eq!(machine.selected(), None);
        machine.select("real/infra/Pulumi.yaml", r#"{"stack": "dev"}"#);
        assert_eq!(machine.selected().as_deref(), Some("dev"));
        machine.set("PWD", machine.path("link"));
        assert_eq!(machine.selected().as_deref(), Some("dev"));
        machine.select("link/infra/Pulumi.yaml", r#"{"stack": "main"}"#);
        assert_eq!(machine.selected().as_deref(), Some("main"));
        machine.set("PWD", machine.path("home"));
        assert_eq!(machine.selected().as_deref(), Some("dev"), "$PWD of another folder does not count");
    }

    #[test]
    fn the_backend_chooses_among_the_selected_stacks() {
        let mut machine = Machine::new();
        let file = "real/infra/Pulumi.yaml";
        machine.select(file, r#"{"stacks": {"https://api.pulumi.com": "acme/infra/main"}}"#);
        assert_eq!(machine.selected().as_deref(), Some("main"), "there is only one");
        let two = r#"{"stack": "old", "stacks": {"https://api.pulumi.com": "acme/infra/main", "file://~": "organization/infra/dev"}}"#;
        machine.select(file, two);
        assert_eq!(machine.selected(), None, "which backend is in use is not known");
        let credentials = machine.path("home/.pulumi/credentials.json");
        std::fs::write(&credentials, r#"{"current": "https://api.pulumi.com"}"#).expect("a file");
        assert_eq!(machine.selected().as_deref(), Some("main"));
        machine.set("PULUMI_BACKEND_URL", "file://~");
        assert_eq!(machine.selected().as_deref(), Some("dev"));
        machine.set("PULUMI_BACKEND_URL", "s3://elsewhere");
        assert_eq!(machine.selected().as_deref(), Some("old"));
    }

    #[test]
    fn credentials_that_cannot_be_read_and_damaged_selections_select_nothing() {
        let machine = Machine::new();
        machine.select("real/infra/Pulumi.yaml", r#"{"stacks": {"a": "x", "b": "y"}}"#);
        let credentials = machine.path("home/.pulumi/credentials.json");
        std::fs::write(&credentials, r#"{"envelope": "…"}"#).expect("a file");
        assert_eq!(machine.selected(), None);
        machine.select("real/infra/Pulumi.yaml", "{broken");
        assert_eq!(machine.selected(), None);
    }

    #[test]
    fn pulumis_home_can_be_elsewhere() {
        let mut machine = Machine::new();
        machine.select("real/infra/Pulumi.yaml", r#"{"stack": "dev"}"#);
        std::fs::rename(machine.path("home/.pulumi"), machine.path("moved")).expect("a move");
        assert_eq!(machine.selected(), None);
        machine.set("PULUMI_HOME", machine.path("moved"));
        assert_eq!(machine.selected().as_deref(), Some("dev"));
    }

    #[test]
    fn the_file_of_the_selection_is_named_by_project_and_path() {
        // The hash is that of coreutils' sha1sum.
        let file = settings_file(Path::new("/h"), "infra", Path::new("/srv/app/infra/Pulumi.yaml"));
        let expected = "/h/workspaces/infra-992732c6c9429f880dd597066a0dba1571b0c2c7-workspace.json";
        assert_eq!(file, Path::new(expected));
    }

    #[test]
    fn paths_are_cleaned_by_their_text_alone() {
        for (path, expected) in [
            ("/a/./b/../c", "/a/c"),
            ("/../a", "/a"),
            ("a/../..", ".."),
            ("../../a", "../../a"),
            ("./a/", "a"),
        ] {
            assert_eq!(clean(Path::new(path)), Path::new(expected), "{path}");
        }
    }
}
