//! `hostwright get --watch`: a line for every change.

use std::collections::HashMap;
use std::time::Duration;

use futures::AsyncBufReadExt as _;
use futures::StreamExt as _;
use serde_json::Value;

use super::super::cluster::Refusal;
use super::super::failure::Failure;
use super::super::output::Output;
use super::super::selection::Selection;
use super::table::{Shape, Table};
use super::{Format, Request, asked, objects, whole, with};

/// How long the server holds a watch; then it is asked anew.
const HELD: &str = "290";
/// A server that ends every watch at once is not asked without a pause.
const BETWEEN_WATCHES: Duration = Duration::from_millis(200);

/// Shows what there is, then every change, until the process is ended.
pub(super) async fn follow(request: &Request<'_>, selection: &Selection<'_>, output: &Output) -> Result<(), Failure> {
    let mut screen =
        Screen { request, selection, output, widths: Vec::new(), columns: Table::default(), shown: HashMap::new() };
    let path = selection.kind.path(request.namespace);
    let field = selection.names.first().map(|name| format!("metadata.name={name}")).unwrap_or_default();
    let selectors = [("labelSelector", request.labels.unwrap_or_default()), ("fieldSelector", &field)];
    loop {
        let list = request.ask(&with(&path, &selectors)).await?;
        if !selection.names.is_empty() && is_empty(&list) && screen.shown.is_empty() {
            // As for an object that is asked for once.
            let gone = request.one(selection.kind, &selection.names[0]).await.err();
            let told =
                gone.map(|refusal| super::missing(selection.kind, &selection.names[0], request.namespace, &refusal));
            return Err(Failure::failed(told.unwrap_or_else(|| "the object appeared just now; ask again".to_owned())));
        }
        screen.show(&list)?;
        let mut version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
        while !version.is_empty() {
            let watching = [("watch", "true"), ("timeoutSeconds", HELD), ("resourceVersion", &version)];
            let uri = with(&path, &[&watching[..], &selectors[..]].concat());
            version = changes(&mut screen, &uri, version.clone()).await?;
            tokio::time::sleep(BETWEEN_WATCHES).await;
        }
    }
}

fn is_empty(list: &Value) -> bool {
    ["rows", "items"].iter().all(|key| list[*key].as_array().is_none_or(Vec::is_empty))
}

/// Shows the changes of one watch; answers the version it came to, empty where the server does not remember that far.
async fn changes(screen: &mut Screen<'_>, uri: &str, mut version: String) -> Result<String, Failure> {
    let asking = asked(uri, Format::accept(screen.request.format))?;
    let stream = screen.request.client.request_stream(asking).await;
    let mut lines = stream.map_err(|error| Failure::from(Refusal::from(error)))?.lines();
    while let Some(line) = lines.next().await {
        // A connection that breaks is made anew from where it was.
        let Ok(event) = line.map(|line| serde_json::from_str::<Value>(&line).unwrap_or_default()) else { break };
        let object = &event["object"];
        match event["type"].as_str().unwrap_or_default() {
            "ERROR" if object["code"] == 410 => return Ok(String::new()),
            "ERROR" => {
                return Err(Failure::failed(object["message"].as_str().unwrap_or("the watch failed").to_owned()));
            }
            "" => break,
            _ => {
                let metadata = if object["rows"].is_array() {
                    &object["rows"][0]["object"]["metadata"]
                } else {
                    &object["metadata"]
                };
                if let Some(seen) = metadata["resourceVersion"].as_str() {
                    seen.clone_into(&mut version);
                }
                screen.show(object)?;
            }
        }
    }
    Ok(version)
}

/// What was shown so far.
struct Screen<'a> {
    request: &'a Request<'a>,
    selection: &'a Selection<'a>,
    output: &'a Output,
    widths: Vec<usize>,
    /// The columns, which only the first answer names.
    columns: Table,
    /// The version of each object that was shown last.
    shown: HashMap<String, String>,
}

impl Screen<'_> {
    /// Shows what is new in an answer.
    fn show(&mut self, answer: &Value) -> Result<(), Failure> {
        if let Some(format @ (Format::Yaml | Format::Json)) = self.request.format {
            for object in objects(self.selection.kind, std::slice::from_ref(answer)) {
                let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default();
                if self.is_new(text("namespace"), text("name"), text("resourceVersion")) {
                    if format == Format::Yaml {
                        self.output.line("---")?;
                    }
                    whole(&object, format, self.output)?;
                }
            }
            return Ok(());
        }
        self.columns.rows.clear();
        self.columns.add(answer);
        let rows = std::mem::take(&mut self.columns.rows);
        let rows: Vec<_> =
            rows.into_iter().filter(|row| self.is_new(&row.namespace, &row.name, &row.version)).collect();
        if self.request.format == Some(Format::Name) {
            return rows.iter().try_for_each(|row| self.output.line(&self.selection.kind.object(&row.name)));
        }
        let shape = Shape {
            namespaces: self.request.namespace.is_none() && self.selection.kind.namespaced,
            wide: self.request.format == Some(Format::Wide),
            prefix: None,
        };
        let mut lines: Vec<_> = rows.iter().map(|row| self.columns.cells(row, &shape)).collect();
        if self.widths.is_empty() && !lines.is_empty() {
            lines.insert(0, self.columns.headers(&shape));
        }
        for line in &lines {
            self.widths.resize(self.widths.len().max(line.len()), 0);
            for (width, cell) in self.widths.iter_mut().zip(line) {
                *width = (*width).max(cell.chars().count());
            }
        }
        lines.iter().try_for_each(|line| self.output.line(&aligned(line, &self.widths)))
    }

    fn is_new(&mut self, namespace: &str, name: &str, version: &str) -> bool {
        self.shown.insert(format!("{namespace}/{name}"), version.to_owned()).as_deref() != Some(version)
    }
}

fn aligned(cells: &[String], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
    padded.collect::<Vec<_>>().join("   ").trim_end().to_owned()
}
