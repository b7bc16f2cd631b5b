//! Where an export goes: a file or a folder that nobody else may read.

use std::fs;
use std::path::{Path, PathBuf};

use hostwright_apiserver::write_private;
use hostwright_crds::manifests;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::output::Output;
use super::collect::Collected;

/// The folder of the definitions in a folder; `kubectl apply -f` does not look into it.
const DEFINITIONS: &str = "definitions";

/// Where an export goes.
pub(super) enum Destination {
    Terminal,
    File(PathBuf),
    Folder(PathBuf),
}

impl Destination {
    /// A place that holds nothing yet: what is there may be needed, and half of an earlier export would be applied too.
    pub(super) fn open(out: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = out else { return Ok(Self::Terminal) };
        let failed = |error: std::io::Error| Failure::failed(format!("--out {}: {error}", path.display()));
        if is_folder(path) {
            fs::create_dir_all(path).map_err(failed)?;
            if fs::read_dir(path).map_err(failed)?.next().is_some() {
                return Err(Failure::usage(format!(
                    "--out {}: the folder is not empty; name a new one",
                    path.display()
                )));
            }
            return Ok(Self::Folder(path.to_owned()));
        }
        for path in [path.to_owned(), definitions_beside(path)] {
            if path.exists() {
                return Err(Failure::usage(format!("--out {}: exists already; name a new file", path.display())));
            }
        }
        // Written once before anything else happens, so that nothing happens where it cannot be.
        write_private(path, "").map_err(failed)?;
        fs::remove_file(path).map_err(failed)?;
        Ok(Self::File(path.to_owned()))
    }

    /// Writes it.
    pub(super) fn write(&self, collected: &Collected, definitions: bool, output: &Output) -> Result<(), Failure> {
        let whole = || -> Result<String, Failure> {
            let all = collected.files.iter().flat_map(|file| &file.objects);
            all.map(document).collect()
        };
        match self {
            Self::Terminal => output.text(&whole()?),
            Self::File(path) => {
                write(path, &whole()?)?;
                if definitions {
                    write(&definitions_beside(path), &of_definitions()?)?;
                }
                Ok(())
            }
            Self::Folder(folder) => {
                for file in &collected.files {
                    let text: Result<String, Failure> = file.objects.iter().map(document).collect();
                    write(&folder.join(&file.name), &text?)?;
                }
                if definitions {
                    let folder = folder.join(DEFINITIONS);
                    let made = fs::create_dir(&folder);
                    made.map_err(|error| Failure::failed(format!("{}: {error}", folder.display())))?;
                    write(&folder.join("definitions.yaml"), &of_definitions()?)?;
                }
                Ok(())
            }
        }
    }
}

/// What is done with an export on the other cluster.
pub(super) fn steps(out: &Path, definitions: bool) -> Vec<String> {
    let kinds = match (definitions, is_folder(out)) {
        (true, true) => format!("kubectl apply -f {}", out.join(DEFINITIONS).display()),
        (true, false) => format!("kubectl apply -f {}", definitions_beside(out).display()),
        (false, _) => "hostwright crds | kubectl apply -f -".to_owned(),
    };
    vec![kinds, format!("kubectl apply -f {}", out.display())]
}

fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().to_string_lossy().ends_with(std::path::MAIN_SEPARATOR)
}

/// `export.yaml` has its definitions in `export-definitions.yaml`.
fn definitions_beside(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-{DEFINITIONS}.yaml"))
}

fn of_definitions() -> Result<String, Failure> {
    manifests::all().into_iter().map(|definition| document(&json!(definition))).collect()
}

fn document(object: &Value) -> Result<String, Failure> {
    let text = serde_saphyr::to_string(object);
    let text = text.map_err(|error| Failure::failed(format!("cannot write YAML: {error}")))?;
    Ok(format!("---\n{text}"))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    write_private(path, text).map_err(|error| Failure::failed(format!("{} cannot be written: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_there_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("export.yaml");
        assert!(Destination::open(Some(&file)).is_ok());
        assert!(!file.exists());
        fs::write(folder.path().join("export-definitions.yaml"), "").unwrap();
        assert!(Destination::open(Some(&file)).is_err());
        assert!(Destination::open(Some(folder.path())).is_err(), "not empty");
        let new = PathBuf::from(format!("{}/", folder.path().join("new").display()));
        assert!(matches!(Destination::open(Some(&new)), Ok(Destination::Folder(_))));
        assert!(Destination::open(Some(Path::new("nowhere/at/all.yaml"))).is_err());
    }

    #[test]
    fn the_steps_apply_definitions_first() {
        assert_eq!(
            steps(Path::new("out.yaml"), true),
            ["kubectl apply -f out-definitions.yaml", "kubectl apply -f out.yaml"]
        );
        assert_eq!(steps(Path::new("out/"), false), ["hostwright crds | kubectl apply -f -", "kubectl apply -f out/"]);
    }
}
