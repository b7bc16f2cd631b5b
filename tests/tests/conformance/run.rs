//! Runs a case on the servers there are, holds the answers against what is expected, and against each other.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::case::{Case, Expected, Step, Topic};
use crate::expect;
use crate::normal::Names;
use crate::select;
use crate::server::{Answer, Api, Outgoing, PATIENCE};
use crate::suite::Difference;
use crate::words::{self, Words};

/// The content types behind the verbs that are kinds of `PATCH`.
const PATCHES: [(&str, &str); 4] = [
    ("MERGE", "application/merge-patch+json"),
    ("JSON", "application/json-patch+json"),
    ("STRATEGIC", "application/strategic-merge-patch+json"),
    ("APPLY", "application/apply-patch+yaml"),
];

/// What came of a request on one server.
struct Turn {
    answer: Answer,
    /// The answer in the form in which it is compared.
    normal: Value,
    problems: Vec<String>,
}

/// Everything that is wrong with a case.
pub async fn problems(
    topic: &Topic,
    case: &Case,
    words: &Words,
    apis: &[Api],
    reasons: &BTreeMap<String, Difference>,
) -> Vec<String> {
    let conversations = apis.iter().map(|api| conversation(topic, case, words.clone(), api));
    let conversations: Vec<Vec<Turn>> = futures::future::join_all(conversations).await;
    let mut all = Vec::new();
    for (number, step) in case.steps.iter().enumerate() {
        let turns: Vec<&Turn> = conversations.iter().map(|turns| &turns[number]).collect();
        let mut problems: Vec<String> = turns.iter().flat_map(|turn| turn.problems.clone()).collect();
        if let [embedded, real] = turns.as_slice() {
            problems.extend(comparison(&step.expected, &embedded.normal, &real.normal));
        }
        if let Some(reason) = &step.expected.differs
            && !reasons.contains_key(reason)
        {
            problems.push(format!("differences.yaml gives no reason called {reason}"));
        }
        if !problems.is_empty() {
            all.push(format!("{}. {} {}", number + 1, step.verb, step.path));
            all.extend(problems.into_iter().map(|problem| format!("   {problem}")));
            if turns.iter().any(|turn| !turn.problems.is_empty() || turn.answer.code != turns[0].answer.code) {
                let answers = apis.iter().zip(turns).map(|(api, turn)| (api.name, &turn.answer));
                all.extend(answers.map(|(name, answer)| format!("   {name}: {} {}", answer.code, answer.text.trim())));
            }
        }
    }
    all
}

/// In what the answers differ, unless they are meant to.
fn comparison(expected: &Expected, embedded: &Value, real: &Value) -> Vec<String> {
    let differences = if embedded["code"] == real["code"] {
        select::differences(embedded, real, "")
    } else {
        vec![format!("the embedded server answers {}, a real one {}", embedded["code"], real["code"])]
    };
    match &expected.differs {
        None => differences,
        Some(reason) if differences.is_empty() => {
            vec![format!("both servers answer the same; take away \"differs: {reason}\"")]
        }
        Some(_) => Vec::new(),
    }
}

async fn conversation(topic: &Topic, case: &Case, mut words: Words, api: &Api) -> Vec<Turn> {
    for definition in words::definitions(&words, &topic.definitions) {
        words.add_collection(&definition);
    }
    let namespace = words.value(&serde_yaml::from_str("!Namespace {metadata: {name: '{ns}'}}").unwrap());
    let namespaces = words.get("namespaces").to_owned();
    prepare(api, &namespaces, &namespace).await;
    let mut names = Names::default();
    let mut turns = Vec::new();
    for step in &case.steps {
        // What a case expects of an answer that differs is what the embedded server says.
        let judged = step.expected.differs.is_none() || api.name != Api::REAL;
        let (answer, problems) = ask(api, &words, step, judged).await;
        let problems = problems.into_iter().map(|problem| format!("{}: {problem}", api.name)).collect();
        if let Some(label) = &step.expected.label {
            words.remember(label, answer.body.clone());
        }
        let normal = compared(&words, &step.expected, &answer, &mut names);
        turns.push(Turn { answer, normal, problems });
    }
    turns
}

