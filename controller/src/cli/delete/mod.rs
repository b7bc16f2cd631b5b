//! `hostwright delete`: deletes objects, and says while it waits what they wait for.

mod ending;
mod wait;

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};
use kube::api::{DeleteParams, DynamicObject, Preconditions};
use kube::{Api, Client, ResourceExt as _};

use super::apply::DryRun;
use super::cluster::{Target, answer, found};
use super::failure::Failure;
use super::get::missing;
use super::kinds::{Kind, Kinds};
use super::manifests;
use super::output::{self, Output};
use super::program;
use super::selection::select;
pub(super) use wait::until_gone;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// TYPE NAME… or TYPE/NAME…
    #[arg(value_name = "TYPE NAME", required_unless_present = "filenames", conflicts_with = "filenames")]
    words: Vec<String>,
    /// The objects of a file of manifests, a folder of such files, or - for standard input; may be given several times
    #[arg(short, long = "filename", value_name = "FILE|DIR|-")]
    filenames: Vec<PathBuf>,
    #[command(flatten)]
    target: Target,
    /// Wait until the objects are gone
    #[arg(long, action = ArgAction::Set, default_value_t = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "true|false")]
    wait: bool,
    /// The longest that is waited, such as 90s or 10m
    #[arg(long, default_value = "5m", value_parser = duration, value_name = "TIME")]
    timeout: Duration,
    /// An object that does not exist is deleted
    #[arg(long)]
    ignore_not_found: bool,
    /// Ask the server what it would do, and change nothing
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "server", value_name = "server")]
    dry_run: Option<DryRun>,
    /// Do not ask before servers are ended
    #[arg(short, long)]
    yes: bool,
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<hostwright_crds::Duration>().map(hostwright_crds::Duration::get).map_err(|error| error.to_string())
}

/// An object that is about to be deleted.
pub(super) struct Doomed {
    pub(super) kind: Kind,
    pub(super) api: Api<DynamicObject>,
    pub(super) object: DynamicObject,
}

impl Doomed {
    /// `hostingservice.hostwright.dev/alice`
    fn name(&self) -> String {
        self.kind.object(&self.object.name_any())
    }
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let (client, namespace) = arguments.target.connect().await?;
    let kinds = Kinds::of(&client).await?;
    let named = if arguments.filenames.is_empty() {
        of_words(&kinds, &arguments.words, &namespace)?
    } else {
        of_files(&kinds, &arguments, &namespace)?
    };
    let (doomed, mut failed) = look(&client, named, arguments.ignore_not_found, output).await;
    if arguments.dry_run.is_none() && !arguments.yes && !is_agreed(&client, &kinds, &doomed, output).await? {
        return Err(Failure::failed("nothing was deleted"));
    }
    let mut deleted = Vec::new();
    for one in doomed {
        match delete(&one, arguments.dry_run.is_some()).await {
            Ok(()) => {
                output.line(&format!("{} deleted{}", one.name(), DryRun::mark(arguments.dry_run)))?;
                deleted.push(one);
            }
            Err(problem) => {
                failed = true;
                output.problem(&problem);
            }
        }
    }
    if arguments.wait && arguments.dry_run.is_none() {
        until_gone(deleted, arguments.timeout, output).await?;
    }
    if failed { Err(Failure::said()) } else { Ok(()) }
}

/// A kind, a namespace and a name.
type Named = (Kind, String, String);

fn of_words(kinds: &Kinds, words: &[String], namespace: &str) -> Result<Vec<Named>, Failure> {
    let mut named = Vec::new();
    for selection in select(kinds, words)? {
        if selection.names.is_empty() {
            let word = selection.kind.word();
            let program = program::name();
            return Err(Failure::usage(format!("name what is to be deleted: {program} delete {word} NAME…")));
        }
        named.extend(selection.names.into_iter().map(|name| (selection.kind.clone(), namespace.to_owned(), name)));
    }
    Ok(named)
}

/// In the order of the files, as kubectl does it.
fn of_files(kinds: &Kinds, arguments: &Arguments, namespace: &str) -> Result<Vec<Named>, Failure> {
    let mut named = Vec::new();
    for manifest in manifests::read_all(&arguments.filenames)? {
        let (version, kind) = (manifest.text("/apiVersion"), manifest.text("/kind"));
        let Some(kind) = kinds.of_manifest(version, kind) else {
            // What is of a kind that is not served does not exist.
            if arguments.ignore_not_found {
                continue;
            }
            let place = manifest.place_of("kind");
            return Err(Failure::failed(format!("{place}: kind: the cluster serves no {kind} of {version}")));
        };
        let own = Some(manifest.text("/metadata/namespace")).filter(|own| !own.is_empty());
        if let (Some(own), Some(asked)) = (own, arguments.target.namespace())
            && own != asked
        {
            let place = manifest.place_of("metadata.namespace");
            return Err(Failure::failed(format!("{place}: metadata.namespace is {own}, and -n asked for {asked}")));
        }
        named.push((kind.clone(), own.unwrap_or(namespace).to_owned(), manifest.text("/metadata/name").to_owned()));
    }
    Ok(named)
}

/// Reads what is about to be deleted, and says what is missing.
async fn look(client: &Client, named: Vec<Named>, ignore_not_found: bool, output: &Output) -> (Vec<Doomed>, bool) {
    let (mut doomed, mut failed) = (Vec::new(), false);
    for (kind, namespace, name) in named {
        let api = kind.api(client, &namespace);
        match answer(api.get(&name)).await {
            Ok(object) => doomed.push(Doomed { kind, api, object }),
            Err(refusal) if refusal.is_absent() && ignore_not_found => {}
            Err(refusal) => {
                failed = true;
                output.problem(&missing(&kind, &name, Some(&namespace), &refusal));
            }
        }
    }
    (doomed, failed)
}

/// Whether a person agrees to what ends with these objects. Scripts are not asked, as with kubectl.
async fn is_agreed(client: &Client, kinds: &Kinds, doomed: &[Doomed], output: &Output) -> Result<bool, Failure> {
    if !output::can_ask() {
        return Ok(true);
    }
    let endings = ending::with(client, kinds, doomed).await?;
    if endings.is_empty() {
        return Ok(true);
    }
    output.line("This ends for ever, with everything on it:")?;
    endings.iter().try_for_each(|ending| output.line(&format!("  {ending}")))?;
    output.line("To keep a server, set deletionPolicy Retain first.")?;
    let answer = output.ask("Type yes to go on: ").await?;
    Ok(answer.eq_ignore_ascii_case("yes"))
}

/// Deletes the very object that was shown: one made anew under its name stays.
async fn delete(doomed: &Doomed, dry_run: bool) -> Result<(), String> {
    let name = doomed.object.name_any();
    let preconditions = Preconditions { uid: doomed.object.uid(), resource_version: None };
    let params = DeleteParams { dry_run, preconditions: Some(preconditions), ..DeleteParams::background() };
    // Another deletion of it may have been faster.
    let deleted = found(doomed.api.delete(&name, &params)).await;
    deleted.map(drop).map_err(|refusal| format!("{}: {refusal}", doomed.name()))
}
