//! `hostwright crds`: the CustomResourceDefinitions, for kubectl.

use clap::{Args, ValueEnum};
use hostwright_crds::manifests;
use serde_json::json;

use super::failure::Failure;
use super::output::Output;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Format
    #[arg(short, long, value_enum, default_value_t = Format::Yaml)]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Yaml,
    Json,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    match arguments.output {
        Format::Yaml => output.text(&yaml()?),
        Format::Json => output.json(&json!({"apiVersion": "v1", "kind": "List", "items": manifests::all()})),
    }
}

/// A document for each definition, by name. What YAML 1.1 readers misread is quoted.
fn yaml() -> Result<String, Failure> {
    let document = |definition| {
        serde_saphyr::to_string(&definition)
            .map(|text| format!("---\n{text}"))
            .map_err(|error| Failure::failed(format!("cannot write the definitions as YAML: {error}")))
    };
    manifests::all().into_iter().map(document).collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize as _;
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_yaml_says_the_same_as_the_json() {
        let text = yaml().unwrap();
        let read: Vec<Value> =
            serde_yaml::Deserializer::from_str(&text).map(|document| Value::deserialize(document).unwrap()).collect();
        assert_eq!(Value::from(read), json!(manifests::all()));
    }
}