/// Sends the request of a step, again and again where its effect takes time.
async fn ask(api: &Api, words: &Words, step: &Step, judged: bool) -> (Answer, Vec<String>) {
    let outgoing = outgoing(words, step);
    let start = Instant::now();
    loop {
        let answer = api.send(&outgoing).await;
        let problems = if judged { judge(words, &step.expected, &answer) } else { Vec::new() };
        if problems.is_empty() || !step.expected.eventually || start.elapsed() > PATIENCE {
            return (answer, problems);
        }
        sleep(Duration::from_millis(50)).await;
    }
}

fn outgoing(words: &Words, step: &Step) -> Outgoing {
    let mut headers: Vec<(String, String)> =
        step.expected.headers.iter().map(|(name, value)| (name.clone(), words.text(value))).collect();
    let patch = PATCHES.iter().find(|(verb, _)| *verb == step.verb);
    let method = match (patch, step.verb.as_str()) {
        (Some(_), _) => "PATCH",
        (None, "WATCH") => "GET",
        (None, verb) => verb,
    };
    let media = patch.map_or("application/json", |(_, media)| media);
    if !step.body.is_null() && !headers.iter().any(|(name, _)| name == "content-type") {
        headers.push(("content-type".to_owned(), media.to_owned()));
    }
    let body = match &step.body {
        serde_yaml::Value::Null => Vec::new(),
        serde_yaml::Value::String(text) => words.text(text).into_bytes(),
        body => words.value(body).to_string().into_bytes(),
    };
    let frames = step.expected.frames.as_ref().map(Vec::len);
    Outgoing { method: method.to_owned(), path: words.text(&step.path).replace(' ', "%20"), headers, body, frames }
}

fn judge(words: &Words, expected: &Expected, answer: &Answer) -> Vec<String> {
    let mut problems = Vec::new();
    if answer.code != expected.code {
        problems.push(format!("expected {}", expected.code));
        return problems;
    }
    if !expected.has.is_null() {
        problems.extend(expect::problems(words, &expected.has, &answer.body, ""));
    }
    if let Some(frames) = &expected.frames {
        let frames = serde_yaml::Value::Sequence(frames.clone());
        problems.extend(expect::problems(words, &frames, &answer.body, "frames"));
    }
    if let Some(text) = &expected.text
        && words.text(text) != answer.text
    {
        problems.push(format!("expected {text:?}"));
    }
    let warnings: Vec<String> = expected.warns.iter().map(|text| words.text(text)).collect();
    if warnings != answer.warnings {
        problems.push(format!("expected the warnings {warnings:?}, found {:?}", answer.warnings));
    }
    problems
}

/// The parts of an answer that are compared, in a form in which they can be.
fn compared(words: &Words, expected: &Expected, answer: &Answer, names: &mut Names) -> Value {
    let body = if answer.body.is_null() { Value::String(answer.text.clone()) } else { answer.body.clone() };
    let body = if expected.only.is_empty() {
        body
    } else {
        expected.only.iter().map(|path| select::select(&body, &words.text(path))).collect()
    };
    serde_json::json!({
        "code": answer.code, "content-type": answer.media, "warnings": answer.warnings, "body": names.normal(body),
    })
}

/// Creates an object that cases rely on.
pub async fn prepare(api: &Api, collection: &str, object: &Value) {
    let answer = api.send(&plain("POST", collection, object)).await;
    assert_eq!(answer.code, 201, "{}: {collection}: {}", api.name, answer.text);
}

/// Creates a definition and waits until what it defines is served.
pub async fn define(api: &Api, words: &Words, definition: &Value) {
    prepare(api, words.get("definitions"), definition).await;
    let (group, plural) = (&definition["spec"]["group"], &definition["spec"]["names"]["plural"]);
    let version = &definition["spec"]["versions"][0]["name"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let path = format!("/apis/{}/{}/{}", text(group), text(version), text(plural));
    let start = Instant::now();
    while api.send(&plain("GET", &path, &Value::Null)).await.code != 200 {
        assert!(start.elapsed() < PATIENCE, "{}: {path} is not served", api.name);
        sleep(Duration::from_millis(20)).await;
    }
}

fn plain(method: &str, path: &str, body: &Value) -> Outgoing {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Outgoing { method: method.to_owned(), path: path.to_owned(), headers, body, frames: None }
}
