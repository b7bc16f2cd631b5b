//! The columns in which a kind is printed.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::builtin::{description, metadata_description};
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
    EventFirstSeen,
    EventLastSeen,
    EventObject,
    EventPart,
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
        let (format, description) = match cell {
            Cell::Name => ("name", metadata_description("name")),
            Cell::Age => ("", metadata_description("creationTimestamp")),
            _ => ("", String::new()),
        };
        Self {
            name: name.to_owned(),
            type_: type_.to_owned(),
            format: format.to_owned(),
            description,
            priority: 0,
            cell,
        }
    }

    fn about(mut self, description: String) -> Self {
        self.description = description;
        self
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
            Cell::EventFirstSeen => json!(human::age(either(value, &FIRST_SEEN), now)),
            Cell::EventLastSeen => json!(human::age(event_last_seen(value), now)),
            Cell::EventObject => json!(event_object(value)),
            Cell::EventPart => json!(either(value, &["involvedObject.fieldPath", "regarding.fieldPath"])),
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
        let description = Some(text(column, "description")).filter(|text| !text.is_empty()).unwrap_or_else(|| {
            format!("Custom resource definition column (in JSONPath format): {}", text(column, "jsonPath"))
        });
        all.push(Column {
            name: text(column, "name"),
            type_: text(column, "type"),
            format: text(column, "format"),
            description,
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
    let status = Column::new("Status", "string", path(".status.phase"));
    named(vec![status.about("The status of the namespace".to_owned())])
}

pub(crate) fn of_secrets(schema: &Value) -> Vec<Column> {
    named(vec![
        Column::new("Type", "string", path(".type")).about(description(schema, "type")),
        Column::new("Data", "string", Cell::Count(&["data"])).about(description(schema, "data")),
    ])
}

pub(crate) fn of_config_maps(schema: &Value) -> Vec<Column> {
    let data = Column::new("Data", "string", Cell::Count(&["data", "binaryData"]));
    named(vec![data.about(description(schema, "data"))])
}

pub(crate) fn of_leases(schema: &Value) -> Vec<Column> {
    let holder = Column::new("Holder", "string", path(".spec.holderIdentity"));
    named(vec![holder.about(description(schema, "spec.holderIdentity"))])
}

pub(crate) fn of_definitions() -> Vec<Column> {
    let created = Column::new("Created At", "date", path(".metadata.creationTimestamp"));
    vec![Column::new("Name", "string", Cell::Name), created.about(metadata_description("creationTimestamp"))]
}

/// The columns of both groups of events, in the words of the schema of the older one.
pub(crate) fn of_events(core: &Value) -> Vec<Column> {
    let column = |name, cell, field| Column::new(name, "string", cell).about(description(core, field));
    vec![
        column("Last Seen", Cell::EventLastSeen, "lastTimestamp"),
        column("Type", path(".type"), "type"),
        column("Reason", path(".reason"), "reason"),
        column("Object", Cell::EventObject, "involvedObject"),
        column("Subobject", Cell::EventPart, "involvedObject.fieldPath").wide(),
        column("Source", Cell::EventSource, "source").wide(),
        column("Message", Cell::EventMessage, "message"),
        column("First Seen", Cell::EventFirstSeen, "firstTimestamp").wide(),
        column("Count", Cell::EventCount, "count").wide(),
        Column::new("Name", "string", Cell::Name).wide(),
    ]
}

/// The first of several fields that says something: events have different words in their two groups.
fn either<'a>(event: &'a Value, fields: &[&str]) -> &'a str {
    let texts = fields.iter().filter_map(|field| object::at_path(event, field)?.as_str());
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

const FIRST_SEEN: [&str; 3] = ["firstTimestamp", "deprecatedFirstTimestamp", "eventTime"];

fn event_last_seen(event: &Value) -> &str {
    let last = either(event, &["series.lastObservedTime", "lastTimestamp", "deprecatedLastTimestamp"]);
    if last.is_empty() { either(event, &FIRST_SEEN) } else { last }
}

fn event_object(event: &Value) -> String {
    let kind = either(event, &["involvedObject.kind", "regarding.kind"]).to_lowercase();
    match either(event, &["involvedObject.name", "regarding.name"]) {
        "" => kind,
        name => format!("{kind}/{name}"),
    }
}

fn event_source(event: &Value) -> String {
    let component = ["source.component", "deprecatedSource.component", "reportingComponent", "reportingController"];
    let component = either(event, &component);
    match either(event, &["source.host", "deprecatedSource.host", "reportingInstance"]) {
        "" => component.to_owned(),
        host => format!("{component}, {host}"),
    }
}

fn event_count(event: &Value) -> i64 {
    let fields = ["series.count", "count", "deprecatedCount"];
    fields.iter().filter_map(|field| object::at_path(event, field)?.as_i64()).find(|count| *count > 0).unwrap_or(1)
}
