//! Reading an expression, within limits: the parser recurses, and takes very long over some texts.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kube::core::cel::cel::Program;
use kube::core::cel::cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue};

/// The most bytes of one expression.
const MAX_LENGTH: usize = 5_000;
/// How deep brackets may be nested in the text. The parser stops at about the same, much later.
const MAX_BRACKETS: usize = 90;
/// How deep what was read may be: the evaluation recurses as well.
pub(super) const MAX_DEPTH: usize = 100;
/// The parser needs up to 30 MiB for so long a text when it is not optimised.
const PARSER_STACK: usize = 64 * 1024 * 1024;
/// The longest list that `lists.range` may make.
const MAX_RANGE: i64 = 10_000;
/// Nobody reads more of an error, and one repeats the text of the expression.
const MAX_ERROR: usize = 500;

/// Checks that an expression can be evaluated: it can be read, is not too deep, and refers to what there is.
pub(super) fn check(text: &str) -> Result<(), String> {
    if text.len() > MAX_LENGTH {
        return Err(format!("the expression has {} bytes, and the limit is {MAX_LENGTH}", text.len()));
    }
    if deepest_bracket(text) > MAX_BRACKETS {
        return Err(format!("brackets are nested deeper than {MAX_BRACKETS} levels"));
    }
    // The whole tree is read, walked and dropped on the large stack.
    let checked = on_large_stack(|| {
        let program = Program::compile(text).map_err(|errors| shortened(&errors.to_string()))?;
        Scope::default().visit(program.expression(), 0)
    });
    checked.unwrap_or_else(|| Err("the expression cannot be read".to_owned()))
}

/// Runs the parser, or what uses it; nothing when it panics, which it does over some texts.
pub(super) fn on_large_stack<T>(parse: impl FnOnce() -> T) -> Option<T> {
    stacker::grow(PARSER_STACK, || catch_unwind(AssertUnwindSafe(parse)).ok())
}

fn shortened(error: &str) -> String {
    error.chars().take(MAX_ERROR).collect()
}

fn deepest_bracket(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for letter in text.chars() {
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The variables that the macros around an expression declare.
#[derive(Default)]
struct Scope(Vec<String>);

impl Scope {
    fn visit(&mut self, node: &IdedExpr, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("the expression is nested deeper than {MAX_DEPTH} levels"));
        }
        let depth = depth + 1;
        match &node.expr {
            Expr::Unspecified => Err("the expression is incomplete".to_owned()),
            Expr::Struct(_) => Err("objects cannot be made by name".to_owned()),
            Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => {
                let is_declared = matches!(name.as_str(), "self" | "oldSelf") || self.0.contains(name);
                if is_declared { Ok(()) } else { Err(undeclared(name)) }
            }
            Expr::Select(select) => self.visit(&select.operand, depth),
            Expr::List(list) => list.elements.iter().try_for_each(|element| self.visit(element, depth)),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
                EntryExpr::StructField(_) => Err("objects cannot be made by name".to_owned()),
                EntryExpr::MapEntry(entry) => {
                    self.visit(&entry.key, depth)?;
                    self.visit(&entry.value, depth)
                }
            }),
            Expr::Call(call) => {
                let library = match call.target.as_ref().map(|target| &target.expr) {
                    Some(Expr::Ident(name)) if !self.0.contains(name) => Some(format!("{name}.{}", call.func_name)),
                    _ => None,
                };
                let of_library = library.as_deref().is_some_and(|name| LIBRARY.contains(&name));
                if !of_library && !FUNCTIONS.contains(&call.func_name.as_str()) && !is_operator(&call.func_name) {
                    return Err(undeclared(&call.func_name));
                }
                if library.as_deref() == Some("lists.range") {
                    check_range(&call.args)?;
                }
                match &call.target {
                    Some(target) if !of_library => self.visit(target, depth)?,
                    _ => {}
                }
                call.args.iter().try_for_each(|argument| self.visit(argument, depth))
            }
            Expr::Comprehension(comprehension) => {
                self.visit(&comprehension.iter_range, depth)?;
                self.visit(&comprehension.accu_init, depth)?;
                let outside = self.0.len();
                self.0.extend([comprehension.iter_var.clone(), comprehension.accu_var.clone()]);
                self.0.extend(comprehension.iter_var2.clone());
                let inside = [&comprehension.loop_cond, &comprehension.loop_step, &comprehension.result];
                let visited = inside.into_iter().try_for_each(|part| self.visit(part, depth));
                self.0.truncate(outside);
                visited
            }
        }
    }
}

fn undeclared(name: &str) -> String {
    format!("undeclared reference to '{name}' (in container '')")
}

/// A list made out of a number has no bound in the object, so that the number has to be there to see.
fn check_range(arguments: &[IdedExpr]) -> Result<(), String> {
    match arguments {
        [IdedExpr { expr: Expr::Literal(LiteralValue::Int(number)), .. }] if *number.inner() <= MAX_RANGE => Ok(()),
        _ => Err(format!("lists.range takes a number of at most {MAX_RANGE} that is written out")),
    }
}

fn is_operator(name: &str) -> bool {
    name.starts_with('@') || name.contains('_') && name.bytes().any(|byte| byte.is_ascii_punctuation() && byte != b'_')
}

