//! Fields: what a schema says of one setting.

use super::{condition::Condition, rule::Rule, validator::FieldRules, value::Value};

/// What kind of value a field takes and how a form shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// One line of text.
    Text,
    /// Several lines of text.
    Textarea,
    /// An e-mail address.
    Email,
    /// A URL.
    Url,
    /// A number.
    Number,
    /// A secret: never shown, never in a message.
    Password,
    /// Yes or no.
    Toggle,
    /// One of the options, in a list.
    Select,
    /// One of the options, side by side.
    Radio,
    /// Any of the options.
    Checkbox,
}

impl FieldType {
    pub(super) const NAMES: [(&'static str, Self); 10] = [
        ("text", Self::Text),
        ("textarea", Self::Textarea),
        ("email", Self::Email),
        ("url", Self::Url),
        ("number", Self::Number),
        ("password", Self::Password),
        ("toggle", Self::Toggle),
        ("select", Self::Select),
        ("radio", Self::Radio),
        ("checkbox", Self::Checkbox),
    ];

    /// True for the types that offer options.
    pub fn has_options(self) -> bool {
        matches!(self, Self::Select | Self::Radio | Self::Checkbox)
    }
}

/// What changing a field on an existing service takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Change {
    /// It cannot be changed.
    CreateOnly,
    /// It is changed while the service runs.
    #[default]
    InPlace,
    /// The service is interrupted.
    Disruptive,
}

/// What is done when the provider's value differs from the configured one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Drift {
    /// It is set back.
    #[default]
    Enforce,
    /// It is reported.
    Report,
    /// Nothing.
    Ignore,
}

/// One field of a schema.
#[derive(Debug, Clone)]
pub struct Field {
    pub(super) key: String,
    pub(super) kind: FieldType,
    pub(super) label: String,
    pub(super) placeholder: Option<String>,
    pub(super) helper: Option<String>,
    /// Typed.
    pub(super) default: Option<Value>,
    pub(super) options: Vec<(String, String)>,
    pub(super) rules: FieldRules,
    pub(super) condition: Option<Condition>,
    pub(super) change: Change,
    pub(super) drift: Drift,
}

impl Field {
    /// Its key in the configuration.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Its type.
    pub fn field_type(&self) -> FieldType {
        self.kind
    }

    /// What people call it.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What an empty input shows.
    pub fn placeholder(&self) -> Option<&str> {
        self.placeholder.as_deref()
    }

    /// One or two sentences of help.
    pub fn helper(&self) -> Option<&str> {
        self.helper.as_deref()
    }

    /// What is used where nothing is given, typed.
    pub fn default(&self) -> Option<serde_json::Value> {
        self.default.as_ref().map(Value::to_json)
    }

    /// Values and their labels, in order.
    pub fn options(&self) -> &[(String, String)] {
        &self.options
    }

    /// Its rules, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules.rules
    }

    /// When it applies; absent: always.
    pub fn condition(&self) -> Option<&Condition> {
        self.condition.as_ref()
    }

    /// What changing it on an existing service takes.
    pub fn change(&self) -> Change {
        self.change
    }

    /// What is done when the provider's value differs.
    pub fn drift(&self) -> Drift {
        self.drift
    }

    /// True for a secret.
    pub fn is_password(&self) -> bool {
        self.kind == FieldType::Password
    }

    /// True where an integer or number is meant by the rules, so that sizes are values.
    pub(super) fn is_numeric(&self) -> bool {
        self.rules.rules.iter().any(Rule::makes_numeric)
    }
}
