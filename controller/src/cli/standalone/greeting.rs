//! What a person is told once everything runs.

use std::path::Path;

use super::super::failure::Failure;
use super::super::output::{Output, Tone};
use super::world::World;

/// On a terminal in words, elsewhere as an entry of the log.
pub(super) fn say(world: &World, data: &Path, output: &Output) -> Result<(), Failure> {
    let World { installation, address, kubeconfig, .. } = world;
    if !output.is_terminal() {
        let kubeconfig = kubeconfig.display();
        tracing::info!(installation, api = %format!("https://{address}"), %kubeconfig, "running");
        return Ok(());
    }
    output.line(&format!("Installation     {installation}"))?;
    output.line(&format!("Kubernetes API   https://{address}"))?;
    output.line(&format!("Kubeconfig       {}", kubeconfig.display()))?;
    output.line("\nIn another terminal:\n")?;
    for command in [format!("export KUBECONFIG={}", kubeconfig.display()), "kubectl get hostwright -A".to_owned()] {
        output.spans(&[(Tone::Strong, format!("  {command}"))])?;
    }
    let data = data.display();
    output.line(&format!("\nCtrl-C stops it; everything is kept in {data}, and the servers on the panels run on.\n"))
}
