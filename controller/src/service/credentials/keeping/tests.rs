use super::*;

fn names(chosen: &[&str], minted: &[&str]) -> CredentialNames {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    CredentialNames { chosen: set(chosen), minted: set(minted) }
}

fn kept(values: &[(&str, &str)]) -> Values {
    values.iter().map(|(key, value)| ((*key).to_owned(), Secret::new(*value))).collect()
}

fn service() -> HostingService {
    let mut service = HostingService::default();
    service.metadata.name = Some("alice".into());
    service.metadata.namespace = Some("customers".into());
    service.metadata.uid = Some("uid-1".into());
    service
}

#[test]
fn a_create_chooses_what_is_not_there_and_leaves_nothing_of_an_earlier_remote() {
    let names = names(&["password"], &["token"]);
    let fresh = after(Values::new(), for_a_create(&Values::new(), &names, false));
    assert_eq!(keys(&fresh), ["password"]);
    assert_eq!(for_a_create(&fresh, &names, false), Changes::new(), "the same on a retry");
    let old = kept(&[("password", "one"), ("password.next", "two"), ("token", "old"), ("note", "mine")]);
    let again = after(old.clone(), for_a_create(&old, &names, false));
    assert_eq!(again, kept(&[("password", "one"), ("note", "mine")]));
    let completed = after(old.clone(), for_a_create(&old, &names, true));
    assert_eq!(completed["token"], Secret::new("old"));
}

#[test]
fn a_rotation_shows_a_chosen_value_only_once_the_provider_took_it() {
    let names = names(&["password"], &["token"]);
    let old = kept(&[("password", "one"), ("token", "old")]);
    let prepared = after(old.clone(), for_a_rotation(&old, &names));
    assert_eq!(
        (keys(&prepared), &prepared["password"]),
        (vec!["password".into(), "token".into()], &Secret::new("one"))
    );
    assert_eq!(for_a_rotation(&prepared, &names), Changes::new(), "the same on a retry");
    let taken_along = chosen_next(&prepared, &names);
    let done = after(prepared.clone(), issued(&prepared, &kept(&[("token", "new")]), true));
    assert_eq!(done["password"], taken_along["password"]);
    assert_eq!((keys(&done).len(), done.len(), &done["token"]), (2, 2, &Secret::new("new")));
}

#[test]
fn values_are_long_mixed_and_never_the_same() {
    let (one, other) = (generate(), generate());
    assert_ne!(one, other);
    assert_eq!(one.expose().len(), LENGTH);
}

#[test]
fn a_secret_is_the_service_s_by_uid_and_goes_with_it() {
    let secret = owned(&service(), "alice-credentials", &Changes::from([("a".into(), Some(Secret::new("b")))]));
    assert!(is_owned(&secret, &service()));
    assert_eq!(values(&secret), kept(&[("a", "b")]));
    let mut other = service();
    other.metadata.uid = Some("uid-2".into());
    assert!(!is_owned(&secret, &other), "made anew under the same name");
}

#[test]
fn what_the_api_says_of_a_value_is_not_repeated() {
    let changes = Changes::from([("a".into(), Some(Secret::new("hunter2-long")))]);
    let error = WriteError::Refused("data[a]: Invalid value: aHVudGVyMi1sb25n or hunter2-long".into());
    let hold = unwritten("customers", "alice-credentials", &error, &changes);
    assert!(!hold.message.contains("hunter2") && !hold.message.contains("aHVudGVy"), "{}", hold.message);
    assert!(hold.message.contains("credentialSecrets.namespaces"), "{}", hold.message);
}

#[test]
fn a_long_name_is_cut_and_stays_one_of_its_own() {
    assert_eq!(secret_name("alice"), "alice-credentials");
    let (one, other) = ("a".repeat(250), "a".repeat(251));
    assert!(secret_name(&one).len() <= NAME_BYTES && secret_name(&one) != secret_name(&other));
}
