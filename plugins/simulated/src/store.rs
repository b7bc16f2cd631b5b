//! Where remotes are kept: in memory, or one file each in a directory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hostwright_plugin::{Class, Error, Instance, Scope};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use uuid::Uuid;

use crate::remote::Simulated;

/// The file by which a directory is told from another one in its place. Without it nothing there is believed: a disk that
/// is not mounted has no remotes either.
const IDENTITY: &str = "identity";

/// The remotes of one instance.
#[derive(Debug)]
pub(crate) enum Store {
    Memory {
        /// Of the instance: each has a provider of its own.
        name: String,
        remotes: Mutex<BTreeMap<String, Simulated>>,
    },
    /// Nothing is cached: what stands in the directory counts, also when another process or a person changed it.
    Directory { path: PathBuf, strangers: u64 },
}

impl Store {
    pub(crate) fn of(instance: &Instance) -> Self {
        let strangers = instance.settings.get("strangers").and_then(Value::as_u64).unwrap_or_default();
        if let Some(path) = instance.text("directory").filter(|path| !path.is_empty()) {
            return Self::Directory { path: path.into(), strangers };
        }
        let there = self::strangers(strangers).map(|remote| (remote.key().to_owned(), remote)).collect();
        Self::Memory { name: instance.name.clone(), remotes: Mutex::new(there) }
    }

    /// What is kept under a key: its external id, or its own id where it has none.
    pub(crate) fn find(&self, key: &str) -> Result<Option<Simulated>, Error> {
        match self {
            Self::Memory { remotes, .. } => Ok(lock(remotes).get(key).cloned()),
            Self::Directory { path, .. } => {
                known(path)?;
                read(&file(path, key))
            }
        }
    }

    /// All of them, in the order of their keys.
    pub(crate) fn all(&self) -> Result<Vec<Simulated>, Error> {
        match self {
            Self::Memory { remotes, .. } => Ok(lock(remotes).values().cloned().collect()),
            Self::Directory { path, .. } => {
                known(path)?;
                let mut remotes: Vec<Simulated> = Vec::new();
                for path in files(path)? {
                    remotes.extend(read(&path)?);
                }
                // An adoption that was cut off between two files left both: the mark counts.
                let taken: BTreeSet<String> = remotes
                    .iter()
                    .filter(|remote| remote.external_id.is_some())
                    .map(|remote| remote.id.clone())
                    .collect();
                remotes.retain(|remote| remote.external_id.is_some() || !taken.contains(&remote.id));
                remotes.sort_by(|one, other| one.key().cmp(other.key()));
                Ok(remotes)
            }
        }
    }

    /// Keeps a remote in place of what is kept under its key.
    pub(crate) fn put(&self, remote: &Simulated) -> Result<(), Error> {
        match self {
            Self::Memory { remotes, .. } => {
                lock(remotes).insert(remote.key().to_owned(), remote.clone());
                Ok(())
            }
            Self::Directory { path, .. } => {
                known(path)?;
                write(path, remote).map_err(|error| unusable(path, &error, Class::Unknown))
            }
        }
    }

    pub(crate) fn remove(&self, key: &str) -> Result<(), Error> {
        match self {
            Self::Memory { remotes, .. } => {
                lock(remotes).remove(key);
                Ok(())
            }
            Self::Directory { path, .. } => {
                known(path)?;
                match fs::remove_file(file(path, key)) {
                    Err(error) if error.kind() != ErrorKind::NotFound => Err(unusable(path, &error, Class::Unknown)),
                    _ => Ok(()),
                }
            }
        }
    }

    /// What tells this provider from others. A directory that is missing is made, and is another one from then on.
    pub(crate) fn identity(&self) -> Result<String, Error> {
        match self {
            Self::Memory { name, .. } => Ok(format!("memory/{name}")),
            Self::Directory { path, strangers } => {
                identity(path, *strangers).map_err(|error| unusable(path, &error, Class::Unavailable))
            }
        }
    }
}

fn strangers(count: u64) -> impl Iterator<Item = Simulated> {
    (1..=count).map(Simulated::stranger)
}

fn identity(directory: &Path, count: u64) -> io::Result<String> {
    fs::create_dir_all(directory)?;
    let place = directory.join(IDENTITY);
    if !place.try_exists()? {
        strangers(count).try_for_each(|remote| write(directory, &remote))?;
        let mut written = NamedTempFile::new_in(directory)?;
        writeln!(written, "{}", Uuid::new_v4())?;
        written.as_file().sync_all()?;
        match written.persist_noclobber(&place) {
            // Another process was faster, and it is the same directory.
            Err(error) if error.error.kind() != ErrorKind::AlreadyExists => return Err(error.error),
            _ => {}
        }
    }
    Ok(fs::read_to_string(place)?.trim().to_owned())
}

/// Whether this is a directory that a connection test has seen.
fn known(directory: &Path) -> Result<(), Error> {
    let place = directory.join(IDENTITY);
    match place.try_exists() {
        Ok(true) => Ok(()),
        Ok(false) => Err(unusable(&place, &io::Error::from(ErrorKind::NotFound), Class::Unavailable)),
        Err(error) => Err(unusable(&place, &error, Class::Unavailable)),
    }
}

/// A whole file or none: written beside its place, then renamed.
fn write(directory: &Path, remote: &Simulated) -> io::Result<()> {
    let mut written = NamedTempFile::new_in(directory)?;
    serde_json::to_writer_pretty(&mut written, remote)?;
    written.write_all(b"\n")?;
    written.as_file().sync_all()?;
    written.persist(file(directory, remote.key()))?;
    Ok(())
}

fn files(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |error: io::Error| unusable(directory, &error, Class::Unavailable);
    let entries = fs::read_dir(directory).map_err(failed)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>().map_err(failed)?;
    Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect())
}

fn read(path: &Path) -> Result<Option<Simulated>, Error> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|error| unusable(path, &error, Class::Unavailable))?,
    };
    let remote = serde_json::from_slice(&text).map_err(|error| unusable(path, &error.into(), Class::Unavailable))?;
    Ok(Some(remote))
}

/// The file of a remote. External ids may be longer than a file name can be, and hold what it cannot.
fn file(directory: &Path, key: &str) -> PathBuf {
    let name = Sha256::digest(key).iter().fold(String::new(), |name, byte| name + &format!("{byte:02x}"));
    directory.join(name).with_extension("json")
}

fn unusable(path: &Path, error: &io::Error, class: Class) -> Error {
    let message = format!("{}: {error}; the controller must be able to read and write it", path.display());
    Error::new(class, "directory", message).scoped(Scope::Instance).on_field("instance.directory")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind it is whole after each statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
