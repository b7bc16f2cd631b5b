//! Tables as the server prints them: its columns, its cells.

use serde_json::Value;

use super::super::kinds::Kind;

/// A table of the server.
#[derive(Debug, Default)]
pub(super) struct Table {
    columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

#[derive(Debug)]
struct Column {
    name: String,
    /// Above zero: only where many columns are wanted.
    priority: i64,
}

/// An object in a table.
#[derive(Debug)]
pub(super) struct Row {
    cells: Vec<String>,
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) version: String,
}

/// Which columns are shown.
pub(super) struct Shape<'a> {
    pub(super) namespaces: bool,
    pub(super) wide: bool,
    /// Names are shown as `kind/name`, where several kinds are.
    pub(super) prefix: Option<&'a Kind>,
}

impl Table {
    /// Reads what the server answered; the columns are those of the first answer that names any.
    pub(super) fn of(answers: &[Value]) -> Self {
        let mut table = Self::default();
        for answer in answers {
            table.add(answer);
        }
        table
    }

    /// Adds the rows of an answer.
    pub(super) fn add(&mut self, answer: &Value) {
        let columns = answer["columnDefinitions"].as_array().map(Vec::as_slice).unwrap_or_default();
        if self.columns.is_empty() {
            self.columns = columns.iter().map(Column::of).collect();
        }
        self.rows.extend(answer["rows"].as_array().into_iter().flatten().map(Row::of));
    }

    pub(super) fn headers(&self, shape: &Shape) -> Vec<String> {
        let names = self.shown(shape).map(|(_, column)| column.name.to_uppercase());
        let namespace = shape.namespaces.then(|| "NAMESPACE".to_owned());
        namespace.into_iter().chain(names).collect()
    }

    pub(super) fn cells(&self, row: &Row, shape: &Shape) -> Vec<String> {
        let cell = |(index, column): (usize, &Column)| {
            let cell = row.cells.get(index).cloned().unwrap_or_default();
            match shape.prefix.filter(|_| column.name == "Name") {
                Some(kind) => kind.object(&cell),
                None => cell,
            }
        };
        let namespace = shape.namespaces.then(|| row.namespace.clone());
        namespace.into_iter().chain(self.shown(shape).map(cell)).collect()
    }

    fn shown(&self, shape: &Shape) -> impl Iterator<Item = (usize, &Column)> {
        let wide = shape.wide;
        self.columns.iter().enumerate().filter(move |(_, column)| wide || column.priority == 0)
    }
}

impl Column {
    fn of(definition: &Value) -> Self {
        Self {
            name: definition["name"].as_str().unwrap_or_default().to_owned(),
            priority: definition["priority"].as_i64().unwrap_or_default(),
        }
    }
}

impl Row {
    fn of(row: &Value) -> Self {
        let metadata = &row["object"]["metadata"];
        let text = |key: &str| metadata[key].as_str().unwrap_or_default().to_owned();
        let cells = row["cells"].as_array().into_iter().flatten().map(plain).collect();
        Self { cells, name: text("name"), namespace: text("namespace"), version: text("resourceVersion") }
    }
}

fn plain(cell: &Value) -> String {
    match cell {
        Value::String(text) => text.replace('\n', " "),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
