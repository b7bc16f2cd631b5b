//! The files made from the types are as the types say.

#![cfg(test)]

use std::fs;
use std::path::Path;

#[test]
fn generated_files_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for file in hostwright_crds::generated::files().unwrap() {
        let present = fs::read_to_string(root.join(&file.path)).unwrap_or_default();
        assert!(present == file.content, "{} is out of date: `just generate` writes it anew", file.path);
    }
}

#[test]
fn every_manifest_in_the_folders_belongs_to_a_kind() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for folder in ["crds/manifests", "charts/hostwright/definitions"] {
        let mut found: Vec<String> = fs::read_dir(root.join(folder))
            .unwrap()
            .map(|entry| format!("{folder}/{}", entry.unwrap().file_name().to_string_lossy()))
            .collect();
        found.sort();
        let files = hostwright_crds::generated::files().unwrap();
        let expected: Vec<_> =
            files.into_iter().map(|file| file.path).filter(|path| path.starts_with(folder)).collect();
        assert_eq!(found, expected);
    }
}
