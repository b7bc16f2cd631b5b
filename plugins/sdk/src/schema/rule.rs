//! The rules of a field.

use super::{number::Decimal, path::Path, pattern::Pattern, value::Key};

/// One rule with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// Present, and neither null nor blank nor an empty array.
    Required,
    /// Required when another field equals one of the values.
    RequiredIf {
        /// The other field.
        other: Path,
        /// What it is compared with.
        values: Vec<String>,
    },
    /// Required when any of the other fields is filled.
    RequiredWith(Vec<Path>),
    /// A ticked box: `yes`, `on`, `1` or true.
    Accepted,
    /// Null is fine, and skips the rules that are not about presence.
    Nullable,
    /// A string.
    String,
    /// An integer or a string of one; strict: an integer only.
    Integer {
        /// Whether strings are refused.
        strict: bool,
    },
    /// A number or a string of one; strict: a number only.
    Numeric {
        /// Whether strings are refused.
        strict: bool,
    },
    /// True, false, 0 or 1, also as strings; strict: true or false only.
    Boolean {
        /// Whether anything but true and false is refused.
        strict: bool,
    },
    /// A list or an object, where keys are given with no others.
    Array {
        /// The keys allowed; `None` allows all.
        keys: Option<Vec<Key>>,
    },
    /// An e-mail address.
    Email,
    /// A URL with one of the schemes, or with any known one where there are none.
    Url {
        /// The schemes allowed.
        schemes: Vec<String>,
    },
    /// A string that is JSON.
    Json,
    /// An IPv4 or IPv6 address.
    Ip,
    /// The size is at least this.
    Min(Bound),
    /// The size is at most this.
    Max(Bound),
    /// The size is between these, both included.
    Between(Bound, Bound),
    /// The size is exactly this.
    Size(Bound),
    /// One of these texts.
    In(Vec<String>),
    /// None of these texts.
    NotIn(Vec<String>),
    /// Equal to another field, type included.
    Same(Path),
    /// Equal to none of the other fields.
    Different(Vec<Path>),
    /// Matched by a pattern.
    Regex(Pattern),
    /// Letters, marks, digits, `-` and `_`.
    AlphaDash {
        /// Whether only ASCII counts.
        ascii: bool,
    },
}

/// A bound of a size: the number, and how it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// Its value.
    pub number: Decimal,
    /// Its text.
    pub text: String,
}

/// Names of the rules: as written, and as reported.
pub(super) const NAMES: [(&str, &str); 24] = [
    ("required", "Required"),
    ("required_if", "RequiredIf"),
    ("required_with", "RequiredWith"),
    ("accepted", "Accepted"),
    ("nullable", "Nullable"),
    ("string", "String"),
    ("integer", "Integer"),
    ("numeric", "Numeric"),
    ("boolean", "Boolean"),
    ("array", "Array"),
    ("email", "Email"),
    ("url", "Url"),
    ("json", "Json"),
    ("ip", "Ip"),
    ("min", "Min"),
    ("max", "Max"),
    ("between", "Between"),
    ("size", "Size"),
    ("in", "In"),
    ("not_in", "NotIn"),
    ("same", "Same"),
    ("different", "Different"),
    ("regex", "Regex"),
    ("alpha_dash", "AlphaDash"),
];

impl Rule {
    /// The name as a schema writes it, such as `required_if`.
    pub fn name(&self) -> &'static str {
        NAMES[self.position()].0
    }

    /// The name as verdicts report it, such as `RequiredIf`.
    pub fn reported_name(&self) -> &'static str {
        NAMES[self.position()].1
    }

    fn position(&self) -> usize {
        match self {
            Self::Required => 0,
            Self::RequiredIf { .. } => 1,
            Self::RequiredWith(_) => 2,
            Self::Accepted => 3,
            Self::Nullable => 4,
            Self::String => 5,
            Self::Integer { .. } => 6,
            Self::Numeric { .. } => 7,
            Self::Boolean { .. } => 8,
            Self::Array { .. } => 9,
            Self::Email => 10,
            Self::Url { .. } => 11,
            Self::Json => 12,
            Self::Ip => 13,
            Self::Min(_) => 14,
            Self::Max(_) => 15,
            Self::Between(..) => 16,
            Self::Size(_) => 17,
            Self::In(_) => 18,
            Self::NotIn(_) => 19,
            Self::Same(_) => 20,
            Self::Different(_) => 21,
            Self::Regex(_) => 22,
            Self::AlphaDash { .. } => 23,
        }
    }

    /// True for the rules about presence: they are checked for absent and blank values too, and once one has failed the
    /// later rules of the field are not checked.
    pub(super) fn is_about_presence(&self) -> bool {
        matches!(self, Self::Required | Self::RequiredIf { .. } | Self::RequiredWith(_) | Self::Accepted)
    }

    /// True for the rules that make a size the value of a number rather than the length of its text.
    pub(super) fn makes_numeric(&self) -> bool {
        matches!(self, Self::Integer { .. } | Self::Numeric { .. })
    }

    /// True for the rules about size.
    pub(super) fn bounds_size(&self) -> bool {
        matches!(self, Self::Min(_) | Self::Max(_) | Self::Between(..) | Self::Size(_))
    }

    /// The other fields that the rule looks at.
    pub(super) fn references(&self) -> &[Path] {
        match self {
            Self::RequiredIf { other, .. } | Self::Same(other) => std::slice::from_ref(other),
            Self::RequiredWith(others) | Self::Different(others) => others,
            _ => &[],
        }
    }
}
