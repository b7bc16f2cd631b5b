//! Checks inputs by the rule language, one JSON object a line on standard input:
//!
//! ```text
//! {"id": 1, "mode": "raw", "fields": {"port": "required|integer"}, "data": {"port": "x"}}
//! ```
//!
//! and answers each with a line: `{"id":1,"passes":false,"failed":["port"]}`, or `{"id":1,"error":"…"}` where the line
//! cannot be read or a rule means nothing.

use std::io::{self, BufWriter, Write as _};

use hostwright_plugin::schema::{Array, Mode, RuleSet, Value};
use serde::Serialize;

/// What a line is answered with.
#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Verdict { id: Value, passes: bool, failed: Vec<String> },
    Error { id: Value, error: String },
}

fn main() -> io::Result<()> {
    let mut output = BufWriter::new(io::stdout().lock());
    for line in io::stdin().lines() {
        let line = line?;
        if !line.trim().is_empty() {
            serde_json::to_writer(&mut output, &answer(&line))?;
            writeln!(output)?;
        }
    }
    output.flush()
}

fn answer(line: &str) -> Answer {
    let case: Array = match serde_json::from_str(line) {
        Ok(Value::Array(case)) => case,
        Ok(_) => {
            return Answer::Error { id: Value::Null, error: "a line must be a JSON object".to_owned() };
        }
        Err(error) => {
            return Answer::Error { id: Value::Null, error: format!("a line must be JSON: {error}") };
        }
    };
    let id = case.field("id").cloned().unwrap_or_default();
    match check(&case) {
        Ok(failed) => Answer::Verdict { id, passes: failed.is_empty(), failed },
        Err(error) => Answer::Error { id, error },
    }
}

fn check(case: &Array) -> Result<Vec<String>, String> {
    let mode = match case.field("mode").and_then(Value::as_text) {
        Some("raw") => Mode::Raw,
        Some("web") => Mode::Web,
        _ => return Err("mode must be raw or web".to_owned()),
    };
    let rules = RuleSet::parse(case.field("fields").ok_or("fields are missing")?)?;
    let data = case.field("data").and_then(Value::as_array).ok_or("data must be an object")?;
    Ok(rules.check(data, mode).failed.into_iter().map(|(field, _)| field).collect())
}
