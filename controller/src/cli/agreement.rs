//! Asking a person before what cannot be undone.

use super::failure::Failure;
use super::output::{self, Output};

/// Goes on only where a person agrees, now or by `--yes`.
pub(super) async fn ask(warning: &str, yes: bool, output: &Output) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !output::can_ask() {
        return Err(Failure::usage(format!(
            "{warning} This is no terminal to ask on; to go on all the same, add --yes"
        )));
    }
    output.line(warning)?;
    let answer = output.ask("Type yes to go on: ").await?;
    if answer.eq_ignore_ascii_case("yes") { Ok(()) } else { Err(Failure::failed("nothing was changed")) }
}
