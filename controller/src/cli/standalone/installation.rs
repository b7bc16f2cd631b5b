//! Which installation this is: asked for once, and kept.

use kube::Client;

use super::super::failure::Failure;
use super::super::output::{self, Output};
use super::CREDENTIALS_NAMESPACE;
use crate::kube::{check_installation_id, recorded_installation_id};

const EXPLANATION: &str = "\
This is the first start with this data folder. What is this installation called?

The name is the first part of the id of every server that will be made, such as prod-eu.customers.alice. By it servers are
found again, also after a loss of this machine. It never changes, and no other installation that uses the same panels has
it. Take the name of the environment: prod-eu, myhost, staging.
";

/// What follows from the name that is recorded and the one that was given.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    /// This one.
    Is(String),
    /// Nobody has said yet.
    Ask,
    /// Another one than it always was.
    Refuse { recorded: String, given: String },
}

fn decide(recorded: Option<String>, given: Option<String>) -> Decision {
    match (recorded, given) {
        (Some(recorded), Some(given)) if recorded != given => Decision::Refuse { recorded, given },
        (Some(id), _) | (None, Some(id)) => Decision::Is(id),
        (None, None) => Decision::Ask,
    }
}

/// The value of `--installation-id`.
pub(super) fn parse(text: &str) -> Result<String, String> {
    check_installation_id(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}

/// The installation id: the recorded one, the given one, or the answer of the person at the terminal.
pub(super) async fn settle(client: &Client, given: Option<String>, output: &Output) -> Result<String, Failure> {
    let recorded = recorded_installation_id(client, CREDENTIALS_NAMESPACE).await;
    match decide(recorded.map_err(|error| Failure::failed(error.to_string()))?, given) {
        Decision::Is(id) => Ok(id),
        Decision::Ask if output::can_ask() => ask(output).await,
        Decision::Ask => Err(Failure::usage(
            "--installation-id is missing: this is the first start with this data folder, and no terminal to ask on. It is \
             the first part of every server's id on the panels, never changes, and no other installation that uses the \
             same panels has it: --installation-id prod-eu",
        )),
        Decision::Refuse { recorded, given } => Err(Failure::usage(format!(
            "--installation-id {given}: this data folder belongs to the installation {recorded}, and an installation id never \
             changes, since the servers on the panels are found by it. Start without --installation-id or with {recorded}; \
             another installation needs another --data-dir"
        ))),
    }
}

async fn ask(output: &Output) -> Result<String, Failure> {
    output.line(EXPLANATION)?;
    loop {
        let answer = output.ask("Installation id: ").await?;
        if answer.is_empty() {
            return Err(Failure::usage("no installation id was given, and nothing was started"));
        }
        match check_installation_id(&answer) {
            Ok(()) => return Ok(answer),
            Err(error) => output.problem(&error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_asked_for_once_kept_and_never_changed() {
        let some = |id: &str| Some(id.to_owned());
        let is = |id: &str| Decision::Is(id.to_owned());
        let refused = Decision::Refuse { recorded: "prod-eu".to_owned(), given: "staging".to_owned() };
        let rows = [
            (None, None, Decision::Ask),
            (None, some("prod-eu"), is("prod-eu")),
            (some("prod-eu"), None, is("prod-eu")),
            (some("prod-eu"), some("prod-eu"), is("prod-eu")),
            (some("prod-eu"), some("staging"), refused),
        ];
        for (recorded, given, expected) in rows {
            assert_eq!(decide(recorded.clone(), given.clone()), expected, "{recorded:?}, {given:?}");
        }
    }
}
