//! The server as a process of its own, that can be killed.

#![allow(dead_code, reason = "each test binary uses its own part of this module")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use kube::Client;
use kube::config::AuthInfo;

const TOKEN: &str = "secret";

/// A running server; it is killed when this is dropped.
pub struct Process {
    child: Child,
    /// Where it listens; nothing when it ended before it did.
    address: Option<String>,
}

impl Process {
    /// How a server on the directory is started.
    pub fn command(directory: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hostwright-apiserver"));
        command.args(["--token", TOKEN, "--data-dir"]).arg(directory);
        command
    }

    /// Starts a server on the directory.
    pub fn spawn(directory: &Path) -> Child {
        Self::command(directory).stdout(Stdio::piped()).spawn().unwrap()
    }

    /// Waits until a server listens.
    pub fn listening(mut child: Child) -> Self {
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split_whitespace().find(|word| word.starts_with("http://")).map(ToOwned::to_owned);
        Self { child, address }
    }

    /// A client that repeats nothing by itself.
    pub fn client(&self) -> Client {
        let mut config = kube::Config::new(self.address.as_ref().expect("it does not listen").parse().unwrap());
        config.auth_info = AuthInfo { token: Some(TOKEN.to_owned().into()), ..AuthInfo::default() };
        config.default_retry = false;
        Client::try_from(config).unwrap()
    }

    /// SIGKILL: the process gets no chance to do anything more.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
