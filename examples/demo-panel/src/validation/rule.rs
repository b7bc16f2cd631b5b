//! Laravel's notation of rules.

/// A validation rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rule {
    Sometimes,
    Nullable,
    Bail,
    Required,
    Present,
    RequiredWith(Vec<String>),
    RequiredWithout(Vec<String>),
    String,
    Array,
    Boolean,
    Integer,
    Numeric,
    Email,
    Url,
    Ip,
    Alpha,
    AlphaNum,
    AlphaDash,
    Digits(u32),
    DigitsBetween(u32, u32),
    Size(f64),
    Min(f64),
    Max(f64),
    Between(f64, f64),
    In(Vec<String>),
    NotIn(Vec<String>),
    StartsWith(Vec<String>),
    EndsWith(Vec<String>),
    /// A pattern in PHP's notation, with delimiters.
    Regex(String),
    NotRegex(String),
    Exists {
        table: String,
        column: String,
    },
    Unique {
        table: String,
        column: String,
        except: Option<u64>,
    },
    /// The panel's own rule for user names.
    Username,
    /// A rule this stand-in does not know; it refuses nothing.
    Unknown(String),
}

impl Rule {
    /// Parses rules separated by `|`. As in Laravel, a pattern inside such a list cannot contain `|`.
    pub(crate) fn parse_list(rules: &str) -> Vec<Self> {
        rules.split('|').filter(|rule| !rule.is_empty()).map(Self::parse).collect()
    }

    fn parse(rule: &str) -> Self {
        let (name, argument) = rule.split_once(':').unwrap_or((rule, ""));
        let list = || argument.split(',').map(str::to_owned).collect::<Vec<_>>();
        let number = |index: usize| argument.split(',').nth(index).and_then(|part| part.trim().parse::<f64>().ok());
        let count = |index: usize| argument.split(',').nth(index).and_then(|part| part.trim().parse::<u32>().ok());
        let part = |index: usize| argument.split(',').nth(index).unwrap_or_default().to_owned();
        let parsed = match name.trim() {
            "sometimes" => Some(Self::Sometimes),
            "nullable" => Some(Self::Nullable),
            "bail" => Some(Self::Bail),
            "required" => Some(Self::Required),
            "present" => Some(Self::Present),
            "required_with" => Some(Self::RequiredWith(list())),
            "required_without" => Some(Self::RequiredWithout(list())),
            "string" => Some(Self::String),
            "array" => Some(Self::Array),
            "boolean" | "bool" => Some(Self::Boolean),
            "integer" | "int" => Some(Self::Integer),
            "numeric" => Some(Self::Numeric),
            "email" => Some(Self::Email),
            "url" => Some(Self::Url),
            "ip" => Some(Self::Ip),
            "alpha" => Some(Self::Alpha),
            "alpha_num" => Some(Self::AlphaNum),
            "alpha_dash" => Some(Self::AlphaDash),
            "digits" => count(0).map(Self::Digits),
            "digits_between" => count(0).zip(count(1)).map(|(min, max)| Self::DigitsBetween(min, max)),
            "size" => number(0).map(Self::Size),
            "min" => number(0).map(Self::Min),
            "max" => number(0).map(Self::Max),
            "between" => number(0).zip(number(1)).map(|(min, max)| Self::Between(min, max)),
            "in" => Some(Self::In(list())),
            "not_in" => Some(Self::NotIn(list())),
            "starts_with" => Some(Self::StartsWith(list())),
            "ends_with" => Some(Self::EndsWith(list())),
            "regex" => Some(Self::Regex(argument.to_owned())),
            "not_regex" => Some(Self::NotRegex(argument.to_owned())),
            "exists" => Some(Self::Exists { table: part(0), column: part(1) }),
            "unique" => Some(Self::Unique { table: part(0), column: part(1), except: part(2).parse().ok() }),
            _ => None,
        };
        parsed.unwrap_or_else(|| Self::Unknown(rule.to_owned()))
    }

    /// The name in errors.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Sometimes => "sometimes",
            Self::Nullable => "nullable",
            Self::Bail => "bail",
            Self::Required => "required",
            Self::Present => "present",
            Self::RequiredWith(_) => "required_with",
            Self::RequiredWithout(_) => "required_without",
            Self::String => "string",
            Self::Array => "array",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Numeric => "numeric",
            Self::Email => "email",
            Self::Url => "url",
            Self::Ip => "ip",
            Self::Alpha => "alpha",
            Self::AlphaNum => "alpha_num",
            Self::AlphaDash => "alpha_dash",
            Self::Digits(_) => "digits",
            Self::DigitsBetween(..) => "digits_between",
            Self::Size(_) => "size",
            Self::Min(_) => "min",
            Self::Max(_) => "max",
            Self::Between(..) => "between",
            Self::In(_) => "in",
            Self::NotIn(_) => "not_in",
            Self::StartsWith(_) => "starts_with",
            Self::EndsWith(_) => "ends_with",
            Self::Regex(_) => "regex",
            Self::NotRegex(_) => "not_regex",
            Self::Exists { .. } => "exists",
            Self::Unique { .. } => "unique",
            Self::Username => "p_username",
            Self::Unknown(rule) => rule,
        }
    }

    /// Rules that judge a missing field too.
    pub(crate) fn is_implicit(&self) -> bool {
        matches!(self, Self::Required | Self::Present | Self::RequiredWith(_) | Self::RequiredWithout(_))
    }

    /// Rules that make sizes be taken from the value of a number.
    pub(crate) fn is_numeric(&self) -> bool {
        matches!(self, Self::Integer | Self::Numeric)
    }

    pub(crate) fn reads_database(&self) -> bool {
        matches!(self, Self::Exists { .. } | Self::Unique { .. })
    }
}
