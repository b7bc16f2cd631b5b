//! The program that knows the algorithm.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hostwright_tests::kube::is_required;
use serde::Deserialize;
use serde_json::Value;

pub struct Kstatus(PathBuf);

/// What it says of an object.
#[derive(Debug, Deserialize)]
pub struct Verdict {
    pub status: String,
    pub message: String,
}

impl Kstatus {
    /// As `just kstatus` builds it. None, and words about it, where that was not run.
    pub fn find() -> Option<Self> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/kube/kstatus");
        if program.is_file() {
            return Some(Self(program));
        }
        let missing = "`just kstatus` was not run";
        assert!(!is_required("kstatus"), "{missing}; HOSTWRIGHT_REQUIRE forbids to skip this");
        eprintln!("skipped: {missing}");
        None
    }

    /// One verdict for each object.
    pub fn verdicts<'a>(&self, objects: impl Iterator<Item = &'a Value>) -> Vec<Verdict> {
        let input = objects.map(Value::to_string).collect::<Vec<_>>().join("\n");
        let mut process = Command::new(&self.0).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = process.stdin.take().unwrap();
        // It answers while it reads.
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let done = process.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        assert!(done.status.success(), "{}", done.status);
        serde_json::Deserializer::from_slice(&done.stdout).into_iter().map(Result::unwrap).collect()
    }
}
