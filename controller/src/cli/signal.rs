//! Being told to stop.

use tokio_util::sync::CancellationToken;

/// Done once the process is interrupted (Ctrl-C) or asked to end (SIGTERM).
///
/// # Errors
/// When the operating system does not deliver signals to this process.
pub(super) async fn stop_requested() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        Ok(())
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

/// Cancelled at the first SIGINT or SIGTERM; at the second the process ends at once, which is safe at any moment.
pub(super) fn stop_on_signal() -> CancellationToken {
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    tokio::spawn(async move {
        if let Err(error) = stop_requested().await {
            tracing::warn!(%error, "cannot wait for signals: the process can only be killed, which is safe");
            return;
        }
        tracing::info!("told to stop; passes that are running finish first, a second signal cuts them off");
        token.cancel();
        if stop_requested().await.is_ok() {
            std::process::exit(1);
        }
    });
    shutdown
}
