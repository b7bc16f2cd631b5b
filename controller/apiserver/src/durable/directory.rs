//! The data directory: who may read it, and which process has it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::OpenError;

const DATABASE: &str = "apiserver.db";
const UNFINISHED: &str = "apiserver.db.unfinished";
const LOCK: &str = "apiserver.lock";

/// A directory that this process has to itself for as long as this value lives.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Creates the directory where it is missing, readable for its owner alone, and locks it.
    pub(super) fn lock(path: &Path) -> Result<Self, OpenError> {
        create(path).map_err(OpenError::files("create the directory", path))?;
        let file = path.join(LOCK);
        let mut lock = private().create(true).open(&file).map_err(OpenError::files("open", &file))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::InUse { path: path.to_owned(), process: holder(&mut lock) });
            }
            Err(TryLockError::Error(error)) => return Err(OpenError::files("lock", &file)(error)),
        }
        // Says who holds the lock; where even that cannot be written, opening the database says why.
        let id = std::process::id();
        lock.set_len(0).and_then(|()| writeln!(lock, "{id}")).ok();
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn database(&self) -> PathBuf {
        database_in(&self.path)
    }

    /// Where a database is made. It gets its real name when it is complete, so that an empty or half one is never taken
    /// for a new one.
    pub(super) fn unfinished_database(&self) -> PathBuf {
        self.path.join(UNFINISHED)
    }

    /// Gives the finished database its name.
    pub(super) fn finish_database(&self) -> Result<(), OpenError> {
        let path = self.database();
        std::fs::rename(self.unfinished_database(), &path).map_err(OpenError::files("create", &path))?;
        sync(&self.path)
    }
}

/// Makes sure that a directory holds nothing, or does not exist. What an interrupted restore left does not count.
pub(super) fn vacant(directory: &Path) -> Result<(), OpenError> {
    let entries = match directory.read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(OpenError::files("read", directory)(error)),
    };
    for entry in entries {
        let name = entry.map_err(OpenError::files("read", directory))?.file_name();
        if name != LOCK && name != UNFINISHED {
            return Err(OpenError::Occupied { path: directory.to_owned(), what: "is not empty" });
        }
    }
    Ok(())
}

/// Where the database of a data directory is.
pub(super) fn database_in(directory: &Path) -> PathBuf {
    directory.join(DATABASE)
}

/// Makes the names of new files in a directory last.
pub(super) fn sync(directory: &Path) -> Result<(), OpenError> {
    // Elsewhere than on Unix a directory cannot be opened as a file.
    if cfg!(unix) {
        File::open(directory).and_then(|opened| opened.sync_all()).map_err(OpenError::files("write to", directory))?;
    }
    Ok(())
}

/// Options for a file that only its owner may read; combine with `create` or `create_new`.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn create(path: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn holder(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
