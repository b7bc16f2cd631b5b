//! Reads manifests, each with the place it stands at: an error names file and line.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use serde_json::Value;

use super::super::failure::Failure;

/// What files of manifests end with.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// An object as it is written down.
#[derive(Debug, Clone)]
pub(in super::super) struct Manifest {
    /// The file.
    pub(in super::super) source: String,
    /// Its first line in the file, from 1.
    pub(in super::super) line: usize,
    pub(in super::super) object: Value,
    /// The document, to find fields in.
    text: String,
}

impl Manifest {
    /// A text of the object; empty where there is none.
    pub(in super::super) fn text(&self, pointer: &str) -> &str {
        self.object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// `services.yaml:12`
    pub(in super::super) fn place(&self) -> String {
        format!("{}:{}", self.source, self.line)
    }

    /// The place of a field such as `spec.owner.email`; that of the object where the field cannot be found.
    pub(in super::super) fn place_of(&self, field: &str) -> String {
        format!("{}:{}", self.source, line_of(&self.text, field).map_or(self.line, |line| line + self.line))
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
    for (line, document) in documents(text) {
        let object =
            parse(document).map_err(|_| Failure::failed(format!("{source}: {}", complaint(line, document))))?;
        let manifest = |object| Manifest { source: source.to_owned(), line, object, text: document.to_owned() };
        match object {
            Value::Null => {}
            Value::Object(mut list) if list.get("kind").is_some_and(|kind| kind == "List") => {
                let items = list.remove("items").unwrap_or_default();
                let items = items.as_array().cloned().unwrap_or_default();
                manifests.extend(items.into_iter().map(manifest));
            }
            object => manifests.push(manifest(object)),
        }
    }
    for manifest in &manifests {
        check(manifest)?;
    }
    Ok(manifests)
}

/// An object has a version, a kind and a name.
fn check(manifest: &Manifest) -> Result<(), Failure> {
    for (field, example) in
        [("apiVersion", "hostwright.dev/v1alpha1"), ("kind", "HostingService"), ("metadata.name", "alice-survival")]
    {
        if manifest.text(&format!("/{}", field.replace('.', "/"))).is_empty() {
            let place = manifest.place();
            return Err(Failure::failed(format!("{place}: {field} is missing; expected a text such as {example}")));
        }
    }
    Ok(())
}

/// The documents of a YAML stream, each with the number of its first line that says something.
fn documents(text: &str) -> Vec<(usize, &str)> {
    // Three dashes at the beginning of a line separate documents wherever they stand, even within a block of text.
    let separates = |line: &str| {
        line.strip_prefix("---").is_some_and(|rest| rest.trim_end().is_empty() || rest.starts_with([' ', '\t']))
    };
    let (mut found, mut begin, mut first, mut at) = (Vec::new(), 0, None, 0);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if separates(line) {
            found.extend(first.take().map(|first: (usize, usize)| (first.0, &text[first.1..at])));
            begin = at + line.len();
        }
        let says = line.trim();
        if at >= begin && first.is_none() && !says.is_empty() && !says.starts_with('#') {
            first = Some((index + 1, at));
        }
        at += line.len();
    }
    found.extend(first.map(|first| (first.0, &text[first.1..])));
    found
}

fn parse(document: &str) -> Result<Value, serde_yaml::Error> {
    // By way of YAML's own values, which refuse a key that stands twice.
    let value = serde_yaml::Value::deserialize(serde_yaml::Deserializer::from_str(document))?;
    serde_yaml::from_value(value)
}

/// What is wrong with a document, with line numbers of the file.
fn complaint(line: usize, document: &str) -> String {
    let padded = format!("{}{document}", "\n".repeat(line - 1));
    match parse(&padded) {
        Err(error) => match error.location() {
            Some(location) => {
                let text = error.to_string();
                let at = format!(" at line {} column {}", location.line(), location.column());
                format!("line {}: this is no YAML: {}", location.line(), text.replacen(&at, "", 1))
            }
            None => format!("line {line}: this is no YAML: {error}"),
        },
        Ok(_) => format!("line {line}: this is no YAML"),
    }
}

/// How many lines below its first one a document has a field, as far as indentation tells.
fn line_of(document: &str, field: &str) -> Option<usize> {
    let (mut found, mut above) = (None, -1_i64);
    let mut lines = document.lines().enumerate();
    for key in field.split('.').filter(|key| !key.is_empty()) {
        let key = key.split('[').next().unwrap_or_default();
        found = Some(lines.find_map(|(index, line)| {
            let bare = line.trim_start();
            let depth = i64::try_from(line.len() - bare.len()).unwrap_or(i64::MAX);
            let named = bare.trim_start_matches(['"', '\'']).strip_prefix(key);
            let is_it =
                depth > above && named.is_some_and(|rest| rest.trim_start_matches(['"', '\'']).starts_with(':'));
            is_it.then_some((index, depth))
        })?);
        above = found.map_or(above, |(_, depth)| depth);
    }
    found.map(|(index, _)| index)
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
    fn every_document_has_the_line_it_begins_at() {
        let found = read_text("a.yaml", TWO).unwrap();
        let places: Vec<_> = found.iter().map(|manifest| (manifest.place(), manifest.text("/kind"))).collect();
        assert_eq!(places, [("a.yaml:2".to_owned(), "Namespace"), ("a.yaml:8".to_owned(), "Secret")]);
        assert_eq!(found[1].text("/stringData/text"), "a\n --- b\n");
    }

    #[test]
    fn a_field_has_a_line_of_its_own() {
        let found = read_text("a.yaml", TWO).unwrap();
        assert_eq!(found[0].place_of("metadata.name"), "a.yaml:5");
        assert_eq!(found[0].place_of(".metadata.name"), "a.yaml:5");
        assert_eq!(found[1].place_of("stringData.text"), "a.yaml:12");
        assert_eq!(found[1].place_of("metadata.name"), "a.yaml:8", "within braces the object's line must do");
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_line_in_the_file() {
        let broken = format!("{TWO}---\napiVersion: v1\nkind: [\n");
        assert!(said(&broken).starts_with("a.yaml: line 1"), "{}", said(&broken));
        let twice = "kind: A\n---\napiVersion: v1\nkind: Secret\nkind: Namespace\n";
        assert!(said(twice).contains("line 3"), "{}", said(twice));
        assert!(said(twice).contains("duplicate"), "{}", said(twice));
        let nameless = "apiVersion: v1\nkind: Secret\nmetadata: {}\n";
        assert_eq!(said(nameless), "a.yaml:1: metadata.name is missing; expected a text such as alice-survival");
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
