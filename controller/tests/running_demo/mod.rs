//! A demo in a process of its own, for tests that drive it with other programs.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

pub const HOSTWRIGHT: &str = env!("CARGO_BIN_EXE_hostwright");

/// A demo that keeps running, and is gone when this is dropped.
pub struct RunningDemo {
    process: Child,
    output: BufReader<ChildStdout>,
    folder: tempfile::TempDir,
}

impl RunningDemo {
    /// Started, settled, and ready for kubectl.
    pub fn settled() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(HOSTWRIGHT)
            .args(["demo", "--panel-listen", "127.0.0.1:0", "--kubeconfig"])
            .arg(folder.path().join("kubeconfig"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut running = Self { process, output, folder };
        running.until("Ctrl-C ends the demo");
        running
    }

    /// Reads on until a line contains this.
    pub fn until(&mut self, wanted: &str) -> String {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            let ended = self.output.read_line(&mut line).unwrap() == 0;
            assert!(!ended, "the demo ended before it said {wanted:?}: {seen}");
            seen.push_str(&line);
            if line.contains(wanted) {
                return seen;
            }
        }
    }

    /// A program, for which kubectl means this demo.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("KUBECONFIG", self.folder().join("kubeconfig"))
            // Discovery is cached by address, and another demo may have had this one.
            .env("KUBECACHEDIR", self.folder().join("cache"));
        command
    }

    /// Where the demo's files are; it goes with the demo.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for RunningDemo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[allow(dead_code, reason = "not every test that drives a demo does so with kubectl")]
/// Whether kubectl is there. Where `HOSTWRIGHT_REQUIRE` names it, it has to be.
pub fn has_kubectl() -> bool {
    let found = Command::new("kubectl").args(["version", "--client"]).output().is_ok_and(|done| done.status.success());
    let required = std::env::var("HOSTWRIGHT_REQUIRE").unwrap_or_default();
    assert!(found || !required.split(',').any(|name| name.trim() == "kubectl"), "kubectl is required and not on PATH");
    if !found {
        eprintln!("skipped: kubectl is not on PATH");
    }
    found
}

/// What a program wrote, on both of its outputs.
pub fn written(done: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr))
}
