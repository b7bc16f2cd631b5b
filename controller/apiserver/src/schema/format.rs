//! The formats of texts that the server checks (`k8s.io/kube-openapi/pkg/validation/strfmt`); any other format says nothing.

use std::sync::LazyLock;

use base64::Engine as _;
use regex::Regex;

use super::Type;
use crate::metadata::names;

/// Formats of texts, without the dashes that may be in their names.
const TEXTS: &[&str] = &[
    "uri",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "cidr",
    "mac",
    "uuid",
    "uuid3",
    "uuid4",
    "uuid5",
    "isbn",
    "isbn10",
    "isbn13",
    "creditcard",
    "ssn",
    "hexcolor",
    "rgbcolor",
    "byte",
    "password",
    "date",
    "duration",
    "datetime",
    "bsonobjectid",
    "k8sshortname",
    "k8slongname",
];

/// Whether the server knows the format for values of this type.
pub(crate) fn is_known(format: &str, type_: Option<Type>) -> bool {
    match type_ {
        None | Some(Type::String) => TEXTS.contains(&format.replace('-', "").as_str()),
        Some(Type::Integer) => matches!(format, "int32" | "int64"),
        Some(Type::Number) => matches!(format, "float" | "double"),
        _ => false,
    }
}

macro_rules! pattern {
    ($name:ident, $pattern:expr) => {
        static $name: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new($pattern).ok());
    };
}

pattern!(
    HOSTNAME,
    r"^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$"
);
pattern!(UUID, "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$");
pattern!(UUID3, "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$");
pattern!(UUID4, "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$");
pattern!(UUID5, "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$");
pattern!(SSN, "^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}$");
pattern!(HEX_COLOR, "^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$");
pattern!(
    RGB_COLOR,
    r"^rgb\(\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\s*,\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\s*,\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\s*\)$"
);
pattern!(OBJECT_ID, "^[0-9a-fA-F]{24}$");
pattern!(DURATION, r"^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)\s*([a-zµμ]+)");

fn fits(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

/// Whether the text has the format; unknown formats say nothing.
pub(crate) fn matches(format: &str, text: &str) -> bool {
    match format.replace('-', "").as_str() {
        "datetime" => text.parse::<jiff::Timestamp>().is_ok() && text.contains(['T', 't']),
        "date" => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
        "duration" => is_duration(text),
        "byte" => base64::engine::general_purpose::STANDARD.decode(text).is_ok(),
        "uuid" => fits(&UUID, text),
        "uuid3" => fits(&UUID3, text),
        "uuid4" => fits(&UUID4, text),
        "uuid5" => fits(&UUID5, text),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "mac" => is_mac(text),
        "uri" => text.starts_with('/') || url::Url::parse(text).is_ok(),
        "hostname" => fits(&HOSTNAME, text) && text.len() <= 255 && text.split('.').all(|part| part.len() <= 63),
        "email" => is_mail(text),
        "ssn" => fits(&SSN, text),
        "hexcolor" => fits(&HEX_COLOR, text),
        "rgbcolor" => fits(&RGB_COLOR, text),
        "bsonobjectid" => fits(&OBJECT_ID, text),
        "isbn" => is_isbn10(text) || is_isbn13(text),
        "isbn10" => is_isbn10(text),
        "isbn13" => is_isbn13(text),
        "creditcard" => is_credit_card(text),
        "k8sshortname" => names::dns_label(text).is_empty(),
        "k8slongname" => names::dns_subdomain(text).is_empty(),
        _ => true,
    }
}

fn is_mail(text: &str) -> bool {
    let address = text.rsplit_once('<').and_then(|(_, rest)| rest.strip_suffix('>')).unwrap_or(text);
    address.rsplit_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && !host.is_empty() && !address.contains(char::is_whitespace) && !user.contains('@')
    })
}

fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else {
        return false;
    };
    let Ok(bits) = bits.parse::<u8>() else { return false };
    address.parse::<std::net::IpAddr>().is_ok_and(|ip| bits <= if ip.is_ipv4() { 32 } else { 128 })
}

