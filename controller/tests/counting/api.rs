//! The API of a demo as plain HTTP, counted.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use serde_json::json;

use super::Counting;
use crate::running_demo::RunningDemo;

/// A `kubectl proxy`, what is counted in front of it, and a kubeconfig that leads there.
pub struct CountedApi {
    proxy: Child,
    pub requests: Counting,
    pub kubeconfig: PathBuf,
}

impl CountedApi {
    pub fn of(demo: &RunningDemo) -> Self {
        let mut proxy = demo.command("kubectl").args(["proxy", "--port=0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(proxy.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let requests = Counting::before(said.trim().rsplit(' ').next().unwrap());
        let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "plain",
            "contexts": [{"name": "plain", "context": {"cluster": "plain", "user": "", "namespace": "customers"}}],
            "clusters": [{"name": "plain", "cluster": {"server": format!("http://{}", requests.address)}}]});
        let kubeconfig = demo.folder().join("plain");
        fs::write(&kubeconfig, config.to_string()).unwrap();
        Self { proxy, requests, kubeconfig }
    }
}

impl Drop for CountedApi {
    fn drop(&mut self) {
        let _ = self.proxy.kill();
        let _ = self.proxy.wait();
    }
}
