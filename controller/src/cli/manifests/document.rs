//! A file's documents: the value of each, and the line of every field in it.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{Location, MessageFormatter as _, Options, Spanned, UserMessageFormatter};

/// One document.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Document {
    pub(in super::super) value: Value,
    pub(in super::super) lines: Lines,
}

/// Why a document cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Unreadable {
    pub(in super::super) line: usize,
    pub(in super::super) column: usize,
    pub(in super::super) problem: String,
}

/// A place in a file; both count from 1, the column in characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Position {
    pub(in super::super) line: usize,
    pub(in super::super) column: usize,
}

/// Where a field is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Written {
    /// Its name; of an item of a list the item itself.
    name: Position,
    value: Position,
}

/// Where the fields of a document are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Lines {
    first: Position,
    /// By the field's path, its parts joined by dots: `spec.checkout.server_name`, `items.0`.
    of_fields: HashMap<String, Written>,
}

impl Lines {
    /// The line of the document.
    pub(in super::super) fn first(&self) -> usize {
        self.first.line
    }

    /// The line of a field as the API names it, such as `.spec.servers[0].name`; where it is not written, that of the
    /// nearest field around it.
    pub(in super::super) fn of(&self, field: &str) -> usize {
        self.nearest(field).map_or(self.first, |(written, _)| written.name).line
    }

    /// Where the name of a field is written.
    pub(in super::super) fn name_of(&self, field: &str) -> Position {
        self.nearest(field).map_or(self.first, |(written, _)| written.name)
    }

    /// Where the value of a field is written. Of a field that is not written, or whose value fills lines of its own, the
    /// name of the nearest one.
    pub(in super::super) fn value_of(&self, field: &str) -> Position {
        match self.nearest(field) {
            Some((written, true)) if written.value.line == written.name.line => written.value,
            Some((written, _)) => written.name,
            None => self.first,
        }
    }

    /// The field itself, or the nearest one around it, and which of the two.
    fn nearest(&self, field: &str) -> Option<(Written, bool)> {
        let dotted = field.replace('[', ".").replace([']', '"', '\''], "");
        let mut path = dotted.trim_start_matches('.');
        let mut is_itself = true;
        loop {
            if let Some(written) = self.of_fields.get(path) {
                return Some((*written, is_itself));
            }
            path = &path[..path.rfind('.')?];
            is_itself = false;
        }
    }

    /// The lines of what is written at this path.
    pub(in super::super) fn below(&self, path: &str) -> Self {
        let prefix = format!("{path}.");
        let inner = |(name, written): (&String, &Written)| Some((name.strip_prefix(&prefix)?.to_owned(), *written));
        Self { first: self.name_of(path), of_fields: self.of_fields.iter().filter_map(inner).collect() }
    }
}

/// Reads the documents of a file, each for itself: a broken one does not hide the others. Empty ones are left out.
pub(in super::super) fn read(text: &str) -> Vec<Result<Document, Unreadable>> {
    documents(text).into_iter().filter_map(|(first, text)| read_one(text, first).transpose()).collect()
}

/// The text of each document, and the lines before it. A line that begins with `---` begins one.
fn documents(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let (mut start, mut first, mut position) = (0, 0, 0);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let begins =
            line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if begins && position > start {
            found.push((first, &text[start..position]));
            (start, first) = (position, index);
        }
        position += line.len();
    }
    found.push((first, &text[start..]));
    found
}

fn read_one(text: &str, lines_before: usize) -> Result<Option<Document>, Unreadable> {
    let node: Spanned<Node> = serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        // A snippet of the file could be a secret.
        let error = error.without_snippet();
        let Position { line, column } = error
            .location()
            .map_or(Position { line: lines_before + 1, column: 1 }, |found| position(&found, lines_before));
        Unreadable { line, column, problem: UserMessageFormatter.format_message(error).into_owned() }
    })?;
    if matches!(node.value, Node::Null) {
        return Ok(None);
    }
    let mut lines = Lines { first: position(&node.referenced, lines_before), of_fields: HashMap::new() };
    let value = node.value.into_value("", lines_before, &mut lines.of_fields);
    Ok(Some(Document { value, lines }))
}

/// Plain words and numbers mean what they mean to the API and to `hostwright apply`: YAML 1.2.
fn options() -> Options {
    let mut options = Options::default();
    options.strict_booleans = true;
    options.leading_zero_numbers_as_strings = true;
    options.underscored_numbers_as_strings = true;
    options
}

fn position(found: &Location, lines_before: usize) -> Position {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    Position { line: lines_before + number(found.line()), column: number(found.column()) }
}

/// A value with the lines of what is in it.
#[derive(Debug)]
enum Node {
    Null,
    Scalar(Value),
    List(Vec<Spanned<Node>>),
    Map(Vec<(Spanned<String>, Spanned<Node>)>),
}

