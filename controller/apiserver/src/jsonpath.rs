//! The `JSONPath` of printer columns: fields, indices, wildcards and filters on equality.

use serde_json::Value;

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Field(String),
    Index(i64),
    All,
    /// `[?(@.type=="Ready")]`
    Filter {
        path: Vec<String>,
        operator: String,
        value: Value,
    },
}

/// A parsed path.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct JsonPath(Vec<Step>);

impl JsonPath {
    /// Nothing when the path cannot be read.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut steps = Vec::new();
        let text = text.trim().trim_start_matches('{').trim_end_matches('}');
        let mut rest = text.strip_prefix('$').unwrap_or(text);
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('[') {
                let end = closing_bracket(after)?;
                steps.push(bracket(&after[..end])?);
                rest = &after[end + 1..];
            } else {
                let after = rest.strip_prefix('.').unwrap_or(rest);
                let (name, left) = field_name(after);
                match name.as_str() {
                    "" if left.starts_with('[') => {}
                    "" => return (left.is_empty() && steps.is_empty()).then_some(Self(steps)),
                    "*" => steps.push(Step::All),
                    _ => steps.push(Step::Field(name)),
                }
                rest = left;
            }
        }
        Some(Self(steps))
    }

    /// All values the path leads to.
    pub(crate) fn find<'a>(&self, root: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![root];
        for step in &self.0 {
            found = found.into_iter().flat_map(|value| step.follow(value)).collect();
        }
        found
    }
}

impl Step {
    fn follow<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match self {
            Self::Field(name) => value.get(name).into_iter().collect(),
            Self::Index(index) => {
                let Some(list) = value.as_array() else {
                    return Vec::new();
                };
                let at = if *index < 0 {
                    usize::try_from(index.unsigned_abs()).ok().and_then(|back| list.len().checked_sub(back))
                } else {
                    usize::try_from(*index).ok()
                };
                at.and_then(|at| list.get(at)).into_iter().collect()
            }
            Self::All => match value {
                Value::Array(list) => list.iter().collect(),
                Value::Object(map) => map.values().collect(),
                _ => Vec::new(),
            },
            Self::Filter { path, operator, value: wanted } => {
                let fits = |item: &&Value| {
                    let found = path.iter().try_fold(*item, |value, name| value.get(name));
                    match operator.as_str() {
                        "" => found.is_some(),
                        "==" => found == Some(wanted),
                        "!=" => found.is_some_and(|found| found != wanted),
                        _ => compare(found, operator, wanted),
                    }
                };
                value.as_array().into_iter().flatten().filter(fits).collect()
            }
        }
    }
}

fn compare(found: Option<&Value>, operator: &str, wanted: &Value) -> bool {
    let (Some(found), Some(wanted)) = (found.and_then(Value::as_f64), wanted.as_f64()) else {
        return false;
    };
    match operator {
        "<" => found < wanted,
        "<=" => found <= wanted,
        ">" => found > wanted,
        ">=" => found >= wanted,
        _ => false,
    }
}

/// The bracket's end, outside of quotes and inner brackets.
fn closing_bracket(text: &str) -> Option<usize> {
    let (mut quote, mut depth) = (None, 0_usize);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '[') => depth += 1,
            (None, ']') if depth == 0 => return Some(at),
            (None, ']') => depth -= 1,
            _ => {}
        }
    }
    None
}

fn bracket(inner: &str) -> Option<Step> {
    let inner = inner.trim();
    if inner == "*" {
        return Some(Step::All);
    }
    if let Some(filter) = inner.strip_prefix("?(").and_then(|filter| filter.strip_suffix(')')) {
        return self::filter(filter.trim());
    }
    if let Some(name) = quoted(inner) {
        return Some(Step::Field(name.to_owned()));
    }
    inner.parse().ok().map(Step::Index)
}

fn filter(text: &str) -> Option<Step> {
    let operator =
        ["==", "!=", "<=", ">=", "<", ">"].into_iter().find(|operator| text.contains(operator)).unwrap_or("");
    let (path, value) = if operator.is_empty() { (text, "") } else { text.split_once(operator)? };
    let path = path.trim().strip_prefix('@')?;
    let mut names = Vec::new();
    for step in JsonPath::parse(path)?.0 {
        let Step::Field(name) = step else { return None };
        names.push(name);
    }
    let value = value.trim();
    let value = match quoted(value) {
        Some(text) => Value::from(text),
        None if value.is_empty() => Value::Null,
        None => serde_json::from_str(value).ok()?,
    };
    Some(Step::Filter { path: names, operator: operator.to_owned(), value })
}

fn quoted(text: &str) -> Option<&str> {
    ['\'', '"'].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
}

/// A field name up to the next dot or bracket; a backslash takes the next letter as it is.
fn field_name(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut letters = text.char_indices();
    while let Some((at, c)) = letters.next() {
        match c {
            '\\' => name.extend(letters.next().map(|(_, c)| c)),
            '.' | '[' => return (name, &text[at..]),
            c => name.push(c),
        }
    }
    (name, "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_through_fields_lists_and_filters() {
        let object = json!({
            "metadata": { "annotations": { "a.b/c": "dotted" } },
            "spec": { "list": [{ "n": 1 }, { "n": 2 }] },
            "status": { "conditions": [{ "type": "Ready", "status": "True" }, { "type": "Other", "status": "False" }] },
        });
        for (path, expected) in [
            (".spec.list[0].n", vec![json!(1)]),
            (".spec.list[-1].n", vec![json!(2)]),
            (".spec.list[*].n", vec![json!(1), json!(2)]),
            ("{.spec.list[?(@.n>1)].n}", vec![json!(2)]),
            (".status.conditions[?(@.type==\"Ready\")].status", vec![json!("True")]),
            (".status.conditions[?(@.type=='Ready')].status", vec![json!("True")]),
            (".metadata.annotations.a\\.b/c", vec![json!("dotted")]),
            (".metadata.annotations['a.b/c']", vec![json!("dotted")]),
            (".missing.deeper", vec![]),
        ] {
            let found: Vec<Value> = JsonPath::parse(path).unwrap().find(&object).into_iter().cloned().collect();
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn an_unreadable_path_is_none() {
        for path in [".a[", ".a[?(b)]", ".a[x]"] {
            assert_eq!(JsonPath::parse(path), None, "{path}");
        }
    }
}
