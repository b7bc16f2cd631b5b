//! What the files ask for: each object with the place where it is written.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use kube::core::GroupVersionKind;
use serde_json::Value;

use super::super::super::manifests::document::{self, Document, Lines};
use super::scan::Stamp;

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) file: PathBuf,
    pub(super) line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// Something that a person has to mend, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Problem {
    pub(super) place: Place,
    /// What is wrong with what, beginning with the object or the field.
    pub(super) text: String,
    /// Whether it may pass without an edit of the file.
    pub(super) may_pass: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// An object as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Manifest {
    pub(super) file: PathBuf,
    pub(super) lines: Lines,
    pub(super) kind: GroupVersionKind,
    /// As it is written, whether or not the kind has namespaces.
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    pub(super) value: Value,
}

impl Manifest {
    /// The line of a field.
    pub(super) fn place_of(&self, field: &str) -> Place {
        Place { file: self.file.clone(), line: self.lines.of(field) }
    }

    /// Where it begins.
    pub(super) fn place(&self) -> Place {
        Place { file: self.file.clone(), line: self.lines.first() }
    }
}

/// What the files say together.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) manifests: Vec<Manifest>,
    pub(super) problems: Vec<Problem>,
    /// Files in which nothing is written, as after an editor that broke off.
    pub(super) blank: Vec<PathBuf>,
}

/// Reads these files, in the order of their names.
///
/// A file that changed meanwhile, or is gone, is left out of both.
pub(super) fn read(
    files: &BTreeMap<PathBuf, Stamp>,
    mut text_of: impl FnMut(&Path, Stamp) -> io::Result<Option<String>>,
) -> (Contents, BTreeMap<PathBuf, Stamp>) {
    let (mut contents, mut seen) = (Contents::default(), BTreeMap::new());
    for (file, stamp) in files {
        match text_of(file, *stamp) {
            Ok(Some(text)) => {
                contents.add(file, &text);
                seen.insert(file.clone(), *stamp);
            }
            Ok(None) => {}
            Err(error) => {
                let place = Place { file: file.clone(), line: 1 };
                contents.problems.push(Problem { place, text: format!("cannot be read: {error}"), may_pass: true });
                seen.insert(file.clone(), *stamp);
            }
        }
    }
    (contents, seen)
}

impl Contents {
    fn add(&mut self, file: &Path, text: &str) {
        let documents = document::read(text);
        if documents.is_empty() {
            self.blank.push(file.to_owned());
        }
        for document in documents {
            match document {
                Ok(document) => self.add_document(file, document),
                Err(unreadable) => self.problem(file, unreadable.line, unreadable.problem),
            }
        }
    }

    /// A list is what is in it.
    fn add_document(&mut self, file: &Path, mut document: Document) {
        let is_list = document.value["apiVersion"] == "v1" && document.value["kind"] == "List";
        if !is_list {
            return self.add_object(file, document);
        }
        match document.value["items"].take() {
            Value::Array(items) => {
                for (index, value) in items.into_iter().enumerate() {
                    let lines = document.lines.below(&format!("items.{index}"));
                    self.add_object(file, Document { value, lines });
                }
            }
            _ => self.problem(file, document.lines.of("items"), "items: expected the objects of the list".to_owned()),
        }
    }

    fn add_object(&mut self, file: &Path, Document { value, lines }: Document) {
        if !value.is_object() {
            let problem = "expected an object with apiVersion, kind, metadata".to_owned();
            return self.problem(file, lines.first(), problem);
        }
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
        let required = [("apiVersion", "/apiVersion"), ("kind", "/kind"), ("metadata.name", "/metadata/name")];
        for (field, pointer) in required {
            if text(pointer).is_none() {
                let problem = match value.pointer(pointer) {
                    None | Some(Value::Null) => format!("{field} is missing"),
                    Some(_) => format!("{field}: expected text"),
                };
                return self.problem(file, lines.of(field), problem);
            }
        }
        let required = |pointer: &str| text(pointer).unwrap_or_default().to_owned();
        let api_version = required("/apiVersion");
        let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
        self.manifests.push(Manifest {
            file: file.to_owned(),
            kind: GroupVersionKind::gvk(group, version, &required("/kind")),
            namespace: text("/metadata/namespace").map(str::to_owned),
            name: required("/metadata/name"),
            lines,
            value,
        });
    }

    fn problem(&mut self, file: &Path, line: usize, text: String) {
        let place = Place { file: file.to_owned(), line };
        self.problems.push(Problem { place, text, may_pass: false });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(text: &str) -> Contents {
        let mut contents = Contents::default();
        contents.add(Path::new("a.yaml"), text);
        contents
    }

    fn problem(text: &str) -> String {
        contents(text).problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn an_object_says_what_it_is_and_where() {
        let text = "# A service\napiVersion: hostwright.dev/v1alpha1\nkind: HostingService\nmetadata:\n  name: alice\n";
        let contents = contents(text);
        let manifest = &contents.manifests[0];
        assert_eq!(manifest.kind, GroupVersionKind::gvk("hostwright.dev", "v1alpha1", "HostingService"));
        assert_eq!((manifest.namespace.as_deref(), manifest.name.as_str()), (None, "alice"));
        assert_eq!(manifest.place().to_string(), "a.yaml:2");
        assert_eq!(manifest.place_of("metadata.name").to_string(), "a.yaml:5");
    }

    #[test]
    fn what_an_object_lacks_is_said_with_its_line() {
        let rows = [
            ("kind: A\nmetadata: {name: a}\n", "a.yaml:1: apiVersion is missing"),
            ("apiVersion: v1\nkind:\nmetadata: {name: a}\n", "a.yaml:2: kind is missing"),
            ("apiVersion: v1\nkind: A\nmetadata:\n  generateName: a\n", "a.yaml:3: metadata.name is missing"),
            ("apiVersion: v1\nkind: A\nmetadata:\n  name: 12\n", "a.yaml:4: metadata.name: expected text"),
            ("---\n- a\n", "a.yaml:2: expected an object with apiVersion, kind, metadata"),
            ("apiVersion: v1\nkind: List\nitems: 1\n", "a.yaml:3: items: expected the objects of the list"),
        ];
        for (text, expected) in rows {
            assert_eq!(problem(text), expected, "{text}");
        }
    }

    #[test]
    fn the_objects_of_a_list_are_objects() {
        let text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: a}\n\
                    - apiVersion: v1\n  kind: Secret\n  metadata:\n    name: b\n- kind: Secret\n";
        let contents = contents(text);
        let names: Vec<_> = contents.manifests.iter().map(|manifest| manifest.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(contents.manifests[1].place_of("metadata.name").line, 10);
        assert_eq!(contents.problems[0].to_string(), "a.yaml:11: apiVersion is missing");
    }

    #[test]
    fn a_file_without_any_object_is_noted() {
        assert_eq!(contents("# later\n").blank, [Path::new("a.yaml")]);
        assert!(contents("kind: A\n").blank.is_empty());
    }
}
