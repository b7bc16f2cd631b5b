//! JSON patches (RFC 6902), as `evanphx/json-patch` applies them: a field that is not there reads as null, and places in a
//! list may be counted from its end.

use serde_json::Value;

use super::budget::Budget;

/// The operation cannot be done; the real server does not say why either.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DoesNotApply;

/// Does one operation after the other, as far as their budget goes.
pub(crate) fn apply(value: &mut Value, operations: &[Value]) -> Result<(), DoesNotApply> {
    let mut budget = Budget::default();
    operations.iter().try_for_each(|operation| {
        budget.charge(value, operation).map_err(|_| DoesNotApply)?;
        apply_one(value, operation)
    })
}

fn apply_one(root: &mut Value, operation: &Value) -> Result<(), DoesNotApply> {
    let text = |name: &str| operation.get(name).and_then(Value::as_str);
    let path = text("path").ok_or(DoesNotApply)?;
    let value = operation.get("value").cloned().unwrap_or(Value::Null);
    match text("op").unwrap_or_default() {
        "add" => add(root, path, value),
        "remove" => remove(root, path).map(drop),
        "replace" if path.is_empty() => {
            *root = Some(value).filter(|value| value.is_object() || value.is_array()).ok_or(DoesNotApply)?;
            Ok(())
        }
        "replace" => replace(root, path, value),
        "move" => {
            let moved = remove(root, text("from").ok_or(DoesNotApply)?)?;
            add(root, path, moved)
        }
        "copy" => {
            let copied = get(root, text("from").ok_or(DoesNotApply)?)?;
            add(root, path, copied)
        }
        "test" if path.is_empty() => (*root == value).then_some(()).ok_or(DoesNotApply),
        "test" => (get(root, path)? == value).then_some(()).ok_or(DoesNotApply),
        _ => Err(DoesNotApply),
    }
}

/// The map or list that holds the place, and the name of the place in it.
fn parent<'a>(root: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), DoesNotApply> {
    let steps: Vec<String> = path.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
    let [_, between @ .., name] = steps.as_slice() else {
        return Err(DoesNotApply);
    };
    let mut at = root;
    for step in between {
        at = match at {
            Value::Object(map) => map.get_mut(step),
            Value::Array(list) => index(step, list.len()).ok().and_then(|index| list.get_mut(index)),
            _ => None,
        }
        .ok_or(DoesNotApply)?;
    }
    if at.is_object() || at.is_array() { Ok((at, name.clone())) } else { Err(DoesNotApply) }
}

/// A place in a list of this length; a negative number counts from the end.
fn index(text: &str, length: usize) -> Result<usize, DoesNotApply> {
    let number: i64 = text.parse().map_err(|_| DoesNotApply)?;
    let length = i64::try_from(length).map_err(|_| DoesNotApply)?;
    let number = if number < 0 { number + length } else { number };
    usize::try_from(number).map_err(|_| DoesNotApply)
}

fn get(root: &mut Value, path: &str) -> Result<Value, DoesNotApply> {
    match parent(root, path)? {
        (Value::Object(map), name) => Ok(map.get(&name).cloned().unwrap_or(Value::Null)),
        (Value::Array(list), name) => list.get(index(&name, list.len())?).cloned().ok_or(DoesNotApply),
        _ => Err(DoesNotApply),
    }
}

fn add(root: &mut Value, path: &str, value: Value) -> Result<(), DoesNotApply> {
    match parent(root, path)? {
        (Value::Object(map), name) => {
            map.insert(name, value);
        }
        (Value::Array(list), name) if name == "-" => list.push(value),
        (Value::Array(list), name) => {
            let index = index(&name, list.len() + 1)?;
            if index > list.len() {
                return Err(DoesNotApply);
            }
            list.insert(index, value);
        }
        _ => return Err(DoesNotApply),
    }
    Ok(())
}

fn replace(root: &mut Value, path: &str, value: Value) -> Result<(), DoesNotApply> {
    match parent(root, path)? {
        (Value::Object(map), name) => {
            map.insert(name, value);
        }
        (Value::Array(list), name) => {
            let index = index(&name, list.len())?;
            *list.get_mut(index).ok_or(DoesNotApply)? = value;
        }
        _ => return Err(DoesNotApply),
    }
    Ok(())
}

fn remove(root: &mut Value, path: &str) -> Result<Value, DoesNotApply> {
    match parent(root, path)? {
        (Value::Object(map), name) => map.remove(&name).ok_or(DoesNotApply),
        (Value::Array(list), name) => {
            let index = index(&name, list.len())?;
            if index < list.len() { Ok(list.remove(index)) } else { Err(DoesNotApply) }
        }
        _ => Err(DoesNotApply),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(operations: &Value) -> Result<Value, DoesNotApply> {
        let mut value = json!({ "a": { "b": 1 }, "list": ["x", "y"], "a/b": 0 });
        apply(&mut value, operations.as_array().unwrap()).map(|()| value)
    }

    #[test]
    fn places_are_counted_from_either_end() {
        let found = patched(&json!([
            { "op": "add", "path": "/list/1", "value": "n" },
            { "op": "replace", "path": "/list/-1", "value": "z" },
            { "op": "remove", "path": "/list/0" },
            { "op": "add", "path": "/list/-", "value": "e" },
            { "op": "remove", "path": "/a~1b" },
        ]));
        assert_eq!(found.unwrap(), json!({ "a": { "b": 1 }, "list": ["n", "z", "e"] }));
    }

    #[test]
    fn what_is_not_there_reads_as_null() {
        assert!(patched(&json!([{ "op": "test", "path": "/a/c", "value": null }])).is_ok());
        assert!(patched(&json!([{ "op": "replace", "path": "/a/c", "value": 1 }])).is_ok());
        assert!(patched(&json!([{ "op": "remove", "path": "/a/c" }])).is_err());
        assert!(patched(&json!([{ "op": "add", "path": "/x/y", "value": 1 }])).is_err());
    }
}
