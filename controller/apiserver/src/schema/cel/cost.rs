//! What it may cost to evaluate rules on an object.
//!
//! The interpreter cannot be stopped, so that this is known before it begins: an upper bound, made of the expression and of
//! the sizes in this very object. It copies the values it hands to functions, and a list that grows it copies with every
//! item. One unit takes about ten nanoseconds.

use std::collections::BTreeMap;

use kube::core::cel::CompiledSchema;
use kube::core::cel::cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators,
};
use serde_json::Value;

use crate::field::child;
use crate::object::weight;

/// What all rules may cost on one object, in units: about a second.
const BUDGET: f64 = 100e6;
/// One step of the interpreter.
const STEP: f64 = 10.0;
/// A byte of the object made ready for a rule.
const CONVERSION: f64 = 20.0;
/// A pattern has to be read for every call, besides what its length costs.
const PATTERN: f64 = 2_000.0;
const PATTERN_BYTE: f64 = 200.0;
/// What `lists.range` makes at most.
const RANGE: f64 = 10_000.0 * 8.0;

/// Whether all rules of the schema together stay within the budget; the path of the value where they do not.
pub(super) fn check(schema: &CompiledSchema, value: &Value, old: Option<&Value>) -> Result<(), String> {
    Bill { left: BUDGET }.visit(schema, value, old, "")
}

struct Bill {
    left: f64,
}

impl Bill {
    fn visit(&mut self, schema: &CompiledSchema, value: &Value, old: Option<&Value>, path: &str) -> Result<(), String> {
        for rule in schema.validations.iter().flatten() {
            let sizes = weight(value) + old.map_or(0, weight);
            for program in std::iter::once(&rule.program).chain(&rule.message_program) {
                let old = old.map_or(Shape::Size(1.0), Shape::One);
                let variables = BTreeMap::from([("self", Shape::One(value)), ("oldSelf", old)]);
                self.left -= units(sizes) * CONVERSION + Estimate { variables }.of(program.expression()).0;
            }
            if self.left < 0.0 {
                return Err(path.to_owned());
            }
        }
        for part in schema.all_of.iter().chain(&schema.any_of).chain(&schema.one_of) {
            self.visit(part, value, old, path)?;
        }
        match value {
            Value::Object(map) => map.iter().try_for_each(|(name, field)| {
                let below = schema.properties.get(name).or(schema.additional_properties.as_deref());
                let Some(below) = below else { return Ok(()) };
                self.visit(below, field, old.and_then(|old| old.get(name)), &child(path, name))
            }),
            Value::Array(list) => list.iter().enumerate().try_for_each(|(index, item)| {
                let Some(below) = &schema.items else { return Ok(()) };
                self.visit(below, item, old.and_then(|old| old.get(index)), &format!("{path}[{index}]"))
            }),
            _ => Ok(()),
        }
    }
}

/// What is known of a value that an expression gives.
#[derive(Clone)]
enum Shape<'a> {
    One(&'a Value),
    /// One of these.
    Any(Vec<&'a Value>),
    /// So many bytes at most, and no more items than that.
    Size(f64),
}

impl<'a> Shape<'a> {
    fn possible(&self) -> &[&'a Value] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Any(values) => values,
            Self::Size(_) => &[],
        }
    }

    fn size(&self) -> f64 {
        match self {
            Self::Size(size) => *size,
            _ => self.possible().iter().map(|value| units(weight(value))).fold(1.0, f64::max),
        }
    }

    /// How many turns a macro takes over it.
    fn turns(&self) -> f64 {
        let length = |value: &Value| match value {
            Value::Array(list) => list.len(),
            Value::Object(map) => map.len(),
            _ => 0,
        };
        match self {
            Self::Size(size) => *size,
            _ => self.possible().iter().map(|value| units(length(value))).fold(0.0, f64::max),
        }
    }

    fn field(&self, name: &str) -> Self {
        let found: Vec<&Value> = self.possible().iter().filter_map(|value| value.get(name)).collect();
        // Names that are no identifiers are written differently in rules.
        if found.is_empty() { Self::Size(self.size()) } else { Self::Any(found) }
    }

    /// Any item of a list, or any value of a map.
    fn item(&self) -> Self {
        let mut items = Vec::new();
        for value in self.possible() {
            match value {
                Value::Array(list) => items.extend(list),
                Value::Object(map) => items.extend(map.values()),
                _ => {}
            }
        }
        if items.is_empty() { Self::Size(self.size()) } else { Self::Any(items) }
    }

    /// What the variable of a macro is: an item of a list, or a key of a map.
    fn turn(&self) -> Self {
        let keys = self.possible().iter().filter_map(|value| value.as_object()).flat_map(serde_json::Map::keys);
        let longest_key = keys.map(String::len).max();
        longest_key.map_or_else(|| self.item(), |length| Self::Size(units(length)))
    }
}

