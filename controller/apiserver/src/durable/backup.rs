//! Backups, made while the server runs, and what becomes of one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::OpenError;
use super::database::Database;
use super::directory::{self, Directory};

/// By how much a restored server counts on: more than any server writes between a backup and its restore.
const STEP: u64 = 1_000_000_000_000;

/// Copies the database of a data directory into one new file that only its owner may read.
///
/// Works while a server uses the directory, in this process or another: the copy is what was there at one moment. It is
/// read back and checked before it gets its name.
///
/// # Errors
/// When there is already something at `to`, when the directory holds no database, or the disk of the copy is full.
pub fn backup(directory: &Path, to: &Path) -> Result<(), OpenError> {
    let database = Database::connect(&directory::database_in(directory))?;
    vacant(to)?;
    let mut unfinished = OsString::from(to);
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    vacant(&unfinished)?;
    let copied = database
        .copy_to(&unfinished)
        .and_then(|()| Database::connect(&unfinished)?.verify())
        .and_then(|()| std::fs::rename(&unfinished, to).map_err(OpenError::files("create", to)));
    if copied.is_err() {
        std::fs::remove_file(&unfinished).ok();
    }
    copied?;
    directory::sync(to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

/// Makes a data directory out of a backup. The directory is created; one that exists has to be empty.
///
/// Objects keep their uids and resource versions. New resource versions begin 1,000,000,000,000 above those of the
/// backup, so that none comes twice even though clients have seen later ones than the backup knows; a watch or a list
/// that goes on from an old one is answered with 410.
///
/// # Errors
/// When the backup is damaged, of a newer version, or no backup, and when the directory is not empty or in use.
pub fn restore(backup: &Path, directory: &Path) -> Result<(), OpenError> {
    let original = Database::connect(backup)?;
    original.verify()?;
    directory::vacant(directory)?;
    let directory = Directory::lock(directory)?;
    let unfinished = directory.unfinished_database();
    std::fs::remove_file(&unfinished).ok();
    original.copy_to(&unfinished)?;
    let mut copy = Database::connect(&unfinished)?;
    copy.leap(STEP)?;
    copy.close();
    directory.finish_database()
}

fn vacant(path: &Path) -> Result<(), OpenError> {
    // Also a link that leads nowhere is something.
    match path.symlink_metadata() {
        Ok(_) => Err(OpenError::Occupied { path: path.to_owned(), what: "exists already" }),
        Err(_) => Ok(()),
    }
}