/// The functions and methods of the interpreter, in groups of one library each.
#[rustfmt::skip]
const FUNCTIONS: &[&str] = &[
    "size", "string", "bytes", "double", "int", "uint", "max", "min", "duration", "timestamp",
    "contains", "startsWith", "endsWith", "matches", "find", "findAll",
    "hasValue", "or", "orValue", "value",
    "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear", "getHours", "getMilliseconds", "getMinutes",
    "getMonth", "getSeconds",
    "charAt", "indexOf", "join", "lastIndexOf", "lowerAscii", "replace", "reverse", "split", "substring", "trim", "upperAscii",
    "format", "distinct", "first", "flatten", "isSorted", "last", "slice", "sort", "sum", "validate",
    "isURL", "url", "getEscapedPath", "getHost", "getHostname", "getPort", "getQuery", "getScheme",
    "cidr", "containsCIDR", "containsIP", "family", "ip", "isCIDR", "isCIDRv4", "isCIDRv6", "isGlobalUnicast", "isIP", "isIPv4",
    "isIPv6", "isLinkLocalMulticast", "isLinkLocalUnicast", "isLoopback", "isUnspecified", "masked", "prefixLength",
    "add", "asApproximateFloat", "asInteger", "compareTo", "isGreaterThan", "isInteger", "isLessThan", "isQuantity", "quantity",
    "sign", "sub",
    "isSemver", "major", "minor", "patch", "semver",
];

/// The functions of the interpreter that are called by the name of their library.
#[rustfmt::skip]
const LIBRARY: &[&str] = &[
    "base64.decode", "base64.encode", "ip.isCanonical", "jsonpatch.escapeKey", "lists.range", "strings.quote",
    "format.byte", "format.date", "format.datetime", "format.dns1035Label", "format.dns1035LabelPrefix", "format.dns1123Label",
    "format.dns1123LabelPrefix", "format.dns1123Subdomain", "format.dns1123SubdomainPrefix", "format.labelValue",
    "format.named", "format.qualifiedName", "format.uri", "format.uuid",
    "math.abs", "math.bitAnd", "math.bitNot", "math.bitOr", "math.bitShiftLeft", "math.bitShiftRight", "math.bitXor",
    "math.ceil", "math.floor", "math.greatest", "math.isFinite", "math.isInf", "math.isNaN", "math.least", "math.round",
    "math.sign", "math.sqrt", "math.trunc",
    "optional.none", "optional.of", "optional.ofNonZeroValue", "sets.contains", "sets.equivalent", "sets.intersects",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_evaluated_is_taken() {
        for text in [
            "self.a > 1 && self.b.all(x, x.startsWith('p') || x in ['q'])",
            "oldSelf.replicas <= self.replicas",
            "self.list.map(x, x.size()).filter(y, y > 2).exists(z, z == 3)",
            "!has(self.a) || (self.a in self.m && self.m[self.a] == 'x') ? true : false",
            "math.greatest(self.a, 1) == 1 && sets.contains(self.b, ['x']) && lists.range(5).size() == 5",
            "self.s.matches('^[a-z]+$') && -self.n < 3 && {'a': 1}['a'] % 2 == 1 && [1, 2][0] - 1 == 0",
            "format.dns1123Label().validate(self.name).hasValue()",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        let long = ["self.a == 'x'"; 250].join(" || ");
        assert_eq!(check(&long), Ok(()));
    }

    #[test]
    fn what_cannot_is_refused_with_the_reason() {
        for (text, reason) in [
            ("self.a >", "ERROR"),
            ("", "ERROR"),
            ("nobody.a", "undeclared reference to 'nobody'"),
            ("self.a.zap()", "undeclared reference to 'zap'"),
            ("self.l.all(x, true) && x", "undeclared reference to 'x'"),
            ("Type{a: 1}.a == 1", "objects cannot be made by name"),
            ("lists.range(9223372036854775807).size() > 0", "lists.range"),
            ("lists.range(self.n).size() > 0", "lists.range"),
        ] {
            let error = check(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn texts_that_overwhelm_the_parser_are_refused_and_errors_stay_short() {
        let nested = |open: &str, close: &str, depth: usize| open.repeat(depth) + "self" + &close.repeat(depth);
        for text in [
            nested("(", ")", 1_000),
            nested("[", "]", 1_000),
            nested("{1:", "}", 1_000),
            nested("self.all(x, ", ")", 80),
            "(".repeat(4_000),
            "self?self:".repeat(400) + "self",
            "1+".repeat(2_000) + "1",
            "self".to_owned() + &".a".repeat(2_000),
            "self".to_owned() + &"[0]".repeat(1_000),
            "@#$%".repeat(1_000),
            "'".repeat(3_001),
            "a".repeat(1_000_000),
            "1".repeat(4_000),
            "\u{0}\u{ffff}😀".repeat(500),
        ] {
            let error = check(&text).unwrap_err();
            assert!(error.chars().count() <= MAX_ERROR, "{}", error.len());
        }
        assert_eq!(check(&nested("(", ")", 40)), Ok(()));
        assert_eq!(check(&("!".repeat(3_000) + "self")), Ok(()));
    }
}
