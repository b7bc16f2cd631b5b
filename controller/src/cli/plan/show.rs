//! A plan in words and as JSON.

use hostwright_crds::Verb;
use serde_json::{Value, json};

use super::super::Format;
use super::super::failure::Failure;
use super::super::output::{Output, Tone};
use super::Outlook;
use crate::service::foresee::{Effect, Foreseen, Weight};

pub(super) fn show(outlooks: &[Outlook], format: Option<Format>, output: &Output) -> Result<(), Failure> {
    if let Some(Format::Json) = format {
        return output.json(&outlooks.iter().map(as_json).collect());
    }
    for outlook in outlooks {
        let Outlook { name, foreseen } = outlook;
        match foreseen {
            Ok(foreseen) if foreseen.effects.is_empty() && foreseen.held.is_none() => {}
            Ok(foreseen) => {
                output.line(&format!("HostingService {name}"))?;
                show_one(foreseen, output)?;
            }
            Err(problem) => output.problem(&format!("HostingService {name}: the provider does not say: {problem}")),
        }
    }
    output.line(&summary(outlooks))
}

fn show_one(foreseen: &Foreseen, output: &Output) -> Result<(), Failure> {
    for effect in &foreseen.effects {
        let (mark, tone) = match effect.weight {
            Weight::Creates => ("+", Tone::Good),
            Weight::Changes => ("~", Tone::Plain),
            Weight::Disturbs => ("!", Tone::Busy),
            Weight::Destroys => ("-", Tone::Bad),
        };
        output.spans(&[(tone, format!("  {mark} {}", in_words(effect)))])?;
        for detail in &effect.details {
            output.line(&format!("      {detail}"))?;
        }
    }
    match &foreseen.held {
        Some(hold) if foreseen.stalled => {
            output.spans(&[(Tone::Bad, format!("  x {}", hold.reason)), (Tone::Plain, format!(": {}", hold.message))])
        }
        Some(hold) => output.line(&format!("    waits, {}: {}", hold.reason, hold.message)),
        None => Ok(()),
    }
}

fn in_words(effect: &Effect) -> &'static str {
    match (effect.verb, effect.weight) {
        (Verb::Create, _) => "create",
        (Verb::Adopt, _) => "adopt",
        (Verb::Suspend, _) => "suspend: the customer cannot use it",
        (Verb::Unsuspend, _) => "unsuspend",
        (Verb::Scale, Weight::Destroys) => "scale, and lose data",
        (Verb::Scale, Weight::Disturbs) => "scale, with an interruption",
        (Verb::Scale, _) => "scale",
        (Verb::Renew, _) => "renew",
        (Verb::Rotate, _) => "issue new credentials",
        (Verb::Terminate, _) => "end: everything on it is lost",
    }
}

fn summary(outlooks: &[Outlook]) -> String {
    let known: Vec<&Foreseen> = outlooks.iter().filter_map(|outlook| outlook.foreseen.as_ref().ok()).collect();
    let with = |weight: Weight| known.iter().filter(|it| heaviest(it) == Some(weight)).count();
    let held = known.iter().filter(|it| it.held.is_some()).count();
    let unknown = outlooks.len() - known.len();
    let still = known.iter().filter(|it| it.effects.is_empty() && it.held.is_none()).count();
    let told = [
        (with(Weight::Creates), "to create"),
        (with(Weight::Changes), "to change"),
        (with(Weight::Disturbs), "to disturb"),
        (with(Weight::Destroys), "to destroy"),
        (held, "held back"),
        (unknown, "not known"),
        (still, "to leave as they are"),
    ];
    let told: Vec<String> =
        told.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let told = if told.is_empty() { "no services".to_owned() } else { told.join(", ") };
    format!("Plan: {told}. Nothing was changed.")
}

fn heaviest(foreseen: &Foreseen) -> Option<Weight> {
    foreseen.effects.iter().map(|effect| effect.weight).max()
}

fn as_json(outlook: &Outlook) -> Value {
    match &outlook.foreseen {
        Err(problem) => json!({"service": outlook.name, "error": problem}),
        Ok(foreseen) => {
            let effects: Vec<Value> = foreseen
                .effects
                .iter()
                .map(|it| json!({"verb": it.verb, "effect": format!("{:?}", it.weight), "details": it.details}))
                .collect();
            let held = foreseen.held.as_ref().map(|hold| json!({"reason": hold.reason, "message": hold.message}));
            json!({"service": outlook.name, "effects": effects, "held": held, "stalled": foreseen.stalled})
        }
    }
}
