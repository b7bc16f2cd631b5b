//! The kinds that a cluster serves, and the words by which people call them.

use hostwright_crds::GROUP;
use kube::api::{ApiResource, DynamicObject};
use kube::core::discovery::v2::{APIGroupDiscoveryList, APIResourceDiscovery};
use kube::{Api, Client, Resource as _};

use super::failure::Failure;
use super::program;
use crate::kube::bounded;

/// A kind as it is served in one version.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    pub(super) resource: ApiResource,
    pub(super) namespaced: bool,
    singular: String,
    short: Vec<String>,
    categories: Vec<String>,
    verbs: Vec<String>,
    /// Whether this is the version of its group that is shown where none is asked for.
    preferred: bool,
}

impl Kind {
    /// `hostingservices.hostwright.dev`
    pub(super) fn name(&self) -> String {
        qualified(&self.resource.plural, &self.resource.group)
    }

    /// `hostingservice.hostwright.dev/alice`, as kubectl calls an object.
    pub(super) fn object(&self, name: &str) -> String {
        format!("{}/{name}", qualified(&self.singular, &self.resource.group))
    }

    /// Its shortest name: what a person types.
    pub(super) fn word(&self) -> &str {
        self.short.first().unwrap_or(&self.resource.plural)
    }

    /// Whether this is one of Hostwright's kinds, of this name.
    pub(super) fn is_ours(&self, kind: &str) -> bool {
        self.resource.group == GROUP && self.resource.kind == kind
    }

    /// Its objects: those of a namespace, where it has any.
    pub(super) fn api(&self, client: &Client, namespace: &str) -> Api<DynamicObject> {
        if self.namespaced {
            Api::namespaced_with(client.clone(), namespace, &self.resource)
        } else {
            Api::all_with(client.clone(), &self.resource)
        }
    }

    /// The path of its objects: those of all namespaces where none is given.
    pub(super) fn path(&self, namespace: Option<&str>) -> String {
        DynamicObject::url_path(&self.resource, namespace.filter(|_| self.namespaced))
    }

    fn can(&self, verb: &str) -> bool {
        self.verbs.iter().any(|known| known == verb)
    }

    fn is_called(&self, word: &str) -> bool {
        let names = [self.resource.plural.as_str(), self.singular.as_str()];
        names.contains(&word)
            || self.short.iter().any(|short| short == word)
            || self.resource.kind.to_lowercase() == word
    }

    /// Whether `hostwright.dev` or `v1alpha1.hostwright.dev` names its group.
    fn is_in(&self, group: &str) -> bool {
        let versioned = format!("{}.{}", self.resource.version, self.resource.group);
        self.resource.group == group || versioned.trim_end_matches('.') == group
    }
}