/// 6, 8 or 20 bytes, in the three ways in which they are written.
fn is_mac(text: &str) -> bool {
    let in_groups = |separator: char, digits: usize| {
        let groups: Vec<&str> = text.split(separator).collect();
        let whole = groups.iter().all(|group| group.len() == digits && group.chars().all(|c| c.is_ascii_hexdigit()));
        whole && matches!(groups.len() * digits / 2, 6 | 8 | 20)
    };
    in_groups(':', 2) || in_groups('-', 2) || in_groups('.', 4)
}

fn digits(text: &str) -> Vec<u32> {
    text.chars()
        .filter(|c| !matches!(c, ' ' | '-'))
        .filter_map(|c| if c == 'X' { Some(10) } else { c.to_digit(10) })
        .collect()
}

fn is_isbn10(text: &str) -> bool {
    let digits = digits(text);
    digits.len() == 10
        && digits[..9].iter().all(|digit| *digit < 10)
        && (1..).zip(&digits).map(|(place, digit)| place * digit).sum::<u32>().is_multiple_of(11)
}

fn is_isbn13(text: &str) -> bool {
    let digits = digits(text);
    digits.len() == 13
        && digits.iter().all(|digit| *digit < 10)
        && digits.iter().enumerate().map(|(at, digit)| if at % 2 == 0 { *digit } else { 3 * digit }).sum::<u32>() % 10
            == 0
}

/// Luhn's checksum over 13 to 19 digits.
fn is_credit_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(at, digit)| if at % 2 == 0 { *digit } else { doubled(*digit) }).sum();
    matches!(digits.len(), 13..=19) && sum.is_multiple_of(10)
}

/// Go's duration syntax (`1h30m`), plus the spelled units of Scala (`3 days`).
fn is_duration(text: &str) -> bool {
    const UNITS: &[&str] = &[
        "ns",
        "us",
        "µs",
        "μs",
        "ms",
        "s",
        "m",
        "h",
        "d",
        "w",
        "nano",
        "nanos",
        "nanosecond",
        "nanoseconds",
        "micro",
        "micros",
        "microsecond",
        "microseconds",
        "milli",
        "millis",
        "millisecond",
        "milliseconds",
        "sec",
        "secs",
        "second",
        "seconds",
        "min",
        "mins",
        "minute",
        "minutes",
        "hr",
        "hour",
        "hours",
        "day",
        "days",
        "wk",
        "week",
        "weeks",
    ];
    let Some(pattern) = DURATION.as_ref() else { return false };
    let mut rest = text.trim();
    if matches!(rest, "0" | "+0" | "-0") {
        return true;
    }
    let mut seen = false;
    while !rest.is_empty() {
        let Some(found) = pattern.captures(rest) else { return false };
        let unit = found.get(3).map(|unit| unit.as_str()).unwrap_or_default();
        if !UNITS.contains(&unit) {
            return false;
        }
        rest = rest[found[0].len()..].trim_start();
        seen = true;
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_their_formats() {
        for (format, text, expected) in [
            ("date-time", "2026-01-01T00:00:00Z", true),
            ("date-time", "2026-01-01", false),
            ("duration", "1h30m", true),
            ("duration", "3 days", true),
            ("duration", "5 parsecs", false),
            ("hostname", "a.example", true),
            ("hostname", "a.b-c", false),
            ("uuid", "11111111222233334444555555555555", true),
            ("mac", "0011.2233.4455", true),
            ("mac", "00:11", false),
            ("email", "a@b.dev", true),
            ("email", "nobody", false),
            ("isbn", "978-0321751041", true),
            ("isbn10", "0321751043", true),
            ("creditcard", "4111 1111 1111 1111", true),
            ("creditcard", "4111 1111 1111 1112", false),
            ("rgb-color", "rgb(1, 2, 255)", true),
            ("k8s-short-name", "a.b", false),
            ("unheard-of", "anything", true),
        ] {
            assert_eq!(matches(format, text), expected, "{format}: {text}");
        }
    }
}
