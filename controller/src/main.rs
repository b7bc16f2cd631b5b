//! The one binary.

use std::process::ExitCode;

use hostwright::cli;

fn main() -> ExitCode {
    let arguments = cli::arguments();
    // Fails only where one is installed already, which nothing before this line does.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return cli::cannot_start(&error),
    };
    let code = runtime.block_on(cli::run(arguments));
    // A read of the terminal that nobody waits for any more must not keep the process.
    runtime.shutdown_background();
    code
}
