//! Every case of `vectors.jsonl`, recorded from Laravel 12.67.0's validator on PHP 8.2, in both modes: verdict, failed
//! rules in order, and validated values.

#![cfg(test)]

use hostwright_plugin::schema::{Array, Mode, RuleSet, Value};

/// Cases in which we differ on purpose, with the reason; docs/schema.md lists the same.
const DELIBERATE: [(&str, &str); 0] = [];

fn cases() -> impl Iterator<Item = Array> {
    include_str!("vectors.jsonl").lines().map(|line| match serde_json::from_str(line).expect(line) {
        Value::Array(case) => case,
        other => panic!("not an object: {other:?}"),
    })
}

fn text<'c>(case: &'c Array, key: &str) -> &'c str {
    case.field(key).and_then(Value::as_text).unwrap_or_else(|| panic!("{key} in {case:?}"))
}

fn array<'c>(case: &'c Array, key: &str) -> &'c Array {
    case.field(key).and_then(Value::as_array).unwrap_or_else(|| panic!("{key} in {case:?}"))
}

/// What differs from the recording, if anything does.
fn difference(case: &Array, mode: Mode) -> Option<String> {
    let recorded = array(case, if mode == Mode::Raw { "raw" } else { "web" });
    let rules = match RuleSet::parse(case.field("fields").expect("fields")) {
        Ok(rules) => rules,
        Err(error) => return Some(error),
    };
    let verdict = rules.check(array(case, "data"), mode);
    let failed: Vec<(String, Vec<&str>)> = array(recorded, "failed")
        .iter()
        .map(|(field, names)| {
            (field.to_string(), names.as_array().expect("names").values().filter_map(Value::as_text).collect())
        })
        .collect();
    let validated = recorded.field("validated").and_then(Value::as_array);
    if verdict.failed == failed && verdict.validated.as_ref() == validated && verdict.passes() == failed.is_empty() {
        return None;
    }
    Some(format!("recorded {failed:?} {validated:?}, got {verdict:?}"))
}

/// acceptance 11
#[test]
fn every_recorded_verdict_is_reproduced_in_both_modes() {
    let mut differences = Vec::new();
    for case in cases() {
        let id = text(&case, "id");
        for mode in [Mode::Raw, Mode::Web] {
            let is_deliberate = DELIBERATE.iter().any(|(known, _)| *known == id);
            match difference(&case, mode) {
                Some(difference) if !is_deliberate => differences.push(format!("{id} {mode:?}: {difference}")),
                _ => {}
            }
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn the_recording_is_complete() {
    assert_eq!(cases().count(), 901);
}