impl Node {
    fn into_value(self, path: &str, lines_before: usize, lines: &mut HashMap<String, Written>) -> Value {
        let child = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        match self {
            Self::Null => Value::Null,
            Self::Scalar(value) => value,
            Self::List(items) => {
                let items = items.into_iter().enumerate().map(|(index, item)| {
                    let path = child(&index.to_string());
                    let place = position(&item.referenced, lines_before);
                    lines.insert(path.clone(), Written { name: place, value: place });
                    item.value.into_value(&path, lines_before, lines)
                });
                Value::Array(items.collect())
            }
            Self::Map(entries) => {
                let entries = entries.into_iter().map(|(key, node)| {
                    let path = child(&key.value);
                    let (name, value) = (&key.referenced, &node.referenced);
                    let (name, value) = (position(name, lines_before), position(value, lines_before));
                    lines.insert(path.clone(), Written { name, value });
                    (key.value, node.value.into_value(&path, lines_before, lines))
                });
                Value::Object(entries.collect::<Map<_, _>>())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyNode)
    }
}

struct AnyNode;

impl<'de> Visitor<'de> for AnyNode {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Node, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("expected a number that JSON has"))?;
        Ok(Node::Scalar(number.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::{fs, iter};

    use serde_json::json;

    use super::*;

    const FILE: &str = "\
# Two services.
---
kind: HostingService
metadata:
  annotations:
    hostwright.dev/paused: \"false\"
spec:
  servers:
    - name: alice
    - name: bob
      memory: 4096
--- # the second
kind: Package
spec: {checkout: {
  sever_name: x}}
";

    fn documents_of(text: &str) -> Vec<Document> {
        read(text).into_iter().map(Result::unwrap).collect()
    }

    #[test]
    fn every_field_has_its_line() {
        let documents = documents_of(FILE);
        let rows = [
            (0, "", 3),
            (0, "kind", 3),
            (0, "metadata.annotations[hostwright.dev/paused]", 6),
            (0, ".spec.servers[1].memory", 11),
            (0, "spec.servers[1]", 10),
            (0, "spec.servers[1].disk", 10),
            (0, "spec.owner.id", 7),
            (0, "status", 3),
            (1, "kind", 13),
            (1, "spec.checkout.sever_name", 15),
        ];
        for (document, field, line) in rows {
            assert_eq!(documents[document].lines.of(field), line, "{document} {field}");
        }
        assert_eq!(documents[0].lines.first(), 3);
        assert_eq!(documents[0].lines.below("spec.servers.1").of("memory"), 11);
    }

    #[test]
    fn a_broken_document_is_named_by_its_line_and_hides_no_other() {
        let read = read("kind: A\n---\nkind: B\nspec: [1,\n---\nkind: C\nkind: D\n---\n\n---\nkind: E\n");
        let seen: Vec<_> = read
            .iter()
            .map(|read| read.as_ref().map(|document| document.value["kind"].clone()).map_err(|error| error.line))
            .collect();
        assert_eq!(seen[0], Ok(json!("A")));
        assert!(matches!(seen[1], Err(4..=5)), "{read:?}");
        assert_eq!(seen[2], Err(7));
        assert_eq!(seen[3], Ok(json!("E")));
        assert_eq!(seen.len(), 4);
    }

    #[test]
    fn a_broken_document_is_not_quoted_and_its_own_lines_are_not_named() {
        let broken = [
            "a: hunter2\n b: [hunter2",
            "a: 'hunter2",
            "a: hunter2\na: hunter2",
            "a: *hunter2",
            "- hunter2\na: 1",
            "a: !!int hunter2",
        ];
        for text in broken {
            let read = read(&format!("kind: A\n---\n{text}\n"));
            let problem = &read[1].as_ref().unwrap_err().problem;
            assert!(!problem.contains("hunter2") && !problem.contains(" line "), "{problem}");
        }
    }

    #[test]
    fn words_and_numbers_mean_what_they_mean_to_the_api() {
        let text = "{a: yes, b: true, c: 0755, d: 1_000, e: 12, f: -3, g: 1.5, h: ~, i: '12', j: 0x1F, k: 1e3, \
                    l: 2027-01-01T00:00:00Z, m: no, n: .5, o: 12:30, p: 9223372036854775807, q: 18446744073709551615}";
        let ours = documents_of(text).remove(0).value;
        assert_eq!(ours, serde_yaml::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn every_value_has_its_column() {
        let lines = documents_of(FILE).remove(0).lines;
        let at = |found: Position| (found.line, found.column);
        assert_eq!(at(lines.value_of("spec.servers[1].memory")), (11, 15));
        assert_eq!(at(lines.name_of("spec.servers[1].memory")), (11, 7));
        assert_eq!(at(lines.value_of("spec.servers[1].disk")), (10, 7), "the item around it");
        assert_eq!(at(lines.value_of("spec.servers")), (8, 3), "a value on lines of its own");
        let twice = documents_of("a: &x\n  b: 1\nc: *x\n").remove(0).lines;
        assert_eq!(at(twice.value_of("c")), (3, 4), "an alias, where it is used");
        let windows = documents_of("a: 1\r\nb:\r\n  c: \"d\"\r\n").remove(0).lines;
        assert_eq!(at(windows.value_of("b.c")), (3, 6));
    }

    #[test]
    fn json_and_comments_alone_are_read() {
        assert_eq!(documents_of("{\"kind\": \"A\",\n \"spec\": {\"a\": 1}}")[0].lines.of("spec.a"), 2);
        assert_eq!(documents_of("# nothing\n"), []);
        assert_eq!(documents_of(""), []);
        assert_eq!(documents_of("---\n---\n"), []);
    }

    #[test]
    fn an_alias_bomb_and_deep_nesting_are_refused() {
        let deep = "[".repeat(100_000);
        assert!(read(&deep)[0].is_err());
        let level = |level: usize| format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 9].join(","));
        let bomb: String = iter::once("a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned()).chain((1..12).map(level)).collect();
        assert!(read(&bomb)[0].is_err());
    }

    #[test]
    fn the_quick_start_is_read_as_the_api_reads_it() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/quickstart");
        for entry in fs::read_dir(folder).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            let theirs: Vec<Value> = serde_yaml::Deserializer::from_str(&text)
                .map(|document| Value::deserialize(document).unwrap())
                .collect();
            let ours: Vec<Value> = documents_of(&text).into_iter().map(|document| document.value).collect();
            assert_eq!(ours, theirs);
        }
    }
}
