//! The rules about what a value is.

use std::{net::IpAddr, sync::LazyLock};

use regex::Regex;

use super::{
    number,
    pattern::{Match, Pattern},
    value::Value,
};

static ALPHA_DASH: LazyLock<Result<Regex, regex::Error>> = LazyLock::new(|| Regex::new(r"\A[\pL\pM\pN_-]+\z"));

/// White space as PHP's `trim` knows it: no form feed, nothing outside ASCII.
pub(super) const BLANKS: [char; 6] = [' ', '\t', '\n', '\r', '\0', '\x0b'];

pub(super) fn is_blank(text: &str) -> bool {
    text.trim_matches(BLANKS).is_empty()
}

pub(super) fn is_accepted(value: &Value) -> bool {
    match value {
        Value::Bool(boolean) => *boolean,
        Value::Integer(integer) => *integer == 1,
        Value::Text(text) => matches!(text.as_str(), "yes" | "on" | "1" | "true"),
        _ => false,
    }
}

/// True counts as 1, false as nothing; a float is read through its text.
pub(super) fn is_integer(value: &Value, strict: bool) -> bool {
    if strict {
        matches!(value, Value::Integer(_))
    } else {
        value.to_text().is_some_and(|text| number::is_integer(&text))
    }
}

pub(super) fn is_numeric(value: &Value, strict: bool) -> bool {
    match value {
        Value::Integer(_) | Value::Float(_) => true,
        Value::Text(text) => !strict && number::is_numeric(text),
        _ => false,
    }
}

pub(super) fn is_boolean(value: &Value, strict: bool) -> bool {
    match value {
        Value::Bool(_) => true,
        Value::Integer(integer) => !strict && matches!(integer, 0 | 1),
        Value::Text(text) => !strict && matches!(text.as_str(), "0" | "1"),
        _ => false,
    }
}

/// IPv4 without leading zeros, IPv6 without a zone; nothing around it.
pub(super) fn is_ip(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

pub(super) fn is_matched(value: &Value, pattern: &Pattern) -> bool {
    string_or_number(value).is_some_and(|text| pattern.find(&text) == Match::Found)
}

pub(super) fn is_alpha_dash(value: &Value, ascii: bool) -> bool {
    string_or_number(value).is_some_and(|text| {
        if ascii {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        } else {
            ALPHA_DASH.as_ref().is_ok_and(|pattern| pattern.is_match(&text))
        }
    })
}

fn string_or_number(value: &Value) -> Option<std::borrow::Cow<'_, str>> {
    if matches!(value, Value::Text(_) | Value::Integer(_) | Value::Float(_)) { value.to_text() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_compiles() {
        assert!(ALPHA_DASH.is_ok());
    }

    #[test]
    fn addresses_are_read_as_php_reads_them() {
        for address in ["0.0.0.0", "::", "1::", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "::ffff:1.2.3.4", "2001:DB8::A"] {
            assert!(is_ip(address), "{address}");
        }
        for address in [
            "",
            "01.2.3.4",
            "1.2.3",
            "256.1.1.1",
            "1.2.3.4 ",
            "::1%eth0",
            "1:2:3:4:5::6:7:8",
            ":1:2:3:4:5:6:7",
            "::1.2.3",
        ] {
            assert!(!is_ip(address), "{address}");
        }
    }

    #[test]
    fn alpha_dash_takes_every_script() {
        let text = |text: &str| Value::Text(text.to_owned());
        for word in ["a-b_c", "é", "½", "Ⅷ", "\u{301}", "नमस्ते", "-"] {
            assert!(is_alpha_dash(&text(word), false), "{word}");
        }
        for word in ["a b", "a\n", "a.b", "€", ""] {
            assert!(!is_alpha_dash(&text(word), false), "{word}");
        }
        assert!(is_alpha_dash(&Value::Float(5.0), false) && !is_alpha_dash(&Value::Float(1.5), false));
        assert!(is_alpha_dash(&text("a-1_"), true) && !is_alpha_dash(&text("é"), true));
    }
}
