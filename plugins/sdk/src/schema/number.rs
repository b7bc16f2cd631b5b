//! Numbers as text: what PHP takes for one, how it writes one, and exact comparison.

use std::cmp::Ordering;

/// Significant digits of a float written as text (PHP's `precision`).
const PRECISION: usize = 14;

/// A float as PHP writes it: 14 significant digits, `5.0` as `5`, from 1e14 up and below 1e-4 as `1.0E+14`, `1.0E-5`.
pub(super) fn float_text(float: f64) -> String {
    if !float.is_finite() {
        return if float.is_nan() {
            "NAN"
        } else if float > 0.0 {
            "INF"
        } else {
            "-INF"
        }
        .to_owned();
    }
    let scientific = format!("{:.*e}", PRECISION - 1, float.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = mantissa.replace('.', "");
    let digits = match digits.trim_end_matches('0') {
        "" => "0",
        significant => significant,
    };
    let sign = if float.is_sign_negative() { "-" } else { "" };
    format!("{sign}{}", place_point(digits, exponent))
}

/// Writes digits whose first stands for 10^exponent.
fn place_point(digits: &str, exponent: i32) -> String {
    let (first, rest) = digits.split_at(1);
    match usize::try_from(exponent) {
        Ok(exponent) if exponent >= PRECISION => {
            format!("{first}.{}E+{exponent}", if rest.is_empty() { "0" } else { rest })
        }
        Ok(exponent) if digits.len() <= exponent + 1 => format!("{digits}{}", "0".repeat(exponent + 1 - digits.len())),
        Ok(exponent) => format!("{}.{}", &digits[..=exponent], &digits[exponent + 1..]),
        Err(_) if exponent < -4 => format!("{first}.{}E{exponent}", if rest.is_empty() { "0" } else { rest }),
        Err(_) => format!("0.{}{digits}", "0".repeat((exponent.unsigned_abs() - 1) as usize)),
    }
}

/// True for what PHP's `is_numeric` takes: sign, decimals and exponent in ASCII, white space around it.
pub(super) fn is_numeric(text: &str) -> bool {
    numeric_body(text).is_some()
}

/// The number in a numeric text, without the white space around it.
fn numeric_body(text: &str) -> Option<&str> {
    let body = text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let unsigned = body.strip_prefix(['+', '-']).unwrap_or(body);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (integral, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_digits = !(integral.is_empty() && fraction.is_empty());
    let exponent_is_whole = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    (has_digits && all_digits(integral) && all_digits(fraction) && exponent_is_whole).then_some(body)
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The value of a numeric text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Numeric {
    Integer(i64),
    Float(f64),
    /// Whole digits beyond 64 bits.
    Overflow(f64),
}

impl Numeric {
    pub(super) fn read(text: &str) -> Option<Self> {
        let body = numeric_body(text)?;
        let float = body.parse().ok()?;
        if body.contains(['.', 'e', 'E']) {
            return Some(Self::Float(float));
        }
        Some(body.parse().map_or(Self::Overflow(float), Self::Integer))
    }
}

/// True for an integer in PHP's strict sense: optional sign, no leading zeros, within 64 bits, white space around it
/// (but no form feed).
pub(super) fn is_integer(text: &str) -> bool {
    let body = text.trim_matches([' ', '\t', '\n', '\r', '\x0b']);
    let unsigned = body.strip_prefix(['+', '-']).unwrap_or(body);
    let is_plain = unsigned == "0" || (all_digits(unsigned) && !unsigned.is_empty() && !unsigned.starts_with('0'));
    is_plain && body.parse::<i64>().is_ok()
}

/// The exponent written in a numeric text, saturating.
pub(super) fn written_exponent(text: &str) -> Option<i64> {
    let (_, exponent) = text.split_once(['e', 'E'])?;
    Some(saturating_parse(exponent))
}

fn saturating_parse(digits: &str) -> i64 {
    digits.parse().unwrap_or(if digits.starts_with('-') { i64::MIN / 4 } else { i64::MAX / 4 })
}

/// An exact decimal number of any size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    /// Without leading and trailing zeros; empty for zero.
    digits: Vec<u8>,
    /// The value is 0.digits × 10^point.
    point: i64,
}

impl Decimal {
    /// Reads `[sign] digits [. digits] [e exponent]`, with digits on at least one side of the point and nothing around
    /// it.
    pub fn read(text: &str) -> Option<Self> {
        if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
            return None;
        }
        let body = numeric_body(text)?;
        let unsigned = body.trim_start_matches(['+', '-']);
        let mantissa = unsigned.split(['e', 'E']).next().unwrap_or_default();
        let (integral, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let exponent = written_exponent(unsigned).unwrap_or(0);
        let all: Vec<u8> = integral.bytes().chain(fraction.bytes()).collect();
        let leading_zeros = all.iter().take_while(|&&digit| digit == b'0').count();
        let mut digits = all[leading_zeros..].to_vec();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Self { negative: false, digits, point: 0 });
        }
        let shift = i64::try_from(integral.len()).ok()? - i64::try_from(leading_zeros).ok()?;
        Some(Self { negative: body.starts_with('-'), digits, point: exponent.saturating_add(shift) })
    }

    fn compare_magnitude(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self.point.cmp(&other.point).then_with(|| self.digits.cmp(&other.digits)),
        }
    }
}

