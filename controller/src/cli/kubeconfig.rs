//! The kubeconfig of an embedded API: it holds a token, so nobody else may read it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hostwright_apiserver::write_private;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::failure::Failure;

/// The cluster, user and context in it.
const NAME: &str = "hostwright";

/// The file; one in a folder of its own goes when this is dropped.
pub(super) struct File {
    path: PathBuf,
    /// Removed with its content when this is dropped.
    _folder: Option<TempDir>,
}

impl File {
    /// Writes it where a person wants it, or else into a private folder of its own.
    pub(super) fn write(wanted: Option<&Path>, text: &str) -> Result<Self, Failure> {
        let (path, folder) = if let Some(path) = wanted {
            (path.to_owned(), None)
        } else {
            let folder = tempfile::Builder::new().prefix("hostwright-demo-").tempdir();
            let folder = folder.map_err(|error| Failure::failed(format!("cannot make a temporary folder: {error}")))?;
            (folder.path().join("kubeconfig"), Some(folder))
        };
        write_private(&path, text)
            .map_err(|error| Failure::failed(format!("kubeconfig {} cannot be written: {error}", path.display())))?;
        Ok(Self { path, _folder: folder })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// The server's kubeconfig, with a namespace that kubectl uses where none is named.
pub(super) fn in_namespace(text: &str, namespace: &str) -> Result<String, Failure> {
    let mut config: Value = serde_json::from_str(text)
        .map_err(|error| Failure::failed(format!("the API's kubeconfig is no JSON: {error}")))?;
    if let Some(context) = config.pointer_mut("/contexts/0/context") {
        context["namespace"] = json!(namespace);
    }
    Ok(format!("{config:#}\n"))
}

/// Refuses a file that is not of an embedded API: it might be somebody's way into their clusters.
///
/// # Errors
/// When the file exists and is something else, or cannot be read.
pub(super) fn may_be_replaced(path: &Path) -> Result<(), Failure> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(Failure::usage(format!("--kubeconfig {}: cannot be read: {error}", path.display())));
        }
    };
    if text.trim().is_empty() || is_ours(&text) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "--kubeconfig {}: exists, and Hostwright did not write it; name another file, since its content is replaced",
        path.display()
    )))
}

/// The token in a kubeconfig of an embedded API; none where the file is missing, or another one.
pub(super) fn token_in(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok().filter(|text| is_ours(text))?;
    let config: Value = serde_json::from_str(&text).ok()?;
    config["users"][0]["user"]["token"].as_str().map(str::to_owned)
}

fn is_ours(text: &str) -> bool {
    let Ok(config) = serde_json::from_str::<Value>(text) else {
        return false;
    };
    let names = |section: &str| -> Vec<Value> {
        config[section].as_array().into_iter().flatten().map(|entry| entry["name"].clone()).collect()
    };
    ["clusters", "users", "contexts"].iter().all(|section| names(section) == [json!(NAME)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_the_api() -> String {
        hostwright_apiserver::Server::new(hostwright_apiserver::Config::default())
            .kubeconfig(([127, 0, 0, 1], 6443).into())
            .unwrap()
    }

    #[test]
    fn only_a_file_of_an_embedded_api_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let check = |text: &str| {
            fs::write(&path, text).unwrap();
            may_be_replaced(&path).is_ok()
        };
        assert!(may_be_replaced(&folder.path().join("new")).is_ok());
        assert!(check(""));
        assert!(check(&in_namespace(&of_the_api(), "customers").unwrap()));
        assert!(!check("apiVersion: v1\nkind: Config\nclusters: [{name: production}]\n"));
        assert!(!check(&of_the_api().replace("\"name\": \"hostwright\"", "\"name\": \"production\"")));
    }

    #[test]
    #[cfg(unix)]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = File::write(None, "text").unwrap();
        assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn kubectl_finds_the_services_without_being_told_a_namespace() {
        let config: Value = serde_json::from_str(&in_namespace(&of_the_api(), "customers").unwrap()).unwrap();
        assert_eq!(config["contexts"][0]["context"]["namespace"], json!("customers"));
    }
}
