//! `hostwright get`: objects as the server shows them.

mod table;
mod watch;

use clap::{Args, ValueEnum};
use kube::Client;
use serde_json::{Value, json};

use super::cluster::{Refusal, Target, answer};
use super::failure::Failure;
use super::kinds::{Kind, Kinds};
use super::output::{Output, Tone};
use super::program;
use super::selection::{Selection, select};
use table::Table;

/// Objects of one request; the rest follows page by page.
const PAGE: &str = "500";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// TYPE, TYPE NAME… or TYPE/NAME…; absent: hsvc, the services. Short are hsvc, hpkg, hinst and hplug; hostwright is all
    /// of them
    #[arg(value_name = "TYPE [NAME]")]
    words: Vec<String>,
    #[command(flatten)]
    target: Target,
    /// In all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Only objects with these labels, such as tier=gold
    #[arg(short = 'l', long, value_name = "LABELS")]
    selector: Option<String>,
    /// More columns, whole objects, or only names
    #[arg(short, long, value_enum)]
    output: Option<Format>,
    /// Go on showing what changes
    #[arg(short, long)]
    watch: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Wide,
    Yaml,
    Json,
    Name,
}

impl Format {
    /// The form in which the server is asked for objects.
    fn accept(format: Option<Self>) -> &'static str {
        match format {
            Some(Self::Yaml | Self::Json) => "application/json",
            _ => "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
        }
    }
}

/// What is asked for, and how it is shown.
struct Request<'a> {
    client: &'a Client,
    /// None: all of them.
    namespace: Option<&'a str>,
    labels: Option<&'a str>,
    format: Option<Format>,
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let Arguments { words, target, all_namespaces, selector, output: format, watch } = arguments;
    let (client, namespace) = target.connect().await?;
    let kinds = Kinds::of(&client).await?;
    let selections = select(&kinds, &words)?;
    let named = selections.iter().any(|selection| !selection.names.is_empty());
    if named && (all_namespaces || selector.is_some()) {
        return Err(Failure::usage(
            "an object is found by its name and namespace alone; leave out -A and -l, or the name",
        ));
    }
    let request = Request {
        client: &client,
        namespace: (!all_namespaces).then_some(&namespace),
        labels: selector.as_deref(),
        format,
    };
    if watch {
        return match selections.as_slice() {
            [one] if one.names.len() <= 1 => watch::follow(&request, one, output).await,
            _ => Err(Failure::usage("--watch follows one type, or one object of it")),
        };
    }
    let found = collect(&request, &selections, output).await;
    show(&request, &found, named || words.iter().any(|word| word.contains('/')), output)?;
    if found.failed { Err(Failure::said()) } else { Ok(()) }
}

/// What the server answered, kind by kind.
struct Found<'a> {
    answers: Vec<(&'a Kind, Vec<Value>)>,
    failed: bool,
}

/// Asks for everything. What is missing is said, and does not hide the rest.
async fn collect<'a>(request: &Request<'_>, selections: &[Selection<'a>], output: &Output) -> Found<'a> {
    let mut found = Found { answers: Vec::new(), failed: false };
    for Selection { kind, names } in selections {
        let mut answers = Vec::new();
        if names.is_empty() {
            match request.list(kind).await {
                Ok(pages) => answers = pages,
                Err(refusal) => {
                    found.failed = true;
                    output.problem(&format!("{}: {refusal}", kind.name()));
                }
            }
        }
        for name in names {
            match request.one(kind, name).await {
                Ok(object) => answers.push(object),
                Err(refusal) => {
                    found.failed = true;
                    output.problem(&missing(kind, name, request.namespace, &refusal));
                }
            }
        }
        found.answers.push((*kind, answers));
    }
    found
}

/// Why an object cannot be shown.
pub(super) fn missing(kind: &Kind, name: &str, namespace: Option<&str>, refusal: &Refusal) -> String {
    if !refusal.is_absent() {
        return format!("{}: {refusal}", kind.object(name));
    }
    let (object, see) = (kind.object(name), format!("{} get {}", program::name(), kind.word()));
    match namespace.filter(|_| kind.namespaced) {
        Some(namespace) => format!("{object} not found in namespace {namespace}; see which there are: {see} -A"),
        None => format!("{object} not found; see which there are: {see}"),
    }
}

impl Request<'_> {
    /// One object.
    async fn one(&self, kind: &Kind, name: &str) -> Result<Value, Refusal> {
        self.ask(&format!("{}/{name}", kind.path(self.namespace))).await
    }

    /// All objects, as pages.
    async fn list(&self, kind: &Kind) -> Result<Vec<Value>, Refusal> {
        let mut pages: Vec<Value> = Vec::new();
        loop {
            let next = pages.last().and_then(|page| page["metadata"]["continue"].as_str()).unwrap_or_default();
            let parameters = [("limit", PAGE), ("labelSelector", self.labels.unwrap_or_default()), ("continue", next)];
            let page = self.ask(&with(&kind.path(self.namespace), &parameters)).await?;
            let more = page["metadata"]["continue"].as_str().is_some_and(|next| !next.is_empty());
            pages.push(page);
            if !more {
                return Ok(pages);
            }
        }
    }

    async fn ask(&self, uri: &str) -> Result<Value, Refusal> {
        answer(self.client.request(asked(uri, Format::accept(self.format))?)).await
    }
}

