//! Reads manifests, each with the place it stands at: an error names file and line.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::failure::Failure;
use super::document::{self, Document, Lines, Unreadable};

/// What files of manifests end with.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// An object as it is written down.
#[derive(Debug, Clone)]
pub(in super::super) struct Manifest {
    /// The file.
    source: String,
    pub(in super::super) object: Value,
    lines: Lines,
}

impl Manifest {
    /// A text of the object; empty where there is none.
    pub(in super::super) fn text(&self, pointer: &str) -> &str {
        self.object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// `services.yaml:12`
    pub(in super::super) fn place(&self) -> String {
        format!("{}:{}", self.source, self.lines.first())
    }

    /// The place of a field such as `spec.owner.email`; of what is around it, where it is not written.
    pub(in super::super) fn place_of(&self, field: &str) -> String {
        format!("{}:{}", self.source, self.lines.of(field))
    }
}

/// Reads every manifest of these files, folders and, as `-`, of standard input.
pub(in super::super) fn read_all(paths: &[PathBuf]) -> Result<Vec<Manifest>, Failure> {
    let mut manifests = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut text = String::new();
            let read = std::io::stdin().read_to_string(&mut text);
            read.map_err(|error| Failure::failed(format!("cannot read standard input: {error}")))?;
            manifests.extend(read_text("standard input", &text)?);
            continue;
        }
        for file in files(path)? {
            manifests.extend(read(&file)?);
        }
    }
    Ok(manifests)
}

/// Reads the manifests of one file.
fn read(file: &Path) -> Result<Vec<Manifest>, Failure> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|error| unreadable(file, &error))?;
    read_text(&name, &text)
}

/// A file itself; of a folder the files in it that hold manifests, by name.
fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !fs::metadata(path).map_err(|error| unreadable(path, &error))?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| unreadable(path, &error))? {
        let file = entry.map_err(|error| unreadable(path, &error))?.path();
        let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if ENDINGS.contains(&ending) && file.is_file() {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(Failure::failed(format!("{}: no file ends with .yaml, .yml or .json", path.display())));
    }
    files.sort();
    Ok(files)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("{}: cannot be read: {error}", path.display()))
}

fn read_text(source: &str, text: &str) -> Result<Vec<Manifest>, Failure> {
    let mut manifests = Vec::new();
    for read in document::read(text) {
        let document =
            read.map_err(|Unreadable { line, problem, .. }| Failure::failed(format!("{source}:{line}: {problem}")))?;
        manifests.extend(objects(source, document));
    }
    for manifest in &manifests {
        check(manifest)?;
    }
    Ok(manifests)
}

/// A list is what is in it.
fn objects(source: &str, Document { mut value, lines }: Document) -> Vec<Manifest> {
    let manifest = |object, lines| Manifest { source: source.to_owned(), object, lines };
    if value["kind"] != "List" {
        return vec![manifest(value, lines)];
    }
    let items = value["items"].take().as_array().cloned().unwrap_or_default();
    let inner = |(index, item)| manifest(item, lines.below(&format!("items.{index}")));
    items.into_iter().enumerate().map(inner).collect()
}

/// An object has a version, a kind and a name.
fn check(manifest: &Manifest) -> Result<(), Failure> {
    for (field, example) in
        [("apiVersion", "hostwright.dev/v1alpha1"), ("kind", "HostingService"), ("metadata.name", "alice-survival")]
    {
        if manifest.text(&format!("/{}", field.replace('.', "/"))).is_empty() {
            let place = manifest.place_of(field);
            return Err(Failure::failed(format!("{place}: {field} is missing; expected a text such as {example}")));
        }
    }
    Ok(())
}

/// Definitions and namespaces first, since the others need them; otherwise as written.
pub(in super::super) fn order(manifests: &mut [Manifest]) {
    manifests.sort_by_key(|manifest| match manifest.text("/kind") {
        "CustomResourceDefinition" => 0,
        "Namespace" => 1,
        _ => 2,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "# first\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: customers\n--- # second\n\napiVersion: v1\nkind: \
                       Secret\nmetadata: {name: key}\nstringData:\n  text: |\n    a\n     --- b\n";

    fn said(text: &str) -> String {
        read_text("a.yaml", text).unwrap_err().message().unwrap_or_default().to_owned()
    }

    #[test]
    fn every_object_and_every_field_has_its_place() {
        let found = read_text("a.yaml", TWO).unwrap();
        let places: Vec<_> = found.iter().map(|manifest| (manifest.place(), manifest.text("/kind"))).collect();
        assert_eq!(places, [("a.yaml:2".to_owned(), "Namespace"), ("a.yaml:8".to_owned(), "Secret")]);
        assert_eq!(found[0].place_of("metadata.name"), "a.yaml:5");
        assert_eq!(found[1].place_of("stringData.text"), "a.yaml:12");
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_line_in_the_file() {
        let twice = "kind: A\n---\napiVersion: v1\nkind: Secret\nkind: Namespace\n";
        assert!(said(twice).starts_with("a.yaml:5: "), "{}", said(twice));
        let nameless = "apiVersion: v1\nkind: Secret\nmetadata: {}\n";
        assert_eq!(said(nameless), "a.yaml:3: metadata.name is missing; expected a text such as alice-survival");
    }

    #[test]
    fn the_items_of_a_list_are_manifests() {
        let list = r#"{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}]}"#;
        assert_eq!(read_text("a.json", list).unwrap()[0].text("/metadata/name"), "a");
    }

    #[test]
    fn what_others_need_comes_first() {
        let mut found =
            read_text("a.yaml", &format!("{TWO}---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: b}}\n"))
                .unwrap();
        order(&mut found);
        assert_eq!(
            found.iter().map(|manifest| manifest.text("/kind")).collect::<Vec<_>>(),
            ["Namespace", "Namespace", "Secret"]
        );
    }
}