struct Estimate<'a, 'e> {
    variables: BTreeMap<&'e str, Shape<'a>>,
}

impl<'a, 'e> Estimate<'a, 'e> {
    /// The cost of an expression, and what comes out.
    fn of(&mut self, node: &'e IdedExpr) -> (f64, Shape<'a>) {
        match &node.expr {
            Expr::Unspecified | Expr::Struct(_) => (STEP, Shape::Size(1.0)),
            Expr::Literal(literal) => (STEP, Shape::Size(literal_size(literal))),
            Expr::Ident(name) => (STEP, self.variables.get(name.as_str()).cloned().unwrap_or(Shape::Size(1.0))),
            Expr::Select(select) => {
                let (cost, operand) = self.of(&select.operand);
                (cost + STEP, operand.field(&select.field))
            }
            Expr::List(list) => self.sum(list.elements.iter()),
            Expr::Map(map) => self.sum(map.entries.iter().flat_map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
                EntryExpr::StructField(field) => vec![&field.value],
            })),
            Expr::Call(call) => self.call(call),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
        }
    }

    fn sum(&mut self, nodes: impl Iterator<Item = &'e IdedExpr>) -> (f64, Shape<'a>) {
        let (mut cost, mut size) = (STEP, 1.0);
        for node in nodes {
            let (part, shape) = self.of(node);
            cost += part;
            size += shape.size();
        }
        (cost + size, Shape::Size(size))
    }

    fn call(&mut self, call: &'e CallExpr) -> (f64, Shape<'a>) {
        let arguments = call.target.as_deref().into_iter().chain(&call.args);
        let parts: Vec<(f64, Shape)> = arguments.map(|argument| self.of(argument)).collect();
        let cost: f64 = STEP + parts.iter().map(|(cost, _)| cost).sum::<f64>();
        let sizes: Vec<f64> = parts.iter().map(|(_, shape)| shape.size()).collect();
        let all: f64 = sizes.iter().sum();
        let product: f64 = sizes.iter().product();
        let first = sizes.first().copied().unwrap_or_default();
        match call.func_name.as_str() {
            operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT | operators::NOT_STRICTLY_FALSE => {
                (cost, Shape::Size(1.0))
            }
            operators::CONDITIONAL => {
                let largest = sizes.iter().copied().fold(1.0, f64::max);
                (cost + largest, Shape::Size(largest))
            }
            operators::INDEX | operators::OPT_INDEX => {
                (cost + all, parts.first().map_or(Shape::Size(all), |(_, container)| container.item()))
            }
            "matches" | "find" | "findAll" => {
                let pattern = sizes.last().copied().unwrap_or_default();
                (cost + PATTERN + PATTERN_BYTE * pattern + product, Shape::Size(all))
            }
            // The result has a part of one argument for every part of another.
            "replace" | "join" | "format" => (cost + all + product, Shape::Size(all + product)),
            "contains" | "equivalent" | "intersects" => (cost + all + product / 8.0, Shape::Size(1.0)),
            "distinct" | "sort" | "isSorted" | "indexOf" | "lastIndexOf" => {
                (cost + all + first * first / 8.0, Shape::Size(all))
            }
            "range" => (cost + RANGE, Shape::Size(RANGE)),
            _ => (cost + all, Shape::Size(all)),
        }
    }

    fn comprehension(&mut self, repeated: &'e ComprehensionExpr) -> (f64, Shape<'a>) {
        let (mut cost, range) = self.of(&repeated.iter_range);
        let (initial, _) = self.of(&repeated.accu_init);
        let turns = range.turns();
        cost += STEP + initial + range.size();
        let outside = self.variables.clone();
        self.variables.insert(&repeated.iter_var, range.turn());
        self.variables.insert(&repeated.accu_var, Shape::Size(1.0));
        if let Some(name) = &repeated.iter_var2 {
            self.variables.insert(name, range.item());
        }
        let (condition, _) = self.of(&repeated.loop_cond);
        let (step, grown) = self.of(&repeated.loop_step);
        // A list is one step longer after every turn, and copied in each of them; all others stay as small as they are.
        let collected = if matches!(repeated.accu_init.expr, Expr::List(_)) { turns * grown.size() } else { 1.0 };
        self.variables.insert(&repeated.accu_var, Shape::Size(collected));
        let (result, shape) = self.of(&repeated.result);
        self.variables = outside;
        (cost + turns * (condition + step + collected) + result, shape)
    }
}

