//! The file that keeps the order while there is no object of it.

use std::fs;
use std::path::{Path, PathBuf};

use hostwright_apiserver::write_private;
use serde_json::Value;

use super::super::failure::Failure;
use super::super::program;
use super::super::service::Service;

/// Where the order is kept, on this machine.
pub(super) struct Keeping {
    path: PathBuf,
    /// Whether a person wants to have it, and not only the time in between.
    wanted: bool,
}

impl Keeping {
    /// A new file: what is there may be all that is left of another order.
    pub(super) fn at(name: &str, out: Option<&Path>) -> Result<Self, Failure> {
        let path = out.map_or_else(|| usual(name), Path::to_owned);
        if path.exists() {
            return Err(Failure::usage(format!(
                "{} exists already, perhaps from an attempt that was cut off; look at it, then remove it, or name another file \
                 with --out. Nothing was changed",
                path.display()
            )));
        }
        Ok(Self { path, wanted: out.is_some() })
    }

    pub(super) fn write(&self, text: &str) -> Result<(), Failure> {
        let written = write_private(&self.path, text);
        written.map_err(|error| {
            let path = self.path.display();
            Failure::failed(format!(
                "{path}: {error}. The order is kept there before anything is deleted; nothing was changed"
            ))
        })
    }

    /// The object is there again.
    pub(super) fn let_go(&self) {
        if !self.wanted {
            // One that stays does no harm, and the next attempt names it.
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Nothing was deleted after all, for this reason.
    pub(super) fn forget(&self, failure: Failure) -> Failure {
        let _ = fs::remove_file(&self.path);
        failure
    }

    /// The same failure, with where the order is now.
    pub(super) fn hint(&self, failure: &Failure) -> Failure {
        Failure::failed(format!(
            "{}. The order is kept in {path}; once the old object is gone: {} apply -f {path}",
            failure.message().unwrap_or_default(),
            program::name(),
            path = self.path.display(),
        ))
    }
}

/// The same failure; where a file says that an earlier attempt was cut off, with that.
pub(super) fn after_an_attempt(name: &str, failure: Failure) -> Failure {
    let path = usual(name);
    if !path.exists() {
        return failure;
    }
    let message = failure.message().unwrap_or_default();
    Failure::failed(format!(
        "{message}. {path} is there, perhaps from an attempt that was cut off; look at it, then: {} apply -f {path}",
        program::name(),
        path = path.display()
    ))
}

fn usual(name: &str) -> PathBuf {
    PathBuf::from(format!("recreate-{name}.yaml"))
}

/// The file's text.
pub(super) fn text(service: &Service, manifest: &Value) -> Result<String, Failure> {
    let yaml = serde_saphyr::to_string(manifest);
    let yaml = yaml.map_err(|error| Failure::failed(format!("cannot write YAML: {error}")))?;
    let uid = service.object.metadata.uid.as_deref().unwrap_or_default();
    Ok(format!("# In place of {}, UID {uid}, which has ended.\n{yaml}", service.title()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_is_kept_is_never_overwritten_and_goes_when_it_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alice.yaml");
        let keeping = Keeping { path: path.clone(), wanted: false };
        keeping.write("the order").unwrap();
        assert_eq!(Keeping::at("alice", Some(&path)).map(drop).unwrap_err().exit_code(), 2);
        let said = keeping.hint(&Failure::failed("cut off"));
        assert!(said.message().unwrap_or_default().contains("alice.yaml; once the old object is gone"), "{said:?}");
        keeping.let_go();
        assert!(!path.exists());
        let wanted = Keeping::at("alice", Some(&path)).unwrap();
        wanted.write("the order").unwrap();
        wanted.let_go();
        assert!(path.exists(), "a person asked for it");
    }

    #[test]
    fn nothing_goes_on_where_the_order_cannot_be_kept() {
        let keeping = Keeping::at("alice", Some(Path::new("nowhere/at/all.yaml"))).unwrap();
        assert!(keeping.write("the order").unwrap_err().message().unwrap_or_default().contains("nothing was changed"));
    }
}
