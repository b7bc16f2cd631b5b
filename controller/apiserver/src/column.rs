//! The columns in which a kind is printed.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::field::plain;
use crate::human;
use crate::jsonpath::JsonPath;
use crate::object;

/// How a cell is made from an object.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    Name,
    Age,
    Path(JsonPath),
    /// A number of keys, summed over several maps.
    Count(&'static [&'static str]),
    EventAge,
    EventObject,
    EventSource,
    EventMessage,
    EventCount,
}

#[derive(Debug, Clone)]
pub(crate) struct Column {
    name: String,
    type_: String,
    format: String,
    description: String,
    priority: i64,
    cell: Cell,
}

impl Column {
    fn new(name: &str, type_: &str, cell: Cell) -> Self {
        let format = if matches!(cell, Cell::Name) { "name" } else { "" };
        Self {
            name: name.to_owned(),
            type_: type_.to_owned(),
            format: format.to_owned(),
            description: String::new(),
            priority: 0,
            cell,
        }
    }

    fn wide(mut self) -> Self {
        self.priority = 1;
        self
    }

    pub(crate) fn definition(&self) -> Value {
        json!({
            "name": self.name, "type": self.type_, "format": self.format, "description": self.description,
            "priority": self.priority,
        })
    }

    pub(crate) fn cell(&self, value: &Value, now: Timestamp) -> Value {
        match &self.cell {
            Cell::Name => json!(object::name(value)),
            Cell::Age => json!(human::age(object::meta_str(value, "creationTimestamp"), now)),
            Cell::Path(path) => path_cell(path, value, &self.type_, now),
            Cell::Count(fields) => {
                json!(
                    fields.iter().map(|field| value[*field].as_object().map_or(0, serde_json::Map::len)).sum::<usize>()
                )
            }
            Cell::EventAge => json!(event_age(value, now)),
            Cell::EventObject => json!(event_object(value)),
            Cell::EventSource => json!(event_source(value)),
            Cell::EventMessage => json!(either(value, &["message", "note"]).trim()),
            Cell::EventCount => json!(event_count(value)),
        }
    }
}

/// What the path finds, in the type of the column; a value of another type prints nothing.
fn path_cell(path: &JsonPath, value: &Value, type_: &str, now: Timestamp) -> Value {
    let found: Vec<&Value> = path.find(value).into_iter().filter(|found| !found.is_null()).collect();
    let Some(first) = found.first() else { return Value::Null };
    match type_ {
        "integer" => {
            first.as_i64().map_or_else(|| first.as_f64().map_or(Value::Null, |n| json!(n.trunc())), |n| json!(n))
        }
        "number" => first.as_f64().map_or(Value::Null, |n| json!(n)),
        "boolean" => first.as_bool().map_or(Value::Null, |b| json!(b)),
        "date" => first.as_str().map_or(Value::Null, |then| json!(human::age(then, now))),
        _ => json!(found.iter().map(|found| plain(found)).collect::<Vec<_>>().join(" ")),
    }
}

/// The columns of a custom resource: its name, and what the definition says, or its age.
pub(crate) fn of_definition(columns: &Value) -> Vec<Column> {
    let text = |column: &Value, field: &str| column[field].as_str().unwrap_or_default().to_owned();
    let mut all = vec![Column::new("Name", "string", Cell::Name)];
    let declared = columns.as_array().map(Vec::as_slice).unwrap_or_default();
    for column in declared {
        let Some(path) = JsonPath::parse(&text(column, "jsonPath")) else {
            continue;
        };
        all.push(Column {
            name: text(column, "name"),
            type_: text(column, "type"),
            format: text(column, "format"),
            description: text(column, "description"),
            priority: column["priority"].as_i64().unwrap_or(0),
            cell: Cell::Path(path),
        });
    }
    if declared.is_empty() {
        all.push(Column::new("Age", "date", Cell::Age));
    }
    all
}

fn path(text: &str) -> Cell {
    Cell::Path(JsonPath::parse(text).unwrap_or_default())
}

fn named(columns: Vec<Column>) -> Vec<Column> {
    let mut all = vec![Column::new("Name", "string", Cell::Name)];
    all.extend(columns);
    all.push(Column::new("Age", "string", Cell::Age));
    all
}

pub(crate) fn of_namespaces() -> Vec<Column> {
    named(vec![Column::new("Status", "string", path(".status.phase"))])
}

pub(crate) fn of_secrets() -> Vec<Column> {
    named(vec![Column::new("Type", "string", path(".type")), Column::new("Data", "string", Cell::Count(&["data"]))])
}

pub(crate) fn of_config_maps() -> Vec<Column> {
    named(vec![Column::new("Data", "string", Cell::Count(&["data", "binaryData"]))])
}

pub(crate) fn of_leases() -> Vec<Column> {
    named(vec![Column::new("Holder", "string", path(".spec.holderIdentity"))])
}

pub(crate) fn of_definitions() -> Vec<Column> {
    vec![
        Column::new("Name", "string", Cell::Name),
        Column::new("Created At", "date", path(".metadata.creationTimestamp")),
    ]
}

pub(crate) fn of_events() -> Vec<Column> {
    vec![
        Column::new("Last Seen", "string", Cell::EventAge),
        Column::new("Type", "string", path(".type")),
        Column::new("Reason", "string", path(".reason")),
        Column::new("Object", "string", Cell::EventObject),
        Column::new("Source", "string", Cell::EventSource).wide(),
        Column::new("Message", "string", Cell::EventMessage),
        Column::new("Count", "string", Cell::EventCount).wide(),
        Column::new("Name", "string", Cell::Name).wide(),
    ]
}

/// The first of several fields that says something: events have different words in their two groups.
fn either<'a>(event: &'a Value, fields: &[&str]) -> &'a str {
    let texts = fields.iter().filter_map(|field| object::at_path(event, field)?.as_str());
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

fn event_age(event: &Value, now: Timestamp) -> String {
    let fields = ["series.lastObservedTime", "lastTimestamp", "deprecatedLastTimestamp", "eventTime", "firstTimestamp"];
    human::age(either(event, &fields), now)
}

fn event_object(event: &Value) -> String {
    let kind = either(event, &["involvedObject.kind", "regarding.kind"]).to_lowercase();
    format!("{kind}/{}", either(event, &["involvedObject.name", "regarding.name"]))
}

fn event_source(event: &Value) -> String {
    let fields = ["source.component", "deprecatedSource.component", "reportingComponent", "reportingController"];
    either(event, &fields).to_owned()
}

fn event_count(event: &Value) -> i64 {
    let fields = ["series.count", "count", "deprecatedCount"];
    fields.iter().filter_map(|field| object::at_path(event, field)?.as_i64()).find(|count| *count > 0).unwrap_or(1)
}