impl From<usize> for Decimal {
    fn from(count: usize) -> Self {
        let text = count.to_string();
        let digits = text.trim_end_matches('0').as_bytes().to_vec();
        let point = if digits.is_empty() { 0 } else { i64::try_from(text.len()).unwrap_or(i64::MAX) };
        Self { negative: false, digits, point }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.compare_magnitude(other),
            (true, true) => other.compare_magnitude(self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_with_fourteen_digits() {
        for (float, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (5.0, "5"),
            (1.5, "1.5"),
            (-12.25, "-12.25"),
            (0.1 + 0.2, "0.3"),
            (1e13, "10000000000000"),
            (1e14, "1.0E+14"),
            (99_999_999_999_999.0, "99999999999999"),
            (123_456_789_012_345.0, "1.2345678901234E+14"),
            (1e20, "1.0E+20"),
            (1.25e-7, "1.25E-7"),
            (0.0001, "0.0001"),
            (0.000_012_5, "1.25E-5"),
            (1e300, "1.0E+300"),
            (f64::INFINITY, "INF"),
        ] {
            assert_eq!(float_text(float), text);
        }
    }

    #[test]
    fn numeric_text_is_what_php_takes() {
        for text in ["0", "1.", ".5", "-.5", "+5", "1e3", "5.e1", "1E-3", " 7 ", "\x0c7", "7\x0c", "00.5", "1e400"] {
            assert!(is_numeric(text), "{text:?}");
        }
        for text in
            ["", ".", "+", "1e", "1e+", "e5", "1e5.5", "0x1A", "1_000", "+ 5", "--5", "\u{663}", "1 2", "NaN", "inf"]
        {
            assert!(!is_numeric(text), "{text:?}");
        }
    }

    #[test]
    fn integers_have_no_leading_zeros_and_fit_64_bits() {
        for text in ["0", "-0", "+0", "7", "-7", "+7", " 7\n", "9223372036854775807", "-9223372036854775808"] {
            assert!(is_integer(text), "{text:?}");
        }
        for text in ["", "-", "00", "007", "5.0", "1e3", "\x0c7", "\u{0}7", "9223372036854775808", "+ 7", "0x7"] {
            assert!(!is_integer(text), "{text:?}");
        }
    }

    #[test]
    fn decimals_compare_exactly() {
        let read = |text: &str| Decimal::read(text).expect("a number");
        for (smaller, larger) in [
            ("2.9999999999999999999", "3"),
            ("-1.0000001", "-1"),
            ("-1", "0"),
            ("0.1", "0.10000000000000000001"),
            ("99", "1e2"),
            ("1e-1000", "1e1000"),
            ("9.99e19", "99999999999999999999"),
        ] {
            assert!(read(smaller) < read(larger), "{smaller} {larger}");
        }
        for (left, right) in [("1e2", "100"), ("0.50", ".5"), ("-0", "0"), ("007", "7."), ("0e5", "0")] {
            assert_eq!(read(left).cmp(&read(right)), Ordering::Equal, "{left} {right}");
        }
        assert_eq!(Decimal::from(100), read("100"));
        assert_eq!(Decimal::from(0), read("0"));
        assert!(Decimal::read(" 3").is_none() && Decimal::read("1/3").is_none() && Decimal::read(".").is_none());
    }
}
