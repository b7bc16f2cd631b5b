//! What a person is told once everything runs.

use std::path::Path;

use super::super::failure::Failure;
use super::super::output::{Output, Tone};
use super::Arguments;
use super::world::World;

/// On a terminal in words, elsewhere as an entry of the log.
pub(super) fn say(world: &World, arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let World { installation, address, kubeconfig, .. } = world;
    let (kubeconfig, data) = (kubeconfig.display(), arguments.data_dir.display());
    if !output.is_terminal() {
        tracing::info!(installation, api = %format!("https://{address}"), %kubeconfig, "running");
        return Ok(());
    }
    output.line(&format!("Installation     {installation}"))?;
    output.line(&format!("Kubernetes API   https://{address}"))?;
    output.line(&format!("Kubeconfig       {kubeconfig}"))?;
    if let Some(manifests) = &arguments.manifests {
        output.line(&format!("Manifests        {}", of_manifests(manifests, arguments)))?;
    }
    output.line("\nIn another terminal:\n")?;
    let mut commands = vec![format!("export KUBECONFIG={kubeconfig}")];
    if arguments.manifests.is_none() {
        commands.push("hostwright apply -f FOLDER".to_owned());
    }
    commands.push("hostwright get".to_owned());
    for command in commands {
        output.spans(&[(Tone::Strong, format!("  {command}"))])?;
    }
    output.line(&format!("\nCtrl-C stops it. Everything is kept in {data}, and the servers on the panels run on."))?;
    output.line("What happens is shown here.\n")
}

fn of_manifests(folder: &Path, arguments: &Arguments) -> String {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let (folder, rest) = (folder.display(), arguments.prune_after);
    if arguments.prune {
        format!("{folder}, applied whenever a file changes; what no file asks for is deleted {rest} later")
    } else {
        format!("{folder}, applied whenever a file changes; nothing is deleted")
    }
}
