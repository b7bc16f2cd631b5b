//! What the operations of a JSON patch may cost: a short patch can copy, move and shift very much.

use serde_json::Value;

use crate::decode::MAX_DEPTH;
use crate::object::{deeper_than, weight};

/// The most bytes that all operations together may copy or move (`JSONPatchMaxCopyBytes`).
const MAX_COPIED: usize = 3 * 1024 * 1024;
/// The most list items that all operations together may shift.
const MAX_SHIFTED: usize = 20_000_000;

/// The operations ask for more than a patch is given.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exhausted;

/// What is left for a patch.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes: usize,
    items: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { bytes: MAX_COPIED, items: MAX_SHIFTED }
    }
}

impl Budget {
    /// Takes what an operation on this document costs. An operation that cannot be done costs something or nothing.
    pub(crate) fn charge(&mut self, document: &Value, operation: &Value) -> Result<(), Exhausted> {
        let text = |name: &str| operation.get(name).and_then(Value::as_str);
        let path = steps(text("path").unwrap_or_default());
        let from = text("from").map(steps).unwrap_or_default();
        if path.len().max(from.len()) > MAX_DEPTH {
            return Err(Exhausted);
        }
        let added = match text("op") {
            Some("copy" | "move") => {
                let source = find(document, &from).unwrap_or(&Value::Null);
                self.bytes = self.bytes.checked_sub(weight(source)).ok_or(Exhausted)?;
                source
            }
            _ => operation.get("value").unwrap_or(&Value::Null),
        };
        if deeper_than(added, MAX_DEPTH + 1 - path.len()) {
            return Err(Exhausted);
        }
        for place in [&path, &from] {
            let parent = place.split_last().and_then(|(_, parent)| find(document, parent)).and_then(Value::as_array);
            self.items = self.items.checked_sub(parent.map_or(0, Vec::len)).ok_or(Exhausted)?;
        }
        Ok(())
    }
}

fn steps(path: &str) -> Vec<String> {
    // One more than allowed is enough to know that there are too many.
    path.split('/').skip(1).take(MAX_DEPTH + 1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect()
}

fn find<'a>(document: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(document, |value, step| match value {
        Value::Object(map) => map.get(step),
        Value::Array(list) => {
            let index: isize = step.parse().ok()?;
            // Places may be counted from the end.
            let index = if index < 0 { list.len().checked_add_signed(index)? } else { usize::try_from(index).ok()? };
            list.get(index)
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// How many times the operation is allowed on the document.
    fn allowed(document: &Value, operation: &Value) -> usize {
        let mut budget = Budget::default();
        (0..10_000).take_while(|_| budget.charge(document, operation).is_ok()).count()
    }

    #[test]
    fn copies_and_moves_are_limited_by_their_bytes() {
        let document = json!({ "a": "x".repeat(1_000_000), "list": [["x".repeat(1_000_000)]] });
        for from in ["/a", "/list/0", "/list/-1/0"] {
            for op in ["copy", "move"] {
                assert_eq!(allowed(&document, &json!({ "op": op, "from": from, "path": "/b" })), 3, "{op} {from}");
            }
        }
        assert_eq!(allowed(&document, &json!({ "op": "test", "path": "/a", "value": 1 })), 10_000);
        assert_eq!(allowed(&document, &json!({ "op": "copy", "from": "/zap", "path": "/b" })), 10_000);
    }

    #[test]
    fn shifting_long_lists_is_limited_by_their_items() {
        let document = json!({ "list": vec![0; 100_000] });
        for operation in [
            json!({ "op": "add", "path": "/list/0", "value": 1 }),
            json!({ "op": "remove", "path": "/list/0" }),
            json!({ "op": "move", "from": "/list/0", "path": "/a" }),
        ] {
            assert_eq!(allowed(&document, &operation), 200, "{operation}");
        }
    }

    #[test]
    fn nothing_becomes_deeper_than_a_body_may_be() {
        let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!({ "a": inner }));
        let path = |depth: usize| "/a".repeat(depth);
        let fits = |document: &Value, operation: &Value| Budget::default().charge(document, operation).is_ok();
        let add = |at: usize, depth: usize| {
            fits(&json!({}), &json!({ "op": "add", "path": path(at), "value": nested(depth) }))
        };
        assert!(add(MAX_DEPTH, 0) && add(1, MAX_DEPTH - 2) && add(50, 49));
        assert!(!add(MAX_DEPTH + 1, 0) && !add(1, MAX_DEPTH) && !add(50, 51) && !add(1_000_000, 0));
        let document = json!({ "a": nested(90), "b": nested(90) });
        let moved = |to: usize| allowed(&document, &json!({ "op": "move", "from": "/b", "path": path(to) })) > 0;
        assert!(moved(5) && !moved(50));
    }
}