fn literal_size(literal: &LiteralValue) -> f64 {
    match literal {
        LiteralValue::String(text) => units(text.inner().len()),
        LiteralValue::Bytes(bytes) => units(bytes.inner().len()),
        _ => 8.0,
    }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate; no object has so many bytes that it matters")]
fn units(bytes: usize) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use kube::core::cel::compile_schema;
    use serde_json::json;

    use super::*;

    fn allowed(rule: &str, value: &Value) -> bool {
        let schema = compile_schema(&json!({ "type": "object", "x-kubernetes-validations": [{ "rule": rule }] }));
        assert!(!schema.has_errors(), "{rule}");
        check(&schema, value, None).is_ok()
    }

    fn object(length: usize) -> Value {
        let names = || (0..length).map(|number| format!("k{number}"));
        let map: serde_json::Map<String, Value> = names().map(|name| (name, json!("v"))).collect();
        json!({ "items": vec![1; length], "text": "a".repeat(length), "names": names().collect::<Vec<_>>(), "map": map })
    }

    #[test]
    fn what_takes_long_on_large_objects_is_allowed_on_small_ones() {
        for rule in [
            "self.items.all(x, self.items.all(y, x + y >= 0))",
            "self.items.map(x, x).size() >= 0",
            "self.items.filter(x, x > 0).size() >= 0",
            "self.names.all(x, x in self.map)",
            "self.names.all(x, x in self.names)",
            "self.map.map(k, self.map[k]).size() > 0",
            "self.text.replace('a', self.text).size() > 0",
            "self.names.all(x, self.text.matches(x))",
        ] {
            assert!(allowed(rule, &object(100)), "{rule}");
            assert!(!allowed(rule, &object(30_000)), "{rule}");
        }
    }

    #[test]
    fn what_is_done_once_for_each_item_is_allowed_on_large_objects_too() {
        for rule in [
            "self.items.all(x, x >= 0)",
            "self.names.exists_one(x, x == 'k5')",
            "self.names.all(x, x.startsWith('k') && x.size() < 10)",
            "self.map.all(k, k != 'x')",
            "self.text.matches('^a+$') && self.text.size() > 0",
        ] {
            assert!(allowed(rule, &object(20_000)), "{rule}");
        }
    }

    #[test]
    fn rules_of_items_add_up() {
        let rule = "self.names.all(x, x in self.names)";
        let schema = compile_schema(&json!({ "type": "object", "properties": { "list": {
            "type": "array", "items": { "type": "object", "x-kubernetes-validations": [{ "rule": rule }] },
        } } }));
        let value = |count: usize| json!({ "list": vec![object(100); count] });
        assert_eq!(check(&schema, &value(5), None), Ok(()));
        assert!(check(&schema, &value(3_000), None).unwrap_err().starts_with("list["));
    }
}
