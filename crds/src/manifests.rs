//! The CustomResourceDefinitions as they are installed.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps,
};
use kube::CustomResourceExt as _;
use serde_saphyr::SerializeError;

/// All CustomResourceDefinitions, by name.
pub fn all() -> Vec<CustomResourceDefinition> {
    let mut definitions =
        vec![crate::HostingService::crd(), crate::Package::crd(), crate::Plugin::crd(), crate::ProviderInstance::crd()];
    definitions.iter_mut().for_each(default_the_status);
    definitions
}

/// kstatus compares `observedGeneration` with the object's generation: a default of -1 makes a new object InProgress
/// without a write.
fn default_the_status(definition: &mut CustomResourceDefinition) {
    for version in &mut definition.spec.versions {
        let Some(root) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut()) else {
            continue;
        };
        if let Some(status) = root.properties.as_mut().and_then(|properties| properties.get_mut("status")) {
            *status = JSONSchemaProps {
                nullable: None,
                default: Some(JSON(serde_json::json!({"observedGeneration": -1}))),
                ..status.clone()
            };
        }
    }
}

/// One definition as YAML that readers of YAML 1.1 and 1.2 understand alike.
///
/// # Errors
/// When it cannot be written; the types of this crate always can.
pub fn to_yaml(definition: &CustomResourceDefinition) -> Result<String, SerializeError> {
    serde_saphyr::to_string(definition)
}

/// All definitions as YAML documents, for `kubectl apply -f -`.
///
/// # Errors
/// As [`to_yaml`].
pub fn all_as_yaml() -> Result<String, SerializeError> {
    let documents = all().iter().map(to_yaml).collect::<Result<Vec<_>, _>>()?;
    Ok(documents.join("---\n"))
}
