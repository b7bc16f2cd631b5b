//! Holders: who suspends a service, and how each suspension is lifted. Pure.

use serde_json::Value;

use super::failure::Failure;
use super::service::Service;

/// The longest name, as the definition of the kind has it.
const LONGEST: usize = 63;
/// Stands for `desiredStatus: Suspended`.
const SPEC: &str = "spec";
/// Stands for the overdue policy of the package.
const POLICY: &str = "policy";

/// Reads the name of a holder that a person may write.
pub(super) fn parse(given: Option<&str>) -> Result<&str, Failure> {
    let what = "A holder is whoever suspends, one key for each desk or program, such as billing or abuse-desk: a suspension \
                is lifted by the key that made it, and lifting one lifts no other";
    let Some(holder) = given else { return Err(Failure::usage(format!("say who it is: --holder HOLDER. {what}"))) };
    match holder {
        SPEC => Err(Failure::usage(
            "holder spec is taken: it stands for desiredStatus Suspended, which whoever wrote that sets to Active again",
        )),
        POLICY => Err(Failure::usage(
            "holder policy is taken: it stands for the overdue policy of the package, which a payment lifts \
             (spec.renewal.paidUntil)",
        )),
        _ if is_name(holder) => Ok(holder),
        _ => Err(Failure::usage(format!(
            "--holder {holder:?}: expected 1 to {LONGEST} lower-case letters, digits, dots and dashes. {what}"
        ))),
    }
}

fn is_name(holder: &str) -> bool {
    let inner = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || b"-.".contains(&letter);
    let outer = |letter: Option<&u8>| letter.is_some_and(u8::is_ascii_alphanumeric);
    let letters = holder.as_bytes();
    letters.len() <= LONGEST && letters.iter().copied().all(inner) && outer(letters.first()) && outer(letters.last())
}

/// Who suspends a service, by what it says itself and by what stands in its spec.
pub(super) fn in_force(service: &Service) -> Vec<&str> {
    let told = service.at("/status/suspendedBy").as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut holders: Vec<&str> = told.collect();
    let written = service.at("/spec/suspensions").as_object().into_iter().flatten().map(|(holder, _)| holder.as_str());
    for holder in written {
        if !holders.contains(&holder) {
            holders.push(holder);
        }
    }
    holders
}

/// Each of these holders with how its suspension is lifted.
pub(super) fn told(service: &Service, holders: &[&str]) -> String {
    holders.iter().map(|holder| lifted(service, holder)).collect::<Vec<_>>().join("; ")
}

fn lifted(service: &Service, holder: &str) -> String {
    match holder {
        SPEC => "spec, lifted by desiredStatus Active".to_owned(),
        POLICY => "policy, lifted by a payment".to_owned(),
        _ => {
            let why = &service.at("/spec/suspensions")[holder];
            match why["reason"].as_str() {
                Some(reason) => format!("{holder} ({reason}), lifted by --holder {holder}"),
                None => format!("{holder}, lifted already and not done yet"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::service::fixture::{alice, cluster};
    use super::*;

    #[test]
    fn what_is_no_holder_is_refused_with_what_one_is() {
        assert_eq!(parse(Some("abuse-desk")).unwrap(), "abuse-desk");
        assert_eq!(parse(Some("billing.eu-1")).unwrap(), "billing.eu-1");
        let long = "a".repeat(LONGEST + 1);
        for wrong in [None, Some(""), Some("Billing"), Some("-a"), Some("a."), Some("a b"), Some("ä"), Some(&long)] {
            let refused = parse(wrong).unwrap_err();
            assert_eq!(refused.exit_code(), 2);
            assert!(refused.message().unwrap_or_default().contains("A holder is whoever suspends"), "{wrong:?}");
        }
        let said = |holder| parse(Some(holder)).unwrap_err().message().unwrap_or_default().to_owned();
        assert!(said(SPEC).contains("desiredStatus") && said(POLICY).contains("payment"));
    }

    #[tokio::test]
    async fn each_holder_in_force_is_named_with_how_it_is_lifted() {
        let client = cluster().await;
        let suspensions = json!({"billing": {"reason": "Overdue"}, "abuse-desk": {"reason": "TermsOfService"}});
        let status = json!({"suspendedBy": ["spec", "policy", "billing", "sales"]});
        let service = alice(&client, |order| order["spec"]["suspensions"] = suspensions, status).await;
        let holders = in_force(&service);
        assert_eq!(holders, ["spec", "policy", "billing", "sales", "abuse-desk"]);
        assert_eq!(
            told(&service, &holders),
            "spec, lifted by desiredStatus Active; policy, lifted by a payment; billing (Overdue), lifted by --holder \
             billing; sales, lifted already and not done yet; abuse-desk (TermsOfService), lifted by --holder abuse-desk"
        );
    }
}
