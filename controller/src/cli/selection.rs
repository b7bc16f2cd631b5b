//! What people name on the command line: `hsvc`, `hsvc alice bob`, `hsvc/alice hpkg/small`, `hsvc,hpkg`.

use super::failure::Failure;
use super::kinds::{Kind, Kinds};

/// Objects of one kind.
#[derive(Debug)]
pub(super) struct Selection<'a> {
    pub(super) kind: &'a Kind,
    /// Their names; none: all of the kind.
    pub(super) names: Vec<String>,
}

/// Reads the words: services where there are none.
pub(super) fn select<'a>(kinds: &'a Kinds, words: &[String]) -> Result<Vec<Selection<'a>>, Failure> {
    let Some((first, names)) = words.split_first() else {
        return Ok(vec![Selection { kind: kinds.services()?, names: Vec::new() }]);
    };
    if words.iter().any(|word| word.contains('/')) {
        return pairs(kinds, words);
    }
    names.iter().try_for_each(|name| check(name))?;
    let mut selections = Vec::new();
    for word in first.split(',') {
        let found = kinds.called(word)?;
        selections.extend(found.into_iter().map(|kind| Selection { kind, names: names.to_vec() }));
    }
    Ok(selections)
}

fn pairs<'a>(kinds: &'a Kinds, words: &[String]) -> Result<Vec<Selection<'a>>, Failure> {
    let mut selections: Vec<Selection> = Vec::new();
    for word in words {
        let Some((kind, name)) = word.split_once('/') else {
            return Err(Failure::usage(format!(
                "{word:?} has no slash, and others have; write TYPE/NAME for each of them"
            )));
        };
        check(name)?;
        for kind in kinds.called(kind)? {
            match selections.iter_mut().find(|known| known.kind.name() == kind.name()) {
                Some(known) => known.names.push(name.to_owned()),
                None => selections.push(Selection { kind, names: vec![name.to_owned()] }),
            }
        }
    }
    Ok(selections)
}

/// A name goes into a path: what no name can contain is said here.
pub(super) fn check(name: &str) -> Result<(), Failure> {
    let possible = |letter: char| letter.is_ascii_alphanumeric() || ".-_:".contains(letter);
    if !name.is_empty() && name.chars().all(possible) && !name.chars().all(|letter| letter == '.') {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{name:?} is no name; expected letters, digits, dots and dashes, such as alice-survival"
    )))
}

#[cfg(test)]
mod tests {
    use hostwright_apiserver::{Config, Server};
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    use kube::api::PostParams;
    use kube::{Api, Client};

    use super::*;

    async fn kinds() -> Kinds {
        let client = Client::new(Server::new(Config::default()).router(), "default");
        let api: Api<CustomResourceDefinition> = Api::all(client.clone());
        for definition in hostwright_crds::manifests::all() {
            api.create(&PostParams::default(), &definition).await.unwrap();
        }
        Kinds::of(&client).await.unwrap()
    }

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[tokio::test]
    async fn people_name_objects_as_for_kubectl() {
        let kinds = kinds().await;
        let read = |text: &str| {
            let selections = select(&kinds, &words(text)).unwrap();
            selections.iter().map(|one| format!("{} {}", one.kind.word(), one.names.join(" "))).collect::<Vec<_>>()
        };
        assert_eq!(read(""), ["hsvc "]);
        assert_eq!(read("hpkg"), ["hpkg "]);
        assert_eq!(read("hsvc alice bob"), ["hsvc alice bob"]);
        assert_eq!(read("hsvc,hpkg"), ["hsvc ", "hpkg "]);
        assert_eq!(read("hsvc/alice hpkg/small hsvc/bob"), ["hsvc alice bob", "hpkg small"]);
    }

    #[tokio::test]
    async fn what_cannot_be_meant_is_refused_with_the_exit_code_of_wrong_use() {
        let kinds = kinds().await;
        for wrong in ["nothing", "hsvc/alice bob", "hsvc a?b", "hsvc ..", "hsvc/a/b"] {
            assert_eq!(select(&kinds, &words(wrong)).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }
}