fn asked(uri: &str, accept: &str) -> Result<http::Request<Vec<u8>>, Refusal> {
    let request = http::Request::get(uri).header(http::header::ACCEPT, accept).body(Vec::new());
    request.map_err(|error| Refusal::Unanswered(format!("{uri} cannot be asked for: {error}")))
}

/// A path with those of the parameters that have a value.
fn with(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty()));
    format!("{path}?{}", query.finish())
}

fn show(request: &Request, found: &Found, named: bool, output: &Output) -> Result<(), Failure> {
    match request.format {
        Some(format @ (Format::Yaml | Format::Json)) => {
            let objects: Vec<Value> = found.answers.iter().flat_map(|(kind, answers)| objects(kind, answers)).collect();
            match objects.as_slice() {
                [] if found.failed => Ok(()),
                [one] if named => whole(one, format, output),
                all => whole(&json!({"apiVersion": "v1", "kind": "List", "items": all}), format, output),
            }
        }
        Some(Format::Name) => {
            for (kind, answers) in &found.answers {
                let table = Table::of(answers);
                table.rows.iter().try_for_each(|row| output.line(&kind.object(&row.name)))?;
            }
            Ok(())
        }
        Some(Format::Wide) | None => tables(request, found, output),
    }
}

/// The objects of answers, without what only the server needs.
fn objects(kind: &Kind, answers: &[Value]) -> Vec<Value> {
    let mut found = Vec::new();
    for answer in answers {
        match answer["items"].as_array() {
            // Items of a list say neither version nor kind.
            Some(items) => found.extend(items.iter().map(|item| {
                let mut item = item.clone();
                item["apiVersion"] = json!(kind.resource.api_version);
                item["kind"] = json!(kind.resource.kind);
                item
            })),
            None => found.push(answer.clone()),
        }
    }
    found.iter_mut().for_each(tidy);
    found
}

/// Who set which field fills pages, and `kubectl get` leaves it out too.
fn tidy(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
}

fn whole(object: &Value, format: Format, output: &Output) -> Result<(), Failure> {
    if format == Format::Json {
        return output.json(object);
    }
    output.yaml(object)
}

fn tables(request: &Request, found: &Found, output: &Output) -> Result<(), Failure> {
    let filled: Vec<_> = found
        .answers
        .iter()
        .map(|(kind, answers)| (kind, Table::of(answers)))
        .filter(|(_, table)| !table.rows.is_empty())
        .collect();
    if filled.is_empty() {
        if !found.failed {
            let namespaced = found.answers.iter().any(|(kind, _)| kind.namespaced);
            let place = request.namespace.filter(|_| namespaced).map(|namespace| format!(" in {namespace} namespace"));
            output.remark(&format!("No resources found{}.", place.unwrap_or_default()));
        }
        return Ok(());
    }
    for (index, (kind, table)) in filled.iter().enumerate() {
        if index > 0 {
            output.line("")?;
        }
        let shape = table::Shape {
            namespaces: request.namespace.is_none() && kind.namespaced,
            wide: request.format == Some(Format::Wide),
            prefix: (found.answers.len() > 1).then_some(*kind),
        };
        let headers = table.headers(&shape);
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let plain = |cells: Vec<String>| cells.into_iter().map(|cell| (Tone::Plain, cell)).collect();
        output.rows(&headers, table.rows.iter().map(|row| plain(table.cells(row, &shape))).collect())?;
    }
    Ok(())
}
