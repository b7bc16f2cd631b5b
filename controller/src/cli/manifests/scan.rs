//! What is in the folder: which files, and whether they are as they were.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The largest file that is read.
const LARGEST: u64 = 4 * 1024 * 1024;
/// The most files that are looked at: more are no folder of manifests, but a mistaken path.
const MOST_FILES: usize = 10_000;

/// The folder at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Snapshot {
    /// By their path in the folder.
    pub(in super::super) files: BTreeMap<PathBuf, Stamp>,
    /// What cannot be looked into, and why.
    pub(in super::super) problems: BTreeMap<PathBuf, String>,
    /// Folders in which there is nothing at all, as where something was mounted before.
    pub(in super::super) empty: BTreeSet<PathBuf>,
}

/// Changes whenever the file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    /// Which file it is, and when it last became it.
    identity: (u64, u64, i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self { modified: metadata.modified().ok(), size: metadata.len(), identity: identity(metadata) }
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, u64, i64, i64) {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn identity(_metadata: &Metadata) -> (u64, u64, i64, i64) {
    (0, 0, 0, 0)
}

/// Looks into the folder and those in it. Links are followed, hidden files and those of editors are not seen.
pub(in super::super) fn scan(root: &Path) -> Snapshot {
    let mut snapshot = Snapshot::default();
    visit(root, Path::new(""), &mut Vec::new(), &mut snapshot);
    if snapshot.files.len() > MOST_FILES {
        let problem = format!("holds more than {MOST_FILES} manifests; expected a folder for them alone");
        return Snapshot { problems: [(PathBuf::new(), problem)].into(), ..Snapshot::default() };
    }
    snapshot
}

/// `above` are the folders that lead to this one, without links.
fn visit(root: &Path, folder: &Path, above: &mut Vec<PathBuf>, snapshot: &mut Snapshot) {
    let mut problem = |problem: String| snapshot.problems.insert(folder.to_owned(), problem);
    let listed = fs::canonicalize(root.join(folder)).and_then(|real| {
        let entries = fs::read_dir(&real)?.collect::<io::Result<Vec<_>>>()?;
        Ok((real, entries))
    });
    let (real, entries) = match listed {
        Ok(listed) => listed,
        Err(error) => {
            problem(format!("cannot be read: {error}"));
            return;
        }
    };
    if above.contains(&real) {
        problem("is a link that leads in a circle".to_owned());
        return;
    }
    if entries.is_empty() {
        snapshot.empty.insert(folder.to_owned());
    }
    above.push(real);
    for entry in entries {
        let name = entry.file_name();
        if is_hidden(&name.to_string_lossy()) || snapshot.files.len() > MOST_FILES {
            continue;
        }
        let path = folder.join(&name);
        match fs::metadata(entry.path()) {
            Ok(metadata) if metadata.is_dir() => visit(root, &path, above, snapshot),
            Ok(metadata) if is_manifest(&path) => add(path, &metadata, snapshot),
            Ok(_) => {}
            // Gone since the folder was listed, unless it is a link to nowhere.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !entry.path().is_symlink() => {}
            Err(error) => {
                snapshot.problems.insert(path, format!("cannot be read: {error}"));
            }
        }
    }
    above.pop();
}

fn add(path: PathBuf, metadata: &Metadata, snapshot: &mut Snapshot) {
    if !metadata.is_file() {
        snapshot.problems.insert(path, "is no file".to_owned());
    } else if metadata.len() > LARGEST {
        let problem = format!("is {} bytes long, and at most {LARGEST} are read; split it", metadata.len());
        snapshot.problems.insert(path, problem);
    } else {
        snapshot.files.insert(path, Stamp::of(metadata));
    }
}

/// `.name` by custom, and what Emacs keeps beside a file.
fn is_hidden(name: &str) -> bool {
    name.starts_with(['.', '#'])
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

/// The text of a file that is still as its stamp says; none where it is not, and will be seen again.
///
/// # Errors
/// When the file is there and cannot be read.
pub(in super::super) fn read(root: &Path, path: &Path, stamp: Stamp) -> io::Result<Option<String>> {
    let path = root.join(path);
    let text = fs::read_to_string(&path).map(Some).or_else(none_where_gone)?;
    let now = fs::metadata(&path).map(Some).or_else(none_where_gone)?;
    Ok(text.filter(|_| now.is_some_and(|now| Stamp::of(&now) == stamp)))
}

fn none_where_gone<T>(error: io::Error) -> io::Result<Option<T>> {
    if error.kind() == io::ErrorKind::NotFound { Ok(None) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn with(files: &[&str]) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            for file in files {
                folder.write(file, "kind: A\n");
            }
            folder
        }

        fn write(&self, file: &str, text: &str) {
            let path = self.0.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn scan(&self) -> Snapshot {
            scan(self.0.path())
        }
    }

    fn names(snapshot: &Snapshot) -> Vec<&str> {
        snapshot.files.keys().map(|path| path.to_str().unwrap()).collect()
    }

    #[test]
    fn manifests_are_found_at_any_depth_and_nothing_else_is() {
        let folder = Folder::with(&[
            "b.yaml",
            "a.yml",
            "c.JSON",
            "customers/alice.yaml",
            "README.md",
            ".hidden.yaml",
            ".git/config.yaml",
            "#b.yaml",
            "b.yaml~",
            "b.yaml.swp",
            "yaml",
        ]);
        assert_eq!(names(&folder.scan()), ["a.yml", "b.yaml", "c.JSON", "customers/alice.yaml"]);
    }

    #[test]
    fn any_change_of_a_file_changes_its_stamp() {
        let folder = Folder::with(&["a.yaml", "b.yaml"]);
        let before = folder.scan();
        assert_eq!(folder.scan(), before);
        folder.write("a.yaml", "kind: Longer\n");
        assert_ne!(folder.scan().files[Path::new("a.yaml")], before.files[Path::new("a.yaml")]);
        // As editors do: another file takes the name.
        fs::write(folder.0.path().join("new"), "kind: B\n").unwrap();
        fs::rename(folder.0.path().join("new"), folder.0.path().join("b.yaml")).unwrap();
        assert_ne!(folder.scan().files[Path::new("b.yaml")], before.files[Path::new("b.yaml")]);
    }

    #[test]
    fn a_file_that_changed_since_it_was_seen_is_not_read() {
        let folder = Folder::with(&["a.yaml"]);
        let path = Path::new("a.yaml");
        let stamp = folder.scan().files[path];
        assert_eq!(read(folder.0.path(), path, stamp).unwrap().as_deref(), Some("kind: A\n"));
        folder.write("a.yaml", "kind: Longer\n");
        assert_eq!(read(folder.0.path(), path, stamp).unwrap(), None);
        fs::remove_file(folder.0.path().join(path)).unwrap();
        assert_eq!(read(folder.0.path(), path, stamp).unwrap(), None);
    }

    #[test]
    fn what_cannot_be_looked_into_is_a_problem_and_not_an_absence() {
        let missing = Folder::with(&[]).0.path().join("missing");
        assert!(scan(&missing).problems[Path::new("")].starts_with("cannot be read: No such file"));
        let folder = Folder::with(&["a.yaml"]);
        folder.write("large.yaml", &"#".repeat(5 * 1024 * 1024));
        fs::create_dir(folder.0.path().join("mount")).unwrap();
        let snapshot = folder.scan();
        assert!(snapshot.problems[Path::new("large.yaml")].contains("split it"));
        assert!(snapshot.empty.contains(Path::new("mount")));
        assert_eq!(names(&snapshot), ["a.yaml"]);
    }

    #[test]
    #[cfg(unix)]
    fn links_are_followed_and_those_that_lead_nowhere_or_in_a_circle_are_problems() {
        use std::os::unix::fs::symlink;
        // As a ConfigMap is mounted: the files are links through a hidden link, which is swapped.
        let folder = Folder::with(&["..2027/a.yaml", "..2028/a.yaml"]);
        let at = |name: &str| folder.0.path().join(name);
        symlink("..2027", at("..data")).unwrap();
        symlink("..data/a.yaml", at("a.yaml")).unwrap();
        let before = folder.scan();
        assert_eq!(names(&before), ["a.yaml"]);
        symlink("..2028", at("..new")).unwrap();
        fs::rename(at("..new"), at("..data")).unwrap();
        assert_ne!(folder.scan(), before);

        symlink("nowhere.yaml", at("b.yaml")).unwrap();
        assert!(folder.scan().problems.contains_key(Path::new("b.yaml")));
        symlink(".", at("circle")).unwrap();
        let snapshot = folder.scan();
        assert!(snapshot.problems[Path::new("circle")].contains("circle"), "{snapshot:?}");
        assert_eq!(names(&snapshot), ["a.yaml"]);
    }
}
