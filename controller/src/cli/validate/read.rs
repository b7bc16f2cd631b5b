//! Reads every object of the files, and what is wrong with files before it is known what they hold.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::failure::Failure;
use super::super::manifests::document::{self, Document, Position, Unreadable};
use super::super::manifests::scan;
use super::finding::{Finding, Severity};
use super::object::Object;

/// What standard input is called.
const STDIN: &str = "stdin";

/// Everything that is written down.
#[derive(Debug, Default)]
pub(in super::super) struct Contents {
    pub(in super::super) objects: Vec<Object>,
    pub(super) findings: Vec<Finding>,
    pub(super) files: usize,
}

/// A text and where it is from.
struct Source {
    name: String,
    text: String,
    /// Whether somebody named the file: others of its folder need not be manifests.
    is_named: bool,
}

/// Reads files, folders with everything in them and, as `-`, standard input.
pub(in super::super) fn read(paths: &[PathBuf]) -> Result<Contents, Failure> {
    let mut contents = Contents::default();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut bytes = Vec::new();
            let read = io::stdin().read_to_end(&mut bytes);
            read.map_err(|error| Failure::failed(format!("cannot read standard input: {error}")))?;
            contents.add_bytes(STDIN, bytes, true);
        } else if metadata(path)?.is_dir() {
            contents.add_folder(path)?;
        } else {
            contents.add_file(path, true);
        }
    }
    Ok(contents)
}

fn metadata(path: &Path) -> Result<fs::Metadata, Failure> {
    fs::metadata(path).map_err(|error| Failure::usage(format!("{}: cannot be read: {error}", path.display())))
}

impl Contents {
    /// What is wrong with a file as such, for those who need no more than the objects.
    pub(in super::super) fn first_problem(&self) -> Option<String> {
        self.findings.first().map(ToString::to_string)
    }

    fn add_folder(&mut self, folder: &Path) -> Result<(), Failure> {
        let snapshot = scan::scan(folder);
        for (path, problem) in &snapshot.problems {
            self.unreadable(&folder.join(path).display().to_string(), Position { line: 1, column: 1 }, problem.clone());
        }
        if snapshot.files.is_empty() && snapshot.problems.is_empty() {
            let problem = format!("{}: no file in it ends with .yaml, .yml or .json", folder.display());
            return Err(Failure::usage(problem));
        }
        for file in snapshot.files.keys() {
            self.add_file(&folder.join(file), false);
        }
        Ok(())
    }

    fn add_file(&mut self, path: &Path, is_named: bool) {
        let name = path.display().to_string();
        match fs::read(path) {
            Ok(bytes) => self.add_bytes(&name, bytes, is_named),
            Err(error) => self.unreadable(&name, Position { line: 1, column: 1 }, format!("cannot be read: {error}")),
        }
    }

    fn add_bytes(&mut self, name: &str, bytes: Vec<u8>, is_named: bool) {
        match String::from_utf8(bytes) {
            Ok(text) => self.add(Source { name: name.to_owned(), text, is_named }),
            Err(error) => {
                let before =
                    String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned();
                let line = before.matches('\n').count() + 1;
                let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
                let problem = "is no UTF-8 text; save it as UTF-8".to_owned();
                self.unreadable(name, Position { line, column }, problem);
            }
        }
    }

    fn add(&mut self, Source { name, text, is_named }: Source) {
        self.files += 1;
        for document in document::read(&text) {
            match document {
                Ok(document) if !is_named && is_something_else(&document.value) => {}
                Ok(document) => self.add_document(&name, document),
                Err(Unreadable { line, column, problem }) => {
                    self.unreadable(&name, Position { line, column }, problem);
                }
            }
        }
    }

    /// A list is what is in it.
    fn add_document(&mut self, file: &str, Document { mut value, lines }: Document) {
        if !(value["apiVersion"] == "v1" && value["kind"] == "List") {
            return self.add_object(Object { file: file.to_owned(), lines, value });
        }
        let Value::Array(items) = value["items"].take() else {
            let problem = "items: expected the objects of the list".to_owned();
            return self.unreadable(file, lines.value_of("items"), problem);
        };
        for (index, value) in items.into_iter().enumerate() {
            let lines = lines.below(&format!("items.{index}"));
            self.add_object(Object { file: file.to_owned(), lines, value });
        }
    }

    /// An object of another group needs neither a name nor anything else that is known here.
    fn add_object(&mut self, object: Object) {
        if !object.value.is_object() {
            let problem = "found no object, expected one with apiVersion, kind and metadata".to_owned();
            return self.unreadable(&object.file, object.lines.value_of(""), problem);
        }
        let required = [("apiVersion", "hostwright.dev/v1alpha1"), ("kind", "HostingService")];
        let named = [("metadata.name", "alice-survival")];
        let required = required.iter().chain(named.iter().filter(|_| object.is_ours()));
        let missing = required.filter(|(field, _)| object.text(&format!("/{}", field.replace('.', "/"))).is_empty());
        let problems: Vec<Finding> = missing
            .map(|(field, example)| object.error(field, format!("found no text, expected one such as {example}")))
            .collect();
        if problems.is_empty() {
            self.objects.push(object);
        }
        self.findings.extend(problems);
    }

    fn unreadable(&mut self, file: &str, position: Position, message: String) {
        let (object, field) = (String::new(), String::new());
        let finding = Finding { file: file.to_owned(), position, severity: Severity::Error, object, field, message };
        self.findings.push(finding);
    }
}

/// Whether nothing says that this is meant as an object: folders hold other YAML and JSON too.
fn is_something_else(value: &Value) -> bool {
    ["apiVersion", "kind", "metadata", "spec"].iter().all(|field| value.get(field).is_none())
}

/// For tests: the contents of one file.
#[cfg(test)]
pub(in super::super) fn read_text(name: &str, text: &str) -> Contents {
    let mut contents = Contents::default();
    contents.add_bytes(name, text.into(), true);
    contents
}
