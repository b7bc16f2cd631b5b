//! The string and number formats the server checks; any other format says nothing.

use base64::Engine as _;
use serde_json::Value;

/// Whether the value has the format; values of another type and unknown formats pass.
pub(crate) fn matches(format: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => text_matches(format, text),
        Value::Number(number) => match format {
            "int32" => number.as_i64().is_none_or(|n| i32::try_from(n).is_ok()) && !is_beyond_i64(value),
            "int64" => !is_beyond_i64(value),
            _ => true,
        },
        _ => true,
    }
}

fn is_beyond_i64(value: &Value) -> bool {
    value.as_i64().is_none() && value.as_f64().is_some_and(|n| n.fract() == 0.0)
}

fn text_matches(format: &str, text: &str) -> bool {
    match format {
        "date-time" | "datetime" => text.parse::<jiff::Timestamp>().is_ok() && text.contains(['T', 't']),
        "date" => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
        "duration" => is_duration(text),
        "byte" => base64::engine::general_purpose::STANDARD.decode(text).is_ok(),
        "uuid" => uuid::Uuid::parse_str(text).is_ok(),
        "uuid3" => is_uuid_version(text, 3),
        "uuid4" => is_uuid_version(text, 4),
        "uuid5" => is_uuid_version(text, 5),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "mac" => is_mac(text),
        "uri" => url::Url::parse(text).is_ok() || text.starts_with('/'),
        "hostname" => is_hostname(text),
        "email" => text.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty() && !host.is_empty() && !text.contains(char::is_whitespace) && !host.contains('@')
        }),
        _ => true,
    }
}

fn is_uuid_version(text: &str, version: usize) -> bool {
    uuid::Uuid::parse_str(text).is_ok_and(|uuid| uuid.get_version_num() == version)
}

fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else {
        return false;
    };
    let Ok(bits) = bits.parse::<u8>() else { return false };
    address.parse::<std::net::IpAddr>().is_ok_and(|ip| bits <= if ip.is_ipv4() { 32 } else { 128 })
}

fn is_mac(text: &str) -> bool {
    let parts: Vec<&str> = text.split([':', '-']).collect();
    parts.len() == 6 && parts.iter().all(|part| part.len() == 2 && part.chars().all(|c| c.is_ascii_hexdigit()))
}

fn is_hostname(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

/// Go's duration syntax (`1h30m`), plus the spelled units that `go-openapi/strfmt` accepts (`3 days`).
fn is_duration(text: &str) -> bool {
    let rest = text.trim_start_matches(['-', '+']);
    if rest == "0" {
        return true;
    }
    let mut rest = rest;
    let mut seen = false;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        if digits == 0 || rest[..digits].parse::<f64>().is_err() {
            return false;
        }
        let after = rest[digits..].trim_start();
        let unit = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        if !matches!(
            &after[..unit],
            "ns" | "us"
                | "µs"
                | "ms"
                | "s"
                | "m"
                | "h"
                | "d"
                | "w"
                | "sec"
                | "secs"
                | "second"
                | "seconds"
                | "min"
                | "mins"
                | "minute"
                | "minutes"
                | "hr"
                | "hour"
                | "hours"
                | "day"
                | "days"
                | "week"
                | "weeks"
        ) {
            return false;
        }
        rest = after[unit..].trim_start();
        seen = true;
    }
    seen
}
