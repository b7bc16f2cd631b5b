//! PHP's regular expressions.

use fancy_regex::Regex;

/// Whether `text` matches `pattern`, written with delimiters and flags as in `/^a$/i`.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let Some(expression) = translate(pattern) else {
        return false;
    };
    // PHP lets a final line feed follow the end.
    let text = text.strip_suffix('\n').unwrap_or(text);
    Regex::new(&expression).is_ok_and(|regex| regex.is_match(text).unwrap_or(false))
}

fn translate(pattern: &str) -> Option<String> {
    let mut characters = pattern.trim().chars();
    let opening = characters.next()?;
    let closing = match opening {
        '(' => ')',
        '{' => '}',
        '[' => ']',
        '<' => '>',
        other => other,
    };
    let (body, flags) = characters.as_str().rsplit_once(closing)?;
    let known: String = flags.chars().filter(|flag| "imsx".contains(*flag)).collect();
    let body = if flags.contains('u') { body.to_owned() } else { with_ascii_classes(body) };
    Some(if known.is_empty() { body } else { format!("(?{known}){body}") })
}

/// Without the flag `u` PHP's classes know ASCII only.
fn with_ascii_classes(body: &str) -> String {
    let mut result = String::with_capacity(body.len());
    let mut in_class = false;
    let mut characters = body.chars();
    while let Some(character) = characters.next() {
        match (character, in_class) {
            ('\\', _) => match (characters.next(), in_class) {
                (Some('w'), true) => result.push_str("0-9A-Za-z_"),
                (Some('w'), false) => result.push_str("[0-9A-Za-z_]"),
                (Some('d'), true) => result.push_str("0-9"),
                (Some('d'), false) => result.push_str("[0-9]"),
                (Some(escaped), _) => result.extend(['\\', escaped]),
                (None, _) => result.push('\\'),
            },
            ('[', false) => {
                in_class = true;
                result.push('[');
            }
            // Rust reads these inside a class as operators or nested classes.
            ('[' | '&' | '~', true) => result.extend(['\\', character]),
            (']', true) => {
                in_class = false;
                result.push(']');
            }
            _ => result.push(character),
        }
    }
    result
}
