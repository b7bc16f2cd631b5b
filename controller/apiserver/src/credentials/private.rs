//! Files that only their owner may read.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// Writes a file that only its owner may read, at once or not at all.
///
/// A file that is there already is replaced and does not become readable to more people than before: one that its owner
/// may only read stays so. A symbolic link is followed.
///
/// # Errors
/// When the folder of the file is missing or cannot be written to, or the path is that of a folder or device.
pub fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let target = match fs::canonicalize(path) {
        Ok(target) if target.is_file() => target,
        Ok(_) => return Err(io::Error::other("is no regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Made for its owner alone, whatever the umask.
    let mut file = tempfile::Builder::new().prefix(".hostwright-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let allowed = fs::metadata(&target).map_or(0o600, |found| found.permissions().mode() & 0o600);
        file.as_file().set_permissions(fs::Permissions::from_mode(allowed))?;
    }
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    // The new name has to outlast a power cut too.
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    Ok(())
}

/// Makes a folder, for its owner alone where it is new.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Takes a file away from everybody but its owner.
#[cfg(unix)]
pub(super) fn narrow(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(
            file = %path.display(),
            "others on this machine could read this file; it is now closed to them, but what they read cannot be taken back"
        );
        fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700))?;
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn narrow(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn only_the_owner_may_read_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kubeconfig");
        write_private(&path, "one").unwrap();
        assert_eq!(mode(&path), 0o600);
        for (before, after) in [(0o644, 0o600), (0o400, 0o400), (0o440, 0o400), (0o600, 0o600)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(before)).unwrap();
            write_private(&path, "two").unwrap();
            assert_eq!(mode(&path), after, "was {before:o}");
            assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_link_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&path, "one").unwrap();
        symlink(&path, &link).unwrap();
        write_private(&link, "two").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write_private(folder.path(), "x").is_err());
        assert!(write_private(Path::new("/dev/null"), "x").is_err());
        assert!(write_private(&folder.path().join("missing/file"), "x").is_err());
    }
}
