//! URLs, in the reading of the original: the host pattern of Symfony's validator before a closed list of schemes.

use std::{net::Ipv6Addr, sync::LazyLock};

use regex::Regex;

/// The schemes that a URL may have where the rule names none: those IANA registers, as of the original.
const SCHEMES: &str = include_str!("schemes.txt");

/// Everything after `scheme://`: user, host, port, path, query, fragment, and one final line feed that does not count.
/// A name with a dot may contain symbols; one without is ASCII. IPv4 addresses are names with dots.
static REST: LazyLock<Result<Regex, regex::Error>> = LazyLock::new(|| {
    Regex::new(
        r"(?xi)\A
        (?: (?: (?: [_.\pL\pN-] | %[0-9A-F]{2} )+ : )? (?: [_.\pL\pN-] | %[0-9A-F]{2} )+ @ )?
        (?: (?: (?: [\pL\pN\pS\pM_-]+ \. )+ (?: xn--[a-z0-9-]+ | [\pL\pN\pM]+ ) | [a-z0-9_-]+ ) \.?
          | \[ (?<ipv6> [0-9a-f:.]+ ) \] )
        (?: : [0-9]+ )?
        (?: / (?: [\pL\pN._~!$&'()*+,;=:@-] | %[0-9A-F]{2} )* )*
        (?: \? (?: [\pL\pN._~!$&'\[\]()*+,;=:@/?-] | %[0-9A-F]{2} )* )?
        (?: \# (?: [\pL\pN._~!$&'()*+,;=:@/?-] | %[0-9A-F]{2} )* )?
        \n? \z",
    )
});

/// True for a URL with one of the schemes, or with any known one where none are given. Case does not count.
pub(super) fn is_url(text: &str, schemes: &[String]) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let is_allowed = if schemes.is_empty() {
        SCHEMES.split_whitespace().any(|known| known.eq_ignore_ascii_case(scheme))
    } else {
        schemes.iter().any(|allowed| allowed.eq_ignore_ascii_case(scheme))
    };
    is_allowed && is_rest(rest)
}

fn is_rest(rest: &str) -> bool {
    let Ok(pattern) = REST.as_ref() else { return false };
    pattern.captures(rest).is_some_and(|captures| {
        captures.name("ipv6").is_none_or(|address| address.as_str().parse::<Ipv6Addr>().is_ok())
    })
}

/// Bytes of a label of a domain name in its ASCII form.
pub(super) fn punycode_length(label: &str) -> usize {
    let lowercase = label.to_lowercase();
    if lowercase.is_ascii() {
        return lowercase.len();
    }
    // A label too long to encode is too long.
    idna::punycode::encode_str(&lowercase).map_or(usize::MAX, |encoded| "xn--".len() + encoded.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_compiles() {
        assert!(REST.is_ok());
    }

    #[test]
    fn odd_but_valid_urls_pass() {
        for url in [
            "http://a|b.com",
            "http://example.com.",
            "http://localhost.",
            "http://256.256.256.256",
            "http://example.com:99999",
            "http://[::1]:80/x?y#z",
            "http://[::ffff:1.2.3.4]",
            "http://user@example.com",
            "http://a_b-",
            "http://example.com\n",
            "redis://h",
            "coap+tcp://h",
            "iris.beep://h",
        ] {
            assert!(is_url(url, &[]), "{url}");
        }
    }

    #[test]
    fn broken_urls_fail() {
        for url in [
            "",
            "http://",
            "http:///x",
            "//example.com",
            "example.com",
            "http://m\u{fc}nchen",
            "http://example.com/\u{1f44d}",
            "http://example.com/a b",
            "http://example.com/%zz",
            "http://.example.com",
            "http://example.com..",
            "http://example.com:",
            "http://example.com:8x",
            "http://[::1",
            "http://[1::2::3]",
            "http://[1:2:3:4:5:6:7:8:9]",
            "redis://:pass@host",
            "mysql://h",
            "postgres://h",
            "javascript://h",
            "http://user:p@ss@example.com",
        ] {
            assert!(!is_url(url, &[]), "{url}");
        }
    }

    #[test]
    fn named_schemes_replace_the_list() {
        let schemes = ["https".to_owned(), "mysql".to_owned()];
        assert!(is_url("HTTPS://h", &schemes) && is_url("mysql://h", &schemes));
        assert!(!is_url("http://h", &schemes));
    }
}