/// `plural.group`; only `plural` in the core group.
fn qualified(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

/// All kinds that a cluster serves.
#[derive(Debug)]
pub(super) struct Kinds(Vec<Kind>);

impl Kinds {
    /// Asks the cluster.
    pub(super) async fn of(client: &Client) -> Result<Self, Failure> {
        let failed =
            |problem| Failure::failed(format!("cannot ask the Kubernetes API which kinds it serves: {problem}"));
        let core = bounded(client.list_core_api_versions_aggregated()).await.map_err(failed)?;
        let groups = bounded(client.list_api_groups_aggregated()).await.map_err(failed)?;
        // The core group comes first: `events` are those of it, as for kubectl.
        Ok(Self(read(core).chain(read(groups)).collect()))
    }

    /// The kinds that a word names: one by any of its names, or all of a category. `hostingservices.hostwright.dev` and
    /// `hsvc.hostwright.dev` are such words too.
    pub(super) fn called(&self, word: &str) -> Result<Vec<&Kind>, Failure> {
        let lower = word.to_lowercase();
        let (name, group) = lower.split_once('.').unwrap_or((&lower, ""));
        let asked = |kind: &&Kind| kind.can("get") && if group.is_empty() { kind.preferred } else { kind.is_in(group) };
        if let Some(found) = self.0.iter().filter(asked).find(|kind| kind.is_called(name)) {
            return Ok(vec![found]);
        }
        let category: Vec<_> = self.0.iter().filter(asked).filter(|kind| kind.categories.contains(&lower)).collect();
        if category.is_empty() { Err(self.unknown(word)) } else { Ok(category) }
    }

    /// The kind of a manifest.
    pub(super) fn of_manifest(&self, api_version: &str, kind: &str) -> Option<&Kind> {
        self.0.iter().find(|known| known.resource.api_version == api_version && known.resource.kind == kind)
    }

    /// The kinds of a group, each once.
    pub(super) fn of_group(&self, group: &str) -> impl Iterator<Item = &Kind> {
        self.0.iter().filter(move |kind| kind.preferred && kind.resource.group == group && kind.can("list"))
    }

    /// The kind of the services.
    pub(super) fn services(&self) -> Result<&Kind, Failure> {
        self.0.iter().find(|kind| kind.preferred && kind.is_ours("HostingService")).ok_or_else(|| {
            Failure::failed(format!("this cluster does not know Hostwright; install its kinds: {}", install()))
        })
    }

    fn unknown(&self, word: &str) -> Failure {
        let names = || {
            self.0.iter().flat_map(|kind| {
                [kind.resource.plural.as_str(), &kind.singular].into_iter().chain(kind.short.iter().map(String::as_str))
            })
        };
        let near = names().map(|name| (strsim::osa_distance(name, &word.to_lowercase()), name)).min();
        let hint = match near {
            _ if self.services().is_err() && is_ours(word) => {
                format!("; Hostwright's kinds are not installed: {}", install())
            }
            Some((distance, name)) if distance <= 2 => format!(", did you mean {name}?"),
            _ => format!("; a service of that name: {} get hsvc {word}", program::name()),
        };
        Failure::usage(format!("the cluster serves no type {word:?}{hint}"))
    }
}

fn install() -> String {
    let program = program::name();
    format!("{program} crds | {program} apply -f -")
}

fn is_ours(word: &str) -> bool {
    hostwright_crds::manifests::all().into_iter().any(|definition| {
        let names = definition.spec.names;
        let short = names.short_names.unwrap_or_default();
        let all =
            [Some(names.plural), names.singular, Some(names.kind.to_lowercase())].into_iter().flatten().chain(short);
        all.into_iter().any(|name| name == word.to_lowercase())
    })
}

fn read(list: APIGroupDiscoveryList) -> impl Iterator<Item = Kind> {
    list.items.into_iter().flat_map(|group| {
        let name = group.metadata.and_then(|metadata| metadata.name).unwrap_or_default();
        group.versions.into_iter().enumerate().flat_map(move |(rank, served)| {
            let (group, version) = (name.clone(), served.version.unwrap_or_default());
            served.resources.into_iter().filter_map(move |resource| kind(&group, &version, rank == 0, resource))
        })
    })
}

fn kind(group: &str, version: &str, preferred: bool, found: APIResourceDiscovery) -> Option<Kind> {
    let (plural, kind) = (found.resource?, found.response_kind?.kind?);
    let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Some(Kind {
        singular: found.singular_resource.filter(|name| !name.is_empty()).unwrap_or_else(|| kind.to_lowercase()),
        resource: ApiResource { group: group.to_owned(), version: version.to_owned(), api_version, kind, plural },
        namespaced: found.scope.as_deref() == Some("Namespaced"),
        short: found.short_names,
        categories: found.categories,
        verbs: found.verbs,
        preferred,
    })
}

#[cfg(test)]
mod tests {
    use hostwright_apiserver::{Config, Server};
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    use kube::api::PostParams;

    use super::*;

    async fn client(with_kinds: bool) -> Client {
        let client = Client::new(Server::new(Config::default()).router(), "default");
        let api: Api<CustomResourceDefinition> = Api::all(client.clone());
        for definition in hostwright_crds::manifests::all().into_iter().filter(|_| with_kinds) {
            api.create(&PostParams::default(), &definition).await.unwrap();
        }
        client
    }

    #[tokio::test]
    async fn a_kind_is_found_by_every_name_that_people_use() {
        let kinds = Kinds::of(&client(true).await).await.unwrap();
        let words = [
            "hsvc",
            "HostingService",
            "hostingservices",
            "hsvc.hostwright.dev",
            "hostingservices.v1alpha1.hostwright.dev",
        ];
        for word in words {
            let found = kinds.called(word).unwrap();
            assert_eq!(
                found.iter().map(|kind| kind.name()).collect::<Vec<_>>(),
                ["hostingservices.hostwright.dev"],
                "{word}"
            );
        }
        assert_eq!(kinds.called("hostwright").unwrap().len(), 4, "a category");
        assert_eq!(kinds.called("ns").unwrap()[0].object("customers"), "namespace/customers");
        assert_eq!(kinds.called("events").unwrap()[0].resource.group, "", "the core group comes first");
    }

    #[tokio::test]
    async fn a_word_for_nothing_is_answered_with_what_may_have_been_meant() {
        let kinds = Kinds::of(&client(true).await).await.unwrap();
        let said = |word| kinds.called(word).unwrap_err().message().unwrap_or_default().to_owned();
        assert!(said("hsvv").contains("did you mean hsvc?"), "{}", said("hsvv"));
        assert!(said("alice-survival").contains("hostwright get hsvc alice-survival"), "{}", said("alice-survival"));
        let bare = Kinds::of(&client(false).await).await.unwrap();
        let said = bare.called("hsvc").unwrap_err();
        assert!(said.message().unwrap_or_default().contains("hostwright crds | hostwright apply"), "{said:?}");
    }
}
