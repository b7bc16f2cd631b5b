//! The parameters of a rule: one line of CSV, read as PHP's `str_getcsv` reads it.

/// Splits `a,"b,c",d` into its values. Nothing at all has no values.
pub(super) fn split(line: &str) -> Vec<String> {
    let mut values = Vec::new();
    let mut rest = Some(without_line_end(line)).filter(|line| !line.is_empty());
    while let Some(text) = rest {
        let (value, remainder) = field(text);
        values.push(value);
        rest = remainder;
    }
    values
}

/// The first value, and what follows its comma.
fn field(text: &str) -> (String, Option<&str>) {
    // White space before a quote is dropped, before anything else it belongs to the value.
    if let Some(quoted) = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']).strip_prefix('"') {
        return quoted_field(quoted);
    }
    let (value, rest) = until_comma(text);
    (without_line_end(value).to_owned(), rest)
}

/// A value after its opening quote: `""` is a quote, a backslash and what follows it are kept as they are, and text
/// between the closing quote and the comma is appended.
fn quoted_field(text: &str) -> (String, Option<&str>) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        let after = &text[at + character.len_utf8()..];
        match character {
            '\\' => {
                value.push('\\');
                value.extend(characters.next().map(|(_, escaped)| escaped));
            }
            '"' if after.starts_with('"') => {
                value.push('"');
                characters.next();
            }
            '"' => {
                let (tail, rest) = until_comma(after);
                value.push_str(tail);
                return (value, rest);
            }
            _ => value.push(character),
        }
    }
    (value, None)
}

fn until_comma(text: &str) -> (&str, Option<&str>) {
    match text.split_once(',') {
        Some((value, rest)) => (value, Some(rest)),
        None => (text, None),
    }
}

fn without_line_end(text: &str) -> &str {
    text.strip_suffix("\r\n").or_else(|| text.strip_suffix(['\n', '\r'])).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn values_are_split_as_php_splits_them() {
        for (line, values) in [
            ("", vec![]),
            ("a", vec!["a"]),
            ("a,", vec!["a", ""]),
            (",", vec!["", ""]),
            ("a,,b", vec!["a", "", "b"]),
            ("a, b,c ", vec!["a", " b", "c "]),
            (r#""a,b",c"#, vec!["a,b", "c"]),
            (r#" "a,b",c"#, vec!["a,b", "c"]),
            (r#""say ""hi""",x"#, vec![r#"say "hi""#, "x"]),
            (r#""a\"b",c"#, vec![r#"a\"b"#, "c"]),
            (r#""a\\",c"#, vec![r"a\\", "c"]),
            (r#""a"b,c"#, vec!["ab", "c"]),
            (r#""a" ,c"#, vec!["a ", "c"]),
            (r#"a"b",c"#, vec![r#"a"b""#, "c"]),
            (r#""a,b"#, vec!["a,b"]),
            (r"a\,b", vec![r"a\", "b"]),
            ("é,日本", vec!["é", "日本"]),
            ("a,b\n", vec!["a", "b"]),
        ] {
            assert_eq!(split(line), values, "{line}");
        }
    }
}
