//! `hostwright import`: what a provider has and whose it is, and manifests that take over what nobody knows. Nothing is changed.

mod manifests;

use clap::Args;
use hostwright_crds::Adoption;
use hostwright_plugin::Present;
use serde_json::{Value, json};

use super::failure::Failure;
use super::output::{Output, Span, Tone};
use super::panel::{Known, NamedInstance, Panel, Whose};
use super::{Format, program};
use manifests::Writing;

const EXPLAINED: &str = "\
ours: a service knows it. claimed: a service is to take it over. orphaned: it has our mark, and no object knows it. others': it has \
another mark. unmarked: nobody has marked it.

With --manifests every remote that is unmarked or orphaned becomes a HostingService that takes it over, and that never makes another \
one. What nobody can know is left empty, which the API refuses: fill it in.";

#[derive(Debug, Args)]
#[command(after_help = EXPLAINED)]
pub(super) struct Arguments {
    #[command(flatten)]
    panel: NamedInstance,
    /// Only this remote, by its id; may be given several times
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    /// Print manifests that take over what is unmarked or orphaned, in place of the list
    #[arg(long, conflicts_with = "output")]
    manifests: bool,
    /// The Package in the manifests; absent: the one that fits, where there is one
    #[arg(long, value_name = "NAME", requires = "manifests")]
    package: Option<String>,
    /// The namespace in the manifests of what is unmarked; absent: that of the kubeconfig
    #[arg(short, long, value_name = "NAMESPACE", requires = "manifests")]
    namespace: Option<String>,
    /// For programs
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let panel = arguments.panel.reach().await?;
    let (remotes, known) = (panel.remotes().await?, panel.known().await?);
    if let Some(absent) = arguments.only.iter().find(|id| !remotes.iter().any(|present| present.remote.id == **id)) {
        return Err(Failure::failed(format!("{}: there is no remote {absent}", panel.name())));
    }
    let wanted = |present: &Present| arguments.only.is_empty() || arguments.only.contains(&present.remote.id);
    let all: Vec<(Present, Whose)> = remotes
        .into_iter()
        .filter(wanted)
        .map(|present| {
            let whose = known.whose(&present);
            (present, whose)
        })
        .collect();
    if arguments.output.is_some() {
        return output.json(&all.iter().map(in_json).collect());
    }
    if arguments.manifests {
        return write(&arguments, &panel, &known, &all, output).await;
    }
    output.rows(&["REMOTE-ID", "WHOSE", "SERVICE", "STATE", "OWNER", "MARK", "URL"], all.iter().map(row).collect())?;
    output.line("")?;
    output.line(&summary(panel.name(), &all))?;
    advise(&panel, &all, output);
    Ok(())
}

async fn write(
    arguments: &Arguments,
    panel: &Panel,
    known: &Known,
    all: &[(Present, Whose)],
    output: &Output,
) -> Result<(), Failure> {
    let packages = panel.packages().await?;
    let plugin = (panel.plugin.as_ref(), panel.instance.spec.owner_scope);
    let namespace = arguments.namespace.as_deref().unwrap_or_else(|| panel.default_namespace());
    let writing = Writing::new(panel.name(), plugin, &packages, arguments.package.as_deref(), namespace)?;
    let (text, left_out) = writing.of_all(all, known);
    if !left_out.is_empty() {
        output.remark(&format!(
            "Left out: remote {}. No new service can have that mark: an object of that name has ended, or the mark holds no name.",
            left_out.join(", ")
        ));
    }
    if text.is_empty() {
        if left_out.is_empty() {
            output.remark(&format!("{} has nothing that is unmarked or orphaned.", panel.name()));
        }
        return Ok(());
    }
    output.text(&text)?;
    advise_adoption(panel, output);
    Ok(())
}

fn in_json((present, whose): &(Present, Whose)) -> Value {
    let owner = present.owner.as_ref().map(|owner| json!({"email": owner.email, "name": owner.name}));
    json!({
        "id": present.remote.id, "whose": whose.word().trim_end_matches('\''), "service": whose.service(),
        "externalId": present.external_id, "ownerKey": present.owner_key, "owner": owner,
        "state": present.state, "url": present.remote.url, "applied": present.applied,
    })
}

fn row((present, whose): &(Present, Whose)) -> Vec<Span> {
    let tone = match whose {
        Whose::Ours(_) | Whose::Claimed(_) => Tone::Good,
        Whose::Orphaned => Tone::Bad,
        Whose::Others => Tone::Plain,
        Whose::Unmarked => Tone::Busy,
    };
    let owner = present.owner.as_ref().map(|owner| owner.email.clone()).or_else(|| present.owner_key.clone());
    let plain = |text: Option<String>| (Tone::Plain, text.unwrap_or_default());
    vec![
        plain(Some(present.remote.id.clone())),
        (tone, whose.word().to_owned()),
        plain(whose.service().map(str::to_owned)),
        plain(Some(format!("{:?}", present.state))),
        plain(owner),
        plain(present.external_id.clone()),
        plain(present.remote.url.clone()),
    ]
}

fn count(all: &[(Present, Whose)], word: &str) -> usize {
    all.iter().filter(|(_, whose)| whose.word() == word).count()
}

fn summary(instance: &str, all: &[(Present, Whose)]) -> String {
    let kinds = ["ours", "claimed", "orphaned", "others'", "unmarked"];
    let told = kinds.map(|word| (count(all, word), word)).into_iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = told.map(|(count, word)| format!("{count} {word}")).collect();
    match told.len() {
        0 => format!("{instance} has no remotes."),
        _ => format!("{instance} has {}.", told.join(", ")),
    }
}

fn advise(panel: &Panel, all: &[(Present, Whose)], output: &Output) {
    let (name, hostwright) = (panel.name(), program::name());
    if count(all, "orphaned") > 0 {
        output.remark(&format!("What is orphaned: {hostwright} orphans {name}"));
    }
    if count(all, "unmarked") == 0 {
        return;
    }
    output.remark(&format!("To take over what is unmarked: {hostwright} import {name} --manifests > services.yaml"));
    advise_adoption(panel, output);
}

fn advise_adoption(panel: &Panel, output: &Output) {
    let name = panel.name();
    if !panel.plugin.capabilities().adopt {
        let plugin = &panel.plugin.manifest().name;
        output.remark(&format!("ProviderInstance {name} cannot take it over: plugin {plugin} has no adoption."));
    } else if panel.instance.spec.adoption != Adoption::Allow {
        output.remark(&format!(
            "ProviderInstance {name} does not allow it yet: kubectl patch hinst {name} --type merge -p \
             '{{\"spec\":{{\"adoption\":\"Allow\"}}}}'"
        ));
    }
}
