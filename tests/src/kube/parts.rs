//! The parts of a control plane, each a process.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Stdio};

use super::programs::Programs;

/// A running part. It ends with this value, and, since it watches its standard input, with this process too.
pub(super) struct Part {
    name: &'static str,
    process: Child,
    log: std::path::PathBuf,
}

impl Part {
    pub(super) fn start(programs: &Programs, name: &'static str, directory: &Path, flags: &[String]) -> Self {
        let log = directory.join(format!("{name}.log"));
        let output = File::create(&log).unwrap();
        let process = programs
            .command(name)
            .args(flags)
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
        Self { name, process, log }
    }

    pub(super) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Fails with the end of its log when it is no longer there.
    pub(super) fn must_run(&mut self) {
        if let Some(status) = self.process.try_wait().unwrap() {
            panic!("{} ended with {status}:\n{}", self.name, self.last_words());
        }
    }

    /// The end of its log.
    pub(super) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Where it has ended by itself there is nothing to kill.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Free ports of this machine. All are held until all are known, so that none is given twice.
pub(super) fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    let listeners: [TcpListener; COUNT] = std::array::from_fn(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}
