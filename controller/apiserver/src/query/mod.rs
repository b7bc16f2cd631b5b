//! Choosing among the objects of a list or watch.

mod field;
mod label;
pub(crate) mod page;

use serde_json::Value;

use crate::request::Parameters;
use crate::resource::Resource;
use crate::status::ApiError;
use crate::store::Stored;

pub(crate) use field::FieldSelector;
pub(crate) use label::LabelSelector;

/// What a list or watch asks for: a namespace, a name, labels and fields.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    pub(crate) namespace: Option<String>,
    pub(crate) labels: LabelSelector,
    pub(crate) fields: FieldSelector,
}

impl Selection {
    pub(crate) fn parse(
        resource: &Resource,
        namespace: Option<&str>,
        name: Option<&str>,
        parameters: &Parameters,
    ) -> Result<Self, ApiError> {
        let labels = LabelSelector::parse(parameters.get("labelSelector").unwrap_or_default())?;
        let mut fields = FieldSelector::parse(parameters.get("fieldSelector").unwrap_or_default(), resource)?;
        if let Some(name) = name {
            fields.require("metadata.name", name);
        }
        Ok(Self { namespace: namespace.map(ToOwned::to_owned), labels, fields })
    }

    /// Whether an object, in the words of the requested version, is among the chosen.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        let here = self.namespace.as_deref().is_none_or(|namespace| crate::object::namespace(object) == namespace);
        here && self.labels.matches(object) && self.fields.matches(object)
    }

    /// The same of an object as it is kept, which is looked into only where that is needed.
    pub(crate) fn selects(&self, resource: &Resource, stored: &Stored) -> bool {
        let here = self.namespace.as_ref().is_none_or(|namespace| *namespace == stored.key().0);
        here && (!self.has_selector() || self.matches(&resource.present(stored)))
    }

    pub(crate) fn has_selector(&self) -> bool {
        !self.labels.is_empty() || !self.fields.is_empty()
    }
}
