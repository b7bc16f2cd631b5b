//! The embedded API server answers like a real one: the same requests go to both, and the answers are compared whole.
//!
//! Each case is a test of its own, `cargo test --test conformance -- create::a_taken_name`. Without a real server the cases
//! are held against what they expect alone; `HOSTWRIGHT_REQUIRE=kube` makes its absence a failure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod case;
mod expect;
mod normal;
mod run;
mod select;
mod server;
mod suite;
mod words;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = libtest_mimic::Arguments::from_args();
    let suite = suite::Suite::start(arguments.list);
    let conclusion = libtest_mimic::run(&arguments, suite.trials());
    // The real server ends with the suite; leaving by `exit` would not let it.
    drop(suite);
    conclusion.exit_code()
}
