//! Why a data directory cannot be used.

use std::path::{Path, PathBuf};

/// A data directory, or a backup, that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory or a file in it cannot be created, opened or read.
    #[error("cannot {action} {}: {error}; {}", path.display(), advice(error))]
    Files {
        /// What was tried, as in "cannot create".
        action: &'static str,
        /// The directory or file it was tried with.
        path: PathBuf,
        /// What the operating system answered.
        error: std::io::Error,
    },
    /// Another process serves this directory.
    #[error(
        "{} is in use by another process{}; stop that one first, or choose another directory",
        path.display(), process.map(|id| format!(" (process id {id})")).unwrap_or_default()
    )]
    InUse {
        /// The data directory.
        path: PathBuf,
        /// The other process, where it could be found out.
        process: Option<u32>,
    },
    /// There is no database where one has to be.
    #[error("there is no database {}; check the directory", path.display())]
    Missing {
        /// The file that is missing.
        path: PathBuf,
    },
    /// The database is of a later version of this program.
    #[error(
        "{} was written by a newer version (its schema is {found}, this version knows {known}); run that version, or restore a \
         backup that this version made",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// The schema version found in it.
        found: i64,
        /// The latest schema version that can be read.
        known: i64,
    },
    /// The file is a database of something else.
    #[error("{} is no database of this server; check the path", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The database does not hold what was written to it.
    #[error(
        "{} is damaged: {finding}; keep the directory for inspection and restore a backup into a new one: hostwright restore \
         --from BACKUP --data-dir NEW-DIRECTORY",
        path.display()
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What was found.
        finding: String,
    },
    /// Something is already where a new file or directory should come to be.
    #[error("{} {what}; choose another, nothing was changed", path.display())]
    Occupied {
        /// The file or directory.
        path: PathBuf,
        /// What is there.
        what: &'static str,
    },
    /// The server keeps everything in memory.
    #[error("this server keeps nothing on disk, so there is nothing to back up")]
    InMemory,
    /// SQLite cannot carry out what it was asked, for a reason outside of the file.
    #[error("cannot use the database {}: {}", path.display(), explain(error))]
    Database {
        /// The database.
        path: PathBuf,
        /// What SQLite answered.
        error: rusqlite::Error,
    },
}

impl OpenError {
    pub(super) fn files(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Files { action, path, error }
    }

    /// What SQLite says of a file: damaged, or not usable just now.
    pub(super) fn database(path: &Path) -> impl Fn(rusqlite::Error) -> Self {
        let path = path.to_owned();
        move |error| {
            let path = path.clone();
            match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                    Self::Damaged { path, finding: error.to_string() }
                }
                _ => Self::Database { path, error },
            }
        }
    }
}

/// The words of SQLite, and what can be done.
pub(super) fn explain(error: &rusqlite::Error) -> String {
    use rusqlite::ErrorCode::{CannotOpen, DatabaseBusy, DiskFull, ReadOnly, SystemIoFailure};
    let advice = match error.sqlite_error_code() {
        Some(DiskFull) => "the disk is full: make room on it",
        Some(ReadOnly) => "the disk or the file is read-only: make it writable",
        Some(CannotOpen) => "check that the files in this directory can be read and written",
        Some(DatabaseBusy) => "another program holds the database: close it",
        Some(SystemIoFailure) => "the disk failed, or is full, or the file has reached a limit of its size",
        _ => "see the log of the operating system about this disk",
    };
    format!("{error} ({advice})")
}

fn advice(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind::{NotFound, PermissionDenied, ReadOnlyFilesystem, StorageFull};
    match error.kind() {
        StorageFull => "make room on that disk",
        ReadOnlyFilesystem => "choose a directory on a disk that is writable",
        PermissionDenied => "give this user the right to it, or choose another",
        NotFound => "check the path",
        _ => "check the path and the disk",
    }
}
