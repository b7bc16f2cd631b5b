//! What is chosen of a variant, as a plugin gets it. Pure.

use hostwright_crds::{Choice, Variant, VariantType};
use serde_json::Value;

/// What a plugin gets for what was chosen. None: nothing was.
///
/// # Errors
/// What was found, and what was expected.
pub fn value_of(variant: &Variant, chosen: &[Choice]) -> Result<Option<Value>, String> {
    let options = || listed(variant.options.iter().map(|option| &option.value));
    // The spelling of the package counts: that is what its check has typed.
    let offered = |choice: &Choice| variant.options.iter().map(|option| &option.value).find(|value| *value == choice);
    if let Some(unknown) = chosen.iter().find(|choice| offered(choice).is_none()) {
        return Err(format!("found {unknown}, expected one of {}", options()));
    }
    if chosen.is_empty() && variant.required {
        return Err(format!("found nothing, expected one of {}", options()));
    }
    if variant.kind == VariantType::Checkbox {
        let ordered = variant.options.iter().map(|option| &option.value).filter(|value| chosen.contains(value));
        let ordered: Vec<Value> = ordered.map(Choice::to_json).collect();
        return Ok((!chosen.is_empty()).then_some(Value::Array(ordered)));
    }
    match chosen {
        [] => Ok(None),
        [one] => Ok(offered(one).map(Choice::to_json)),
        several => Err(format!("found {}, expected only one of {}", listed(several), options())),
    }
}

/// `a, b`, or `none`.
pub fn listed(items: impl IntoIterator<Item = impl ToString>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if items.is_empty() { "none".into() } else { items.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// acceptance 12
    #[test]
    fn a_checkbox_carries_its_values_in_the_order_of_the_options() {
        let option =
            |text: &str| hostwright_crds::VariantOption { value: Choice::Text(text.into()), label: text.into() };
        let boxes =
            Variant { kind: VariantType::Checkbox, options: vec![option("b"), option("a")], ..Variant::default() };
        let chosen = ["a", "b", "a"].map(|text| Choice::Text(text.into()));
        assert_eq!(value_of(&boxes, &chosen), Ok(Some(json!(["b", "a"]))));
        assert_eq!(value_of(&boxes, &[]), Ok(None));
        let one = Variant {
            options: vec![hostwright_crds::VariantOption { value: Choice::Text("1".into()), label: "one".into() }],
            ..Variant::default()
        };
        assert_eq!(value_of(&one, &[Choice::Number(1)]), Ok(Some(json!("1"))), "as the package spells it");
    }
}
