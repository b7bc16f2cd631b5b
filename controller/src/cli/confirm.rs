//! `hostwright confirm`: repeats the token that a ProviderInstance's conditions ask for, once a person has read them.

use std::path::PathBuf;

use clap::Args;
use hostwright_crds::{ProviderInstance, annotation};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::json;

use super::cluster;
use super::failure::Failure;
use super::output::{self, Output, Tone};
use crate::kube::{WriteError, bounded};

/// The longest value that status takes note of, in bytes.
const LONGEST: usize = 256;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Name of the ProviderInstance
    instance: String,
    /// Kubeconfig of the cluster; absent: KUBECONFIG, ~/.kube/config, /var/lib/hostwright/kubeconfig, or the Pod's
    /// service account
    #[arg(long, value_name = "FILE", env = "HOSTWRIGHT_KUBECONFIG")]
    kubeconfig: Option<PathBuf>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Change nothing, and print the kubectl command that would
    #[arg(long)]
    dry_run: bool,
}

/// What a condition asks to be confirmed.
#[derive(Debug, PartialEq, Eq)]
struct Question {
    reason: String,
    message: String,
    token: String,
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let Arguments { instance: name, kubeconfig, yes, dry_run } = arguments;
    let client = cluster::connect_also_here(kubeconfig.as_deref()).await?;
    let instance = read(&client, &name).await?;
    let conditions = instance.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let given = instance.annotations().get(annotation::CONFIRM).map(String::as_str).unwrap_or_default();
    let questions = questions(conditions, given);
    if questions.is_empty() {
        return output.line(&format!("ProviderInstance {name}: nothing is to be confirmed"));
    }
    for question in &questions {
        output.spans(&[(Tone::Bad, question.reason.clone()), (Tone::Plain, format!(": {}", question.message))])?;
    }
    let value = with_tokens(given, &questions);
    if dry_run {
        return output.line(&format!("kubectl annotate hinst {name} {}={value} --overwrite", annotation::CONFIRM));
    }
    if !yes && !is_agreed(&name, output).await? {
        return Err(Failure::failed("nothing was confirmed, and nothing was changed"));
    }
    write(&client, &instance, &value).await?;
    output.line(&format!(
        "ProviderInstance {name}: confirmed; see what becomes of it: kubectl get hinst {name} -o wide -w"
    ))
}

async fn read(client: &Client, name: &str) -> Result<ProviderInstance, Failure> {
    let api: Api<ProviderInstance> = Api::all(client.clone());
    bounded(api.get(name)).await.map_err(|error| match error {
        WriteError::Gone => {
            Failure::failed(format!("ProviderInstance {name} does not exist; see those that do: kubectl get hinst"))
        }
        error => Failure::failed(format!("ProviderInstance {name} cannot be read: {error}")),
    })
}

async fn is_agreed(name: &str, output: &Output) -> Result<bool, Failure> {
    if !output::can_ask() {
        return Err(Failure::usage("this is no terminal to ask on; read the above, then add --yes"));
    }
    let answer = output.ask(&format!("Confirm all of this for ProviderInstance {name}? Type yes: ")).await?;
    Ok(answer.eq_ignore_ascii_case("yes"))
}

/// Bound to the version that was read: what a person has not seen is not confirmed.
async fn write(client: &Client, instance: &ProviderInstance, value: &str) -> Result<(), Failure> {
    let name = instance.name_any();
    let api: Api<ProviderInstance> = Api::all(client.clone());
    let patch = json!({"metadata": {
        "uid": instance.uid(), "resourceVersion": instance.resource_version(), "annotations": {annotation::CONFIRM: value},
    }});
    let params = PatchParams { field_manager: Some("hostwright-confirm".to_owned()), ..PatchParams::default() };
    match bounded(api.patch(&name, &params, &Patch::Merge(patch))).await {
        Ok(_) => Ok(()),
        Err(WriteError::Conflict) => Err(Failure::failed(format!(
            "ProviderInstance {name} was changed meanwhile, and nothing was confirmed; run this command again"
        ))),
        Err(error) => Err(Failure::failed(format!("ProviderInstance {name} cannot be annotated: {error}"))),
    }
}

/// What the conditions ask, each once, without what was confirmed already.
fn questions(conditions: &[Condition], given: &str) -> Vec<Question> {
    let mut questions: Vec<Question> = Vec::new();
    for condition in conditions {
        let Some(token) = token(&condition.message) else {
            continue;
        };
        let known =
            tokens(given).any(|given| given == token) || questions.iter().any(|question| question.token == token);
        if !known {
            let (reason, message) = (condition.reason.clone(), condition.message.clone());
            questions.push(Question { reason, message, token: token.to_owned() });
        }
    }
    questions
}

/// The token that a message names, as `hostwright.dev/confirm=TOKEN`.
fn token(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once(&format!("{}=", annotation::CONFIRM))?;
    let end = rest.find(|end: char| !end.is_ascii_alphanumeric()).unwrap_or(rest.len());
    Some(&rest[..end]).filter(|token| !token.is_empty())
}

fn tokens(given: &str) -> impl Iterator<Item = &str> {
    given.split([',', ' ']).filter(|token| !token.is_empty())
}

/// The annotation's new value. Earlier tokens stay while there is room: a confirmed absence is asked about again after a
/// restart.
fn with_tokens(given: &str, questions: &[Question]) -> String {
    let new = questions.iter().map(|question| question.token.as_str());
    let mut all: Vec<&str> = tokens(given).chain(new).collect();
    while all.len() > questions.len() && all.join(",").len() > LONGEST {
        all.remove(0);
    }
    all.join(",")
}

#[cfg(test)]
mod tests {
    use hostwright_crds::{condition, reason};
    use k8s_openapi::jiff::Timestamp;

    use super::*;

    fn told(kind: &str, reason: &str, message: &str) -> Condition {
        condition::new(kind, "True", reason, message, 1, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn what_conditions_ask_is_found_once_and_not_again() {
        let message = "panel-eu: 12 of 30 remotes went missing together. Intended: annotate hostwright.dev/confirm=00ff00ff00. Not \
                       intended: put them back on the panel";
        let conditions = [
            told(condition::READY, reason::MASS_ABSENCE, message),
            told(condition::ENDINGS_HELD, reason::MASS_ABSENCE, message),
            told(condition::STALLED, reason::INLINE_SECRET, "spec.config.api_key: a password does not belong here"),
        ];
        let found = questions(&conditions, "");
        assert_eq!(found.iter().map(|question| question.token.as_str()).collect::<Vec<_>>(), ["00ff00ff00"]);
        assert_eq!(questions(&conditions, "aa,00ff00ff00"), []);
    }

    #[test]
    fn earlier_tokens_stay_while_there_is_room() {
        let question = |token: &str| Question { reason: String::new(), message: String::new(), token: token.into() };
        assert_eq!(with_tokens("", &[question("bb")]), "bb");
        assert_eq!(with_tokens("aa", &[question("bb"), question("cc")]), "aa,bb,cc");
        let many = vec!["0123456789"; 40].join(",");
        let kept = with_tokens(&many, &[question("bb")]);
        assert!(kept.len() <= LONGEST && kept.ends_with(",bb"), "{kept}");
    }
}
